//! What a client was told that it may, held against what it then hears and is answered; and what the application took,
//! held against what is in the log: law 7.
//!
//! Acks, `room` and `grants` go ahead of waiting data and in their own order. So what a client was told last is what it
//! had when a later ack was made, and nothing that waited when a right was taken may come after it was told so.

use super::truth::Truth;
use super::world::World;
use rtcore_core::room::grants::Grants;
use rtcore_core::{Seq, SessionId};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included};

/// A set of rights by number, for steps: none to all.
pub fn grants(bits: u8) -> Grants {
    let words = [Grants::PUBLISH, Grants::PRESENCE, Grants::HISTORY];
    let held = words.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
    held.fold(Grants::NONE, |all, (_, one)| all | *one)
}

/// What one client was told of its rights in this session.
#[derive(Debug, Default)]
pub struct Rights {
    told: BTreeMap<String, BTreeSet<String>>,
    /// How often that changed.
    changes: u64,
    /// Rooms that it left, whose presence may still be under way, and rooms that it joined without an id to be answered.
    lingering: BTreeSet<String>,
    /// Rooms whose count the `welcome` said, until their `room` message says whether that was right.
    counted: BTreeSet<String>,
    /// Requests that need a right: whether it was there when they were said, and at which change.
    asked: BTreeMap<u64, (bool, u64)>,
    /// Entries that an answer told of the past, with their rooms.
    pub past: BTreeSet<(String, Seq)>,
}

impl Rights {
    pub fn may(&self, room: &str, word: &str) -> bool {
        self.told.get(room).is_some_and(|told| told.contains(word))
    }

    /// A request is said for the first time.
    pub fn asking(&mut self, id: u64, request: &Value) {
        let Some(word @ ("publish" | "history")) = request["type"].as_str() else { return };
        let may = self.may(request["room"].as_str().unwrap_or_default(), word);
        self.asked.insert(id, (may, self.changes));
    }

    /// Its first answer. Unless rights changed since, it was refused if the right was not there, and only
    /// then for that reason.
    pub fn answered(&mut self, id: u64, request: &Value, ack: &Value) {
        if request["type"] == "history" && ack.get("error").is_none() {
            self.read(request["room"].as_str().unwrap_or_default(), &ack["data"]);
        }
        let Some((may, at)) = self.asked.remove(&id).filter(|(_, at)| *at == self.changes) else { return };
        let holds = if may { ack["error"]["code"] != "FORBIDDEN" } else { ack.get("error").is_some() };
        assert!(holds, "with the rights {:?}, change {at}, {request} was answered {ack}", self.told);
    }

    /// The ack of a join, or a `room` message: rights, and what may be seen with them.
    pub fn view(&mut self, room: &str, view: &Value) {
        self.tell(room, &view["grants"]);
        let counted = self.counted.remove(room);
        if !self.may(room, "presence") {
            let shown = view["members"].as_array().is_some_and(|members| !members.is_empty());
            assert!(!shown && view.get("count").is_none(), "no right to presence, and yet {view}");
            assert!(!counted, "no right to presence in {room}, and yet a count in the welcome");
        }
        let past = self.read(room, view);
        assert!(!past || self.may(room, "history"), "no right to history, and yet {view}");
    }

    fn read(&mut self, room: &str, answer: &Value) -> bool {
        let history = answer["history"].as_array().map_or(&[][..], Vec::as_slice);
        for entry in history {
            assert_eq!(entry["room"], *room, "in the history of {room}");
            self.past.insert((room.to_owned(), entry["seq"].as_u64().expect("what is past has a number")));
        }
        !history.is_empty()
    }

    pub fn tell(&mut self, room: &str, words: &Value) {
        let words = words.as_array().expect("rights are a list").iter();
        let words = words.map(|word| word.as_str().expect("a right is a word").to_owned()).collect();
        self.told.insert(room.to_owned(), words);
        self.changes += 1;
    }

    /// It was put out of the room, or not let in.
    pub fn out(&mut self, room: &str) {
        self.told.remove(room);
        self.lingering.remove(room);
        self.changes += 1;
    }

    /// It left.
    pub fn left(&mut self, room: &str) {
        self.out(room);
        self.lingering.insert(room.to_owned());
    }

    /// A join was said that has no ack: nothing will be told of what it gave.
    pub fn unanswered(&mut self, room: &str) {
        self.lingering.insert(room.to_owned());
    }

    /// A new connection, perhaps a new session: each room is told again.
    pub fn welcome(&mut self, welcome: &Value) {
        self.told.clear();
        self.lingering.clear();
        self.changes += 1;
        let rooms = welcome["rooms"].as_array().expect("rooms").iter();
        let counted = rooms.filter(|room| room.get("count").is_some());
        self.counted = counted.filter_map(|room| Some(room["room"].as_str()?.to_owned())).collect();
    }

    /// Who came and who went was heard.
    pub fn presence(&self, room: &str, message: &Value) {
        let may = self.may(room, "presence") || self.lingering.contains(room);
        assert!(may, "presence without a right to it: {message}");
    }

    /// What it was told of the past was for it.
    pub fn check_past(&self, session: SessionId, truth: &Truth) {
        for (room, seq) in &self.past {
            let Some(said) = truth.entries.get(seq) else { continue };
            assert_eq!(said.room.as_deref(), Some(&**room), "entry {seq} is in the past of another room");
            assert_ne!(said.exclude, Some(session), "a history tells {seq} to the one who does not hear it");
        }
    }
}

/// From when to when a session could say nothing in a room: the right was taken, or it was put out.
#[derive(Debug)]
struct Barred {
    session: SessionId,
    room: String,
    /// It was put out: a new join lets it in again.
    out: bool,
    after: Seq,
    upto: Option<Seq>,
}

/// What the application gave and took, as it knows it.
#[derive(Debug, Default)]
pub struct Given {
    /// Who could not publish where and when.
    barred: Vec<Barred>,
}

impl Given {
    fn bar(&mut self, session: SessionId, room: &str, after: Seq, out: bool) {
        self.barred.push(Barred { session, room: room.to_owned(), out, after, upto: None });
    }

    fn lift(&mut self, head: Seq, which: impl Fn(&SessionId, &str, bool) -> bool) {
        let open = self.barred.iter_mut().filter(|bar| bar.upto.is_none());
        open.filter(|bar| which(&bar.session, &bar.room, bar.out)).for_each(|bar| bar.upto = Some(head));
    }

    /// Nobody said anything while it could not.
    pub fn check(&self, truth: &Truth) {
        for bar in &self.barred {
            let since = truth.entries.range((Excluded(bar.after), Included(bar.upto.unwrap_or(Seq::MAX))));
            for (seq, said) in since.filter(|(_, said)| said.room.as_ref() == Some(&bar.room)) {
                assert_ne!(said.from, Some(bar.session), "entry {seq} was said without the right: {bar:?}");
            }
        }
    }
}

impl World {
    /// The application changes what a client may in a room.
    pub fn grant(&mut self, client: usize, room: &str, bits: u8) {
        let Some(session) = self.clients[client].session(&self.app.sessions) else { return };
        let head = self.head();
        if !self.engine.set_grants(session, room, grants(bits), self.now) {
            return;
        }
        if grants(bits).contains(Grants::PUBLISH) {
            self.given.lift(head, |of, place, out| *of == session && place == room && !out);
        } else if !self.clients[client].unsettled(room) && !self.app.is_asked(session, room) {
            self.given.bar(session, room, head, false);
        }
    }

    /// The application puts a client out of a room.
    pub fn put_out(&mut self, client: usize, room: &str) {
        let head = self.head();
        let Some(session) = self.clients[client].session(&self.app.sessions) else { return };
        if self.engine.put_out(session, room, "enough", self.now) {
            if !self.clients[client].unsettled(room) && !self.app.is_asked(session, room) {
                self.given.bar(session, room, head, true);
            }
            let client = &mut self.clients[client];
            let joining = client.joining(room);
            client.record.put_out(room, head, joining);
        }
    }

    /// A client is about to ask something, or (no request) to come back: then the application may speak again of rooms
    /// that are asked for, and its word counts.
    pub fn may_be_let_in(&mut self, client: usize, request: Option<&Value>) {
        let Some(session) = self.clients[client].session(&self.app.sessions) else { return };
        let head = self.head();
        let decided = |room: &str| room == "asked";
        let (kind, room) = request
            .map_or((None, ""), |asked| (asked["type"].as_str(), asked["room"].as_str().unwrap_or_default()));
        let ends = |place: &str, out: bool| match kind {
            None => decided(place) && !out,
            Some("join") => place == room && (out || decided(place)),
            Some("leave") => place == room && !out,
            _ => false,
        };
        self.given.lift(head, |of, place, out| *of == session && ends(place, out));
    }

    /// A client came back: who is banned is not in rooms that were asked for again.
    pub fn check_let_in(&self, client: usize) {
        let client = &self.clients[client];
        let banned = client.user().is_some_and(|user| self.app.banned.contains(user));
        if banned && client.hears_all() && !self.app.thinks && self.app.later.is_empty() {
            assert!(!client.rights.told.contains_key("asked"), "{:?} is banned, and was let in", client.held);
        }
    }

    /// Law 7, as far as it can be seen now.
    pub fn check_rights(&self) {
        self.given.check(&self.truth);
        for client in &self.clients {
            if let Some(session) = client.session(&self.app.sessions) {
                client.rights.check_past(session, &self.truth);
            }
        }
    }
}
