//! Who may publish what, and where.
//!
//! Parts: Rooms.

use super::Engine;
use super::join::own_room;
use super::shared::check_room_to_say;
use crate::codes::Code;
use crate::envelope::{Publish, tree};
use crate::error::Fault;
use crate::ids::{RoomId, SessionId};
use crate::room::grants::Grants;
use crate::room::sayable::Unsayable;
use crate::room::settings::is_own;

impl Engine {
    pub(super) fn may_publish(&self, session: SessionId, publish: &Publish<'_>) -> Result<RoomId, Fault> {
        let name = &*publish.room;
        check_room_to_say(name)?;
        if name.starts_with('$') {
            return Err(own_room(name));
        }
        if publish.event.starts_with('$') {
            return Err(Fault::new(Code::Forbidden, "events that begin with $ are rtcore's own"));
        }
        if self.rooms.settings_for(name).is_none() {
            return Err(Fault::new(Code::NotFound, format!("there is no room {name:?}")));
        }
        let room = self.with_the_right(session, name)?;
        if let Some(sayable) = self.room(room).and_then(|room| room.settings().sayable.as_deref()) {
            let data = || tree(&publish.data.bytes, publish.data.form);
            let data = || data().map_err(|fault| fault.message.into_owned());
            sayable.check(&publish.event, data).map_err(|why| unsayable(publish, why))?;
        }
        Ok(room)
    }

    /// The room, if the session is in it and may publish there.
    fn with_the_right(&self, session: SessionId, name: &str) -> Result<RoomId, Fault> {
        let room = self.rooms.named(name);
        match room.and_then(|room| Some((room, self.grants_in(room, session)?))) {
            None => Err(Fault::new(Code::Forbidden, format!("join {name:?} before you publish in it"))),
            Some((_, grants)) if !grants.contains(Grants::PUBLISH) => {
                Err(Fault::new(Code::Forbidden, format!("this session may not publish in {name:?}")))
            }
            Some((room, _)) => Ok(room),
        }
    }

    /// What the application says in a session's name is of that session's rights. (In rtcore's own rooms nobody has any:
    /// what is said there is the application's affair.)
    pub(super) fn may_be_said_by(&self, sender: SessionId, name: &str) -> Result<(), Fault> {
        if is_own(name) || self.rooms.settings_for(name).is_none() {
            return Ok(()); // a room that is none is refused as such
        }
        self.with_the_right(sender, name).map(|_| ())
    }
}

/// What a member may not publish.
fn unsayable(publish: &Publish<'_>, why: Unsayable) -> Fault {
    let (room, event) = (&publish.room, &publish.event);
    match why {
        Unsayable::Name(known) => {
            let told = format!("members of {room:?} publish {known}, and not {event:?}");
            Fault::new(Code::Forbidden, told)
        }
        Unsayable::Data(fault) => {
            let told = format!("the data of {event:?} are not as they must be in {room:?}: {fault}");
            Fault::new(Code::InvalidMessage, told)
        }
    }
}
