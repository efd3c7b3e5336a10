//! A publish into a durable room: its number, its place in the ring behind the wall, its facts on their way to the disk.
//!
//! Parts: Durable, Log, Rooms, Sessions, Steps, Timers.

use crate::asked::Waiting;
use crate::codes::Code;
use crate::durable::Refusing;
use crate::durable::promise::{Facts, Promise, Publisher, Said};
use crate::engine::Engine;
use crate::error::Fault;
use crate::ids::{Now, RoomId, Seq, SessionId};
use crate::limits::fixed::STORE_MS;
use crate::log::acks::Kept;
use crate::log::dedupe::Ticket;
use crate::log::entry::{Entry, Where};
use crate::room::blocked::Publisher as Held;
use crate::room::settings::Durability;
use crate::session::Hold;
use crate::store::{self, KeyState, Record, Sync};
use crate::timers::Due;
use std::sync::Arc;

/// After how long it is worth trying again (ms).
pub(super) const AGAIN_MS: u64 = 1_000;

/// Why nothing durable is taken, for people.
pub(super) fn told(refusing: &Refusing) -> String {
    match refusing {
        Refusing::Slow => {
            format!("the store has not answered for {STORE_MS} ms: nothing durable is taken until it does")
        }
        Refusing::Trouble(trouble) => {
            // No path and no size of this machine goes to whoever asks.
            format!(
                "the store takes nothing now ({}): try again later; the server's log says more",
                trouble.kind
            )
        }
    }
}

/// What is told of something that is not on disk and never will be.
pub(in crate::engine) fn refused(refusing: &Refusing) -> Fault {
    Fault::new(Code::Unavailable, told(refusing)).retry_after(AGAIN_MS)
}

/// What is told of something of which nobody knows yet.
pub(in crate::engine) fn unknown() -> Fault {
    let told = format!(
        "the disk has not answered for {STORE_MS} ms: it may have been kept or not; asked again later, the truth is told"
    );
    Fault::new(Code::OutcomeUnknown, told)
}

/// How sure a group with something of such a room must be.
pub(in crate::engine) fn sync_of(durable: Durability) -> Sync {
    if durable == Durability::Full { Sync::Full } else { Sync::Commit }
}

impl Engine {
    /// Whether something may be said in a room now: there is a number, and the store takes it if it is to be kept.
    pub(in crate::engine) fn may_say(&self, room: RoomId, volatile: bool) -> Result<(), Fault> {
        if volatile {
            return Ok(());
        }
        self.has_number()?;
        match self.durable.refusing() {
            Some(refusing) if self.is_durable(room) => Err(refused(refusing)),
            _ => Ok(()),
        }
    }

    /// Whether there is a number that may be given.
    pub(in crate::engine) fn has_number(&self) -> Result<(), Fault> {
        if self.log.has_number() {
            return Ok(());
        }
        let told = format!(
            "numbers up to {} are reserved on disk and given, and the store has not reserved more yet",
            self.log.reserved()
        );
        Err(Fault::new(Code::Unavailable, told).retry_after(AGAIN_MS))
    }

    /// Whether what is said in a room is on disk before it is heard.
    pub(in crate::engine) fn is_durable(&self, room: RoomId) -> bool {
        self.room(room).is_some_and(crate::room::table::Room::is_durable)
    }

    /// Whether a publisher in this room must wait, for too much waits for the disk.
    pub(in crate::engine) fn is_store_full(&self, room: RoomId, volatile: bool) -> bool {
        self.durable.wall.is_full() && !volatile && self.is_durable(room)
    }

    /// A session publishes: its input waits.
    pub(in crate::engine) fn hold_for_store(&mut self, session_id: SessionId, source: &[u8]) {
        let place = self.durable.held.add(Held::Session(session_id));
        if let Some(session) = self.session_mut(session_id) {
            session.hold(Hold::Store(place));
        }
        self.put_back(session_id, source);
    }

    /// The application does: a ticket says when it may try again.
    pub(in crate::engine) fn hold_app_for_store(&mut self) -> u64 {
        let ticket = self.ticket(Waiting::Full { place: self.durable.held.next() });
        self.durable.held.add(Held::Application(ticket));
        ticket
    }

    /// Give an event its number and its place in the ring, behind the wall. It is told when it is on disk. `more`: what is
    /// kept with it.
    pub(in crate::engine) fn store_entry(
        &mut self,
        room_id: RoomId,
        entry: Entry,
        publisher: Publisher,
        key: Option<Ticket>,
        more: Facts,
        now: Now,
    ) -> Seq {
        let Some(room) = self.rooms.get_mut(room_id) else { return 0 };
        let sync = sync_of(room.settings().durable);
        let (ring, bounds) = room.filling();
        let entered = self.log.enter(entry, ring, bounds);
        self.stats.forgotten += entered.forgotten;
        let (entry, seq) = (entered.entry, self.log.head());
        let listeners = room.members().rows().iter().map(|member| member.session);
        self.steps.spend(1 + room.members().len() / crate::engine::steps::MEMBERS);
        self.durable.wall.raise(seq, room_id, entry.cost(), now.tick, listeners);
        if !self.trails.is_empty() {
            self.trails.stored(seq, room.name());
        }
        let mut facts = more;
        facts.extend(self.fact_of(&entry).map(Record::Entry));
        if let Publisher::Session(session, Some(id)) = publisher {
            facts.extend(self.facts_of_ack(session, id, Kept::Seq(seq)));
        }
        if let Some(key) = key {
            facts.extend(self.fact_of_key(key, KeyState::Done(Kept::Seq(seq)), now));
        }
        let said = Said { entry, room: room_id, publisher, key, passed: false, since: self.meter.moment() };
        self.durable.keep(facts, sync, Some(Promise::Say(said)));
        self.time_store(now);
        self.keep_budget();
        seq
    }

    /// An entry as it is kept: what it says of sessions, by their names.
    fn fact_of(&self, entry: &Entry) -> Option<store::Entry> {
        let Where::Room(_, room) = &entry.room else { return None };
        let author = entry
            .from
            .as_ref()
            .map(|author| store::Author { session: Arc::clone(&author.wire), user: author.user.clone() });
        let exclude = entry.exclude.and_then(|session| self.session(session));
        Some(store::Entry {
            seq: entry.seq,
            room: Arc::clone(room),
            event: Arc::clone(&entry.event),
            data: Arc::clone(&entry.data),
            form: entry.form,
            time: entry.time,
            from: author,
            exclude: exclude.map(|session| Arc::clone(session.name())),
            trace: entry.trace.clone(),
            slot: entry.slot.clone(),
        })
    }

    /// Look at what waits for the disk when the first of it has waited for too long.
    pub(in crate::engine) fn time_store(&mut self, now: Now) {
        let Some(due) = self.durable.due() else { return };
        if !self.timers.is_set(Due::Store) || due < self.durable.looked_at {
            self.durable.looked_at = due;
            self.timers.set(Due::Store, due.max(now.tick.plus_ms(1)));
        }
    }
}
