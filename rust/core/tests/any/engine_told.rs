//! Who is in rooms that are hooked, as the application is told it: exactly who is in them.

use rtcore_core::engine::{AppEvent, Engine};
use std::collections::BTreeSet;

#[derive(Default)]
pub struct Told(BTreeSet<(String, u64)>);

impl Told {
    /// The application is told something.
    pub fn hear(&mut self, event: &AppEvent) {
        match event {
            AppEvent::Joined { session, room } => {
                assert!(self.0.insert((room.to_string(), session.0)), "a join was told twice");
            }
            AppEvent::Left { session, room, empty, .. } => {
                assert!(self.0.remove(&(room.to_string(), session.0)), "who left had not joined");
                assert_eq!(*empty, !self.0.iter().any(|(of, _)| **of == **room), "empty, or not");
            }
            _ => {}
        }
    }

    /// Everything was told.
    pub fn check(&self, engine: &Engine) {
        let members = |room| engine.members(room).unwrap_or_default().into_iter();
        // Those that inputs are written with, and each other one that somebody was told to have joined.
        let rooms: BTreeSet<&str> =
            ["relay1", "relay2", "block"].into_iter().chain(self.0.iter().map(|(room, _)| &**room)).collect();
        let there = rooms
            .into_iter()
            .flat_map(|room| members(room).map(move |member| (room.to_owned(), member.session.0)));
        assert_eq!(self.0, there.collect(), "who is there, and who was told of");
    }
}
