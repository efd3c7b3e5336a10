//! A collection on disk: what was decided is kept with its entry, told when it is there, and comes back after a restart.
//!
//! Parts: Durable, Next, Rooms, Shared.

use crate::durable::Refusing;
use crate::durable::promise::{Promise, Publisher};
use crate::engine::durable::{refused, sync_of, unknown};
use crate::engine::next::Follow;
use crate::engine::{AppEvent, Engine};
use crate::error::Fault;
use crate::ids::{Now, RoomId, Seq};
use crate::log::entry::Entry;
use crate::shared::{Owed, Whose};
use crate::store::{Record, Row, Sync};
use std::sync::Arc;

impl Engine {
    /// What was decided under this serial number is to be on disk, with the entry that says it.
    pub(super) fn store_change(
        &mut self,
        room_id: RoomId,
        entry: Option<Entry>,
        rows: Vec<Row>,
        serial: u64,
        now: Now,
    ) {
        let Some(room) = self.rooms.get(room_id) else { return };
        let (name, sync) = (Arc::clone(room.name()), sync_of(room.settings().durable));
        let Some(held) = self.shared.get_mut(&name) else { return };
        let own = (!std::mem::replace(&mut held.stated, true)).then(|| held.collection.state());
        let fact = |row| Record::Shared { room: Arc::clone(&name), row };
        let facts = own.into_iter().chain(rows).map(fact).collect();
        if let Some(entry) = entry {
            self.store_entry(room_id, entry, Publisher::Change(serial), None, facts, now);
            return;
        }
        self.durable.keep(facts, sync, Some(Promise::Change(name, serial)));
        self.time_store(now);
    }

    /// What was decided up to this serial number is on disk.
    pub(in crate::engine) fn changes_are_kept(&mut self, name: &Arc<str>, serial: u64, now: Now) {
        let Some(held) = self.shared.get_mut(name) else { return };
        for Owed { whose, .. } in held.kept(serial) {
            match whose {
                Whose::Session(session, id, ack) => self.tell_pushed(session, id, &ack),
                other => self.tell_changed(&other, Ok(0), now),
            }
        }
        self.weigh_collection(name, now);
    }

    /// What was decided in collections and is not kept was not done: it is so at once, before anything is decided on it.
    pub(in crate::engine) fn lose_changes(&mut self, now: Now) {
        for (name, serial, trouble) in self.durable.groups.take_lost() {
            let Some(held) = self.shared.get_mut(&name) else { continue };
            let gone = held.lost_from(serial, &trouble);
            let fault = refused(&Refusing::Trouble(trouble));
            for Owed { whose, .. } in gone {
                match whose {
                    Whose::Session(session, id, _) => self.tell_fault(session, &fault.clone().with_id(id)),
                    other => self.tell_changed(&other, Err(fault.clone()), now),
                }
            }
            self.shared.count(&name);
            if let Some(room) = self.rooms.named(&name) {
                self.next.add(Follow::Lanes(room));
            }
        }
    }

    /// Nobody knows what becomes of the application's changes up to this serial number. Who pushed waits until it is known.
    pub(in crate::engine) fn doubt_changes(&mut self, room: RoomId, serial: u64, now: Now) {
        let Some(name) = self.rooms.get(room).map(|room| Arc::clone(room.name())) else { return };
        for whose in self.shared.get_mut(&name).map(|held| held.doubted(serial)).unwrap_or_default() {
            self.tell_changed(&whose, Err(unknown()), now);
        }
    }

    /// The application hears what became of its changes; and the ack of a request leaves that waited for one.
    fn tell_changed(&mut self, whose: &Whose, done: Result<Seq, Fault>, now: Now) {
        match *whose {
            Whose::Application(ticket) => {
                if self.answered(ticket).is_some() {
                    self.events.list.push(AppEvent::Stored { ticket, done });
                }
            }
            Whose::Request(request) => self.request_decided(request, done.is_err(), now),
            Whose::Session(..) => {}
        }
    }

    /// Rows are to be kept that nobody waits for.
    pub(super) fn keep_rows(&mut self, name: &Arc<str>, rows: Vec<Row>) {
        if rows.is_empty() {
            return;
        }
        let facts = rows.into_iter().map(|row| Record::Shared { room: Arc::clone(name), row }).collect();
        self.durable.keep(facts, Sync::Commit, None);
    }
}
