//! What must be so at any time, and when the world has come to rest.

use super::link::Reads;
use super::world::World;
use rtcore_core::ConnId;

impl World {
    /// Whether nothing that is due was forgotten: what peers read has all been written.
    pub fn check_flushed(&mut self) {
        let readers: Vec<ConnId> =
            self.links().filter(|link| link.reads == Reads::All).map(|link| link.conn).collect();
        for conn in readers {
            assert!(self.engine.is_flushed(conn), "output waits that nobody was told of");
        }
    }

    /// Each client's record against the truth: what it has heard up to its position.
    pub fn check_heard(&self) {
        for client in &self.clients {
            if let Some(session) = client.session(&self.app.sessions) {
                client.record.check(session, &self.truth, client.record.position);
            }
            for (name, record) in &client.over {
                if let Some(session) = self.app.sessions.get(name) {
                    record.check(*session, &self.truth, record.position);
                }
            }
        }
    }

    /// Everybody reads, comes back and is answered; then nothing is owed to anybody.
    pub fn come_to_rest(&mut self) {
        self.check_heard();
        for at in 0..self.clients.len() {
            if let Some(link) = &mut self.clients[at].link {
                link.reads = Reads::All;
            }
        }
        self.settle();
        for at in 0..self.clients.len() {
            if self.clients[at].link.is_none() && self.clients[at].held.is_some() {
                self.connect(at, None);
            }
        }
        self.settle();
        self.decide_all();
        self.pass(100);
        self.pass(5_000);
        self.check_flushed();
        self.check_heard();
        for client in &self.clients {
            if let Some(session) = client.session(&self.app.sessions).filter(|_| client.welcomed) {
                client.record.check(session, &self.truth, self.engine.head());
                assert!(client.pending.is_empty(), "requests without an ack: {:?}", client.pending);
            }
        }
    }
}
