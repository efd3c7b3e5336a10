//! `live`: what was missed has been told, and what is said from now on comes as it is said.
//!
//! Parts: Conns, Log, Sessions.
//!
//! A client cannot see this by `welcome.head`: the entries up to there may be those of other rooms. So it is said, once for each
//! `hello` and each event stream that says where its client was, in its place among the events, and moves no position. A
//! client that begins here has missed nothing, and is not told so: clients that know no `live` hear what they always heard.

use super::Engine;
use crate::conn::Conn;
use crate::envelope::write as envelope;
use crate::ids::SessionId;
use crate::outbox::{Lane, Meta};

impl Engine {
    /// A feed of what was missed begins: its end will be said.
    pub(super) fn owe_live(&mut self, session_id: SessionId) {
        if let Some(session) = self.session_mut(session_id) {
            session.owe_live();
        }
    }

    /// Say it, if it is owed and nothing is left to be fed.
    pub(super) fn say_live(&mut self, session_id: SessionId) {
        if self.sessions.lags(session_id) {
            return;
        }
        let Some(session) = self.session_mut(session_id).filter(|session| session.owes_live()) else {
            return;
        };
        let Some(conn) = session.conn() else { return };
        session.say_live();
        let seq = self.log.head();
        let Some(encoding) = self.conn(conn).map(Conn::encoding) else { return };
        self.post(conn, Lane::Data, Meta::Control, encoding, |out, form| envelope::live(out, form, seq));
    }
}
