//! The store's side of the engine: what is asked of the store, and what comes of its answers.
//!
//! Parts: Durable, Next.
//!
//! The walk of a durable publish: `say` (a number, behind the wall), `take_ops` of `output` (its group leaves), `report`
//! here, `fate` (told, acknowledged), `wall` (who was held up is fed).

mod enter;
mod fate;
mod fill;
mod keys;
mod lookup;
mod notices;
mod reading;
mod requests;
mod restore;
mod rows;
mod say;
mod wall;

pub(super) use reading::Want;
pub(super) use say::{refused, sync_of, unknown};

use super::Engine;
use super::next::Follow;
use crate::durable::promise::Fate;
use crate::ids::Now;
use crate::store::{GroupId, Report, Trouble};

impl Engine {
    /// The store says what became of what it was asked for (`Op::Store`).
    pub fn report(&mut self, report: Report, now: Now) {
        self.entry(now, |engine| engine.heard_of_store(report, now));
    }

    fn heard_of_store(&mut self, report: Report, now: Now) {
        match report {
            Report::Written(id) => self.group_is(id, &Fate::Written, now),
            Report::Refused(id, trouble) => self.group_is(id, &Fate::Refused(trouble), now),
            Report::Unknown(_, trouble) | Report::Down(trouble) => self.store_is_down(trouble, now),
            Report::Up => self.durable.is_up(),
            Report::Read(id, page) => self.page_is(id, page, now),
            Report::Freed { room, upto } => self.disk_freed(&room, upto),
        }
        self.time_store(now);
    }

    fn group_is(&mut self, id: GroupId, fate: &Fate, now: Now) {
        if self.durable.groups.answered(id, fate, now.tick) {
            self.durable.has_answered();
            self.lose_changes(now);
            self.next.add(Follow::Settle);
        }
    }

    fn store_is_down(&mut self, trouble: Trouble, now: Now) {
        self.durable.groups.take_back(&trouble);
        self.durable.is_down(trouble);
        self.lose_changes(now);
        self.next.add(Follow::Settle);
    }

    /// Why the store takes nothing, for people. None: it does.
    #[must_use]
    pub fn store_trouble(&self) -> Option<String> {
        self.durable.refusing().map(say::told)
    }

    /// Whether nothing waits for the disk.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.durable.groups.is_idle()
    }
}
