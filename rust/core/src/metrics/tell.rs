//! What metrics are told to: a text, or Prometheus' protocol buffers.

use super::proto::Proto;
use super::scale::bucket;
use super::spread::Spread;
use super::text::Text;

/// The bounds of the buckets that are told are these powers of two (ns): from 8 microseconds to 34 seconds.
const POWERS: std::ops::RangeInclusive<u32> = 13..=35;

/// How it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own text.
    #[default]
    Prometheus,
    /// `OpenMetrics`: a counter is named without its `_total`, and a bucket may have an exemplar.
    Open,
    /// Messages `io.prometheus.client.MetricFamily`, each after its length: the one that has native histograms.
    Proto,
}

impl Format {
    /// What is told to it.
    #[must_use]
    pub fn teller(self) -> Box<dyn Tell> {
        match self {
            Self::Prometheus | Self::Open => Box::new(Text::new(self)),
            Self::Proto => Box::new(Proto::default()),
        }
    }
}

/// The id of a trace, and how long that took (ns).
pub type Exemplar<'a> = Option<(&'a str, u64)>;

/// A label and its value.
pub type Label<'a> = (&'a str, &'a str);

/// What a metric is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// It only rises.
    #[default]
    Counter,
    /// It is as it is.
    Gauge,
    /// Durations, in seconds.
    Histogram,
}

impl Kind {
    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Durations, in buckets.
#[derive(Clone, Debug)]
pub struct Buckets<'a> {
    /// Bounds (s), and how many took at most so long.
    pub upto: Vec<(f64, u64)>,
    /// How many.
    pub count: u64,
    /// All together (s).
    pub sum: f64,
    /// The same in full, where it is known.
    pub spread: Option<&'a Spread>,
}

/// Something that metrics are told to, one after the other.
pub trait Tell {
    /// A metric begins: its name, what it is, what it means.
    fn begin(&mut self, name: &str, kind: Kind, help: &str);

    /// A number of it, with at most one label.
    fn number(&mut self, name: &str, label: Option<Label<'_>>, value: f64);

    /// Durations of it.
    fn buckets(
        &mut self,
        name: &str,
        label: Option<Label<'_>>,
        buckets: &Buckets<'_>,
        exemplar: Exemplar<'_>,
    );

    /// All that was told.
    fn into_bytes(self: Box<Self>) -> Vec<u8>;

    /// Durations of it, as they are spread.
    fn spread(&mut self, name: &str, label: Label<'_>, spread: &Spread, exemplar: Exemplar<'_>) {
        let upto = POWERS.map(|power| (seconds(1 << power), spread.upto(bucket(1 << power)))).collect();
        let buckets =
            Buckets { upto, count: spread.count(), sum: seconds(spread.sum()), spread: Some(spread) };
        self.buckets(name, Some(label), &buckets, exemplar);
    }
}

/// Nanoseconds as seconds.
#[must_use]
pub fn seconds(ns: u64) -> f64 {
    number(ns) / 1e9
}

/// A number as those have it who read it: exact below 2^53.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
pub const fn number(n: u64) -> f64 {
    n as f64
}
