//! `pull`: what changed in a collection.
//!
//! Parts: Log, Rooms, Sessions, Shared, Steps.

use crate::codes::Code;
use crate::engine::steps::of_bytes;
use crate::engine::{Engine, size};
use crate::envelope::{self, tree_bytes};
use crate::error::Fault;
use crate::ids::{Form, RoomId, SessionId};
use crate::room::settings::SYNC;
use rtcore_data::collection::Pull;

impl Engine {
    pub(in crate::engine) fn said_pull(
        &mut self,
        session_id: SessionId,
        said: &envelope::Pull<'_>,
    ) -> Result<(), Fault> {
        if let (Some(id), Some(session)) = (said.id, self.session_mut(session_id)) {
            session.acks_mut().note(id);
        }
        let room = self.collection_of(session_id, &said.collection)?;
        let Some(id) = said.id else { return Ok(()) }; // nobody would hear the answer
        let disk = self.told_upto(room);
        let name = format!("{SYNC}{}", said.collection);
        self.is_loading(&name)?;
        let Some(held) = self.shared.get(&name) else { return Ok(()) };
        let pull =
            Pull { after: said.after.as_deref(), begun: said.begun.as_deref(), limit: said.limit.map(size) };
        let writer = held.writer(session_id).map(|who| &who.id);
        let page = held.collection.pull(pull, writer, self.log.epoch(), held.collection.kept_upto(disk));
        let bytes = tree_bytes(&page.said(self.log.epoch()), Form::Json);
        self.steps.spend(of_bytes(bytes.len()).saturating_mul(2));
        self.tell_reply(session_id, Some(id), |out, form| {
            envelope::ack(out, form, id, Some((&bytes, Form::Json)));
        });
        Ok(())
    }

    /// The room of a collection that a session is a member of.
    pub(super) fn collection_of(&self, session: SessionId, collection: &str) -> Result<RoomId, Fault> {
        let name = format!("{SYNC}{collection}");
        if self.rooms.settings_for(&name).is_none() {
            return Err(Fault::new(Code::NotFound, format!("there is no collection {collection:?}")));
        }
        let room = self.rooms.named(&name).filter(|room| self.grants_in(*room, session).is_some());
        room.ok_or_else(|| {
            Fault::new(Code::Forbidden, format!("join {name:?} before you ask for what is in it"))
        })
    }
}
