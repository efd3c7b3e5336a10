//! `live`: what was missed has been told, and what is said from now on comes as it is said.
//!
//! Parts: Conns, Log, Sessions, Timers.
//!
//! A client cannot see this by `welcome.head`: the entries up to there may be those of other rooms. So it is said, once for each
//! `welcome` and each event stream that opens, in its place among the events, and moves no position.

use super::Engine;
use crate::envelope::write as envelope;
use crate::ids::{ConnId, SessionId};
use crate::outbox::{Lane, Meta};
use crate::timers::Due;

impl Engine {
    /// A connection has its welcome, and a feed begins: its end will be said.
    pub(super) fn owe_live(&mut self, id: ConnId, session: SessionId) {
        self.timers.drop(Due::Welcome(id));
        if let Some(held) = self.session_mut(session) {
            held.owes_live = true;
        }
    }

    /// Say it, if it is owed and nothing is left to be fed.
    pub(super) fn say_live(&mut self, session: SessionId) {
        let Some(held) = self.session_mut(session).filter(|held| held.owes_live && !held.lagging) else {
            return;
        };
        let Some(conn) = held.conn else { return };
        held.owes_live = false;
        let seq = self.log.head();
        let Some(encoding) = self.conn(conn).map(crate::conn::Conn::encoding) else { return };
        self.post(conn, Lane::Data, Meta::Control, encoding, |out, form| envelope::live(out, form, seq));
    }
}
