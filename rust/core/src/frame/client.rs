//! A client's WebSocket after its handshake: bytes to messages, many at a time, and messages to frames.
//!
//! A client that listens hears little but events, each small. So the events of one read are put together into one array, which is
//! decoded in one call: whoever reads pays for the calls once a read and not once a message. A message counts as such an event by
//! how it begins, as every server of ours writes it; any other is given as it is, in its place among the others.

use super::deflate::{Deflater, Inflater};
use super::event::{Event, Role, opcode};
use super::offers::Agreed;
use super::websocket::{Decoder, check_text, close_payload, write_frame};
use crate::compress::{Algorithm, MARK, Tools};
use crate::error::Broken;
use crate::frame::Kind;
use crate::ids::Form;
use memchr::memmem;

/// How an event begins as JSON; and in `MessagePack`, behind the byte that says how many fields it has.
const EVENT: &[u8] = b"{\"type\":\"event\",";
const PACKED_EVENT: &[u8] = b"\xa4type\xa5event";
/// What a client says is all about one thing, when it is to be left alone because it does not shrink.
const EVERYTHING: u64 = 1;
/// What binary is wrapped in where JSON is spoken: such an event is not as simple as it looks.
const BINARY: &[u8] = b"$bin";
/// The header of a `MessagePack` array with 32 bits of length.
const ARRAY: u8 = 0xdd;

/// What the server said.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// So many events, as one array.
    Events(Vec<u8>, u32),
    /// A message, or an array of them, as it came.
    Text(Vec<u8>),
    /// The same, binary.
    Binary(Vec<u8>),
    /// To be answered with a pong of the same payload.
    Ping(Vec<u8>),
    /// A sign of life.
    Pong,
    /// The last that comes, and the code and the reason that it gives.
    Close(u16, String),
}

/// One WebSocket, as its client has it.
#[derive(Debug)]
pub struct ClientSocket {
    form: Form,
    max: usize,
    decoder: Decoder,
    inflater: Inflater,
    deflater: Option<Deflater>,
    compress_from: usize,
    tools: Tools,
    /// What the hello agreed on.
    agreed: Option<Algorithm>,
    /// The beginning of a frame's header, perhaps.
    rest: Vec<u8>,
    ended: bool,
}

impl ClientSocket {
    /// Speaks this form. `max`: bytes of the longest message, inflated; messages of `compress_from` bytes on are compressed, if
    /// that was agreed.
    #[must_use]
    pub fn new(form: Form, deflate: Option<Agreed>, max: usize, compress_from: usize) -> Self {
        let agreed = deflate.as_ref();
        Self {
            form,
            max,
            decoder: Decoder::new(Role::Client, agreed.is_some()),
            inflater: Inflater::new(agreed.is_some_and(|agreed| !agreed.server_no_context_takeover)),
            deflater: agreed.map(|agreed| Deflater::new(1, !agreed.client_no_context_takeover)),
            compress_from,
            tools: Tools::default(),
            agreed: None,
            rest: Vec::new(),
            ended: false,
        }
    }

    /// The server has said in its `welcome` what compresses both ways from now on.
    pub fn agree(&mut self, agreed: Option<Algorithm>) {
        self.agreed = agreed;
    }

    /// Take bytes of the server: what they say, in order; and what is wrong with what follows that, if anything is.
    pub fn take(&mut self, bytes: &[u8]) -> (Vec<Heard>, Option<Broken>) {
        let mut input = std::mem::take(&mut self.rest);
        input.extend_from_slice(bytes);
        let mut heard = Vec::new();
        let mut at = 0;
        while !self.ended {
            let Some(rest) = input.get_mut(at..).filter(|rest| !rest.is_empty()) else { break };
            let (taken, event) = match self.decoder.next(rest, self.max, &mut self.inflater) {
                Ok(next) => next,
                Err(broken) => {
                    self.ended = true;
                    finish(&mut heard);
                    return (heard, Some(broken));
                }
            };
            if let Some(event) = event {
                if let Err(broken) = self.hear(event, rest, &mut heard) {
                    self.ended = true;
                    finish(&mut heard);
                    return (heard, Some(broken));
                }
            } else if taken == 0 {
                break;
            }
            at = at.saturating_add(taken);
        }
        if !self.ended {
            input.drain(..at);
            self.rest = input;
        }
        finish(&mut heard);
        (heard, None)
    }

    fn hear(&mut self, event: Event, input: &[u8], heard: &mut Vec<Heard>) -> Result<(), Broken> {
        let other = match event {
            Event::Message { kind, payload } => {
                let bytes = payload.bytes(input);
                let inflated = if kind == Kind::Binary && bytes.first() == Some(&MARK) {
                    Some(self.unpack(bytes)?)
                } else {
                    None
                };
                let (kind, bytes) = match &inflated {
                    Some(bytes) if self.form == Form::Json => (Kind::Text, &bytes[..]),
                    Some(bytes) => (Kind::Binary, &bytes[..]),
                    None => (kind, bytes),
                };
                if self.is_event(kind, bytes) {
                    self.gather(bytes, heard);
                    return Ok(());
                }
                match kind {
                    Kind::Text => Heard::Text(bytes.to_vec()),
                    Kind::Binary => Heard::Binary(bytes.to_vec()),
                }
            }
            Event::Ping(payload) => Heard::Ping(payload.bytes(input).to_vec()),
            Event::Pong(_) => Heard::Pong,
            Event::Close { code, reason } => {
                self.ended = true;
                Heard::Close(code, reason)
            }
        };
        finish(heard);
        heard.push(other);
        Ok(())
    }

    /// What a frame holds that is compressed as the hello agreed.
    fn unpack(&mut self, frame: &[u8]) -> Result<Vec<u8>, Broken> {
        let bytes = self.tools.unpack(self.agreed, frame, self.max)?;
        if self.form == Form::Json {
            check_text(&bytes)?;
        }
        Ok(bytes)
    }

    fn is_event(&self, kind: Kind, bytes: &[u8]) -> bool {
        match (self.form, kind) {
            (Form::Json, Kind::Text) => {
                bytes.starts_with(EVENT) && bytes.ends_with(b"}") && memmem::find(bytes, BINARY).is_none()
            }
            // Up to 15 fields stand in the first byte.
            (Form::Msgpack, Kind::Binary) => {
                matches!(bytes, [0x80..=0x8f, rest @ ..] if rest.starts_with(PACKED_EVENT))
            }
            _ => false,
        }
    }

    fn gather(&self, bytes: &[u8], heard: &mut Vec<Heard>) {
        if !matches!(heard.last(), Some(Heard::Events(..))) {
            heard.push(Heard::Events(Vec::new(), 0));
        }
        let Some(Heard::Events(all, count)) = heard.last_mut() else { return };
        match self.form {
            Form::Json => all.push(if *count == 0 { b'[' } else { b',' }),
            Form::Msgpack if *count == 0 => all.extend_from_slice(&[ARRAY, 0, 0, 0, 0]),
            Form::Msgpack => {}
        }
        all.extend_from_slice(bytes);
        *count = count.saturating_add(1);
    }

    /// The frame of one message, masked with this key. `packs`: whether it may be compressed: it holds nothing secret.
    pub fn write(&mut self, payload: &[u8], key: [u8; 4], packs: bool, out: &mut Vec<u8>) {
        let opcode = if self.form == Form::Json { opcode::TEXT } else { opcode::BINARY };
        if packs
            && payload.len() >= self.compress_from
            && let Some(agreed) = self.agreed
        {
            let mut packed = Vec::new();
            if self.tools.pack(agreed, payload, EVERYTHING, &mut packed) {
                return write_frame(out, opcode::BINARY, false, Some(key), &packed);
            }
            return write_frame(out, opcode, false, Some(key), payload);
        }
        if packs
            && payload.len() >= self.compress_from
            && let Some(deflater) = &mut self.deflater
        {
            let mut packed = Vec::new();
            deflater.deflate(payload, &mut packed);
            // With context the other side must have seen all that was compressed.
            return write_frame(out, opcode, true, Some(key), &packed);
        }
        write_frame(out, opcode, false, Some(key), payload);
    }

    /// The answer to a ping.
    pub fn pong(&self, payload: &[u8], key: [u8; 4], out: &mut Vec<u8>) {
        write_frame(out, opcode::PONG, false, Some(key), payload);
    }

    /// The last frame.
    pub fn close(&self, code: u16, reason: &str, key: [u8; 4], out: &mut Vec<u8>) {
        write_frame(out, opcode::CLOSE, false, Some(key), &close_payload(code, reason));
    }
}

/// The array of events that is under way is whole.
fn finish(heard: &mut [Heard]) {
    let Some(Heard::Events(all, count)) = heard.last_mut() else { return };
    match all.first() {
        Some(&ARRAY) => all[1..5].copy_from_slice(&count.to_be_bytes()),
        Some(b'[') if !all.ends_with(b"]") => all.push(b']'),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
