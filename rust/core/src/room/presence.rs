//! Who came to a room and who went, gathered for a while and told as a difference.
//!
//! Presence is state, not history: it takes no numbers of the log. A listener gets a snapshot and then
//! differences, which it applies as sets. Three things must come out right:
//!
//! **A window.** Changes are gathered for a while, and what cancels out in it is not told. Without that, a
//! thousand clients that reconnect would be a million messages.
//!
//! **Snapshots in the middle of one.** A listener that arrives between a join and a leave has the session that
//! joined in its snapshot; were the two to cancel out, it would show a ghost for ever. So a change is left
//! out only if *nobody* was shown another state than the last: neither those who heard the window before,
//! nor somebody who took a snapshot within. A member's own snapshot does not count for itself: when it
//! leaves, it is no listener. What is told too much is harmless, because differences are sets.
//!
//! **Listeners that lag.** Every change has a number here, its *mark*, consecutive and private to the room.
//! The last changes are kept, so that a listener which remembers the mark it was told up to gets one
//! difference for all it missed, or a snapshot when they are no longer there.
//!
//! Two kinds of room hold no memory here: a room without a listener, and a room without a change since its last
//! lagging listener caught up (`trim`).

use crate::ids::{SessionId, Tick};
use crate::limits::fixed::{PRESENCE_CHANGES, PRESENCE_LONGEST_MS, PRESENCE_STRETCH};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A member as others are shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The handle.
    pub session: SessionId,
    /// The session's id on the wire.
    pub wire: Arc<str>,
    /// The user, unless the session is anonymous.
    pub user: Option<Arc<str>>,
    /// What the authorizer said of it, as JSON.
    pub info: Option<Arc<[u8]>>,
}

/// What changed, as two sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Who is here, and was not or is shown otherwise.
    pub joined: Vec<Who>,
    /// Who is here no longer.
    pub left: Vec<Who>,
}

impl Diff {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.joined.is_empty() && self.left.is_empty()
    }
}

#[derive(Debug)]
struct Change {
    mark: u64,
    was: bool,
    here: bool,
    who: Who,
}

/// The changes of one room.
#[derive(Debug, Default)]
pub struct Presence {
    /// The mark of the last change.
    mark: u64,
    recent: Option<Box<Recent>>,
}

/// Invariant: `changes` holds exactly the marks above `floor`, up to the room's.
#[derive(Debug)]
struct Recent {
    floor: u64,
    changes: VecDeque<Change>,
    /// The mark at which the last window ended: everybody who does not lag was told up to here.
    told: u64,
    /// When the first change of this window came.
    opened: Option<Tick>,
    /// Who took a snapshot within this window, and at which mark; of each mark at most two.
    snapshots: Vec<(u64, SessionId)>,
}

impl Presence {
    /// A member came, that was not here.
    pub fn joined(&mut self, now: Tick, who: Who) {
        self.change(now, (false, true), who);
    }

    /// A member that is here is shown otherwise than before.
    pub fn renewed(&mut self, now: Tick, who: Who) {
        self.change(now, (true, true), who);
    }

    /// A member went, that was here.
    pub fn left(&mut self, now: Tick, who: Who) {
        self.change(now, (true, false), who);
    }

    /// A listener is given all members as they are now. The answer is its mark for `since`.
    pub fn snapshot(&mut self, listener: SessionId) -> u64 {
        let mark = self.mark;
        if let Some(recent) = &mut self.recent
            && recent.opened.is_some()
            && recent.told >= recent.floor
        {
            // Two of a mark are enough to say for each session whether another one took a snapshot there.
            let same = recent.snapshots.iter().rev().take_while(|(at, _)| *at == mark);
            if same.clone().count() < 2 && same.clone().all(|(_, by)| *by != listener) {
                recent.snapshots.push((mark, listener));
            }
        }
        mark
    }

    /// When the window that is open ends, if one is. `base_ms` is the setting, `members` the room's size.
    #[must_use]
    pub fn due(&self, base_ms: u64, members: usize) -> Option<Tick> {
        let opened = self.recent.as_ref()?.opened?;
        Some(opened.plus_ms(window_ms(base_ms, members)))
    }

    /// End the window: what changed in it, for everybody who does not lag; their mark is now `mark()`. None
    /// if more changed than is kept: then they get a snapshot.
    pub fn take(&mut self) -> Option<Diff> {
        let Some(recent) = &mut self.recent else { return Some(Diff::default()) };
        let diff = recent.after(recent.told).map(|changes| difference(changes, &recent.snapshots));
        recent.told = self.mark;
        recent.opened = None;
        recent.snapshots = Vec::new();
        diff
    }

    /// What changed for a listener that was told up to `mark`. None if that is no longer known: then it is to
    /// be shown all members as they are now. Either way it counts as told from here on, at `mark()`.
    pub fn since(&mut self, listener: SessionId, mark: u64) -> Option<Diff> {
        let diff = match &self.recent {
            Some(recent) if mark <= self.mark => recent.after(mark).map(|changes| difference(changes, &[])),
            _ => (mark == self.mark).then(Diff::default),
        };
        self.snapshot(listener); // it is shown the state within a window
        diff
    }

    /// The mark of the last change.
    #[must_use]
    pub fn mark(&self) -> u64 {
        self.mark
    }

    /// The mark that everybody who does not lag was told up to.
    #[must_use]
    pub fn told(&self) -> u64 {
        self.recent.as_ref().map_or(self.mark, |recent| recent.told)
    }

    /// Forget the changes up to `needed`, the lowest mark of those who lag (`mark()` if none does). Those
    /// of a window that is open stay.
    pub fn trim(&mut self, needed: u64) {
        let Some(recent) = &mut self.recent else { return };
        let needed = needed.min(recent.told);
        while recent.changes.front().is_some_and(|change| change.mark <= needed) {
            recent.changes.pop_front();
            recent.floor += 1;
        }
        if recent.changes.is_empty() && recent.opened.is_none() {
            self.recent = None;
        } else if recent.changes.len() < recent.changes.capacity() / 4 {
            recent.changes.shrink_to(recent.changes.len() * 2);
        }
    }

    /// Nobody listens: forget all. Changes need not be told here until somebody takes a snapshot, and a mark
    /// from before this means nothing any more.
    pub fn clear(&mut self) {
        self.mark += 1;
        self.recent = None;
    }

    /// How many snapshots are remembered.
    #[cfg(test)]
    pub(super) fn snapshots(&self) -> usize {
        self.recent.as_ref().map_or(0, |recent| recent.snapshots.len())
    }

    fn change(&mut self, now: Tick, (was, here): (bool, bool), who: Who) {
        let before = self.mark;
        let recent = self.recent.get_or_insert_with(|| Box::new(Recent::new(before)));
        self.mark += 1;
        recent.changes.push_back(Change { mark: self.mark, was, here, who });
        if recent.changes.len() > PRESENCE_CHANGES {
            recent.changes.pop_front();
            recent.floor += 1;
        }
        if recent.told < recent.floor {
            recent.snapshots = Vec::new(); // this window will be told by a snapshot
        }
        recent.opened.get_or_insert(now);
    }
}

impl Recent {
    fn new(mark: u64) -> Self {
        Self { floor: mark, changes: VecDeque::new(), told: mark, opened: None, snapshots: Vec::new() }
    }

    fn after(&self, mark: u64) -> Option<impl Iterator<Item = &Change>> {
        let known = usize::try_from(mark.checked_sub(self.floor)?).ok()?;
        (known <= self.changes.len()).then(|| self.changes.range(known..))
    }
}

/// How long changes are gathered in a room of this size (ms). A difference goes to every member, so with a
/// fixed window the cost of churn would grow with the room; a window that grows with it keeps the
/// deliveries per second about level (at 100 ms: 5,000 a second for a room, until the longest window is
/// reached at 9,500 members).
#[must_use]
pub fn window_ms(base_ms: u64, members: usize) -> u64 {
    let stretched = base_ms.saturating_add(base_ms.saturating_mul(members as u64) / PRESENCE_STRETCH);
    stretched.min(PRESENCE_LONGEST_MS.max(base_ms))
}

/// What is known of one session while changes are folded into a difference.
struct Fold<'a> {
    /// Some listener was shown it here, or not here, before its last change.
    shown_here: bool,
    shown_away: bool,
    /// It is shown otherwise than before.
    renewed: bool,
    last: &'a Change,
}

fn difference<'a>(changes: impl Iterator<Item = &'a Change>, snapshots: &[(u64, SessionId)]) -> Diff {
    let mut folds: BTreeMap<SessionId, Fold<'a>> = BTreeMap::new();
    for change in changes {
        let session = change.who.session;
        let Some(fold) = folds.get_mut(&session) else {
            let fold = Fold {
                shown_here: change.was,
                shown_away: !change.was,
                renewed: change.was && change.here,
                last: change,
            };
            folds.insert(session, fold);
            continue;
        };
        let from = snapshots.partition_point(|(mark, _)| *mark < fold.last.mark);
        let until = snapshots.partition_point(|(mark, _)| *mark < change.mark);
        if snapshots[from..until].iter().any(|(_, by)| *by != session) {
            fold.shown_here |= fold.last.here;
            fold.shown_away |= !fold.last.here;
        }
        fold.renewed |= change.here && change.who.info != fold.last.who.info;
        fold.last = change;
    }
    let mut folds: Vec<_> = folds.into_values().collect();
    folds.sort_unstable_by_key(|fold| fold.last.mark);
    let mut diff = Diff::default();
    for fold in folds {
        if fold.last.here && (fold.shown_away || fold.renewed) {
            diff.joined.push(fold.last.who.clone());
        } else if !fold.last.here && fold.shown_here {
            diff.left.push(fold.last.who.clone());
        }
    }
    diff
}
