//! Counters, and how long turns take, as Prometheus text.

use std::fmt::Write;

/// Upper bounds of the buckets of turn times, in microseconds.
const BUCKETS: [u64; 10] = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000];

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {
        /// What has happened since the engine began.
        #[derive(Debug, Default)]
        pub struct Stats {
            $($(#[doc = $doc])+ pub $name: u64,)+
            started_ms: u64,
            codes: std::collections::BTreeMap<u16, u64>,
            turns: [u64; BUCKETS.len() + 1],
            turn_us: u64,
        }
        impl Stats {
            fn counters(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($name), concat!($($doc),+), self.$name),)+].into_iter()
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
    /// Entries that rings let go of.
    forgotten;
    /// Entries that went because all rings together were over the budget.
    shed;
    /// Times reading was paused for a peer.
    pauses;
    /// Pings sent.
    pings;
    /// Streams of items opened.
    streams;
    /// Items of streams handed to connections.
    items;
}

/// Sizes of the moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gauges {
    /// Connections open.
    pub connections: usize,
    /// Sessions, absent ones included.
    pub sessions: usize,
    /// Rooms.
    pub rooms: usize,
    /// Bytes in rings.
    pub ring_bytes: usize,
    /// Idempotency keys.
    pub keys: usize,
    /// Bytes of them.
    pub key_bytes: usize,
    /// Decisions that the application owes.
    pub waiting: usize,
    /// Bytes of chunks of output.
    pub outbox_memory: usize,
    /// References into them.
    pub outbox_references: usize,
    /// Deadlines.
    pub timers: usize,
    /// Addresses counted.
    pub addresses: usize,
    /// Users counted.
    pub users: usize,
    /// Streams of items that are open.
    pub open_streams: usize,
    /// Bytes that streams keep, or that wait for their handlers.
    pub stream_bytes: usize,
    /// The number of the newest entry.
    pub head: u64,
}

impl Gauges {
    /// Each by name.
    #[must_use]
    pub fn named(&self) -> [(&'static str, u64); 15] {
        [
            ("connections", self.connections as u64),
            ("sessions", self.sessions as u64),
            ("rooms", self.rooms as u64),
            ("ring_bytes", self.ring_bytes as u64),
            ("keys", self.keys as u64),
            ("key_bytes", self.key_bytes as u64),
            ("waiting", self.waiting as u64),
            ("outbox_memory", self.outbox_memory as u64),
            ("outbox_references", self.outbox_references as u64),
            ("timers", self.timers as u64),
            ("addresses", self.addresses as u64),
            ("users", self.users as u64),
            ("open_streams", self.open_streams as u64),
            ("stream_bytes", self.stream_bytes as u64),
            ("head", self.head),
        ]
    }
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
        for (name, value) in sizes.named() {
            let _ = writeln!(out, "# TYPE rtcore_current_{name} gauge\nrtcore_current_{name} {value}");
        }
        out.push_str("# HELP rtcore_closed_total Connections closed by the server, by code.\n");
        out.push_str("# TYPE rtcore_closed_total counter\n");
        for (code, count) in &self.codes {
            let _ = writeln!(out, "rtcore_closed_total{{code=\"{code}\"}} {count}");
        }
        out.push_str("# HELP rtcore_turn_seconds How long the turns took that were reported as long, over 50 ms, handlers included.\n");
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
        let _ = writeln!(out, "# TYPE rtcore_start_time_seconds gauge\nrtcore_start_time_seconds {started}");
        out
    }
}
