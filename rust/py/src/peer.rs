//! A client's WebSocket, as Python holds it: its handshake, and its codec.

use crate::compress::algorithm_of;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use rtcore_core::frame::Agreed;
use rtcore_core::frame::client::{ClientSocket, Heard};
use rtcore_core::frame::handshake::{self, Answer};
use rtcore_core::ids::Form;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What an item of `take` is.
pub(crate) const HEARD: [(&str, u8); 7] = [
    ("PEER_EVENTS", 0),
    ("PEER_TEXT", 1),
    ("PEER_BINARY", 2),
    ("PEER_PING", 3),
    ("PEER_PONG", 4),
    ("PEER_CLOSE", 5),
    ("PEER_BROKEN", 6),
];

/// One WebSocket of a client's.
#[pyclass(frozen, name = "Peer", module = "rtcore._core")]
pub(crate) struct Peer {
    socket: Mutex<ClientSocket>,
}

impl Peer {
    fn lock(&self) -> MutexGuard<'_, ClientSocket> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn frame<'py>(
        &self,
        py: Python<'py>,
        write: impl FnOnce(&mut ClientSocket, &mut Vec<u8>),
    ) -> Bound<'py, PyBytes> {
        let mut out = Vec::new();
        write(&mut self.lock(), &mut out);
        PyBytes::new(py, &out)
    }
}

#[pymethods]
impl Peer {
    #[new]
    fn new(form: u8, deflate: Option<(bool, bool)>, most: usize, compress_from: usize) -> Self {
        let form = if form == 0 { Form::Json } else { Form::Msgpack };
        let agreed = deflate.map(|(server, client)| Agreed {
            server_no_context_takeover: server,
            client_no_context_takeover: client,
        });
        Self { socket: Mutex::new(ClientSocket::new(form, agreed, most, compress_from)) }
    }

    /// What compresses frames both ways from now on; None: nothing beside permessage-deflate.
    fn agree(&self, algorithm: Option<&str>) -> PyResult<()> {
        let agreed = algorithm.map(algorithm_of).transpose()?;
        self.lock().agree(agreed);
        Ok(())
    }

    /// The bytes of a request that opens a WebSocket.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "Python's lists come as vectors")]
    fn request<'py>(
        py: Python<'py>,
        host: &str,
        path: &str,
        key: &str,
        protocols: Vec<String>,
        extensions: Option<&str>,
    ) -> Bound<'py, PyBytes> {
        let protocols: Vec<&str> = protocols.iter().map(String::as_str).collect();
        let mut out = Vec::new();
        handshake::write_request(host, path, key, &protocols, extensions, &[], &mut out);
        PyBytes::new(py, &out)
    }

    /// The server's answer so far: None, more of it must come; else status, where what follows its head begins, the subprotocol,
    /// and what was agreed of permessage-deflate.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "as above")]
    #[expect(clippy::type_complexity, reason = "a tuple of four is what Python gets")]
    fn response(
        bytes: &[u8],
        key: &str,
        protocols: Vec<String>,
        deflate: bool,
    ) -> PyResult<Option<(u16, usize, Option<String>, Option<(bool, bool)>)>> {
        let protocols: Vec<&str> = protocols.iter().map(String::as_str).collect();
        match handshake::check_response(bytes, key, &protocols, deflate) {
            Ok(Answer::Incomplete) => Ok(None),
            Ok(Answer::Refused(status, body)) => Ok(Some((status, body, None, None))),
            Ok(Answer::Switched(switched, body)) => {
                let agreed = switched
                    .deflate
                    .map(|agreed| (agreed.server_no_context_takeover, agreed.client_no_context_takeover));
                Ok(Some((101, body, switched.protocol.map(str::to_owned), agreed)))
            }
            Err(broken) => Err(PyValueError::new_err(broken.reason.into_owned())),
        }
    }

    /// Bytes of the server: tuples `(kind, payload, number)`.
    fn take<'py>(&self, py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyList>> {
        let (heard, broken) = self.lock().take(bytes);
        let items = PyList::empty(py);
        for one in heard {
            let (kind, payload, number) = match one {
                Heard::Events(all, count) => (0u8, all, count),
                Heard::Text(text) => (1, text, 0),
                Heard::Binary(bytes) => (2, bytes, 0),
                Heard::Ping(payload) => (3, payload, 0),
                Heard::Pong => (4, Vec::new(), 0),
                Heard::Close(code, reason) => (5, reason.into_bytes(), u32::from(code)),
            };
            items.append((kind, PyBytes::new(py, &payload), number))?;
        }
        if let Some(broken) = broken {
            items.append((6u8, PyBytes::new(py, broken.reason.as_bytes()), u32::from(broken.code)))?;
        }
        Ok(items)
    }

    /// The frame of one message.
    fn write<'py>(&self, py: Python<'py>, payload: &[u8], mask: [u8; 4], packs: bool) -> Bound<'py, PyBytes> {
        self.frame(py, |socket, out| socket.write(payload, mask, packs, out))
    }

    /// The answer to a ping.
    fn pong<'py>(&self, py: Python<'py>, payload: &[u8], mask: [u8; 4]) -> Bound<'py, PyBytes> {
        self.frame(py, |socket, out| socket.pong(payload, mask, out))
    }

    /// The last frame.
    fn close<'py>(&self, py: Python<'py>, code: u16, reason: &str, mask: [u8; 4]) -> Bound<'py, PyBytes> {
        self.frame(py, |socket, out| socket.close(code, reason, mask, out))
    }
}

/// What a function gives that is awaited, and has its result already: no coroutine is made.
#[pyclass(name = "Ready", module = "rtcore._core")]
pub(crate) struct Ready {
    value: Option<Py<PyAny>>,
}

#[pymethods]
impl Ready {
    #[new]
    fn new(value: Py<PyAny>) -> Self {
        Self { value: Some(value) }
    }

    fn __await__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&mut self) -> PyResult<Option<()>> {
        match self.value.take() {
            Some(value) => Err(pyo3::exceptions::PyStopIteration::new_err((value,))),
            None => Ok(None),
        }
    }
}
