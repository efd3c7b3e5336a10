//! Work, counted in what it costs; and who waits because it would have been too much at once.
//!
//! Parts: Asked, Conns, Next, Rooms, Sessions, Steps.
//!
//! Theory. How many bytes came says little of what they ask for: a kilobyte inflates to a mebibyte, and sixty bytes ask
//! for a room's past. So whatever is done for a peer is counted in *steps*: a message looked at, so many bytes of it, an
//! entry read, so many rooms or members walked through. A turn has a budget of them, and each connection a portion of
//! that. Where the portion is spent, what is left of the connection's input waits, in a line, behind all others there;
//! meanwhile nothing is read of it. A turn that has time left goes on with who waits, portion by portion, so one
//! who is alone with its work has the whole of each turn.
//!
//! There are several lines (`lines`), since who asks for little must not wait behind thousands whose work is large. For
//! whom nothing was done yet stands with its like: each gets `LITTLE` steps, and who has more, or something large, goes on
//! to the line of those. While others wait there, half of a turn is for who may want little, and half for them; and also of
//! what comes in a turn nothing large is begun when half of it is spent. What is large is known before it is done, by its
//! name. A goodbye is taken at the price of a message, and what it takes to end the session waits in a line of its own.
//!
//! Whoever may go on for another's sake (a publisher that was held, a session whose request was answered elsewhere)
//! waits for its turn too: nothing that is done for one connection takes the input of another within it.
//!
//! A step is some half a microsecond, here or in the application's loop. The same input costs the same steps: nothing here
//! looks at a clock.
//!
//! Invariants: a connection whose `queued` is true stands in a line, once, and is paused; a session held by `Hold::End`
//! stands in the line of ends, once. `deadline` is at once while somebody waits, so the hands call `advance`, which always
//! has a budget of its own, and who is served in the line of large work may begin at least one: who waits gets on.

use super::Engine;
use super::lines::{Line, Lines, Waits};
use crate::codes::close;
use crate::conn::Conn;
use crate::ids::{ConnId, Now, SessionId, Tick};

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
/// A task of the application's that is cancelled: a session's own, in which its requests wait, or a stream's. Some 0.2 ms,
/// measured: the loop wakes it, and an exception goes through it.
pub(super) const TASK: usize = 400;
/// Portions of a turn.
const PORTIONS: u64 = 8;
/// What one gets for whom nothing was done yet.
const LITTLE: u64 = 64;

/// The steps of looking at so many bytes that came as one: a message, an entry.
pub(super) const fn of_bytes(bytes: usize) -> usize {
    (bytes / BYTES).saturating_add(1)
}

/// What was done, what may still be done in this turn, and who waits.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// All since the start.
    done: u64,
    /// The turn is known by its time, which is read once for all that happens in it.
    turn: Option<Tick>,
    turn_ends: u64,
    /// Nothing large of what came in this turn is begun from here on.
    turn_half: u64,
    /// The same for the one who is served.
    large_ends: u64,
    /// Whether the one who is served has a portion at all: there was nothing left of the turn.
    has_portion: bool,
    /// Where the portion of the one who is served ends; none: nobody is.
    portion_ends: Option<u64>,
    lines: Lines,
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

    /// Whether something large that is next must wait for its turn. Nothing does that is done for nobody's input.
    pub fn puts_off_large(&self) -> bool {
        self.portion_ends.is_some() && self.done >= self.large_ends
    }

    /// Where the one who is served, and has more, stands.
    pub fn line(&self) -> Line {
        if self.has_portion { Line::Much } else { Line::Little }
    }

    /// When to go on with who waits.
    pub fn due(&self) -> Option<Tick> {
        (!self.lines.is_empty()).then_some(self.since)
    }

    /// Begin a portion of this turn, for who stood in this line, or for what came. False: another one is going on, and this
    /// is part of it.
    fn begin(&mut self, from: Option<Line>, whole: u64, now: Now) -> bool {
        if self.portion_ends.is_some() {
            return false;
        }
        if self.turn != Some(now.tick) {
            self.begin_turn(whole, now);
        }
        let portion = (whole / PORTIONS).max(1);
        let portion = if from == Some(Line::Little) { portion.min(LITTLE) } else { portion };
        self.has_portion = self.done < self.turn_ends;
        self.portion_ends = Some(self.done.saturating_add(if self.has_portion { portion } else { 0 }));
        self.large_ends = match from {
            None => self.turn_half,
            Some(Line::Little) => 0,
            Some(Line::Much | Line::Ends) => u64::MAX,
        };
        true
    }

    fn begin_turn(&mut self, whole: u64, now: Now) {
        self.turn = Some(now.tick);
        self.turn_ends = self.after_a_turn(whole);
        self.turn_half = self.done.saturating_add(whole / 2);
    }

    /// Where what follows from this turn's work must wait: at its end, or at its half while others stand in the lines.
    pub fn follow_ups_end(&mut self, whole: u64, now: Now) -> u64 {
        if self.turn != Some(now.tick) {
            self.begin_turn(whole, now);
        }
        if self.lines.is_empty() { self.turn_ends } else { self.turn_half }
    }

    fn wait(&mut self, line: Line, waits: Waits, now: Now) {
        if self.lines.is_empty() {
            self.since = now.tick;
        }
        self.lines.add(line, waits);
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
        self.within_portion(None, now, work)
    }

    fn within_portion<R>(&mut self, from: Option<Line>, now: Now, work: impl FnOnce(&mut Self) -> R) -> R {
        let own = self.steps.begin(from, self.config.limits.turn_steps, now);
        let done = work(self);
        if own {
            self.steps.portion_ends = None;
        }
        done
    }

    /// What is left of a connection's input waits for its turn.
    pub(super) fn wait_turn(&mut self, id: ConnId, line: Line, now: Now) {
        let Some(conn) = self.conn_mut(id) else { return };
        if conn.queue() {
            self.steps.wait(line, Waits::Conn(id), now);
            self.stats.turns_waited += 1;
        }
        self.pause(id);
    }

    /// What a session said by `send` waits for its turn.
    pub(super) fn wait_turn_of(&mut self, session: SessionId, line: Line, now: Now) {
        let Some(rare) = self.session_mut(session).map(crate::session::Session::make_rare) else { return };
        if rare.queue() {
            self.steps.wait(line, Waits::Session(session), now);
            self.stats.turns_waited += 1;
        }
    }

    /// A session has said `bye`. Nothing more of it is taken, and nobody finds it any more; if need be, all else waits.
    pub(super) fn said_bye(&mut self, session: SessionId, now: Now) {
        if !self.steps.puts_off_large() {
            self.end_session(session, "the client said bye", close::NORMAL, now);
            return;
        }
        if !self.doom(session) {
            return; // it is said once more
        }
        self.steps.wait(Line::Ends, Waits::End(session), now);
        self.stats.turns_waited += 1;
    }

    /// Go on with those who wait, as far as a turn goes.
    pub(super) fn serve_waiting(&mut self, now: Now) {
        if self.steps.lines.is_empty() && self.next.len() == 0 {
            return;
        }
        // Whatever was done in this turn already: else who waits might never get on.
        self.steps.begin_turn(self.config.limits.turn_steps, now);
        self.follow_up(now);
        while self.steps.done < self.steps.turn_ends
            && let Some((line, waits)) = self.steps.lines.next(self.steps.done < self.steps.turn_half)
        {
            self.within_portion(Some(line), now, |engine| match waits {
                Waits::Conn(id) => {
                    let queued = engine.conn_mut(id).is_some_and(Conn::unqueue);
                    if queued {
                        engine.wake_input(id, now);
                    }
                }
                Waits::Session(id) => {
                    let Some(rare) = engine.session_mut(id).and_then(|session| session.rare_mut()) else {
                        return;
                    };
                    rare.unqueue();
                    engine.take_posted(id, now);
                }
                Waits::End(id) => engine.end_session(id, "the client said bye", close::NORMAL, now),
            });
            self.steps.spend(1);
        }
        self.steps.since = now.tick;
    }
}
