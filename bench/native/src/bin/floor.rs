//! The floor: the least that a single-threaded server can do per WebSocket message on this kernel.
//!
//! It unmasks and answers: no validation, no rooms, no limits, one `send` per delivery. What a reader does not take at once
//! is kept for it without a bound. The figures of rtcore are ratios to this, taken in the same minute on the same core.
#![forbid(unsafe_code)]

use rtcore_bench::args::Args;
use rtcore_bench::frame;
use rtcore_bench::poller::Poller;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

const USAGE: &str = "usage: floor --port N --mode echo|fanout
  --port N     listen on 127.0.0.1:N; 0 takes a free one, which is printed
  --mode NAME  echo: to the sender; fanout: to every connection";

const LISTENER: u64 = u64::MAX;
/// The answer to the one key that the load uses, RFC 6455 §4.2.2.
const WELCOME: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

struct Peer {
    stream: TcpStream,
    open: bool,
    /// The beginning of a frame whose end has not come yet.
    held: Vec<u8>,
    /// What the socket did not take.
    unsent: Vec<u8>,
}

impl Peer {
    fn send(&mut self, at: usize, poller: &Poller, bytes: &[u8]) {
        if self.unsent.is_empty() {
            match self.stream.write(bytes) {
                Ok(count) if count == bytes.len() => return,
                Ok(count) => self.unsent.extend_from_slice(&bytes[count..]),
                Err(_) => self.unsent.extend_from_slice(bytes),
            }
            drop(poller.change(&self.stream, at as u64, true, true));
        } else {
            self.unsent.extend_from_slice(bytes);
        }
    }

    /// The socket takes more.
    fn flush(&mut self, at: usize, poller: &Poller) {
        if let Ok(count) = self.stream.write(&self.unsent) {
            self.unsent.drain(..count);
        }
        if self.unsent.is_empty() {
            drop(poller.change(&self.stream, at as u64, true, false));
        }
    }
}

struct Floor {
    poller: Poller,
    peers: Vec<Option<Peer>>,
    live: Vec<usize>,
    fanout: bool,
    out: Vec<u8>,
}

impl Floor {
    fn accept(&mut self, listener: &TcpListener) -> io::Result<()> {
        loop {
            let (stream, _) = match listener.accept() {
                Ok(pair) => pair,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let free = self.peers.iter().position(Option::is_none).unwrap_or(self.peers.len());
            self.poller.add(&stream, free as u64)?;
            let peer = Some(Peer { stream, open: false, held: Vec::new(), unsent: Vec::new() });
            if free == self.peers.len() {
                self.peers.push(peer);
            } else {
                self.peers[free] = peer;
            }
        }
    }

    fn read(&mut self, at: usize, buffer: &mut [u8]) {
        let Some(mut peer) = self.peers[at].take() else { return };
        match peer.stream.read(buffer) {
            Ok(count @ 1..) => {
                if !peer.open {
                    self.greet(at, &mut peer, &buffer[..count]);
                } else if peer.held.is_empty() {
                    let done = self.answer(at, &mut peer, &mut buffer[..count]);
                    peer.held.extend_from_slice(&buffer[done..count]);
                } else {
                    let mut held = std::mem::take(&mut peer.held);
                    held.extend_from_slice(&buffer[..count]);
                    let done = self.answer(at, &mut peer, &mut held);
                    held.drain(..done);
                    peer.held = held;
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => {
                self.live.retain(|&live| live != at);
                return; // dropped, so closed, and out of the poller with it
            }
        }
        self.peers[at] = Some(peer);
    }

    fn greet(&mut self, at: usize, peer: &mut Peer, bytes: &[u8]) {
        peer.held.extend_from_slice(bytes);
        if peer.held.ends_with(b"\r\n\r\n") {
            peer.held.clear();
            peer.open = peer.stream.write(WELCOME).is_ok();
            self.live.push(at);
        }
    }

    /// Answer each whole frame. Returns how many bytes were used.
    fn answer(&mut self, at: usize, peer: &mut Peer, bytes: &mut [u8]) -> usize {
        let mut done = 0;
        self.out.clear();
        while let Some(head) = frame::whole(&bytes[done..]) {
            let payload = &mut bytes[done + head.begins..][..head.length];
            if let Some(mask) = head.mask {
                frame::unmask(payload, mask);
            }
            frame::write_plain(&mut self.out, head.op, payload);
            done += head.begins + head.length;
            if self.fanout {
                // One send per delivery: what a server without an outbox does.
                for &live in &self.live {
                    match &mut self.peers[live] {
                        Some(other) => other.send(live, &self.poller, &self.out),
                        None => peer.send(at, &self.poller, &self.out), // the sender, taken out of the table
                    }
                }
                self.out.clear();
            }
        }
        if !self.out.is_empty() {
            peer.send(at, &self.poller, &self.out);
        }
        done
    }
}

fn main() -> io::Result<()> {
    let args = Args::read(USAGE);
    let fanout = match args.text("mode") {
        Some("echo") => false,
        Some("fanout") => true,
        _ => args.fail("--mode is echo or fanout"),
    };
    let listener = TcpListener::bind(format!("127.0.0.1:{}", args.number("port", 0)))?;
    listener.set_nonblocking(true)?;
    println!("floor listens on http://{}", listener.local_addr()?);
    let mut floor =
        Floor { poller: Poller::new()?, peers: Vec::new(), live: Vec::new(), fanout, out: Vec::new() };
    floor.poller.add(&listener, LISTENER)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut ready = Vec::new();
    loop {
        floor.poller.wait(None, &mut ready)?;
        for event in &ready {
            match usize::try_from(event.token) {
                Ok(at) if event.token != LISTENER => {
                    if event.writable
                        && let Some(peer) = &mut floor.peers[at]
                    {
                        peer.flush(at, &floor.poller);
                    }
                    if event.readable {
                        floor.read(at, &mut buffer);
                    }
                }
                _ => floor.accept(&listener)?,
            }
        }
    }
}
