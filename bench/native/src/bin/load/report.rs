//! What is printed: one JSON object, every figure of it.

use crate::clients::Clients;
use crate::plan::Plan;
use hdrhistogram::Histogram;
use rtcore_bench::process;
use std::fmt::Write;
use std::time::Duration;

/// What the server's process has used up to a moment.
#[derive(Clone, Copy, Default)]
pub struct Used {
    pub cpu_ns: u64,
    pub resident: u64,
}

impl Used {
    pub fn now(pid: Option<u32>) -> Self {
        Self {
            cpu_ns: pid.and_then(process::cpu_ns).unwrap_or(0),
            resident: pid.and_then(process::resident).unwrap_or(0),
        }
    }
}

/// The moments of a run.
#[derive(Default)]
pub struct Moments {
    pub before: Used,
    pub ready: Used,
    pub begin: Used,
    pub end: Used,
    pub connecting: f64,
    pub scene: Duration,
    /// Deliveries in the time of the scene, without those that came after it.
    pub in_time: u64,
}

/// A JSON object of numbers.
struct Object(String);

impl Object {
    fn number(&mut self, name: &str, value: f64, digits: usize) {
        let comma = if self.0.is_empty() { "" } else { "," };
        write!(self.0, "{comma}\"{name}\":{value:.digits$}").expect("a string takes what it is given");
    }

    fn quantiles(&mut self, name: &str, times: &Histogram<u64>) {
        for (suffix, quantile) in [("p50", 0.5), ("p99", 0.99), ("p999", 0.999), ("max", 1.0)] {
            self.number(&format!("{name}{suffix}_us"), times.value_at_quantile(quantile) as f64 / 1e3, 1);
        }
    }
}

/// Deliveries that should have been: each message to everyone that it was for. None where that is not what was asked.
fn owed(plan: &Plan, clients: &Clients) -> Option<(u64, u64)> {
    let missing = |owed: u64, heard: u64| owed.saturating_sub(heard);
    match plan.mode.as_str() {
        "echo" | "acked" | "items" => {
            let owed = clients.all.iter().map(|client| client.sent).sum();
            Some((owed, clients.all.iter().map(|client| missing(client.sent, client.heard)).sum()))
        }
        "fanout" | "resume" => {
            let (published, members) = (clients.all[0].sent, &clients.all[clients.publishers..]);
            let lost = members.iter().map(|client| missing(published, client.heard)).sum();
            Some((published * members.len() as u64, lost))
        }
        _ => None,
    }
}

/// The whole report.
pub fn report(plan: &Plan, clients: &Clients, moments: &Moments) -> String {
    let Moments { before, ready, begin, end, .. } = *moments;
    let total = clients.len() as f64;
    let cpu_us = (end.cpu_ns - begin.cpu_ns) as f64 / 1e3;
    let seconds = moments.scene.as_secs_f64().max(1e-9);
    let mut object = Object(String::new());
    object.number("n", plan.connections as f64, 0);
    object.number("size", clients.wanted.message.len() as f64, 0);
    object.number("connect_s", moments.connecting, 3);
    object.number("connect_cpu_us", (ready.cpu_ns - before.cpu_ns) as f64 / 1e3 / total, 2);
    object.quantiles("opening_", &clients.opening);
    object.number("seconds", seconds, 3);
    object.number("sent", clients.all.iter().map(|client| client.sent).sum::<u64>() as f64, 0);
    object.number("messages", clients.heard as f64, 0);
    if let Some((owed, missing)) = owed(plan, clients) {
        object.number("owed", owed as f64, 0);
        object.number("missing", missing as f64, 0);
    }
    object.number("disordered", clients.disordered as f64, 0);
    object.number("others", clients.others as f64, 0);
    object.number("closed", clients.closed as f64, 0);
    object.number("per_second", moments.in_time as f64 / seconds, 0);
    object.quantiles("", &clients.times);
    if plan.rate.is_some() {
        object.quantiles("late_", &clients.late);
    }
    object.number("cpu_us_per_message", cpu_us / clients.heard.max(1) as f64, 4);
    object.number("cpu_share", cpu_us / 1e6 / seconds, 3);
    let grown = begin.resident.saturating_sub(before.resident) as f64;
    object.number("resident_per_connection", grown / total, 0);
    object.number("resident_before", begin.resident as f64, 0);
    object.number("resident_after", end.resident as f64, 0);
    format!("{{\"mode\":\"{}\",{}}}", plan.mode, object.0)
}
