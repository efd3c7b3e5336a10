//! A client over plain HTTP: `POST /rt/session`, its joins by `POST /rt/send`, and then how it hears or speaks, all on one
//! keep-alive connection.
//!
//! What it hears is counted as it is on a WebSocket: `Clients::message` has it, message by message.

use crate::clients::Clients;
use crate::resume::field;
use memchr::memmem;
use rtcore_bench::http;
use std::io;

/// How all but the publisher hear or speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    WebSocket,
    /// `GET /rt/sse`.
    Events,
    /// `GET /rt/poll`, again as soon as one is answered.
    Polls,
    /// `POST /rt/send`, one message each.
    Sends,
}

impl Over {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "websocket" => Self::WebSocket,
            "events" => Self::Events,
            "polls" => Self::Polls,
            "sends" => Self::Sends,
            _ => return None,
        })
    }
}

/// What the next answer is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Hello,
    Joins,
    /// The head of the event stream.
    Stream,
    /// Its chunks.
    Chunks,
    Poll,
    Send,
}

/// The answer of `POST /rt/send` where no ack was ready within 100 ms, as in a storm: the same is sent again, and answered
/// by its id.
const NO_ACK_YET: &[u8] = br#"{"messages":[]}"#;

/// What is kept of a client that speaks plain HTTP.
#[derive(Debug)]
pub struct Plain {
    over: Over,
    step: Step,
    /// `Host` and, once there is a session, `Authorization`.
    fields: String,
    /// Polls answered so far.
    n: u64,
}

/// The number of a poll's answer: it stands first.
fn number(body: &[u8]) -> Option<u64> {
    let digits = body.strip_prefix(b"{\"n\":")?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

impl Plain {
    /// A new client, and what it says first.
    pub fn begin(over: Over, port: u16, hello: &[u8]) -> (Self, Vec<u8>) {
        let fields = format!("Host: 127.0.0.1:{port}\r\n");
        let mut out = Vec::new();
        http::write(&mut out, "POST /rt/session", &fields, Some(hello));
        (Self { over, step: Step::Hello, fields, n: 0 }, out)
    }

    /// Write one message up.
    pub fn write(&self, out: &mut Vec<u8>, message: &[u8]) {
        http::write(out, "POST /rt/send", &self.fields, Some(message));
    }

    fn poll(&self, out: &mut Vec<u8>) {
        http::write(out, &format!("GET /rt/poll?after={}&wait=25", self.n), &self.fields, None);
    }

    /// The session is there and has joined: begin to hear. Whether it is ready as it is.
    fn settle(&mut self, out: &mut Vec<u8>) -> bool {
        match self.over {
            Over::Events => {
                http::write(out, "GET /rt/sse", &self.fields, None);
                self.step = Step::Stream;
            }
            Over::Polls => {
                self.poll(out);
                self.step = Step::Poll;
            }
            Over::Sends | Over::WebSocket => self.step = Step::Send,
        }
        self.step != Step::Stream
    }
}

impl Clients {
    /// Take what is whole of `bytes`, of a client over plain HTTP; how many bytes that was.
    pub fn take_plain(&mut self, at: usize, bytes: &[u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(plain) = &self.all[at].plain {
            let rest = &bytes[done..];
            if plain.step == Step::Chunks {
                let Some((data, used)) = http::chunk(rest)? else { break };
                done += used;
                if data.is_empty() {
                    self.close(at); // the stream has ended, and with it the connection
                    return Ok(bytes.len());
                }
                http::events(&rest[data], |event| self.message(at, event))?;
                continue;
            }
            let Some(head) = http::head(rest)? else { break };
            let length = head.length.unwrap_or(0);
            let Some(body) = rest.get(head.begins..head.begins + length) else { break };
            if head.status != 200 {
                let answer = String::from_utf8_lossy(&rest[..head.begins + length]);
                return Err(io::Error::other(format!("a request was refused: {answer}")));
            }
            done += head.begins + length;
            self.answered(at, body)?;
        }
        Ok(done)
    }

    fn answered(&mut self, at: usize, body: &[u8]) -> io::Result<()> {
        let client = &mut self.all[at];
        let Some(plain) = &mut client.plain else { return Ok(()) };
        match plain.step {
            Step::Hello => {
                let welcome = String::from_utf8_lossy(body);
                let (session, key) = (field(&welcome, "session"), field(&welcome, "key"));
                for part in ["Authorization: Session ", &session, ":", &key, "\r\n"] {
                    plain.fields.push_str(part);
                }
                let joins = self.wanted.joins();
                if joins.is_empty() {
                    self.settle_plain(at);
                    return Ok(());
                }
                plain.write(&mut client.output, &joins);
                plain.step = Step::Joins;
                self.flush(at);
            }
            Step::Joins => {
                let text = self.wanted.ready.as_deref().unwrap_or_default();
                if memmem::find(body, text).is_some() {
                    self.settle_plain(at);
                } else if body == NO_ACK_YET {
                    plain.write(&mut client.output, &self.wanted.joins());
                    self.flush(at);
                } else {
                    let answer = String::from_utf8_lossy(body);
                    return Err(io::Error::other(format!("the joins were not acknowledged: {answer}")));
                }
            }
            Step::Stream => {
                plain.step = Step::Chunks;
                self.is_ready(at);
            }
            Step::Poll => {
                plain.n += 1;
                if number(body) != Some(plain.n) {
                    let answer = String::from_utf8_lossy(body);
                    return Err(io::Error::other(format!("not the answer number {}: {answer}", plain.n)));
                }
                plain.poll(&mut client.output);
                self.flush(at);
                self.message(at, body)?;
            }
            Step::Send => self.message(at, body)?,
            Step::Chunks => {}
        }
        Ok(())
    }

    fn settle_plain(&mut self, at: usize) {
        let client = &mut self.all[at];
        let Some(plain) = &mut client.plain else { return };
        if plain.settle(&mut client.output) {
            self.is_ready(at);
        }
        self.flush(at);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_answer_tells_its_number() {
        assert_eq!(super::number(br#"{"n":12,"messages":[]}"#), Some(12));
        assert_eq!(super::number(br#"{"messages":[]}"#), None);
    }
}
