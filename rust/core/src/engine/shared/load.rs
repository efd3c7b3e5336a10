//! A collection comes from disk when somebody wants it; who does waits for that, and for nothing else.
//!
//! Parts: Conns, Durable, Log, Next, Rooms, Sessions, Shared, Steps.

use crate::asked::Waiting as Asked;
use crate::codes::Code;
use crate::conn::Conn;
use crate::durable::Refusing;
use crate::durable::promise::Promise;
use crate::durable::reads::For;
use crate::engine::durable::refused;
use crate::engine::events::Leaving;
use crate::engine::next::Follow;
use crate::engine::{AppEvent, Engine, size};
use crate::error::Fault;
use crate::ids::{ConnId, Now, RoomId, SessionId};
use crate::limits::fixed::{DATA_LOADING_MS, PAGE_BYTES};
use crate::session::{Joined, Session};
use crate::shared::shelved::Waiting;
use crate::store::{Page, Place, Trouble, Wanted, Who};
use std::sync::Arc;

impl Engine {
    /// Have a collection read, if it is on disk alone.
    pub(super) fn want_collection(&mut self, room: &Arc<str>) {
        let Some(setup) = self.rooms.settings_for(room).and_then(|settings| settings.collection.clone())
        else {
            return;
        };
        let most = size(self.config.limits.data_memory);
        self.shed_collections(most - most / 8);
        if self.shared.begin_reading(room, &setup) {
            // What was let go of may be on its way to the disk still.
            self.promise_behind(Promise::Load(Arc::clone(room)));
        }
    }

    /// The next of those that nobody waits for, while there is room for it.
    pub(in crate::engine) fn load_next(&mut self) {
        let most = size(self.config.limits.data_memory) / 2;
        if self.shared.reading() == 0
            && self.shared.bytes() < most
            && let Some(room) = self.shared.next_in_line()
        {
            self.want_collection(&room);
        }
    }

    /// Let go of collections that nobody is in, down to so many bytes.
    pub(super) fn shed_collections(&mut self, most: usize) {
        let Self { shared, rooms, .. } = self;
        shared.make_room(most, |name| {
            rooms.named(name).and_then(|room| rooms.get(room)).is_some_and(|room| !room.members().is_empty())
        });
    }

    /// Read the first page of a collection.
    pub(in crate::engine) fn read_on(&mut self, room: &Arc<str>) {
        self.read_behind(room, None);
    }

    fn read_behind(&mut self, room: &Arc<str>, after: Option<Place>) {
        let wanted = Wanted::Shared { room: Arc::clone(room), after, bytes: PAGE_BYTES };
        self.durable.reads.ask(For::Collection(Arc::clone(room)), wanted);
    }

    /// A page of a collection is here.
    pub(in crate::engine) fn collection_is(
        &mut self,
        room: &Arc<str>,
        page: Result<Page, Trouble>,
        now: Now,
    ) {
        let done = match page {
            Ok(Page::Shared(rows, next)) => {
                self.steps.spend(1 + rows.len() / 8);
                let read = self.shared.read(room, rows).map_err(|why| bad(room, &why));
                match (read, next) {
                    (Ok(()), Some(next)) => return self.read_behind(room, Some(next)),
                    (Ok(()), None) => self.collection_is_read(room, now),
                    (Err(trouble), _) => Err(trouble),
                }
            }
            Ok(_) => Ok(()), // (no other page is an answer to this)
            Err(trouble) => Err(trouble),
        };
        if let Err(trouble) = done {
            let waiting = self.shared.not_read(room, &trouble);
            self.collection_failed(waiting, &trouble, now);
        }
        self.load_next();
    }

    fn collection_is_read(&mut self, room: &Arc<str>, now: Now) -> Result<(), Trouble> {
        let (version, waiting) = self.shared.is_read(room, now.wall_ms).map_err(|why| bad(room, &why))?;
        let head = self.log.head();
        if let Some(held) = self.shared.get_mut(room)
            && version != held.collection.setup().schema.version
        {
            let rows = held.collection.upgrade(head, |_, value| value);
            self.keep_rows(room, rows);
        }
        for ticket in waiting.joins {
            self.join_goes_on(ticket, now);
        }
        for conn in waiting.conns {
            self.next.add(Follow::Return(conn));
        }
        for ticket in waiting.app {
            if self.answered(ticket).is_some() {
                self.events.list.push(AppEvent::Stored { ticket, done: Ok(0) });
            }
        }
        if let Some(room) = self.rooms.named(room) {
            self.next.add(Follow::Lanes(room));
        }
        Ok(())
    }

    /// A collection cannot be read. Who joined it is not in it; who comes back, comes back without it.
    fn collection_failed(&mut self, waiting: Waiting, trouble: &Trouble, now: Now) {
        let fault = refused(&Refusing::Trouble(trouble.clone()));
        for ticket in waiting.joins {
            let Some(Asked::Entering(entering)) = self.answered(ticket) else { continue };
            let (session, id) = (entering.joining.session, entering.joining.id);
            if entering.fresh {
                self.leave(session, entering.room, Leaving::Removed, now);
            }
            self.tell_fault(session, &fault.clone().with_id(id));
        }
        for conn in waiting.conns {
            self.next.add(Follow::Return(conn));
        }
        for ticket in waiting.app {
            if self.answered(ticket).is_some() {
                self.events.list.push(AppEvent::Stored { ticket, done: Err(fault.clone()) });
            }
        }
    }

    /// A join is on disk, and is answered when the room's collection is here. False: it is, or the room has none.
    pub(in crate::engine) fn join_waits_for_collection(&mut self, room: RoomId, ticket: u64) -> bool {
        let Some(name) = self.room(room).map(|room| Arc::clone(room.name())) else { return false };
        let Some(shelved) = self.shared.shelved(&name) else { return false };
        shelved.waiting().joins.push(ticket);
        self.want_collection(&name);
        true
    }

    /// A session that comes back waits for the collections that it is in. What cannot be read now it does without.
    pub(in crate::engine) fn return_waits_for_collection(&mut self, conn: ConnId) -> bool {
        if !self.shared.has_shelved() {
            return false;
        }
        let returning = self.conn(conn).and_then(Conn::door).and_then(|pending| pending.returning.as_ref());
        let Some(session) = returning.and_then(|returning| self.session(returning.session)) else {
            return false;
        };
        if Session::is_ending(session) {
            return false;
        }
        let rooms: Vec<Arc<str>> = session
            .rooms()
            .iter()
            .filter_map(|joined| self.room(Joined::room(joined)).map(|room| Arc::clone(room.name())))
            .collect();
        for name in rooms {
            let Some(shelved) = self.shared.shelved(&name).filter(|shelved| shelved.trouble.is_none()) else {
                continue;
            };
            if !shelved.waiting().conns.contains(&conn) {
                shelved.waiting().conns.push(conn);
            }
            self.want_collection(&name);
            return true;
        }
        false
    }

    /// A member of a collection comes back with the server: who it is as a writer.
    pub(in crate::engine) fn restore_writer(
        &mut self,
        session: SessionId,
        room: RoomId,
        who: Option<&Who>,
        now: Now,
    ) {
        let Some(room) = self.rooms.get(room) else { return };
        let Some(setup) = room.settings().collection.clone() else { return };
        let name = Arc::clone(room.name());
        if let Some(shelved) = self.shared.shelved(&name) {
            shelved.set_writer(session, who.map(|who| (who.clone(), 0)));
            self.want_collection(&name);
            return;
        }
        let held = self.shared.make(&name, &setup, self.log.head(), now.wall_ms);
        let who = who.cloned().map(|who| Who { number: held.collection.join(&who.id, 0).number, ..who });
        held.set_writer(session, who);
        self.shared.count(&name);
    }

    /// The application wants a collection in memory: `AppEvent::Stored` comes with this ticket when it is there. None: it is.
    pub fn load_collection(&mut self, collection: &str, now: Now) -> Result<Option<u64>, Fault> {
        self.entry(now, |engine| {
            let name = super::app::room_of(collection);
            if engine.rooms.settings_for(&name).is_none() {
                return Err(super::app::unknown(collection));
            }
            if !engine.shared.is_shelved(&name) {
                return Ok(None);
            }
            let ticket = engine.ticket(Asked::Storing);
            if let Some(shelved) = engine.shared.shelved(&name) {
                shelved.waiting().app.push(ticket);
            }
            engine.want_collection(&Arc::from(name));
            Ok(Some(ticket))
        })
    }

    /// What is told of a collection that is on disk alone: it is being read.
    pub(super) fn is_loading(&mut self, room: &str) -> Result<(), Fault> {
        if !self.shared.is_shelved(room) {
            return Ok(());
        }
        self.want_collection(&Arc::from(room));
        let told = format!("what is in {room:?} is being read from disk: ask again");
        Err(Fault::new(Code::Unavailable, told).retry_after(DATA_LOADING_MS))
    }
}

/// What is on disk of a collection is none.
fn bad(room: &str, why: &rtcore_data::Why) -> Trouble {
    let text =
        format!("what is on disk of {room:?} cannot be read ({}): see `rtcore data verify`", why.message);
    Trouble { kind: "corrupt", text }
}
