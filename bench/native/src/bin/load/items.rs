//! Streams of items: each client opens one, gives credit as it reads, and opens the next when it has ended.
//!
//! Items are numbered, so what is missing, repeated or out of order is seen at the item itself; at the end, the
//! number that `end` tells must be the number that came.

use crate::clients::Clients;
use memchr::memmem;
use rtcore_bench::frame;
use std::io;
use std::time::{Duration, Instant};

/// Streams stop for longer than this only if something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// What each client opens.
pub struct Opens {
    /// Items of a stream.
    pub count: u64,
    /// Characters of an item.
    pub size: usize,
    /// Items that may be on their way.
    pub credit: u64,
}

/// What a message says of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Item(u64),
    End(u64),
}

/// How far a client is with its stream.
#[derive(Clone, Copy, Default)]
pub struct Reader {
    next: u64,
    given: u64,
    /// The newest stream has ended, or none was opened.
    idle: bool,
}

/// What one frame says of streams, in order: several messages may come in one. A payload is never taken for a message:
/// a quotation mark in it has a backslash before it.
fn said(payload: &[u8], mut each: impl FnMut(Said)) {
    let number = |from: usize| {
        let found = memmem::find(&payload[from..], b"\"n\":")? + from + 4;
        let digits = payload[found..].iter().take_while(|byte| byte.is_ascii_digit());
        Some(digits.fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0')))
    };
    for at in memmem::find_iter(payload, br#""type":""#) {
        let from = at + 8;
        if payload[from..].starts_with(br#"item""#) {
            if let Some(n) = number(from) {
                each(Said::Item(n));
            }
        } else if payload[from..].starts_with(br#"end""#)
            && let Some(n) = number(from)
        {
            each(Said::End(n));
        }
    }
}

impl Clients {
    fn open_stream(&mut self, at: usize) {
        let Some(Opens { count, size, credit }) = self.wanted.opens else { return };
        let client = &mut self.all[at];
        client.next_id += 1;
        client.sent += count;
        client.reader = Reader { next: 0, given: credit, idle: false };
        let text = format!(
            r#"{{"type":"open","id":{},"stream":"count","data":{{"n":{count},"size":{size}}},"credit":{credit}}}"#,
            client.next_id
        );
        frame::write_masked(&mut client.output, frame::TEXT, text.as_bytes());
        self.flush(at);
    }

    /// Count what a message says of a stream, and give credit once half of it is used.
    pub fn stream_message(&mut self, at: usize, payload: &[u8]) -> io::Result<()> {
        let Some(Opens { credit, .. }) = self.wanted.opens else { return Ok(()) };
        let (mut heard, mut wrong, mut ended) = (0_u64, 0_u64, None);
        let reader = &mut self.all[at].reader;
        said(payload, |said| match said {
            Said::Item(n) => {
                heard += 1;
                wrong += u64::from(n != reader.next);
                reader.next = n + 1;
            }
            Said::End(n) => ended = Some(n),
        });
        if ended.is_some_and(|n| n != reader.next) {
            return Err(io::Error::other(format!("a stream ended after {ended:?} of {} items", reader.next)));
        }
        if memmem::find(payload, br#""error":{"#).is_some() {
            let answer = String::from_utf8_lossy(&payload[payload.len().saturating_sub(400)..]);
            return Err(io::Error::other(format!("a stream failed: {answer}")));
        }
        reader.idle |= ended.is_some();
        let used = reader.given - reader.next.min(reader.given);
        let gives = ended.is_none() && used * 2 <= credit;
        if gives {
            reader.given = reader.next + credit;
        }
        let given = reader.given;
        self.disordered += wrong;
        self.heard += heard;
        let client = &mut self.all[at];
        client.heard += heard;
        if gives {
            let text = format!(r#"{{"type":"credit","id":{},"n":{given}}}"#, client.next_id);
            frame::write_masked(&mut client.output, frame::TEXT, text.as_bytes());
            self.flush(at);
        }
        if ended.is_some() && self.answers {
            self.open_stream(at);
        }
        Ok(())
    }
}

/// Each client reads one stream after the other; the last ones are read to their ends.
pub fn read(clients: &mut Clients, time: Duration) -> io::Result<Duration> {
    let begin = Instant::now();
    clients.answers = true;
    for at in 0..clients.len() {
        clients.open_stream(at);
    }
    let (mut seen, mut progress) = (0, begin);
    while !clients.all.iter().all(|client| client.reader.idle) {
        if begin.elapsed() >= time {
            clients.answers = false;
        }
        clients.pump(10)?;
        if clients.heard != seen {
            (seen, progress) = (clients.heard, Instant::now());
        } else if progress.elapsed() > PATIENCE || clients.closed > 0 {
            return Err(io::Error::other(format!("stalled after {seen} items, {} closed", clients.closed)));
        }
    }
    Ok(begin.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_and_ends_are_told_apart() {
        let mut all = Vec::new();
        let text = br#"[{"type":"item","id":5,"n":0,"data":"\"type\":\"item\""},{"type":"item","id":5,"n":12,"data":0},
                        {"type":"end","id":5,"n":13,"data":null}]"#;
        said(text, |one| all.push(one));
        assert_eq!(all, [Said::Item(0), Said::Item(12), Said::End(13)]);
    }
}
