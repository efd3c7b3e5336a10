//! What is confirmed: what the server said, and how far that reaches.
//!
//! Invariants: `at` is not above what is held: everything up to it was heard or pulled. Where `behind`, events do not move it,
//! pages do. `sum` is over all documents held.

use super::contents::Contents;
use crate::digest::Checksum;
use crate::limits::DATA_ASIDE;
use crate::position::Seq;
use crate::value::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is held of a key. Without contents it was deleted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    pub seq: Seq,
    pub contents: Option<Contents>,
}

/// What a page or an event did to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Took {
    Applied,
    /// It is not above what is held.
    Old,
    /// What it builds on is not held: it must be pulled.
    LeftOut,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Confirmed {
    pub keys: BTreeMap<Arc<str>, Known>,
    /// Numbers of tombstones, so that the oldest go.
    graves: BTreeSet<(Seq, Arc<str>)>,
    pub epoch: Box<str>,
    pub at: Option<Seq>,
    pub begun: Option<Seq>,
    pub behind: bool,
    /// A page must reach this before all is whole.
    pub need: Seq,
    sum: Checksum,
    highest: Seq,
    /// In a first sync: what is held and no page has come to yet. None: reckoned when a page is here.
    heard: Option<BTreeSet<Arc<str>>>,
    /// Keys of which nothing is held any more.
    pub forgotten: Vec<Arc<str>>,
}

impl Confirmed {
    /// All of it goes, and a first sync begins.
    pub fn clear(&mut self) -> Vec<Arc<str>> {
        let keys = std::mem::take(&mut self.keys).into_keys().collect();
        *self = Self { epoch: std::mem::take(&mut self.epoch), behind: true, ..Self::default() };
        keys
    }

    pub fn get(&self, key: &str) -> Option<&Known> {
        self.keys.get(key)
    }

    pub fn put(&mut self, key: &str, seq: Seq, contents: Option<Contents>) {
        let key = self.keys.get_key_value(key).map_or_else(|| Arc::from(key), |(key, _)| key.clone());
        let known = Known { seq, contents };
        let alive = known.contents.is_some();
        if let Some(before) = self.keys.insert(key.clone(), known) {
            match before.contents {
                Some(_) => self.sum.take(&key, before.seq),
                None => drop(self.graves.remove(&(before.seq, key.clone()))),
            }
        }
        self.highest = self.highest.max(seq);
        if alive {
            self.sum.add(&key, seq);
            return;
        }
        self.graves.insert((seq, key));
        if self.graves.len() > DATA_ASIDE
            && let Some((_, key)) = self.graves.pop_first()
        {
            self.forget(&key);
        }
    }

    fn forget(&mut self, key: &Arc<str>) {
        if let Some(known) = self.keys.remove(key)
            && known.contents.is_some()
        {
            self.sum.take(key, known.seq);
        }
        self.forgotten.push(key.clone());
    }

    /// A change is heard.
    pub fn hear(&mut self, seq: Seq, data: &Value) -> Took {
        let Some(key) = data.get("key").and_then(Value::as_text) else { return self.leave_out(seq) };
        let held = self.get(key);
        // Acks go ahead of events: a page may reach above them, and have no word of a key that was deleted since.
        if held.map(|known| known.seq).max(self.at).is_some_and(|upto| upto >= seq) {
            return Took::Old;
        }
        let value = data.get("value");
        let contents = match data.get("op").and_then(Value::as_text) {
            Some("put") => Some(Contents::read(value.unwrap_or(&Value::Null))),
            Some("delete") => None,
            Some("patch") => {
                let prev = data.get("prev").and_then(Value::as_count);
                let Some(mut contents) =
                    held.filter(|known| Some(known.seq) == prev).and_then(|known| known.contents.clone())
                else {
                    return self.leave_out(seq);
                };
                let names = data.get("unset").and_then(Value::as_list).unwrap_or_default();
                let unset: Vec<Box<str>> =
                    names.iter().filter_map(|name| Some(name.as_text()?.into())).collect();
                if contents.hear(value.unwrap_or(&Map::new().into()), &unset).is_err() {
                    return self.leave_out(seq);
                }
                Some(contents)
            }
            _ => return self.leave_out(seq),
        };
        self.put(key, seq, contents);
        if let (Some(heard), Some((key, _))) = (&mut self.heard, self.keys.get_key_value(key)) {
            heard.insert(key.clone());
        }
        self.moved(seq);
        Took::Applied
    }

    fn leave_out(&mut self, seq: Seq) -> Took {
        self.behind = true;
        self.need = self.need.max(seq);
        Took::LeftOut
    }

    /// Everything up to this number was heard, if nothing is missing.
    pub fn moved(&mut self, seq: Seq) {
        if !self.behind {
            self.at = self.at.max(Some(seq));
        }
    }

    /// A document or a tombstone of a page.
    pub fn listed(&mut self, key: &str, seq: Seq, value: Option<&Value>) -> Took {
        if self.get(key).is_some_and(|known| known.seq >= seq) {
            return Took::Old;
        }
        self.put(key, seq, value.map(Contents::read));
        Took::Applied
    }

    /// A page of a first sync reaches up to `next`, with documents of these keys in it. Of a key that was deleted before the sync
    /// `begun` no tombstone comes: what was heard of up to there, and is not in the page, is of another life or deleted, and goes.
    pub fn prove(&mut self, listed: &BTreeSet<&str>, next: Seq, begun: Seq, complete: bool) {
        let at = self.at;
        let mut heard = self.heard.take().unwrap_or_else(|| {
            let above = self.keys.iter().filter(|(_, known)| Some(known.seq) > at);
            above.map(|(key, _)| key.clone()).collect()
        });
        let mut gone = Vec::new();
        heard.retain(|key| {
            let Some(known) = self.keys.get(key) else { return false };
            if known.seq > next.min(begun) {
                return true;
            }
            if known.contents.is_some() && !listed.contains(&**key) {
                gone.push(key.clone());
            }
            false
        });
        self.heard = (!complete).then_some(heard);
        for key in &gone {
            self.forget(key);
        }
    }

    /// Whether the checksum of a page at `next` is that of what is held. What was heard since may hide that: then it is
    /// not compared.
    pub fn agrees(&self, checksum: &str, next: Seq) -> bool {
        self.highest > next || self.sum.text() == checksum
    }
}
