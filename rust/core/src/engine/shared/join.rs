//! A member of a collection: what it is told of it, and when it is one no more.
//!
//! Parts: Log, Next, Rooms, Sessions, Shared.

use crate::asked::Joining;
use crate::codes::Code;
use crate::engine::Engine;
use crate::engine::next::Follow;
use crate::envelope::{Join, tree, tree_bytes};
use crate::error::Fault;
use crate::ids::{Form, Now, RoomId, SessionId};
use crate::room::settings::SYNC;
use crate::shared::{Sync, sync_of};
use rtcore_data::collection::Who;
use std::sync::Arc;

impl Engine {
    /// A session has joined, or joined again: what it is told of the collection (JSON). None: the room has none.
    pub(in crate::engine) fn enter_collection(
        &mut self,
        joining: &Joining,
        room: RoomId,
        now: Now,
    ) -> Option<Box<[u8]>> {
        let held = self.rooms.get(room)?;
        let (name, setup) = (Arc::clone(held.name()), Arc::clone(held.settings().collection.as_ref()?));
        let user = self.session(joining.session)?.user().cloned();
        if let Some(shelved) = self.shared.shelved(&name) {
            // What is told of it is told when it is here.
            let sync = joining.sync.as_ref();
            shelved.set_writer(joining.session, sync.map(|sync| (sync.who(user.as_deref(), 0), sync.seen)));
            return None;
        }
        let held = self.shared.make(&name, &setup, self.log.head(), now.wall_ms);
        let joined = joining.sync.as_ref().map(|sync| {
            let joined = held.collection.join(&sync.id(user.as_deref()), sync.seen);
            (sync.who(user.as_deref(), joined.number), joined.writer)
        });
        let (who, writer) = joined.unzip();
        // A join that comes again says the same: what is under way goes on.
        let same = |before: &Who| {
            who.as_ref()
                .is_some_and(|now| Who { number: 0, ..now.clone() } == Who { number: 0, ..before.clone() })
        };
        let gone = if held.writer(joining.session).is_none_or(same) {
            Vec::new()
        } else {
            held.left(joining.session)
        };
        held.set_writer(joining.session, who);
        let told = sync_of(&setup, held.collection.horizon(), self.log.epoch(), writer);
        self.give_up_pushes(gone, "it joined again while this was under way");
        self.next.add(Follow::Lanes(room));
        self.shared.count(&name);
        Some(tree_bytes(&told, Form::Json).into())
    }

    /// What a member that comes back is told of a collection (JSON). None: the room has none.
    pub(in crate::engine) fn show_collection(
        &mut self,
        session: SessionId,
        room: RoomId,
    ) -> Option<Box<[u8]>> {
        let room = self.rooms.get(room)?;
        let setup = room.settings().collection.as_ref()?;
        let held = self.shared.get_mut(room.name())?;
        let writer = held.writer(session).cloned().map(|mut who| {
            let joined = held.collection.join(&who.id, 0);
            who.number = joined.number;
            held.set_writer(session, Some(who));
            joined.writer
        });
        let told = sync_of(setup, held.collection.horizon(), self.log.epoch(), writer);
        Some(tree_bytes(&told, Form::Json).into())
    }

    /// A session is in a room no more. Of a collection, its pushes are given up.
    pub(in crate::engine) fn leave_collection(&mut self, session: SessionId, room: RoomId) {
        let Some(name) = self.rooms.get(room).filter(|room| room.settings().collection.is_some()) else {
            return;
        };
        if let Some(shelved) = self.shared.shelved(name.name()) {
            shelved.set_writer(session, None);
        }
        let Some(held) = self.shared.get_mut(name.name()) else { return };
        let gone = held.left(session);
        if !gone.is_empty() {
            self.give_up_pushes(gone, "this session is no member of the collection any more");
            self.next.add(Follow::Lanes(room));
        }
    }
}

/// What a join of a collection says of its writer. A room that is none has nothing to do with that.
pub(in crate::engine) fn read_sync(join: &Join<'_>) -> Result<Option<Box<Sync>>, Fault> {
    if !join.room.starts_with(SYNC) {
        return Ok(None);
    }
    if join.since.is_some() || join.last.is_some() {
        return Err(no_past(&join.room));
    }
    let Some(said) = &join.sync else { return Ok(None) };
    Sync::read(&tree(&said.bytes, said.form)?).map(|sync| Some(Box::new(sync)))
}

/// The past of a collection is its documents.
pub(in crate::engine) fn no_past(room: &str) -> Fault {
    let told = format!("{room:?} is a collection's: what is in it is told by `pull`, and changed by `push`");
    Fault::new(Code::Forbidden, told)
}
