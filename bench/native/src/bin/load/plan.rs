//! What the command line asks for.

use crate::clients::Wanted;
use crate::items::Opens;
use crate::message::{Filling, Message, room};
use crate::plain::Over;
use rtcore_bench::args::Args;
use std::time::Duration;

pub const USAGE: &str = "usage: load --mode MODE --port N [options]
  --mode NAME      echo    every connection keeps --window messages in flight
                   acked   the same, and a message is done when its ack is there (%I in --publish is its id)
                   fanout  one more connection publishes, the others hear; --window messages in flight
                   items   every connection reads one stream `count` of --count items after the other, each item of --size
                           characters, and gives credit for --window of them
                   idle    connect and hold still: memory
                   accept  connect and wait to be ready: CPU time of each connection
                   slow    the others stop reading, one publishes --count messages: memory
                   resume  the others are cut, one publishes --count messages, all come back at once
  --port N         where the server listens on 127.0.0.1
  --pid N          the server's process: its CPU time and memory, its children's included, are read
  --path PATH      default /
  --over NAME      how all but the publisher speak and hear: websocket (default), events, polls or sends. Over plain
                   HTTP the first --init is the body of POST /rt/session, and what follows it that of POST /rt/send
  --n N            connections, default 100
  --window N       messages in flight, default 1
  --rate N         messages a second instead, in echo, acked (by all connections in turn) and fanout: each is due at its
                   time, and its latency counts from there
  --size N         bytes of a message as a whole, default 128
  --words (fill messages with words that compress as text does, not with letters that repeat)
  --deflate (offer permessage-deflate, and fail when the server does not take it)
  --seconds N      how long, default 4
  --messages N     of echo, acked and fanout: it ends when so many were sent, and not with the time
  --count N        messages of slow and resume, items of a stream, default 10000
  --burst N        connections on their way at once, default 64
  --rooms N        how many rooms %R goes through, default 1
  --init TEXT      sent by each connection when it is open; may be repeated
  --member TEXT    the same, but not by the connection that publishes
  --ready TEXT     a connection is ready when it heard this; without it, when it is open
  --publish TEXT   the message: %M becomes the mark and its padding, %I a number that rises, %R the number of a
                   room, %C that of the connection (also in --init and --member); default %M
  --sources N      addresses to connect from, default 1
What is sent at the beginning is sent once for each room when it has %R in it; there %I is the number of the join, and
in --ready that of the last.";

/// One run.
pub struct Plan {
    pub mode: String,
    pub connections: usize,
    pub publishers: usize,
    pub window: usize,
    pub rate: Option<u64>,
    pub seconds: Duration,
    /// How many messages are sent, where a scene ends by that.
    pub messages: Option<u64>,
    pub count: usize,
    pub burst: usize,
    pub pid: Option<u32>,
}

/// A join for each of the rooms.
fn joins(text: &str, rooms: usize) -> Vec<Vec<u8>> {
    if !text.contains("%R") {
        return vec![text.as_bytes().to_vec()];
    }
    let one = |number: usize| text.replace("%R", &room(number)).replace("%I", &(number + 1).to_string());
    (0..rooms).map(|number| one(number).into_bytes()).collect()
}

/// Read it; what is wrong ends the process with the usage.
pub fn plan(args: &Args) -> (Plan, Wanted) {
    let port = u16::try_from(args.number("port", 0)).unwrap_or(0);
    if port == 0 {
        args.fail("--port N is needed");
    }
    let rooms = args.number("rooms", 1).max(1);
    let filling = if args.flag("words") { Filling::Words } else { Filling::Letters };
    let text = args.text("publish").unwrap_or("%M");
    let Some(message) = Message::new(text, args.number("size", 128), filling, rooms) else {
        args.fail("--publish wants %M in it");
    };
    let mode = args.text("mode").unwrap_or_else(|| args.fail("--mode is needed")).to_owned();
    let rate = args.number("rate", 0) as u64;
    let over = args.text("over").unwrap_or("websocket");
    let Some(over) = Over::named(over) else { args.fail("--over is websocket, events, polls or sends") };
    match over {
        Over::Sends if args.number("window", 1) > 1 => args.fail("--over sends has one message in flight"),
        Over::Events | Over::Polls if mode == "echo" => args.fail("--mode echo is --over websocket or sends"),
        Over::WebSocket => {}
        _ if matches!(mode.as_str(), "resume" | "items") => {
            args.fail("--mode resume and items are --over websocket")
        }
        _ => {}
    }
    let wanted = Wanted {
        port,
        path: args.text("path").unwrap_or("/").to_owned(),
        init: args.all("init").iter().flat_map(|text| joins(text, rooms)).collect(),
        member: args.all("member").iter().flat_map(|text| joins(text, rooms)).collect(),
        ready: args.text("ready").map(|text| text.replace("%I", &rooms.to_string()).into_bytes()),
        message,
        sources: u8::try_from(args.number("sources", 1)).unwrap_or(u8::MAX).max(1),
        deflate: args.flag("deflate"),
        over,
        opens: (mode == "items").then(|| Opens {
            count: args.number("count", 10_000) as u64,
            size: args.number("size", 100),
            credit: args.number("window", 256).max(2) as u64,
        }),
        greetings: mode == "resume",
        acked: mode == "acked",
    };
    let plan = Plan {
        connections: args.number("n", 100).max(1),
        publishers: usize::from(matches!(mode.as_str(), "fanout" | "slow" | "resume")),
        mode,
        window: args.number("window", 1).max(1),
        rate: (rate > 0).then_some(rate),
        seconds: Duration::from_secs(args.number("seconds", 4) as u64),
        messages: args.text("messages").map(|_| args.number("messages", 0) as u64),
        count: args.number("count", 10_000),
        burst: args.number("burst", 64).max(1),
        pid: args.text("pid").and_then(|text| text.parse().ok()),
    };
    (plan, wanted)
}
