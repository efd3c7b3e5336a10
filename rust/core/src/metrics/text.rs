//! The Prometheus text format, version 0.0.4: names, labels, histograms. And `OpenMetrics` 1.0.0, which is nearly the same,
//! and has exemplars.

use super::scale::bucket;
use super::spread::Spread;
use std::fmt::{Display, Write};

/// The bounds of the buckets that are told are these powers of two (ns): from 8 microseconds to 34 seconds.
const POWERS: std::ops::RangeInclusive<u32> = 13..=35;

/// How it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own.
    #[default]
    Prometheus,
    /// `OpenMetrics`: a counter is named without its `_total`, and a bucket may have an exemplar.
    Open,
}

/// A text that is being written.
#[derive(Debug, Default)]
pub struct Text {
    /// What is written.
    pub out: String,
    format: Format,
}

/// The id of a trace, and how long that took (ns).
pub type Exemplar<'a> = Option<(&'a str, u64)>;

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
    /// Nothing yet.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { out: String::with_capacity(32_768), format }
    }

    /// A metric begins: its name, what it is, what it means.
    pub fn begin(&mut self, name: &str, kind: Kind, help: &str) {
        let name = match (kind, self.format) {
            (Kind::Counter, Format::Open) => name.strip_suffix("_total").unwrap_or(name),
            _ => name,
        };
        let help = help.trim().replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} {}", kind.word());
    }

    /// A number of it, with at most one label.
    pub fn number(&mut self, name: &str, label: Option<(&str, &str)>, value: impl Display) {
        let _ = match label {
            Some((label, of)) => writeln!(self.out, "{name}{{{label}=\"{}\"}} {value}", escaped(of)),
            None => writeln!(self.out, "{name} {value}"),
        };
    }

    /// Durations of it.
    pub fn spread(
        &mut self,
        name: &str,
        (label, of): (&str, &str),
        spread: &Spread,
        mut exemplar: Exemplar<'_>,
    ) {
        let of = escaped(of);
        if self.format == Format::Prometheus {
            exemplar = None;
        }
        for power in POWERS {
            let (bound, upto) = (seconds(1 << power), spread.upto(bucket(1 << power)));
            let _ = write!(self.out, "{name}_bucket{{{label}=\"{of}\",le=\"{bound}\"}} {upto}");
            self.exemplar(&mut exemplar, 1 << power);
        }
        let (count, sum) = (spread.count(), seconds(spread.sum()));
        let _ = write!(self.out, "{name}_bucket{{{label}=\"{of}\",le=\"+Inf\"}} {count}");
        self.exemplar(&mut exemplar, u64::MAX);
        let _ = writeln!(
            self.out,
            "{name}_sum{{{label}=\"{of}\"}} {sum}\n{name}_count{{{label}=\"{of}\"}} {count}"
        );
    }
}

impl Text {
    /// The end of a bucket's line: an exemplar stands in the first bucket that it fits into.
    fn exemplar(&mut self, exemplar: &mut Exemplar<'_>, bound: u64) {
        if let Some((trace, took)) = exemplar.take_if(|(_, took)| *took <= bound) {
            let _ = write!(self.out, " # {{trace_id=\"{}\"}} {}", escaped(trace), seconds(took));
        }
        self.out.push('\n');
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
            text.out,
            "# HELP a what\\nit \\\\ is\n# TYPE a counter\na{event=\"say\\\"} 1\\nb{x=\\\"\\\\\"} 2\n"
        );
    }
}
