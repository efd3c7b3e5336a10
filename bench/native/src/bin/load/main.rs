//! The load: many WebSocket clients in one thread, that measure a server from outside.
//!
//! A message carries the time at which it left, between `@@` marks, so that whatever comes back with a mark counts as one
//! delivery and tells its latency. What carries no mark (acks, greetings) is counted apart. One JSON object is printed.
#![forbid(unsafe_code)]
// Figures are printed with one or three decimals: what a conversion to f64 loses is far below that.
#![allow(clippy::cast_precision_loss)]

mod clients;
mod message;
mod scenes;

use clients::{Clients, Wanted};
use hdrhistogram::Histogram;
use message::Message;
use rtcore_bench::args::Args;
use rtcore_bench::process;
use std::io;
use std::time::Duration;

const USAGE: &str = "usage: load --mode MODE --port N [options]
  --mode NAME      echo    every connection keeps --window messages in flight
                   fanout  one more connection publishes, the others hear; --window messages in flight
                   idle    connect and hold still: memory
                   accept  connect and wait to be ready: CPU time of each connection
                   slow    the others stop reading, one publishes --count messages: memory
  --port N         where the server listens on 127.0.0.1
  --pid N          the server's process: its CPU time and memory are read
  --path PATH      default /
  --n N            connections, default 100
  --window N       messages in flight, default 1
  --size N         bytes of a message as a whole, default 128
  --seconds N      how long, default 4
  --count N        messages of `slow`, default 10000
  --init TEXT      sent by each connection when it is open; may be repeated
  --member TEXT    the same, but not by the connection that publishes
  --ready TEXT     a connection is ready when it heard this; without it, when it is open
  --publish TEXT   the message: %M becomes the mark and its padding, %I a number that rises; default %M
  --sources N      addresses to connect from, default 1";

/// What the command line asks for.
struct Plan {
    wanted: Wanted,
    mode: String,
    connections: usize,
    window: usize,
    seconds: Duration,
    count: usize,
    pid: Option<u32>,
}

fn plan(args: &Args) -> Plan {
    let port = u16::try_from(args.number("port", 0)).unwrap_or(0);
    if port == 0 {
        args.fail("--port N is needed");
    }
    let owned = |texts: Vec<&str>| texts.into_iter().map(|text| text.as_bytes().to_vec()).collect();
    let Some(message) = Message::new(args.text("publish").unwrap_or("%M"), args.number("size", 128)) else {
        args.fail("--publish wants %M in it");
    };
    Plan {
        wanted: Wanted {
            port,
            path: args.text("path").unwrap_or("/").to_owned(),
            init: owned(args.all("init")),
            member: owned(args.all("member")),
            ready: args.text("ready").map(|text| text.as_bytes().to_vec()),
            message,
            sources: u8::try_from(args.number("sources", 1)).unwrap_or(u8::MAX).max(1),
        },
        mode: args.text("mode").unwrap_or_else(|| args.fail("--mode is needed")).to_owned(),
        connections: args.number("n", 100),
        window: args.number("window", 1),
        seconds: Duration::from_secs(args.number("seconds", 4) as u64),
        count: args.number("count", 10_000),
        pid: args.text("pid").and_then(|text| text.parse().ok()),
    }
}

/// What was used of the server's process between two moments.
#[derive(Clone, Copy)]
struct Used {
    cpu_ns: u64,
    resident: u64,
}

fn used(pid: Option<u32>) -> Used {
    Used {
        cpu_ns: pid.and_then(process::cpu_ns).unwrap_or(0),
        resident: pid.and_then(process::resident).unwrap_or(0),
    }
}

fn micros(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    histogram.value_at_quantile(quantile) as f64 / 1e3
}

fn main() -> io::Result<()> {
    let args = Args::read(USAGE);
    let plan = plan(&args);
    let publishers = usize::from(matches!(plan.mode.as_str(), "fanout" | "slow"));
    let total = plan.connections + publishers;

    let before = used(plan.pid);
    let mut clients = Clients::new(plan.wanted, publishers)?;
    let connect_seconds = scenes::connect(&mut clients, total)?;
    let ready = used(plan.pid);
    scenes::settle(&mut clients, Duration::from_millis(500))?;
    let begin = used(plan.pid);
    clients.forget();
    let scene = match plan.mode.as_str() {
        "echo" => scenes::echo(&mut clients, plan.window, plan.seconds)?,
        "fanout" => scenes::fanout(&mut clients, plan.connections, plan.window, plan.seconds)?,
        "idle" => scenes::idle(&mut clients, plan.seconds)?,
        "accept" => Duration::ZERO,
        "slow" => scenes::slow(&mut clients, plan.count, plan.window)?,
        _ => args.fail("--mode is echo, fanout, idle, accept or slow"),
    };
    let end = used(plan.pid);

    let heard = clients.heard;
    let cpu = (end.cpu_ns - begin.cpu_ns) as f64 / 1e3;
    let times = &clients.times;
    println!(
        "{{\"mode\":\"{}\",\"n\":{},\"size\":{},\"connect_s\":{connect_seconds:.3},\
         \"connect_cpu_us\":{:.2},\"seconds\":{:.3},\"messages\":{heard},\"others\":{},\"closed\":{},\
         \"per_second\":{:.0},\"p50_us\":{:.1},\"p99_us\":{:.1},\"p999_us\":{:.1},\"cpu_us_per_message\":{:.4},\
         \"cpu_share\":{:.3},\"resident_per_connection\":{:.0},\"resident_before\":{},\"resident_after\":{}}}",
        plan.mode,
        plan.connections,
        clients.message_size(),
        (ready.cpu_ns - before.cpu_ns) as f64 / 1e3 / total as f64,
        scene.as_secs_f64(),
        clients.others,
        clients.closed,
        heard as f64 / scene.as_secs_f64().max(1e-9),
        micros(times, 0.5),
        micros(times, 0.99),
        micros(times, 0.999),
        cpu / (heard.max(1) as f64),
        cpu / 1e6 / scene.as_secs_f64().max(1e-9),
        (begin.resident.saturating_sub(before.resident)) as f64 / total as f64,
        begin.resident,
        end.resident,
    );
    Ok(())
}
