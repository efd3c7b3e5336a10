//! What is kept of sessions: a row from their first durable matter on, the rooms that they are in, how they end.
//!
//! Parts: Rooms, Sessions.

use crate::engine::Engine;
use crate::ids::{Now, RoomId, SessionId};
use crate::store::{self, Record};
use std::sync::Arc;

impl Engine {
    /// The facts of a session's coming into a room.
    pub(super) fn facts_of_entering(&mut self, session: SessionId, room: RoomId, _now: Now) -> Vec<Record> {
        self.member_of(session, room).map(Record::Joined).into_iter().collect()
    }

    /// A session in a room, as it is kept.
    fn member_of(&self, session_id: SessionId, room_id: RoomId) -> Option<store::Member> {
        let session = self.session(session_id)?;
        let room = self.room(room_id)?;
        let member = room.members.get(session_id)?;
        Some(store::Member {
            session: Arc::clone(session.name()),
            room: Arc::clone(room.name()),
            began: member.began,
            grants: member.grants,
            visible: member.visible,
            moved: session.joined(room_id).map_or(0, |joined| joined.moved),
        })
    }
}
