//! The body of a request, RFC 9112 §6 and §7.1.
//!
//! It is collected whole, up to a bound that is looked at before a byte of it is kept. Chunks are read
//! strictly: a bare line feed, a size that is no plain hexadecimal number, or bytes where a line should end
//! are refused, because another reader could find the body's end elsewhere. Extensions of chunks and
//! trailers are read past, within a bound, and mean nothing.
//!
//! Invariant: `next` never takes a byte beyond the body's last: that byte begins the next request.

use super::http::Head;
use super::refusal::Refusal;
use crate::codes::Code;
use crate::limits::fixed::{BODY_FRAMING, BODY_LINE, BODY_TRAILERS};

/// Where in the body the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many bytes of a body of known length are missing.
    Counted(u64),
    /// The line with a chunk's size.
    Size,
    /// So many bytes of a chunk are missing.
    Chunk(u64),
    /// The line end behind a chunk's bytes.
    ChunkEnd,
    /// After the last chunk.
    Trailers,
    Done,
}

/// A body on its way.
#[derive(Debug)]
pub struct Body {
    state: State,
    bytes: Vec<u8>,
    /// The part of a line that is here.
    line: Vec<u8>,
    trailers: usize,
    framing: usize,
    max: usize,
}

impl Body {
    /// The body that a head announces; none: there is none. `max`: most bytes of it.
    pub fn of(head: &Head<'_>, max: usize) -> Result<Option<Self>, Refusal> {
        let state = if head.header("transfer-encoding").is_some() {
            State::Size
        } else {
            // `rules` has refused every Content-Length that is not one decimal number.
            let length = head.header("content-length").and_then(|value| std::str::from_utf8(value).ok());
            let length: u64 = length.and_then(|digits| digits.parse().ok()).unwrap_or(0);
            if length == 0 {
                return Ok(None);
            }
            if length > max as u64 {
                return Err(too_large(length, max));
            }
            State::Counted(length)
        };
        Ok(Some(Self { state, bytes: Vec::new(), line: Vec::new(), trailers: 0, framing: 0, max }))
    }

    /// The body itself, if its length is known and `input` holds all of it: then it need not be kept.
    #[must_use]
    pub fn whole<'a>(&self, input: &'a [u8]) -> Option<&'a [u8]> {
        match self.state {
            State::Counted(length) if self.bytes.is_empty() => input.get(..usize::try_from(length).ok()?),
            _ => None,
        }
    }

    /// Whether all of it is here.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The whole body.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Take what belongs to the body of `input`; how many bytes that was.
    pub fn next(&mut self, input: &[u8]) -> Result<usize, Refusal> {
        let mut rest = input;
        while !rest.is_empty() && self.state != State::Done {
            let taken = self.step(rest)?;
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(input.len().saturating_sub(rest.len()))
    }

    fn step(&mut self, input: &[u8]) -> Result<usize, Refusal> {
        match self.state {
            State::Counted(missing) => {
                let (taken, missing) = self.keep(input, missing);
                self.state = if missing == 0 { State::Done } else { State::Counted(missing) };
                Ok(taken)
            }
            State::Chunk(missing) => {
                let (taken, missing) = self.keep(input, missing);
                self.state = if missing == 0 { State::ChunkEnd } else { State::Chunk(missing) };
                Ok(taken)
            }
            State::Size | State::ChunkEnd | State::Trailers => self.line(input),
            State::Done => Ok(0),
        }
    }

    fn keep(&mut self, input: &[u8], missing: u64) -> (usize, u64) {
        let taken = input.len().min(usize::try_from(missing).unwrap_or(usize::MAX));
        self.bytes.extend_from_slice(&input[..taken]);
        (taken, missing.saturating_sub(taken as u64))
    }

    /// As much of a line as is here, and what the line means once it is whole.
    fn line(&mut self, input: &[u8]) -> Result<usize, Refusal> {
        let end = memchr::memchr(b'\n', input);
        let taken = end.map_or(input.len(), |end| end.saturating_add(1));
        self.framing = self.framing.saturating_add(taken);
        if self.line.len().saturating_add(taken) > BODY_LINE {
            return Err(bad(format!(
                "a line between the chunks of the body is longer than {BODY_LINE} bytes"
            )));
        }
        if self.framing > BODY_FRAMING {
            return Err(bad(format!(
                "the framing of the body's chunks takes more than {BODY_FRAMING} bytes"
            )));
        }
        self.line.extend_from_slice(&input[..taken]);
        if end.is_some() {
            let line = std::mem::take(&mut self.line);
            let Some(line) = line.strip_suffix(b"\r\n") else {
                return Err(bad("a line between the chunks of the body ends with LF alone, not with CRLF"));
            };
            self.whole_line(line)?;
        }
        Ok(taken)
    }

    fn whole_line(&mut self, line: &[u8]) -> Result<(), Refusal> {
        self.state = match self.state {
            State::Size => match size_of_chunk(line)? {
                0 => State::Trailers,
                size => {
                    // The size is the peer's: a sum that wraps would be below every bound.
                    let length = (self.bytes.len() as u64).saturating_add(size);
                    if length > self.max as u64 {
                        return Err(too_large(length, self.max));
                    }
                    State::Chunk(size)
                }
            },
            State::ChunkEnd if line.is_empty() => State::Size,
            State::ChunkEnd => return Err(bad("a chunk of the body is longer than its size says")),
            // RFC 9112 §7.1.2: trailers may be discarded; the blank line ends them.
            State::Trailers if line.is_empty() => State::Done,
            State::Trailers => {
                self.trailers = self.trailers.saturating_add(line.len());
                if self.trailers > BODY_TRAILERS {
                    return Err(bad(format!("the trailers take more than {BODY_TRAILERS} bytes")));
                }
                State::Trailers
            }
            other => other,
        };
        Ok(())
    }
}

/// `chunk-size [ chunk-ext ]`, RFC 9112 §7.1.
fn size_of_chunk(line: &[u8]) -> Result<u64, Refusal> {
    let end = line.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(line.len());
    let (digits, rest) = line.split_at(end);
    // RFC 9112 §7.1.1: an extension begins with a semicolon, perhaps behind white space.
    let extends = rest.trim_ascii_start().starts_with(b";");
    let size = std::str::from_utf8(digits).ok().filter(|digits| (1..=16).contains(&digits.len()));
    match size.and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
        Some(size) if rest.is_empty() || extends => Ok(size),
        _ => Err(bad(format!("the size of a chunk is {:?}", String::from_utf8_lossy(&line[..end.min(32)])))),
    }
}

/// 413: said before anything that is too much was read.
#[must_use]
pub fn too_large(length: u64, max: usize) -> Refusal {
    let message = format!("the body has {length} bytes or more; the limit is {max}");
    Refusal::new(413, Code::TooLarge, message)
}

fn bad(message: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(400, Code::InvalidMessage, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::http::{Parsed, parse};
    use proptest::prelude::*;

    fn body(head: &str, max: usize) -> Result<Option<Body>, Refusal> {
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n");
        match parse(head.as_bytes(), 1 << 14).expect("a good head") {
            Parsed::Head(head, _) => Body::of(&head, max),
            Parsed::Incomplete => unreachable!("it is whole"),
        }
    }

    fn read(bytes: &[u8], max: usize) -> Result<(Vec<u8>, usize), u16> {
        let mut body = body("Transfer-Encoding: chunked", max).expect("chunked").expect("a body");
        let used = body.next(bytes).map_err(|refusal| refusal.status)?;
        if body.is_done() { Ok((body.into_bytes(), used)) } else { Err(0) }
    }

    #[test]
    fn a_chunked_body_ends_with_its_trailers() {
        let whole = b"5\r\nhello\r\n6;a=\"b\" \r\n world\r\n0\r\nX: y\r\n\r\nGET";
        assert_eq!(read(whole, 100), Ok((b"hello world".to_vec(), whole.len() - 3)));
    }

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_refused() {
        for bad in [
            &b"5\nhello\r\n0\r\n\r\n"[..],
            b"5\r\nhelloX\r\n0\r\n\r\n",
            b"5\r\nhello\n0\r\n\r\n",
            b"0x5\r\nhello\r\n0\r\n\r\n",
            b"+5\r\nhello\r\n0\r\n\r\n",
            b"-1\r\n\r\n",
            b" 5\r\nhello\r\n0\r\n\r\n",
            b"\r\n",
            b"fffffffffffffffff\r\n",
        ] {
            assert_eq!(read(bad, 100), Err(400), "{:?}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn a_body_over_its_bound_is_refused_before_it_is_read() {
        assert_eq!(body("Content-Length: 101", 100).expect_err("too long").status, 413);
        assert_eq!(read(b"65\r\n", 100), Err(413));
        assert_eq!(read(b"ffffffffffffffff\r\n", 100), Err(413));
        for before in 1..100 {
            // With what was read before, 2^64 together, and what is next to it.
            for size in [u64::MAX - before, u64::MAX - before + 1, (1 << 63) - before, 101 - before] {
                let chunk = "x".repeat(usize::try_from(before).unwrap());
                let wire = format!("{before:x}\r\n{chunk}\r\n{size:x}\r\n");
                assert_eq!(read(wire.as_bytes(), 100), Err(413), "{before} bytes, then {size}");
            }
        }
        let endless = [b"1;".as_slice(), &vec![b'x'; BODY_LINE]].concat();
        assert_eq!(read(&endless, 100), Err(400));
    }

    proptest! {
        /// Where TCP cuts the stream changes nothing, and no byte of the next request is taken.
        #[test]
        fn cuts_change_nothing(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8),
            cut in 1usize..9,
        ) {
            let mut wire = Vec::new();
            for chunk in &chunks {
                wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                wire.extend_from_slice(chunk);
                wire.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b"0\r\n\r\n");
            let length = wire.len();
            wire.extend_from_slice(b"POST /next");
            let mut body = body("Transfer-Encoding: chunked", 1000).unwrap().unwrap();
            let mut used = 0;
            for piece in wire.chunks(cut) {
                used += body.next(piece).unwrap();
            }
            prop_assert!(body.is_done());
            prop_assert_eq!(used, length);
            prop_assert_eq!(body.into_bytes(), chunks.concat());
        }
    }
}
