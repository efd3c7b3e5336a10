//! `pull`: what changed last after a number, in the order of that change. First sync and catching up are this one question.

use super::document::Document;
use super::shelf::{Shelf, Slot};
use crate::limits::{DATA_PAGE, DATA_PAGE_BYTES};
use crate::position::{Position, Seq};
use crate::value::{Map, Value};
use std::sync::Arc;

/// What a client asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pull<'a> {
    /// It has everything up to here; none: nothing.
    pub after: Option<&'a str>,
    /// Where its first sync began, until that is complete.
    pub begun: Option<&'a str>,
    /// It wants no more documents than these.
    pub limit: Option<usize>,
}

/// A document or a tombstone in a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// Its key.
    pub key: Arc<str>,
    /// Its last change.
    pub seq: Seq,
    /// The document; none: it was deleted.
    pub document: Option<Arc<Document>>,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// In the order of their last change.
    pub docs: Vec<Listed>,
    /// The last number in it; the head, when nothing is left.
    pub next: Seq,
    /// Nothing is left.
    pub complete: bool,
    /// What is held cannot be gone on from: pull without `after`.
    pub reset: bool,
    /// Where the first sync began.
    pub begun: Option<Seq>,
    /// One's own changes up to this are decided in these documents.
    pub n: u64,
    /// Over all documents, when nothing is left.
    pub checksum: Option<String>,
}

impl Page {
    /// As an ack says it.
    #[must_use]
    pub fn said(&self, epoch: &str) -> Value {
        let position = |seq| Position { epoch, seq }.to_string();
        let docs = self.docs.iter().map(|listed| {
            let about = Map::new().with("key", &*listed.key).with("seq", listed.seq);
            match &listed.document {
                Some(document) => about.with("value", document.said()),
                None => about.with("deleted", true),
            }
            .into()
        });
        Map::new()
            .with("docs", docs.collect::<Vec<Value>>())
            .with("next", position(self.next))
            .with("complete", self.complete)
            .with("reset", self.reset)
            .with("begun", self.begun.map(position))
            .with("n", self.n)
            .with_some("checksum", self.checksum.clone())
            .into()
    }
}

/// A position of this log that is not ahead of it.
fn known(text: &str, epoch: &str, head: Seq) -> Option<Seq> {
    Position::parse(text).filter(|(of, seq)| *of == epoch && *seq <= head).map(|(_, seq)| seq)
}

/// Answer. `head` is the head on disk: nothing above it is kept.
pub(super) fn page(shelf: &Shelf, pull: Pull<'_>, n: u64, epoch: &str, head: Seq) -> Page {
    let reset = Page { reset: true, next: head, n, ..Page::default() };
    let after = match pull.after.map(|text| known(text, epoch, head)) {
        None => 0,
        Some(Some(after)) => after,
        Some(None) => return reset,
    };
    let begun = match pull.begun.map(|text| known(text, epoch, head)) {
        // A first sync begins. No tombstone that is there already means anything to who has nothing.
        None => pull.after.is_none().then_some(head),
        Some(Some(begun)) => Some(begun),
        Some(None) => return reset,
    };
    if pull.after.is_some() && after.max(begun.unwrap_or(0)) < shelf.horizon {
        return reset;
    }
    let most = pull.limit.unwrap_or(DATA_PAGE).clamp(1, DATA_PAGE);
    let mut made = Page { next: head, complete: true, begun, n, ..Page::default() };
    let (mut bytes, mut last) = (0_usize, after);
    for (&seq, key) in shelf.order.range(after.saturating_add(1)..).take_while(|(seq, _)| **seq <= head) {
        let document = match shelf.slots.get(key) {
            Some(Slot::Document(document)) => Some(document.clone()),
            Some(Slot::Tombstone(..)) if begun.is_some_and(|begun| seq <= begun) => continue,
            Some(Slot::Tombstone(..)) => None,
            None => continue,
        };
        let size = key.len() + 40 + document.as_ref().map_or(0, |document| document.size());
        if made.docs.len() >= most || (!made.docs.is_empty() && bytes + size > DATA_PAGE_BYTES) {
            (made.next, made.complete) = (last, false);
            return made;
        }
        bytes += size;
        last = seq;
        made.docs.push(Listed { key: key.clone(), seq, document });
    }
    made.checksum = Some(shelf.sum.text());
    made
}
