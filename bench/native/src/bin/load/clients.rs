//! The clients of a scene: one poller over all, what they do alike, and what was heard in all.

use crate::client::{Client, Phase};
use crate::items::Opens;
use crate::message::Message;
use crate::plain::{Over, Plain};
use crate::scenes::PATIENCE;
use hdrhistogram::Histogram;
use rtcore_bench::frame;
use rtcore_bench::poller::{Poller, Ready};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket, sockopt};
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};

const DEFLATE: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n";

/// What every client does alike.
pub struct Wanted {
    pub port: u16,
    pub path: String,
    pub init: Vec<Vec<u8>>,
    pub member: Vec<Vec<u8>>,
    pub ready: Option<Vec<u8>>,
    pub message: Message,
    pub sources: u8,
    pub deflate: bool,
    /// How all but the publishers speak and hear.
    pub over: Over,
    /// The stream of items that each opens, where a scene is of them.
    pub opens: Option<Opens>,
    /// Whether each client keeps the greeting that it gets, to come back with.
    pub greetings: bool,
    /// Whether what counts is the ack of each message.
    pub acked: bool,
}

impl Wanted {
    /// What a client of plain HTTP says after its hello, all in one; empty: nothing.
    pub fn joins(&self) -> Vec<u8> {
        let joins: Vec<&[u8]> = self.init.iter().skip(1).chain(&self.member).map(Vec::as_slice).collect();
        if joins.is_empty() {
            Vec::new()
        } else {
            [b"[".as_slice(), &joins.join(b",".as_slice()), b"]"].concat()
        }
    }
}

/// All clients of a scene. The first `publishers` of them publish.
pub struct Clients {
    pub wanted: Wanted,
    pub publishers: usize,
    pub all: Vec<Client>,
    poller: Poller,
    ready: Vec<Ready>,
    pub buffer: Vec<u8>,
    pub plain: Vec<u8>,
    birth: Instant,
    stamp: u64,
    /// Deliveries: messages with a mark.
    pub heard: u64,
    /// Deliveries to others than publishers.
    pub heard_by_members: u64,
    /// Deliveries that were not newer than the one before: repeated, or out of order.
    pub disordered: u64,
    /// Frames without a mark.
    pub others: u64,
    /// Acks, in whatever frame they came.
    pub acks: u64,
    pub closed: u64,
    /// From the mark to the delivery.
    pub times: Histogram<u64>,
    /// From the beginning of a connection until it was ready.
    pub opening: Histogram<u64>,
    /// How late this program itself was, where messages are due at a time.
    pub late: Histogram<u64>,
    /// Whether what is heard is answered with the next message at once.
    pub answers: bool,
    /// How many more messages may be sent: scenes of so many messages end by it.
    pub left: u64,
    /// Nothing takes longer than this without progress.
    pub patience: Duration,
    pub count_ready: usize,
}

fn histogram() -> io::Result<Histogram<u64>> {
    // From one microsecond to a minute, three digits.
    Histogram::new_with_bounds(1_000, 60_000_000_000, 3).map_err(io::Error::other)
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
            plain: Vec::new(),
            birth: Instant::now(),
            stamp: 0,
            heard: 0,
            heard_by_members: 0,
            disordered: 0,
            others: 0,
            acks: 0,
            closed: 0,
            times: histogram()?,
            opening: histogram()?,
            late: histogram()?,
            answers: false,
            left: u64::MAX,
            patience: PATIENCE,
            count_ready: 0,
        })
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Forget what was heard so far: the scene begins.
    pub fn forget(&mut self) {
        (self.heard, self.heard_by_members, self.others, self.acks) = (0, 0, 0, 0);
        self.times.reset();
    }

    /// Nanoseconds of this run.
    pub fn now(&self) -> u64 {
        u64::try_from(self.birth.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn dial(&self, at: usize) -> io::Result<TcpStream> {
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
        Ok(stream)
    }

    fn head(&self) -> Vec<u8> {
        let (path, port) = (&self.wanted.path, self.wanted.port);
        let deflate = if self.wanted.deflate { DEFLATE } else { "" };
        format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             {deflate}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        )
        .into_bytes()
    }

    /// Open one more connection. On loopback this takes as long as the system calls take.
    pub fn connect(&mut self) -> io::Result<()> {
        let (at, began) = (self.all.len(), self.now());
        let stream = self.dial(at)?;
        let client = if at < self.publishers || self.wanted.over == Over::WebSocket {
            Client::new(stream, self.head(), began)
        } else {
            let hello = self.wanted.init.first().map_or(b"{\"type\":\"hello\"}".as_slice(), Vec::as_slice);
            let (plain, first) = Plain::begin(self.wanted.over, self.wanted.port, hello);
            let mut client = Client::new(stream, first, began);
            client.plain = Some(Box::new(plain));
            client
        };
        self.all.push(client);
        self.flush(at);
        Ok(())
    }

    /// Open a connection in the place of one that was cut: what it has heard so far stays counted.
    pub fn connect_again(&mut self, at: usize) -> io::Result<()> {
        let mut client = Client::new(self.dial(at)?, self.head(), self.now());
        let old = &mut self.all[at];
        client.greeting = std::mem::take(&mut old.greeting);
        client.returns = true;
        (client.heard, client.newest) = (old.heard, old.newest);
        *old = client;
        self.flush(at);
        Ok(())
    }

    /// Cut a connection without a word.
    pub fn cut(&mut self, at: usize) -> io::Result<()> {
        let client = &mut self.all[at];
        client.phase = Phase::Closed;
        self.poller.change(&client.stream, at as u64, false, false)?;
        sockopt::set_socket_linger(&client.stream, Some(Duration::ZERO))?;
        client.stream.shutdown(Shutdown::Both)
    }

    /// Send the next message of one client, where the scene has one left.
    pub fn send_next(&mut self, at: usize) {
        if self.left > 0 {
            self.left -= 1;
            self.send(at);
        }
    }

    /// Send the next message of one client.
    pub fn send(&mut self, at: usize) {
        self.send_due(at, self.now());
    }

    /// Send the next message of one client, as if at `due`. Marks rise strictly: that is how order is checked.
    pub fn send_due(&mut self, at: usize, due: u64) {
        self.stamp = due.max(self.stamp + 1);
        let client = &mut self.all[at];
        client.next_id += 1;
        client.sent += 1;
        if self.wanted.acked {
            client.open.push_back(due);
        }
        let bytes = self.wanted.message.stamped(self.stamp, client.next_id, at);
        match &client.plain {
            Some(plain) => plain.write(&mut client.output, bytes),
            None => frame::write_masked(&mut client.output, frame::TEXT, bytes),
        }
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

    pub fn flush(&mut self, at: usize) {
        let client = &mut self.all[at];
        if client.flush().is_err() {
            return self.close(at);
        }
        let waits = !client.output.is_empty();
        if waits != client.waits_to_write {
            client.waits_to_write = waits;
            drop(self.poller.change(&client.stream, at as u64, true, waits));
        }
    }

    pub fn close(&mut self, at: usize) {
        let client = &mut self.all[at];
        if client.phase != Phase::Closed {
            client.phase = Phase::Closed;
            self.closed += 1;
            drop(client.stream.shutdown(Shutdown::Both));
            drop(self.poller.change(&client.stream, at as u64, false, false));
        }
    }
}
