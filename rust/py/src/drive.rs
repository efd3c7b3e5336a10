//! Methods of `Core` by which it is driven: by the reactor, and by the stream shell.

use crate::away::away;
use crate::convert::{events, handle};
use crate::core::Core;
use crate::failure::Failure;
use crate::inner::{Inner, Taken};
use crate::keeping::Keeping;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use rtcore_core::engine::Peer;
use rtcore_core::ids::{ConnId, Now, Tick};
use rtcore_reactor::{Mail, duplicate};
use std::net::IpAddr;
use std::time::Duration;

/// Pieces of output that are looked at together.
const PIECES: usize = 256;

impl Core {
    /// Do something with the core, and make what came of it into Python's events.
    fn then_events<'py>(
        &self,
        py: Python<'py>,
        work: impl FnOnce(&mut Inner) -> Result<(), Failure>,
    ) -> PyResult<Bound<'py, PyList>> {
        let taken = {
            let mut inner = self.lock();
            work(&mut inner)?;
            inner.take()?
        };
        self.convert(py, taken)
    }

    /// The lock is not held here: see `lib.rs`.
    fn convert<'py>(&self, py: Python<'py>, taken: Option<Taken>) -> PyResult<Bound<'py, PyList>> {
        let Some(Taken { events: mut told, handed }) = taken else { return Ok(PyList::empty(py)) };
        let list = events(py, &mut told, handed);
        self.lock().give_back(told);
        list
    }
}

fn address_of(text: &str) -> Result<IpAddr, Failure> {
    let address = text.parse::<IpAddr>();
    let address =
        address.map_err(|_| Failure::Value(format!("{text:?} is no IP address, like 192.0.2.1 or ::1")))?;
    Ok(address.to_canonical())
}

/// The reactor.
#[pymethods]
impl Core {
    fn fileno(&self) -> Result<i32, Failure> {
        Ok(self.lock().shard()?.fd())
    }

    fn listen(&self, fd: i32) -> Result<(), Failure> {
        let fd = duplicate(fd)?;
        let sender = self.lock().shard()?.sender();
        Ok(sender.send(Mail::Listen(fd))?)
    }

    #[pyo3(signature = (fd, data, told = None))]
    fn adopt(&self, fd: i32, data: &[u8], told: Option<(String, u16, bool)>) -> Result<(), Failure> {
        let told = match told {
            Some((address, port, secure)) => {
                Some(Peer { address: address_of(&address)?, port, secure, stream: false })
            }
            None => None,
        };
        let fd = duplicate(fd)?;
        let sender = self.lock().shard()?.sender();
        Ok(sender.send(Mail::Adopt(fd, data.to_vec(), told))?)
    }

    #[pyo3(signature = (linger_us = 0))]
    fn turn<'py>(&self, py: Python<'py>, linger_us: u64) -> PyResult<Bound<'py, PyList>> {
        let linger = Duration::from_micros(linger_us);
        let taken = away(py, !linger.is_zero(), || {
            let mut inner = self.lock();
            inner.turn(linger)?;
            let taken = inner.take()?;
            if taken.is_none() && !inner.needs_flush()? {
                inner.end_turn()?;
            }
            Ok::<_, Failure>(taken)
        })?;
        self.convert(py, taken)
    }

    fn flush<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let taken = {
            let mut inner = self.lock();
            inner.flush()?;
            let taken = inner.take()?;
            if taken.is_none() {
                inner.end_turn()?;
            }
            taken
        };
        self.convert(py, taken)
    }

    fn needs_flush(&self) -> Result<bool, Failure> {
        self.lock().needs_flush()
    }

    fn stop_accepting(&self) {
        // Without a poller nobody is accepted anyway.
        if let Some(shard) = &mut self.lock().shard {
            shard.stop_accepting();
        }
    }

    fn close(&self, py: Python<'_>) {
        away(py, true, || {
            let (shard, keeping) = {
                let mut inner = self.lock();
                inner.end_store();
                (inner.shard.take(), inner.keeping.take())
            };
            drop(shard);
            // What is left with a disk that hangs ends with the process.
            let _ = keeping.is_none_or(Keeping::close);
        });
    }
}

/// The stream shell.
#[pymethods]
impl Core {
    fn set_time(&self, tick_ns: u64, wall_ms: u64) -> Result<(), Failure> {
        self.lock().set_time(Now { tick: Tick(tick_ns), wall_ms })
    }

    fn deadline_ns(&self) -> Result<Option<u64>, Failure> {
        Ok(self.lock().engine()?.deadline().map(|tick| tick.0))
    }

    fn advance<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.then_events(py, |inner| {
            let (engine, now) = inner.engine_now()?;
            engine.advance(now);
            inner.settle()
        })
    }

    #[pyo3(signature = (address, port, secure, returns = None, told = false))]
    fn connect_stream(
        &self,
        address: &str,
        port: u16,
        secure: bool,
        returns: Option<&[u8]>,
        told: bool,
    ) -> Result<Option<u64>, Failure> {
        let peer = Peer { address: address_of(address)?, port, secure, stream: true };
        let mut inner = self.lock();
        let (engine, now) = inner.engine_now()?;
        let conn = match returns {
            Some(data) => engine.adopt(peer, !data.is_empty(), told, now),
            None => engine.connect_told(peer, told, now),
        };
        if let Some(conn) = conn {
            inner.streams.add(conn);
        }
        Ok(conn.map(handle))
    }

    fn receive<'py>(&self, py: Python<'py>, conn: u64, data: &[u8]) -> PyResult<Bound<'py, PyList>> {
        self.then_events(py, |inner| {
            inner.receive(ConnId(conn), data)?;
            inner.settle()
        })
    }

    fn end_of_input<'py>(&self, py: Python<'py>, conn: u64) -> PyResult<Bound<'py, PyList>> {
        self.then_events(py, |inner| {
            let (engine, now) = inner.engine_now()?;
            engine.end_of_input(ConnId(conn), now);
            inner.settle()
        })
    }

    fn lost<'py>(&self, py: Python<'py>, conn: u64) -> PyResult<Bound<'py, PyList>> {
        self.then_events(py, |inner| {
            let (engine, now) = inner.engine_now()?;
            engine.lost(ConnId(conn), now);
            inner.streams.remove(ConnId(conn));
            inner.settle()
        })
    }

    fn events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.then_events(py, Inner::settle)
    }

    fn streams_due(&self) -> Result<Vec<u64>, Failure> {
        let mut inner = self.lock();
        inner.settle()?;
        Ok(inner.streams.take_due().into_iter().map(handle).collect())
    }

    #[pyo3(signature = (conn, limit = 65536))]
    fn take_output<'py>(&self, py: Python<'py>, conn: u64, limit: usize) -> PyResult<Bound<'py, PyBytes>> {
        let conn = ConnId(conn);
        let mut output = Vec::new();
        {
            let mut inner = self.lock();
            let (engine, now) = inner.engine_now()?;
            loop {
                let before = output.len();
                let mut pieces = Vec::new();
                engine.gather(conn, &mut pieces, PIECES);
                for piece in pieces {
                    output.extend_from_slice(&piece[..piece.len().min(limit - output.len())]);
                }
                if output.len() == before {
                    break;
                }
                engine.written(conn, output.len() - before, now);
            }
        }
        Ok(PyBytes::new(py, &output))
    }

    fn stream_state(&self, conn: u64) -> u8 {
        self.lock().streams.state(ConnId(conn))
    }
}
