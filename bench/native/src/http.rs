//! HTTP/1.1 as the measurements need it, RFC 9112: requests with a counted body, answers counted or chunked.
//! No checks beyond what would make a figure wrong: both ends are known.

use memchr::{memchr, memmem};
use std::io::{self, Write};
use std::ops::Range;

/// The head of an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    /// Where the body begins.
    pub begins: usize,
    /// How long the body is; none: it comes in chunks.
    pub length: Option<usize>,
}

fn broken(what: &str, bytes: &[u8]) -> io::Error {
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
    io::Error::other(format!("{what}: {shown}"))
}

/// The value of a field. A server may write names in whatever case, RFC 9110 §5.1.
fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The head of the answer at the beginning of `bytes`, once it is whole.
pub fn head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let Some(end) = memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| broken("no head of an answer", bytes))?;
    let status = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.ok_or_else(|| broken("no status line", bytes))?;
    let chunked = field(text, "transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    let length = match field(text, "content-length") {
        _ if chunked => None,
        Some(digits) => Some(digits.parse().map_err(|_| broken("no Content-Length", bytes))?),
        None => Some(0),
    };
    Ok(Some(Head { status, begins: end + 4, length }))
}

/// The first chunk of `bytes` once it is whole: where its data is, and where the next chunk begins.
pub fn chunk(bytes: &[u8]) -> io::Result<Option<(Range<usize>, usize)>> {
    let Some(feed) = memchr(b'\n', bytes) else { return Ok(None) };
    let digits = bytes[..feed].strip_suffix(b"\r").and_then(|line| std::str::from_utf8(line).ok());
    let size = digits.and_then(|digits| usize::from_str_radix(digits, 16).ok());
    let size = size.ok_or_else(|| broken("no size of a chunk", bytes))?;
    let (begins, ends) = (feed + 1, feed + 1 + size);
    match bytes.get(ends..ends + 2) {
        None => Ok(None),
        Some(b"\r\n") => Ok(Some((begins..ends, ends + 2))),
        Some(_) => Err(broken("a chunk is longer than its size", bytes)),
    }
}

/// The data of each event in a chunk, HTML §9.2.6. An event that does not end in its chunk is a fault: what looks at
/// events one by one, as this does, may then count one of them twice or not at all.
///
/// It is as quick as the reading of frames is: a load that lags behind publishes in smaller batches, and what is measured
/// of the server would be that.
pub fn events(chunk: &[u8], mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let Some(whole) = chunk.strip_suffix(b"\n\n") else {
        return Err(broken("an event does not end in its chunk", chunk));
    };
    let mut begin = 0;
    while begin < whole.len() {
        let end = memchr(b'\n', &whole[begin..]).map_or(whole.len(), |feed| begin + feed);
        if let Some(data) = whole[begin..end].strip_prefix(b"data: ") {
            each(data)?;
        }
        begin = end + 1;
    }
    Ok(())
}

/// Append a request. `fields`: whole lines that go into its head.
pub fn write(out: &mut Vec<u8>, line: &str, fields: &str, body: Option<&[u8]>) {
    out.extend_from_slice(line.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    out.extend_from_slice(fields.as_bytes());
    if let Some(body) = body {
        let length = body.len();
        write!(out, "Content-Type: application/json\r\nContent-Length: {length}\r\n")
            .expect("a vector takes what it is given");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body.unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_counted_or_chunked() {
        let counted = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
        assert_eq!(head(counted).unwrap(), Some(Head { status: 200, begins: 38, length: Some(5) }));
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(head(chunked).unwrap().unwrap().length, None);
        assert_eq!(head(&counted[..37]).unwrap(), None);
        assert!(head(b"HTTP/2 200\r\n\r\n").is_err());
    }

    #[test]
    fn a_chunk_is_taken_once_it_is_whole() {
        let bytes = b"a\r\ndata: 12\n\n\r\n0\r\n\r\n";
        assert!(chunk(bytes).is_ok_and(|found| found == Some((3..13, 15))));
        for cut in 0..15 {
            assert_eq!(chunk(&bytes[..cut]).unwrap(), None, "cut after {cut} bytes");
        }
        assert!(chunk(b"2\r\nabc\r\n").is_err());
        assert!(chunk(b"x\r\n").is_err());
    }

    #[test]
    fn events_are_counted_by_their_data() {
        let mut heard = Vec::new();
        let each = |data: &[u8]| {
            heard.push(data.to_vec());
            Ok(())
        };
        events(b"id: e.1\ndata: {\"a\":1}\n\n:\n\nretry: 5\n\ndata: 2\n\n", each).unwrap();
        assert_eq!(heard, [b"{\"a\":1}".to_vec(), b"2".to_vec()]);
        assert!(events(b"data: 1\n", |_| Ok(())).is_err());
    }

    #[test]
    fn a_request_has_a_counted_body_or_none() {
        let mut out = Vec::new();
        write(&mut out, "GET /a", "Host: b\r\n", None);
        assert_eq!(out, b"GET /a HTTP/1.1\r\nHost: b\r\n\r\n");
        out.clear();
        write(&mut out, "POST /a", "Host: b\r\n", Some(b"[]"));
        assert!(out.ends_with(b"Content-Length: 2\r\n\r\n[]"));
    }
}
