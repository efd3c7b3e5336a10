//! What follows from what was done: who may go on now, and what ends with what has ended.
//!
//! Parts: Conns, Durable, Next, Rooms, Sessions, Steps.
//!
//! Theory. A room that lets its publishers go on, a session that others wait for, a session that ends with another:
//! each of these may bring about the same again, for somebody else, and so on down a chain as long as peers care to make
//! it. So nothing of that is done where it is found out: it is put on this queue, and each public entry of the engine
//! goes through the queue when its own work is done, in a loop and within the budget of a turn. What is left comes in
//! the next turn, ahead of the lines of `steps`, with half of that turn while somebody stands there. So no method of
//! the engine can come back to itself, and what is done for one connection neither takes the input of another nor ends
//! it before that is done.
//!
//! Invariants: a room stands here once (`Blocked::ask`). Whatever stands here is looked at again when its time comes:
//! who has gone meanwhile, or has no reason any more, is passed over. `deadline` is at once while something is left.
//! A session that stands here to end is `Hold::End`: nobody finds it, and nothing more of it is taken.

use super::Engine;
use super::lines::Line;
use crate::ids::{ConnId, Now, RoomId, SessionId, Tick};
use crate::session::Hold;
use std::collections::VecDeque;

/// One thing that follows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Follow {
    /// A member of this room went on, or away: its publishers may try again.
    Unblock(RoomId),
    /// A push of this room's collection was given up: those behind it go on.
    Lanes(RoomId),
    /// What became of some facts is known, or who was held up by them may go on.
    Settle,
    /// What this request's handler said under a key is decided; whether that is lost.
    Decided(u64, bool),
    /// A session stood before the wall, and that is lower.
    Feed(SessionId),
    /// What waits of this connection may be taken.
    Input(ConnId),
    /// What this session said by `send` may be taken.
    Posted(SessionId),
    /// The server stops, and this session has an ack: perhaps its last.
    Part(SessionId),
    /// This session ends with another, or makes place for one: why, and with what code.
    End(SessionId, &'static str, u16),
    /// The collections are here of the session that this connection wants back.
    Return(ConnId),
    /// The session has ended that this connection waits for at the door.
    GiveUp(ConnId, SessionId),
}

/// What follows, in the order in which it was found out.
#[derive(Debug, Default)]
pub(super) struct Next {
    queue: VecDeque<Follow>,
    /// Since when something was left.
    since: Tick,
}

impl Next {
    /// This follows, behind all else.
    pub fn add(&mut self, follow: Follow) {
        self.queue.push_back(follow);
    }

    /// How much is left.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// When to go on with what is left.
    pub fn due(&self) -> Option<Tick> {
        (!self.queue.is_empty()).then_some(self.since)
    }
}

impl Engine {
    /// A public entry: do its work, and then what follows from it.
    pub(super) fn entry<R>(&mut self, now: Now, work: impl FnOnce(&mut Self) -> R) -> R {
        let done = work(self);
        if self.durable.groups.has_settled() && self.next.queue.is_empty() {
            self.next.add(Follow::Settle);
        }
        self.follow_up(now);
        if self.durable.reads.begin(now.tick) {
            self.time_store(now);
        }
        done
    }

    /// Do what follows from what was done, as far as the turn goes.
    #[inline]
    pub(super) fn follow_up(&mut self, now: Now) {
        debug_assert!(!self.steps.is_serving(), "an entry of the engine was called from within another");
        if !self.next.queue.is_empty() {
            self.follow_all(now);
        }
    }

    #[inline(never)]
    fn follow_all(&mut self, now: Now) {
        let end = self.steps.follow_ups_end(self.config.limits.turn_steps, now);
        while self.steps.done() < end
            && let Some(follow) = self.next.queue.pop_front()
        {
            self.steps.spend(1);
            self.follow(follow, now);
        }
        self.next.since = now.tick;
    }

    fn follow(&mut self, follow: Follow, now: Now) {
        match follow {
            Follow::Unblock(room) => self.unblock(room, now),
            Follow::Lanes(room) => self.serve_lanes(room, now),
            Follow::Settle => self.keep_promise(now),
            Follow::Decided(request, lost) => self.request_decided(request, lost, now),
            Follow::Feed(session) => self.feed_on(session, now),
            Follow::Input(conn) => self.take_backlog(conn, now),
            Follow::Posted(session) => {
                if self.session(session).is_some_and(crate::session::Session::has_posted) {
                    self.within(now, |engine| engine.take_posted(session, now));
                }
            }
            Follow::Part(session) => self.part(session, now),
            Follow::End(session, reason, code) => self.end_session(session, reason, code, now),
            Follow::Return(conn) => {
                let returning = self.conn(conn).and_then(|conn| conn.door()?.returning.as_ref());
                if returning.is_some_and(|returning| returning.open == 0) {
                    self.finish_return(conn, now);
                }
            }
            Follow::GiveUp(conn, session) => {
                let returning = self.conn(conn).and_then(|conn| conn.door()?.returning.as_ref());
                let waits = returning.is_some_and(|returning| returning.session == session);
                if waits {
                    self.give_up_return(conn, now);
                }
            }
        }
    }

    /// A member of a room went on, or away: those who wait to publish in it may try again.
    pub(super) fn may_unblock(&mut self, room: RoomId) {
        if let Some(blocked) = self.room_mut(room).and_then(|room| room.blocked_mut())
            && blocked.ask()
        {
            self.next.add(Follow::Unblock(room));
        }
    }

    /// What a session's input waits for is over.
    pub(super) fn release_hold(&mut self, id: SessionId, hold: Hold, now: Now) {
        let Some(session) = self.session_mut(id) else { return };
        if session.release(hold) {
            self.go_on(id, now);
        }
    }

    /// Go on with what waits of a connection, if it may. Within what is done for another one it only gets its turn.
    pub(super) fn wake_backlog(&mut self, id: ConnId, now: Now) {
        let Some(conn) = self.conn(id) else { return };
        let paused = conn.is_paused();
        if conn.is_queued() || (!paused && conn.backlog.is_empty()) {
            return;
        }
        if self.steps.is_serving() {
            self.wait_turn(id, Line::Little, now);
        } else {
            self.next.add(Follow::Input(id));
        }
    }

    /// Take what waits of a connection, if it still may be.
    pub(super) fn take_backlog(&mut self, id: ConnId, now: Now) {
        let Some(conn) = self.conn(id) else { return };
        if conn.is_paused() {
            self.wake_input(id, now);
        } else if !conn.is_queued() && !conn.backlog.is_empty() {
            self.within(now, |engine| engine.take_input(id, now)); // one message was put back, and nothing came since
        }
    }

    /// What waited because too many requests did.
    pub(super) fn go_on(&mut self, session_id: SessionId, now: Now) {
        self.wake_posted(session_id, now);
        if self.stopping {
            self.next.add(Follow::Part(session_id));
        }
        if let Some(conn) = self.sessions.conn_of(session_id) {
            self.wake_backlog(conn, now);
        }
    }

    /// A session is to end, once what is being done is done. Nobody finds it from now on, and nothing more of it is taken.
    /// False: it is to end already, or is gone.
    pub(super) fn doom(&mut self, session_id: SessionId) -> bool {
        let Some(session) = self.session_mut(session_id) else { return false };
        let before = session.doom();
        match before {
            Some(Hold::End) => return false,
            Some(Hold::Room(room, place)) => self.leave_queue(room, place),
            Some(Hold::Store(place)) => self.durable.held.leave(place),
            Some(Hold::Join(_)) | None => {}
        }
        self.sessions.hide(session_id);
        true
    }

    /// A session ends with another, or to make place for one.
    pub(super) fn end_later(&mut self, session: SessionId, reason: &'static str, code: u16) {
        if self.doom(session) {
            self.next.add(Follow::End(session, reason, code));
        }
    }
}
