//! What goes over a link, as a client writes and reads it.

use rtcore_core::envelope::transcode;
use rtcore_core::frame::deflate::{Deflater, Inflater};
use rtcore_core::frame::handshake::{Answer, check_response, write_request};
use rtcore_core::frame::websocket::{Decoder, Event, Role, opcode, write_frame};
use rtcore_core::ids::Form;
use serde_json::Value;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// More than the server ever says at once here.
const LONGEST: usize = 64 << 20;

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    pub form: Form,
    pub deflate: bool,
}

impl Dialect {
    pub const ALL: [Self; 4] = [
        Self { form: Form::Json, deflate: false },
        Self { form: Form::Msgpack, deflate: false },
        Self { form: Form::Json, deflate: true },
        Self { form: Form::Msgpack, deflate: true },
    ];

    fn protocol(self) -> &'static str {
        match self.form {
            Form::Json => "rtcore.v1.json",
            Form::Msgpack => "rtcore.v1.msgpack",
        }
    }

    /// The request that opens a WebSocket.
    pub fn handshake(self) -> Vec<u8> {
        let mut out = Vec::new();
        let offer = self.deflate.then_some("permessage-deflate");
        write_request("here", "/rt/ws", KEY, &[self.protocol()], offer, &[], &mut out);
        out
    }

    /// One message, or an array of them, in one masked frame.
    pub fn frame(self, message: &Value) -> Vec<u8> {
        let text = serde_json::to_vec(message).expect("a value can be written");
        let (mut payload, mut out) = (Vec::new(), Vec::new());
        transcode(&text, Form::Json, self.form, &mut payload).expect("a value has both forms");
        if self.deflate {
            let plain = std::mem::take(&mut payload);
            Deflater::new(1, false).deflate(&plain, &mut payload);
        }
        let kind = if self.form == Form::Json { opcode::TEXT } else { opcode::BINARY };
        write_frame(&mut out, kind, self.deflate, Some([1, 2, 3, 4]), &payload);
        out
    }
}

/// What a client heard.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// The connection is a WebSocket from here on.
    Open,
    /// A refusal, with its status.
    Refused(u16),
    Message(Value),
    Ping(Vec<u8>),
    Pong,
    Close(u16),
}

/// The reading side of a client.
#[derive(Debug)]
pub struct Reader {
    dialect: Dialect,
    open: bool,
    /// It was refused: what follows is the refusal's body.
    refused: bool,
    bytes: Vec<u8>,
    decoder: Decoder,
    inflater: Inflater,
}

impl Reader {
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            open: false,
            refused: false,
            bytes: Vec::new(),
            decoder: Decoder::new(Role::Client, dialect.deflate),
            inflater: Inflater::new(false),
        }
    }

    /// What these bytes complete. The server's bytes are right, or this is a failure.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Heard> {
        self.bytes.extend_from_slice(bytes);
        let mut heard = Vec::new();
        if self.refused || (!self.open && !self.shake(&mut heard)) {
            return heard;
        }
        let mut rest = std::mem::take(&mut self.bytes);
        let mut at = 0;
        loop {
            let next = self.decoder.next(&mut rest[at..], LONGEST, &mut self.inflater);
            let (used, event) = next.expect("the server breaks no frame");
            let here = &rest[at..at + used];
            match event {
                Some(Event::Message { payload, .. }) => self.messages(payload.bytes(here), &mut heard),
                Some(Event::Ping(payload)) => heard.push(Heard::Ping(payload.bytes(here).to_vec())),
                Some(Event::Pong(_)) => heard.push(Heard::Pong),
                Some(Event::Close { code, .. }) => heard.push(Heard::Close(code)),
                None => {
                    at += used;
                    break;
                }
            }
            at += used;
        }
        self.bytes = rest.split_off(at);
        heard
    }

    /// Whether frames follow now.
    fn shake(&mut self, heard: &mut Vec<Heard>) -> bool {
        let protocols = [self.dialect.protocol()];
        let answer = check_response(&self.bytes, KEY, &protocols, self.dialect.deflate);
        match answer.expect("the server's handshake is right") {
            Answer::Incomplete => false,
            Answer::Refused(status, _) => {
                self.refused = true;
                heard.push(Heard::Refused(status));
                false
            }
            Answer::Switched(switched, length) => {
                assert_eq!(switched.protocol, Some(protocols[0]));
                self.bytes.drain(..length);
                self.open = true;
                heard.push(Heard::Open);
                true
            }
        }
    }

    fn messages(&self, payload: &[u8], heard: &mut Vec<Heard>) {
        let mut text = Vec::new();
        transcode(payload, self.dialect.form, Form::Json, &mut text).expect("the server says values");
        match serde_json::from_slice(&text).expect("the server says JSON") {
            Value::Array(many) => heard.extend(many.into_iter().map(Heard::Message)),
            one => heard.push(Heard::Message(one)),
        }
    }
}
