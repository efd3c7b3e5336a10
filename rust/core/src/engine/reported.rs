//! What clients say that they measured, and what they are advised.
//!
//! Parts: Log, Sessions.

use super::{Engine, size};
use crate::envelope::{Report, write as envelope};
use crate::ids::{Now, SessionId};
use crate::metrics::json::Json;
use crate::metrics::reports::TRANSPORTS;

/// How often a client's report counts (ms) where none is asked for.
const REPORT_LEAST_MS: u64 = 60_000;
/// The longest round trip that is believed (ms).
const LONGEST: f64 = 4_000_000.0;

/// A hint to clients, never an order.
#[derive(Clone, Copy, Debug)]
pub struct Advice<'a> {
    /// To move to this transport.
    pub transport: Option<&'a str>,
    /// Why.
    pub why: &'a str,
    /// To wait so long with what can wait (s).
    pub hold: Option<f64>,
}

impl Engine {
    /// What a client measured counts once in half the time that it was told to wait between two: one that says more is no crowd.
    pub(super) fn said_report(&mut self, session: SessionId, report: &Report<'_>, now: Now) {
        let every = match self.config.limits.report_ms {
            0 => REPORT_LEAST_MS,
            asked => asked / 2,
        };
        if !self.session_mut(session).is_some_and(|session| session.may_report(now.tick, every)) {
            return;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the longest"
        )]
        let rtt = report.rtt.filter(|rtt| *rtt <= LONGEST).map(|rtt| (rtt * 1e6) as u64);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1")]
        let loss = (report.loss.unwrap_or(0.0).clamp(0.0, 1.0) * 1e3) as u64;
        let transport = report.transport.as_deref().unwrap_or("");
        let reconnects = report.reconnects.min(1_000);
        self.meter.reports.add(transport, rtt, loss, reconnects);
        if let Some(why) = report.why.as_deref() {
            let moment = self.meter.moment();
            self.meter.reports.why(why, moment);
        }
    }

    /// A client's clock, as its ping told it.
    pub(super) fn note_clock(&mut self, session: SessionId, clock: Option<u64>, now: Now) {
        if let Some(clock) = clock
            && self.session_mut(session).is_some_and(|session| session.may_tell_clock(now.tick))
        {
            self.meter.reports.clock(clock, now.wall_ms);
        }
    }

    /// Give sessions that are here a hint: `most` of them at most, behind the first `skip`. How many got it.
    pub fn advise(&mut self, advice: &Advice<'_>, skip: usize, most: usize, now: Now) -> usize {
        self.entry(now, |engine| {
            let here = engine.sessions.iter().filter(|(_, session)| session.is_here());
            let some: Vec<SessionId> = here.skip(skip).take(most).map(|(id, _)| id).collect();
            for session in &some {
                engine.tell_session(*session, |out, form| {
                    envelope::advise(out, form, advice.transport, advice.why, advice.hold);
                });
            }
            some.len()
        })
    }

    /// Gather differences of presence for so long from now on (ms).
    pub fn set_presence_window(&mut self, ms: u64) {
        self.config.limits.presence_ms = ms;
    }

    /// All rings together may hold so much from now on (bytes): what is more goes, in the order of `shed`.
    pub fn set_ring_memory(&mut self, bytes: u64) {
        self.log.set_budget(size(bytes));
        self.keep_budget();
    }

    pub(super) fn tell_reports(&self, json: &mut Json) {
        let reports = &self.meter.reports;
        json.name("reports").list(|json| {
            for (transport, told) in TRANSPORTS.into_iter().zip(&reports.told) {
                if told.counts[0] == 0 {
                    continue;
                }
                json.object(|json| {
                    json.name("transport").text(transport);
                    json.series(&told.trip);
                    for (place, name) in ["reports", "reconnects", "loss"].into_iter().enumerate() {
                        super::measure::risen(json.name(name), place, &told.counts, &told.rates);
                    }
                });
            }
        });
        json.name("whys").list(|json| {
            for row in reports.whys.rows() {
                json.object(|json| {
                    json.name("why").text(&row.key);
                    json.name("times").number(row.weight);
                });
            }
        });
        json.name("clocks").object(|json| {
            for (place, name) in ["told", "ahead", "behind"].into_iter().enumerate() {
                super::measure::risen(json.name(name), place, &reports.clocks, &reports.clock_rates);
            }
        });
    }
}
