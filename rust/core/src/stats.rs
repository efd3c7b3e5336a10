//! Counters and sizes, as they are told.

use crate::codes::{Code, close};
use crate::log::entry::ENCODINGS;
use crate::metrics::json::Json;
use crate::metrics::stages::encoding_word;
use crate::metrics::tell::{Buckets, Kind, Tell, number};
use crate::metrics::windows::{Rates, Window};
use std::num::Saturating;

/// A counter of what has happened: it stays at its end, and neither wraps nor panics there.
pub type Counter = Saturating<u64>;

/// How often an entry was written in each encoding.
pub type Encoded = [Counter; ENCODINGS];

/// Upper bounds of the buckets of turn times, in microseconds.
const BUCKETS: [u64; 10] = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000];

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {
        /// What has happened since the engine began.
        #[derive(Debug, Default)]
        pub struct Stats {
            $($(#[doc = $doc])+ pub $name: Counter,)+
            /// Times an event was written, by encoding: once for each that somebody hears, however many listen.
            pub encoded: Encoded,
            faulted: [u64; Code::ALL.len()],
            refusals: [u64; Code::ALL.len()],
            closes: [u64; close::TABLE.len() + 1],
            started_ms: u64,
            turns: [u64; BUCKETS.len() + 1],
            turn_us: u64,
        }
        impl Stats {
            /// Each by name, with what it means.
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
    /// Bytes of what was compressed, or was tried to be.
    compressed_from;
    /// Bytes that those became, used or not.
    compressed_to;
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
        let other = close::TABLE.len();
        self.closes[close::TABLE.iter().position(|(_, known)| *known == code).unwrap_or(other)] += 1;
    }

    /// A peer said something that is not done.
    pub fn fault(&mut self, code: Code) {
        self.faults += 1;
        self.faulted[code as usize] += 1;
    }

    /// A handshake, a request or a connection was refused.
    pub fn refuse(&mut self, code: Code) {
        self.refused += 1;
        self.refusals[code as usize] += 1;
    }

    /// A turn took so long.
    pub fn turn(&mut self, ns: u64) {
        let us = ns / 1000;
        self.turns[BUCKETS.partition_point(|bound| *bound < us)] += 1;
        self.turn_us += us;
    }

    /// All counters, in an order that does not change.
    #[must_use]
    pub fn all(&self) -> Vec<u64> {
        let named = self.counters().map(|(_, _, value)| value);
        let encoded = self.encoded.iter().map(|count| count.0);
        named.chain(self.closes).chain(self.faulted).chain(self.refusals).chain(encoded).collect()
    }

    /// Counters and sizes, told one by one.
    pub fn tell(&self, to: &mut dyn Tell, sizes: &Gauges) {
        for (name, help, value) in self.counters() {
            counter(to, name, help, [(None, value)]);
        }
        let sum = self.encoded.iter().map(|count| count.0).sum();
        counter(to, "encoded", "Times an event was written in an encoding.", [(None, sum)]);
        for (name, help, value) in sizes.named() {
            let name = format!("rtcore_current_{name}");
            to.begin(&name, Kind::Gauge, help);
            to.number(&name, None, number(value));
        }
        for group in self.groups() {
            let rows = group.rows().map(|(of, value)| (Some((group.label, of)), value));
            counter(to, group.name, group.help, rows.filter(|(_, value)| *value > 0));
        }
        let name = "rtcore_turn_seconds";
        to.begin(
            name,
            Kind::Histogram,
            "How long turns took, from what came to what was written, handlers included.",
        );
        let mut below = 0;
        let mut upto = Vec::with_capacity(BUCKETS.len());
        for (bound, count) in BUCKETS.iter().zip(&self.turns) {
            below += count;
            upto.push((number(*bound) / 1e6, below));
        }
        let count = below + self.turns[BUCKETS.len()];
        let sum = number(self.turn_us) / 1e6;
        to.buckets(name, None, &Buckets { upto, count, sum, spread: None }, None);
        let name = "rtcore_start_time_seconds";
        to.begin(name, Kind::Gauge, "When the server began (seconds since 1970).");
        to.number(name, None, number(self.started_ms) / 1e3);
    }

    /// Since the start and in each window, by name.
    pub fn json(&self, json: &mut Json, rates: &Rates) {
        let all = self.all();
        let windows = Window::ALL.map(|window| (window, rates.within(window, &all)));
        let row = |json: &mut Json, place: usize| {
            json.object(|json| {
                json.name("all").number(all.get(place).copied().unwrap_or(0));
                for (window, sums) in &windows {
                    json.name(window.word()).number(sums.at(place));
                }
            });
        };
        let mut place = 0;
        json.name("counters").object(|json| {
            for (name, _, _) in self.counters() {
                row(json.name(name), place);
                place += 1;
            }
        });
        for group in self.groups() {
            json.name(group.name).object(|json| {
                for (of, value) in group.rows() {
                    if value > 0 {
                        row(json.name(of), place);
                    }
                    place += 1;
                }
            });
        }
    }

    /// Counters that are told apart by a word: their names, what they mean, and each. In the order of `all`.
    fn groups(&self) -> [Group; 4] {
        let codes = |values: &[u64; Code::ALL.len()]| {
            Code::ALL.iter().map(|code| code.word().to_owned()).zip(values.iter().copied()).collect()
        };
        let closes = close::TABLE.iter().map(|(_, code)| code.to_string()).chain(["other".to_owned()]);
        let encodings = (0..).map(encoding_name).zip(self.encoded.iter().map(|count| count.0));
        [
            Group {
                name: "closed",
                label: "code",
                help: "Connections closed by the server, by code.",
                rows: closes.zip(self.closes).collect(),
            },
            Group {
                name: "faults_by_code",
                label: "code",
                help: "Faults in what peers said, by code.",
                rows: codes(&self.faulted),
            },
            Group {
                name: "refused_by_code",
                label: "code",
                help: "Handshakes, requests and connections refused, by code.",
                rows: codes(&self.refusals),
            },
            Group {
                name: "encoded_by_encoding",
                label: "encoding",
                help: "Times an event was written in an encoding, by encoding.",
                rows: encodings.collect(),
            },
        ]
    }
}

struct Group {
    name: &'static str,
    label: &'static str,
    help: &'static str,
    rows: Vec<(String, u64)>,
}

impl Group {
    fn rows(&self) -> impl Iterator<Item = (&str, u64)> {
        self.rows.iter().map(|(of, value)| (of.as_str(), *value))
    }
}

fn encoding_name(encoding: usize) -> String {
    encoding_word(encoding).to_owned()
}

/// A counter by its short name, with a number for each label.
pub fn counter<'a>(
    to: &mut dyn Tell,
    name: &str,
    help: &str,
    rows: impl IntoIterator<Item = (Option<(&'a str, &'a str)>, u64)>,
) {
    let name = format!("rtcore_{name}_total");
    to.begin(&name, Kind::Counter, help);
    for (label, value) in rows {
        to.number(&name, label, number(value));
    }
}
