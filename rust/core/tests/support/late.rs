//! What comes late: hellos with old numbers, and words of the application that it had put off.

use super::app::Asked;
use super::link::Link;
use super::world::World;
use rtcore_core::ConnId;
use rtcore_core::envelope::ErrorOut;
use serde_json::json;

impl World {
    /// Say hello on a new connection, with a number of its hello, which may be an old one.
    pub fn hello_numbered(&mut self, client: usize, n: u64) {
        let mut hello = self.clients[client].hello(None);
        hello["n"] = json!(n);
        self.dial(client);
        self.clients[client].say(&hello);
    }

    /// The application decides the first thing that it had put off; whether there was one.
    pub fn decide_one(&mut self) -> bool {
        if self.app.later.is_empty() {
            return false;
        }
        let asked = self.app.later.remove(0);
        self.app.decide(asked, &mut self.engine, self.now);
        self.settle();
        true
    }

    /// The application has begun with each request that it had put off.
    pub fn begin_later(&mut self) {
        for asked in &self.app.later {
            if let Asked::Request { request, .. } = asked {
                assert!(self.engine.begin(*request), "a request that was just asked is wanted");
            }
        }
    }

    /// The handlers of all that was put off were cancelled, and say nothing.
    pub fn abandon_later(&mut self) {
        for asked in std::mem::take(&mut self.app.later) {
            if let Asked::Request { request, .. } = asked {
                self.engine.abandon(request);
            }
        }
    }

    /// The application fails each request that it had put off.
    pub fn fail_later(&mut self, code: &str, retry: bool) {
        for asked in std::mem::take(&mut self.app.later) {
            let Asked::Request { request, .. } = asked else { continue };
            let error = ErrorOut { retry, ..ErrorOut::new(code, "not now") };
            self.engine.fail(request, &error, self.now);
        }
        self.settle();
    }

    /// The connections on which something that was said to a session alone came down.
    pub fn heard_alone(&mut self) -> Vec<ConnId> {
        let alone = |link: &&mut Link| link.down.windows(5).any(|part| part == b"alone");
        self.links().filter(alone).map(|link| link.conn).collect()
    }
}
