//! What is measured of the walk, and how it is told to those who look. `told` tells it to Prometheus.
//!
//! Parts: Asked, Conns, Out, Rooms, Sessions.

use super::Engine;
use crate::asked::Waiting;
use crate::conn::Phase;
use crate::limits::fixed::{MEASURED_CLASSES, MEASURED_EVENTS};
use crate::metrics::Transport;
use crate::metrics::json::Json;
use crate::metrics::meter::{Class, Event, Link};
use crate::metrics::series::Series;
use crate::metrics::stages::Stage;
use crate::metrics::windows::{Rates, Window};
use crate::room::table::Room;

/// The name of all that are beyond the bound.
const OTHERS: &str = "(others)";

/// Rows of one kind, by name.
pub(super) type Rows<'a> = Vec<(&'a str, &'a Series)>;

impl Engine {
    /// It is this moment: nanoseconds of a clock that stands still for nothing, by which stages are measured.
    pub fn moment(&mut self, ns: u64) {
        self.meter.set_moment(ns);
        let (from, to) = self.out.tried_to_compress();
        self.stats.compressed_from.0 = from;
        self.stats.compressed_to.0 = to;
        if self.meter.is_due() {
            let Self { meter, stats, .. } = self;
            meter.tick(|| stats.all());
        }
    }

    /// All that came was read at this moment: from now on the application has it.
    pub fn read_ends(&mut self, ns: u64) {
        self.meter.read_ends(ns);
        if !self.trails.is_empty() {
            self.trails.read_ends(ns);
        }
    }

    /// All that was due is with the kernel, as far as it takes it, at this moment.
    pub fn write_ends(&mut self, ns: u64) {
        self.meter.write_ends(ns);
        if !self.trails.is_empty() {
            self.trails.write_ends(ns);
        }
    }

    /// The handler of the request that is answered next began at this moment. Without it: when the answer before was given.
    pub fn handler_began(&mut self, ns: u64) {
        self.meter.set_began(ns);
    }

    /// When the last answer was given: then what runs next began.
    #[must_use]
    pub fn last_answered(&self) -> u64 {
        self.meter.last_answered()
    }

    /// A handler held the turn for this long.
    pub fn report_turn(&mut self, ns: u64) {
        self.stats.turn(ns);
    }

    pub(super) fn measure_answer(&mut self, request: u64, failed: bool) {
        if let Some(Waiting::Emit { session, handler, asked, .. }) = self.asked.get_mut(request) {
            let began = self.meter.answered(*handler, *session, *asked, failed);
            if !self.trails.is_empty()
                && let Some(trace) = self.trails.answered(request, began, self.meter.moment(), failed)
            {
                self.meter.exemplify(*handler, trace, began);
            }
        }
    }

    /// All of it as JSON: durations in milliseconds, in each window.
    #[must_use]
    pub fn measured(&self) -> String {
        let mut json = Json::default();
        json.object(|json| {
            json.name("sizes").object(|json| {
                for (name, _, value) in self.sizes().named() {
                    json.name(name).number(value);
                }
            });
            json.name("links").object(|json| {
                for (transport, count) in self.links() {
                    json.name(transport).number(count);
                }
            });
            self.stats.json(json, &self.meter.rates);
            json.name("stages").list(|json| {
                for stage in Stage::ALL {
                    for (of, series) in self.rows(stage) {
                        json.object(|json| {
                            json.name("stage").text(stage.word());
                            json.name("by").text(stage.label());
                            json.name("of").text(of);
                            json.series(series);
                        });
                    }
                }
            });
            json.name("latency").list(|json| {
                for (of, series) in self.link_rows(|link| &link.latency) {
                    json.object(|json| {
                        json.name("transport").text(of);
                        json.series(series);
                    });
                }
            });
            json.name("events").list(|json| self.tell_events(json));
            json.name("rooms").list(|json| self.tell_classes(json));
            self.tell_slowest(json);
            json.name("largest_room").object(|json| {
                let seen = |room: &&Room| room.settings().presence;
                let largest = self.rooms.iter().map(|(_, room)| room).filter(seen);
                if let Some(room) = largest.max_by_key(|room| room.members().visible()) {
                    json.name("room").text(room.name());
                    json.name("members").number(room.members().visible() as u64);
                }
            });
            self.tell_reports(json);
            json.name("clients").list(|json| {
                for row in self.meter.clients.rows() {
                    json.object(|json| {
                        json.name("client").text(&row.key);
                        json.name("came").number(row.weight);
                    });
                }
            });
        });
        json.into_text()
    }

    fn tell_events(&self, json: &mut Json) {
        for (at, event) in self.meter.events.iter().enumerate() {
            json.object(|json| {
                json.name("event").text(self.event_name(at));
                for (place, name) in ["answered", "failed"].into_iter().enumerate() {
                    risen(json.name(name), place, &event.answered, &event.rates);
                }
            });
        }
    }

    fn tell_classes(&self, json: &mut Json) {
        for (at, class) in self.meter.classes.iter().enumerate() {
            json.object(|json| {
                json.name("rooms").text(self.class_name(at));
                for (place, name) in ["published", "delivered", "behind"].into_iter().enumerate() {
                    risen(json.name(name), place, &class.said, &class.rates);
                }
            });
        }
    }

    /// The slowest handlers, rooms and sessions.
    fn tell_slowest(&self, json: &mut Json) {
        let ago = |moment: u64| Some(self.meter.moment().saturating_sub(moment));
        let name_of = |session| self.session(session).map(|session| &**session.name());
        json.name("slowest_handlers").list(|json| {
            let slowest =
                |event: &Event| event.slowest.into_iter().flatten().max_by_key(|slowest| slowest.took);
            let mut rows: Vec<_> = self.meter.events.iter().enumerate().collect();
            rows.retain(|(_, event)| slowest(event).is_some());
            rows.sort_by_key(|(_, event)| std::cmp::Reverse(slowest(event).map(|slowest| slowest.took)));
            for (at, event) in rows.into_iter().take(crate::limits::fixed::SLOWEST) {
                let Some(slowest) = slowest(event) else { continue };
                json.object(|json| {
                    json.name("event").text(self.event_name(at));
                    json.name("took").ms(Some(slowest.took));
                    json.name("ago").ms(ago(slowest.moment));
                    json.name("session").text(name_of(slowest.session).unwrap_or(""));
                });
            }
        });
        json.name("slowest_rooms").list(|json| {
            for row in self.meter.rooms.rows() {
                let Some(room) = self.room(row.key) else { continue };
                json.object(|json| {
                    json.name("room").text(room.name());
                    json.name("behind").number(row.weight);
                    json.name("members").number(room.members().len() as u64);
                    json.name("ago").ms(ago(row.moment));
                    json.name("session").text(name_of(crate::ids::SessionId(row.example)).unwrap_or(""));
                });
            }
        });
        json.name("slowest_sessions").list(|json| {
            for row in self.meter.sessions.rows() {
                let Some(session) = self.session(row.key) else { continue };
                json.object(|json| {
                    json.name("session").text(session.name());
                    json.name("user").text(session.user().map_or("", |user| user));
                    json.name("blocked").ms(Some(row.worst));
                    json.name("latency").ms(session.latency_us().map(|us| u64::from(us) * 1000));
                    json.name("unsent").number(self.unsent(row.key) as u64);
                    json.name("ago").ms(ago(row.moment));
                });
            }
        });
    }

    /// How many connections there are of each transport.
    pub(super) fn links(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let mut counts = [0; Transport::ALL.len()];
        for conn in self.conns.iter().filter(|conn| conn.phase() != Phase::Closing) {
            counts[conn.transport() as usize] += 1;
        }
        Transport::ALL.into_iter().map(Transport::word).zip(counts)
    }

    pub(super) fn rows(&self, stage: Stage) -> Rows<'_> {
        match stage {
            Stage::Read => self.link_rows(|link| &link.read),
            Stage::Write => self.link_rows(|link| &link.write),
            Stage::Wait => self.event_rows(|event| &event.wait),
            Stage::Handler => self.event_rows(|event| &event.handler),
            Stage::Commit => self.class_rows(|class| &class.commit),
            Stage::FanOut => self.class_rows(|class| &class.fan_out),
        }
    }

    pub(super) fn link_rows<'a>(&'a self, series: impl Fn(&'a Link) -> &'a Series) -> Rows<'a> {
        let rows = Transport::ALL.into_iter().zip(&self.meter.links);
        known(rows.map(|(transport, link)| (transport.word(), series(link))))
    }

    fn event_rows<'a>(&'a self, series: impl Fn(&'a Event) -> &'a Series) -> Rows<'a> {
        known(self.meter.events.iter().enumerate().map(|(at, event)| (self.event_name(at), series(event))))
    }

    fn class_rows<'a>(&'a self, series: impl Fn(&'a Class) -> &'a Series) -> Rows<'a> {
        known(self.meter.classes.iter().enumerate().map(|(at, class)| (self.class_name(at), series(class))))
    }

    pub(super) fn event_name(&self, at: usize) -> &str {
        let names = if at < MEASURED_EVENTS { &self.config.events[..] } else { &[] };
        names.get(at).map_or(OTHERS, String::as_str)
    }

    pub(super) fn class_name(&self, at: usize) -> &str {
        let names = if at < MEASURED_CLASSES { self.rooms.classes() } else { &[] };
        names.get(at).map_or(OTHERS, |name| name)
    }
}

fn known<'a>(rows: impl Iterator<Item = (&'a str, &'a Series)>) -> Rows<'a> {
    rows.filter(|(_, series)| series.is_known()).collect()
}

/// A counter since the start and in each window.
pub(super) fn risen(json: &mut Json, place: usize, counters: &[u64], rates: &Rates) {
    json.object(|json| {
        json.name("all").number(counters.get(place).copied().unwrap_or(0));
        for window in Window::ALL {
            json.name(window.word()).number(rates.within(window, counters).at(place));
        }
    });
}
