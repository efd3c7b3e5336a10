//! How many entries a second are written, beside plain `SQLite` in turns of the same run; and how long a large log takes to
//! open. `cargo run --release -p rtcore-store --example rows [FOLDER [ENTRIES]]`

use rtcore_core::Form;
use rtcore_core::store::{Entry, Group, Record, Report, Sync};
use rtcore_store::{Options, Store};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const ROUNDS: usize = 3;
const DATA: usize = 200;

fn main() {
    let mut args = std::env::args().skip(1);
    let folder = args.next().unwrap_or_else(|| std::env::temp_dir().display().to_string());
    let entries: u64 = args.next().and_then(|text| text.parse().ok()).unwrap_or(200_000);
    let folder = Path::new(&folder);
    println!(
        "SQLite {}; {entries} entries of {DATA} bytes a round, {ROUNDS} rounds in turn",
        rtcore_store::sqlite_version()
    );
    for (group, rooms) in [(1, 1), (16, 16), (256, 1), (256, 16), (256, 256), (256, 10_000), (1_024, 16)] {
        let count = if group == 1 { entries / 20 } else { entries };
        let (mut plain, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            plain.push(in_folder(folder, |path| with_sqlite(path, count, group)));
            ours.push(in_folder(folder, |path| with_store(path, count, group, rooms)));
        }
        let (plain, ours) = (best(plain), best(ours));
        println!(
            "groups of {group:5}, {rooms:6} rooms: SQLite {:8.0}/s, store {:8.0}/s ({:.2}); p50 {:?}, p99 {:?} against {:?}, {:?}",
            plain.0,
            ours.0,
            ours.0 / plain.0,
            ours.1,
            ours.2,
            plain.1,
            plain.2
        );
    }
    in_folder(folder, |path| opens(path, entries * 5));
}

type Figures = (f64, Duration, Duration);

fn in_folder<T>(folder: &Path, run: impl FnOnce(&Path) -> T) -> T {
    let place = tempfile::tempdir_in(folder).expect("a folder");
    run(place.path())
}

fn best(rounds: Vec<Figures>) -> Figures {
    rounds.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).expect("a round")
}

fn figures(mut times: Vec<Duration>, count: u64, took: Duration) -> Figures {
    times.sort();
    let count = f64::from(u32::try_from(count).expect("fewer"));
    (count / took.as_secs_f64(), times[times.len() / 2], times[times.len() * 99 / 100])
}

/// One table without an index, one prepared statement, a transaction for each group.
fn with_sqlite(path: &Path, count: u64, group: u64) -> Figures {
    let connection = rusqlite::Connection::open(path.join("plain.db")).expect("it opens");
    connection
        .execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
             CREATE TABLE entry(seq INTEGER PRIMARY KEY, room INTEGER, time INTEGER, body BLOB)",
        )
        .expect("it is set up");
    let body = vec![b'x'; DATA];
    let (mut seq, mut times, begun) = (0i64, Vec::new(), Instant::now());
    let mut insert = connection.prepare("INSERT INTO entry VALUES(?, ?, ?, ?)").expect("a statement");
    for _ in 0..count / group {
        let at = Instant::now();
        connection.execute_batch("BEGIN IMMEDIATE").expect("it begins");
        for _ in 0..group {
            seq += 1;
            insert.execute((seq, seq % 16, 1_790_000_000_000i64 + seq, &body)).expect("it is inserted");
        }
        connection.execute_batch("COMMIT").expect("it is committed");
        times.push(at.elapsed());
    }
    figures(times, count, begun.elapsed())
}

fn begin(path: &Path) -> (Store, Receiver<Report>) {
    let (tell, reports) = channel();
    let store =
        Store::open(path, Options::default(), move |report| drop(tell.send(report))).expect("it opens");
    (store.0, reports)
}

fn written(reports: &Receiver<Report>) {
    match reports.recv().expect("a report") {
        Report::Written(_) => {}
        other => panic!("{other:?}"),
    }
}

/// A group under way and the next one ready, as the engine does it.
fn with_store(path: &Path, count: u64, group: u64, rooms: u64) -> Figures {
    let (store, reports) = begin(path);
    let names: Vec<std::sync::Arc<str>> = (0..rooms).map(|room| format!("orders:{room}").into()).collect();
    let data: std::sync::Arc<[u8]> = vec![b'x'; DATA].into();
    let event: std::sync::Arc<str> = "said".into();
    let (mut seq, mut times, begun, mut chance) = (0u64, Vec::new(), Instant::now(), 1u64);
    for id in 0..count / group {
        let records = (0..group).map(|_| {
            seq += 1;
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let room = names[usize::try_from((chance >> 33) % rooms).expect("a room")].clone();
            let (event, data) = (event.clone(), data.clone());
            let time = 1_790_000_000_000 + seq;
            Record::Entry(Entry {
                seq,
                room,
                event,
                data,
                form: Form::Json,
                time,
                from: None,
                exclude: None,
                trace: None,
                slot: None,
            })
        });
        let records = records.collect();
        let at = Instant::now();
        store.write(Group { id, sync: Sync::Full, records });
        written(&reports);
        times.push(at.elapsed());
    }
    figures(times, count, begun.elapsed())
}

/// A log that is as large as this, after a crash: until it is open.
fn opens(path: &Path, count: u64) {
    let _ = with_store(path, count, 1_024, 1_000);
    let resident = || {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4
    };
    let before = resident();
    let at = Instant::now();
    let (store, _reports) = begin(path);
    println!(
        "a log of {count} entries in 1000 rooms opens in {:?} ({} KiB more resident)",
        at.elapsed(),
        resident().saturating_sub(before)
    );
    let health = store.health();
    println!("it has {} bytes an entry", health.log_bytes / count);
}
