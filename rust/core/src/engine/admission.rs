//! Who is let in: the shares of `crate::shares`, asked where a connection, a session or a room begins.
//!
//! Parts: Conns, Sessions, Shares.

use super::{Engine, size};
use crate::asked::Waiting;
use crate::codes::Code;
use crate::frame::http::Refusal;
use crate::ids::{ConnId, Now, SessionId};
use crate::limits::fixed::COME_BACK_S;
use crate::session::Session;
use crate::shares::{Full, Holder, Resting, User, What};
use std::sync::Arc;

/// What a request is told that is one too many.
pub(super) fn full_refusal(full: &Full) -> Refusal {
    let message = format!("{full}: come back in {COME_BACK_S} s");
    Refusal::new(503, Code::Overloaded, message).with_header("Retry-After", COME_BACK_S.to_string())
}

/// What a request is told that comes while the server stops: the next one takes its place.
pub(super) fn stopping_refusal() -> Refusal {
    Refusal::new(503, Code::Overloaded, "the server stops, and another takes its place: come back in 1 s")
        .with_header("Retry-After", "1".to_owned())
}

impl Engine {
    /// What a session holds is charged to its user, or to itself, and to its address. The application's, if it is gone.
    pub(super) fn holder_of(&self, session_id: SessionId) -> Holder {
        self.session(session_id).map_or(Holder::APPLICATION, |session| {
            let user = session.user().map_or(User::Session(session_id), |user| User::Named(Arc::clone(user)));
            Holder::peer(session.address(), Some(user))
        })
    }

    /// Who is counted for the session itself: an anonymous one needs no book of its own for that.
    pub(super) fn place_of(&self, session_id: SessionId) -> Option<Holder> {
        let session = self.session(session_id)?;
        Some(Holder::peer(session.address(), session.user().map(|user| User::Named(Arc::clone(user)))))
    }

    /// Nobody is there for this session. If too many are so, the one that is away the longest ends.
    pub(super) fn rest_session(&mut self, session_id: SessionId) {
        let Some(owner) = self.place_of(session_id) else { return };
        if self.session(session_id).is_some_and(Session::is_resting) {
            return;
        }
        while let Ok(Some(oldest)) = self.shares.place_for(&owner, What::Absent, Resting::Session) {
            self.stats.pushed_out += 1;
            let reason = "others are away, too, and the place for absent sessions is used up";
            self.wake_session(SessionId(oldest)); // its place is free at once
            self.end_later(SessionId(oldest), reason, crate::codes::close::OVERLOADED);
        }
        self.shares.take(&owner, What::Absent, 1);
        let stamp = self.shares.rest(&owner, Resting::Session, session_id.0);
        if let Some(session) = self.session_mut(session_id) {
            session.rest(stamp);
        }
    }

    /// Somebody is there again, or the session ends.
    pub(super) fn wake_session(&mut self, session_id: SessionId) {
        let Some(stamp) = self.session_mut(session_id).map(Session::wake) else {
            return;
        };
        if stamp > 0
            && let Some(owner) = self.place_of(session_id)
        {
            self.shares.give_back(&owner, What::Absent, 1);
            self.shares.wake(&owner, Resting::Session, stamp, session_id.0);
        }
    }

    /// An ack was kept. What the session's acks take is counted in its holder's share, but not each byte: the first
    /// `acks_at_least` are every session's, and so many more or less need no look at the books.
    pub(super) fn weigh_acks(&mut self, session_id: SessionId) {
        let page = size(self.config.limits.acks_at_least).max(1);
        let Some(session) = self.session(session_id) else { return };
        let (bytes, counted) = (session.acks().bytes(), session.acks_counted());
        if bytes <= counted + page && counted <= bytes + 2 * page {
            return;
        }
        let holder = self.holder_of(session_id);
        let more = bytes.saturating_sub(counted) as u64;
        if more > 0 && self.shares.full_for(&holder, What::Ack, more).is_some() {
            if let Some(session) = self.session_mut(session_id) {
                session.acks_mut().shrink(counted + page);
            }
            return;
        }
        self.shares.take(&holder, What::Ack, more);
        self.shares.give_back(&holder, What::Ack, counted.saturating_sub(bytes) as u64);
        if let Some(session) = self.session_mut(session_id) {
            session.count_acks(bytes);
        }
    }

    /// The session ends, and its acks with it.
    pub(super) fn drop_acks(&mut self, session_id: SessionId) {
        let counted = self.session_mut(session_id).map_or(0, Session::uncount_acks);
        let holder = self.holder_of(session_id);
        self.shares.give_back(&holder, What::Ack, counted as u64);
    }

    /// In whose share a question to the application is; none: what waits is no question.
    pub(super) fn holder_of_question(&self, waiting: &Waiting) -> Option<Holder> {
        match waiting {
            Waiting::Join(joining) => Some(self.holder_of(joining.session)),
            Waiting::Reauth { session, .. } | Waiting::Change { session, .. } => {
                Some(self.holder_of(*session))
            }
            Waiting::Returning { conn, .. } => Some(Holder::peer(self.conn(*conn)?.address(), None)),
            Waiting::Emit { .. }
            | Waiting::SameKey { .. }
            | Waiting::Blocked { .. }
            | Waiting::Full { .. }
            | Waiting::Storing
            | Waiting::Behind { .. }
            | Waiting::Entering(_)
            | Waiting::Key { .. }
            | Waiting::Past(_)
            | Waiting::Reading(_) => None,
        }
    }

    /// A question has its answer, or nobody wants it any more.
    pub(super) fn not_asked(&mut self, waiting: &Waiting) {
        if let Some(holder) = self.holder_of_question(waiting) {
            self.shares.give_back(&holder, What::Question, 1);
        }
    }

    /// Whether one question more of this connection is over a limit.
    pub(super) fn question_full(&self, id: ConnId) -> Option<Full> {
        let address = self.conn(id)?.address();
        self.shares.full_for(&Holder::peer(address, None), What::Question, 1)
    }

    /// The application is asked who this is; false: too much is asked already, and the connection is closed.
    pub(super) fn ask_who(&mut self, id: ConnId, now: Now) -> bool {
        self.told_who(id);
        if let Some(full) = self.question_full(id) {
            self.close_full(id, &full, now);
            return false;
        }
        let Some(conn) = self.conn_mut(id) else { return false };
        conn.ask_who();
        let address = conn.address();
        self.shares.take(&Holder::peer(address, None), What::Question, 1);
        true
    }

    /// It has said who this is, or the connection goes.
    pub(super) fn told_who(&mut self, id: ConnId) {
        let Some(conn) = self.conn_mut(id) else { return };
        if conn.told_who() {
            let address = conn.address();
            self.shares.give_back(&Holder::peer(address, None), What::Question, 1);
        }
    }

    pub(super) fn close_full(&mut self, id: ConnId, full: &Full, now: Now) {
        self.stats.refuse(Code::Overloaded);
        self.close_conn(
            id,
            crate::codes::close::OVERLOADED,
            &full.to_string(),
            Some(f64::from(COME_BACK_S)),
            now,
        );
    }
}
