//! Writing one message to one connection: the frame in the arena, its reference in the outbox.
//!
//! Parts: Conns, Out, Sessions.

use super::encoding::{self, Press};
use super::{Engine, Refused, errors};
use crate::codes::Code;
use crate::conn::Phase;
use crate::envelope::write as envelope;
use crate::error::Fault;
use crate::frame::http::Refusal;
use crate::frame::websocket::{header_len, opcode, write_header};
use crate::ids::{ConnId, Form, SessionId};
use crate::outbox::{Lane, Meta, Packing};
use crate::session::Session;
use std::sync::Arc;

/// Append a whole unmasked frame whose payload `write` appends. The header's place is kept free
/// before its length is known: as long as that of `least` bytes, or 4, which fits all but the shortest.
pub(super) fn framed(
    out: &mut Vec<u8>,
    form: Form,
    press: Press,
    packing: Packing<'_>,
    least: usize,
    write: impl FnOnce(&mut Vec<u8>),
) {
    let start = out.len();
    // Below 126 bytes the header is shorter; moving these is nothing.
    let room = header_len(least).max(4);
    out.reserve(least.saturating_add(room));
    out.extend_from_slice(&[0; 10][..room]);
    write(out);
    let (mut rsv1, mut opcode) = (false, opcode_of(form));
    let Packing { tools, from, about } = packing;
    if press != Press::Nothing && out.len() - start - room >= from {
        let plain = &out[start + room..];
        let mut packed = Vec::with_capacity(plain.len() / 2);
        let pays = match press {
            Press::Ours(agreed) => tools.pack(agreed, plain, about, &mut packed),
            _ => tools.deflate(plain, about, &mut packed),
        };
        if pays {
            out.truncate(start + room);
            out.extend_from_slice(&packed);
            match press {
                Press::Ours(_) => opcode = opcode::BINARY,
                _ => rsv1 = true,
            }
        }
    }
    let end = out.len();
    let len = end - start - room;
    let need = header_len(len);
    if need > room {
        out.resize(end + need - room, 0);
    }
    if need != room {
        out.copy_within(start + room..end, start + need);
        out.truncate(start + need + len);
    }
    let mut header = [0u8; 10];
    let header = short_header(&mut header, opcode, rsv1, len);
    out[start..start + need].copy_from_slice(header);
}

/// The header in a buffer on the stack, for the sizes that are common; RFC 6455 §5.2.
fn short_header(buffer: &mut [u8; 10], opcode: u8, rsv1: bool, len: usize) -> &[u8] {
    buffer[0] = 0x80 | (u8::from(rsv1) << 6) | opcode;
    if let Ok(short @ 0..=125) = u8::try_from(len) {
        buffer[1] = short;
        return &buffer[..2];
    }
    if let Ok(middle) = u16::try_from(len) {
        buffer[1] = 126;
        buffer[2..4].copy_from_slice(&middle.to_be_bytes());
        return &buffer[..4];
    }
    buffer[1] = 127;
    buffer[2..10].copy_from_slice(&(len as u64).to_be_bytes());
    &buffer[..10]
}

/// The opcode of messages in a form.
pub(super) const fn opcode_of(form: Form) -> u8 {
    match form {
        Form::Json => opcode::TEXT,
        Form::Msgpack => opcode::BINARY,
    }
}

impl Engine {
    /// Say a message to one connection in an encoding, whatever waits already.
    pub(super) fn post(
        &mut self,
        id: ConnId,
        lane: Lane,
        meta: Meta,
        encoding: u8,
        write: impl FnOnce(&mut Vec<u8>, Form),
    ) {
        self.out.say_packed(id, lane, meta, |out, packing| encoding::message(out, encoding, packing, write));
    }

    /// Say something to one connection, ahead of waiting data.
    pub(super) fn tell(&mut self, id: ConnId, write: impl FnOnce(&mut Vec<u8>, Form)) {
        self.tell_as(id, true, write);
    }

    /// The same; what holds a key or a ticket is never compressed.
    pub(super) fn tell_as(&mut self, id: ConnId, compressible: bool, write: impl FnOnce(&mut Vec<u8>, Form)) {
        let Some(conn) = self.conn(id) else { return };
        if conn.phase() == Phase::Closing {
            return;
        }
        let mut encoding = conn.encoding();
        if !compressible || self.excludes {
            encoding = encoding::uncompressed(encoding);
        }
        self.post(id, Lane::Control, Meta::Control, encoding, write);
    }

    /// Say something to a session, if it is there: between two polls it is kept for the next.
    pub(super) fn tell_session(&mut self, id: SessionId, write: impl FnOnce(&mut Vec<u8>, Form)) {
        let Some(session) = self.session_mut(id) else { return };
        match (session.conn(), session.link_mut()) {
            (Some(conn), _) => self.tell(conn, write),
            (None, Some(link)) => link.keep(|out| write(out, Form::Json)),
            (None, None) => {}
        }
    }

    /// Say the answer to the request `answers` (none: to what had no id). Over plain HTTP it takes the answer of the
    /// `send` that brought the request, while that waits for it.
    pub(super) fn tell_reply(
        &mut self,
        id: SessionId,
        answers: Option<u64>,
        write: impl FnOnce(&mut Vec<u8>, Form),
    ) {
        let sending = self.session(id).and_then(Session::sending);
        match sending.and_then(|conn| self.waiting_send(conn, answers)) {
            Some(request) => {
                request.reply(answers, |out| write(out, Form::Json));
                if let Some(conn) = sending {
                    self.out.enlist(conn);
                }
            }
            None => self.tell_session(id, write),
        }
    }

    /// A fault in a message: an error ack if it had a usable id, else an `error`.
    pub(super) fn tell_fault(&mut self, session: SessionId, fault: &Fault) {
        self.stats.fault(fault.code);
        if self.config.tells_faults && fault.code == Code::InvalidMessage {
            self.tell_refused_of(session, Refused::Message, fault.code.word(), &fault.message);
        }
        let error = errors::of_fault(fault);
        self.tell_reply(session, fault.id, |out, form| match fault.id {
            Some(request) => envelope::ack_error(out, form, request, &error),
            None => envelope::error(out, form, &error),
        });
    }

    /// A request was refused: for the log.
    pub(super) fn tell_refused(&mut self, id: ConnId, refusal: &Refusal) {
        let Some(conn) = self.conn(id) else { return };
        let address = conn.address();
        let text = || format!("{} {}: {}", refusal.status, refusal.code.word(), refusal.message);
        self.events.refuse(Refused::Request, address, text);
    }

    /// What a session wanted was refused: for the log.
    pub(super) fn tell_refused_of(&mut self, id: SessionId, what: Refused, code: &str, message: &str) {
        let Some(session) = self.session(id) else { return };
        let (address, name) = (session.address(), Arc::clone(session.name()));
        self.events.refuse(what, address, || format!("{code}: {message} (session {name})"));
    }

    /// A control frame of the WebSocket itself.
    pub(super) fn tell_frame(&mut self, id: ConnId, lane: Lane, opcode: u8, payload: &[u8]) {
        self.out.say(id, lane, Meta::Control, |out| {
            write_header(out, opcode, false, payload.len());
            out.extend_from_slice(payload);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Press, framed};
    use crate::compress::Tools;
    use crate::frame::websocket::{opcode, write_header};
    use crate::ids::Form;
    use crate::outbox::Packing;

    #[test]
    fn a_frame_of_any_length_has_its_shortest_header() {
        for len in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let payload = vec![b'x'; len];
            let mut expected = b"before".to_vec();
            write_header(&mut expected, opcode::TEXT, false, len);
            expected.extend_from_slice(&payload);
            for least in [0, len.min(126), len] {
                let mut out = b"before".to_vec();
                let packing = Packing { tools: &mut Tools::default(), from: 0, about: 0 };
                framed(&mut out, Form::Json, Press::Nothing, packing, least, |out| {
                    out.extend_from_slice(&payload);
                });
                assert!(out == expected, "length {len}, at least {least}");
            }
        }
    }
}
