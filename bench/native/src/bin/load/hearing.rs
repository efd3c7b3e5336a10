//! What the clients hear: bytes to frames, frames to messages, messages to figures.

use crate::client::Phase;
use crate::clients::Clients;
use crate::message::{marks, of_client};
use crate::resume;
use memchr::memmem;
use rtcore_bench::frame;
use std::io::{self, ErrorKind, Read};

impl Clients {
    /// Read what one client was sent.
    pub fn read(&mut self, at: usize) -> io::Result<()> {
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
        if self.all[at].plain.is_some() {
            return self.take_plain(at, bytes);
        }
        let mut done = 0;
        if self.all[at].phase == Phase::Opening {
            let Some(end) = memmem::find(bytes, b"\r\n\r\n") else { return Ok(0) };
            if !bytes.starts_with(b"HTTP/1.1 101") {
                let answer = String::from_utf8_lossy(&bytes[..bytes.len().min(400)]);
                return Err(io::Error::other(format!("the handshake was refused: {answer}")));
            }
            done = end + 4;
            self.opened(at, &bytes[..end])?;
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
                _ if head.compressed => {
                    let mut plain = std::mem::take(&mut self.plain);
                    self.all[at].inflated(payload, &mut plain)?;
                    self.message(at, &plain)?;
                    self.plain = plain;
                }
                _ => self.message(at, payload)?,
            }
        }
        Ok(done)
    }

    fn opened(&mut self, at: usize, head: &[u8]) -> io::Result<()> {
        let client = &mut self.all[at];
        client.phase = Phase::Open;
        if self.wanted.deflate {
            if memmem::find(head, b"permessage-deflate").is_none() {
                return Err(io::Error::other("the server did not agree to compress"));
            }
            client.agree();
        }
        let mine: &[Vec<u8>] = if at < self.publishers { &[] } else { &self.wanted.member };
        // One that comes back says hello with what its greeting told it, and has joined already.
        if client.returns {
            let text = resume::hello(&client.greeting);
            frame::write_masked(&mut client.output, frame::TEXT, text.as_bytes());
        } else {
            for text in self.wanted.init.iter().chain(mine) {
                frame::write_masked(&mut client.output, frame::TEXT, &of_client(text, at));
            }
        }
        if self.wanted.ready.is_none() {
            self.is_ready(at);
        }
        self.flush(at);
        Ok(())
    }

    pub fn is_ready(&mut self, at: usize) {
        self.all[at].phase = Phase::Ready;
        self.count_ready += 1;
        let took = self.now().saturating_sub(self.all[at].began);
        self.opening.saturating_record(took);
    }

    /// Count what is in one message, or in one frame of several.
    pub fn message(&mut self, at: usize, payload: &[u8]) -> io::Result<()> {
        let client = &mut self.all[at];
        if client.phase == Phase::Open {
            if self.wanted.greetings && client.greeting.is_empty() {
                client.greeting = payload.to_vec();
            }
            // A publisher that is no member, and one that comes back, has only its `welcome` to wait for.
            let text = match &self.wanted.ready {
                Some(text) if !client.returns && (at >= self.publishers || self.wanted.member.is_empty()) => {
                    text.as_slice()
                }
                _ => b"welcome",
            };
            if memmem::find(payload, text).is_some() {
                self.is_ready(at);
            }
        }
        if self.wanted.opens.is_some() && self.all[at].phase == Phase::Ready {
            return self.stream_message(at, payload);
        }
        let now = self.now();
        if self.wanted.acked && self.all[at].phase == Phase::Ready {
            return self.acks(at, payload, now);
        }
        let (times, disordered) = (&mut self.times, &mut self.disordered);
        let newest = &mut self.all[at].newest;
        let count = marks(payload, |time| {
            times.saturating_record(now.saturating_sub(time));
            *disordered += u64::from(time <= *newest);
            *newest = time.max(*newest);
        });
        if count == 0 {
            self.others += 1;
            if memmem::find(payload, br#""error":{"#).is_some() {
                let answer = String::from_utf8_lossy(&payload[..payload.len().min(400)]);
                return Err(io::Error::other(format!("the server refused: {answer}")));
            }
            if at < self.publishers {
                self.acks += memmem::find_iter(payload, br#""type":"ack""#).count() as u64;
            }
            return Ok(());
        }
        self.all[at].heard += count as u64;
        self.heard += count as u64;
        if at >= self.publishers {
            self.heard_by_members += count as u64;
        } else {
            self.acks += memmem::find_iter(payload, br#""type":"ack""#).count() as u64;
        }
        if self.answers {
            for _ in 0..count {
                self.send_next(at);
            }
        }
        Ok(())
    }

    /// Count the acks in one frame, where they are what counts.
    fn acks(&mut self, at: usize, payload: &[u8], now: u64) -> io::Result<()> {
        if memmem::find(payload, br#""error":{"#).is_some() {
            let answer = String::from_utf8_lossy(&payload[..payload.len().min(400)]);
            return Err(io::Error::other(format!("the server refused: {answer}")));
        }
        let count = memmem::find_iter(payload, br#""type":"ack""#).count();
        for _ in 0..count {
            let Some(due) = self.all[at].open.pop_front() else { break };
            self.times.saturating_record(now.saturating_sub(due));
            self.all[at].heard += 1;
            self.heard += 1;
            if self.answers {
                self.send_next(at);
            }
        }
        self.others += u64::from(count == 0);
        Ok(())
    }
}
