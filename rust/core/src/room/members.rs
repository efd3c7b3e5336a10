//! The members of one room: a dense table, because the fan-out walks all of it for every entry.
//!
//! A small room is searched from end to end, which for a handful is faster than any index and takes no
//! memory; a large one has an index from session to place. Invariants: the places in `index`, when there is
//! one, are those of `rows`; a session is in `rows` at most once; `visible` counts the rows that are.
//!
//! Who leaves is replaced by the last row, so the order of members means nothing.

use super::grants::Grants;
use crate::ids::{Seq, SessionId};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::sync::Arc;

/// Members above which there is an index.
const INDEX_ABOVE: usize = 16;

/// Members below which it is given up: well under the other, so that a room at the border does not flutter.
const INDEX_BELOW: usize = 8;

/// A session in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Which session.
    pub session: SessionId,
    /// Where the room began for it: it is owed the entries above.
    pub began: Seq,
    /// Up to where it was told of gaps.
    pub floor: Seq,
    /// What others are shown of it, as JSON.
    pub info: Option<Arc<[u8]>>,
    /// What it may.
    pub grants: Grants,
    /// Whether others see it: that does not change while it is a member.
    pub visible: bool,
}

/// All of a room.
#[derive(Debug, Default)]
pub struct Members {
    rows: Vec<Member>,
    index: Option<Box<HashTable<u32>>>,
    visible: u32,
}

impl Members {
    /// Add a member, or replace the row of a session that is one; then the old row is given back.
    pub fn add(&mut self, member: Member) -> Option<Member> {
        if let Some(at) = self.place(member.session) {
            let old = std::mem::replace(&mut self.rows[at], member);
            self.visible -= u32::from(old.visible);
            self.visible += u32::from(self.rows[at].visible);
            return Some(old);
        }
        if self.rows.is_empty() {
            self.rows.reserve_exact(1); // most rooms of one user have one member, and stay so
        }
        self.visible += u32::from(member.visible);
        let at = u32::try_from(self.rows.len()).expect("sessions are fewer than 2^32");
        let session = member.session;
        self.rows.push(member);
        match &mut self.index {
            Some(index) => {
                let rows = &self.rows;
                index.insert_unique(hash(session), at, |&at| hash(rows[at as usize].session));
            }
            None if self.rows.len() > INDEX_ABOVE => self.index = Some(Box::new(indexed(&self.rows))),
            None => {}
        }
        None
    }

    /// Take a member out.
    pub fn remove(&mut self, session: SessionId) -> Option<Member> {
        let at = self.place(session)?;
        let last = self.rows.len() - 1;
        if let Some(index) = &mut self.index {
            if let Ok(entry) = index.find_entry(hash(session), |&place| place as usize == at) {
                entry.remove();
            }
            if at != last
                && let Some(place) =
                    index.find_mut(hash(self.rows[last].session), |&place| place as usize == last)
            {
                *place = u32::try_from(at).expect("a place is below 2^32");
            }
        }
        let member = self.rows.swap_remove(at);
        self.visible -= u32::from(member.visible);
        self.shrink();
        Some(member)
    }

    /// The row of a session.
    #[must_use]
    pub fn get(&self, session: SessionId) -> Option<&Member> {
        self.place(session).map(|at| &self.rows[at])
    }

    /// The row of a session, to change anything but `session` and `visible`.
    pub fn get_mut(&mut self, session: SessionId) -> Option<&mut Member> {
        self.place(session).map(|at| &mut self.rows[at])
    }

    /// All rows, in no particular order.
    pub fn iter(&self) -> std::slice::Iter<'_, Member> {
        self.rows.iter()
    }

    /// All rows, to change anything but `session` and `visible`.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Member> {
        self.rows.iter_mut()
    }

    /// All rows, by place: for a walk that is interrupted by changes elsewhere.
    #[must_use]
    pub fn rows(&self) -> &[Member] {
        &self.rows
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many others see: the `count` of presence.
    #[must_use]
    pub fn visible(&self) -> usize {
        self.visible as usize
    }

    fn place(&self, session: SessionId) -> Option<usize> {
        match &self.index {
            Some(index) => {
                let rows = &self.rows;
                index.find(hash(session), |&at| rows[at as usize].session == session).map(|&at| at as usize)
            }
            None => self.rows.iter().position(|row| row.session == session),
        }
    }

    fn shrink(&mut self) {
        let (len, capacity) = (self.rows.len(), self.rows.capacity());
        if self.index.is_some() && len < INDEX_BELOW {
            self.index = None;
        }
        if len < capacity / 4 {
            self.rows.shrink_to(len * 2);
            if let Some(index) = &mut self.index {
                let rows = &self.rows;
                index.shrink_to(len * 2, |&at| hash(rows[at as usize].session));
            }
        }
    }
}

impl<'a> IntoIterator for &'a Members {
    type Item = &'a Member;
    type IntoIter = std::slice::Iter<'a, Member>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn indexed(rows: &[Member]) -> HashTable<u32> {
    let mut index = HashTable::with_capacity(rows.len() * 2);
    for (at, row) in (0_u32..).zip(rows) {
        index.insert_unique(hash(row.session), at, |&at| hash(rows[at as usize].session));
    }
    index
}

/// Handles are the server's own, so no secret is needed.
fn hash(session: SessionId) -> u64 {
    FixedState::with_seed(0).hash_one(session)
}
