//! The scenes: what the clients do, and until when.

use crate::clients::Clients;
use std::io;
use std::time::{Duration, Instant};

/// How many connections may be on their way at once: a burst, but no storm.
const ON_THE_WAY: usize = 64;
/// Nothing of a scene takes longer than this without progress.
const PATIENCE: Duration = Duration::from_secs(20);

/// Open `total` connections and wait until each is ready. Returns the seconds it took.
pub fn connect(clients: &mut Clients, total: usize) -> io::Result<f64> {
    let begin = Instant::now();
    while clients.count_ready < total {
        while clients.len() < total && clients.len() - clients.count_ready < ON_THE_WAY {
            clients.connect()?;
        }
        clients.pump(5)?;
        if clients.closed > 0 || begin.elapsed() > PATIENCE + Duration::from_millis(total as u64) {
            return Err(io::Error::other(format!(
                "only {} of {total} connections became ready, {} were closed",
                clients.count_ready, clients.closed
            )));
        }
    }
    Ok(begin.elapsed().as_secs_f64())
}

/// Let what is still on its way arrive.
pub fn settle(clients: &mut Clients, time: Duration) -> io::Result<Duration> {
    let begin = Instant::now();
    while begin.elapsed() < time {
        clients.pump(10)?;
    }
    Ok(begin.elapsed())
}

/// Every connection keeps `window` messages in flight.
pub fn echo(clients: &mut Clients, window: usize, time: Duration) -> io::Result<Duration> {
    let begin = Instant::now();
    clients.answers = true;
    for at in 0..clients.len() {
        for _ in 0..window {
            clients.send(at);
        }
    }
    while begin.elapsed() < time {
        clients.pump(10)?;
    }
    clients.answers = false;
    Ok(begin.elapsed())
}

/// The first connection publishes; a message is done when every member has it.
pub fn fanout(clients: &mut Clients, members: usize, window: usize, time: Duration) -> io::Result<Duration> {
    let begin = Instant::now();
    let (mut published, mut seen, mut progress) = (0_u64, 0, begin);
    while begin.elapsed() < time {
        while published * (members as u64) <= clients.heard_by_members + ((window - 1) * members) as u64 {
            clients.send(0);
            published += 1;
        }
        clients.pump(10)?;
        if clients.heard_by_members != seen {
            (seen, progress) = (clients.heard_by_members, Instant::now());
        } else if progress.elapsed() > PATIENCE {
            return Err(io::Error::other(format!("stalled: {published} published, {seen} deliveries")));
        }
    }
    Ok(begin.elapsed())
}

/// Hold still.
pub fn idle(clients: &mut Clients, time: Duration) -> io::Result<Duration> {
    settle(clients, time)
}

/// The members stop reading; the first connection publishes `count` messages, `window` of them without an ack.
pub fn slow(clients: &mut Clients, count: usize, window: usize) -> io::Result<Duration> {
    let begin = Instant::now();
    clients.stop_reading()?;
    let (count, window) = (count as u64, window as u64);
    let (mut published, mut seen, mut progress) = (0, 0, begin);
    while clients.acks < count {
        while published < count && published < clients.acks + window {
            clients.send(0);
            published += 1;
        }
        clients.pump(10)?;
        if clients.acks != seen {
            (seen, progress) = (clients.acks, Instant::now());
        } else if progress.elapsed() > PATIENCE {
            return Err(io::Error::other(format!("stalled: {published} published, {seen} acknowledged")));
        }
    }
    Ok(begin.elapsed())
}
