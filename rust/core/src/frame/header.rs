//! The header of a frame, RFC 6455 §5.2, and the writing of frames.

use super::event::{Role, opcode};
use super::mask;
use crate::codes::close;
use crate::error::Broken;

/// Longest payload of a control frame, RFC 6455 §5.5.
const MAX_CONTROL: u8 = 125;
/// Longest text in a close frame: two bytes of the payload are the code.
const MAX_REASON: usize = MAX_CONTROL as usize - 2;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2_AND_3: u8 = 0x30;
const MASKED: u8 = 0x80;
/// In place of a short length: two bytes of length follow.
const LENGTH_16: u8 = 0x7e;
/// Eight bytes of length follow.
const LENGTH_64: u8 = 0x7f;

/// A header that follows the rules which need no more than itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub opcode: u8,
    pub fin: bool,
    /// The message is compressed, RFC 7692 §6.
    pub rsv1: bool,
    /// Zeros when the frame is not masked.
    pub key: [u8; 4],
    /// Of the payload.
    pub len: u64,
    /// Of the header itself.
    pub size: usize,
}

impl Header {
    pub(super) const fn is_control(&self) -> bool {
        self.opcode & 0x08 != 0
    }

    /// Read a header at the start of `input`; `None` if it is not all there. What can be refused after
    /// its first two bytes is.
    #[inline]
    #[expect(clippy::arithmetic_side_effects, reason = "the size of a header: 14 at most")]
    pub(super) fn read(input: &[u8], role: Role, deflate: bool) -> Result<Option<Self>, Broken> {
        let [first, second, rest @ ..] = input else { return Ok(None) };
        let (opcode, short) = (first & 0x0f, second & 0x7f);
        let (fin, rsv1, masked) = (first & FIN != 0, first & RSV1 != 0, second & MASKED != 0);
        if first & RSV2_AND_3 != 0 {
            return Err(broken(
                "a reserved bit (RSV2 or RSV3) is set, and no extension was agreed that uses it",
            ));
        }
        match opcode {
            opcode::CLOSE | opcode::PING | opcode::PONG if !fin => {
                return Err(broken("a control frame is fragmented"));
            }
            opcode::CLOSE | opcode::PING | opcode::PONG if short > MAX_CONTROL => {
                return Err(broken("a control frame has more than 125 bytes"));
            }
            opcode::CONTINUATION..=opcode::BINARY | opcode::CLOSE..=opcode::PONG => {}
            _ => return Err(broken(format!("the opcode {opcode} is reserved"))),
        }
        // RFC 7692 §6: on the first frame of a message, and on none but those of data.
        if rsv1 && !(deflate && matches!(opcode, opcode::TEXT | opcode::BINARY)) {
            return Err(broken(if deflate {
                "RSV1 (compressed) is set on a frame that does not begin a message"
            } else {
                "RSV1 (compressed) is set, and no compression was agreed"
            }));
        }
        match (role, masked) {
            (Role::Server, false) => return Err(broken("a frame of a client is not masked")),
            (Role::Client, true) => return Err(broken("a frame of a server is masked")),
            _ => {}
        }
        let (len, wide) = match short {
            LENGTH_16 => {
                let Some(bytes) = rest.first_chunk() else { return Ok(None) };
                (u64::from(u16::from_be_bytes(*bytes)), 2)
            }
            LENGTH_64 => {
                let Some(bytes) = rest.first_chunk() else { return Ok(None) };
                (u64::from_be_bytes(*bytes), 8)
            }
            _ => (u64::from(short), 0),
        };
        if len >> 63 != 0 {
            return Err(broken("a frame's length has its highest bit set"));
        }
        if (wide == 2 && len < 126) || (wide == 8 && len <= 0xffff) {
            return Err(broken(format!(
                "a frame's length, {len}, is written in {wide} bytes, longer than needed"
            )));
        }
        let mut header = Self { opcode, fin, rsv1, key: [0; 4], len, size: 2 + wide };
        if masked {
            let Some(key) = rest[wide..].first_chunk() else { return Ok(None) };
            header.key = *key;
            header.size += 4;
        }
        Ok(Some(header))
    }
}

/// A frame that breaks the protocol: close code 1002.
pub(super) fn broken(reason: impl Into<std::borrow::Cow<'static, str>>) -> Broken {
    Broken::new(close::PROTOCOL_ERROR, reason)
}

/// Append the header of an unmasked, final frame of `len` bytes.
#[inline]
pub fn write_header(out: &mut Vec<u8>, opcode: u8, rsv1: bool, len: usize) {
    put_header(out, opcode, rsv1, 0, len);
}

/// How long that header is.
#[must_use]
pub const fn header_len(len: usize) -> usize {
    match len {
        0..=125 => 2,
        126..=0xffff => 4,
        _ => 10,
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "each arm's range fits what it is cut to")]
fn put_header(out: &mut Vec<u8>, opcode: u8, rsv1: bool, masked: u8, len: usize) {
    let first = FIN | if rsv1 { RSV1 } else { 0 } | opcode;
    match len {
        0..=125 => out.extend_from_slice(&[first, masked | len as u8]),
        126..=0xffff => {
            let [a, b] = (len as u16).to_be_bytes();
            out.extend_from_slice(&[first, masked | LENGTH_16, a, b]);
        }
        _ => {
            out.extend_from_slice(&[first, masked | LENGTH_64]);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}

/// Append a whole, final frame; masked with that key, which only clients do.
pub fn write_frame(out: &mut Vec<u8>, opcode: u8, rsv1: bool, key: Option<[u8; 4]>, payload: &[u8]) {
    out.reserve(payload.len().saturating_add(14));
    put_header(out, opcode, rsv1, if key.is_some() { MASKED } else { 0 }, payload.len());
    let Some(key) = key else { return out.extend_from_slice(payload) };
    out.extend_from_slice(&key);
    let start = out.len();
    out.extend_from_slice(payload);
    mask::apply(&mut out[start..], key);
}

/// Append an unmasked close frame. See [`close_payload`] for what is in it.
pub fn write_close(out: &mut Vec<u8>, code: u16, reason: &str) {
    write_frame(out, opcode::CLOSE, false, None, &close_payload(code, reason));
}

/// What a close frame says: the code, and the reason cut to 123 bytes between two characters. Nothing at
/// all for a code that may not be sent, such as 1005, "there was none": RFC 6455 §7.4.1.
#[must_use]
pub fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    if !close::may_be_sent(code) {
        return Vec::new();
    }
    let fits = |end: &usize| reason.is_char_boundary(*end);
    let reason = &reason[..(0..=reason.len().min(MAX_REASON)).rev().find(fits).unwrap_or(0)];
    let mut payload = Vec::with_capacity(reason.len().saturating_add(2));
    payload.extend_from_slice(&code.to_be_bytes());
    payload.extend_from_slice(reason.as_bytes());
    payload
}

/// The length, header and payload, of the first frame of `bytes`, which we wrote (unmasked); 0 if not all
/// of its header is there.
#[must_use]
pub fn frame_len(bytes: &[u8]) -> usize {
    let [_, short, rest @ ..] = bytes else { return 0 };
    let len = match short & 0x7f {
        LENGTH_16 => rest.first_chunk().map(|len| u64::from(u16::from_be_bytes(*len))),
        LENGTH_64 => rest.first_chunk().map(|len| u64::from_be_bytes(*len)),
        short => Some(u64::from(short)),
    };
    let Some(len) = len else { return 0 };
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    header_len(len).saturating_add(len)
}
