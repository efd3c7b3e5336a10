//! Frames to messages, RFC 6455 §5 and §7, for both sides.
//!
//! The way that nearly every message takes: all of its one frame is in the input; it is unmasked where
//! it lies and named by its range, and nothing is allocated or copied. Everything else (a frame that
//! is not all there, a message in fragments) opens a box that is gone again when the message is
//! complete; so a connection on which nothing is under way holds 16 bytes here.
//!
//! Law: whatever the cuts, `next` on the same bytes gives the same events, and the same error if any. Only
//! the byte at which the error is seen may differ: within a frame that comes in pieces, the earliest.

use super::assemble::{self, Assembly};
use super::deflate::Inflater;
use super::header::{Header, broken};
use super::mask;
use crate::codes::close;
use crate::error::Broken;
use std::ops::Range;

pub use super::assemble::check_text;
pub use super::event::{Event, Kind, Payload, Role, opcode};
pub use super::header::{close_payload, frame_len, header_len, write_close, write_frame, write_header};

/// The reading side of a WebSocket.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    deflate: bool,
    open: Option<Box<Open>>,
}

/// What is under way.
#[derive(Debug, Default)]
struct Open {
    frame: Option<Partial>,
    message: Option<Assembly>,
    /// The payload so far of a control frame, which may come in the midst of a message.
    control: Vec<u8>,
}

/// A frame of which the header was taken and not yet all of the payload.
#[derive(Clone, Copy, Debug)]
struct Partial {
    opcode: u8,
    fin: bool,
    /// Rotated to the next byte.
    key: [u8; 4],
    left: u64,
}

impl Decoder {
    /// A decoder at the start of the frames; `deflate` if permessage-deflate was agreed.
    #[must_use]
    pub const fn new(role: Role, deflate: bool) -> Self {
        Self { role, deflate, open: None }
    }

    /// Bytes that are held for what is under way.
    #[must_use]
    pub fn held(&self) -> usize {
        self.open.as_ref().map_or(0, |open| {
            let message = open.message.as_ref().map_or(0, Assembly::held);
            open.control.capacity().saturating_add(message).saturating_add(size_of::<Open>())
        })
    }

    /// Take a prefix of `input`, unmasking it in place: how much was taken, and at most one event. Without
    /// an event, what is left is an incomplete header (less than 14 bytes), to be given again with more.
    /// `max` is the longest message, after inflating. After an error the decoder is of no more use.
    #[inline]
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "offsets: `at <= body <= end <= input.len()`, a header is all there"
    )]
    pub fn next(
        &mut self,
        input: &mut [u8],
        max: usize,
        inflater: &mut Inflater,
    ) -> Result<(usize, Option<Event>), Broken> {
        let mut at = 0;
        loop {
            if self.open.as_ref().is_none_or(|open| open.frame.is_none()) {
                let Some(header) = Header::read(&input[at..], self.role, self.deflate)? else {
                    return Ok((at, None));
                };
                self.follows(&header)?;
                let body = at + header.size;
                if (header.is_control() || (self.open.is_none() && header.fin))
                    && let Ok(len) = usize::try_from(header.len)
                    && len <= input.len() - body
                {
                    if !header.is_control() {
                        assemble::check_len(header.len, header.rsv1, max)?;
                    }
                    let end = body + len;
                    mask::apply(&mut input[body..end], header.key);
                    return Ok((end, Some(whole(&header, input, body..end, max, inflater)?)));
                }
                self.begin(&header, max)?;
                at = body;
            }
            let (taken, event) = self.go_on(&mut input[at..], max, inflater)?;
            at += taken;
            if event.is_some() || at == input.len() {
                return Ok((at, event));
            }
        }
    }

    /// RFC 6455 §5.4: a continuation continues something, and nothing else begins meanwhile.
    #[inline]
    fn follows(&self, header: &Header) -> Result<(), Broken> {
        if header.is_control() {
            return Ok(());
        }
        let open = self.open.as_ref().is_some_and(|open| open.message.is_some());
        match (header.opcode == opcode::CONTINUATION, open) {
            (true, false) => Err(broken("a continuation frame came and no message is open")),
            (false, true) => Err(broken("a new message began before the last fragment of the one before")),
            _ => Ok(()),
        }
    }

    #[inline(never)]
    fn begin(&mut self, header: &Header, max: usize) -> Result<(), Broken> {
        let open = self.open.get_or_insert_default();
        open.frame =
            Some(Partial { opcode: header.opcode, fin: header.fin, key: header.key, left: header.len });
        if !header.is_control() {
            let message =
                open.message.get_or_insert_with(|| Assembly::new(kind_of(header.opcode), header.rsv1));
            message.announce(header.len, max)?;
        }
        Ok(())
    }

    /// More of the payload of the frame that is open.
    #[inline(never)]
    fn go_on(
        &mut self,
        input: &mut [u8],
        max: usize,
        inflater: &mut Inflater,
    ) -> Result<(usize, Option<Event>), Broken> {
        let Some(open) = self.open.as_mut() else { return Ok((0, None)) };
        let Some(mut frame) = open.frame.take() else { return Ok((0, None)) };
        let taken = usize::try_from(frame.left).map_or(input.len(), |left| left.min(input.len()));
        let piece = &mut input[..taken];
        mask::apply(piece, frame.key);
        frame.key = mask::advance(frame.key, taken);
        frame.left = frame.left.saturating_sub(taken as u64);
        let is_control = frame.opcode & 0x08 != 0;
        match &mut open.message {
            Some(message) if !is_control => message.take(piece, frame.left)?,
            _ => open.control.extend_from_slice(piece),
        }
        if frame.left > 0 {
            open.frame = Some(frame);
            return Ok((taken, None));
        }
        let event = if is_control {
            let payload = std::mem::take(&mut open.control);
            Some(match frame.opcode {
                opcode::CLOSE => closing(&payload)?,
                _ => echo(frame.opcode, Payload::Owned(payload)),
            })
        } else if frame.fin {
            open.message.take().map(|message| message.finish(max, inflater)).transpose()?
        } else {
            None
        };
        if open.message.is_none() {
            self.open = None;
        }
        Ok((taken, event))
    }
}

const fn kind_of(opcode: u8) -> Kind {
    if opcode == opcode::TEXT { Kind::Text } else { Kind::Binary }
}

/// A frame of which all is there, and which is a whole message or a control frame.
#[inline]
fn whole(
    header: &Header,
    input: &[u8],
    range: Range<usize>,
    max: usize,
    inflater: &mut Inflater,
) -> Result<Event, Broken> {
    let payload = &input[range.clone()];
    if header.is_control() {
        return match header.opcode {
            opcode::CLOSE => closing(payload),
            _ => Ok(echo(header.opcode, Payload::Here(range))),
        };
    }
    let kind = kind_of(header.opcode);
    if header.rsv1 {
        return assemble::inflated(kind, payload, max, inflater);
    }
    if kind == Kind::Text {
        check_text(payload)?;
    }
    Ok(Event::Message { kind, payload: Payload::Here(range) })
}

const fn echo(opcode: u8, payload: Payload) -> Event {
    if opcode == opcode::PING { Event::Ping(payload) } else { Event::Pong(payload) }
}

/// A close frame's payload: nothing, or a code that may be sent and a text, RFC 6455 §5.5.1.
fn closing(payload: &[u8]) -> Result<Event, Broken> {
    let (code, reason) = match payload {
        [] => (close::NO_STATUS, &[][..]),
        [_] => return Err(broken("a close frame has a payload of one byte, and a code has two")),
        [a, b, reason @ ..] => (u16::from_be_bytes([*a, *b]), reason),
    };
    if !payload.is_empty() && !close::may_be_sent(code) {
        return Err(broken(format!("the close code {code} may not be sent")));
    }
    match std::str::from_utf8(reason) {
        Ok(reason) => Ok(Event::Close { code, reason: reason.to_owned() }),
        Err(_) => Err(Broken::new(close::BAD_DATA, "a close frame's reason is not UTF-8")),
    }
}
