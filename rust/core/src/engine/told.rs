//! What is measured, told in the formats of Prometheus; and its histograms, for OpenTelemetry.
//!
//! Parts: none.

use super::Engine;
use super::measure::Rows;
use crate::metrics::json::Json;
use crate::metrics::stages::Stage;
use crate::metrics::tell::{Exemplar, Format, Kind, Tell, number};
use crate::metrics::windows::Rates;
use crate::stats::counter;

/// The metric that has exemplars.
const HANDLER: &str = "rtcore_handler_seconds";

impl Engine {
    /// Counters, sizes and durations as Prometheus text.
    #[must_use]
    pub fn metrics(&self) -> String {
        String::from_utf8(self.metrics_as(Format::Prometheus, &[])).unwrap_or_default()
    }

    /// The same in one of its formats. `tasks`: how often each of the application's background tasks failed.
    #[must_use]
    pub fn metrics_as(&self, format: Format, tasks: &[(String, u64)]) -> Vec<u8> {
        let mut teller = format.teller();
        let to = &mut *teller;
        self.stats.tell(to, &self.sizes());
        let name = "rtcore_links";
        to.begin(name, Kind::Gauge, "Connections open, by what they carry.");
        for (transport, count) in self.links() {
            to.number(name, Some(("transport", transport)), number(count));
        }
        for (name, label, help, rows) in self.durations() {
            to.begin(name, Kind::Histogram, help);
            for (of, series) in rows {
                let exemplar = if name == HANDLER { self.exemplar(of) } else { None };
                to.spread(name, (label, of), &series.all(), exemplar);
            }
        }
        let events = self.meter.events.iter().zip(0..);
        let events = events.map(|(event, at)| (self.event_name(at), &event.answered[..], &event.rates));
        let what = [
            ("answered", "Requests answered, by event."),
            ("answers_failed", "Requests answered with an error, by event."),
        ];
        counts(to, "event", &what, &events.collect::<Vec<_>>());
        let classes = self.meter.classes.iter().zip(0..);
        let classes = classes.map(|(class, at)| (self.class_name(at), &class.said[..], &class.rates));
        let what = [
            ("rooms_published", "Events published, by the pattern of rooms."),
            ("rooms_delivered", "Events handed to live listeners, by the pattern of rooms."),
            ("rooms_behind", "Times a listener fell behind, by the pattern of rooms."),
        ];
        counts(to, "rooms", &what, &classes.collect::<Vec<_>>());
        if !tasks.is_empty() {
            let help = "Times that a background task of the application failed.";
            let rows = tasks.iter().map(|(task, failed)| (Some(("task", task.as_str())), *failed));
            counter(to, "background_failures", help, rows);
        }
        teller.into_bytes()
    }

    /// Durations of each stage since the start, as JSON: buckets that grow by a factor (`metrics::native`), with `first` the
    /// number of the first of `counts`. Times in nanoseconds.
    #[must_use]
    pub fn histograms(&self) -> String {
        let mut json = Json::default();
        json.list(|json| {
            for (name, label, _, rows) in self.durations() {
                for (of, series) in rows {
                    let all = series.all();
                    json.object(|json| {
                        json.name("name").text(name);
                        json.name("by").text(label);
                        json.name("of").text(of);
                        json.native(&all);
                    });
                }
            }
        });
        json.into_text()
    }

    /// The last request of an event that had a trace.
    fn exemplar(&self, event: &str) -> Exemplar<'_> {
        let mut events = self.meter.events.iter().enumerate();
        let (_, found) = events.find(|(at, _)| self.event_name(*at) == event)?;
        found.exemplar.as_ref().map(|(trace, took)| (&**trace, *took))
    }

    fn durations(&self) -> [(&'static str, &'static str, &'static str, Rows<'_>); 7] {
        let of = |stage: Stage, name, help| (name, stage.label(), help, self.rows(stage));
        [
            of(Stage::Read, "rtcore_read_seconds", "How long it took to read what came in a turn."),
            of(Stage::Wait, "rtcore_wait_seconds", "How long requests waited for their handlers."),
            of(Stage::Handler, HANDLER, "How long handlers took, their waits included."),
            of(Stage::Commit, "rtcore_commit_seconds", "How long events were on their way to the disk."),
            of(
                Stage::FanOut,
                "rtcore_fan_out_seconds",
                "How long events waited to be written to their listeners.",
            ),
            of(
                Stage::Write,
                "rtcore_write_seconds",
                "How long it took until the kernel had all that was due.",
            ),
            (
                "rtcore_latency_seconds",
                "transport",
                "Round trips that pings measured.",
                self.link_rows(|link| &link.latency),
            ),
        ]
    }
}

fn counts(to: &mut dyn Tell, label: &str, what: &[(&str, &str)], rows: &[(&str, &[u64], &Rates)]) {
    for (place, (name, help)) in what.iter().enumerate() {
        let name = format!("rtcore_{name}_total");
        to.begin(&name, Kind::Counter, help);
        for (of, values, _) in rows {
            to.number(&name, Some((label, of)), number(values.get(place).copied().unwrap_or(0)));
        }
    }
}
