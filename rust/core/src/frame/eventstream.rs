//! Event streams, HTML §9.2.6, each message a chunk of the answer (RFC 9112 §7.1) where the peer knows chunks.
//!
//! A message is written whole into its block, and a block ends with its blank line; so control messages can
//! stand between any two. Names hold no control characters and JSON no line breaks; what else could end a line
//! is a text in the plain format, and that is split at every kind of line end.

use crate::conn::carrier::Wrap;

/// A sign of life.
pub const COMMENT: &[u8] = b":\n\n";
/// The end of a chunked answer.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Room for a chunk's size (8 digits, 4 GiB) and its line end, before the size is known.
const ROOM: usize = 10;

/// Before the first message: come back after this many milliseconds (until told otherwise), and a comment, so that
/// what waits for a first byte, or for `padding` bytes, has them.
pub fn opening(out: &mut Vec<u8>, padding: usize) {
    out.extend_from_slice(b"retry: 1000\n:");
    out.resize(out.len().saturating_add(padding), b' ');
    out.extend_from_slice(b"\n\n");
}

/// The head of a gzip member, RFC 1952 §2.3: DEFLATE, no name, no time. What follows are its blocks, each made without what
/// stands before it, so that all listeners share them. The member has no end, as the stream has none: a reader has each
/// block when it comes.
pub const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// The most of a stored block, RFC 1951 §3.2.4.
const STORED: usize = 0xffff;

/// Append a message that was compressed: a block of DEFLATE, without the flush behind it (RFC 7692 §7.2.1 takes it away).
pub fn deflated(out: &mut Vec<u8>, block: &[u8]) {
    as_chunk(out, |out| {
        out.extend_from_slice(block);
        out.extend_from_slice(&[0, 0, 0xff, 0xff]);
    });
}

/// Append bytes as blocks that are stored as they are: they begin and end with a byte, so they may stand between any two.
fn stored(out: &mut Vec<u8>, bytes: &[u8]) {
    for part in bytes.chunks(STORED) {
        let len = u16::try_from(part.len()).unwrap_or(u16::MAX);
        out.push(0);
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        out.extend_from_slice(part);
    }
}

/// Append what `write` appends, as the stream is wrapped; in gzip it is not compressed.
pub fn chunk(out: &mut Vec<u8>, wrap: Wrap, write: impl FnOnce(&mut Vec<u8>)) {
    match wrap {
        Wrap::Whole => write(out),
        Wrap::Chunks => as_chunk(out, write),
        Wrap::Gzip => {
            let mut plain = Vec::new();
            write(&mut plain);
            as_chunk(out, |out| stored(out, &plain));
        }
    }
}

#[expect(clippy::arithmetic_side_effects, reason = "offsets into what was written, ROOM bytes and more")]
fn as_chunk(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; ROOM]);
    write(out);
    let end = out.len();
    let len = end - start - ROOM;
    debug_assert!(len > 0, "an empty chunk would end the answer");
    let digits = format!("{len:x}\r\n");
    out[start..start + digits.len()].copy_from_slice(digits.as_bytes());
    out.copy_within(start + ROOM..end, start + digits.len());
    out.truncate(start + digits.len() + len);
    out.extend_from_slice(b"\r\n");
}

/// One message as JSON: `id` is a position, on entries only.
pub fn message(out: &mut Vec<u8>, id: Option<&str>, write: impl FnOnce(&mut Vec<u8>)) {
    put_id(out, id);
    out.extend_from_slice(b"data: ");
    write(out);
    out.extend_from_slice(b"\n\n");
}

/// What is no event, in the plain format: its type as the event's name, with a `$`.
pub fn plain_message(out: &mut Vec<u8>, id: Option<&str>, kind: &str, json: &[u8]) {
    put_id(out, id);
    out.extend_from_slice(b"event: $");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    out.extend_from_slice(json);
    out.extend_from_slice(b"\n\n");
}

/// An event in the plain format: its own name, and its data alone.
pub fn plain_event(out: &mut Vec<u8>, id: Option<&str>, event: &str, data: &str) {
    put_id(out, id);
    debug_assert!(!event.chars().any(char::is_control), "names are checked where they come in");
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(event.as_bytes());
    out.push(b'\n');
    put_lines(out, data);
}

/// Data alone, in the plain format.
pub fn plain_data(out: &mut Vec<u8>, id: Option<&str>, data: &str) {
    put_id(out, id);
    put_lines(out, data);
}

/// Where a reader is, before there is anything to say.
pub fn place(out: &mut Vec<u8>, id: &str) {
    put_id(out, Some(id));
    out.push(b'\n');
}

fn put_lines(out: &mut Vec<u8>, data: &str) {
    let mut rest = data;
    loop {
        let (line, after) = rest.split_at(rest.find(['\r', '\n']).unwrap_or(rest.len()));
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
        let Some(after) = after.strip_prefix("\r\n").or_else(|| after.strip_prefix(['\r', '\n'])) else {
            break;
        };
        rest = after;
    }
    out.push(b'\n');
}

/// When to come back.
pub fn retry(out: &mut Vec<u8>, ms: u64) {
    out.extend_from_slice(format!("retry: {ms}\n\n").as_bytes());
}

fn put_id(out: &mut Vec<u8>, id: Option<&str>) {
    if let Some(id) = id {
        out.extend_from_slice(b"id: ");
        out.extend_from_slice(id.as_bytes());
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_says_its_length() {
        let mut out = b"x".to_vec();
        chunk(&mut out, Wrap::Chunks, |out| out.extend_from_slice(&[b'a'; 300]));
        assert!(out.starts_with(b"x12c\r\naaa") && out.ends_with(b"aaa\r\n") && out.len() == 1 + 5 + 300 + 2);
        let mut out = Vec::new();
        chunk(&mut out, Wrap::Whole, |out| out.extend_from_slice(COMMENT));
        assert_eq!(out, b":\n\n");
    }

    /// A text with line breaks must not be able to begin a field of its own.
    #[test]
    fn text_is_split_at_every_line_end() {
        let mut out = Vec::new();
        plain_event(&mut out, Some("e.7"), "n", "a\rid: 1\ndata: b\r\n\r\nevent: x");
        let told = "id: e.7\nevent: n\ndata: a\ndata: id: 1\ndata: data: b\ndata: \ndata: event: x\n\n";
        assert_eq!(String::from_utf8(out).unwrap(), told);
        let mut out = Vec::new();
        plain_event(&mut out, None, "n", "");
        assert_eq!(out, b"event: n\ndata: \n\n");
    }
}
