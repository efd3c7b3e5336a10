//! A client's WebSocket after its handshake: bytes to messages, many at a time, and messages to frames.
//!
//! A client that listens hears little but events, each small. So the events of one read are put together into one array, which is
//! decoded in one call: whoever reads pays for the calls once a read and not once a message. A message counts as such an event by
//! how it begins, as every server of ours writes it; any other is given as it is, in its place among the others.

use super::deflate::{Deflater, Inflater};
use super::event::{Event, Role, opcode};
use super::offers::Agreed;
use super::websocket::{Decoder, close_payload, write_frame};
use crate::error::Broken;
use crate::frame::Kind;
use crate::ids::Form;
use memchr::memmem;

/// How an event begins as JSON; and in `MessagePack`, behind the byte that says how many fields it has.
const EVENT: &[u8] = b"{\"type\":\"event\",";
const PACKED_EVENT: &[u8] = b"\xa4type\xa5event";
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
            rest: Vec::new(),
            ended: false,
        }
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
                self.hear(event, rest, &mut heard);
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

    fn hear(&mut self, event: Event, input: &[u8], heard: &mut Vec<Heard>) {
        let other = match event {
            Event::Message { kind, payload } => {
                let bytes = payload.bytes(input);
                if self.is_event(kind, bytes) {
                    self.gather(bytes, heard);
                    return;
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
mod tests {
    use super::*;
    use crate::codes::close;
    use proptest::prelude::*;

    fn text(payload: &str) -> Vec<u8> {
        let mut out = Vec::new();
        write_frame(&mut out, opcode::TEXT, false, None, payload.as_bytes());
        out
    }

    fn socket() -> ClientSocket {
        ClientSocket::new(Form::Json, None, 1000, 1024)
    }

    #[test]
    fn events_that_come_together_are_one_array_and_others_keep_their_place() {
        let wire = [
            text(r#"{"type":"event","seq":1}"#),
            text(r#"{"type":"event","seq":2}"#),
            text(r#"{"type":"ack","id":1}"#),
            text(r#"{"type":"event","data":{"$bin":"AA=="}}"#),
            text(r#"{"type":"event","seq":3}"#),
        ]
        .concat();
        let (heard, broken) = socket().take(&wire);
        assert_eq!(broken, None);
        assert_eq!(
            heard,
            [
                Heard::Events(br#"[{"type":"event","seq":1},{"type":"event","seq":2}]"#.to_vec(), 2),
                Heard::Text(br#"{"type":"ack","id":1}"#.to_vec()),
                Heard::Text(br#"{"type":"event","data":{"$bin":"AA=="}}"#.to_vec()),
                Heard::Events(br#"[{"type":"event","seq":3}]"#.to_vec(), 1),
            ]
        );
    }

    #[test]
    fn packed_events_are_one_array_too() {
        let mut wire = Vec::new();
        for n in 0..3u8 {
            let event = [b"\x82\xa4type\xa5event\xa3seq".as_slice(), &[n]].concat();
            write_frame(&mut wire, opcode::BINARY, false, None, &event);
        }
        let (heard, _) = ClientSocket::new(Form::Msgpack, None, 1000, 1024).take(&wire);
        let [Heard::Events(all, 3)] = &heard[..] else { panic!("{heard:?}") };
        assert!(all.starts_with(&[ARRAY, 0, 0, 0, 3, 0x82]));
    }

    #[test]
    fn what_no_server_sends_ends_it_after_what_came_before() {
        let mut wire = text(r#"{"type":"event","seq":1}"#);
        write_frame(&mut wire, opcode::TEXT, false, Some([1; 4]), b"masked");
        wire.extend_from_slice(&text("never heard"));
        let mut socket = socket();
        let (heard, broken) = socket.take(&wire);
        assert_eq!(heard, [Heard::Events(br#"[{"type":"event","seq":1}]"#.to_vec(), 1)]);
        assert_eq!(broken.expect("masked").code, close::PROTOCOL_ERROR);
        assert_eq!(socket.take(&text("nor this")), (vec![], None));
    }

    #[test]
    fn nothing_is_heard_after_a_close() {
        let mut wire = Vec::new();
        write_frame(&mut wire, opcode::CLOSE, false, None, &close_payload(4000, "so"));
        wire.extend_from_slice(&text("late"));
        assert_eq!(socket().take(&wire).0, [Heard::Close(4000, "so".to_owned())]);
    }

    proptest! {
        /// Where TCP cuts the bytes changes nothing but how many events are in one array.
        #[test]
        fn cuts_change_no_message(
            messages in prop::collection::vec((any::<bool>(), 0u32..70_000), 1..20),
            cuts in prop::collection::vec(1usize..5000, 1..50),
        ) {
            let mut wire = Vec::new();
            let mut said = Vec::new();
            for (event, size) in messages {
                let filling = "x".repeat(size as usize);
                let kind = if event { "event" } else { "ack" };
                let message = format!(r#"{{"type":"{kind}","data":"{filling}"}}"#);
                wire.extend_from_slice(&text(&message));
                said.push(message);
            }
            let mut socket = ClientSocket::new(Form::Json, None, 1 << 20, 1024);
            let (mut heard, mut at, mut cuts) = (Vec::new(), 0, cuts.into_iter().cycle());
            while at < wire.len() {
                let end = (at + cuts.next().unwrap()).min(wire.len());
                let (more, broken) = socket.take(&wire[at..end]);
                prop_assert!(broken.is_none());
                for one in more {
                    match one {
                        Heard::Events(all, count) => {
                            let inner = std::str::from_utf8(&all[1..all.len() - 1]).unwrap();
                            let parts: Vec<_> = inner.split("},{").collect();
                            prop_assert_eq!(parts.len(), count as usize);
                            heard.extend(parts.iter().map(|part| part.trim_matches(['{', '}']).to_owned()));
                        }
                        Heard::Text(text) => {
                            heard.push(String::from_utf8(text).unwrap().trim_matches(['{', '}']).to_owned());
                        }
                        other => prop_assert!(false, "{other:?}"),
                    }
                }
                at = end;
            }
            let said: Vec<_> = said.iter().map(|one| one.trim_matches(['{', '}']).to_owned()).collect();
            prop_assert_eq!(heard, said);
        }

        /// What a client writes, a server reads.
        #[test]
        fn a_server_reads_what_is_written(payload in "[ -~]{0,3000}", key in any::<[u8; 4]>(), deflate: bool) {
            let agreed = Agreed { server_no_context_takeover: true, client_no_context_takeover: true };
            let mut out = Vec::new();
            ClientSocket::new(Form::Json, deflate.then_some(agreed), 1 << 20, 1024)
                .write(payload.as_bytes(), key, true, &mut out);
            let mut decoder = Decoder::new(Role::Server, deflate);
            let (_, event) = decoder.next(&mut out, 1 << 20, &mut Inflater::new(false)).unwrap();
            let Some(Event::Message { kind: Kind::Text, payload: read }) = event else { panic!("{event:?}") };
            prop_assert_eq!(read.bytes(&out), payload.as_bytes());
        }
    }
}
