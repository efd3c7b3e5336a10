//! Texts of documents, for whoever knows Yjs: what is in one, and its updates in the place of which their merge is put.

use super::shelf::Slot;
use super::{Collection, Document};
use crate::crdt::{Crdt, Text};
use std::sync::Arc;

impl Collection {
    /// The text of a field, with what was decided and is not kept yet; of a document that is one, where the field has no name.
    #[must_use]
    pub fn text(&self, key: &str, field: &str) -> Option<&Text> {
        let Slot::Document(document) = self.newest(key)? else { return None };
        match document.crdt(field)? {
            Crdt::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Texts whose updates should be merged, as key and field: told once.
    #[must_use]
    pub fn take_apart(&mut self) -> Vec<(Box<str>, Box<str>)> {
        std::mem::take(&mut self.apart)
    }

    /// Put one update in the place of the first so many of a text, which have so many bytes together: what they are, merged.
    /// Nothing is another for anybody, so nothing is said. On disk it is so with the next change. False: they are others now,
    /// or the merge does not have what they have.
    pub fn merge_text(&mut self, key: &str, field: &str, count: usize, bytes: usize, update: &[u8]) -> bool {
        let merge = |document: &mut Document| document.merge_text(field, count, bytes, update);
        let mut done = false;
        let shared = self.shelf.slots.get_key_value(key).map(|(key, _)| key.clone());
        if let Some(shared) = shared
            && let Some(mut slot) = self.shelf.take(key)
        {
            if let Slot::Document(document) = &mut slot {
                done |= merge(Arc::make_mut(document));
            }
            self.shelf.put(&shared, slot);
        }
        if let Some(Slot::Document(document)) = self.front.get_mut(key) {
            done |= merge(Arc::make_mut(document));
        }
        // What is not kept yet goes to the shelf as it is in front.
        for ahead in &mut self.ahead {
            if let Some((of, Slot::Document(document))) = &mut ahead.slot
                && **of == *key
            {
                merge(Arc::make_mut(document));
            }
        }
        done
    }
}

impl Document {
    fn merge_text(&mut self, field: &str, count: usize, bytes: usize, update: &[u8]) -> bool {
        let Some(crdt) = self.crdt_mut(field) else { return false };
        let before = crdt.size();
        let done = if let Crdt::Text(text) = &mut *crdt { text.merged(count, bytes, update) } else { false };
        let after = crdt.size();
        self.bytes = (self.bytes + after).saturating_sub(before);
        done
    }
}
