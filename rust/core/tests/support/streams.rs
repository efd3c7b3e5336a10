//! Streams of items on both sides: an application that makes and takes them, and a client that holds what it hears
//! against the protocol.

use super::client::Client;
use super::link::Link;
use rtcore_core::engine::{AppEvent, Engine, StreamRoom};
use rtcore_core::{Now, SessionId};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The names of the application's streams: items down, made as fast as they may be; down, made when asked; up.
pub const NAMES: [&str; 3] = ["eager", "slow", "up"];

/// A stream as the application has it.
#[derive(Debug)]
pub struct Work {
    name: usize,
    total: u64,
    size: usize,
    made: u64,
    /// Whether it may make an item.
    may: bool,
    /// Items that came up and were not taken.
    waiting: u64,
    taken: u64,
    closed: bool,
}

#[derive(Debug, Default)]
pub struct Works {
    open: BTreeMap<(SessionId, u64), Work>,
    /// How often each was opened.
    pub opened: BTreeMap<(SessionId, u64), u32>,
}

/// What an item says: where it stands, so that a wrong one is seen.
pub fn item(id: u64, n: u64, size: usize) -> Value {
    json!([id, n, "x".repeat(size)])
}

impl Works {
    pub fn hear(&mut self, event: &AppEvent, bytes: &[u8], engine: &mut Engine, now: Now) {
        match *event {
            AppEvent::StreamOpened { session, id, stream, form, data } => {
                let data =
                    super::app::json(&bytes[data.start as usize..(data.start + data.len) as usize], form);
                let data: Value = serde_json::from_str(&data).expect("JSON");
                let number = |name: &str| data[name].as_u64().expect("a number");
                let work = Work {
                    name: stream as usize,
                    total: number("n"),
                    size: usize::try_from(number("size")).expect("small"),
                    made: 0,
                    may: engine.stream_room(session, id) == StreamRoom::Yes,
                    waiting: 0,
                    taken: 0,
                    closed: false,
                };
                *self.opened.entry((session, id)).or_default() += 1;
                self.open.insert((session, id), work);
                self.work(session, id, usize::from(stream != 1) * usize::MAX, engine, now);
            }
            AppEvent::StreamWants { session, id } => {
                if let Some(work) = self.open.get_mut(&(session, id)) {
                    work.may = true;
                    let many = usize::from(work.name == 0) * usize::MAX;
                    self.work(session, id, many, engine, now);
                }
            }
            AppEvent::StreamItem { session, id, form, data } => {
                let data =
                    super::app::json(&bytes[data.start as usize..(data.start + data.len) as usize], form);
                if let Some(work) = self.open.get_mut(&(session, id)) {
                    let wanted = item(id, work.taken + work.waiting, work.size);
                    assert_eq!(serde_json::from_str::<Value>(&data).expect("JSON"), wanted);
                    work.waiting += 1;
                }
            }
            AppEvent::StreamEnd { session, id, .. } => {
                if let Some(work) = self.open.get_mut(&(session, id)) {
                    work.closed = true;
                    self.work(session, id, 0, engine, now);
                }
            }
            AppEvent::StreamCancelled { session, id } => {
                self.open.remove(&(session, id));
                engine.end_stream(session, id, b"null", now);
            }
            AppEvent::Ended { session, .. } => self.open.retain(|(of, _), _| *of != session),
            _ => {}
        }
    }

    /// Make, or take, some items of each stream.
    pub fn go_on(&mut self, many: usize, engine: &mut Engine, now: Now) {
        let all: Vec<_> = self.open.keys().copied().collect();
        for (session, id) in all {
            self.work(session, id, many, engine, now);
        }
    }

    fn work(&mut self, session: SessionId, id: u64, many: usize, engine: &mut Engine, now: Now) {
        let Some(work) = self.open.get_mut(&(session, id)) else { return };
        if work.name == 2 {
            let taken = work.waiting.min(many as u64);
            work.waiting -= taken;
            work.taken += taken;
            engine.stream_taken(session, id, taken, now);
            if work.closed && work.waiting == 0 {
                assert_eq!(work.taken, work.total, "every item came up");
                let count = work.taken.to_string();
                self.open.remove(&(session, id));
                engine.end_stream(session, id, count.as_bytes(), now);
            }
            return;
        }
        for _ in 0..many {
            if !work.may || work.made == work.total {
                break;
            }
            let data = item(id, work.made, work.size).to_string();
            work.made += 1;
            work.may = match engine.stream_item(session, id, data.as_bytes()) {
                StreamRoom::Yes => true,
                StreamRoom::Wait | StreamRoom::Gone => false,
            };
        }
        // Its end is known only to who is asked for the next item.
        if work.may && work.made == work.total {
            self.open.remove(&(session, id));
            engine.end_stream(session, id, b"null", now);
        }
    }

    /// How many run.
    pub fn running(&self) -> usize {
        self.open.len()
    }
}

/// A stream as its client has it.
#[derive(Clone, Debug)]
pub struct Reading {
    name: usize,
    total: u64,
    size: usize,
    window: u64,
    /// The next item to hear, or to send.
    pub next: u64,
    /// The highest credit that was ever said.
    credit: u64,
    pub end: Option<Value>,
}

impl Reading {
    fn is_up(&self) -> bool {
        self.name == 2
    }
}

impl Client {
    /// Open a stream.
    pub fn open_stream(&mut self, name: usize, total: u64, size: usize, window: u64) {
        if !self.welcomed || self.link.is_none() {
            return;
        }
        let id = self.next_id;
        self.next_id += 1;
        let credit = if name == 2 { 0 } else { window };
        let reading = Reading { name, total, size, window, next: 0, credit, end: None };
        self.streams.insert(id, reading);
        self.say_open(id);
    }

    fn say_open(&mut self, id: u64) {
        let of = &self.streams[&id];
        let mut open = json!({"type": "open", "id": id, "stream": NAMES[of.name],
            "data": {"n": of.total, "size": of.size}, "credit": of.credit});
        if of.is_up() {
            open["up"] = json!(true);
        }
        self.say(&open);
    }

    /// What a `hello` says of its streams: those down of which it has heard something. The others are opened again.
    pub fn wanted_streams(&self) -> Value {
        let down = |of: &Reading| !of.is_up() && of.next > 0 && of.end.is_none();
        let named = self.streams.iter().filter(|(_, of)| down(of));
        json!(named.map(|(id, of)| (id.to_string(), of.next)).collect::<BTreeMap<_, _>>())
    }

    /// After a resume: what is to be said again, in order.
    pub fn resume_streams(&mut self, welcome: &Value) {
        for id in self.cancelled.clone() {
            // The word may have been lost.
            if welcome["streams"].get(id.to_string()).is_some() {
                self.say(&json!({"type": "cancel", "id": id}));
            }
        }
        let ids: Vec<u64> = self.streams.keys().copied().collect();
        for id in ids {
            let of = self.streams.get_mut(&id).expect("its own");
            if of.end.is_some() {
                continue;
            }
            let known = welcome["streams"][id.to_string()].as_u64();
            if of.is_up() {
                if let Some(next) = known {
                    assert!(next <= of.next, "an item that was never sent is not wanted next");
                    of.next = next;
                } else {
                    (of.next, of.credit) = (0, 0);
                    self.say_open(id);
                }
                self.send_items(id);
            } else if of.next == 0 {
                self.say_open(id);
            } else {
                let credit = of.credit;
                self.say(&json!({"type": "credit", "id": id, "n": credit}));
            }
        }
    }

    /// Give credit for a window from what was heard.
    pub fn give_credit(&mut self) {
        let mut said = Vec::new();
        for (id, of) in self.streams.iter_mut().filter(|(_, of)| !of.is_up() && of.end.is_none()) {
            if of.next + of.window > of.credit {
                of.credit = of.next + of.window;
                said.push(json!({"type": "credit", "id": id, "n": of.credit}));
            }
        }
        if self.link.is_some() && self.welcomed {
            for credit in &said {
                self.say(credit);
            }
        }
    }

    /// Read everything from now on.
    pub fn widen(&mut self) {
        for of in self.streams.values_mut() {
            of.window = of.window.max(5);
        }
    }

    /// Want a stream no more.
    pub fn cancel_stream(&mut self, id: u64) {
        if self.link.is_some() && self.welcomed && self.streams.remove(&id).is_some() {
            self.cancelled.insert(id);
            self.say(&json!({"type": "cancel", "id": id}));
        }
    }

    fn send_items(&mut self, id: u64) {
        let Some(of) = self.streams.get_mut(&id) else { return };
        let (from, to) = (of.next, of.credit.min(of.total));
        let (size, total) = (of.size, of.total);
        of.next = of.next.max(to);
        for n in from..to {
            self.say(&json!({"type": "item", "id": id, "n": n, "data": item(id, n, size)}));
        }
        // Said again on each occasion: it counts once.
        if to == total {
            self.say(&json!({"type": "end", "id": id, "n": total}));
        }
    }

    /// Something was said of a stream.
    pub fn hear_stream(&mut self, message: &Value) {
        let id = message["id"].as_u64().expect("an id");
        let n = message["n"].as_u64().expect("a number");
        let Some(of) = self.streams.get_mut(&id) else {
            let known = self.cancelled.contains(&id);
            assert!(known, "{message} of a stream that was never opened");
            return;
        };
        match message["type"].as_str() {
            Some("item") => {
                assert_eq!(of.end, None, "nothing follows an end: {message}");
                assert_eq!(n, of.next, "each once, in order");
                assert!(n < of.credit, "{message} is beyond the credit of {}", of.credit);
                assert_eq!(message["data"], item(id, n, of.size));
                of.next += 1;
            }
            Some("credit") => {
                of.credit = of.credit.max(n);
                self.send_items(id);
            }
            _ => {
                if message.get("error").is_none() {
                    assert_eq!((n, of.next), (of.total, of.total), "{message} comes before its items");
                }
                of.end = Some(message.clone());
            }
        }
    }

    /// The errors that streams ended with.
    pub fn stream_errors(&self) -> impl Iterator<Item = &str> {
        self.streams.values().filter_map(|of| of.end.as_ref()?["error"]["code"].as_str())
    }

    /// Streams without an end.
    pub fn open_streams(&self) -> usize {
        self.streams.values().filter(|of| of.end.is_none()).count()
    }

    /// Its link, if it has one.
    pub fn link_mut(&mut self) -> Option<&mut Link> {
        self.link.as_mut()
    }
}
