//! What clients say that they measured: by transport, why not by a better one, and how their clocks go.

use super::series::Series;
use super::slowest::Slowest;
use super::windows::Rates;
use crate::limits::fixed::{CLIENT_NAME, CLOCK_APART_MS, CLOCK_SINCE_MS};

/// What clients call their transports; what else one may call it is the last.
pub const TRANSPORTS: [&str; 4] = ["websocket", "sse", "polling", "other"];

/// What was told of one transport.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Round trips.
    pub trip: Series,
    /// Reports, how often these came back, and their losses together (thousandths).
    pub counts: [u64; 3],
    /// The same in each window.
    pub rates: Rates,
}

/// All of it. So many rows at most, whatever clients say.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    /// By transport, as in `TRANSPORTS`.
    pub told: [Told; 4],
    /// Why not by a better one: how many said so lately.
    pub whys: Slowest<Box<str>>,
    /// Pings that told a clock; of these, ahead of ours and behind it by more than it may be.
    pub clocks: [u64; 3],
    /// The same in each window.
    pub clock_rates: Rates,
}

impl Reports {
    /// A report came. `rtt` in nanoseconds, `loss` in thousandths.
    pub fn add(&mut self, transport: &str, rtt: Option<u64>, loss: u64, reconnects: u64) {
        let other = TRANSPORTS.len() - 1;
        let at = TRANSPORTS.iter().position(|word| *word == transport).unwrap_or(other);
        let told = &mut self.told[at];
        if let Some(rtt) = rtt {
            told.trip.record(rtt, 1);
        }
        for (sum, more) in told.counts.iter_mut().zip([1, reconnects, loss.min(1_000)]) {
            *sum = sum.saturating_add(more);
        }
    }

    /// Why a client is not connected by a better transport.
    pub fn why(&mut self, why: &str, moment: u64) {
        let short: String = why.chars().take(CLIENT_NAME).collect();
        self.whys.note(short.into(), 1, 0, moment, 0);
    }

    /// A client's clock says so, while ours says `ours` (ms since 1970). Numbers that are no date are names of pings.
    pub fn clock(&mut self, theirs: u64, ours: u64) {
        if theirs < CLOCK_SINCE_MS {
            return;
        }
        self.clocks[0] += 1;
        if theirs > ours.saturating_add(CLOCK_APART_MS) {
            self.clocks[1] += 1;
        } else if theirs.saturating_add(CLOCK_APART_MS) < ours {
            self.clocks[2] += 1;
        }
    }

    /// A second is over.
    pub fn tick(&mut self, minute: bool) {
        for told in &mut self.told {
            told.trip.tick();
            told.rates.tick(&told.counts);
        }
        self.clock_rates.tick(&self.clocks);
        if minute {
            self.whys.fade();
        }
    }
}
