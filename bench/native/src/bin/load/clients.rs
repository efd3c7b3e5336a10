//! The clients: their sockets, what they still have to send, and what they have heard.

use crate::message::{Message, marks};
use hdrhistogram::Histogram;
use memchr::memmem;
use rtcore_bench::frame;
use rtcore_bench::poller::{Poller, Ready};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket, sockopt};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::Instant;

/// What every client does alike.
pub struct Wanted {
    pub port: u16,
    pub path: String,
    pub init: Vec<Vec<u8>>,
    pub member: Vec<Vec<u8>>,
    pub ready: Option<Vec<u8>>,
    pub message: Message,
    pub sources: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Opening,
    Open,
    Ready,
    Closed,
}

struct Client {
    stream: TcpStream,
    phase: Phase,
    input: Vec<u8>,
    output: Vec<u8>,
    waits_to_write: bool,
    next_id: u64,
}

/// All clients of a scene. The first `publishers` of them publish.
pub struct Clients {
    wanted: Wanted,
    publishers: usize,
    poller: Poller,
    all: Vec<Client>,
    ready: Vec<Ready>,
    buffer: Vec<u8>,
    birth: Instant,
    /// Deliveries: messages with a mark.
    pub heard: u64,
    /// Deliveries to others than publishers.
    pub heard_by_members: u64,
    /// Frames without a mark.
    pub others: u64,
    /// Acks, in whatever frame they came.
    pub acks: u64,
    pub closed: u64,
    pub times: Histogram<u64>,
    /// Whether what is heard is answered with the next message at once.
    pub answers: bool,
    pub count_ready: usize,
}

impl Clients {
    pub fn new(wanted: Wanted, publishers: usize) -> io::Result<Self> {
        Ok(Self {
            wanted,
            publishers,
            poller: Poller::new()?,
            all: Vec::new(),
            ready: Vec::new(),
            buffer: vec![0; 256 * 1024],
            birth: Instant::now(),
            heard: 0,
            heard_by_members: 0,
            others: 0,
            acks: 0,
            closed: 0,
            // From one microsecond to a minute, three digits.
            times: Histogram::new_with_bounds(1_000, 60_000_000_000, 3).map_err(io::Error::other)?,
            answers: false,
            count_ready: 0,
        })
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn message_size(&self) -> usize {
        self.wanted.message.len()
    }

    /// Forget what was heard so far: the scene begins.
    pub fn forget(&mut self) {
        (self.heard, self.heard_by_members, self.others, self.acks) = (0, 0, 0, 0);
        self.times.reset();
    }

    fn now(&self) -> u64 {
        u64::try_from(self.birth.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Open one more connection. On loopback this takes as long as the system calls take.
    pub fn connect(&mut self) -> io::Result<()> {
        let at = self.all.len();
        let fd = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        if self.wanted.sources > 1 {
            let last = 2 + u8::try_from(at % usize::from(self.wanted.sources)).unwrap_or(0);
            bind(&fd, &SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, last), 0))?;
        }
        connect(&fd, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.wanted.port))?;
        sockopt::set_tcp_nodelay(&fd, true)?;
        let stream = TcpStream::from(fd);
        stream.set_nonblocking(true)?;
        self.poller.add(&stream, at as u64)?;
        let head = format!(
            "GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
            self.wanted.path, self.wanted.port
        );
        self.all.push(Client {
            stream,
            phase: Phase::Opening,
            input: Vec::new(),
            output: head.into_bytes(),
            waits_to_write: false,
            next_id: 1000,
        });
        self.flush(at);
        Ok(())
    }

    /// Send the next message of one client.
    pub fn send(&mut self, at: usize) {
        let now = self.now();
        let client = &mut self.all[at];
        client.next_id += 1;
        let bytes = self.wanted.message.stamped(now, client.next_id);
        frame::write_masked(&mut client.output, frame::TEXT, bytes);
        self.flush(at);
    }

    /// From now on nothing is read from anybody but the publishers.
    pub fn stop_reading(&mut self) -> io::Result<()> {
        for (at, client) in self.all.iter().enumerate().skip(self.publishers) {
            self.poller.change(&client.stream, at as u64, false, false)?;
        }
        Ok(())
    }

    /// Wait at most `milliseconds`, and do what there is to do.
    pub fn pump(&mut self, milliseconds: u32) -> io::Result<()> {
        let mut ready = std::mem::take(&mut self.ready);
        self.poller.wait(Some(milliseconds), &mut ready)?;
        for event in &ready {
            let at = usize::try_from(event.token).unwrap_or(usize::MAX);
            if event.writable {
                self.flush(at);
            }
            if event.readable && self.all[at].phase != Phase::Closed {
                self.read(at)?;
            }
        }
        self.ready = ready;
        Ok(())
    }

    fn flush(&mut self, at: usize) {
        let client = &mut self.all[at];
        while !client.output.is_empty() {
            match client.stream.write(&client.output) {
                Ok(count) if count == client.output.len() => client.output.clear(),
                Ok(count) => drop(client.output.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return self.close(at),
            }
        }
        let waits = !client.output.is_empty();
        if waits != client.waits_to_write {
            client.waits_to_write = waits;
            drop(self.poller.change(&client.stream, at as u64, true, waits));
        }
    }

    fn close(&mut self, at: usize) {
        let client = &mut self.all[at];
        if client.phase != Phase::Closed {
            client.phase = Phase::Closed;
            self.closed += 1;
            drop(client.stream.shutdown(std::net::Shutdown::Both));
            drop(self.poller.change(&client.stream, at as u64, false, false));
        }
    }

    fn read(&mut self, at: usize) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let client = &mut self.all[at];
        let count = match client.stream.read(&mut buffer) {
            Ok(count @ 1..) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.buffer = buffer;
                return Ok(());
            }
            Ok(0) | Err(_) => {
                self.buffer = buffer;
                self.close(at);
                return Ok(());
            }
        };
        if client.input.is_empty() {
            let done = self.take(at, &buffer[..count])?;
            self.all[at].input.extend_from_slice(&buffer[done..count]);
        } else {
            let mut held = std::mem::take(&mut client.input);
            held.extend_from_slice(&buffer[..count]);
            let done = self.take(at, &held)?;
            held.drain(..done);
            self.all[at].input = held;
        }
        self.buffer = buffer;
        Ok(())
    }

    /// Take what is whole of `bytes`; returns how many bytes that was.
    fn take(&mut self, at: usize, bytes: &[u8]) -> io::Result<usize> {
        let mut done = 0;
        if self.all[at].phase == Phase::Opening {
            let Some(end) = memmem::find(bytes, b"\r\n\r\n") else { return Ok(0) };
            if !bytes.starts_with(b"HTTP/1.1 101") {
                let answer = String::from_utf8_lossy(&bytes[..bytes.len().min(400)]);
                return Err(io::Error::other(format!("the handshake was refused: {answer}")));
            }
            done = end + 4;
            self.opened(at);
        }
        while let Some(head) = frame::whole(&bytes[done..]) {
            let payload = &bytes[done + head.begins..][..head.length];
            done += head.begins + head.length;
            match head.op {
                frame::PING => {
                    frame::write_masked(&mut self.all[at].output, frame::PONG, payload);
                    self.flush(at);
                }
                frame::CLOSE => {
                    self.close(at);
                    return Ok(bytes.len());
                }
                _ => self.message(at, payload),
            }
        }
        Ok(done)
    }

    fn opened(&mut self, at: usize) {
        let client = &mut self.all[at];
        client.phase = Phase::Open;
        let mine: &[Vec<u8>] = if at < self.publishers { &[] } else { &self.wanted.member };
        for text in self.wanted.init.iter().chain(mine) {
            frame::write_masked(&mut client.output, frame::TEXT, text);
        }
        if self.wanted.ready.is_none() {
            client.phase = Phase::Ready;
            self.count_ready += 1;
        }
        self.flush(at);
    }

    fn message(&mut self, at: usize, payload: &[u8]) {
        let client = &mut self.all[at];
        if client.phase == Phase::Open {
            // A publisher that is no member has only its `welcome` to wait for.
            let text = match &self.wanted.ready {
                Some(text) if at >= self.publishers || self.wanted.member.is_empty() => text.as_slice(),
                _ => b"welcome",
            };
            if memmem::find(payload, text).is_some() {
                client.phase = Phase::Ready;
                self.count_ready += 1;
            }
        }
        let now = self.now();
        let times = &mut self.times;
        let count = marks(payload, |time| times.saturating_record(now.saturating_sub(time)));
        if count == 0 {
            self.others += 1;
            if at < self.publishers {
                self.acks += memmem::find_iter(payload, br#""type":"ack""#).count() as u64;
            }
            return;
        }
        self.heard += count as u64;
        if at >= self.publishers {
            self.heard_by_members += count as u64;
        } else {
            self.acks += memmem::find_iter(payload, br#""type":"ack""#).count() as u64;
        }
        if self.answers {
            for _ in 0..count {
                self.send(at);
            }
        }
    }
}
