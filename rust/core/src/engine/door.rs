//! A `hello` that has no `welcome` yet: it has one in time, or its connection is given up.
//!
//! Parts: Conns, Timers.

use super::Engine;
use super::http::Came;
use crate::codes::{Code, close};
use crate::conn::Phase;
use crate::frame::http::Refusal;
use crate::ids::{ConnId, Now};
use crate::timers::Due;

impl Engine {
    /// Somebody is at the door: the application has so long to decide.
    pub(super) fn time_welcome(&mut self, id: ConnId, now: Now) {
        if self.conn(id).is_some_and(|conn| conn.phase() == Phase::Checking) {
            self.timers.set(Due::Welcome(id), now.tick.plus_ms(self.config.limits.welcome_ms));
        }
    }

    /// That is over: if nothing was decided the peer is sent away, and may come again.
    pub(super) fn welcome_due(&mut self, id: ConnId, now: Now) {
        if self.open_in_time(id, now) {
            return;
        }
        let Some(conn) = self.conn(id).filter(|conn| conn.phase() == Phase::Checking) else {
            return;
        };
        let limit = self.config.limits.welcome_ms;
        let told =
            format!("the application did not decide within {limit} ms who this is and where it may be");
        if conn.request().is_some() {
            self.refuse_request(id, &Refusal::new(504, Code::Timeout, told), Came::Whole, now);
        } else {
            self.close_conn(id, close::INTERNAL, &told, None, now);
        }
    }
}
