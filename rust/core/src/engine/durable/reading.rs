//! What is read from disk while the server runs: asked for, and brought to whom it was read for.
//!
//! Parts: Durable, Next, Rooms, Steps.

use crate::asked::{Entering, Past, Reading, Waiting};
use crate::codes::Code;
use crate::durable::pages::Leaf;
use crate::durable::reads::For;
use crate::engine::history::Held;
use crate::engine::next::Follow;
use crate::engine::{AppEvent, Engine, size};
use crate::error::Fault;
use crate::ids::{Now, RoomId, Seq, SessionId};
use crate::limits::fixed::{PAGE_BYTES, PAGE_ENTRIES, PAGE_LEAST, STORE_MS};
use crate::log::ring::Reason;
use crate::room::settings::Durability;
use crate::session::Hold;
use crate::store::{self, Page, ReadId, Trouble, Wanted};
use std::sync::Arc;

/// What a listener needs of a room before it can be fed on.
pub(in crate::engine) struct Want {
    pub room: RoomId,
    pub name: Arc<str>,
    pub after: Seq,
    pub upto: Seq,
}

impl Engine {
    /// A listener is fed on when these pages are here.
    pub(in crate::engine) fn want_pages(&mut self, session: SessionId, wants: Vec<Want>) {
        let bytes = (PAGE_BYTES / wants.len().max(1)).max(PAGE_LEAST);
        for Want { room: room_id, name: room, after, upto } in wants {
            if self.durable.pages.wait(session, room_id) {
                let wanted = Wanted::After { room, after, upto, count: PAGE_ENTRIES, bytes };
                self.durable.reads.ask(For::Feed { session, room: room_id, after, upto }, wanted);
            }
        }
    }

    /// Read the oldest entries of a room above a number, for who waits under this ticket.
    pub(in crate::engine) fn read_after(
        &mut self,
        ticket: u64,
        room: Arc<str>,
        after: Seq,
        upto: Seq,
        limit: u64,
    ) {
        let count = size(limit.min(self.config.limits.history_entries)).max(1);
        let bytes = size(self.config.limits.history_bytes);
        self.durable.reads.ask(For::Ticket(ticket), Wanted::After { room, after, upto, count, bytes });
    }

    /// The same of its newest entries, with one more: whether there are older ones.
    pub(in crate::engine) fn read_last(&mut self, ticket: u64, room: RoomId, upto: Seq, last: u64) {
        let Some(room) = self.room(room).map(|room| Arc::clone(room.name())) else { return };
        let count = size(last.min(self.config.limits.history_entries)).saturating_add(1);
        let bytes = size(self.config.limits.history_bytes);
        self.durable.reads.ask(For::Ticket(ticket), Wanted::Last { room, upto, count, bytes });
    }

    /// What was read is here.
    pub(super) fn page_is(&mut self, read: ReadId, page: Result<Page, Trouble>, now: Now) {
        if let Some((purpose, page)) = self.durable.reads.answered(read, page) {
            self.was_read(purpose, page, now);
        }
    }

    /// What has been waited for too long cannot be had.
    pub(super) fn reads_due(&mut self, now: Now) {
        while let Some(purpose) = self.durable.reads.overdue(now.tick) {
            self.was_read(purpose, Err(late()), now);
        }
    }

    fn was_read(&mut self, purpose: For, page: Result<Page, Trouble>, now: Now) {
        match purpose {
            For::Ring(room) => self.ring_is(room, page.ok(), now),
            For::Feed { session, room, after, upto } => {
                self.leaf_is(session, room, (after, upto), page.ok(), now);
            }
            For::Ticket(ticket) => self.past_is(ticket, page.ok(), now),
            For::Collection(room) => self.collection_is(&room, page, now),
            For::Key(hash) => self.key_is(hash, page.ok(), now),
        }
    }

    /// A page for a listener: what of it cannot be read is told as a gap.
    fn leaf_is(
        &mut self,
        session: SessionId,
        room: RoomId,
        (after, upto): (Seq, Seq),
        page: Option<Page>,
        now: Now,
    ) {
        let leaf = match page {
            Some(Page::Entries { entries, complete, freed }) => {
                let last = entries.last().map(|entry| entry.seq);
                let upto = if complete { upto } else { last.unwrap_or(upto) };
                let entries = entries.into_iter().map(|entry| self.recall(room, entry, now)).collect();
                Leaf { after, upto, entries, gone: (freed, Reason::Ring) }
            }
            _ => Leaf { after, upto, entries: [].into(), gone: (upto, Reason::Store) },
        };
        self.steps.spend(1 + leaf.entries.len());
        if self.durable.pages.put(session, room, leaf) {
            self.next.add(Follow::Feed(session));
        }
    }

    /// The past of a room, for a `history` or a join that waits for it.
    fn past_is(&mut self, ticket: u64, page: Option<Page>, now: Now) {
        match self.answered(ticket) {
            Some(Waiting::Past(past)) => {
                self.history_is(&past, page, now);
                self.release_hold(past.session, Hold::Join(ticket), now);
            }
            Some(Waiting::Entering(entering)) => self.entered_is(&entering, page, now),
            Some(Waiting::Reading(reading)) => self.reading_is(ticket, &reading, page, now),
            _ => {} // nobody waits for it any more
        }
    }

    fn history_is(&mut self, past: &Past, page: Option<Page>, now: Now) {
        let held = page.and_then(|page| self.past_of(past.room, past.after, page, now));
        if let Some(held) = held {
            self.tell_history(past, &held);
        } else {
            self.tell_fault(past.session, &unreadable().with_id(Some(past.id)));
        }
    }

    fn entered_is(&mut self, entering: &Entering, page: Option<Page>, now: Now) {
        let held = page.and_then(|page| self.past_of(entering.room, None, page, now));
        self.tell_entered_with(entering, held.as_ref());
    }

    /// The same, for the application: it takes what was read, by its ticket.
    fn reading_is(&mut self, ticket: u64, reading: &Reading, page: Option<Page>, now: Now) {
        // Of a room that nobody needs nothing is in memory, and nothing waits.
        let room = self.rooms.named(&reading.room).unwrap_or(RoomId(u64::MAX));
        let held = page.and_then(|page| self.past_of(room, Some(reading.after), page, now));
        let done = held.map_or_else(
            || Err(unreadable()),
            |held| {
                let known = reading.known.then_some(reading.after);
                let held = crate::engine::history::Shelf::Page(&held);
                let past = self.past(room, held, known, reading.limit, (reading.upto, None));
                let whole = past.complete && !self.has_lost(&reading.room, reading.after, past.upto);
                self.durable.histories.insert(ticket, (past.entries, whole, past.more));
                Ok(0)
            },
        );
        self.events.list.push(AppEvent::Stored { ticket, done });
    }

    /// Whether some of a room that nobody needs was lost with the machine, above a number and up to another.
    pub(in crate::engine) fn has_lost(&self, room: &str, after: Seq, upto: Seq) -> bool {
        let soft =
            self.rooms.settings_for(room).is_some_and(|settings| settings.durable == Durability::Commit);
        soft && self.durable.losses.within(after, upto).is_some()
    }

    /// A page as the past of a room. `after`: where it begins, if it is the oldest that were read; else the newest were.
    fn past_of(&mut self, room: RoomId, after: Option<Seq>, page: Page, now: Now) -> Option<Held> {
        let Page::Entries { entries, complete, freed } = page else { return None };
        let first = entries.first().map_or(0, |entry: &store::Entry| entry.seq.saturating_sub(1));
        let forgotten = match after {
            Some(after) if freed <= after => after,
            Some(_) => freed,
            None if complete => freed,
            None => first.max(freed),
        };
        let entries = entries.into_iter().map(|entry| self.recall(room, entry, now)).collect();
        Some(Held { entries, forgotten, why: Reason::Ring, more: after.is_some() && !complete })
    }
}

fn unreadable() -> Fault {
    let told = "the log cannot be read now: what is older than the memory holds is not to be had";
    Fault::new(Code::Unavailable, told).retry_after(super::say::AGAIN_MS)
}

/// The trouble of what the disk has not answered in its time.
pub(super) fn late() -> Trouble {
    Trouble { kind: "slow", text: format!("the disk has not answered for {STORE_MS} ms") }
}
