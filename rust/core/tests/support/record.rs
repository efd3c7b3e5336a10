//! What one session heard, held against what it had to hear: law 2.
//!
//! A client cannot know to the number when its join or leave was done, so a stay in a room has two outer
//! bounds, within which it *may* hear, and two inner ones, within which it *must*.

use super::truth::Truth;
use rtcore_core::{Seq, SessionId};
use std::collections::BTreeMap;

/// A stay in a room.
#[derive(Debug, Default)]
pub struct Stay {
    may_from: Seq,
    may_to: Option<Seq>,
    must_from: Option<Seq>,
    must_to: Option<Seq>,
    /// The request that ended it.
    leave: Option<u64>,
    /// It was put out: nothing more may come.
    shut: bool,
}

/// One session's record. Rooms by name; none: what is said to it alone.
#[derive(Debug, Default)]
pub struct Record {
    pub heard: BTreeMap<Seq, Option<String>>,
    pub gaps: Vec<(Option<String>, Seq, Seq)>,
    stays: BTreeMap<Option<String>, Vec<Stay>>,
    /// The highest number, from `welcome` and events alone.
    pub position: Seq,
}

impl Record {
    /// A new session, whose feed begins at `seq`.
    pub fn begin(seq: Seq, user: Option<&str>) -> Self {
        let mut record = Self { position: seq, ..Self::default() };
        let own = user.map(|user| Some(format!("$user/{user}")));
        for room in [None, Some("$all".to_owned())].into_iter().chain(own) {
            let stay = Stay { may_from: seq, must_from: Some(seq), ..Stay::default() };
            record.stays.insert(room, vec![stay]);
        }
        record
    }

    /// A join is on its way, or may be.
    pub fn joining(&mut self, room: &str, head: Seq) {
        let stays = self.stays.entry(Some(room.to_owned())).or_default();
        if stays.last().is_none_or(|stay| stay.must_to.is_some()) {
            stays.push(Stay { may_from: head, ..Stay::default() });
        }
    }

    /// Its ack: the room's present is that of `seq`.
    pub fn joined(&mut self, room: &str, seq: Seq) {
        let stays = self.stays.get_mut(&Some(room.to_owned())).expect("a join is acked that was said");
        let last = stays.last_mut().expect("a join is acked that was said");
        if last.must_to.is_none() {
            last.must_from.get_or_insert(seq);
        } else if last.leave.is_none() {
            // It was put out meanwhile, before the join was done or after; its number may tell.
            let must_from = last.may_to.is_none_or(|to| seq > to).then_some(seq);
            let may_from = last.may_from;
            stays.push(Stay { may_from, must_from, ..Stay::default() });
        }
    }

    /// A leave is on its way: entries that are not heard yet are owed no more.
    pub fn leaving(&mut self, room: &str, id: u64) {
        let at = self.position;
        if let Some(stay) = self.last(room).filter(|stay| stay.must_to.is_none()) {
            stay.must_to = Some(at);
            stay.leave = Some(id);
        }
    }

    /// That leave was done by `head`.
    pub fn left(&mut self, room: &str, id: u64, head: Seq) {
        let stays = self.stays.get_mut(&Some(room.to_owned())).into_iter().flatten();
        for stay in stays.filter(|stay| stay.leave == Some(id) && stay.may_to.is_none()) {
            stay.may_to = Some(head);
        }
    }

    /// The session was put out of the room: what was not heard is owed no more. A `join` that has no ack
    /// may have been done before or after that.
    pub fn put_out(&mut self, room: &str, head: Seq, joining: bool) {
        let at = self.position;
        let stays = self.stays.get_mut(&Some(room.to_owned())).into_iter().flatten();
        for stay in stays {
            stay.must_to = Some(stay.must_to.map_or(at, |to| to.min(at)));
            if !joining {
                stay.may_to.get_or_insert(head);
            }
        }
    }

    /// It was told so: nothing more may come.
    pub fn shut(&mut self, room: &str, head: Seq, joining: bool) {
        self.put_out(room, head, joining);
        let stays = self.stays.get_mut(&Some(room.to_owned())).into_iter().flatten();
        stays.for_each(|stay| stay.shut |= !joining);
    }

    fn last(&mut self, room: &str) -> Option<&mut Stay> {
        self.stays.get_mut(&Some(room.to_owned()))?.last_mut()
    }

    /// The rooms that this session takes itself to be in.
    pub fn rooms(&self) -> Vec<String> {
        let open = |stays: &Vec<Stay>| stays.last().is_some_and(|stay| stay.must_to.is_none());
        self.stays.iter().filter(|(_, stays)| open(stays)).filter_map(|(room, _)| room.clone()).collect()
    }

    /// An event with a number came.
    pub fn event(&mut self, room: Option<&str>, seq: Seq) {
        assert!(seq > self.position, "entry {seq} of {room:?} came after {}", self.position);
        self.may_hear(room, Some(seq));
        self.position = seq;
        self.heard.insert(seq, room.map(str::to_owned));
    }

    /// Whether this session may hear the room at all (at that number).
    pub fn may_hear(&self, room: Option<&str>, seq: Option<Seq>) {
        let stays = self.stays.get(&room.map(str::to_owned)).map_or(&[][..], Vec::as_slice);
        let fits = |stay: &Stay| {
            !stay.shut && seq.is_none_or(|seq| seq > stay.may_from && stay.may_to.is_none_or(|to| seq <= to))
        };
        assert!(stays.iter().any(fits), "entry {seq:?} of {room:?} was heard by no member: {stays:?}");
    }

    pub fn gap(&mut self, room: Option<&str>, from: Seq, to: Seq) {
        assert!(from <= to, "a gap from {from} to {to}");
        self.gaps.push((room.map(str::to_owned), from, to));
    }

    /// Every entry up to `upto` that this session had to hear was heard, or lies in a gap that it was told of.
    pub fn check(&self, session: SessionId, truth: &Truth, upto: Seq) {
        for (&seq, said) in truth.entries.range(..=upto) {
            if said.exclude == Some(session) || said.only.is_some_and(|only| only != session) {
                assert!(!self.heard.contains_key(&seq), "entry {seq} is not for this session: {said:?}");
                continue;
            }
            let covered = || {
                self.gaps.iter().any(|(room, from, to)| *room == said.room && (*from..=*to).contains(&seq))
            };
            let stays = self.stays.get(&said.room).map_or(&[][..], Vec::as_slice);
            let owed = stays.iter().any(|stay| {
                stay.must_from.is_some_and(|from| seq > from) && stay.must_to.is_none_or(|to| seq <= to)
            });
            assert!(
                !owed || self.heard.contains_key(&seq) || covered(),
                "entry {seq} was neither heard nor told as a gap: {said:?}\n stays {stays:?}\n gaps {:?}\n heard {:?}",
                self.gaps,
                self.heard,
            );
        }
        for (seq, room) in &self.heard {
            if let Some(said) = truth.entries.get(seq) {
                assert_eq!(said.room, *room, "entry {seq} was heard in another room");
            }
        }
    }
}
