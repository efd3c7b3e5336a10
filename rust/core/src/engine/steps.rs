//! Work, counted in what it costs; and who waits because it would have been too much at once.
//!
//! Theory. How many bytes came says little of what they ask for: a kilobyte inflates to a mebibyte, and sixty bytes ask
//! for a room's past. So whatever is done for a peer is counted in *steps*: a message looked at, so many bytes of it, an
//! entry read, so many rooms or members walked through. A turn has a budget of them, and each connection a portion of
//! that. Where the portion is spent, what is left of the connection's input waits, in `queue`, behind all others that
//! wait; meanwhile nothing is read of it. A turn that has time left goes on with who waits, portion by portion, so one
//! who is alone with its work has the whole of each turn.
//!
//! Whoever may go on for another's sake (a publisher that was held, a session whose request was answered elsewhere) is
//! put on the same queue: nothing that is done for one connection takes the input of another within it.
//!
//! A step is some half a microsecond. The same input costs the same steps: nothing here looks at a clock.
//!
//! Invariants: a connection whose `queued` is true stands in `queue`, and is paused. `deadline` is at once while somebody
//! waits, so the hands call `advance`, which always has a budget of its own: who waits gets on.

use super::Engine;
use crate::ids::{ConnId, Now, SessionId, Tick};
use std::collections::VecDeque;

/// Bytes that are looked at in a step.
pub(in crate::engine) const BYTES: usize = 512;
/// Members that are told something in a step.
pub(super) const MEMBERS: usize = 16;
/// Rooms of a session's own that are walked through in a step.
pub(super) const ROOMS: usize = 16;
/// The head of a request.
pub(super) const HEAD: usize = 8;
/// A session that begins or ends: the application hears of it, too.
pub(super) const SESSION: usize = 64;
/// Portions of a turn.
const PORTIONS: u64 = 8;

/// What is next when its turn comes.
#[derive(Clone, Copy, Debug)]
enum Waits {
    Conn(ConnId),
    /// Messages that came by `send`.
    Session(SessionId),
}

/// What was done, what may still be done in this turn, and who waits.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// All since the start.
    done: u64,
    /// The turn is known by its time, which is read once for all that happens in it.
    turn: Option<Tick>,
    turn_ends: u64,
    /// Where the portion of the one who is served ends; none: nobody is.
    portion_ends: Option<u64>,
    queue: VecDeque<Waits>,
    /// Since when somebody waits.
    since: Tick,
}

impl Steps {
    /// So much was done.
    pub fn spend(&mut self, steps: usize) {
        self.done = self.done.saturating_add(steps as u64);
    }

    /// All since the start, but for walks.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Where a turn that begins now has done enough.
    pub fn after_a_turn(&self, whole: u64) -> u64 {
        self.done.saturating_add(whole.max(1))
    }

    /// Whether who is served has had its portion.
    pub fn is_spent(&self) -> bool {
        self.portion_ends.is_some_and(|end| self.done >= end)
    }

    /// Whether what is done now is done for somebody's input.
    pub fn is_serving(&self) -> bool {
        self.portion_ends.is_some()
    }

    /// When to go on with who waits.
    pub fn due(&self) -> Option<Tick> {
        (!self.queue.is_empty()).then_some(self.since)
    }

    /// Begin a portion of this turn. False: another one is going on, and this is part of it.
    fn begin(&mut self, whole: u64, now: Now) -> bool {
        if self.portion_ends.is_some() {
            return false;
        }
        if self.turn != Some(now.tick) {
            self.begin_turn(whole, now);
        }
        let portion = if self.done < self.turn_ends { (whole / PORTIONS).max(1) } else { 0 };
        self.portion_ends = Some(self.done.saturating_add(portion));
        true
    }

    fn begin_turn(&mut self, whole: u64, now: Now) {
        self.turn = Some(now.tick);
        self.turn_ends = self.after_a_turn(whole);
    }

    fn wait(&mut self, waits: Waits, now: Now) {
        if self.queue.is_empty() {
            self.since = now.tick;
        }
        self.queue.push_back(waits);
    }
}

impl Engine {
    /// What was done since the start, in steps; walks through whole tables included, whoever asked for them.
    #[must_use]
    pub fn steps(&self) -> u64 {
        let walked = [self.conns.walked(), self.sessions.walked(), self.rooms.walked(), self.asked.walked()];
        walked.iter().fold(self.steps.done, |sum, walked| sum.saturating_add(*walked))
    }

    /// Do something for a peer's input, within the portion that is going on or one of its own.
    pub(super) fn within<R>(&mut self, now: Now, work: impl FnOnce(&mut Self) -> R) -> R {
        let own = self.steps.begin(self.config.limits.turn_steps, now);
        let done = work(self);
        if own {
            self.steps.portion_ends = None;
        }
        done
    }

    /// What is left of a connection's input waits for its turn.
    pub(super) fn wait_turn(&mut self, id: ConnId, now: Now) {
        let Some(conn) = self.conn_mut(id) else { return };
        if !std::mem::replace(&mut conn.queued, true) {
            self.steps.wait(Waits::Conn(id), now);
            self.stats.turns_waited += 1;
        }
        self.pause(id);
    }

    /// What a session said by `send` waits for its turn.
    pub(super) fn wait_turn_of(&mut self, session: SessionId, now: Now) {
        let Some(rare) = self.session_mut(session).map(super::session::Session::rare) else { return };
        if !std::mem::replace(&mut rare.queued, true) {
            self.steps.wait(Waits::Session(session), now);
            self.stats.turns_waited += 1;
        }
    }

    /// Go on with those who wait, as far as a turn goes.
    pub(super) fn serve_waiting(&mut self, now: Now) {
        if self.steps.queue.is_empty() {
            return;
        }
        // Whatever was done in this turn already: else who waits might never get on.
        self.steps.begin_turn(self.config.limits.turn_steps, now);
        while self.steps.done < self.steps.turn_ends
            && let Some(waits) = self.steps.queue.pop_front()
        {
            self.within(now, |engine| match waits {
                Waits::Conn(id) => {
                    let queued = engine.conn_mut(id).is_some_and(|conn| std::mem::take(&mut conn.queued));
                    if queued {
                        engine.wake_input(id, now);
                    }
                }
                Waits::Session(id) => {
                    let Some(rare) = engine.session_mut(id).and_then(|held| held.rare.as_mut()) else {
                        return;
                    };
                    rare.queued = false;
                    engine.take_posted(id, now);
                }
            });
            self.steps.spend(1);
        }
        self.steps.since = now.tick;
    }
}
