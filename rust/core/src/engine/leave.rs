//! `leave`.
//!
//! Parts: Rooms, Sessions.

use super::Engine;
use super::join::own_room;
use crate::envelope::write as envelope;
use crate::error::Fault;
use crate::ids::{Now, SessionId};
use crate::room::settings::is_own;

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
        let overtaken = self.is_overtaken(session_id, room, id);
        if let (Some(id), Some(session)) = (id, self.session_mut(session_id)) {
            session.acks_mut().note(id);
        }
        if !overtaken {
            self.note_move(session_id, room, id);
            if let Some(room) = self.rooms.named(room) {
                self.leave(session_id, room, now);
            }
        }
        if let Some(id) = id {
            self.tell_reply(session_id, Some(id), |out, form| envelope::ack(out, form, id, None));
        }
        Ok(())
    }
}
