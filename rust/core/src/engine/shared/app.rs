//! What the application does with its collections: it changes them, and reads what is in them.
//!
//! Parts: Durable, Log, Rooms, Shared, Steps.

use super::fault;
use super::join::no_past;
use crate::asked::Waiting;
use crate::codes::Code;
use crate::durable::Refusing;
use crate::engine::Engine;
use crate::engine::durable::refused;
use crate::engine::steps::ROOMS;
use crate::envelope::tree_bytes;
use crate::error::Fault;
use crate::ids::{Form, Now, Seq};
use crate::room::settings::SYNC;
use crate::shared::{Owed, Whose};
use crate::shares::Holder;
use rtcore_data::collection::{Outcome, Pull};
use rtcore_data::limits::DATA_HELD_MS;
use rtcore_data::{Moment, Op, Value};
use std::sync::Arc;

/// What came of a change of the application's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The document's number; none: it has none.
    pub seq: Option<Seq>,
}

impl Engine {
    /// The application changes a document: `op`, `value` and `unset` as a change says them. `request`: that whose handler does
    /// it, and whose ack waits until it is on disk.
    pub fn change(
        &mut self,
        collection: &str,
        key: &str,
        change: &Value,
        request: Option<u64>,
        now: Now,
    ) -> Result<Changed, Fault> {
        self.entry(now, |engine| engine.change_for_app(collection, key, change, request, now))
    }

    fn change_for_app(
        &mut self,
        collection: &str,
        key: &str,
        change: &Value,
        request: Option<u64>,
        now: Now,
    ) -> Result<Changed, Fault> {
        let name = room_of(collection);
        self.config.names().check(format_args!("the name of a collection"), collection)?;
        let op = Op::of(change).map_err(fault)?;
        let room_id = self.make_room(&name, &Holder::APPLICATION).map_err(|_| unknown(collection))?;
        self.may_say(room_id, false)?;
        self.is_loading(&name)?;
        if self.is_store_full(room_id, false) {
            let told = "too much waits for the disk: wait until what was changed is stored";
            return Err(Fault::new(Code::Overloaded, told).retry_after(DATA_HELD_MS));
        }
        let Some(room) = self.rooms.get(room_id) else { return Err(unknown(collection)) };
        let Some(setup) = room.settings().collection.clone() else { return Err(unknown(collection)) };
        let name = Arc::clone(room.name());
        let Self { shared, log, .. } = self;
        let held = shared.make(&name, &setup, log.head(), now.wall_ms);
        let moment = Moment {
            epoch: log.epoch(),
            head: log.head(),
            next: log.head().saturating_add(1),
            now_ms: log.date(now),
        };
        let decided = held.collection.write(key, op, &moment).map_err(fault);
        let done = decided.and_then(|decided| {
            let (outcome, after) = (decided.outcome.clone(), decided.serial);
            self.say_change(room_id, decided, None, now);
            if let (Some(request), Some(held)) = (request, self.shared.get_mut(&name))
                && !held.collection.has_kept(after)
            {
                self.durable.answers.said(request);
                held.owe(Owed { after, whose: Whose::Request(request) });
            }
            match outcome {
                Outcome::Done { seq, .. } => Ok(Changed { seq }),
                Outcome::Conflict { .. } => {
                    Err(Fault::new(Code::NotFound, format!("there is no document {key:?} in {collection:?}")))
                }
                Outcome::Rejected(why) => Err(fault(why)),
            }
        });
        self.weigh_collection(&name, now);
        self.free_if_idle(room_id);
        self.stir_room(room_id);
        done
    }

    /// What is in a collection, in pages as a `pull` has them (JSON).
    pub fn read_collection(
        &mut self,
        collection: &str,
        after: Option<&str>,
        begun: Option<&str>,
        now: Now,
    ) -> Result<Vec<u8>, Fault> {
        self.entry(now, |engine| engine.page_for_app(collection, after, begun))
    }

    fn page_for_app(
        &mut self,
        collection: &str,
        after: Option<&str>,
        begun: Option<&str>,
    ) -> Result<Vec<u8>, Fault> {
        let name = room_of(collection);
        if self.rooms.settings_for(&name).is_none() {
            return Err(unknown(collection));
        }
        self.is_loading(&name)?;
        let epoch = self.log.epoch();
        let disk = self.rooms.named(&name).map_or(self.log.head(), |room| self.told_upto(room));
        let pull = Pull { after, begun, limit: None };
        let page = self
            .shared
            .get(&name)
            .map(|held| held.collection.pull(pull, None, epoch, held.collection.kept_upto(disk)));
        let page = page.unwrap_or_else(|| rtcore_data::collection::Page {
            next: disk,
            complete: true,
            ..Default::default()
        });
        Ok(tree_bytes(&page.said(epoch), Form::Json))
    }

    /// A document of a collection (JSON); none: there is none at this key.
    pub fn document(&mut self, collection: &str, key: &str, now: Now) -> Result<Option<Vec<u8>>, Fault> {
        let name = room_of(collection);
        self.entry(now, |engine| engine.is_loading(&name))?;
        let found = self.shared.get(&name).and_then(|held| held.collection.get(key));
        Ok(found.map(|document| tree_bytes(&document.said(), Form::Json)))
    }

    /// When the application's changes of a collection are on disk, or lost, `AppEvent::Stored` comes with this ticket. None: they
    /// are there.
    pub fn when_changes_stored(&mut self, collection: &str) -> Result<Option<u64>, Fault> {
        let name = room_of(collection);
        let Some(held) = self.shared.get_mut(&name) else { return Ok(None) };
        if let Some(trouble) = held.lost.take() {
            return Err(refused(&Refusing::Trouble(trouble)));
        }
        let Some(after) = held.collection.last_ahead() else { return Ok(None) };
        let ticket = self.ticket(Waiting::Storing);
        if let Some(held) = self.shared.get_mut(&name) {
            held.owe(Owed { after, whose: Whose::Application(ticket) });
        }
        Ok(Some(ticket))
    }

    /// Something of a collection changed: what it takes is counted anew, and tombstones beyond its bound go.
    pub(super) fn weigh_collection(&mut self, room: &Arc<str>, now: Now) {
        if let Some(held) = self.shared.get_mut(room)
            && held.collection.is_overgrown()
        {
            let rows = held.collection.sweep(now.wall_ms);
            self.steps.spend(1 + rows.len() / ROOMS);
            self.keep_rows(room, rows);
        }
        self.shared.count(room);
    }

    /// Let go of what is older than collections keep.
    pub(in crate::engine) fn sweep_collections(&mut self, now: Now) {
        for room in self.shared.due(now.wall_ms) {
            if let Some(held) = self.shared.get_mut(&room) {
                self.steps.spend(held.collection.len() / ROOMS);
                let rows = held.collection.sweep(now.wall_ms);
                self.keep_rows(&room, rows);
            }
            self.shared.count(&room);
            if self.rooms.named(&room).is_none() {
                self.shared.let_go(&room);
            }
        }
    }
}

/// What is said in a room: none of it is an application's, or a peer's, where a collection's changes are.
pub(in crate::engine) fn check_room_to_say(room: &str) -> Result<(), Fault> {
    if room.starts_with(SYNC) { Err(no_past(room)) } else { Ok(()) }
}

/// The name of the room in which a collection is said.
pub(super) fn room_of(collection: &str) -> String {
    format!("{SYNC}{collection}")
}

pub(super) fn unknown(collection: &str) -> Fault {
    Fault::new(Code::NotFound, format!("there is no collection {collection:?}"))
}
