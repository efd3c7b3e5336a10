//! The scenes: what the clients do, and until when.

use crate::clients::Clients;
use std::io;
use std::time::{Duration, Instant};

/// Nothing of a scene takes longer than this without progress.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// The same in a scene of so many messages, which ends with them: a server whose instructions are counted is fifty times
/// slower.
pub const PATIENCE_COUNTED: Duration = Duration::from_secs(300);
/// How long what is still on its way may take after the last message.
const DRAIN: Duration = Duration::from_secs(5);

/// Open `total` connections, at most `burst` of them on their way at once, and wait until each is ready.
/// Returns the seconds it took.
pub fn connect(clients: &mut Clients, total: usize, burst: usize) -> io::Result<f64> {
    let begin = Instant::now();
    while clients.count_ready < total {
        while clients.len() < total && clients.len() - clients.count_ready < burst {
            clients.connect()?;
        }
        clients.pump(5)?;
        if clients.closed > 0 || begin.elapsed() > clients.patience + Duration::from_millis(total as u64) {
            return Err(io::Error::other(format!(
                "only {} of {total} connections became ready, {} were closed",
                clients.count_ready, clients.closed
            )));
        }
    }
    Ok(begin.elapsed().as_secs_f64())
}

/// Let what is still on its way arrive.
pub fn settle(clients: &mut Clients, time: Duration) -> io::Result<()> {
    let begin = Instant::now();
    while begin.elapsed() < time {
        clients.pump(10)?;
    }
    Ok(())
}

/// Nothing is sent any more: wait for what was, as long as more of it comes.
fn drain(clients: &mut Clients, done: impl Fn(&Clients) -> bool) -> io::Result<()> {
    let (mut seen, mut progress) = (clients.heard, Instant::now());
    while !done(clients) && progress.elapsed() < DRAIN.max(clients.patience / 10) {
        clients.pump(10)?;
        if clients.heard != seen {
            (seen, progress) = (clients.heard, Instant::now());
        }
    }
    Ok(())
}

/// Wait until everybody has heard an answer to each message.
pub fn all_answered(clients: &mut Clients) -> io::Result<()> {
    drain(clients, |clients| clients.all.iter().all(|client| client.heard >= client.sent))
}

/// Wait until every member has heard what was published.
pub fn all_heard(clients: &mut Clients) -> io::Result<()> {
    let published = clients.all[0].sent;
    drain(clients, |clients| clients.all[clients.publishers..].iter().all(|client| client.heard >= published))
}

/// Every connection keeps `window` messages in flight.
pub fn echo(clients: &mut Clients, window: usize, time: Duration) -> io::Result<Duration> {
    let begin = Instant::now();
    clients.answers = true;
    for at in 0..clients.len() {
        for _ in 0..window {
            clients.send_next(at);
        }
    }
    while begin.elapsed() < time && clients.left > 0 {
        clients.pump(10)?;
    }
    clients.answers = false;
    Ok(begin.elapsed())
}

/// The first connection publishes; a message is done when every member has it.
pub fn fanout(clients: &mut Clients, members: usize, window: usize, time: Duration) -> io::Result<Duration> {
    let begin = Instant::now();
    let (mut published, mut seen, mut progress) = (0_u64, 0, begin);
    while begin.elapsed() < time && clients.left > 0 {
        while clients.left > 0
            && published * (members as u64) <= clients.heard_by_members + ((window - 1) * members) as u64
        {
            clients.send_next(0);
            published += 1;
        }
        clients.pump(10)?;
        if clients.heard_by_members != seen {
            (seen, progress) = (clients.heard_by_members, Instant::now());
        } else if progress.elapsed() > clients.patience {
            return Err(io::Error::other(format!("stalled: {published} published, {seen} deliveries")));
        }
    }
    Ok(begin.elapsed())
}

/// `rate` messages a second by the first `senders` connections in turn, each at its time whatever became of those before.
///
/// A mark holds the time at which its message was *due*: a server that stops for a second is charged that second by
/// every message that was due in it, not by the one alone that was on its way (coordinated omission).
pub fn paced(clients: &mut Clients, senders: usize, rate: u64, time: Duration) -> io::Result<Duration> {
    let begin = Instant::now();
    let start = clients.now();
    let total = rate * u64::try_from(time.as_millis()).unwrap_or(u64::MAX) / 1000;
    for number in 0..total {
        let due = start + number * 1_000_000_000 / rate;
        loop {
            let now = clients.now();
            if now >= due {
                clients.late.saturating_record(now - due);
                break;
            }
            // Sleep as long as the poller's milliseconds allow, and be awake when it is time.
            clients.pump(u32::try_from((due - now) / 1_000_000).unwrap_or(0).saturating_sub(1).min(10))?;
        }
        clients.send_due(usize::try_from(number).unwrap_or(0) % senders, due);
    }
    Ok(begin.elapsed())
}

/// The members stop reading; the first connection publishes `count` messages, `window` of them without an ack.
pub fn slow(clients: &mut Clients, count: usize, window: usize) -> io::Result<Duration> {
    clients.stop_reading()?;
    acknowledged(clients, count, window)
}

/// The first connection publishes `count` messages, `window` of them without an ack.
pub fn acknowledged(clients: &mut Clients, count: usize, window: usize) -> io::Result<Duration> {
    let begin = Instant::now();
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
