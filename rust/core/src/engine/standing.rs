//! Who may speak and hear. One place decides it, whatever the transport: a session's rights end when they end.
//!
//! Parts: Sessions.
//!
//! A session that somebody names rightly (`http::speaker`, a ticket, a `hello`) may still have none: its token's time is
//! over, or it has moved to a WebSocket and this is its old way. It is asked at each act: each message that is taken,
//! each request over plain HTTP; and where it only hears (a parked poll, a stream, a socket that says nothing) the timer
//! asks. After 4005 it needs a `hello` with a fresh token; what it had sent and was not yet done is not done, as on a
//! socket that closes, and its client says it again.

use super::Engine;
use crate::codes::{Code, close};
use crate::frame::http::Refusal;
use crate::ids::{Ends, Now, SessionId};
use crate::session::Link;
use crate::session::Session;

/// What is said to who comes too late.
pub(super) const OVER: &str = "the token's time is over";

/// Whether a session may act over plain HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It may.
    Good,
    /// Its token's time is over: it has no right before a `hello` with a fresh one.
    Expired,
    /// Its newest `hello` came by WebSocket, or is not the one that this speaks by: what comes here is of one that was superseded.
    Moved,
    /// There is no such session any more.
    Gone,
    /// It is of an earlier life of the server, and nobody has said hello for it in this one.
    Unheard,
}

impl Session {
    /// Whether its token's time is over.
    pub fn is_expired(&self, now: Now) -> bool {
        self.expires().is_some_and(|expires| expires.has_come(now))
    }
}

impl Engine {
    /// Whether a session may act over plain HTTP now, by the `hello` with this number where its client says. Who may not any more
    /// hears so on whatever carries it.
    pub(super) fn standing(&mut self, session_id: SessionId, hello: Option<u64>, now: Now) -> Standing {
        if self.is_over(session_id, now) {
            return Standing::Expired;
        }
        match self.session(session_id) {
            None => Standing::Gone,
            Some(session) if !session.is_heard() => Standing::Unheard,
            Some(session) if session.link().is_none() => Standing::Moved,
            Some(session) if hello.is_some_and(|n| !session.is_greeted_by(n)) => Standing::Moved,
            Some(_) => Standing::Good,
        }
    }

    /// Whether a session's token is over: then it is sent away, if it was not already.
    pub(super) fn is_over(&mut self, session_id: SessionId, now: Now) -> bool {
        let over = self.session(session_id).is_some_and(|session| session.is_expired(now));
        if over {
            self.send_away(session_id, now);
        }
        over
    }

    /// Its token's time is over. The session stays for its resume window; nothing that it says is done, and it hears nothing.
    fn send_away(&mut self, session_id: SessionId, now: Now) {
        let Some(session) = self.session_mut(session_id) else { return };
        if let Some(rare) = session.rare_mut() {
            rare.drop_posted();
        }
        // (A stream of items whose answer has not begun is refused.)
        let opening = session.link_mut().and_then(Link::opened);
        if let Some(conn) = session.conn().or(opening) {
            self.close_conn(conn, close::EXPIRED, OVER, None, now);
        } else if session.link().is_some_and(Link::is_here) {
            self.stats.closed(close::EXPIRED);
            self.go_away(session_id, now);
        }
    }

    /// A token is valid from now on, until then: for the session, and for what it lent its right to.
    pub(super) fn renew(&mut self, session_id: SessionId, expires: Option<Ends>, now: Now) {
        let Some(session) = self.session(session_id) else { return };
        let lent = session.rare().map_or_else(Vec::new, |rare| rare.lent().to_vec());
        self.ends_at(session_id, expires, now);
        for borrower in lent {
            self.ends_at(borrower, expires, now); // such a one lends nothing itself
        }
    }

    fn ends_at(&mut self, session_id: SessionId, expires: Option<Ends>, now: Now) {
        let Some(session) = self.session_mut(session_id) else { return };
        let before = session.expires();
        session.renew(expires);
        if expires.is_some() {
            self.time_expiry(session_id, now);
        }
        if before.map(|ends| ends.date) != expires.map(|ends| ends.date) {
            self.keep_expiry(session_id, now);
        }
    }
}

/// The answer to a request of a session whose token is over.
pub(super) fn over() -> Refusal {
    let message = format!("{OVER}: say hello with a fresh one");
    Refusal::new(401, Code::Unauthorized, message).with_header("WWW-Authenticate", "Session".to_owned())
}
