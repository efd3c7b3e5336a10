//! What is seen, key by key, and what has become of it since somebody last looked.

use super::Replica;
use super::contents::Contents;
use crate::collection::Outcome;
use crate::value::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Something else is seen of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The key.
    pub key: Arc<str>,
    before: Option<Contents>,
    now: Option<Contents>,
}

impl Seen {
    /// The document as it was; none: there was none.
    #[must_use]
    pub fn before(&self) -> Option<Value> {
        self.before.as_ref().map(Contents::said)
    }

    /// The document; none: there is none.
    #[must_use]
    pub fn now(&self) -> Option<Value> {
        self.now.as_ref().map(Contents::said)
    }

    /// Whether there is one.
    #[must_use]
    pub const fn is_there(&self) -> bool {
        self.now.is_some()
    }
}

/// What became of one's own change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// What came of it is known.
    Answered(u64, Outcome),
    /// It is over: in what is confirmed, or come to nothing.
    Over(u64),
    /// It was taken back before it was sent.
    Discarded(u64),
}

impl Replica {
    /// Look at these keys anew: what is another.
    pub(super) fn look(&mut self, touched: BTreeSet<Arc<str>>) -> Vec<Seen> {
        let mut all = Vec::new();
        for key in touched {
            let now = self.seen_of(&key);
            let before = match &now {
                Some(contents) => self.shown.insert(key.clone(), contents.clone()),
                None => self.shown.remove(&key),
            };
            if before != now {
                all.push(Seen { key, before, now });
            }
        }
        all
    }

    /// What was seen of a key when that was last asked about by `keep`.
    #[must_use]
    pub fn shown(&self, key: &str) -> Option<Value> {
        self.shown.get(key).map(Contents::said)
    }

    /// Whether anything was.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.shown.contains_key(key)
    }

    /// Keys of which something was seen then.
    #[must_use]
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Arc<str>> {
        self.shown.keys()
    }
}
