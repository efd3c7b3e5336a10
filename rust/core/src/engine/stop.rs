//! The server stops: within a grace everybody is told, and whoever waits for the ack of a request has it.
//!
//! Parts: Conns, Durable, Out, Sessions, Timers.

use super::Engine;
use crate::codes::close;
use crate::conn::{Carrier, Conn, Phase};
use crate::envelope::write as envelope;
use crate::ids::{ConnId, Now, SessionId};
use crate::timers::Due;

/// Why everybody is sent away.
const RESTARTS: &str = "the server restarts";

impl Engine {
    /// The server stops: everybody is told to come back, each after a delay of its own. Whoever waits for the ack of
    /// a request that runs is closed when it has it; when the grace is over, and at a second call, without.
    pub fn shut_down(&mut self, grace_ms: u64, now: Now) {
        self.entry(now, |engine| engine.stop(grace_ms, now));
    }

    pub(super) fn stop(&mut self, grace_ms: u64, now: Now) {
        let at_once = std::mem::replace(&mut self.stopping, true);
        if !at_once {
            self.timers.set(Due::Grace, now.tick.plus_ms(grace_ms));
        }
        #[expect(clippy::cast_precision_loss, reason = "a spread of seconds")]
        let spread = grace_ms as f64 / 1000.0;
        let parting = self.durable.notices.parting();
        for id in self.conns.ids() {
            let Some(conn) = self.conn(id) else { continue };
            match conn.phase() {
                Phase::Open | Phase::Answering if !at_once && parting.contains(&id) => {} // it ends by itself
                Phase::Raw => {
                    self.close_raw(id, 1001, "the server stops", now); // RFC 6455 §7.4.1: going away
                }
                // The answer to its last request is still on its way.
                Phase::Head if !self.out.is_empty(id) => self.begin_closing(id, now),
                Phase::Head | Phase::Body => self.drop_conn(id, now),
                Phase::Answering if !at_once => {} // it has its acks in a moment
                _ => {
                    let after = 0.5 + self.random_fraction() * spread;
                    let after = (after * 10.0).round() / 10.0;
                    if at_once || !self.owes_acks(id) {
                        self.close_conn(id, close::RESTART, RESTARTS, Some(after), now);
                    } else {
                        self.say_goodbye(id, after);
                    }
                }
            }
        }
    }

    fn owes_acks(&self, id: ConnId) -> bool {
        let session = self.conn(id).and_then(Conn::session).and_then(|id| self.session(id));
        session.is_some_and(|session| session.waiting() > 0)
    }

    /// It is told at once that the server stops, where more can follow; its acks are still to come.
    fn say_goodbye(&mut self, id: ConnId, after: f64) {
        let Some(conn) = self.conn_mut(id) else { return };
        if conn.carrier() == Carrier::Frames && conn.phase() == Phase::Open {
            conn.leave();
            self.tell(id, |out, form| envelope::bye(out, form, close::RESTART, RESTARTS, Some(after)));
        }
    }

    /// The server stops, and a session has an ack: with the last one its connection is closed.
    pub(super) fn part(&mut self, session_id: SessionId, now: Now) {
        let Some(session) = self.session(session_id) else { return };
        if session.waiting() == 0
            && let Some(conn) = session.conn()
        {
            let after = Some(0.5 + self.random_fraction());
            self.close_conn(conn, close::RESTART, RESTARTS, after, now);
        }
    }
}
