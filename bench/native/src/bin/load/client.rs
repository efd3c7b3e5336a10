//! One client: its socket, what it still has to send, and what it has heard.

use crate::items::Reader;
use crate::plain::Plain;
use flate2::{Decompress, FlushDecompress, Status};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::net::TcpStream;

/// How far a client has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Opening,
    Open,
    Ready,
    Closed,
}

pub struct Client {
    pub stream: TcpStream,
    pub phase: Phase,
    pub input: Vec<u8>,
    pub output: Vec<u8>,
    pub waits_to_write: bool,
    pub next_id: u64,
    /// When its connection was begun, in nanoseconds of the run.
    pub began: u64,
    pub sent: u64,
    /// When those were due that have no ack, where acks are what counts: they come in the order of the requests.
    pub open: VecDeque<u64>,
    /// Messages with a mark, since the scene began.
    pub heard: u64,
    /// The newest mark. Marks rise, so one that does not was heard out of order or twice.
    pub newest: u64,
    /// Its first message from the server, where the scene wants it back.
    pub greeting: Vec<u8>,
    /// Whether it comes back to a session that it had.
    pub returns: bool,
    /// For one that speaks plain HTTP.
    pub plain: Option<Box<Plain>>,
    /// How far it is with a stream of items.
    pub reader: Reader,
    /// Once compression was agreed.
    inflate: Option<Box<Decompress>>,
}

impl Client {
    pub fn new(stream: TcpStream, head: Vec<u8>, began: u64) -> Self {
        Self {
            stream,
            phase: Phase::Opening,
            input: Vec::new(),
            output: head,
            waits_to_write: false,
            next_id: 1000,
            began,
            sent: 0,
            open: VecDeque::new(),
            heard: 0,
            newest: 0,
            greeting: Vec::new(),
            returns: false,
            plain: None,
            reader: Reader::default(),
            inflate: None,
        }
    }

    /// The server agreed to compress.
    pub fn agree(&mut self) {
        self.inflate = Some(Box::new(Decompress::new(false)));
    }

    /// Write what is waiting. `Err` when the connection is gone.
    pub fn flush(&mut self) -> io::Result<()> {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(count) if count == self.output.len() => self.output.clear(),
                Ok(count) => drop(self.output.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Inflate a message, RFC 7692 §7.2.2. The window is kept: a server that begins each message anew never looks back,
    /// and one that does not may.
    pub fn inflated(&mut self, payload: &[u8], into: &mut Vec<u8>) -> io::Result<()> {
        let Some(inflate) = &mut self.inflate else {
            return Err(io::Error::other("a compressed message, and compression was not agreed"));
        };
        into.clear();
        for part in [payload, &[0, 0, 0xff, 0xff]] {
            let mut rest = part;
            while !rest.is_empty() {
                if into.len() == into.capacity() {
                    into.reserve(64 * 1024);
                }
                let before = inflate.total_in();
                let status = inflate.decompress_vec(rest, into, FlushDecompress::Sync)?;
                rest = &rest[usize::try_from(inflate.total_in() - before).unwrap_or(rest.len())..];
                if status == Status::StreamEnd {
                    inflate.reset(false);
                }
            }
        }
        Ok(())
    }
}
