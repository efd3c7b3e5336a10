//! What is kept of sessions: a row from their first durable matter on, the rooms that they are in, how they end.
//!
//! Parts: Durable, Rooms, Sessions, Shared.

use super::say::{AGAIN_MS, sync_of};
use crate::codes::Code;
use crate::durable::promise::Promise;
use crate::engine::Engine;
use crate::engine::events::Leaving;
use crate::error::Fault;
use crate::ids::{Now, RoomId, SessionId};
use crate::limits::fixed::IDS_AHEAD;
use crate::log::acks::Kept;
use crate::room::settings::{Durability, is_own};
use crate::session::Joined;
use crate::session::Rare;
use crate::session::{Row, Session};
use crate::shares::block;
use crate::store::{self, Record, Sync};
use std::sync::Arc;

/// Acks after which it is said which are let go of.
const ACKS: u32 = 256;
/// Ids behind the newest of which no ack is kept: far more than may be open.
const OLD: u64 = 4_096;

impl Engine {
    /// A session has something durable: its row is on disk with it, and the rooms that it is in.
    pub(in crate::engine) fn keep_row(&mut self, session_id: SessionId, now: Now) {
        let from = self.asks_from;
        let Some(session) = self.session_mut(session_id) else { return };
        if session.is_ephemeral() || session.rare().is_some_and(|rare| rare.row().is_some()) {
            return;
        }
        let upto = session.acks().taken().saturating_add(IDS_AHEAD);
        let rare = session.make_rare();
        let asks = rare.last_ask().max(from).saturating_add(IDS_AHEAD);
        rare.keep_row(Row { upto, sure: upto, asks, ..Row::default() });
        let Some(session) = self.session(session_id) else { return };
        let mut facts: Vec<Record> = row_of(session).map(Record::Session).into_iter().collect();
        let rooms = session.rooms().iter().map(Joined::room);
        facts.extend(rooms.filter_map(|room| self.member_of(session_id, room)).map(Record::Joined));
        self.durable.keep(facts, Sync::Full, None);
        self.time_store(now);
    }

    /// The facts of a session's coming into a durable room, or of what it may there.
    pub(super) fn facts_of_entering(&mut self, session: SessionId, room: RoomId, now: Now) -> Vec<Record> {
        self.keep_row(session, now);
        self.member_of(session, room).map(Record::Joined).into_iter().collect()
    }

    /// An id was taken: a session with a row has one that is as high.
    pub(in crate::engine) fn note_taken(&mut self, session_id: SessionId, id: u64) {
        let Some(session) = self.session_mut(session_id) else { return };
        let Some(row) = session.rare_mut().and_then(|rare| rare.row_mut()) else { return };
        if row.upto.saturating_sub(id) < IDS_AHEAD / 2 {
            row.upto = id.saturating_add(IDS_AHEAD);
            let promise = Promise::Ids(session_id, row.upto);
            self.say_row(session_id, Some(promise));
        }
    }

    /// Whether an id is set aside on disk for a session with a row. Else a crash would make it new again: it waits until one that
    /// is as high is there.
    pub(super) fn is_aside(&mut self, session_id: SessionId, id: u64) -> Result<(), Fault> {
        let row = self.session(session_id).and_then(|session| session.rare()?.row());
        let Some(sure) = row.map(|row| row.sure).filter(|sure| id > *sure) else { return Ok(()) };
        self.note_taken(session_id, id);
        let told = format!(
            "request {id} is above {sure}, up to which ids of this session are set aside on disk, and the store has not \
             written down more yet"
        );
        Err(Fault::new(Code::Unavailable, told).retry_after(AGAIN_MS).with_id(Some(id)))
    }

    /// Ids of a session up to this one are set aside on disk.
    pub(super) fn ids_are_aside(&mut self, session_id: SessionId, upto: u64) {
        let row = self.session_mut(session_id).and_then(|session| session.rare_mut()?.row_mut());
        if let Some(row) = row {
            row.sure = row.sure.max(upto);
        }
    }

    /// The same of a request of ours.
    pub(in crate::engine) fn note_asked(&mut self, session_id: SessionId, id: u64) {
        let Some(session) = self.session_mut(session_id) else { return };
        let Some(row) = session.rare_mut().and_then(|rare| rare.row_mut()) else { return };
        if row.asks.saturating_sub(id) < IDS_AHEAD / 2 {
            row.asks = id.saturating_add(IDS_AHEAD);
            self.say_row(session_id, None);
        }
    }

    /// Its row is another.
    fn say_row(&mut self, session: SessionId, promise: Option<Promise>) {
        if let Some(row) = self.session(session).and_then(row_of) {
            self.durable.keep(vec![Record::Session(row)], Sync::Full, promise);
        }
    }

    /// The ack of a durable request, and now and then which are no longer kept.
    pub(super) fn facts_of_ack(&mut self, session_id: SessionId, id: u64, kept: Kept) -> Vec<Record> {
        let Some(session) = self.session_mut(session_id) else { return Vec::new() };
        let name = Arc::clone(session.name());
        let mut facts = vec![Record::Ack { session: Arc::clone(&name), id, kept }];
        let row = session.rare_mut().and_then(|rare| rare.row_mut());
        if let Some(row) = row {
            row.acks += 1;
            if row.acks >= ACKS && id > OLD {
                row.acks = 0;
                facts.push(Record::LetGo { session: name, upto: id - OLD });
            }
        }
        facts
    }

    /// A session is in a room. True: that is on its way to the disk, and told when it is there. (That it is in a live room is
    /// behind.)
    pub(in crate::engine) fn keep_member(&mut self, session: SessionId, room: RoomId, now: Now) -> bool {
        let durable = self.is_durable(room);
        if !self.has_row(session) && !durable {
            return false;
        }
        self.keep_row(session, now);
        let Some(member) = self.member_of(session, room) else { return false };
        if durable {
            let sync = self.sync_in(room);
            self.durable.keep(vec![Record::Joined(member)], sync, None);
        } else {
            self.durable.groups.add(Record::Joined(member), now.tick);
        }
        self.time_store(now);
        durable
    }

    /// A session may something else in a room. True: that is on its way to the disk, and told when it is there.
    pub(in crate::engine) fn keep_rights(&mut self, session: SessionId, room: RoomId) -> bool {
        if !self.has_row(session) {
            return false;
        }
        let Some(member) = self.member_of(session, room) else { return false };
        let sync = self.sync_in(room);
        self.durable.keep(vec![Record::Joined(member)], sync, None);
        true
    }

    /// A session is not in a room any more. True: that is on its way to the disk, and told when it is there. Where it left a live
    /// room by itself that is committed, and no sync is waited for: a crash of the process does not undo it.
    pub(in crate::engine) fn keep_leave(
        &mut self,
        session_id: SessionId,
        room_id: RoomId,
        why: Leaving,
        now: Now,
    ) -> bool {
        if !self.has_row(session_id) {
            return false;
        }
        let (Some(session), Some(room)) = (self.session(session_id), self.room(room_id)) else {
            return false;
        };
        if room.member(session_id).is_none() || is_own(room.name()) {
            return false;
        }
        let left = Record::Left { session: Arc::clone(session.name()), room: Arc::clone(room.name()) };
        let light = !room.is_durable() && why == Leaving::Wish;
        let sync = if light { Sync::Commit } else { self.sync_in(room_id) };
        self.durable.keep(vec![left], sync, None);
        self.time_store(now);
        true
    }

    /// Whether something of a session may be on its way to the disk.
    pub(in crate::engine) fn is_on_its_way(&self, session: SessionId) -> bool {
        self.has_row(session) && !self.durable.groups.is_idle()
    }

    /// A session's token ends at another time: on disk soon.
    pub(in crate::engine) fn keep_expiry(&mut self, session: SessionId, now: Now) {
        if let Some(row) = self.session(session).and_then(row_of) {
            self.durable.groups.add(Record::Session(row), now.tick);
            self.time_store(now);
        }
    }

    /// A session is over: nothing of it is on disk any more. True: that is on its way there, and told when it is.
    pub(in crate::engine) fn keep_end(&mut self, session_id: SessionId) -> bool {
        let Some(session) = self.session_mut(session_id) else { return false };
        let name = Arc::clone(session.name());
        let had = session.rare_mut().is_some_and(Rare::drop_row);
        if had {
            self.durable.keep(vec![Record::Ended { session: name }], Sync::Full, None);
        }
        had
    }

    fn has_row(&self, session: SessionId) -> bool {
        self.session(session).is_some_and(|session| session.rare().is_some_and(|rare| rare.row().is_some()))
    }

    /// How sure it must be what a session may in a room: as sure as its row, but where the room itself asks for less.
    fn sync_in(&self, room: RoomId) -> Sync {
        let durable = self.room(room).map_or(Durability::Off, |room| room.settings().durable);
        if durable == Durability::Off { Sync::Full } else { sync_of(durable) }
    }

    /// A session in a room, as it is kept. Of rtcore's own rooms nothing is: it is in them by itself.
    fn member_of(&self, session_id: SessionId, room_id: RoomId) -> Option<store::Member> {
        let session = self.session(session_id)?;
        let room = self.room(room_id).filter(|room| !is_own(room.name()))?;
        let member = room.member(session_id)?;
        Some(store::Member {
            session: Arc::clone(session.name()),
            room: Arc::clone(room.name()),
            began: member.began,
            grants: member.grants,
            visible: member.visible,
            moved: session.joined(room_id).map_or(0, Joined::moved),
            writer: self.shared.writer(room.name(), session_id),
        })
    }
}

/// The row of a session, as it is kept.
fn row_of(session: &Session) -> Option<store::Session> {
    let row = session.rare()?.row()?;
    Some(store::Session {
        name: Arc::clone(session.name()),
        user: session.user().cloned(),
        key: session.key_hash(),
        upto: row.upto,
        asks: row.asks,
        ends: session.expires().map(|ends| ends.date),
        address: session.user().is_none().then(|| block(session.address())),
    })
}
