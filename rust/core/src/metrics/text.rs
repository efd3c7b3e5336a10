//! The Prometheus text format, version 0.0.4: names, labels, histograms. And `OpenMetrics` 1.0.0, which is nearly the same,
//! and has exemplars.

use super::tell::{Buckets, Exemplar, Format, Kind, Label, Tell, seconds};
use std::fmt::Write;

/// A text that is being written.
#[derive(Debug, Default)]
pub struct Text {
    /// What is written.
    out: String,
    format: Format,
}

impl Text {
    /// Nothing yet, in one of the two formats that are text.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { out: String::with_capacity(32_768), format }
    }

    /// The end of a bucket's line: an exemplar stands in the first bucket that it fits into.
    fn exemplar(&mut self, exemplar: &mut Exemplar<'_>, bound: f64) {
        if let Some((trace, took)) = exemplar.take_if(|(_, took)| seconds(*took) <= bound) {
            let _ = write!(self.out, " # {{trace_id=\"{}\"}} {}", escaped(trace), seconds(took));
        }
        self.out.push('\n');
    }
}

impl Tell for Text {
    fn begin(&mut self, name: &str, kind: Kind, help: &str) {
        let name = match (kind, self.format) {
            (Kind::Counter, Format::Open) => name.strip_suffix("_total").unwrap_or(name),
            _ => name,
        };
        let help = help.trim().replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} {}", kind.word());
    }

    fn number(&mut self, name: &str, label: Option<Label<'_>>, value: f64) {
        let _ = match label {
            Some((label, of)) => writeln!(self.out, "{name}{{{label}=\"{}\"}} {value}", escaped(of)),
            None => writeln!(self.out, "{name} {value}"),
        };
    }

    fn buckets(
        &mut self,
        name: &str,
        label: Option<Label<'_>>,
        buckets: &Buckets<'_>,
        mut exemplar: Exemplar<'_>,
    ) {
        if self.format == Format::Prometheus {
            exemplar = None;
        }
        let label = label.map(|(label, of)| format!("{label}=\"{}\"", escaped(of)));
        let (first, alone) = match &label {
            Some(label) => (format!("{label},"), format!("{{{label}}}")),
            None => (String::new(), String::new()),
        };
        for (bound, upto) in &buckets.upto {
            let _ = write!(self.out, "{name}_bucket{{{first}le=\"{bound}\"}} {upto}");
            self.exemplar(&mut exemplar, *bound);
        }
        let (count, sum) = (buckets.count, buckets.sum);
        let _ = write!(self.out, "{name}_bucket{{{first}le=\"+Inf\"}} {count}");
        self.exemplar(&mut exemplar, f64::INFINITY);
        let _ = writeln!(self.out, "{name}_sum{alone} {sum}\n{name}_count{alone} {count}");
    }

    fn into_bytes(mut self: Box<Self>) -> Vec<u8> {
        if self.format == Format::Open {
            self.out.push_str("# EOF\n");
        }
        self.out.into_bytes()
    }
}

/// The value of a label: nothing in it ends it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::tell::{Kind, Tell};
    use super::Text;

    #[test]
    fn a_label_cannot_end_its_line() {
        let mut text = Text::default();
        text.begin("a", Kind::Counter, "what\nit \\ is");
        text.number("a", Some(("event", "say\"} 1\nb{x=\"\\")), 2.0);
        assert_eq!(
            text.out,
            "# HELP a what\\nit \\\\ is\n# TYPE a counter\na{event=\"say\\\"} 1\\nb{x=\\\"\\\\\"} 2\n"
        );
    }
}
