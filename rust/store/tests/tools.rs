//! What people do with a log.

mod world;

use rtcore_core::store::{Origin, Record};
use rtcore_store::tools::{self, Filter, Found, Log, Salvaged};
use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;
use tempfile::TempDir;
use world::{World, entry, options, said, session};

fn silent() -> impl FnMut(u64, u64) {
    |done, total| assert!(done <= total, "{done} of {total}")
}

fn seqs(path: &Path, room: Option<&str>) -> Vec<u64> {
    let mut log = Log::open(path).unwrap();
    let filter = Filter { room: room.map(Into::into), ..Filter::default() };
    log.entries(filter).map(|found| found.unwrap().seq()).collect()
}

fn filled() -> World {
    let mut world = World::new(options());
    world.write(vec![Record::Epoch("e-1".into()), Record::Reserved(10_000), Record::Session(session("s-1"))]);
    world.write((1..=700).map(|seq| said(seq, ["a", "b", "c"][(seq % 3) as usize])).collect());
    world
}

#[test]
fn a_log_is_looked_at_beside_the_server() {
    let mut world = filled();
    let path = world.folder.path().to_owned();
    assert_eq!(seqs(&path, None), (1..=700).collect::<Vec<_>>());
    let of_a: Vec<u64> = (1..=700).filter(|seq| seq % 3 == 0).collect();
    assert_eq!(seqs(&path, Some("a")), of_a);
    world.store().settle();
    world.write(vec![said(701, "b"), said(702, "a")]);
    assert_eq!(seqs(&path, Some("a")), [&*of_a, &[702]].concat());
    assert_eq!(seqs(&path, Some("none")), []);
    let mut log = Log::open(&path).unwrap();
    let filter = Filter { room: None, after: 3, upto: Some(5) };
    let found: Vec<_> = log.entries(filter).map(Result::unwrap).collect();
    assert_eq!(found, [Found::Entry(entry(4, "b"), None), Found::Entry(entry(5, "c"), None)]);
    let stats = log.stats().unwrap();
    let rooms: Vec<_> =
        stats.rooms.iter().map(|(room, _)| (&*room.name, room.first, room.last, room.count)).collect();
    assert_eq!(rooms, [("a", 3, 702, 234), ("b", 1, 701, 235), ("c", 2, 698, 233)]);
    assert_eq!((stats.epoch.as_deref(), stats.reserved, stats.sessions), (Some("e-1"), 10_000, 1));
    assert!(tools::verify(&mut log, &mut silent()).unwrap().is_whole());
}

#[test]
fn a_place_without_a_log_says_so() {
    let folder = TempDir::new().unwrap();
    let why = Log::open(folder.path()).err().unwrap();
    assert!(why.text.contains("no log"), "{}", why.text);
    let to = folder.path().join("copy");
    assert!(tools::backup(folder.path(), &to, &mut silent()).unwrap_err().text.contains("no log"));
    assert!(tools::compact(folder.path(), &mut silent()).unwrap_err().text.contains("no log"));
    assert!(tools::restore(folder.path(), &to, &mut silent()).unwrap_err().text.contains("no log"));
}

#[test]
fn a_copy_made_beside_the_server_is_put_back_under_a_new_epoch() {
    let mut world = filled();
    let elsewhere = TempDir::new().unwrap();
    let (near, far) = (elsewhere.path().join("near.db"), elsewhere.path().join("far.db"));
    tools::backup(world.folder.path(), &far, &mut silent()).unwrap();
    let (tell, done) = channel();
    world.store().backup(near.clone(), silent(), move |copied| tell.send(copied).unwrap());
    done.recv().unwrap().unwrap();
    world.write(vec![said(701, "b"), Record::Reserved(20_000)]);
    assert!(tools::restore(world.folder.path(), &near, &mut silent()).unwrap_err().kind == "busy");
    for copy in [near, far] {
        world.store = None;
        let aside = tools::restore(world.folder.path(), &copy, &mut silent()).unwrap().unwrap();
        assert!(aside.exists());
        world.again(options());
        assert_eq!((world.kept.origin, &world.kept.epoch), (Origin::Replaced, &None));
        assert!(world.kept.sessions.is_empty());
        assert!(world.kept.head >= 20_000, "numbers go on: {}", world.kept.head);
        assert_eq!(seqs(world.folder.path(), None), (1..=700).collect::<Vec<_>>());
    }
    assert!(tools::verify(&mut Log::open(world.folder.path()).unwrap(), &mut silent()).unwrap().is_whole());
}

#[test]
fn a_copy_that_is_put_into_an_empty_folder_begins_a_new_epoch_too() {
    let world = filled();
    let elsewhere = TempDir::new().unwrap();
    let copy = elsewhere.path().join("copy.db");
    tools::backup(world.folder.path(), &copy, &mut silent()).unwrap();
    assert!(
        tools::backup(world.folder.path(), &copy, &mut silent()).unwrap_err().text.contains("there already")
    );
    fs::create_dir(elsewhere.path().join("new")).unwrap();
    fs::rename(&copy, elsewhere.path().join("new/log.db")).unwrap();
    let (_store, kept, _reports) = world::open(&elsewhere.path().join("new"), options()).unwrap();
    assert_eq!((kept.origin, kept.epoch, kept.head), (Origin::Replaced, None, 10_000));
}

#[test]
fn a_copy_goes_on_while_groups_are_written() {
    let mut world = filled();
    let copy = world.folder.path().join("copy.db");
    let (tell, done) = channel();
    world.store().backup(copy.clone(), silent(), move |copied| tell.send(copied).unwrap());
    for seq in 701..=900 {
        world.write(vec![said(seq, "a")]);
    }
    done.recv().unwrap().unwrap();
    let mut log = Log::file(&copy).unwrap();
    assert!(tools::verify(&mut log, &mut silent()).unwrap().is_whole());
    let count = log.entries(Filter::default()).count() as u64;
    assert!((700..=900).contains(&count), "{count}");
}

#[test]
fn a_log_that_is_compacted_is_smaller_and_the_same() {
    let mut world = filled();
    world.store = None;
    let path = world.folder.path().to_owned();
    let big = options();
    world.again(big);
    world.write((701..=6_000).map(|seq| said(seq, "big")).collect());
    let mut small = options();
    small.bounds =
        Box::new(|name| rtcore_store::Bounds { count: u64::from(name == "big"), ..Default::default() });
    world.again(small);
    // It lets go, and what is free stays in the file until somebody compacts it or time is found.
    assert!(tools::compact(&path, &mut silent()).unwrap_err().kind == "busy");
    world.store().settle();
    world.store = None;
    let before = seqs(&path, None);
    let (was, is) = tools::compact(&path, &mut silent()).unwrap();
    assert!(is <= was, "{was} to {is}");
    assert_eq!(seqs(&path, None), before);
    world.again(options());
    assert_eq!(world.kept.epoch.as_deref(), Some("e-1"));
}

#[test]
fn entries_from_elsewhere_get_numbers_of_this_log_and_keep_their_old_ones() {
    let world = filled();
    let other = TempDir::new().unwrap();
    let mut from = Log::open(world.folder.path()).unwrap();
    let entries = from.entries(Filter { room: Some("a".into()), ..Filter::default() }).map(|found| {
        let Found::Entry(entry, _) = found? else { panic!() };
        let was = Salvaged { epoch: "e-1".into(), was: entry.seq };
        Ok((entry, Some(was)))
    });
    let done = tools::import(other.path(), entries, 233, &mut silent()).unwrap();
    assert_eq!((done.entries, done.first, done.last), (233, 1, 233));
    let mut log = Log::open(other.path()).unwrap();
    let all: Vec<_> = log.entries(Filter::default()).map(Result::unwrap).collect();
    let Found::Entry(second, Some(was)) = &all[1] else { panic!("{:?}", all[1]) };
    assert_eq!((second.seq, was.was, &*was.epoch), (2, 6, "e-1"));
    assert!(tools::verify(&mut log, &mut silent()).unwrap().is_whole());
    let (_store, kept, _reports) = world::open(other.path(), options()).unwrap();
    assert!(kept.head >= 233);
}

#[test]
fn a_visit_hides_no_crash_of_the_machine() {
    let mut world = filled();
    world.store = None;
    tools::import(world.folder.path(), std::iter::once(Ok((entry(1, "a"), None))), 1, &mut silent()).unwrap();
    let mut other = options();
    other.boot = Some("two".into());
    world.again(other);
    assert_eq!(world.kept.origin, Origin::Machine);
    assert!(world.kept.head > 10_000, "what was appended is below: {}", world.kept.head);
}

#[test]
fn a_copy_that_failed_leaves_nothing_on_the_disk() {
    let world = filled();
    let place = TempDir::new().unwrap();
    let to = place.path().join("monday.db");
    // What takes its name while it is made, and is no file.
    let mut taken = |_: u64, _: u64| drop(fs::create_dir(&to));
    tools::backup(world.folder.path(), &to, &mut taken).unwrap_err();
    let left: Vec<_> = fs::read_dir(place.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["monday.db"]);
}

/// Change a byte in the body of an entry, wherever it lies in the file.
fn damage(path: &Path, text: &str) {
    let mut bytes = fs::read(path).unwrap();
    let at =
        bytes.windows(text.len()).position(|window| window == text.as_bytes()).expect("it is in the file");
    bytes[at + text.len() - 2] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_flipped_bit_is_found_told_as_a_gap_and_the_rest_is_saved() {
    let mut world = filled();
    world.store().settle();
    world.store = None;
    let log = world.folder.path().join("log.db");
    damage(&log, "{\"n\":399}");
    let found = tools::verify(&mut Log::open(world.folder.path()).unwrap(), &mut silent()).unwrap();
    assert_eq!((found.damaged, found.entries, found.faults.len()), (vec![399], 699, 0));
    world.again(options());
    let (before, complete, freed) = world.after("a", 390, 9);
    assert_eq!((before.len(), before[0].seq, before[1].seq, complete, freed), (2, 393, 396, false, 0));
    let (beyond, _, freed) = world.after("a", 396, 9);
    assert_eq!((beyond[0].seq, freed), (402, 399));
    let (newest, complete, freed) = world.last("a", 405, 9);
    assert_eq!((newest.len(), newest[0].seq, complete, freed), (2, 402, false, 399));
    world.store = None;
    let into = TempDir::new().unwrap();
    let saved = tools::salvage(&log, into.path(), &mut silent()).unwrap();
    assert_eq!((saved.imported.entries, saved.damaged, saved.unreadable), (699, 1, 0));
}

/// Each byte of it may be the one: what the file is, how large its pages are, where its tables begin.
#[test]
fn a_damaged_first_page_costs_no_entry() {
    let mut world = filled();
    world.store().settle();
    world.store = None;
    let log = world.folder.path().join("log.db");
    let whole = fs::read(&log).unwrap();
    for (at, size) in [(3, 1), (16, 1), (105, 1), (2_000, 400), (0, 4096)] {
        let mut bytes = whole.clone();
        bytes[at..at + size].iter_mut().for_each(|byte| *byte ^= 0xff);
        fs::write(&log, bytes).unwrap();
        let into = TempDir::new().unwrap();
        let saved = tools::salvage(&log, into.path(), &mut silent()).unwrap();
        assert_eq!((saved.imported.entries, saved.damaged, saved.unreadable), (700, 0, 0), "at {at}");
        let beside: Vec<_> =
            fs::read_dir(into.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert!(beside.iter().all(|name| !name.to_str().unwrap().contains("salvaging")), "{beside:?}");
    }
    fs::write(&log, "no log at all").unwrap();
    let into = TempDir::new().unwrap();
    let trouble = tools::salvage(&log, into.path(), &mut silent()).unwrap_err();
    assert!(
        trouble.text.contains("nothing can be read of") && trouble.text.contains("rtcore restore"),
        "{trouble:?}"
    );
}

#[test]
fn a_page_of_rubbish_costs_what_was_in_it_and_no_more() {
    let mut world = filled();
    world.write((701..=9_000).map(|seq| said(seq, "b")).collect());
    world.store().settle();
    world.store = None;
    let log = world.folder.path().join("log.db");
    let mut bytes = fs::read(&log).unwrap();
    let at = bytes.windows(10).position(|window| window == b"{\"n\":5000}").unwrap() & !4095;
    bytes[at..at + 4096].fill(0xa5);
    fs::write(&log, bytes).unwrap();
    let into = TempDir::new().unwrap();
    let saved = tools::salvage(&log, into.path(), &mut silent()).unwrap();
    assert!(saved.imported.entries > 8_900 && saved.unreadable > 0, "{saved:?}");
    let mut log = Log::open(into.path()).unwrap();
    let mut last = 0;
    for found in log.entries(Filter::default()) {
        let Found::Entry(found, Some(was)) = found.unwrap() else { panic!() };
        assert_eq!(*found.data, *entry(was.was, "x").data);
        assert!(was.was > last);
        last = was.was;
    }
    assert_eq!(last, 9_000);
}
