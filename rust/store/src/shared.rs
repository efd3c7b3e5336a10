//! What is kept of collections: rows, each with its checksum, which are written one by one and read in the order of their places.

use rtcore_core::store::{Page, Place, Row};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, OptionalExtension, Result, ffi};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Rows between two looks at the clock.
const LOOK: usize = 64;

/// Keep a row, or keep it no longer.
pub fn write(connection: &Connection, room: &str, row: &Row) -> Result<()> {
    let stored = row.stored();
    let Place { kind, user, name, n } = &stored.place;
    let run = |sql: &str, params: &[&dyn rusqlite::ToSql]| {
        connection.prepare_cached(sql)?.execute(params).map(drop)
    };
    let Some(id) = id(connection, room)? else {
        run("INSERT INTO collection(room) VALUES(?)", &[&room])?;
        return write(connection, room, row);
    };
    let outcomes =
        "DELETE FROM shared WHERE collection = ? AND kind = ? AND user = ? AND name = ? AND n <= ?";
    let Some(value) = &stored.value else {
        if *kind == Row::WRITER {
            run(outcomes, &[&id, &Row::OUTCOME, user, name, &i64::MAX])?;
        }
        return run(
            "DELETE FROM shared WHERE collection = ? AND kind = ? AND user = ? AND name = ? AND n = ?",
            &[&id, kind, user, name, &n.cast_signed()],
        );
    };
    if *kind == Row::WRITER && stored.upto > 0 {
        run(outcomes, &[&id, &Row::OUTCOME, user, name, &stored.upto.cast_signed()])?;
    }
    let crc = checksum(room, &stored.place, value);
    run(
        "INSERT OR REPLACE INTO shared(collection, kind, user, name, n, crc, value) VALUES(?, ?, ?, ?, ?, ?, ?)",
        &[&id, kind, user, name, &n.cast_signed(), &crc, value],
    )
}

fn id(connection: &Connection, room: &str) -> Result<Option<i64>> {
    let mut found = connection.prepare_cached("SELECT id FROM collection WHERE room = ?")?;
    found.query_row([room], |row| row.get(0)).optional()
}

/// The checksum of a row. The room's name and the place are in it: a row that stands elsewhere is damage, too.
fn checksum(room: &str, place: &Place, value: &[u8]) -> u32 {
    let Place { kind, user, name, n } = place;
    let mut head = vec![*kind];
    for length in [room.len() as u64, user.len() as u64, name.len() as u64, *n] {
        head.extend_from_slice(&length.to_le_bytes());
    }
    let texts = [room, user, name];
    let sum =
        texts.iter().fold(crc32c::crc32c(&head), |sum, text| crc32c::crc32c_append(sum, text.as_bytes()));
    crc32c::crc32c_append(sum, value)
}

/// Whether the file has a place for collections: older forms had none.
pub fn is_there(connection: &Connection) -> Result<bool> {
    connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'shared'")?.exists([])
}

/// The rooms of collections of which something is kept.
pub fn rooms(connection: &Connection) -> Result<Vec<String>> {
    let mut all = connection.prepare(
        "SELECT room FROM collection WHERE EXISTS (SELECT 1 FROM shared WHERE collection = collection.id) ORDER BY room",
    )?;
    all.query_map([], |row| row.get(0))?.collect()
}

/// A row that was found: where it stands, and what it is, if it is whole.
pub type Found = (Place, Option<Row>);

/// Go through the rows of a collection behind a place, until `each` says that it is enough.
pub fn walk(
    connection: &Connection,
    room: &str,
    after: Option<&Place>,
    each: impl FnMut(Found, usize) -> bool,
) -> Result<()> {
    walk_by(FORTH, connection, room, after, each)
}

const FORTH: &str = "SELECT kind, user, name, n, crc, value FROM shared
    WHERE collection = ?1 AND (kind, user, name, n) > (?2, ?3, ?4, ?5) ORDER BY kind, user, name, n";
const BACK: &str = "SELECT kind, user, name, n, crc, value FROM shared
    WHERE collection = ?1 AND (kind, user, name, n) > (?2, ?3, ?4, ?5)
    ORDER BY kind DESC, user DESC, name DESC, n DESC";

/// The rows of a collection that can be read, and how many cannot: where a part of the file cannot be read at all, what stands
/// before it and behind it.
pub fn readable(connection: &Connection, room: &str) -> (Vec<Row>, u64) {
    let (mut rows, mut damaged) = (BTreeMap::new(), BTreeSet::new());
    let mut take = |(place, row): Found| match row {
        Some(row) => drop(rows.insert(order(&place), row)),
        None => drop(damaged.insert(order(&place))),
    };
    let mut unreadable = 0;
    let mut each = |found, _| {
        take(found);
        true
    };
    if walk_by(FORTH, connection, room, None, &mut each).is_err() {
        unreadable = 1;
        drop(walk_by(BACK, connection, room, None, &mut each));
    }
    let damaged = damaged.len() as u64;
    (rows.into_values().collect(), damaged + unreadable)
}

fn order(place: &Place) -> (u8, Box<str>, Box<str>, u64) {
    (place.kind, place.user.clone(), place.name.clone(), place.n)
}

fn walk_by(
    sql: &str,
    connection: &Connection,
    room: &str,
    after: Option<&Place>,
    mut each: impl FnMut(Found, usize) -> bool,
) -> Result<()> {
    let Some(id) = id(connection, room)? else { return Ok(()) };
    let mut rows = connection.prepare_cached(sql)?;
    let first = (-1, "", "", 0);
    let (kind, user, name, n) = after
        .map_or(first, |place| (i64::from(place.kind), &*place.user, &*place.name, place.n.cast_signed()));
    let mut rows = rows.query((id, kind, user, name, n))?;
    while let Some(row) = rows.next()? {
        let text = |column| Ok::<Box<str>, Error>(row.get_ref(column)?.as_str()?.into());
        let (kind, n) = (row.get::<_, u8>(0)?, row.get::<_, i64>(3)?.cast_unsigned());
        let place = Place { kind, user: text(1)?, name: text(2)?, n };
        let ValueRef::Blob(value) = row.get_ref(5)? else { continue };
        let whole = row.get::<_, i64>(4)? == i64::from(checksum(room, &place, value));
        let read = whole.then(|| Row::read(&place, value)).flatten();
        if !each((place, read), value.len()) {
            return Ok(());
        }
    }
    Ok(())
}

/// Read a page of a collection. A row that is damaged is an error: what is missing of a collection is not to be guessed.
pub fn page(
    connection: &Connection,
    room: &str,
    after: Option<&Place>,
    bytes: usize,
    slice: Duration,
) -> Result<Page> {
    let until = Instant::now() + slice;
    let (mut rows, mut left, mut last, mut damaged, mut more) = (Vec::new(), bytes, None, None, false);
    walk(connection, room, after, |(place, row), size| {
        let late = rows.len() % LOOK == LOOK - 1 && Instant::now() >= until;
        if !rows.is_empty() && (late || size > left) {
            more = true;
            return false;
        }
        left = left.saturating_sub(size);
        let Some(row) = row else {
            damaged = Some(place);
            return false;
        };
        rows.push(row);
        last = Some(place);
        true
    })?;
    match damaged {
        Some(place) => {
            Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(told(room, &place))))
        }
        None => Ok(Page::Shared(rows, last.filter(|_| more))),
    }
}

/// What a damaged row is, for people.
pub fn told(room: &str, place: &Place) -> String {
    let Place { kind, user, name, n } = place;
    let what = match *kind {
        Row::WRITER => format!("the writer {name:?} of user {user:?}"),
        Row::OUTCOME => format!("outcome {n} of the writer {name:?} of user {user:?}"),
        Row::KEY => format!("the document {name:?}"),
        _ => "its own row".to_owned(),
    };
    format!("of what is kept of {room:?}, {what} is damaged")
}
