//! The trails of messages that somebody follows, through each stage.
//!
//! Theory. A message is followed that carries a sampled `trace` (W3C Trace Context, section 3.2.2.5.1), or whose event somebody
//! asked for. What it goes through is told by the same moments by which stages are measured; each stage is a `Leg` of its
//! trail. The trail of a request goes on in what its handler says. It is over when it owes nothing: its answer was given, what
//! it said is on disk, and the kernel has all of it, as far as it takes it.
//!
//! Invariant: what is not followed costs the question whether it is (`wants`), and nothing else. So many trails at most are
//! under way, so many that are over are kept, with so many legs each: of more, the oldest go, and are counted.

use super::stages::Stage;
use crate::ids::Seq;
use crate::limits::fixed::{FOLLOWED, TRAIL_LEGS, TRAILS};
use std::collections::VecDeque;

/// One stage of a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Which.
    pub stage: Stage,
    /// Of what: a transport, an event, or a room.
    pub of: Box<str>,
    /// When it began (ns of the hands' clock).
    pub from: u64,
    /// When it was over.
    pub to: u64,
    /// To how many listeners, of a fan-out and of a writing; to how many of them not now, as they are behind.
    pub heard: [u64; 2],
}

/// What a message is that is followed.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Its traceparent, if it has one.
    pub trace: Option<Box<str>>,
    /// The event.
    pub event: Box<str>,
    /// The room in which it was said; none of a request.
    pub room: Option<Box<str>>,
    /// Whose it is; nobody's: the application's.
    pub session: Box<str>,
    /// When it came (ns of the hands' clock).
    pub from: u64,
}

/// A message that is followed.
#[derive(Clone, Debug)]
pub struct Trail {
    /// Its number: trails are numbered as they begin.
    pub number: u64,
    /// What it is.
    pub about: About,
    /// Whether it was refused, or its handler failed.
    pub failed: bool,
    /// What it went through, in the order in which that was over.
    pub legs: Vec<Leg>,
    request: Option<u64>,
    reading: Option<&'static str>,
    stored: Vec<(Seq, Box<str>)>,
    said: Vec<Said>,
    writing: Option<(u64, u64)>,
}

/// Something said that is not yet written.
#[derive(Clone, Debug)]
struct Said {
    room: Box<str>,
    at: u64,
    heard: [u64; 2],
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Trails {
    /// Events that somebody asked for, and how many messages of each are still to be followed.
    wanted: Vec<(Box<str>, u32)>,
    begun: u64,
    open: VecDeque<Trail>,
    over: VecDeque<Trail>,
    current: Option<u64>,
    /// Trails that went before anybody took them.
    pub lost: u64,
}

impl Trails {
    /// Follow the next `times` messages of this event, or more if more were wanted, whether they carry a trace or not.
    /// 0: no more of it. Other events go on. Of more events than may be followed at once, no more are.
    pub fn follow(&mut self, event: &str, times: u32) {
        let known = self.wanted.iter().position(|(wanted, _)| &**wanted == event);
        match known {
            Some(at) if times == 0 => drop(self.wanted.swap_remove(at)),
            Some(at) => self.wanted[at].1 = self.wanted[at].1.max(times),
            None if times > 0 && self.wanted.len() < FOLLOWED => self.wanted.push((event.into(), times)),
            None => {}
        }
    }

    /// Whether a message of this event with this trace is to be followed.
    #[must_use]
    pub fn wants(&self, event: &str, trace: Option<&str>) -> bool {
        trace.is_some_and(is_sampled) || self.wanted.iter().any(|(wanted, _)| &**wanted == event)
    }

    /// A trail begins, and what is done now belongs to it.
    pub fn begin(&mut self, about: About, transport: Option<&'static str>) {
        if let Some(at) = self.wanted.iter().position(|(event, _)| **event == *about.event) {
            self.wanted[at].1 -= 1;
            if self.wanted[at].1 == 0 {
                self.wanted.swap_remove(at);
            }
        }
        self.begun += 1;
        if self.open.len() == TRAILS
            && let Some(oldest) = self.open.pop_front()
        {
            self.keep(oldest);
        }
        self.current = Some(self.begun);
        self.open.push_back(Trail {
            number: self.begun,
            about,
            failed: false,
            legs: Vec::new(),
            request: None,
            reading: transport,
            stored: Vec::new(),
            said: Vec::new(),
            writing: None,
        });
    }

    /// Whether this request is followed.
    #[must_use]
    pub fn holds(&self, request: u64) -> bool {
        self.open.iter().any(|trail| trail.request == Some(request))
    }

    /// The trace of a request that is followed.
    #[must_use]
    pub fn trace_of(&self, request: u64) -> Option<&str> {
        self.open.iter().find(|trail| trail.request == Some(request))?.about.trace.as_deref()
    }

    /// Give a request that is followed this trace. False: it is not.
    pub fn retrace(&mut self, request: u64, trace: &str) -> bool {
        let found = self.open.iter_mut().find(|trail| trail.request == Some(request));
        found.map(|trail| trail.about.trace = Some(trace.into())).is_some()
    }

    /// What is done from now on belongs to the trail of this request, if that is followed: its trace.
    pub fn enter(&mut self, request: u64) -> Option<&str> {
        let trail = self.open.iter().find(|trail| trail.request == Some(request))?;
        self.current = Some(trail.number);
        trail.about.trace.as_deref()
    }

    /// What is done from now on belongs to none.
    pub fn leave(&mut self) {
        self.current = None;
    }

    /// What is done now waits for the answer to this request.
    pub fn asked(&mut self, request: u64) {
        if let Some(trail) = self.now() {
            trail.request = Some(request);
        }
    }

    /// Nobody waits for the answer to this request any more.
    pub fn forget(&mut self, request: u64) {
        if let Some(trail) = self.open.iter_mut().find(|trail| trail.request == Some(request)) {
            (trail.request, trail.failed) = (None, true);
        }
    }

    /// What was begun last was not to be: it is tried again, and begins then.
    pub fn undo(&mut self) {
        let current = self.current.take();
        if self.open.back().is_some_and(|last| Some(last.number) == current && last.request.is_none()) {
            self.open.pop_back();
        }
    }

    /// What came was read at this moment.
    pub fn read_ends(&mut self, ns: u64) {
        for trail in &mut self.open {
            if let Some(transport) = trail.reading.take() {
                let from = trail.about.from;
                trail.leg(Stage::Read, transport.into(), from, ns, [0; 2]);
            }
        }
    }

    /// A request was answered: its handler began at `began`. Its trace.
    pub fn answered(&mut self, request: u64, began: u64, ns: u64, failed: bool) -> Option<&str> {
        let trail = self.open.iter_mut().find(|trail| trail.request == Some(request))?;
        trail.request = None;
        trail.failed |= failed;
        let event = trail.about.event.clone();
        let read = trail.legs.last().map_or(trail.about.from, |leg| leg.to);
        if trail.legs.iter().all(|leg| leg.stage == Stage::Read) {
            trail.leg(Stage::Wait, event.clone(), read.min(began), began, [0; 2]);
        }
        trail.leg(Stage::Handler, event, began, ns, [0; 2]);
        trail.writing.get_or_insert((ns, 0)); // its answer
        trail.about.trace.as_deref()
    }

    /// What is said now was refused.
    pub fn refused(&mut self) {
        if let Some(trail) = self.now() {
            trail.failed = true;
        }
    }

    /// What is said now in a room is on its way to the disk, under this number.
    pub fn stored(&mut self, seq: Seq, room: &str) {
        if let Some(trail) = self.now()
            && trail.stored.len() < TRAIL_LEGS
        {
            trail.stored.push((seq, room.into()));
        }
    }

    /// It is there, since this moment on its way; what is done now belongs to its trail.
    pub fn committed(&mut self, seq: Seq, since: u64, ns: u64, done: bool) {
        let holds = |trail: &&mut Trail| trail.stored.iter().any(|(stored, _)| *stored == seq);
        let Some(trail) = self.open.iter_mut().find(holds) else { return };
        let at = trail.stored.iter().position(|(stored, _)| *stored == seq).unwrap_or(0);
        let (_, room) = trail.stored.swap_remove(at);
        trail.failed |= !done;
        trail.leg(Stage::Commit, room, since, ns, [0; 2]);
        self.current = Some(trail.number);
    }

    /// What is said now reaches so many listeners; and so many not now.
    pub fn said(&mut self, room: &str, heard: [u64; 2], ns: u64) {
        if let Some(trail) = self.now()
            && trail.said.len() < TRAIL_LEGS
        {
            trail.said.push(Said { room: room.into(), at: ns, heard });
        }
    }

    /// What is due is written from now on.
    pub fn fanned_out(&mut self, ns: u64) {
        for trail in &mut self.open {
            for said in std::mem::take(&mut trail.said) {
                let due = trail.writing.get_or_insert((ns, 0));
                due.0 = ns;
                due.1 = due.1.saturating_add(said.heard[0]);
                trail.leg(Stage::FanOut, said.room, said.at, ns, said.heard);
            }
        }
    }

    /// All that was due is with the kernel, as far as it takes it.
    pub fn write_ends(&mut self, ns: u64) {
        self.current = None;
        let mut at = 0;
        while let Some(trail) = self.open.get_mut(at) {
            if let Some((from, heard)) = trail.writing.take() {
                trail.leg(Stage::Write, "".into(), from, ns, [heard, 0]);
            }
            let over = trail.request.is_none() && trail.stored.is_empty() && trail.said.is_empty();
            match over.then(|| self.open.remove(at)).flatten() {
                Some(over) => self.keep(over),
                None => at += 1,
            }
        }
    }

    /// Those that are over, and were not taken before.
    pub fn take(&mut self) -> VecDeque<Trail> {
        std::mem::take(&mut self.over)
    }

    /// How many are under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    fn keep(&mut self, trail: Trail) {
        if self.over.len() == TRAILS {
            self.over.pop_front();
            self.lost += 1;
        }
        self.over.push_back(trail);
    }

    fn now(&mut self) -> Option<&mut Trail> {
        let current = self.current?;
        self.open.iter_mut().find(|trail| trail.number == current)
    }
}

impl Trail {
    fn leg(&mut self, stage: Stage, of: Box<str>, from: u64, to: u64, heard: [u64; 2]) {
        if self.legs.len() < TRAIL_LEGS {
            self.legs.push(Leg { stage, of, from, to: to.max(from), heard });
        }
    }
}

/// Whether whoever began the trace wants it kept: the last bit of the flags (W3C Trace Context, section 3.2.2.5.1).
fn is_sampled(trace: &str) -> bool {
    matches!(trace.as_bytes().get(54), Some(b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f'))
}
