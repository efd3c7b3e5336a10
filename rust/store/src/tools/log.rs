//! A log that is looked at.

use crate::body;
use crate::connection;
use crate::folder::Folder;
use crate::rooms::Rooms;
use crate::schema;
use crate::shared;
use crate::spans;
use crate::start;
use crate::trouble::{missing, of_sqlite, trouble};
use rtcore_core::ids::Seq;
use rtcore_core::store::{Entry, KeptRoom, Page, Row, Trouble};
use rusqlite::{Connection, OptionalExtension, Result as Sqlite};
use std::collections::HashMap;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Entries that are read at once.
const PAGE: usize = 256;
/// Bytes of a collection that are read at once, and for how long at most.
const ROWS: usize = 256 * 1024;
const SLICE: Duration = Duration::from_millis(200);

/// A log that is looked at, while somebody writes to it or not.
pub struct Log {
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    folder: Option<Folder>,
    names: HashMap<i64, Arc<str>>,
}

/// Which entries.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this room; none: of all.
    pub room: Option<Arc<str>>,
    /// Above this number.
    pub after: Seq,
    /// Up to this one; none: all.
    pub upto: Option<Seq>,
}

/// An entry as it was found.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// It is whole.
    Entry(Entry, Option<Salvaged>),
    /// It is damaged.
    Damaged(Seq),
}

impl Found {
    /// Its number.
    #[must_use]
    pub fn seq(&self) -> Seq {
        match self {
            Self::Entry(entry, _) => entry.seq,
            Self::Damaged(seq) => *seq,
        }
    }
}

/// Where an entry was that was saved from another log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salvaged {
    /// The epoch of that log; empty: not known.
    pub epoch: String,
    /// Its number there.
    pub was: Seq,
}

/// What a log holds.
#[derive(Clone, Debug, Default)]
pub struct LogStats {
    /// Version of its form.
    pub version: i64,
    /// Its epoch, if it has one.
    pub epoch: Option<String>,
    /// Numbers up to this one are reserved.
    pub reserved: Seq,
    /// Groups that were written, over all lives.
    pub written: u64,
    /// How long the server ran, over all lives (ms).
    pub running: u64,
    /// Whether the last life ended in good order: the highest number then.
    pub head: Option<Seq>,
    /// Its rooms, with the bytes of each.
    pub rooms: Vec<(KeptRoom, u64)>,
    /// Sessions.
    pub sessions: u64,
    /// Acks.
    pub acks: u64,
    /// Keys.
    pub keys: u64,
    /// Bytes of the log.
    pub log_bytes: u64,
    /// Of them, free for what comes.
    pub free_bytes: u64,
    /// Bytes of the journal beside it.
    pub journal_bytes: u64,
}

impl Log {
    /// Look at the log in the folder at `path`.
    pub fn open(path: &Path) -> Result<Self, Trouble> {
        let folder = Folder::new(path);
        let mut log = Self::file(&folder.log())?;
        log.folder = Some(folder);
        Ok(log)
    }

    /// Look at a file: a backup, or one that was set aside.
    pub fn file(path: &Path) -> Result<Self, Trouble> {
        if !path.exists() {
            return Err(missing(path));
        }
        let connection = connection::to_read(path, None)?;
        if schema::check(&connection, path)? == 0 {
            let text = format!("{} is empty: no server has begun a log in it", path.display());
            return Err(trouble("io", text));
        }
        Ok(Self { connection, path: path.to_owned(), folder: None, names: HashMap::new() })
    }

    pub(crate) fn trouble(&self, error: &rusqlite::Error) -> Trouble {
        of_sqlite(error, "cannot read", &self.path)
    }

    /// Entries, by number: at most so many, in a page of its own.
    pub fn page(&mut self, filter: &Filter, count: usize) -> Result<Vec<Found>, Trouble> {
        self.found(filter, count).map_err(|error| self.trouble(&error))
    }

    /// Entries, by number, page by page.
    pub fn entries(&mut self, filter: Filter) -> Entries<'_> {
        Entries { log: self, filter, page: VecDeque::new(), over: false }
    }

    fn found(&mut self, filter: &Filter, count: usize) -> Sqlite<Vec<Found>> {
        let transaction = self.connection.unchecked_transaction()?;
        let upto = filter.upto.unwrap_or(i64::MAX as u64).min(i64::MAX as u64);
        let after = filter.after.min(i64::MAX as u64);
        let most = i64::try_from(count).unwrap_or(i64::MAX);
        let seqs: Vec<Seq> = match &filter.room {
            None => {
                let mut all = transaction.prepare_cached(
                    "SELECT seq FROM entry WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
                )?;
                let rows = all.query_map([after.cast_signed(), upto.cast_signed(), most], |row| {
                    row.get::<_, i64>(0).map(i64::cast_unsigned)
                })?;
                rows.collect::<Sqlite<_>>()?
            }
            Some(room) => of_room(&transaction, room, after, upto, count)?,
        };
        seqs.into_iter().map(|seq| one(&transaction, &mut self.names, seq)).collect()
    }

    /// The rooms of collections of which something is kept.
    pub fn collections(&self) -> Result<Vec<String>, Trouble> {
        let found = shared::is_there(&self.connection)
            .and_then(|there| if there { shared::rooms(&self.connection) } else { Ok(Vec::new()) });
        found.map_err(|error| self.trouble(&error))
    }

    /// All that is kept of the collection of a room, in pages.
    pub fn rows(&self, room: &str) -> Result<Vec<Row>, Trouble> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = shared::page(&self.connection, room, after.as_ref(), ROWS, SLICE);
            let Page::Shared(rows, next) = page.map_err(|error| self.trouble(&error))? else {
                return Ok(all);
            };
            all.extend(rows);
            after = next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// What can be read of the collection of a room, and how many rows or parts of the file cannot.
    #[must_use]
    pub fn readable_rows(&self, room: &str) -> (Vec<Row>, u64) {
        shared::readable(&self.connection, room)
    }

    /// What it holds.
    pub fn stats(&self) -> Result<LogStats, Trouble> {
        self.counted().map_err(|error| self.trouble(&error))
    }

    fn counted(&self) -> Sqlite<LogStats> {
        let transaction = self.connection.unchecked_transaction()?;
        let mut rooms = Rooms::new(Box::new(|_| crate::Bounds::default()));
        start::rooms(&transaction, &mut rooms)?;
        let pragma = |name: &str| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let count =
            |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned);
        let mut rooms: Vec<_> = rooms.iter().map(|(_, room)| (room.kept(), room.bytes())).collect();
        rooms.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        let journal = |folder: &Folder| folder.sizes().1;
        Ok(LogStats {
            version: pragma("user_version")?,
            epoch: start::fact(&transaction, "epoch")?,
            reserved: start::number(&transaction, "reserved")?,
            written: start::number(&transaction, "written")?,
            running: start::number(&transaction, "running")?,
            head: start::fact::<i64>(&transaction, "head")?.map(i64::cast_unsigned),
            rooms,
            sessions: count("SELECT count(*) FROM session")?,
            acks: acks(&transaction)?,
            keys: count("SELECT count(*) FROM key")?,
            log_bytes: (pragma("page_count")? * pragma("page_size")?).cast_unsigned(),
            free_bytes: (pragma("freelist_count")? * pragma("page_size")?).cast_unsigned(),
            journal_bytes: self.folder.as_ref().map_or(0, journal),
        })
    }
}

/// How many acks are kept.
fn acks(connection: &Connection) -> Sqlite<u64> {
    let mut all = connection.prepare("SELECT kept FROM ack")?;
    let (mut rows, mut count) = (all.query([])?, 0);
    while let Some(row) = rows.next()? {
        count += crate::acks::count(row.get_ref(0)?.as_blob_or_null()?);
    }
    Ok(count)
}

/// Entries, by number.
pub struct Entries<'a> {
    log: &'a mut Log,
    filter: Filter,
    page: VecDeque<Found>,
    over: bool,
}

impl Iterator for Entries<'_> {
    type Item = Result<Found, Trouble>;
    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty() && !self.over {
            match self.log.page(&self.filter, PAGE) {
                Ok(page) => {
                    self.over = page.is_empty();
                    self.page = page.into();
                    self.filter.after = self.page.back().map_or(self.filter.after, Found::seq);
                }
                Err(why) => {
                    self.over = true;
                    return Some(Err(why));
                }
            }
        }
        self.page.pop_front().map(Ok)
    }
}

/// Numbers of a room's entries: those in spans, and those that are in none yet.
fn of_room(connection: &Connection, room: &str, after: Seq, upto: Seq, count: usize) -> Sqlite<Vec<Seq>> {
    let mut id = connection.prepare_cached("SELECT id, last FROM room WHERE name = ?")?;
    let row = id.query_row([room], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).optional()?;
    let Some((id, last)) = row else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let mut spans =
        connection.prepare_cached("SELECT seqs FROM span WHERE room = ? AND last > ? ORDER BY last")?;
    let mut rows = spans.query([id, after.cast_signed()])?;
    while let Some(row) = rows.next()? {
        let seqs = spans::read(row.get_ref(0)?.as_blob()?);
        found.extend(seqs.into_iter().filter(|seq| after < *seq && *seq <= upto));
        if found.len() >= count {
            found.truncate(count);
            return Ok(found);
        }
    }
    let folded = start::number(connection, "folded")?.max(last.cast_unsigned()).max(after);
    let left = i64::try_from(count - found.len()).unwrap_or(i64::MAX);
    let mut tail = connection.prepare_cached(
        "SELECT seq FROM entry WHERE seq > ? AND seq <= ? AND room = ? ORDER BY seq LIMIT ?",
    )?;
    let rows = tail.query_map([folded.cast_signed(), upto.cast_signed(), id, left], |row| {
        row.get::<_, i64>(0).map(i64::cast_unsigned)
    })?;
    for seq in rows {
        found.push(seq?);
    }
    Ok(found)
}

/// The entry of a number.
pub(crate) fn one(connection: &Connection, names: &mut HashMap<i64, Arc<str>>, seq: Seq) -> Sqlite<Found> {
    let mut entry = connection.prepare_cached("SELECT room, time, crc, body FROM entry WHERE seq = ?")?;
    let mut rows = entry.query([seq.cast_signed()])?;
    let Some(row) = rows.next()? else { return Ok(Found::Damaged(seq)) };
    let (room, time, crc) =
        (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?.cast_unsigned(), row.get::<_, u32>(2)?);
    let Some(name) = name(connection, names, room)? else { return Ok(Found::Damaged(seq)) };
    let bytes = row.get_ref(3)?.as_blob()?;
    if body::checksum(seq, &name, time, bytes) != crc {
        return Ok(Found::Damaged(seq));
    }
    let Some(entry) = body::read(seq, &name, time, bytes) else { return Ok(Found::Damaged(seq)) };
    let mut salvaged = connection.prepare_cached("SELECT epoch, was FROM salvaged WHERE seq = ?")?;
    let salvaged = salvaged.query_row([seq.cast_signed()], |row| {
        Ok(Salvaged { epoch: row.get(0)?, was: row.get::<_, i64>(1)?.cast_unsigned() })
    });
    Ok(Found::Entry(entry, salvaged.optional()?))
}

/// The name of a room.
fn name(connection: &Connection, names: &mut HashMap<i64, Arc<str>>, id: i64) -> Sqlite<Option<Arc<str>>> {
    if let Some(name) = names.get(&id) {
        return Ok(Some(Arc::clone(name)));
    }
    let mut name = connection.prepare_cached("SELECT name FROM room WHERE id = ?")?;
    let name = name.query_row([id], |row| Ok(Arc::<str>::from(row.get_ref(0)?.as_str()?))).optional()?;
    if let Some(name) = &name {
        names.insert(id, Arc::clone(name));
    }
    Ok(name)
}
