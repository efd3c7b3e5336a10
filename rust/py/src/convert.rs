//! Rust's words into Python's, and back.
//!
//! The hot path is `events`: a tuple of six for each request, of which three are small integers that
//! Python never makes twice. What can be long is made from where it lies, without a copy in between.

use crate::failure::Failure;
use crate::inner::Handed;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};
use rtcore_core::engine::{AppEvent, Blob, Events};
use rtcore_core::frame::websocket::Kind;
use rtcore_core::ids::ConnId;
use rtcore_core::room::grants::Grants;
use std::net::IpAddr;
use std::os::fd::IntoRawFd;

/// What the first item of an event says. The table is in `_core.pyi`.
pub(crate) mod kind {
    macro_rules! kinds {
        ($($name:ident = $number:literal,)+) => {
            $(pub const $name: u8 = $number;)+
            /// All of them by name, for the module.
            pub const ALL: &[(&str, u8)] = &[$((stringify!($name), $number),)+];
        };
    }
    kinds! {
        REQUEST = 1,
        RAW_MESSAGE = 2,
        AUTHENTICATE = 3,
        AUTHORIZE = 4,
        REAUTHENTICATE = 5,
        REPLY = 6,
        OPENED = 7,
        RESUMED = 8,
        AWAY = 9,
        ENDED = 10,
        RAW_OPENED = 11,
        RAW_CLOSED = 12,
        RAW_DRAINED = 13,
        DRAINED = 14,
        UNBLOCKED = 15,
        HAND_OVER = 16,
        STREAM_OPENED = 17,
        STREAM_WANTS = 18,
        STREAM_ITEM = 19,
        STREAM_END = 20,
        STREAM_CANCELLED = 21,
        UNASKED = 22,
        REFUSED = 23,
        KEYED = 24,
        STORED = 25,
        CHANGE = 26,
        JOINED = 27,
        LEFT = 28,
        SAID = 29,
        APART = 30,
    }
}

/// All events in order, and after them the connections that were handed over.
pub(crate) fn events<'py>(
    py: Python<'py>,
    events: &mut Events,
    handed: Vec<Handed>,
) -> PyResult<Bound<'py, PyList>> {
    let list = std::mem::take(&mut events.list);
    let mut tuples = Vec::with_capacity(list.len() + handed.len());
    for event in list {
        tuples.push(tuple(py, event, events)?);
    }
    for handed in handed {
        tuples.push(hand_over(py, handed)?);
    }
    PyList::new(py, tuples)
}

fn tuple<'py>(py: Python<'py>, event: AppEvent, events: &Events) -> PyResult<Bound<'py, PyTuple>> {
    let bytes = |blob: Blob| PyBytes::new(py, events.bytes_of(blob));
    match event {
        AppEvent::Request { session, request, handler, form, data, keyed } => {
            let kind = if keyed { kind::KEYED } else { kind::REQUEST };
            (kind, session.0, request, handler, form as u8, bytes(data)).into_pyobject(py)
        }
        AppEvent::RawMessage { conn, kind, data } => raw(py, conn, kind, events.bytes_of(data)),
        AppEvent::RawWhole { conn, kind, data } => raw(py, conn, kind, &data),
        AppEvent::Authenticate { conn, token, client, address, agent, secure } => {
            (kind::AUTHENTICATE, conn.0, token, client, text(address), agent, secure).into_pyobject(py)
        }
        AppEvent::Authorize { session, ticket, room, form, data, resuming } => {
            let data = data.map(bytes);
            (kind::AUTHORIZE, session.0, ticket, room, form as u8, data, resuming).into_pyobject(py)
        }
        AppEvent::Change { session, ticket, room, what, change: (form, change), theirs } => {
            let theirs = theirs.map(|(form, theirs)| (form as u8, bytes(theirs)));
            (kind::CHANGE, session.0, ticket, &*room, what, form as u8, bytes(change), theirs)
                .into_pyobject(py)
        }
        AppEvent::Unasked { conn, ticket } => (kind::UNASKED, conn.0, ticket).into_pyobject(py),
        AppEvent::Reauthenticate { session, ticket, token } => {
            (kind::REAUTHENTICATE, session.0, ticket, token).into_pyobject(py)
        }
        AppEvent::Reply { session, request, form, data, error } => {
            (kind::REPLY, session.0, request, form as u8, data.map(bytes), error).into_pyobject(py)
        }
        AppEvent::Opened { session } => (kind::OPENED, session.0).into_pyobject(py),
        AppEvent::Resumed { session } => (kind::RESUMED, session.0).into_pyobject(py),
        AppEvent::Away { session } => (kind::AWAY, session.0).into_pyobject(py),
        AppEvent::Ended { session, reason } => (kind::ENDED, session.0, reason).into_pyobject(py),
        AppEvent::Joined { session, room } => (kind::JOINED, session.0, &*room).into_pyobject(py),
        AppEvent::Left { session, room, why, empty } => {
            (kind::LEFT, session.0, &*room, why as u8, empty).into_pyobject(py)
        }
        AppEvent::Said { room } => (kind::SAID, &*room).into_pyobject(py),
        AppEvent::RawOpened { conn, path, target, headers, address } => {
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| (PyBytes::new(py, name), PyBytes::new(py, value)))
                .collect();
            (kind::RAW_OPENED, conn.0, path, target, headers, text(address)).into_pyobject(py)
        }
        AppEvent::RawClosed { conn, code, reason } => {
            (kind::RAW_CLOSED, conn.0, code, reason).into_pyobject(py)
        }
        AppEvent::RawDrained { conn } => (kind::RAW_DRAINED, conn.0).into_pyobject(py),
        AppEvent::Drained { session } => (kind::DRAINED, session.0).into_pyobject(py),
        AppEvent::Refused { what, address, text: why } => {
            (kind::REFUSED, what as u8, text(address), why).into_pyobject(py)
        }
        AppEvent::Unblocked { ticket } => (kind::UNBLOCKED, ticket).into_pyobject(py),
        AppEvent::Apart { collection, key, field } => {
            (kind::APART, collection, &*key, &*field).into_pyobject(py)
        }
        AppEvent::Stored { ticket, done } => {
            let (seq, error) = match done {
                Ok(seq) => (seq, None),
                Err(fault) => (0, Some((fault.code.word(), fault.message.into_owned(), fault.retry))),
            };
            (kind::STORED, ticket, seq, error).into_pyobject(py)
        }
        AppEvent::StreamOpened { session, id, stream, form, data } => {
            (kind::STREAM_OPENED, session.0, id, stream, form as u8, bytes(data)).into_pyobject(py)
        }
        AppEvent::StreamWants { session, id } => (kind::STREAM_WANTS, session.0, id).into_pyobject(py),
        AppEvent::StreamItem { session, id, form, data } => {
            (kind::STREAM_ITEM, session.0, id, form as u8, bytes(data)).into_pyobject(py)
        }
        AppEvent::StreamEnd { session, id, error } => {
            (kind::STREAM_END, session.0, id, error).into_pyobject(py)
        }
        AppEvent::StreamCancelled { session, id } => {
            (kind::STREAM_CANCELLED, session.0, id).into_pyobject(py)
        }
    }
}

fn raw<'py>(py: Python<'py>, conn: ConnId, kind: Kind, data: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
    match kind {
        // The core has seen that it is UTF-8; Python looks again, and should they ever differ, says so.
        Kind::Text => (kind::RAW_MESSAGE, conn.0, PyString::from_bytes(py, data)?).into_pyobject(py),
        Kind::Binary => (kind::RAW_MESSAGE, conn.0, PyBytes::new(py, data)).into_pyobject(py),
    }
}

/// The descriptor is Python's from here on; -1 where there is none, because a stream shell has it.
fn hand_over(py: Python<'_>, handed: Handed) -> PyResult<Bound<'_, PyTuple>> {
    let Handed { conn, fd, bytes, address, port, secure, told } = handed;
    let (bytes, address) = (PyBytes::new(py, &bytes), text(address));
    let fd = fd.map_or(-1, IntoRawFd::into_raw_fd);
    let told = told.map(|peer| (text(peer.address), peer.port, peer.secure));
    (kind::HAND_OVER, fd, conn.0, bytes, address, port, secure, told).into_pyobject(py)
}

fn text(address: IpAddr) -> String {
    address.to_string()
}

/// A connection as Python holds it.
pub(crate) fn handle(conn: ConnId) -> u64 {
    conn.0
}

/// Rights by their words.
pub(crate) fn grants_of(words: &[String]) -> Result<Grants, Failure> {
    words.iter().try_fold(Grants::NONE, |grants, word| match Grants::parse(word) {
        Some(grant) => Ok(grants | grant),
        None => Err(Failure::Value(format!("{word:?} is no right: publish, presence or history"))),
    })
}

/// The same, where none given means the room's own.
pub(crate) fn optional_grants_of(words: Option<&[String]>) -> Result<Option<Grants>, Failure> {
    words.map(grants_of).transpose()
}
