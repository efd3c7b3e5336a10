//! A client: it keeps its session, its position and its open requests over drops, as `wire.md` asks of one.

use super::link::{Link, Reads};
use super::record::Record;
use super::rights::Rights;
use super::rng::Rng;
use super::streams::Reading;
use super::wire::{Dialect, Heard};
use rtcore_core::frame::websocket::{close_payload, opcode, write_frame};
use rtcore_core::{Seq, SessionId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
pub struct Client {
    pub dialect: Dialect,
    pub token: Option<String>,
    pub link: Option<Link>,
    pub welcomed: bool,
    /// Its last `hello` named a position of another life of the log.
    pub strayed: bool,
    /// Id and key of the session, once it has one.
    pub held: Option<(String, String)>,
    pub epoch: String,
    pub next_id: u64,
    /// Requests without an ack, in order.
    pub pending: Vec<Value>,
    /// What was asked under each id of this session.
    pub asked: BTreeMap<u64, Value>,
    pub acks: BTreeMap<u64, Value>,
    pub record: Record,
    pub rights: Rights,
    /// Sessions that are over: their id, and what they heard.
    pub over: Vec<(String, Record)>,
    /// Who is in each room, as this client was told.
    pub seen: BTreeMap<String, BTreeSet<String>>,
    /// A request may be done before what was told of its rights is: they say nothing of its answer.
    pub overtakes: bool,
    /// Everything said to this client, in order.
    pub inbox: Vec<Value>,
    pub closes: Vec<u16>,
    pub refused: Vec<u16>,
    /// How many bytes were delivered to it.
    pub heard_bytes: usize,
    /// Streams of this session, by id, and those that it cancelled.
    pub streams: BTreeMap<u64, Reading>,
    pub cancelled: BTreeSet<u64>,
}

impl Client {
    pub fn new(dialect: Dialect, token: Option<&str>) -> Self {
        Self {
            dialect,
            token: token.map(str::to_owned),
            link: None,
            welcomed: false,
            strayed: false,
            held: None,
            epoch: String::new(),
            next_id: 1,
            pending: Vec::new(),
            asked: BTreeMap::new(),
            acks: BTreeMap::new(),
            record: Record::default(),
            rights: Rights::default(),
            over: Vec::new(),
            seen: BTreeMap::new(),
            overtakes: false,
            inbox: Vec::new(),
            closes: Vec::new(),
            refused: Vec::new(),
            heard_bytes: 0,
            streams: BTreeMap::new(),
            cancelled: BTreeSet::new(),
        }
    }

    pub fn user(&self) -> Option<&str> {
        self.token.as_deref().and_then(|token| token.strip_prefix("u:"))
    }

    pub fn session(&self, sessions: &BTreeMap<String, SessionId>) -> Option<SessionId> {
        sessions.get(&self.held.as_ref()?.0).copied()
    }

    /// Its `hello`: with what it has of a session, or with a position that is not its own.
    pub fn hello(&self, position: Option<&str>) -> Value {
        let mut hello = json!({"type": "hello", "v": 1, "client": "law/1"});
        if let Some(token) = &self.token {
            hello["token"] = json!(token);
        }
        if let Some((session, key)) = &self.held {
            hello["session"] = json!(session);
            hello["key"] = json!(key);
            hello["position"] = json!(format!("{}.{}", self.epoch, self.record.position));
            if !self.streams.is_empty() {
                hello["streams"] = self.wanted_streams();
            }
        }
        if let Some(position) = position {
            hello["position"] = json!(position);
        }
        hello
    }

    /// Say something, if there is a link.
    pub fn say(&mut self, message: &Value) {
        if let Some(link) = &mut self.link {
            link.up.extend_from_slice(&self.dialect.frame(message));
        }
    }

    /// Ask for something under the next id. Only a client that was welcomed does.
    pub fn request(&mut self, mut request: Value, head: Seq) -> Option<u64> {
        if !self.welcomed || self.link.is_none() {
            return None;
        }
        let id = self.next_id;
        self.next_id += 1;
        request["id"] = json!(id);
        let room = request["room"].as_str().unwrap_or_default();
        match request["type"].as_str() {
            Some("join") => self.record.joining(room, head),
            Some("leave") => self.record.leaving(room, id),
            _ => {}
        }
        self.say(&request);
        if !self.overtakes {
            self.rights.asking(id, &request);
        }
        self.asked.insert(id, request.clone());
        self.pending.push(request);
        Some(id)
    }

    /// Hear one thing. `head` is the log's head now.
    pub fn hear(&mut self, heard: Heard, head: Seq) {
        let Some(link) = &mut self.link else { return };
        match heard {
            Heard::Open | Heard::Pong => {}
            Heard::Refused(status) => self.refused.push(status),
            Heard::Ping(payload) => {
                write_frame(&mut link.up, opcode::PONG, false, Some([9, 8, 7, 6]), &payload);
            }
            Heard::Close(code) => {
                self.closes.push(code);
                let answer = close_payload(code, "");
                write_frame(&mut link.up, opcode::CLOSE, false, Some([9, 8, 7, 6]), &answer);
            }
            Heard::Message(message) => {
                self.message(&message, head);
                self.inbox.push(message);
            }
        }
    }

    fn message(&mut self, message: &Value, head: Seq) {
        let room = message["room"].as_str();
        match message["type"].as_str().expect("every message has a type") {
            "welcome" => self.welcome(message, head),
            "ack" => self.ack(message, head),
            "event" => match message["seq"].as_u64() {
                Some(seq) => self.record.event(room, seq),
                None => self.record.may_hear(room, None),
            },
            "gap" => {
                let [from, to] = ["from", "to"].map(|at| message[at].as_u64().expect("a number"));
                self.record.gap(room, from, to);
            }
            "left" => {
                let room = room.expect("a room");
                self.record.shut(room, head, self.joining(room));
                self.rights.out(room);
                self.seen.remove(room);
            }
            "room" => self.see(room.expect("a room"), message),
            "grants" => {
                let room = room.expect("a room");
                self.rights.tell(room, &message["grants"]);
                if !self.rights.may(room, "presence") {
                    self.seen.remove(room);
                }
            }
            "presence" => {
                if !self.overtakes {
                    self.rights.presence(room.expect("a room"), message);
                }
                if let Some(seen) = room.and_then(|room| self.seen.get_mut(room)) {
                    seen.extend(names(&message["joined"]));
                    for name in names(&message["left"]) {
                        seen.remove(&name);
                    }
                }
            }
            "item" | "credit" | "end" => self.hear_stream(message),
            "request" => self.say(&json!({"type": "reply", "id": message["id"], "data": 1})),
            _ => {}
        }
    }

    fn see(&mut self, room: &str, view: &Value) {
        self.rights.view(room, view);
        if view.get("members").is_some() {
            self.seen.insert(room.to_owned(), names(&view["members"]).collect());
        }
    }

    fn welcome(&mut self, welcome: &Value, head: Seq) {
        let text = |at: &str| welcome[at].as_str().expect("text").to_owned();
        let (name, seq) = (text("session"), welcome["seq"].as_u64().expect("a number"));
        self.welcomed = true;
        self.epoch = text("epoch");
        self.seen.clear();
        self.rights.welcome(welcome);
        if welcome["resumed"] == json!(true) {
            let (held, key) = self.held.as_ref().expect("only what was there comes back");
            assert_eq!((held, key), (&name, &text("key")), "a session that returns is the same");
            self.next_id = self.next_id.max(welcome["taken"].as_u64().expect("a number") + 1);
            // Whose position meant nothing is told all that is held, also what it had.
            assert!(
                self.strayed || seq >= self.record.position,
                "the feed goes on at {seq}, before {}",
                self.record.position
            );
            let listed: BTreeSet<&str> = welcome["rooms"]
                .as_array()
                .expect("rooms")
                .iter()
                .filter_map(|room| room["room"].as_str())
                .collect();
            let lost: Vec<String> = self
                .record
                .rooms()
                .into_iter()
                .filter(|room| !room.starts_with('$') && !listed.contains(&**room))
                .collect();
            for room in lost {
                self.record.put_out(&room, head, self.joining(&room));
            }
            self.record.position = seq;
            if self.strayed {
                // It knows that its position meant nothing here, before the gaps that follow say so.
                for room in [None].into_iter().chain(self.record.rooms().into_iter().map(Some)) {
                    self.record.gap(room.as_deref(), 0, seq);
                }
            }
            for request in self.pending.clone() {
                self.say(&request);
            }
            self.resume_streams(welcome);
            return;
        }
        let user = self.user().map(str::to_owned);
        if let Some((before, _)) = self.held.replace((name, text("key"))) {
            let record = std::mem::take(&mut self.record);
            self.over.push((before, record));
        }
        self.record = Record::begin(seq, user.as_deref());
        self.rights = Rights::default();
        self.pending.clear();
        self.asked.clear();
        self.acks.clear();
        self.streams.clear();
        self.cancelled.clear();
        self.next_id = 1;
    }

    fn ack(&mut self, ack: &Value, head: Seq) {
        let id = ack["id"].as_u64().expect("an ack has an id");
        let request = self.asked.get(&id).cloned().unwrap_or_else(|| panic!("an ack of nothing: {ack}"));
        self.pending.retain(|open| open["id"] != json!(id));
        self.rights.answered(id, &request, ack);
        let room = request["room"].as_str().unwrap_or_default();
        let failed = ack.get("error").is_some();
        match request["type"].as_str() {
            // It comes late, and the client has left since, or joined again: what it says is of an earlier stay.
            Some("join") if self.overtakes && self.moved_since(room, id) => {}
            // Put off, and not refused: who was in the room is in it still.
            Some("join") if ack["error"]["code"] == "OVERLOADED" => {}
            Some("join") if failed => {
                self.record.shut(room, head, self.joining(room));
                self.rights.out(room);
            }
            Some("join") => {
                let data = &ack["data"];
                self.record.joined(room, data["seq"].as_u64().expect("a number"));
                self.see(room, data);
            }
            Some("leave") => {
                self.record.left(room, id, head);
                self.rights.left(room);
                self.seen.remove(room);
            }
            Some("publish" | "emit") => {
                // (What was put off is not kept: it is put off again, with the numbers of then.)
                let expired = ["ACK_EXPIRED", "OVERLOADED"].iter().any(|code| ack["error"]["code"] == *code);
                if let Some(first) = self.acks.get(&id)
                    && first["error"]["code"] != "OUTCOME_UNKNOWN"
                {
                    // (That the outcome is unknown is no last word.)
                    assert!(expired || first == ack, "request {id} had the ack {first}, and now {ack}");
                }
                if expired {
                    return;
                }
            }
            _ => {}
        }
        self.acks.insert(id, ack.clone());
    }

    /// Whether a later join or leave of a room was asked for.
    fn moved_since(&self, room: &str, id: u64) -> bool {
        let later = self.asked.range(id + 1..);
        later.into_iter().any(|(_, asked)| {
            asked["room"] == *room && matches!(asked["type"].as_str(), Some("join" | "leave"))
        })
    }

    /// Whether a join or a leave of the room has no ack yet.
    pub fn unsettled(&self, room: &str) -> bool {
        self.pending
            .iter()
            .any(|open| open["room"] == *room && matches!(open["type"].as_str(), Some("join" | "leave")))
    }

    /// Whether all that is due has reached it, once the world is at rest.
    pub fn hears_all(&self) -> bool {
        self.welcomed && self.link.as_ref().is_some_and(|link| link.reads == Reads::All && !link.finishing)
    }

    /// Whether a join of the room has no ack yet.
    pub fn joining(&self, room: &str) -> bool {
        self.pending.iter().any(|open| open["type"] == "join" && open["room"] == *room)
    }

    /// Ask again for something that was asked before, whether or not it has its ack.
    pub fn ask_again(&mut self, chance: &mut Rng) {
        let again: Vec<&Value> = self
            .asked
            .values()
            .filter(|asked| asked["type"] == "publish" || asked["type"] == "emit")
            .collect();
        if self.welcomed && !again.is_empty() {
            let request = again[chance.below(again.len())].clone();
            self.say(&request);
        }
    }
}

fn names(members: &Value) -> impl Iterator<Item = String> {
    let members = members.as_array().map_or(&[][..], Vec::as_slice);
    members.iter().map(|member| member["session"].as_str().expect("a member has a session").to_owned())
}
