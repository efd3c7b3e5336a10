//! The load: many clients in one thread, by WebSocket or over plain HTTP, that measure a server from outside.
//!
//! A message carries the time at which it left, between `@@` marks, so that whatever comes back with a mark counts as one
//! delivery and tells its latency. Marks rise, so that each client sees what is repeated or out of order; after a scene
//! all wait until everything owed is there, and the report says what is missing. What carries no mark (acks, greetings)
//! is counted apart. One JSON object is printed.
#![forbid(unsafe_code)]
// Figures are printed with few decimals: what a conversion to f64 loses is far below that.
#![allow(clippy::cast_precision_loss)]

mod client;
mod clients;
mod hearing;
mod items;
mod message;
mod plain;
mod plan;
mod report;
mod resume;
mod scenes;

use clients::Clients;
use report::{Moments, Used};
use rtcore_bench::args::Args;
use std::io;
use std::time::Duration;

fn main() -> io::Result<()> {
    let args = Args::read(plan::USAGE);
    let (plan, wanted) = plan::plan(&args);
    let pid = plan.pid;
    let mut at = Moments { before: Used::now(pid), ..Moments::default() };
    let total = plan.connections + plan.publishers;
    let mut clients = Clients::new(wanted, plan.publishers)?;
    if plan.messages.is_some() {
        clients.patience = scenes::PATIENCE_COUNTED;
    }
    at.connecting = scenes::connect(&mut clients, total, plan.burst)?;
    at.ready = Used::now(pid);
    scenes::settle(&mut clients, Duration::from_millis(500))?;
    at.begin = Used::now(pid);
    clients.forget();
    clients.left = plan.messages.unwrap_or(u64::MAX);
    let time = if plan.messages.is_some() { clients.patience } else { plan.seconds };
    at.scene = match (plan.mode.as_str(), plan.rate) {
        ("echo" | "acked", None) => scenes::echo(&mut clients, plan.window, time)?,
        ("echo" | "acked", Some(rate)) => scenes::paced(&mut clients, plan.connections, rate, plan.seconds)?,
        ("fanout", None) => scenes::fanout(&mut clients, plan.connections, plan.window, time)?,
        ("fanout", Some(rate)) => scenes::paced(&mut clients, 1, rate, plan.seconds)?,
        ("items", _) => items::read(&mut clients, plan.seconds)?,
        ("idle", _) => scenes::settle(&mut clients, plan.seconds).map(|()| plan.seconds)?,
        ("accept", _) => Duration::ZERO,
        ("slow", _) => scenes::slow(&mut clients, plan.count, plan.window)?,
        ("resume", _) => {
            let begin = &mut at.begin;
            resume::storm(&mut clients, plan.count, plan.window, || *begin = Used::now(pid))?
        }
        _ => args.fail("--mode is echo, acked, fanout, items, idle, accept, slow or resume"),
    };
    at.in_time = clients.heard;
    match plan.mode.as_str() {
        "echo" | "acked" => scenes::all_answered(&mut clients)?,
        "fanout" => scenes::all_heard(&mut clients)?,
        _ => {}
    }
    at.end = Used::now(pid);
    println!("{}", report::report(&plan, &clients, &at));
    Ok(())
}
