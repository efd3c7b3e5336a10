//! What can be seen from outside.
//!
//! Parts: Asked, Conns, Durable, Keys, Log, Out, Rooms, Sessions, Shares, Timers.

use super::Engine;
use crate::asked::{Reading, Waiting};
use crate::codes::Code;
use crate::error::Fault;
use crate::ids::{ConnId, Now, SessionId};
use crate::log::entry::Entry;
use crate::room::grants::Grants;
use crate::room::members::Member;
use crate::room::settings::Durability;
use crate::stats::Gauges;
use std::net::IpAddr;
use std::sync::Arc;

/// A member as the application sees it.
#[derive(Clone, Debug)]
pub struct MemberView {
    /// The handle.
    pub session: SessionId,
    /// The id on the wire.
    pub name: Arc<str>,
    /// None: anonymous.
    pub user: Option<Arc<str>>,
    /// What the authorizer said of it, JSON.
    pub info: Option<Arc<[u8]>>,
    /// What it may.
    pub grants: Grants,
}

/// A session as the application sees it.
#[derive(Clone, Debug)]
pub struct SessionInfo {
    /// The id on the wire.
    pub name: Arc<str>,
    /// None: anonymous.
    pub user: Option<Arc<str>>,
    /// Where it was opened from.
    pub address: IpAddr,
    /// The `User-Agent` of its first connection.
    pub agent: Option<String>,
    /// When it began, ms since 1970.
    pub since_ms: u64,
    /// Measured round trip, seconds.
    pub latency: Option<f64>,
    /// Whether it has a connection now.
    pub connected: bool,
    /// When its token ends, ms since 1970.
    pub expires: Option<u64>,
}

/// Entries of a room: in order, whether none is missing, whether there are more.
pub type HistoryEntry = (Vec<Arc<Entry>>, bool, bool);

impl Engine {
    /// Bytes that were read of a connection and wait to be taken.
    #[must_use]
    pub fn held_of(&self, id: ConnId) -> usize {
        self.conn(id).map_or(0, |conn| conn.input.len().saturating_add(conn.backlog.bytes()))
    }

    /// Who is in a room; none if there is no such room now.
    #[must_use]
    pub fn members(&self, name: &str) -> Option<Vec<MemberView>> {
        let room = self.room(self.rooms.named(name)?)?;
        Some(room.members().iter().filter_map(|member| self.member_view(member)).collect())
    }

    /// Who is in a room as its members are told it, names up to `presence_names`, and how many they are.
    pub fn presence(&self, name: &str) -> Result<(Vec<MemberView>, usize), Fault> {
        let Some(settings) = self.rooms.settings_for(name) else { return Err(no_room(name)) };
        if !settings.presence {
            let told = format!("the settings of {name:?} say that nobody is told who is in it");
            return Err(Fault::new(Code::Forbidden, told));
        }
        let Some(room) = self.rooms.named(name).and_then(|id| self.room(id)) else {
            return Ok((Vec::new(), 0));
        };
        let count = room.members().visible();
        if count as u64 > self.config.limits.presence_names {
            return Ok((Vec::new(), count));
        }
        let seen = room.members().iter().filter(|member| member.visible);
        Ok((seen.filter_map(|member| self.member_view(member)).collect(), count))
    }

    fn member_view(&self, member: &Member) -> Option<MemberView> {
        let session = self.session(member.session)?;
        Some(MemberView {
            session: member.session,
            name: Arc::clone(session.name()),
            user: session.user().cloned(),
            info: member.info.clone(),
            grants: member.grants,
        })
    }

    /// The session with this id on the wire.
    #[must_use]
    pub fn session_named(&self, name: &str) -> Option<SessionId> {
        self.sessions.named(name)
    }

    /// Past entries of a room, oldest first, as far as memory holds them.
    pub fn history(&self, room: &str, after: Option<&str>, limit: u64) -> Result<HistoryEntry, Fault> {
        let Some(settings) = self.rooms.settings_for(room) else { return Err(no_room(room)) };
        let Some(id) = self.rooms.named(room) else {
            let complete = self.log.since(after).after().is_some_and(|seq| match settings.durable {
                // Were it made now, it would be complete beyond what freed rooms let go of.
                Durability::Off => seq >= self.log.freed(),
                _ => {
                    seq >= self.durable.shelves.named(room).freed
                        && !self.has_lost(room, seq, self.log.head())
                }
            });
            return Ok((Vec::new(), complete, false));
        };
        let Some(room) = self.room(id) else { return Ok((Vec::new(), true, false)) };
        let (since, upto) = (self.log.since(after).after(), (self.told_upto(id), None));
        let past = self.past(id, super::history::Shelf::Ring(room.ring()), since, limit, upto);
        Ok((past.entries, past.complete, past.more))
    }

    /// Begin to read from disk what `history` would not have of a durable room: `AppEvent::Stored` comes with the ticket, and then
    /// `take_history` has it. None: `history` has all that there is.
    pub fn read_history(
        &mut self,
        name: &str,
        after: Option<&str>,
        limit: u64,
        now: Now,
    ) -> Result<Option<u64>, Fault> {
        let Some(settings) = self.rooms.settings_for(name) else { return Err(no_room(name)) };
        if settings.durable == Durability::Off {
            return Ok(None);
        }
        let since = self.log.since(after).after();
        let (after, known) = (since.unwrap_or(0), since.is_some());
        let id = self.rooms.named(name);
        let (on_disk, upto) = if let Some((id, room)) = id.and_then(|id| Some((id, self.room(id)?))) {
            (self.is_on_disk(id, room, after), self.told_upto(id))
        } else {
            let shelf = self.durable.shelves.named(name);
            (shelf.last > shelf.freed.max(after), self.log.head())
        };
        if !on_disk {
            return Ok(None);
        }
        let room: Arc<str> = name.into();
        let reading = Reading { room: Arc::clone(&room), after, known, upto, limit };
        Ok(Some(self.entry(now, |engine| {
            let ticket = engine.ticket(Waiting::Reading(Box::new(reading)));
            engine.read_after(ticket, room, after, upto, limit);
            ticket
        })))
    }

    /// What was read under this ticket.
    pub fn take_history(&mut self, ticket: u64) -> Option<HistoryEntry> {
        self.durable.histories.remove(&ticket)
    }

    /// A session, as far as it is known.
    #[must_use]
    pub fn session_info(&self, session_id: SessionId) -> Option<SessionInfo> {
        let session = self.session(session_id)?;
        Some(SessionInfo {
            name: Arc::clone(session.name()),
            user: session.user().cloned(),
            address: session.address(),
            agent: session.agent().map(str::to_owned),
            since_ms: session.since_ms(),
            latency: session.latency_us().map(|us| f64::from(us) / 1e6),
            connected: session.is_here(),
            expires: session.expires().map(|ends| ends.date),
        })
    }

    /// Whether no connection is left of those that were there when it was told to stop.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.conns.awaited() == 0
    }

    /// The sizes of everything that peers can make grow.
    #[must_use]
    pub fn sizes(&self) -> Gauges {
        let (addresses, users) = self.shares.len();
        let streams = self.sessions.iter().filter_map(|(_, session)| session.streams());
        let (open_streams, stream_bytes) =
            streams.fold((0, 0), |(open, bytes), streams| (open + streams.open(), bytes + streams.held()));
        Gauges {
            connections: self.conns.len(),
            sessions: self.sessions.len(),
            rooms: self.rooms.len(),
            ring_bytes: self.log.bytes(),
            keys: self.keys.len(),
            key_bytes: self.keys.bytes(),
            waiting: self.asked.len(),
            outbox_memory: self.out.memory(),
            outbox_references: self.out.references(),
            timers: self.timers.len(),
            addresses,
            users,
            open_streams,
            stream_bytes,
            head: self.log.head(),
        }
    }
}

pub(super) fn no_room(room: &str) -> Fault {
    Fault::new(Code::NotFound, format!("there is no room {room:?}"))
}
