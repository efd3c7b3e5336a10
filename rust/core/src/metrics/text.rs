//! The Prometheus text format, version 0.0.4: names, labels, histograms.

use super::scale::bucket;
use super::spread::Spread;
use std::fmt::{Display, Write};

/// The bounds of the buckets that are told are these powers of two (ns): from 8 microseconds to 34 seconds.
const POWERS: std::ops::RangeInclusive<u32> = 13..=35;

/// A text that is being written.
#[derive(Debug, Default)]
pub struct Text(pub String);

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only rises.
    Counter,
    /// It is as it is.
    Gauge,
    /// Durations, in seconds.
    Histogram,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl Text {
    /// A metric begins: its name, what it is, what it means.
    pub fn begin(&mut self, name: &str, kind: Kind, help: &str) {
        let help = help.trim().replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {}", kind.word());
    }

    /// A number of it, with at most one label.
    pub fn number(&mut self, name: &str, label: Option<(&str, &str)>, value: impl Display) {
        let _ = match label {
            Some((label, of)) => writeln!(self.0, "{name}{{{label}=\"{}\"}} {value}", escaped(of)),
            None => writeln!(self.0, "{name} {value}"),
        };
    }

    /// Durations of it.
    pub fn spread(&mut self, name: &str, (label, of): (&str, &str), spread: &Spread) {
        let of = escaped(of);
        for power in POWERS {
            let (bound, upto) = (seconds(1 << power), spread.upto(bucket(1 << power)));
            let _ = writeln!(self.0, "{name}_bucket{{{label}=\"{of}\",le=\"{bound}\"}} {upto}");
        }
        let (count, sum) = (spread.count(), seconds(spread.sum()));
        let _ = writeln!(self.0, "{name}_bucket{{{label}=\"{of}\",le=\"+Inf\"}} {count}");
        let _ = writeln!(
            self.0,
            "{name}_sum{{{label}=\"{of}\"}} {sum}\n{name}_count{{{label}=\"{of}\"}} {count}"
        );
    }
}

/// Nanoseconds as seconds.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a sum for people")]
pub fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// The value of a label: nothing in it ends it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::{Kind, Text};

    #[test]
    fn a_label_cannot_end_its_line() {
        let mut text = Text::default();
        text.begin("a", Kind::Counter, "what\nit \\ is");
        text.number("a", Some(("event", "say\"} 1\nb{x=\"\\")), 2);
        assert_eq!(
            text.0,
            "# HELP a what\\nit \\\\ is\n# TYPE a counter\na{event=\"say\\\"} 1\\nb{x=\\\"\\\\\"} 2\n"
        );
    }
}
