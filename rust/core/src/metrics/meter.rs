//! The meter of an engine: what its walk took, stage by stage, and who was worst.
//!
//! Theory. A turn is read, its handlers run, what is due is written; the hands tell the moment at which each of the three
//! ends. A plain function runs from the end of the answer before it to its own; when something else ran meanwhile, and of a
//! coroutine, the application says when it began (`began`).
//!
//! Invariant: moments only rise. Series are made when something first happens, so many of each kind at most.

use super::reports::Reports;
use super::series::Series;
use super::slowest::Slowest;
use super::stages::Transport;
use super::windows::{FORGOTTEN, Rates};
use crate::ids::{RoomId, SessionId};
use crate::limits::fixed::{CLIENT_NAME, MEASURED_CLASSES, MEASURED_EVENTS, MEASURED_TOGETHER};

const SECOND: u64 = 1_000_000_000;

/// What is measured of the requests of one event.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// How long they waited.
    pub wait: Series,
    /// How long their handler took.
    pub handler: Series,
    /// How many were answered, and how many of them with an error.
    pub answered: [u64; 2],
    /// The same in each window.
    pub rates: Rates,
    /// The slowest of this minute, and of the one before.
    pub slowest: [Option<Example>; 2],
    /// The last that had a trace: its id, and how long its handler took (ns).
    pub exemplar: Option<(Box<str>, u64)>,
}

/// One request, as an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// How long its handler took (ns).
    pub took: u64,
    /// Whose it was.
    pub session: SessionId,
    /// When it ended (ns of the hands' clock).
    pub moment: u64,
}

/// What is measured of the rooms of one class: those whose settings are the same.
#[derive(Clone, Debug, Default)]
pub struct Class {
    /// How long entries were on their way to the disk.
    pub commit: Series,
    /// How long they waited to be written to listeners.
    pub fan_out: Series,
    /// Published, delivered to live listeners, listeners that fell behind.
    pub said: [u64; 3],
    /// The same in each window.
    pub rates: Rates,
    published: Vec<u64>,
}

/// What is measured of a transport.
#[derive(Clone, Debug, Default)]
pub struct Link {
    /// Reading.
    pub read: Series,
    /// Writing.
    pub write: Series,
    /// The round trip that pings measured.
    pub latency: Series,
    heard: u32,
    written: u32,
}

/// The meter.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    moment: u64,
    answered: u64,
    began: u64,
    second: u64,
    seconds: u64,
    /// By transport.
    pub links: [Link; 5],
    /// By number of the handler; those beyond the bound together in the last.
    pub events: Vec<Event>,
    /// By class of rooms, likewise.
    pub classes: Vec<Class>,
    /// Counters of the engine in each window.
    pub rates: Rates,
    /// Rooms whose listeners fell behind or missed something: how many, and who last.
    pub rooms: Slowest<RoomId>,
    /// Sessions that did not read: the longest that they kept something waiting (ns).
    pub sessions: Slowest<SessionId>,
    /// What clients said that they are: how many came lately.
    pub clients: Slowest<Box<str>>,
    /// What they say that they measured.
    pub reports: Reports,
}

impl Meter {
    /// The moment at which what happens now happens (ns).
    #[must_use]
    pub const fn moment(&self) -> u64 {
        self.moment
    }

    /// It is this moment (ns of a clock that only rises, and stands still for nothing).
    pub fn set_moment(&mut self, ns: u64) {
        self.moment = self.moment.max(ns);
    }

    /// A message came by this transport.
    pub fn heard(&mut self, transport: Transport) {
        self.links[transport as usize].heard += 1;
    }

    /// All that came was read: from now on the application has it.
    pub fn read_ends(&mut self, ns: u64) {
        let took = ns.saturating_sub(self.moment);
        for link in &mut self.links {
            let heard = std::mem::take(&mut link.heard);
            if heard > 0 {
                link.read.record(took, heard);
            }
        }
        self.set_moment(ns);
        self.answered = self.moment;
    }

    /// When the last answer was given.
    #[must_use]
    pub fn last_answered(&self) -> u64 {
        self.answered
    }

    /// The handler that is answered next began at this moment.
    pub fn set_began(&mut self, ns: u64) {
        self.began = ns;
    }

    /// A request of this event that came at `asked` is answered now, well or with an error. When its handler began.
    pub fn answered(&mut self, handler: u32, session: SessionId, asked: u64, failed: bool) -> u64 {
        let began = match std::mem::take(&mut self.began) {
            0 => self.answered,
            began => began,
        };
        let began = began.clamp(asked.min(self.moment), self.moment);
        let took = self.moment - began;
        let at = usize::try_from(handler).unwrap_or(usize::MAX).min(MEASURED_EVENTS);
        if self.events.len() <= at {
            self.events.resize_with(at + 1, Event::default);
        }
        let event = &mut self.events[at];
        event.wait.record(began.saturating_sub(asked), 1);
        event.handler.record(took, 1);
        event.answered[0] += 1;
        event.answered[1] += u64::from(failed);
        if event.slowest[0].is_none_or(|slowest| slowest.took < took) {
            event.slowest[0] = Some(Example { took, session, moment: self.moment });
        }
        self.answered = self.moment;
        began
    }

    /// The request of this event that was answered last has this traceparent; its handler began at `began`.
    pub fn exemplify(&mut self, handler: u32, trace: &str, began: u64) {
        let at = usize::try_from(handler).unwrap_or(usize::MAX).min(MEASURED_EVENTS);
        if let (Some(event), Some(trace)) = (self.events.get_mut(at), trace.get(3..35)) {
            event.exemplar = Some((trace.into(), self.moment.saturating_sub(began)));
        }
    }

    /// Something was published in a room of this class, and so many heard it at once.
    pub fn published(&mut self, class: usize, delivered: u64) {
        let moment = self.moment;
        let class = self.class(class);
        class.said[0] += 1;
        class.said[1] += delivered;
        if class.published.len() < MEASURED_TOGETHER {
            class.published.push(moment);
        }
    }

    /// Listeners of a room of this class fell behind, the last of them this one.
    pub fn behind(&mut self, class: usize, room: RoomId, listeners: u64, last: SessionId) {
        self.class(class).said[2] += listeners;
        self.rooms.note(room, listeners, listeners, self.moment, last.0);
        self.sessions.note(last, 1, 0, self.moment, 0);
    }

    /// What was published waited for the disk since this moment, and is there.
    pub fn committed(&mut self, class: usize, since: u64) {
        let took = self.moment.saturating_sub(since);
        self.class(class).commit.record(took, 1);
    }

    /// What was published is written to its listeners from now on.
    pub fn fanned_out(&mut self) {
        for class in &mut self.classes {
            for since in class.published.drain(..) {
                class.fan_out.record(self.moment.saturating_sub(since), 1);
            }
        }
    }

    /// All that was due on a connection has left. `since`: the kernel had not taken all of it at that moment; 0: it did.
    pub fn written(&mut self, transport: Transport, since: u64, session: Option<SessionId>) {
        let link = &mut self.links[transport as usize];
        let took = self.moment.saturating_sub(since);
        if since == 0 || took == 0 {
            link.written += 1;
            return;
        }
        link.write.record(took, 1);
        if let Some(session) = session {
            self.sessions.note(session, took / 1_000_000, took, self.moment, 0);
        }
    }

    /// All that was due is with the kernel, as far as it takes it.
    pub fn write_ends(&mut self, ns: u64) {
        let took = ns.saturating_sub(self.moment);
        for link in &mut self.links {
            let written = std::mem::take(&mut link.written);
            if written > 0 {
                link.write.record(took, written);
            }
        }
        self.set_moment(ns);
        self.answered = self.moment;
    }

    /// A client came that says it is this.
    pub fn greeted(&mut self, client: &str) {
        let short: String = client.chars().take(CLIENT_NAME).collect();
        self.clients.note(short.into(), 1, 0, self.moment, 0);
    }

    /// A round trip took so long (ns).
    pub fn round_trip(&mut self, transport: Transport, ns: u64) {
        self.links[transport as usize].latency.record(ns, 1);
    }

    /// Whether a second is over since the windows were cut.
    #[must_use]
    pub const fn is_due(&self) -> bool {
        self.moment >= self.second
    }

    /// Cut the windows: the counters of the engine stand so.
    pub fn tick(&mut self, counters: impl FnOnce() -> Vec<u64>) {
        if !self.is_due() {
            return;
        }
        let over = if self.second == 0 { 1 } else { (self.moment - self.second) / SECOND + 1 };
        self.second = (self.moment / SECOND + 1) * SECOND;
        let counters = counters();
        for _ in 0..over.min(u64::from(FORGOTTEN)) {
            self.cut(&counters);
        }
    }

    fn cut(&mut self, counters: &[u64]) {
        self.seconds += 1;
        let minute = self.seconds.is_multiple_of(60);
        self.rates.tick(counters);
        self.reports.tick(minute);
        for link in &mut self.links {
            link.read.tick();
            link.write.tick();
            link.latency.tick();
        }
        for event in &mut self.events {
            event.wait.tick();
            event.handler.tick();
            event.rates.tick(&event.answered);
            if minute {
                event.slowest = [None, event.slowest[0]];
            }
        }
        for class in &mut self.classes {
            class.commit.tick();
            class.fan_out.tick();
            class.rates.tick(&class.said);
        }
        if minute {
            self.rooms.fade();
            self.sessions.fade();
            self.clients.fade();
        }
    }

    fn class(&mut self, class: usize) -> &mut Class {
        let at = class.min(MEASURED_CLASSES);
        if self.classes.len() <= at {
            self.classes.resize_with(at + 1, Class::default);
        }
        &mut self.classes[at]
    }
}
