//! How a life begins, and what is found at once.

mod world;

use rtcore_core::limits::fixed::IDS_AHEAD;
use rtcore_core::store::{Origin, Record, Report};
use rtcore_store::Options;
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use world::{World, open, options, said, session};

fn begun() -> World {
    let mut world = World::new(options());
    world.write(vec![Record::Epoch("e-1".into()), Record::Reserved(1_000), Record::Session(session("s-1"))]);
    world.write(vec![said(1, "a"), Record::Running(60_000)]);
    world
}

fn copy_folder(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

fn why(path: &Path) -> rtcore_core::store::Trouble {
    open(path, options()).err().expect("it does not open")
}

#[test]
fn an_end_in_good_order_is_told_from_a_crash_and_each_only_once() {
    let mut world = begun();
    world.write(vec![Record::Head(7)]);
    world.again(options());
    let facts = |world: &World| (world.kept.origin, world.kept.head, world.kept.reserved, world.kept.running);
    assert_eq!(facts(&world), (Origin::Clean, 7, 1_000, 60_000));
    world.again(options());
    assert_eq!(facts(&world), (Origin::Crash, 1_000, 1_000, 60_000));
    let mut other = options();
    other.boot = Some("two".into());
    world.again(other);
    assert_eq!(facts(&world), (Origin::Machine, 1_000, 1_000, 60_000));
    assert_eq!(world.kept.epoch.as_deref(), Some("e-1"));
    assert_eq!(world.kept.sessions.len(), 1);
}

/// *A life takes ids above those that the one before had set aside, and is killed before it has written anything: the next takes
/// the same ids for new ones, and a request runs twice.*
#[test]
fn ids_of_a_life_are_set_aside_before_it_begins() {
    let mut world = begun();
    let ids = |world: &World| (world.kept.sessions[0].row.upto, world.kept.sessions[0].row.asks);
    let row = session("s-1");
    world.again(options());
    assert_eq!(ids(&world), (row.upto, row.asks), "as the life before left them");
    world.again(options());
    assert_eq!(ids(&world), (row.upto + IDS_AHEAD, row.asks + IDS_AHEAD), "and what this one may have taken");
}

#[test]
fn an_epoch_that_was_not_yet_on_disk_is_asked_for_again() {
    let mut world = World::new(options());
    world.again(options());
    assert_eq!((world.kept.origin, &world.kept.epoch), (Origin::New, &None));
    world.write(vec![Record::Reserved(1_000)]);
    world.again(options());
    assert_eq!((world.kept.origin, &world.kept.epoch), (Origin::Replaced, &None));
}

#[test]
fn another_process_on_the_file_is_found_at_once() {
    let world = begun();
    let trouble = why(world.folder.path());
    assert_eq!(trouble.kind, "busy");
    assert!(trouble.text.contains("another process"), "{}", trouble.text);
}

/// Yesterday's file under today's positions: numbers would be given twice.
#[test]
fn a_file_that_was_rolled_back_begins_a_new_epoch_without_sessions_and_says_so() {
    let mut world = begun();
    world.write(vec![Record::Head(1)]);
    world.store = None;
    let yesterday = TempDir::new().unwrap();
    copy_folder(world.folder.path(), yesterday.path());
    world.again(options());
    world.write(vec![said(2, "a"), Record::Running(120_000)]);
    world.write(vec![Record::Head(2)]);
    world.store = None;
    // The file alone, and not what stands beside it.
    fs::copy(yesterday.path().join("log.db"), world.folder.path().join("log.db")).unwrap();
    let _ = fs::remove_file(world.folder.path().join("log.db-wal"));
    world.again(options());
    assert_eq!((world.kept.origin, &world.kept.epoch), (Origin::Replaced, &None));
    assert!(world.kept.sessions.is_empty());
    assert_eq!(world.kept.head, 1_000, "numbers go on above all that may have been given");
    assert_eq!(world.store().found()[0].kind, "rolled_back");
    assert_eq!(world.numbers("a"), [1]);
    world.write(vec![Record::Epoch("e-2".into())]);
    world.again(options());
    assert_eq!((world.kept.origin, world.kept.epoch.as_deref()), (Origin::Crash, Some("e-2")));
    assert!(world.store().found().is_empty());
}

#[test]
fn a_file_that_is_gone_while_the_note_is_there_is_one_that_was_replaced() {
    let mut world = begun();
    world.store = None;
    for name in ["log.db", "log.db-wal", "log.db-shm"] {
        let _ = fs::remove_file(world.folder.path().join(name));
    }
    world.again(options());
    assert_eq!((world.kept.origin, world.kept.head), (Origin::Replaced, 1_000));
}

#[test]
fn a_file_that_is_no_database_is_set_aside_and_never_overwritten() {
    let mut world = begun();
    world.store = None;
    let path = world.folder.path().to_owned();
    for number in 1..=2 {
        let rubbish = format!("rubbish {number} ").repeat(1_000);
        let _ = fs::remove_file(path.join("log.db-wal"));
        fs::write(path.join("log.db"), &rubbish).unwrap();
        let mut stay = options();
        stay.set_aside = false;
        let trouble = open(&path, stay).err().unwrap();
        assert_eq!(trouble.kind, "corrupt");
        world.again(options());
        assert_eq!(world.kept.origin, Origin::Replaced);
        assert_eq!(world.kept.head, 1_000);
        assert_eq!(world.store().found()[0].kind, "corrupt");
        assert!(world.store().found()[0].text.contains("salvage"));
        world.store = None;
        let aside = path.join(format!("log.db.corrupt-{number}"));
        assert_eq!(fs::read_to_string(aside).unwrap(), rubbish);
    }
}

/// A log of some groups as a `kill -9` leaves it: nothing of its journal is in the file.
fn killed(groups: u64) -> TempDir {
    let mut world = begun();
    world.store().settle();
    for seq in 2..=groups {
        world.write(vec![said(seq, "a")]);
    }
    let left = tempfile::tempdir().unwrap();
    copy_folder(world.folder.path(), left.path());
    left
}

/// `SQLite` takes the first wrong checksum for the journal's end: all that was acknowledged after it went without a word.
#[test]
fn a_flipped_bit_in_the_journal_is_found_and_what_it_costs_is_told() {
    let whole = killed(6);
    let journal = fs::read(whole.path().join("log.db-wal")).unwrap();
    let frame = 24 + 4096;
    let mut found = 0;
    for at in (0..journal.len()).step_by(997).chain((0..56).step_by(5)) {
        let left = tempfile::tempdir().unwrap();
        copy_folder(whole.path(), left.path());
        let mut bytes = journal.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(left.path().join("log.db-wal"), &bytes).unwrap();
        let world = World::within(left, options());
        if world.store().found().is_empty() {
            let last = at + frame >= journal.len();
            let numbers = world.numbers("a");
            assert!(numbers == [1, 2, 3, 4, 5, 6] || last, "byte {at}: {numbers:?} of 6, and not a word");
        } else {
            found += 1;
            let aside = fs::read(world.folder.path().join("log.db.corrupt-1-wal"));
            assert!(aside.is_ok_and(|aside| aside == bytes), "byte {at}: it is as it was found");
        }
    }
    assert!(found > 5, "{found}");
}

#[test]
fn a_torn_tail_of_the_journal_is_its_end() {
    let whole = killed(3);
    let journal = fs::read(whole.path().join("log.db-wal")).unwrap();
    for less in [1, 17, 4_000, 4_096, 4_100, 4_120, 4_121, 9_000] {
        for boot in ["one", "two"] {
            let left = tempfile::tempdir().unwrap();
            copy_folder(whole.path(), left.path());
            fs::write(left.path().join("log.db-wal"), &journal[..journal.len() - less]).unwrap();
            let world = World::within(left, Options { boot: Some(boot.into()), ..options() });
            assert_eq!(world.store().found(), [], "{less} bytes less");
            assert!([1, 2, 3].starts_with(&world.numbers("a")));
        }
    }
}

#[test]
fn a_damage_that_shows_after_the_file_was_opened_is_set_aside_too() {
    let mut world = begun();
    for seq in 2..=300 {
        world.write(vec![said(seq, "a"), Record::Session(session(&format!("s-{seq}")))]);
    }
    world.store = None;
    let path = world.folder.path().join("log.db");
    let before = fs::read(&path).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for page in 2..before.len() / 4_096 {
        let mut bytes = before.clone();
        bytes[page * 4_096..][..4_096].fill(0xa5);
        let left = tempfile::tempdir().unwrap();
        copy_folder(world.folder.path(), left.path());
        fs::write(left.path().join("log.db"), &bytes).unwrap();
        let store = World::within(left, options());
        seen.insert(store.store().found().first().map(|found| found.kind));
        if !store.store().found().is_empty() {
            assert!(fs::read(store.folder.path().join("log.db.corrupt-1")).is_ok_and(|aside| aside == bytes));
        }
    }
    assert!(seen.contains(&Some("corrupt")), "{seen:?}");
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let other = rusqlite::Connection::open(folder.path().join("log.db")).unwrap();
    other.execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES(1)").unwrap();
    let trouble = why(folder.path());
    assert_eq!(trouble.kind, "foreign");
    let looked = rtcore_store::tools::Log::open(folder.path()).err().expect("it is no log");
    assert_eq!(looked.text, trouble.text, "who looks at it is told the same");
    assert_eq!(other.query_row("SELECT x FROM t", [], |row| row.get::<_, i64>(0)), Ok(1));
}

#[test]
fn a_file_of_a_newer_version_is_left_alone_and_says_both_versions() {
    let mut world = begun();
    world.store = None;
    let log = world.folder.path().join("log.db");
    rusqlite::Connection::open(&log).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let trouble = why(world.folder.path());
    assert_eq!(trouble.kind, "newer");
    assert!(trouble.text.contains("999"), "{}", trouble.text);
}

#[test]
fn a_folder_that_is_a_file_says_so() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("data");
    fs::write(&path, "x").unwrap();
    let trouble = why(&path);
    assert!(trouble.text.contains("name a folder"), "{}", trouble.text);
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(folder.path().join("x"), "").is_ok() {
        // This user may write everywhere; `trouble` has a test of its own.
        return;
    }
    assert_eq!(why(folder.path()).kind, "read_only");
}

#[test]
fn a_full_disk_refuses_what_grows_and_takes_what_does_not() {
    let mut world = World::new(options());
    world.write(vec![Record::Session(session("s-1"))]);
    let mut full = options();
    full.free_floor = u64::MAX;
    world.again(full);
    let id = world.send(rtcore_core::store::Sync::Full, vec![said(1, "a")]);
    match world.report() {
        Report::Refused(refused, trouble) => {
            assert_eq!((refused, trouble.kind), (id, "full"));
            assert!(trouble.text.contains("are free"), "{}", trouble.text);
        }
        other => panic!("{other:?}"),
    }
    let ails = |world: &World| world.store().health().ailing.map(|trouble| trouble.kind);
    assert_eq!(ails(&world), Some("full"));
    world.write(vec![Record::Ended { session: "s-1".into() }, Record::Head(1)]);
    assert_eq!((world.numbers("a"), ails(&world)), (vec![], Some("full")));
    world.again(options());
    world.write(vec![said(2, "a")]);
    assert_eq!(ails(&world), None);
}
