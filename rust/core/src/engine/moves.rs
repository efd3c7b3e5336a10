//! Joins and leaves that come late: sent again, or held up on the way, while the session has gone on.
//!
//! Parts: Rooms, Sessions.
//!
//! A `join` and a `leave` are done again when they come again, but only the newest of a room may be: an old `leave` that
//! arrives behind a later `join` would take the session out of a room that it has just entered. So the id of the newest of
//! each room is kept: with the room while the session is in it (`Joined::moved`), and with the session for rooms
//! that it has left (`session/moves.rs`). The first is on disk, the second is not: after a start, whatever an earlier life
//! took of a room that the session is not in counts as overtaken.
//!
//! `room`, `left` and `grants` say that id too. Over plain HTTP the ack of a join comes by one connection and they by another, in
//! either order: by the id a client knows which stay they speak of. So that each id speaks of one stay, a join that began a
//! stay which the server ended begins no other when it comes again.

use super::Engine;
use crate::codes::Code;
use crate::error::Fault;
use crate::ids::{RoomId, SessionId};
use crate::session::{Joined, Moves};
use std::sync::Arc;

impl Engine {
    /// Whether a join or leave of this room with a higher id was taken before: then this one is not done any more.
    pub(super) fn is_overtaken(&self, session_id: SessionId, room: &str, id: Option<u64>) -> bool {
        let (Some(id), Some(session)) = (id, self.session(session_id)) else { return false };
        id <= session.acks().taken() && self.newest_move(session_id, room) > id
    }

    /// Which stay of a session in a room `room`, `left` and `grants` speak of: the id of its newest join or leave. (Of one that the
    /// application put in, whose newest was forgotten, none that is taken later.)
    pub(super) fn stay_of(&self, session_id: SessionId, room: &str) -> u64 {
        let taken = self.session(session_id).map_or(0, |session| session.acks().taken());
        self.newest_move(session_id, room).min(taken)
    }

    /// The server itself took the session out of the room.
    pub(super) fn end_stay(&mut self, session_id: SessionId, room: &str) {
        let hash = self.rooms.hash_of(room);
        if let Some(session) = self.session_mut(session_id) {
            session.make_rare().moves.end(hash);
        }
    }

    /// A join that comes again is done again, unless the session's place in the room was decided since.
    pub(super) fn may_join_now(&self, session: SessionId, room: &str, id: Option<u64>) -> Result<(), Fault> {
        if self.is_overtaken(session, room, id) {
            let told = format!("a later join or leave of {room:?} was taken: this one is not done again");
            return Err(Fault::new(Code::AckExpired, told));
        }
        if self.is_ended(session, room, id) { Err(was_taken_out(room)) } else { Ok(()) }
    }

    /// Whether the server ended the stay that this join began, and no other has begun.
    fn is_ended(&self, session_id: SessionId, room: &str, id: Option<u64>) -> bool {
        let (Some(id), Some(session)) = (id, self.session(session_id)) else { return false };
        if id > session.acks().taken() {
            return false; // it is new, and what ended had none, or another
        }
        let is_in = self.rooms.named(room).is_some_and(|room| session.joined(room).is_some());
        let hash = self.rooms.hash_of(room);
        !is_in && session.rare().is_some_and(|rare| rare.moves.is_ended(hash, id))
    }

    /// The id of the newest join or leave of a room; of one that was left long ago, the highest that it may have had.
    fn newest_move(&self, session_id: SessionId, room: &str) -> u64 {
        let Some(session) = self.session(session_id) else { return 0 };
        if let Some(joined) = self.rooms.named(room).and_then(|room| session.joined(room)) {
            return joined.moved();
        }
        session.rare().map_or(0, |rare| rare.moves.newest(self.rooms.hash_of(room)))
    }

    /// A join or leave of this room was taken. One without an id stands behind all that were taken.
    pub(super) fn note_move(&mut self, session_id: SessionId, room: &str, id: Option<u64>) {
        let Some(session) = self.session(session_id) else { return };
        let id = id.unwrap_or_else(|| session.acks().taken().saturating_add(1));
        let found = self.rooms.named(room).filter(|room| session.joined(*room).is_some());
        match found {
            Some(found) => self.mark_move(session_id, found, id),
            None => self.remember_move(session_id, room, id, Moves::note),
        }
    }

    /// A session is in the room from now on: what is known of its joins and leaves is kept with it.
    pub(super) fn move_in(&mut self, session_id: SessionId, room_id: RoomId, id: u64) {
        let Some(name) = self.room(room_id).map(|room| Arc::clone(room.name())) else { return };
        let rare = self.session(session_id).and_then(|session| session.rare());
        let before = rare.map_or(0, |rare| rare.moves.newest(self.rooms.hash_of(&name)));
        self.mark_move(session_id, room_id, id.max(before));
    }

    /// It is not in it any more.
    pub(super) fn move_out(&mut self, session_id: SessionId, room_id: RoomId) {
        let Some(name) = self.room(room_id).map(|room| Arc::clone(room.name())) else { return };
        let moved =
            self.session(session_id).and_then(|session| session.joined(room_id)).map_or(0, Joined::moved);
        if moved > 0 {
            self.remember_move(session_id, &name, moved, Moves::keep);
        }
    }

    fn mark_move(&mut self, session_id: SessionId, room: RoomId, id: u64) {
        let joined = self.session_mut(session_id).and_then(|session| session.joined_mut(room));
        if let Some(joined) = joined {
            joined.note_move(id);
        }
    }

    fn remember_move(
        &mut self,
        session_id: SessionId,
        room: &str,
        id: u64,
        note: fn(&mut Moves, u64, u64, usize),
    ) {
        if self.rooms.settings_for(room).is_none() {
            return; // nobody gets into such a room
        }
        let hash = self.rooms.hash_of(room);
        let most = super::size(self.config.limits.left_rooms).max(1);
        if let Some(session) = self.session_mut(session_id) {
            note(&mut session.make_rare().moves, hash, id, most);
        }
    }
}

/// It was in the room, and the answer to that is not there yet, or was lost.
pub(super) fn was_taken_out(room: &str) -> Fault {
    let told = format!("the application took this session out of {room:?} before its join was answered");
    Fault::new(Code::Forbidden, told)
}
