//! A group of facts becomes rows. No fact is judged here: what the core said is written down.

use crate::acks::{ONE, Runs};
use crate::body;
use crate::kept_ack;
use crate::rooms::{Change, Recent, Rooms};
use crate::shared;
use rtcore_core::log::acks::Kept;
use rtcore_core::log::dedupe::Kind;
use rtcore_core::room::grants::Grants;
use rtcore_core::store::{Entry, Key, KeyOwner, KeyState, Member, Record, Session};
use rusqlite::{CachedStatement, Connection, Params, Result};
use std::sync::{Arc, Mutex, PoisonError};

/// Write records, in the transaction that is open, and gather what they do to the rooms.
///
/// What is said of a session without a row is passed over: it ended, and what was its went with it.
pub fn write(connection: &Connection, rooms: &Mutex<Rooms>, records: &[Record]) -> Result<Change> {
    let (change, body, runs) = (Change::default(), Vec::new(), Runs::default());
    let mut group = Group { connection, rooms, change, body, runs, insert: None };
    for record in records {
        group.record(record)?;
    }
    group.runs.write(connection)?;
    Ok(group.change)
}

struct Group<'a> {
    connection: &'a Connection,
    rooms: &'a Mutex<Rooms>,
    change: Change,
    body: Vec<u8>,
    /// Acks, which are written last: the rows of their sessions are there then.
    runs: Runs,
    /// Inserts an entry, once there is one.
    insert: Option<CachedStatement<'a>>,
}

impl Group<'_> {
    fn record(&mut self, record: &Record) -> Result<()> {
        match record {
            Record::Entry(entry) => self.entry(entry),
            Record::Session(session) => self.session(session),
            Record::Ended { session } => self.ended(session),
            Record::Joined(member) => self.joined(member),
            Record::Left { session, room } => self.run(
                "DELETE FROM member WHERE session = (SELECT id FROM session WHERE name = ?) AND room = ?",
                (session, room),
            ),
            Record::Taken { session, id } => self.run(
                "INSERT OR IGNORE INTO ack(session, id) SELECT id, ?2 FROM session WHERE name = ?1",
                (session, id.cast_signed()),
            ),
            Record::Ack { session, id, kept: Kept::Seq(seq) } => {
                self.runs.add(session, *id, *seq);
                Ok(())
            }
            Record::Ack { session, id, kept } => {
                self.run(ONE, (session, id.cast_signed(), kept_ack::write(kept)))
            }
            Record::LetGo { session, upto } => self.let_go(session, *upto),
            Record::Key(key) => self.key(key),
            Record::KeyFreed { owner, kind, key } => {
                let ((owner_kind, owner), (kind, name)) = (owner_columns(owner), kind_columns(kind));
                self.run(
                    "DELETE FROM key WHERE owner_kind = ? AND owner = ? AND kind = ? AND name = ? AND key = ?",
                    (owner_kind, owner, kind, name, key),
                )
            }
            Record::Shared { room, row } => shared::write(self.connection, room, row),
            Record::Epoch(epoch) => self.run(SET, ("epoch", epoch)),
            Record::Running(ms) => self.run(SET, ("running", ms.cast_signed())),
            Record::Lost { after, upto } => self.run(
                "INSERT OR REPLACE INTO lost(after, upto) VALUES(?, ?)",
                (after.cast_signed(), upto.cast_signed()),
            ),
            Record::Reserved(upto) => self.run(SET, ("reserved", upto.cast_signed())),
            Record::Head(head) => self.run(SET, ("head", head.cast_signed())),
        }
    }

    fn run(&self, sql: &str, params: impl Params) -> Result<()> {
        self.connection.prepare_cached(sql)?.execute(params).map(drop)
    }

    fn entry(&mut self, entry: &Entry) -> Result<()> {
        let room = self.room(&entry.room)?;
        self.body.clear();
        body::write(&mut self.body, entry);
        let crc = body::checksum(entry.seq, &entry.room, entry.time, &self.body);
        // Looking for a statement costs as much as a small part of a row: once a group is enough.
        let insert = match &mut self.insert {
            Some(insert) => insert,
            none => none.insert(
                self.connection
                    .prepare_cached("INSERT INTO entry(seq, room, time, crc, body) VALUES(?, ?, ?, ?, ?)")?,
            ),
        };
        insert.execute((entry.seq.cast_signed(), room, entry.time.cast_signed(), crc, &self.body))?;
        let recent = Recent { seq: entry.seq, time: entry.time, bytes: self.body.len() as u64 };
        self.change.entries.push((room, recent));
        Ok(())
    }

    fn room(&mut self, name: &Arc<str>) -> Result<i64> {
        let rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = rooms.id(name).or_else(|| self.change.made.get(name).copied()) {
            return Ok(id);
        }
        let id = rooms.next_id(self.change.made.len());
        drop(rooms);
        self.run(
            "INSERT INTO room(id, name, first, last, count, bytes, freed, since) VALUES(?, ?, 0, 0, 0, 0, 0, 0)",
            (id, name),
        )?;
        self.change.made.insert(Arc::clone(name), id);
        Ok(id)
    }

    fn session(&self, session: &Session) -> Result<()> {
        let Session { name, user, key, upto, asks, ends, address } = session;
        let (upto, asks, ends) = (upto.cast_signed(), asks.cast_signed(), ends.map(u64::cast_signed));
        self.run(
            "INSERT INTO session(name, user, key, upto, asks, ends, address) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT(name) DO UPDATE SET user = ?2, key = ?3, upto = ?4, asks = ?5, ends = ?6, address = ?7",
            (name, user, key, upto, asks, ends, address.map(|address| address.to_string())),
        )
    }

    fn ended(&mut self, session: &Arc<str>) -> Result<()> {
        self.runs.forget(session);
        self.run("DELETE FROM member WHERE session = (SELECT id FROM session WHERE name = ?)", [session])?;
        self.run("DELETE FROM ack WHERE session = (SELECT id FROM session WHERE name = ?)", [session])?;
        self.run("DELETE FROM key WHERE owner_kind = 2 AND owner = ?", [session])?;
        self.run("DELETE FROM session WHERE name = ?", [session])
    }

    fn joined(&self, member: &Member) -> Result<()> {
        let Member { session, room, began, grants, visible, moved, writer } = member;
        let writer = writer.as_ref().map(|who| who.pack());
        self.run(
            "INSERT OR REPLACE INTO member(session, room, began, grants, visible, moved, writer)
             SELECT id, ?2, ?3, ?4, ?5, ?6, ?7 FROM session WHERE name = ?1",
            (session, room, began.cast_signed(), words(*grants), visible, moved.cast_signed(), writer),
        )
    }

    fn let_go(&self, session: &Arc<str>, upto: u64) -> Result<()> {
        // One that was taken and has no ack is not let go of: what became of it is not known yet.
        let (session, upto) = (session, upto.cast_signed());
        self.run(
            "DELETE FROM ack WHERE session = (SELECT id FROM session WHERE name = ?) AND id <= ? AND kept IS NOT NULL",
            (session, upto),
        )?;
        self.run("UPDATE session SET let_go = max(let_go, ?2) WHERE name = ?1", (session, upto))
    }

    fn key(&self, key: &Key) -> Result<()> {
        let ((owner_kind, owner), (kind, name)) = (owner_columns(&key.owner), kind_columns(&key.kind));
        let kept = match &key.state {
            KeyState::Begun => None,
            KeyState::Done(kept) => Some(kept_ack::write(kept)),
        };
        self.run(
            "INSERT OR REPLACE INTO key(owner_kind, owner, kind, name, key, digest, claimed, kept)
             VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
            (owner_kind, owner, kind, name, &key.key, key.digest, key.claimed.cast_signed(), kept),
        )
    }
}

/// Sets one of the facts of which there is one.
pub const SET: &str = "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)";

/// Whose key: the columns.
pub fn owner_columns(owner: &KeyOwner) -> (i64, &str) {
    match owner {
        KeyOwner::Application => (0, ""),
        KeyOwner::User(user) => (1, user),
        KeyOwner::Session(session) => (2, session),
    }
}

/// What a key is for: the columns.
pub fn kind_columns(kind: &Kind) -> (i64, &str) {
    match kind {
        Kind::Publish(room) => (0, room),
        Kind::Emit(event) => (1, event),
    }
}

fn words(grants: Grants) -> String {
    grants.words().collect::<Vec<_>>().join(" ")
}

/// Rights by their words. A word of a newer version is passed over: less is allowed, and not more.
pub fn grants(words: &str) -> Grants {
    words.split(' ').filter_map(Grants::parse).fold(Grants::NONE, |all, one| all | one)
}
