//! Raw sockets: WebSocket messages on a path of the application's own, as they come.
//!
//! Parts: Conns, Out.

use super::encoding::Press;
use super::{AppEvent, Engine, size};
use crate::codes::close;
use crate::conn::Phase;
use crate::frame::handshake;
use crate::frame::http::{Head, Refusal};
use crate::frame::websocket::{Kind, opcode, write_close, write_header};
use crate::ids::{ConnId, Form, Now};
use crate::outbox::{Lane, Lent, Meta};

impl Engine {
    pub(super) fn open_raw(
        &mut self,
        id: ConnId,
        index: usize,
        head: &Head<'_>,
        now: Now,
    ) -> Result<(), Refusal> {
        let wanted = handshake::check(head)?;
        let (max_message, path) =
            (self.config.raws[index].max_message, u32::try_from(index).expect("few paths"));
        let agent = head.agent();
        let target = head.target.to_owned();
        let headers =
            head.iter().map(|(name, value)| (name.as_bytes().to_ascii_lowercase(), value.to_vec())).collect();
        let Some(conn) = self.conn_mut(id) else { return Ok(()) };
        conn.begin_raw(wanted.deflate, agent, max_message);
        let address = conn.address();
        self.out.say(id, Lane::Control, Meta::Control, |out| {
            handshake::write_switch(wanted.key, None, wanted.deflate, out);
        });
        self.time_conn(id, now);
        self.events.list.push(AppEvent::RawOpened { conn: id, path, target, headers, address });
        Ok(())
    }

    /// Send a message; how many bytes then wait. `None`: the socket is closed.
    pub fn raw_send(&mut self, id: ConnId, kind: Kind, message: &[u8]) -> Option<usize> {
        let deflate = self.raw_deflates(id)?;
        let form = if kind == Kind::Text { Form::Json } else { Form::Msgpack };
        let press = if deflate { Press::Deflate } else { Press::Nothing };
        self.out.say_packed(id, Lane::Data, Meta::Raw, |out, packing| {
            let write = |out: &mut Vec<u8>| out.extend_from_slice(message);
            super::say::framed(out, form, press, packing, message.len(), write);
        });
        Some(self.out.data_bytes(id))
    }

    /// The same for a large one, which leaves from where it lies; one that is to be compressed is copied by that.
    pub fn raw_lend(&mut self, id: ConnId, kind: Kind, message: Lent) -> Option<usize> {
        if self.raw_deflates(id)? {
            return self.raw_send(id, kind, message.bytes());
        }
        let (opcode, len) = (opcode_of(kind), message.bytes().len());
        self.out.say_lent(id, Meta::Raw, message, |out| write_header(out, opcode, false, len));
        Some(self.out.data_bytes(id))
    }

    /// Whether messages to a raw socket are compressed. `None`: it is closed.
    fn raw_deflates(&self, id: ConnId) -> Option<bool> {
        let conn = self.conns.get(id)?;
        (conn.phase() == Phase::Raw).then_some(conn.deflate())
    }

    /// Close a raw socket, after what waits for it.
    pub fn raw_close(&mut self, id: ConnId, code: u16, reason: &str, now: Now) {
        self.entry(now, |engine| engine.close_raw(id, code, reason, now));
    }

    pub(super) fn close_raw(&mut self, id: ConnId, code: u16, reason: &str, now: Now) {
        let Some(conn) = self.conn_mut(id) else { return };
        if conn.phase() != Phase::Raw {
            return;
        }
        let code = if close::may_be_sent(code) { code } else { close::INTERNAL };
        conn.end_with(code, reason);
        self.out.say(id, Lane::Data, Meta::Control, |out| write_close(out, code, reason));
        self.begin_closing(id, now);
    }

    /// What of a raw socket waits in the application: at the bounds the core stops reading it.
    pub fn raw_waiting(&mut self, id: ConnId, messages: u32, bytes: u32, now: Now) {
        self.entry(now, |engine| engine.raw_waits(id, messages, bytes, now));
    }

    fn raw_waits(&mut self, id: ConnId, messages: u32, bytes: u32, now: Now) {
        let Some(conn) = self.conn_mut(id) else { return };
        conn.raw_waits(messages, bytes);
        if conn.is_paused() {
            self.wake_input(id, now);
        }
    }

    /// Whether `RawDrained` will come; false: there is room now.
    pub fn want_raw_drained(&mut self, id: ConnId) -> bool {
        let high = size(self.config.limits.session_high);
        let waits = self.out.data_bytes(id) > high;
        let Some(conn) = self.conn_mut(id) else { return false };
        conn.want_drained(waits);
        waits
    }
}

const fn opcode_of(kind: Kind) -> u8 {
    match kind {
        Kind::Text => opcode::TEXT,
        Kind::Binary => opcode::BINARY,
    }
}
