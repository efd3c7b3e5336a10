//! What was really said: each entry as the application can read it back, before a ring lets go of it.

use super::app::json;
use super::rooms::ROOMS;
use rtcore_core::log::entry::{Entry, Where};
use rtcore_core::{Engine, Seq, SessionId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One entry of the log.
#[derive(Clone, Debug)]
pub struct Said {
    /// None: it was said to `only` alone.
    pub room: Option<String>,
    pub only: Option<SessionId>,
    pub exclude: Option<SessionId>,
    /// Who said it; none: the application.
    pub from: Option<SessionId>,
    pub data: String,
}

/// The log, as far as it could be read. Where more is said in one step than a ring holds, some is never seen:
/// then nothing is known of it, and nothing is asked for.
#[derive(Debug, Default)]
pub struct Truth {
    pub entries: BTreeMap<Seq, Said>,
    /// The rooms' entries themselves: they know in what they were encoded.
    pub kept: Vec<Arc<Entry>>,
    read: BTreeMap<String, Seq>,
}

impl Truth {
    /// Read on in every room.
    pub fn collect(&mut self, engine: &Engine, users: &[&str]) {
        let own = users.iter().map(|user| format!("$user/{user}"));
        for room in ROOMS.iter().map(ToString::to_string).chain(["$all".to_owned()]).chain(own) {
            let after = self.read.get(&room).copied().unwrap_or(0);
            let position = engine.position(after);
            let Ok((entries, ..)) = engine.history(&room, Some(&position), 1000) else { continue };
            for entry in entries {
                let Where::Room(_, name) = &entry.room else {
                    panic!("a room's ring holds a room's entries")
                };
                assert_eq!(**name, *room, "an entry in another room's ring");
                let said = Said {
                    room: Some(room.clone()),
                    only: None,
                    exclude: entry.exclude,
                    from: entry.from.as_ref().map(|author| author.session),
                    data: json(&entry.data, entry.form),
                };
                assert!(self.entries.insert(entry.seq, said).is_none(), "the number {} twice", entry.seq);
                self.read.insert(room.clone(), entry.seq);
                self.kept.push(entry);
            }
        }
    }

    /// The application said this to one session.
    pub fn sent(&mut self, seq: Seq, only: SessionId, data: &str) {
        let said = Said { room: None, only: Some(only), exclude: None, from: None, data: data.to_owned() };
        assert!(self.entries.insert(seq, said).is_none(), "the number {seq} twice");
    }
}
