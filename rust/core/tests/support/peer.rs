//! A peer of a collection.

use super::yard::{Known, Yard};
use rtcore_core::ConnId;
use serde_json::{Value as Json, json};

/// The room in which the collection is said.
pub const ROOM: &str = "$sync/notes:ann";

/// One that speaks of the collection `notes:ann`.
pub struct Peer {
    pub conn: ConnId,
    pub known: Known,
    pub id: u64,
}

/// What stands in frames: the objects in it.
pub fn objects(heard: &str) -> Vec<Json> {
    let mut found = Vec::new();
    let mut rest = heard;
    while let Some(at) = rest.find('{') {
        let mut stream = serde_json::Deserializer::from_str(&rest[at..]).into_iter::<Json>();
        match stream.next() {
            Some(Ok(value)) => {
                found.push(value);
                rest = &rest[at + stream.byte_offset()..];
            }
            _ => rest = &rest[at + 1..],
        }
    }
    found
}

impl Peer {
    pub fn new(yard: &mut Yard) -> Self {
        let (conn, known) = yard.socket();
        Self { conn, known, id: 0 }
    }

    /// One that writes.
    pub fn writer(yard: &mut Yard, client: &str) -> Self {
        let mut made = Self::new(yard);
        let ack = made.join(yard, client, 1, "n", 0);
        assert!(ack.get("data").is_some(), "{ack}");
        made
    }

    pub fn ask(&mut self, yard: &mut Yard, mut message: Json) -> Json {
        self.id += 1;
        message["id"] = self.id.into();
        yard.frame(self.conn, &message.to_string());
        self.answer(yard)
    }

    /// The answer to what was asked last, and nothing else that was heard with it.
    pub fn answer(&mut self, yard: &mut Yard) -> Json {
        let heard = objects(&yard.hear(self.conn));
        heard.into_iter().rev().find(|it| it["id"] == self.id).unwrap_or(Json::Null)
    }

    pub fn join(&mut self, yard: &mut Yard, client: &str, incarnation: u64, nonce: &str, seen: u64) -> Json {
        let sync = json!({"client": format!("{client:0>32}"), "incarnation": incarnation, "nonce": nonce, "seen": seen});
        self.ask(yard, json!({"type": "join", "room": ROOM, "sync": sync}))
    }

    pub fn push(&mut self, yard: &mut Yard, changes: &[Json]) -> Json {
        self.ask(yard, json!({"type": "push", "collection": "notes:ann", "changes": changes}))
    }

    pub fn pull(&mut self, yard: &mut Yard) -> Json {
        self.ask(yard, json!({"type": "pull", "collection": "notes:ann"}))["data"].clone()
    }

    pub fn events(&self, yard: &mut Yard) -> Vec<Json> {
        objects(&yard.hear(self.conn)).into_iter().filter(|it| it["type"] == "event").collect()
    }
}

pub fn put(n: u64, key: &str, value: &Json) -> Json {
    json!({"n": n, "op": "put", "key": key, "value": value})
}

pub fn code(ack: &Json) -> &str {
    ack["error"]["code"].as_str().unwrap_or_default()
}
