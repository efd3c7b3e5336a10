//! What happens because time passes.
//!
//! Parts: Conns, Keys, Log, Next, Out, Sessions, Shared, Shares, Steps, Timers.
//!
//! Each connection has a deadline (`timers.rs`) or will be dropped. One that was heard from meanwhile is simply given its
//! next one when it comes: so a message costs no timer work at all, and a silent connection one look a ping.

use super::Engine;
use crate::codes::close;
use crate::conn::{Carrier, Phase};
use crate::envelope::write as envelope;
use crate::frame::websocket::opcode;
use crate::ids::{ConnId, Now, SessionId, Tick};
use crate::limits::fixed::{SWEEP_KEYS, SWEEP_MS};
use crate::outbox::Lane;
use crate::session::Link;
use crate::timers::Due;

impl Engine {
    /// When `advance` wants to be called next, should nothing happen before.
    #[must_use]
    pub fn deadline(&self) -> Option<Tick> {
        [self.timers.next(), self.steps.due(), self.next.due()].into_iter().flatten().min()
    }

    /// Time has passed.
    pub fn advance(&mut self, now: Now) {
        self.plan_sweep(now);
        let until = self.steps.after_a_turn(self.config.limits.turn_steps);
        while self.timers.next().is_some_and(|at| at <= now.tick) && self.steps.done() < until {
            self.steps.spend(1);
            match self.timers.take() {
                Some(Due::Conn(id)) => self.conn_due(id, now),
                Some(Due::Patience(id)) => self.patience_due(id, now),
                Some(Due::Welcome(id)) => self.welcome_due(id, now),
                Some(Due::Expiry(id) | Due::Away(id) | Due::Streams(id)) => self.session_due(id, now),
                Some(Due::Presence(id)) => self.flush_presence(id),
                Some(Due::Blocked(id)) => self.block_timeout(id, now),
                Some(Due::Sweep) => self.sweep(now),
                Some(Due::Grace) => self.stop(0, now),
                Some(Due::Store) => self.store_due(now),
                None => {}
            }
        }
        self.serve_waiting(now);
        self.follow_up(now);
    }

    fn plan_sweep(&mut self, now: Now) {
        let holds = self.log.wants_sweep() || self.keys.bytes() > 0 || !self.shared.is_empty();
        if !self.timers.is_set(Due::Sweep) && holds {
            self.timers.set(Due::Sweep, now.tick.plus_ms(SWEEP_MS));
        }
    }

    fn sweep(&mut self, now: Now) {
        self.log.sweeping();
        self.expire_rings(now);
        self.keys.expire(now.tick, SWEEP_KEYS, &mut self.shares);
        self.keep_running(now);
        self.sweep_collections(now);
        // Where nobody is left no other deadline would come, and what is held would stay for ever.
        self.plan_sweep(now);
    }

    /// Look at a connection when it is next due.
    pub(super) fn time_conn(&mut self, id: ConnId, now: Now) {
        let ping = self.config.limits.ping_ms;
        if self.conn(id).is_some() {
            self.timers.set(Due::Conn(id), now.tick.plus_ms(ping));
        }
    }

    /// Look at a session's token when it is next due.
    pub(super) fn time_expiry(&mut self, id: SessionId, now: Now) {
        let early = self.config.limits.expiring_ms;
        let Some(session) = self.session(id) else { return };
        let Some(expires) = session.expires() else { return };
        let before = Tick::default().plus_ms(if session.was_told_expiring() { 0 } else { early });
        let at = Tick(expires.at.0.saturating_sub(before.0)).max(now.tick);
        self.timers.set(Due::Expiry(id), at);
    }

    /// What of a connection waits because too many requests do has waited for long: answers are taken from now on.
    fn patience_due(&mut self, id: ConnId, now: Now) {
        if self.conn(id).is_some_and(|conn| conn.full_since().is_some() && conn.is_paused()) {
            self.wake_input(id, now);
        }
    }

    fn conn_due(&mut self, id: ConnId, now: Now) {
        let Some(conn) = self.conn(id) else { return };
        match conn.phase() {
            Phase::Head => self.head_timeout(id, now),
            Phase::Hello if conn.is_queued() => self.time_conn(id, now), // it waits for us
            Phase::Hello => {
                let limit = self.config.limits.hello_ms;
                let reason = format!("no hello came within {limit} ms");
                self.close_conn(id, close::SILENT, &reason, None, now);
            }
            Phase::Closing => self.closing_due(id, now),
            Phase::Body => self.body_timeout(id, now),
            Phase::Answering => self.answer_send(id, now),
            Phase::Parked => self.end_poll(id, now),
            Phase::Checking if conn.request().is_some() => self.time_conn(id, now),
            Phase::Checking | Phase::Open | Phase::Raw => self.look_for_life(id, now),
        }
    }

    /// Silence for `ping` is asked after; silence for `silence` more is death. A connection that takes
    /// nothing of what it is owed for `silence` is too slow.
    fn look_for_life(&mut self, id: ConnId, now: Now) {
        let (ping, silence) = (self.config.limits.ping_ms, self.config.limits.silence_ms);
        let pending = !self.out.is_empty(id);
        let Some(conn) = self.conn_mut(id) else { return };
        if pending && now.tick.ms_since(conn.progress()) >= silence {
            let reason = format!("nothing of what waits for this connection was read for {silence} ms");
            self.close_conn(id, close::TOO_SLOW, &reason, None, now);
            return;
        }
        if !pending {
            conn.go_on(now.tick);
        }
        if conn.carrier() != Carrier::Frames {
            // Nothing is ever heard on a stream; what is written shows whether somebody is there.
            let next = now.tick.plus_ms(self.beat_ms(id));
            self.beat(id, now);
            self.timers.set(Due::Conn(id), next);
            return;
        }
        if conn.is_paused() {
            // We do not read, so nothing can be heard: the clock stands.
            conn.hear(now.tick);
        }
        let quiet = now.tick.ms_since(conn.heard());
        let asked = conn.pinged().filter(|sent| *sent >= conn.heard());
        let next = if let Some(sent) = asked {
            if now.tick.ms_since(sent) >= silence {
                let reason = format!("nothing was heard for {} ms", ping + silence);
                self.close_conn(id, close::SILENT, &reason, None, now);
                return;
            }
            sent.plus_ms(silence).min(now.tick.plus_ms(ping))
        } else if quiet >= ping {
            conn.ping(now.tick);
            self.stats.pings += 1;
            self.tell_frame(id, Lane::Control, opcode::PING, b"");
            // Not only when `silence` is over: who answered is asked again a `ping` later, or a proxy cuts the line.
            now.tick.plus_ms(silence.min(ping))
        } else {
            conn.heard().plus_ms(ping)
        };
        let Some(conn) = self.conn_mut(id) else { return };
        // A pending write is looked at more often than a silent peer.
        let next = if pending { next.min(conn.progress().plus_ms(silence)) } else { next };
        self.timers.set(Due::Conn(id), next.max(now.tick.plus_ms(1)));
    }

    fn session_due(&mut self, id: SessionId, now: Now) {
        self.drop_held_streams(id, now);
        let Some(session) = self.session(id) else { return };
        if session.conn().is_none() && session.until() <= now.tick {
            if session.link().is_some_and(Link::is_here) {
                self.go_away(id, now); // neither poll nor stream came for as long as silence may last
                return;
            }
            self.end_session(id, "it did not come back within the resume window", close::SILENT, now);
            return;
        }
        let Some(expires) = session.expires() else { return };
        if self.is_over(id, now) {
            return;
        }
        let Some(session) = self.session(id) else { return };
        if !session.was_told_expiring() && now.tick.plus_ms(self.config.limits.expiring_ms) >= expires.at {
            if let Some(session) = self.session_mut(id) {
                session.tell_expiring();
            }
            self.tell_session(id, |out, form| envelope::expiring(out, form, expires.date));
        }
        self.time_expiry(id, now);
    }
}
