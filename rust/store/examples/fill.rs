//! Fills a log by the store itself, for what measures a start with a large one (`bench/large.py`).
//! `cargo run --release -p rtcore-store --example fill -- FOLDER ENTRIES [ROOMS]`
//!
//! It ends without a word to the store, as a crash does: the journal is there, and the last entries are in no span.

use rtcore_core::Form;
use rtcore_core::store::{Entry, Group, Record, Report, Sync};
use rtcore_store::{Options, Store};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Instant;

const GROUP: u64 = 4_096;
const DATA: usize = 200;
/// How often it says how far it is.
const SAY: u64 = 250_000;

fn main() {
    let mut args = std::env::args().skip(1);
    let usage = "fill FOLDER ENTRIES [ROOMS]";
    let folder = args.next().expect(usage);
    let entries: u64 = args.next().and_then(|text| text.parse().ok()).expect(usage);
    let rooms: u64 = args.next().and_then(|text| text.parse().ok()).unwrap_or(1_000);
    std::fs::create_dir_all(&folder).expect("the folder is made");
    let (tell, reports) = channel();
    let (store, kept) =
        Store::open(Path::new(&folder), Options::default(), move |report| drop(tell.send(report)))
            .expect("it opens");
    let names: Vec<Arc<str>> = (0..rooms).map(|room| format!("full:{room}").into()).collect();
    let data: Arc<[u8]> = format!("\"{}\"", "x".repeat(DATA - 2)).into_bytes().into();
    let event: Arc<str> = "m".into();
    let (mut seq, mut chance, begun) = (kept.head, 1u64, Instant::now());
    let last = seq + entries;
    let mut ground =
        vec![Record::Epoch("filled".into()), Record::Reserved(last + (1 << 32)), Record::Running(1_000)];
    for id in 0.. {
        let more = (last - seq).min(GROUP);
        if more == 0 {
            break;
        }
        let records = (0..more).map(|_| {
            seq += 1;
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let room = names[usize::try_from((chance >> 33) % rooms).expect("a room")].clone();
            let (event, data, time) = (event.clone(), data.clone(), 1_790_000_000_000 + seq);
            let (from, exclude, trace, slot, form) = (None, None, None, None, Form::Json);
            Record::Entry(Entry { seq, room, event, data, form, time, from, exclude, trace, slot })
        });
        let records = std::mem::take(&mut ground).into_iter().chain(records).collect();
        store.write(Group { id, sync: Sync::Commit, records });
        match reports.recv().expect("a report") {
            Report::Written(_) => {}
            other => panic!("{other:?}"),
        }
        if (last - seq) / SAY != (last - seq + more) / SAY {
            print!("\r{} of {entries}, {:.0} s", entries - (last - seq), begun.elapsed().as_secs_f64());
            let _ = std::io::stdout().flush();
        }
    }
    println!();
    std::process::exit(0); // as a crash does
}
