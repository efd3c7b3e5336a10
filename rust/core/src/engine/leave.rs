//! `leave`.
//!
//! Parts: Rooms, Sessions.

use super::Engine;
use super::events::Leaving;
use super::join::own_room;
use super::rooms::Left;
use crate::codes::Code;
use crate::durable::notices::Notice;
use crate::error::Fault;
use crate::ids::{Now, SessionId};
use crate::room::settings::{SYNC, is_own};

impl Engine {
    pub(super) fn said_leave(
        &mut self,
        session_id: SessionId,
        id: Option<u64>,
        room: &str,
        now: Now,
    ) -> Result<(), Fault> {
        if is_own(room) {
            return Err(own_room(room));
        }
        if room.starts_with(SYNC) && self.rooms.settings_for(room).is_none() {
            return Err(Fault::new(Code::NotFound, format!("there is no room {room:?}")));
        }
        let overtaken = self.is_overtaken(session_id, room, id);
        if let (Some(id), Some(session)) = (id, self.session_mut(session_id)) {
            session.acks_mut().note(id);
        }
        let mut left = Left::Not;
        if !overtaken {
            self.note_move(session_id, room, id);
            if let Some(room) = self.rooms.named(room) {
                left = self.leave(session_id, room, Leaving::Wish, now);
            }
        }
        if let Some(id) = id {
            // One that comes again, and finds it done, may be the same that is still on its way to the disk.
            let kept = left == Left::Kept || left == Left::Not && self.is_on_its_way(session_id);
            self.notify(Notice::Leave(session_id, id), kept, now);
        }
        Ok(())
    }
}
