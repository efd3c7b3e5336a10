//! Rooms and members as the application looks at them, changes how they are shown, and waits for what is said.
//!
//! Parts: Log, Rooms, Sessions.

use super::Engine;
use super::presence::Shown;
use crate::error::Fault;
use crate::ids::{Now, RoomId, Seq, SessionId};
use crate::room::grants::Grants;
use crate::room::settings::matches;
use crate::session::Session;
use std::sync::Arc;

impl Engine {
    /// The rooms that are there now and whose names match a pattern, without rtcore's own: somebody is in them, or
    /// something is kept of them.
    #[must_use]
    pub fn rooms_now(&self, pattern: &str) -> Vec<Arc<str>> {
        let rooms = self.rooms.iter().map(|(_, room)| room.name());
        rooms.filter(|name| !name.starts_with('$') && matches(pattern, name)).cloned().collect()
    }

    /// The rooms that a session is in, without rtcore's own, and what it may there. None: there is no such session.
    #[must_use]
    pub fn rooms_of(&self, session_id: SessionId) -> Option<Vec<(Arc<str>, Grants)>> {
        let joined = self.session(session_id)?.rooms().iter();
        let rooms = joined.filter_map(|joined| {
            let room = self.room(joined.room()).filter(|room| !room.name().starts_with('$'))?;
            Some((Arc::clone(room.name()), room.member(session_id)?.grants))
        });
        Some(rooms.collect())
    }

    /// Whether a member of a room has a connection now.
    #[must_use]
    pub fn is_present(&self, name: &str) -> bool {
        let room = self.rooms.named(name).and_then(|id| self.room(id));
        let here = |session| self.session(session).is_some_and(Session::is_here);
        room.is_some_and(|room| room.members().iter().any(|member| here(member.session)))
    }

    /// What others are shown of a member from now on; none: nothing. They hear it as presence. False: it is not in that room.
    pub fn set_info(&mut self, session: SessionId, name: &str, info: Option<&[u8]>, now: Now) -> bool {
        self.entry(now, |engine| {
            let Some(room) = engine.rooms.named(name) else { return false };
            engine.show_info(room, session, info.map(Into::into), now)
        })
    }

    /// The same for a room by its handle.
    pub(super) fn show_info(
        &mut self,
        room_id: RoomId,
        session: SessionId,
        info: Option<Arc<[u8]>>,
        now: Now,
    ) -> bool {
        let Some(room) = self.room_mut(room_id) else { return false };
        let told = room.settings().presence;
        let Some(member) = room.member_mut(session) else { return false };
        let same = member.info == info;
        member.info = info;
        if member.visible && told && !same {
            self.tell_presence(room_id, session, Shown::Otherwise, now);
        }
        true
    }

    /// The number up to which a room may be read now: what waits for the disk is above it.
    pub fn readable(&self, name: &str) -> Result<Seq, Fault> {
        if self.rooms.settings_for(name).is_none() {
            return Err(super::look::no_room(name));
        }
        Ok(self.rooms.named(name).map_or(self.log.head(), |room| self.told_upto(room)))
    }

    /// `AppEvent::Said` comes, once, when the next entry of this room may be read.
    pub fn want_said(&mut self, name: &str) {
        self.rooms.want_said(name);
    }
}
