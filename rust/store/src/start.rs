//! What is read when a log is opened: bookkeeping, and no entries but those that are in no span yet.

use crate::acks;
use crate::group::grants;
use crate::rooms::{Recent, Rooms, Row};
use rtcore_core::log::dedupe::Kind;
use rtcore_core::store::{KeptMember, KeptSession, KeyName, KeyOwner, Progress, Session, Who};
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Result};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One of the facts of which there is one.
pub fn fact<T: FromSql>(connection: &Connection, key: &str) -> Result<Option<T>> {
    connection.query_row("SELECT value FROM meta WHERE key = ?", [key], |row| row.get(0)).optional()
}

/// A number of them; 0 if it is not there.
pub fn number(connection: &Connection, key: &str) -> Result<u64> {
    Ok(fact::<i64>(connection, key)?.unwrap_or(0).cast_unsigned())
}

/// Read the rooms.
pub fn rooms(connection: &Connection, rooms: &mut Rooms) -> Result<()> {
    rooms.clear();
    let mut all = connection.prepare("SELECT id, name, first, last, count, bytes, freed, since FROM room")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        let name = row.get_ref(1)?.as_str()?.into();
        let (first, last, count) = (number(2)?, number(3)?, number(4)?);
        let (bytes, freed, since) = (number(5)?, number(6)?, number(7)?);
        rooms.add(row.get(0)?, name, Row { first, last, count, bytes, freed, since });
    }
    let folded = number(connection, "folded")?;
    let mut tail =
        connection.prepare("SELECT room, seq, time, length(body) FROM entry WHERE seq > ? ORDER BY seq")?;
    let mut rows = tail.query([folded.cast_signed()])?;
    while let Some(row) = rows.next()? {
        let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        rooms.push(row.get(0)?, Recent { seq: number(1)?, time: number(2)?, bytes: number(3)? });
    }
    Ok(())
}

/// Read the sessions.
pub fn sessions(connection: &Connection) -> Result<Vec<KeptSession>> {
    let mut all = connection
        .prepare("SELECT id, name, user, key, upto, asks, ends, let_go, address FROM session ORDER BY id")?;
    let mut members = connection.prepare(
        "SELECT room, began, grants, visible, moved, writer FROM member WHERE session = ? ORDER BY room",
    )?;
    let mut rows_of_acks = connection.prepare("SELECT id, kept FROM ack WHERE session = ? ORDER BY id")?;
    let mut sessions = Vec::new();
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        let id: i64 = row.get(0)?;
        let name: Arc<str> = row.get_ref(1)?.as_str()?.into();
        let user = row.get::<_, Option<String>>(2)?.map(Arc::from);
        let (key, upto, asks) = (row.get(3)?, number(4)?, number(5)?);
        let ends = row.get::<_, Option<i64>>(6)?.map(i64::cast_unsigned);
        let rooms = members.query_map([id], |row| {
            let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
            Ok(KeptMember {
                session: Arc::clone(&name),
                room: row.get_ref(0)?.as_str()?.into(),
                began: number(1)?,
                grants: grants(row.get_ref(2)?.as_str()?),
                visible: row.get(3)?,
                moved: number(4)?,
                writer: row.get_ref(5)?.as_blob_or_null()?.and_then(Who::unpack).map(Box::new),
            })
        })?;
        let rooms = rooms.collect::<Result<_>>()?;
        let let_go = number(7)?;
        let mut requests = BTreeMap::new();
        let mut found = rows_of_acks.query([id])?;
        while let Some(row) = found.next()? {
            acks::read(
                row.get::<_, i64>(0)?.cast_unsigned(),
                row.get_ref(1)?.as_blob_or_null()?,
                &mut requests,
            );
        }
        // A run ends above what was let go of and may begin below.
        requests.retain(|id, progress| *id > let_go || *progress == Progress::Taken);
        let requests = requests.into_iter().collect();
        let address = row.get_ref(8)?.as_str_or_null()?.and_then(|text| text.parse().ok());
        let row = Session { name: Arc::clone(&name), user, key, upto, asks, ends, address };
        sessions.push(KeptSession { row, rooms, requests, let_go });
    }
    Ok(sessions)
}

/// Read what was lost with the machine, the oldest first.
pub fn lost(connection: &Connection) -> Result<Vec<(u64, u64)>> {
    let mut all = connection.prepare("SELECT after, upto FROM lost ORDER BY after")?;
    let rows = all.query_map([], |row| {
        Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, i64>(1)?.cast_unsigned()))
    })?;
    rows.collect()
}

/// Read the names of the keys that were claimed at this running time (ms) or later, and when.
pub fn keys(connection: &Connection, since: u64) -> Result<Vec<(KeyName, u64)>> {
    let mut all = connection
        .prepare("SELECT owner_kind, owner, kind, name, key, claimed FROM key WHERE claimed >= ?")?;
    let rows = all.query_map([since.cast_signed()], |row| {
        let owner: Arc<str> = row.get_ref(1)?.as_str()?.into();
        let name: Arc<str> = row.get_ref(3)?.as_str()?.into();
        let key = KeyName {
            owner: match row.get::<_, i64>(0)? {
                0 => KeyOwner::Application,
                1 => KeyOwner::User(owner),
                _ => KeyOwner::Session(owner),
            },
            kind: if row.get::<_, i64>(2)? == 0 { Kind::Publish(name) } else { Kind::Emit(name) },
            key: row.get_ref(4)?.as_str()?.into(),
        };
        Ok((key, row.get::<_, i64>(5)?.cast_unsigned()))
    })?;
    rows.collect()
}

fn number_of(rows: &Connection, sql: &str) -> Result<u64> {
    rows.query_row(sql, [], |row| row.get::<_, Option<i64>>(0))
        .map(|number| number.unwrap_or(0).cast_unsigned())
}

/// The highest number in the log.
pub fn highest(connection: &Connection) -> Result<u64> {
    Ok(number_of(connection, "SELECT max(seq) FROM entry")?
        .max(number_of(connection, "SELECT max(last) FROM room")?))
}
