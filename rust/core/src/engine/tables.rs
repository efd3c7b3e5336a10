//! Every table of the engine, by name, with how much is in it.
//!
//! Parts: Asked, Conns, Durable, Keys, Log, Next, Out, Rooms, Sessions, Shared, Shares.
//!
//! Whatever peers did, when the last of them is gone and every time is over, each is as it was in the beginning: a law
//! counts them (`rust/core/tests/owners`). Who adds a table adds it here.

use super::Engine;
use crate::room::blocked::Blocked;

impl Engine {
    /// How much is in each table now. It walks through all of them: for tests.
    #[must_use]
    pub fn tables(&self) -> Vec<(&'static str, usize)> {
        let [full, gathering, listed, list] = self.out.count();
        let blocked = self.rooms.iter().filter_map(|(_, room)| room.blocked());
        let returning = self.sessions.iter().filter_map(|(_, session)| session.rare());
        vec![
            ("connections", self.conns.len()),
            ("sessions", self.sessions.len()),
            ("sessions by name", self.sessions.names()),
            ("rooms", self.rooms.len()),
            ("rooms by name", self.rooms.names()),
            ("bytes of rings", self.log.bytes()),
            ("what is asked", self.asked.len()),
            ("owners of what is asked", self.asked.owners()),
            ("keys", self.keys.len()),
            ("who waits for keys", self.keys.waiters()),
            ("work of keys that goes on", self.keys.late()),
            ("publishers that wait", blocked.map(Blocked::len).sum()),
            ("sessions that are wanted back", returning.filter(|rare| !rare.wanted_by().is_empty()).count()),
            ("addresses", self.shares.len().0),
            ("users", self.shares.len().1),
            ("what is held of shares", usize::try_from(self.shares.in_all()).unwrap_or(usize::MAX)),
            ("what rests", self.shares.resting()),
            ("what waits for the disk", self.durable.groups.len()),
            ("entries behind the wall", self.durable.wall.len()),
            ("who stands before the wall", self.durable.wall.standing()),
            ("answers that wait for the disk", self.durable.answers.len()),
            ("what is told when it is on disk", self.durable.notices.len()),
            ("durable requests", self.durable.requests.len()),
            ("rooms that are being filled", self.durable.shelves.filling()),
            ("keys that are looked up", self.durable.lookups.waiting()),
            ("what is read from disk", self.durable.reads.len()),
            ("what was read for the application", self.durable.histories.len()),
            ("who has pages of the disk", self.durable.pages.len()),
            ("publishers that wait for the disk", self.durable.held.len()),
            ("requests of which nobody knows", self.durable.unknown.len()),
            ("collections", self.shared.len()),
            ("pushes that are under way", self.shared.pushes()),
            ("messages that are followed", self.trails.len()),
            ("what follows", self.next.len()),
            ("references to what is said", self.out.references()),
            ("outboxes with something in them", full),
            ("outboxes that gather answers", gathering),
            ("outboxes on the list", listed),
            ("the list", list),
            ("live listeners", self.sessions.live()),
        ]
    }
}
