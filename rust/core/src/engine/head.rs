//! The head of a request: whether its sender may ask at all, whose it is, and what it opens.
//!
//! Parts: Conns, Out, Steps.

use super::admission::stopping_refusal;
use super::config::{API, CONSOLE, PREFIX, PROBES, RawPath, SCRIPT};
use super::steps::{BYTES, HEAD};
use super::{Engine, size};
use crate::codes::Code;
use crate::conn::Conn;
use crate::frame::http::{Head, Parsed, Refusal, asks_for_head_only, parse};
use crate::frame::query::Query;
use crate::frame::{cors, handshake, origin, page};
use crate::ids::{ConnId, Form, Now};
use crate::metrics::Transport;
use crate::outbox::{Lane, Meta};

/// What became of a request head.
pub(super) enum Taken {
    /// Its last byte is not here yet.
    Incomplete,
    /// This many bytes were its own.
    Bytes(usize),
    /// The connection takes nothing more.
    Over,
}

impl Engine {
    /// The head of a request, if all of it is here: it is admitted, refused, or handed to the backend.
    pub(super) fn take_head(&mut self, id: ConnId, bytes: &[u8], now: Now) -> Taken {
        let max = size(self.config.limits.max_head);
        if let Some(conn) = self.conn_mut(id) {
            conn.answer_head_only(asks_for_head_only(bytes));
        }
        let (head, length) = match parse(bytes, max) {
            Ok(Parsed::Incomplete) => return Taken::Incomplete,
            Ok(Parsed::Head(head, length)) => (head, length),
            Err(refusal) => {
                let refusal = self.refusal_of_header(id, bytes, refusal);
                self.refuse(id, &refusal, now);
                return Taken::Over;
            }
        };
        match self.admit_head(id, &head, bytes, length, now) {
            Ok(taken) => taken,
            Err(refusal) => {
                self.refuse(id, &refusal, now);
                Taken::Over
            }
        }
    }

    fn admit_head(
        &mut self,
        id: ConnId,
        head: &Head<'_>,
        bytes: &[u8],
        length: usize,
        now: Now,
    ) -> Result<Taken, Refusal> {
        self.stats.requests += 1;
        self.meter.heard(Transport::Http);
        self.steps.spend(HEAD + length / BYTES);
        // By what name the connection was made: a page whose name was turned to loopback can say any other.
        origin::host_ok(head, self.config.loopback_only, &self.config.hosts)?;
        let host = self.place_behind_proxy(id, head)?;
        let renamed = host.as_ref().map(|host| head.renamed(host.as_bytes()));
        let head = renamed.as_ref().unwrap_or(head);
        let path = head.path();
        if self.stopping && !PROBES.contains(&path) {
            return Err(stopping_refusal());
        }
        let raw = RawPath::find(&self.config.raws, path);
        let file = path.starts_with(SCRIPT) || path.starts_with(CONSOLE);
        let ours = raw.is_some() || (path.starts_with(PREFIX) && !file);
        if ours {
            let secure = self.conn(id).is_some_and(Conn::secure);
            origin::origin_ok(head, &self.config.origins, secure)?;
            page::page_ok(head)?;
        }
        if !ours || path.starts_with(API) {
            if !self.config.backend {
                return Err(Refusal::new(404, Code::NotFound, "nothing is served here"));
            }
            let mut rest = Vec::with_capacity(bytes.len() + 32);
            head.rewrite_for_backend(&mut rest);
            rest.extend_from_slice(&bytes[length..]);
            self.hand_over(id, rest);
            return Ok(Taken::Over);
        }
        if head.method == "OPTIONS" {
            let mut answer = Vec::new();
            if cors::preflight(head, &mut answer) {
                self.out.say(id, Lane::Control, Meta::Control, |out| out.extend_from_slice(&answer));
                self.begin_closing(id, now);
                return Ok(Taken::Over);
            }
        }
        let opened = match raw {
            Some(index) => self.open_raw(id, index, head, now),
            None if path == "/rt/ws" => self.open_websocket(id, head),
            None => self.plain_request(id, head, now),
        };
        opened.map_err(|refusal| cors::readable(refusal, head))?;
        Ok(Taken::Bytes(length))
    }

    fn open_websocket(&mut self, id: ConnId, head: &Head<'_>) -> Result<(), Refusal> {
        let wanted = handshake::check(head)?;
        Query::parse(head.query())?.only("/rt/ws", &[])?;
        let offered: Vec<&str> = wanted.protocols.clone();
        let known = offered.iter().find_map(|name| match *name {
            "rtcore.v1.json" => Some((Form::Json, "rtcore.v1.json")),
            "rtcore.v1.msgpack" => Some((Form::Msgpack, "rtcore.v1.msgpack")),
            _ => None,
        });
        if known.is_none() && !offered.is_empty() {
            let message = "none of the subprotocols offered is known: rtcore.v1.json, rtcore.v1.msgpack";
            return Err(Refusal::new(400, Code::InvalidMessage, message));
        }
        let agent = head.agent();
        let Some(conn) = self.conn_mut(id) else { return Ok(()) };
        conn.begin_frames(known.map_or(Form::Json, |(form, _)| form), wanted.deflate, agent);
        self.out.say(id, Lane::Control, Meta::Control, |out| {
            handshake::write_switch(wanted.key, known.map(|(_, name)| name), wanted.deflate, out);
        });
        Ok(())
    }
}
