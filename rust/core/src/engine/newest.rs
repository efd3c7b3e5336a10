//! Which `hello` of a session counts: the one with the highest number, whenever it arrives. And what stood behind one that
//! named a session which is not there.
//!
//! Parts: Conns, Out, Sessions.
//!
//! Nothing may stand behind such a hello before its `welcome` is there. What all the same does was meant for the session
//! that was named, which may have done it; in the fresh one it would be done once more. The server can tell of what it
//! reads before the `welcome` has left. That one is there is the client's to know: a ping ahead of it would tell of
//! clients that answer pings in their place (RFC 6455 §5.5.2), and would refuse all that a client says which passes them
//! over, so it was tried and taken out.

use super::Engine;
use super::http::Came;
use crate::codes::{Code, close};
use crate::conn::PendingHello;
use crate::envelope::{Said, read, write as envelope};
use crate::error::Fault;
use crate::frame::http::Refusal;
use crate::ids::{ConnId, Form, Now, SessionId};

impl Engine {
    /// A hello is about to take its session over: whether it may. Said before a later one that was faster, it takes nothing
    /// over, and is told which number that one had.
    pub(super) fn is_newest(
        &mut self,
        id: ConnId,
        session_id: SessionId,
        pending: &PendingHello,
        now: Now,
    ) -> bool {
        let Some(session) = self.session_mut(session_id) else { return true };
        let last = session.hello_n();
        let n = pending.n.unwrap_or(last);
        if n > last || pending.n.is_none() {
            session.greet(pending.n, &pending.program); // (of a client that does not count, each is the newest)
            return true;
        }
        let reason = format!("a hello with the number {last} has the session; this one has {n}");
        if self.conn(id).is_some_and(|conn| conn.request().is_some()) {
            let refusal = Refusal::new(409, Code::Superseded, reason).with_n(last);
            self.refuse_request(id, &refusal, Came::Whole, now);
            return false;
        }
        self.tell(id, |out, form| {
            envelope::bye_of(out, form, close::SUPERSEDED, &reason, None, Some(last));
        });
        if let Some(conn) = self.conn_mut(id) {
            conn.leave(); // it was told
        }
        self.close_conn(id, close::SUPERSEDED, &reason, None, now);
        false
    }

    /// A hello named a session, and got a fresh one: what stood behind it was said to the other, which may have done it.
    pub(super) fn doubt(&mut self, id: ConnId, pending: &PendingHello) {
        if pending.session.is_some()
            && let Some(conn) = self.conn_mut(id)
        {
            conn.doubt();
        }
    }

    /// The kernel took what waited for this connection, its `welcome` too: what is read from now on was said to the session
    /// that it has.
    pub(super) fn trust(&mut self, id: ConnId) {
        let flushed = self.out.is_empty(id);
        if let Some(conn) = self.conn_mut(id) {
            conn.trust(flushed);
        }
    }

    /// Refuse what must not be done twice and may have been done in the session that this connection wanted. False: it is
    /// something else.
    pub(super) fn refuse_doubted(
        &mut self,
        session: SessionId,
        form: Form,
        message: &Result<&[u8], Fault>,
    ) -> bool {
        let Some(said) = message.as_ref().ok().and_then(|bytes| read(form, bytes, self.config.names()).ok())
        else {
            return false;
        };
        let told = "this stood behind a hello whose session is over: it was not done here, and may have been done there";
        let fault = Fault::new(Code::OutcomeUnknown, told);
        match said {
            Said::Publish(publish) => self.tell_fault(session, &fault.with_id(publish.id)),
            Said::Emit(emit) => self.tell_fault(session, &fault.with_id(emit.id)),
            Said::Open(open) => self.put_off_stream(session, open.id, &fault.with_id(Some(open.id))),
            Said::Reply { .. } | Said::Stream(_) => {}
            _ => return false,
        }
        true
    }
}
