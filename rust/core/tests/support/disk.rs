//! A store in memory: it answers when the test says so, and what it holds is what it said was written.

use super::app::App;
use super::world::World;
use rtcore_core::engine::Config;
use rtcore_core::limits::fixed::IDS_AHEAD;
use rtcore_core::store::{
    Ask, Group, Kept, KeptKey, KeptRoom, KeptSession, KeyName, Origin, Page, Place, Progress, Record, Report,
    Row, Trouble, Wanted,
};
use rtcore_core::{Engine, Now, Tick};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// What the store does with a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// It answers at once.
    #[default]
    Quick,
    /// It answers when it is told to.
    Waits,
}

#[derive(Debug, Default)]
pub struct Disk {
    pub mood: Mood,
    /// What it was asked for, and has not answered.
    pub asked: VecDeque<Ask>,
    /// All that is on it.
    pub written: Vec<Record>,
    /// Groups that it wrote.
    pub groups: usize,
    /// Reads that it answered.
    pub reads: usize,
    /// Entries of a page at most.
    pub page: Option<usize>,
    /// Nothing can be read.
    pub unreadable: bool,
    /// Up to where rooms have let go of their entries.
    pub freed: BTreeMap<String, u64>,
    /// Entries that are damaged.
    pub damaged: BTreeSet<u64>,
}

fn name_of(key: &KeptKey) -> KeyName {
    KeyName { owner: key.owner.clone(), kind: key.kind.clone(), key: key.key.clone() }
}

pub fn trouble() -> Trouble {
    Trouble { kind: "full", text: "the disk is full: 0 bytes are free".into() }
}

impl Disk {
    /// Answer all that was asked, if it is quick; whether there was anything.
    pub fn answer(&mut self, engine: &mut Engine, now: Now) -> bool {
        self.mood == Mood::Quick && self.write(engine, now)
    }

    /// Write the next group; false: there is none.
    pub fn write(&mut self, engine: &mut Engine, now: Now) -> bool {
        match self.asked.pop_front() {
            Some(Ask::Write(group)) => {
                engine.report(self.keep(group), now);
                true
            }
            Some(Ask::Read(read)) => {
                self.reads += 1;
                let page = if self.unreadable { Err(trouble()) } else { Ok(self.read(&read.wanted)) };
                engine.report(Report::Read(read.id, page), now);
                true
            }
            None => false,
        }
    }

    fn read(&self, wanted: &Wanted) -> Page {
        let (room, upto, count) = match wanted {
            Wanted::After { room, upto, count, .. } | Wanted::Last { room, upto, count, .. } => {
                (room, upto, count)
            }
            Wanted::Key(name) => {
                return Page::Key(self.keys().into_iter().find(|key| name_of(key) == *name));
            }
            Wanted::Shared { room, after, .. } => {
                let rows = self.shared(room).into_iter();
                let mut rows: Vec<_> =
                    rows.filter(|(place, _)| after.as_ref().is_none_or(|after| place > after)).collect();
                let more = rows.len() > self.page.unwrap_or(usize::MAX);
                rows.truncate(self.page.unwrap_or(usize::MAX));
                let last = rows.last().map(|(place, _)| place.clone()).filter(|_| more);
                return Page::Shared(rows.into_iter().map(|(_, row)| row).collect(), last);
            }
        };
        let freed = self.freed.get(&**room).copied().unwrap_or(0);
        let above = if let Wanted::After { after, .. } = wanted { freed.max(*after) } else { freed };
        let said = self.written.iter().filter_map(|record| match record {
            Record::Entry(entry) if entry.room == *room => Some(entry.clone()),
            _ => None,
        });
        let all: Vec<_> = said.filter(|entry| entry.seq > above && entry.seq <= *upto).collect();
        let count = (*count).min(self.page.unwrap_or(usize::MAX)).min(all.len());
        let is_damaged = |entry: &rtcore_core::store::Entry| self.damaged.contains(&entry.seq);
        if matches!(wanted, Wanted::Last { .. }) {
            let newest = &all[all.len() - count..];
            return if let Some(at) = newest.iter().rposition(is_damaged) {
                let freed = newest[at].seq;
                Page::Entries { entries: newest[at + 1..].to_vec(), complete: false, freed }
            } else {
                Page::Entries { entries: newest.to_vec(), complete: count == all.len(), freed }
            };
        }
        let gone = all.iter().take_while(|entry| is_damaged(entry)).count();
        let freed = all[..gone].last().map_or(freed, |entry| entry.seq);
        let whole = all[gone..].iter().take_while(|entry| !is_damaged(entry)).count();
        let end = gone + whole.min(count);
        Page::Entries { entries: all[gone..end].to_vec(), complete: end == all.len(), freed }
    }

    /// What is kept of the collection of a room.
    pub fn shared(&self, room: &str) -> BTreeMap<Place, Row> {
        let mut kept = BTreeMap::new();
        for record in &self.written {
            let Record::Shared { room: of, row } = record else { continue };
            if **of != *room {
                continue;
            }
            let stored = row.stored();
            let Place { kind, user, name, .. } = stored.place.clone();
            let goes = |place: &Place, upto: u64| {
                kind == Row::WRITER
                    && (place.kind, &place.user, &place.name) == (Row::OUTCOME, &user, &name)
                    && place.n <= upto
            };
            if let Some(value) = stored.value {
                kept.retain(|place, _| !goes(place, stored.upto));
                let row = Row::read(&stored.place, &value).expect("it is read as it was written");
                kept.insert(stored.place, row);
            } else {
                kept.retain(|place, _| !goes(place, u64::MAX));
                kept.remove(&stored.place);
            }
        }
        kept
    }

    /// What a server finds that begins with this.
    pub fn begin(&mut self, origin: Origin) -> Kept {
        let kept = self.kept(origin);
        for session in kept.sessions.iter().filter(|_| origin != Origin::Replaced) {
            let mut row = session.row.clone();
            (row.upto, row.asks) = (row.upto + IDS_AHEAD, row.asks + IDS_AHEAD);
            self.written.push(Record::Session(row));
        }
        kept
    }

    /// The same, and no life begins.
    pub fn kept(&self, origin: Origin) -> Kept {
        let mut kept = Kept {
            epoch: None,
            origin,
            head: 0,
            reserved: 0,
            running: 0,
            lost: Vec::new(),
            rooms: Vec::new(),
            sessions: Vec::new(),
            keys: Vec::new(),
            collections: Vec::new(),
        };
        let mut sessions: BTreeMap<Arc<str>, KeptSession> = BTreeMap::new();
        let mut rooms: BTreeMap<Arc<str>, KeptRoom> = BTreeMap::new();
        for record in &self.written {
            match record {
                Record::Entry(entry) => {
                    kept.head = kept.head.max(entry.seq);
                    let name = Arc::clone(&entry.room);
                    let first =
                        KeptRoom { name: Arc::clone(&name), first: entry.seq, last: 0, count: 0, freed: 0 };
                    let room = rooms.entry(name).or_insert(first);
                    (room.last, room.count) = (entry.seq, room.count + 1);
                }
                Record::Session(row) => {
                    let new =
                        KeptSession { row: row.clone(), rooms: Vec::new(), requests: Vec::new(), let_go: 0 };
                    sessions.entry(Arc::clone(&row.name)).or_insert(new).row = row.clone();
                }
                Record::Ended { session } => drop(sessions.remove(session)),
                Record::Joined(member) => {
                    let session = sessions.get_mut(&member.session).expect("its row is on disk before");
                    session.rooms.retain(|other| other.room != member.room);
                    session.rooms.push(member.clone());
                }
                Record::Left { session, room } => {
                    if let Some(session) = sessions.get_mut(session) {
                        session.rooms.retain(|other| other.room != *room);
                    }
                }
                Record::Taken { session, id } => {
                    let session = sessions.get_mut(session).expect("its row is on disk before");
                    session.requests.push((*id, Progress::Taken));
                }
                Record::Ack { session, id, kept } => {
                    if let Some(session) = sessions.get_mut(session) {
                        session.requests.retain(|(other, _)| other != id);
                        session.requests.push((*id, Progress::Done(kept.clone())));
                    }
                }
                // `keys` looks at those of keys, and entries are all kept.
                Record::Key(_) | Record::KeyFreed { .. } => {}
                Record::LetGo { session, upto } => {
                    if let Some(session) = sessions.get_mut(session) {
                        session.requests.retain(|(id, is)| id > upto || *is == Progress::Taken);
                        session.let_go = session.let_go.max(*upto);
                    }
                }
                Record::Running(running) => kept.running = *running,
                Record::Epoch(epoch) => kept.epoch = Some(epoch.to_string()),
                Record::Lost { after, upto } => kept.lost.push((*after, *upto)),
                Record::Reserved(upto) => kept.reserved = *upto,
                Record::Head(head) => kept.head = *head,
                Record::Shared { room, .. } if kept.collections.contains(room) => {}
                Record::Shared { room, .. } => kept.collections.push(Arc::clone(room)),
            }
        }
        kept.keys = self.keys().iter().map(|key| (name_of(key), key.claimed)).collect();
        if origin != Origin::Clean {
            kept.head = kept.reserved; // any of them may have been given
        }
        for (name, freed) in &self.freed {
            if let Some(room) = rooms.get_mut(&**name) {
                room.freed = *freed;
            }
        }
        (kept.rooms, kept.sessions) = (rooms.into_values().collect(), sessions.into_values().collect());
        kept
    }

    /// The keys that are on it.
    fn keys(&self) -> Vec<KeptKey> {
        let mut keys: Vec<KeptKey> = Vec::new();
        for record in &self.written {
            match record {
                Record::Key(key) => {
                    keys.retain(|other| name_of(other) != name_of(key));
                    keys.push(key.clone());
                }
                Record::KeyFreed { owner, kind, key } => {
                    keys.retain(|other| (&other.owner, &other.kind, &other.key) != (owner, kind, key));
                }
                _ => {}
            }
        }
        keys
    }

    fn keep(&mut self, group: Group) -> Report {
        assert!(!group.records.is_empty(), "a group without facts");
        self.groups += 1;
        self.written.extend(group.records);
        Report::Written(group.id)
    }

    /// Refuse the next group.
    pub fn refuse(&mut self, engine: &mut Engine, now: Now) {
        if let Some(Ask::Write(group)) = self.asked.pop_front() {
            engine.report(Report::Refused(group.id, trouble()), now);
        }
    }

    /// Numbers of the entries that are on it.
    pub fn entries(&self) -> Vec<u64> {
        let entries = self.written.iter().filter_map(|record| match record {
            Record::Entry(entry) => Some(entry.seq),
            _ => None,
        });
        entries.collect()
    }
}

impl World {
    /// The server is gone, with all that only memory held, and begins anew with what is on disk. Clients stay, with what they
    /// know; the application is another.
    pub fn begin_anew(&mut self, config: Config, origin: Origin) {
        for client in &mut self.clients {
            client.link = None;
            client.welcomed = false;
        }
        self.disk.asked.clear();
        self.app = App::default();
        self.now.tick = Tick(self.now.tick.0 + 1_000_000_000);
        self.engine = Engine::new(config, [9; 32], self.now);
        self.disk.mood = Mood::Quick;
        let kept = self.disk.begin(origin);
        self.engine.restore(&kept, self.now);
        self.settle();
    }

    /// The store writes the next group, and the world comes to rest.
    pub fn write(&mut self) {
        self.disk.write(&mut self.engine, self.now);
        self.settle();
    }

    /// The server ends in good order, and its store with it.
    pub fn end(&mut self) {
        self.engine.end_life();
        self.disk.mood = Mood::Quick;
        self.settle();
    }

    /// It refuses it.
    pub fn refuse(&mut self) {
        self.disk.refuse(&mut self.engine, self.now);
        self.settle();
    }

    /// It says this.
    pub fn report(&mut self, report: Report) {
        self.engine.report(report, self.now);
        self.settle();
    }
}
