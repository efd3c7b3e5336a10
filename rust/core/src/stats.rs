//! Counters, and how long turns take, as Prometheus text.

use std::fmt::Write;
use std::num::Saturating;

/// A counter of what has happened: it stays at its end, and neither wraps nor panics there.
pub type Counter = Saturating<u64>;

/// Upper bounds of the buckets of turn times, in microseconds.
const BUCKETS: [u64; 10] = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000];

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {
        /// What has happened since the engine began.
        #[derive(Debug, Default)]
        pub struct Stats {
            $($(#[doc = $doc])+ pub $name: Counter,)+
            started_ms: u64,
            codes: std::collections::BTreeMap<u16, u64>,
            turns: [u64; BUCKETS.len() + 1],
            turn_us: u64,
        }
        impl Stats {
            fn counters(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($name), concat!($($doc),+), self.$name.0),)+].into_iter()
            }
        }
    };
}

counters! {
    /// Connections accepted.
    connections;
    /// Requests whose head was read.
    requests;
    /// Handshakes and connections refused.
    refused;
    /// Connections handed to the HTTP backend.
    handed_over;
    /// Sessions begun.
    sessions;
    /// Sessions that came back.
    resumed;
    /// Sessions ended.
    ended;
    /// Bytes read.
    bytes_in;
    /// Bytes written.
    bytes_out;
    /// WebSocket messages read.
    messages_in;
    /// Requests given to the application.
    emitted;
    /// Requests that the application failed.
    failed;
    /// Faults in what peers said.
    faults;
    /// Events published.
    published;
    /// Times an event was written in an encoding: once for each that somebody hears, however many listen.
    encoded;
    /// Events handed to live listeners.
    delivered;
    /// Events fed to listeners from rings.
    replayed;
    /// Times a listener fell behind.
    lagged;
    /// Gaps told.
    gaps;
    /// Entries whose write did not end in time: their listeners were told that they miss them.
    passed;
    /// Entries that rings let go of.
    forgotten;
    /// Entries that went because all rings together were over the budget.
    shed;
    /// Rooms that nobody was in and sessions that were away, which went because their place was needed.
    pushed_out;
    /// Times reading was paused for a peer.
    pauses;
    /// Times what a peer had sent waited for its turn, because so much was to be done for it.
    turns_waited;
    /// Pings sent.
    pings;
    /// Streams of items opened.
    streams;
    /// Items of streams handed to connections.
    items;
}

macro_rules! gauges {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ty;)+) => {
        /// Sizes of the moment.
        #[derive(Clone, Copy, Debug, Default)]
        pub struct Gauges {
            $($(#[doc = $doc])+ pub $name: $kind,)+
        }
        impl Gauges {
            /// Each by name, with what it means.
            pub fn named(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($name), concat!($($doc),+), self.$name as u64),)+].into_iter()
            }
        }
    };
}

gauges! {
    /// Connections open.
    connections: usize;
    /// Sessions, absent ones included.
    sessions: usize;
    /// Rooms.
    rooms: usize;
    /// Bytes in rings.
    ring_bytes: usize;
    /// Idempotency keys.
    keys: usize;
    /// Bytes of idempotency keys and their results.
    key_bytes: usize;
    /// Decisions that the application owes.
    waiting: usize;
    /// Bytes of chunks of output.
    outbox_memory: usize;
    /// References into chunks of output.
    outbox_references: usize;
    /// Deadlines.
    timers: usize;
    /// Addresses counted.
    addresses: usize;
    /// Users counted.
    users: usize;
    /// Streams of items that are open.
    open_streams: usize;
    /// Bytes that streams keep, or that wait for their handlers.
    stream_bytes: usize;
    /// The number of the newest entry.
    head: u64;
}

impl Stats {
    /// Counters from zero.
    #[must_use]
    pub fn new(started_ms: u64) -> Self {
        Self { started_ms, ..Self::default() }
    }

    /// A connection was closed by us with this code.
    pub fn closed(&mut self, code: u16) {
        *self.codes.entry(code).or_default() += 1;
    }

    /// A turn took so long.
    pub fn turn(&mut self, ns: u64) {
        let us = ns / 1000;
        self.turns[BUCKETS.partition_point(|bound| *bound < us)] += 1;
        self.turn_us += us;
    }

    /// The Prometheus text format, version 0.0.4.
    #[must_use]
    pub fn text(&self, sizes: &Gauges) -> String {
        let mut out = String::with_capacity(8192);
        for (name, help, value) in self.counters() {
            let _ = writeln!(out, "# HELP rtcore_{name}_total {}", help.trim());
            let _ = writeln!(out, "# TYPE rtcore_{name}_total counter\nrtcore_{name}_total {value}");
        }
        for (name, help, value) in sizes.named() {
            let _ = writeln!(out, "# HELP rtcore_current_{name} {}", help.trim());
            let _ = writeln!(out, "# TYPE rtcore_current_{name} gauge\nrtcore_current_{name} {value}");
        }
        out.push_str("# HELP rtcore_closed_total Connections closed by the server, by code.\n");
        out.push_str("# TYPE rtcore_closed_total counter\n");
        for (code, count) in &self.codes {
            let _ = writeln!(out, "rtcore_closed_total{{code=\"{code}\"}} {count}");
        }
        out.push_str("# HELP rtcore_turn_seconds How long turns took, from what came to what was written, handlers included.\n");
        out.push_str("# TYPE rtcore_turn_seconds histogram\n");
        let mut below = 0;
        for (bound, count) in BUCKETS.iter().zip(&self.turns) {
            below += count;
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let seconds = *bound as f64 / 1e6;
            let _ = writeln!(out, "rtcore_turn_seconds_bucket{{le=\"{seconds}\"}} {below}");
        }
        below += self.turns[BUCKETS.len()];
        let _ = writeln!(out, "rtcore_turn_seconds_bucket{{le=\"+Inf\"}} {below}");
        #[expect(clippy::cast_precision_loss, reason = "a sum for people")]
        let sum = self.turn_us as f64 / 1e6;
        let _ = writeln!(out, "rtcore_turn_seconds_sum {sum}\nrtcore_turn_seconds_count {below}");
        #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are below 2^53")]
        let started = self.started_ms as f64 / 1e3;
        out.push_str("# HELP rtcore_start_time_seconds When the server began (seconds since 1970).\n");
        let _ = writeln!(out, "# TYPE rtcore_start_time_seconds gauge\nrtcore_start_time_seconds {started}");
        out
    }
}
