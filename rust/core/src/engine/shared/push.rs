//! `push`: changes that a member says.
//!
//! Parts: Sessions, Shared, Shares.

use super::fault;
use crate::codes::Code;
use crate::engine::{Engine, size};
use crate::envelope::{self, tree};
use crate::error::Fault;
use crate::ids::{Now, RoomId, SessionId};
use crate::room::grants::Grants;
use crate::room::settings::SYNC;
use crate::shared::Pushing;
use crate::shares::What;
use rtcore_data::limits::{DATA_HELD_MS, DATA_LANES, DATA_PUSH_BYTES};
use rtcore_data::{Map, Value};

impl Engine {
    pub(in crate::engine) fn said_push(
        &mut self,
        session_id: SessionId,
        said: &envelope::Push<'_>,
        now: Now,
    ) -> Result<(), Fault> {
        if let (Some(id), Some(session)) = (said.id, self.session_mut(session_id)) {
            session.acks_mut().note(id);
        }
        let room = self.collection_of(session_id, &said.collection)?;
        self.may_write(session_id, room)?;
        self.may_say(room, false)?;
        let changes = tree(&said.changes.bytes, said.changes.form)?;
        let count = changes.as_list().map_or(0, <[Value]>::len);
        let bytes = said.changes.bytes.len();
        if count > 1 && bytes > DATA_PUSH_BYTES {
            let told = format!(
                "{count} changes of {bytes} bytes; a push has at most {DATA_PUSH_BYTES}, or one change"
            );
            return Err(Fault::new(Code::TooLarge, told));
        }
        let most = size(self.config.limits.data_memory);
        if self.shared.bytes() > most {
            self.shed_collections(most - most / 8);
        }
        if self.shared.bytes() > most {
            let told = format!("the collections hold {} bytes, the limit is {most}", self.shared.bytes());
            return Err(Fault::new(Code::Overloaded, told).retry_after(DATA_HELD_MS));
        }
        if self.is_store_full(room, false) {
            let told = "too much waits for the disk; what is pushed now would wait behind it";
            return Err(Fault::new(Code::Overloaded, told).retry_after(DATA_HELD_MS));
        }
        if let Some(full) = self.shares.full_for(&self.holder_of(session_id), What::Question, 1) {
            return Err(Fault::new(Code::Overloaded, full.to_string()).retry_after(DATA_HELD_MS));
        }
        let name = format!("{SYNC}{}", said.collection);
        self.is_loading(&name)?;
        let serial = self.shared.next_serial();
        let Some(held) = self.shared.get_mut(&name) else { return Ok(()) };
        let Some(who) = held.writer(session_id).cloned() else {
            let told = format!("this session joined {name:?} without \"sync\": it reads, and writes nothing");
            return Err(Fault::new(Code::Forbidden, told));
        };
        if held.is_full(&who.id, session_id) {
            let told = format!("{DATA_LANES} pushes of this client wait already");
            return Err(Fault::new(Code::Overloaded, told).retry_after(DATA_HELD_MS));
        }
        let data = Map::new().with("changes", changes).with("seen", said.seen).into();
        let id = who.id.clone();
        let push = held.collection.begin(who, &data, now.wall_ms).map_err(fault)?;
        let pushing = Pushing { session: session_id, id: said.id, push, serial, asked: false };
        if held.add(id.clone(), pushing) {
            self.go_on_pushing(room, &id, now);
        }
        Ok(())
    }

    /// Whether a member may change the collection of this room.
    pub(super) fn may_write(&self, session: SessionId, room: RoomId) -> Result<(), Fault> {
        match self.grants_in(room, session) {
            Some(grants) if grants.contains(Grants::WRITE) => Ok(()),
            _ => Err(Fault::new(Code::Forbidden, "this session may not change this collection")),
        }
    }

    /// Pushes that are not gone on with: their authors may say them again, what was decided stays decided.
    pub(super) fn give_up_pushes(&mut self, pushes: Vec<Pushing>, why: &'static str) {
        for pushing in pushes {
            self.tell_fault(pushing.session, &Fault::new(Code::Forbidden, why).with_id(pushing.id));
        }
    }
}
