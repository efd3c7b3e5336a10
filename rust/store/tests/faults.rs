//! A disk that forgets, fails, hangs and lies: what was reported is true all the same.

mod world;

use proptest::prelude::*;
use rtcore_core::store::{Group, Kept, Origin, Record, Report, Sync};
use rtcore_store::faults::{Disk, Fault, Kind};
use rtcore_store::tools::{self, Log};
use rtcore_store::{Bounds, Options, Store};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use tempfile::TempDir;
use world::{World, open, options, said, session};

fn disk() -> Disk {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    Disk::new(&format!("disk-{}", NEXT.fetch_add(1, Ordering::Relaxed)))
}

fn on(disk: &Disk) -> Options {
    Options { vfs: Some(disk.name()), ..options() }
}

/// After the power was gone and is back.
fn next_boot(disk: &Disk) -> Options {
    Options { boot: Some("two".into()), ..on(disk) }
}

fn start(path: &Path, options: Options) -> (Store, Kept, Receiver<Report>) {
    open(path, options).unwrap_or_else(|why| panic!("{why:?}"))
}

#[test]
fn a_full_group_is_synced_once_and_a_committed_one_not_at_all() {
    let disk = disk();
    let mut world = World::new(on(&disk));
    world.write(vec![said(1, "a")]);
    let mut before = disk.syncs(Kind::Journal);
    for (seq, sync, syncs) in [
        (2, Sync::Commit, 0),
        (3, Sync::Full, 1),
        (4, Sync::Commit, 0),
        (5, Sync::Commit, 0),
        (6, Sync::Full, 1),
    ] {
        world.send(sync, vec![said(seq, "a")]);
        assert!(matches!(world.report(), Report::Written(_)));
        assert_eq!(disk.syncs(Kind::Journal) - before, syncs, "{seq}");
        before = disk.syncs(Kind::Journal);
    }
}

#[test]
fn what_a_start_rests_on_is_synced_whatever_was_asked_for() {
    let disk = disk();
    let mut world = World::new(on(&disk));
    let before = disk.syncs(Kind::Journal);
    let ground = [Record::Epoch("e".into()), Record::Reserved(9), Record::Head(1)];
    for (count, record) in ground.into_iter().enumerate() {
        world.send(Sync::Commit, vec![record]);
        assert!(matches!(world.report(), Report::Written(_)));
        assert_eq!(disk.syncs(Kind::Journal) - before, count + 1);
    }
}

/// A store under random load on a disk whose power goes: what it reported, and what is there afterwards.
#[derive(Clone, Debug)]
struct Story {
    /// Entries of each group, whether it is synced, and whether the store settles after it.
    groups: Vec<(u64, bool, bool)>,
    cut_after: usize,
    keep: u64,
    fault: Option<(Fault, Option<Kind>, usize)>,
}

fn story() -> impl Strategy<Value = Story> {
    let fault = prop_oneof![
        Just(Fault::SyncFails),
        Just(Fault::WriteFails),
        Just(Fault::WriteShort),
        Just(Fault::Full)
    ];
    let of = prop_oneof![Just(None), Just(Some(Kind::Log)), Just(Some(Kind::Journal))];
    let groups = prop::collection::vec((1u64..40, any::<bool>(), prop::bool::weighted(0.15)), 1..12);
    let keep = prop_oneof![Just(0u64), any::<u64>()];
    (groups, 0usize..400, keep, prop::option::of((fault, of, 0usize..60)))
        .prop_map(|(groups, cut_after, keep, fault)| Story { groups, cut_after, keep, fault })
}

/// Live it, and say what was not as it was reported.
fn live(story: &Story, lies: bool) -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let disk = disk();
    let (store, _, reports) = start(folder.path(), on(&disk));
    if lies {
        disk.arm(Fault::SyncLies, Some(Kind::Journal), 0, usize::MAX);
    }
    if let Some((fault, of, after)) = story.fault {
        disk.arm(fault, of, after, 1);
    }
    disk.keep(story.keep);
    disk.arm(Fault::Cut, None, story.cut_after, 1);
    let mut seq = 0;
    // By group: its numbers, whether it is synced, and whether it was reported as written.
    let mut groups: Vec<(Vec<u64>, bool, Option<bool>)> = Vec::new();
    for (count, full, settle) in &story.groups {
        let seqs: Vec<u64> = (seq + 1..=seq + count).collect();
        seq += count;
        let records = seqs.iter().map(|seq| said(*seq, ["a", "b"][(seq % 2) as usize])).collect();
        let id = groups.len() as u64;
        store.write(Group { id, sync: if *full { Sync::Full } else { Sync::Commit }, records });
        let said = loop {
            match reports.recv_timeout(std::time::Duration::from_secs(60)).expect("a report") {
                Report::Written(written) if written == id => break Some(true),
                Report::Refused(refused, _) if refused == id => break Some(false),
                Report::Unknown(unknown, _) if unknown == id && disk.is_cut() => break None,
                Report::Unknown(unknown, _) if unknown == id => {}
                Report::Down(_) if disk.is_cut() => break None,
                Report::Down(_) | Report::Up => {}
                other => return Err(format!("{other:?} of group {id}")),
            }
        };
        // Reported after the power went is what became of it before.
        groups.push((seqs, *full, said));
        if disk.is_cut() {
            break;
        }
        if *settle {
            store.settle();
        }
    }
    disk.cut();
    drop(store);
    disk.again();
    let (store, kept, reports) = start(folder.path(), next_boot(&disk));
    if kept.origin == Origin::Replaced || !store.found().is_empty() {
        return Err(format!("{:?}: {:?}", kept.origin, store.found()));
    }
    let mut log = Log::open(folder.path()).map_err(|why| why.text)?;
    let whole = tools::verify(&mut log, &mut |_, _| ()).map_err(|why| why.text)?;
    if !whole.is_whole() {
        return Err(format!("{whole:?}"));
    }
    let there: Vec<u64> = log.entries(tools::Filter::default()).map(|found| found.unwrap().seq()).collect();
    let synced = groups.iter().rposition(|(_, full, said)| *full && *said == Some(true));
    let mut gone = false;
    for (number, (seqs, _, said)) in groups.iter().enumerate() {
        let count = seqs.iter().filter(|seq| there.contains(seq)).count();
        if count != 0 && count != seqs.len() {
            return Err(format!("{count} of {} of group {number}", seqs.len()));
        }
        let is = count > 0;
        if is && *said == Some(false) {
            return Err(format!("group {number} was refused, and is there"));
        }
        if !is && *said == Some(true) && synced.is_some_and(|synced| number <= synced) {
            return Err(format!("group {number} was written and synced, and is gone: {groups:?}"));
        }
        if is && gone {
            return Err(format!("group {number} is there, and one before it is gone"));
        }
        gone |= !is && *said == Some(true);
    }
    for name in ["a", "b"] {
        let count = there.iter().filter(|seq| ["a", "b"][(**seq % 2) as usize] == name).count() as u64;
        let known = kept.rooms.iter().find(|room| &*room.name == name).map_or(0, |room| room.count);
        if known != count {
            return Err(format!("room {name} holds {count}, and {known} are known"));
        }
    }
    // It goes on.
    store.write(Group { id: 1_000, sync: Sync::Full, records: vec![said(seq + 1, "a")] });
    match reports.recv_timeout(std::time::Duration::from_secs(60)) {
        Ok(Report::Written(1_000)) => Ok(()),
        other => Err(format!("{other:?} after it began again")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn what_was_reported_is_there_after_a_power_cut_and_whole_groups_only(story in story()) {
        prop_assert_eq!(live(&story, false), Ok(()));
    }
}

/// The law is worth something: with one fsync out it fails.
#[test]
fn a_sync_that_does_nothing_is_found() {
    let found = (0..40).filter(|cut| {
        let groups = vec![(3, true, false); 6];
        let story = Story { groups, cut_after: 20 + cut * 3, keep: 0, fault: None };
        live(&story, true).is_err()
    });
    assert!(found.count() > 0);
}

#[test]
fn a_failed_sync_is_unknown_and_decided_by_writing_anew_and_syncing() {
    let disk = disk();
    let mut world = World::new(on(&disk));
    world.write(vec![said(1, "a")]);
    disk.arm(Fault::SyncFails, Some(Kind::Journal), 0, 1);
    let id = world.send(Sync::Full, vec![said(2, "a")]);
    assert!(matches!(world.report(), Report::Unknown(unknown, _) if unknown == id));
    let written = match world.report() {
        Report::Written(written) if written == id => true,
        Report::Refused(refused, _) if refused == id => false,
        other => panic!("{other:?}"),
    };
    assert!(matches!(world.report(), Report::Up));
    world.write(vec![said(3, "a")]);
    disk.keep(0);
    disk.cut();
    world.store = None;
    disk.again();
    world.again(next_boot(&disk));
    assert_eq!(world.numbers("a"), if written { vec![1, 2, 3] } else { vec![1, 3] });
    assert_eq!(world.store().health().unknown, 0);
}

/// What was committed and not synced was in the pages that a failed sync forgot, too.
#[test]
fn what_was_committed_before_a_failed_sync_is_written_anew_with_it() {
    let disk = disk();
    let mut world = World::new(on(&disk));
    world.send(Sync::Commit, vec![said(1, "a")]);
    assert!(matches!(world.report(), Report::Written(_)));
    disk.arm(Fault::SyncFails, Some(Kind::Journal), 0, 1);
    world.send(Sync::Full, vec![said(2, "a")]);
    while !matches!(world.report(), Report::Up) {}
    disk.cut();
    world.store = None;
    disk.again();
    world.again(next_boot(&disk));
    assert_eq!(world.numbers("a")[0], 1);
}

#[test]
fn a_disk_that_goes_on_failing_is_down_until_it_does_not() {
    let disk = disk();
    let mut world = World::new(on(&disk));
    world.write(vec![said(1, "a")]);
    disk.arm(Fault::SyncFails, None, 0, usize::MAX);
    let id = world.send(Sync::Full, vec![said(2, "a")]);
    assert!(matches!(world.report(), Report::Unknown(unknown, _) if unknown == id));
    let Report::Down(why) = world.report() else { panic!() };
    assert_eq!(why.kind, "io");
    let later = world.send(Sync::Full, vec![said(3, "a")]);
    assert!(matches!(world.report(), Report::Refused(refused, _) if refused == later));
    assert!(world.store().health().down.is_some());
    assert_eq!(world.numbers("a")[0], 1, "readers go on");
    disk.disarm();
    let decided = loop {
        match world.report() {
            Report::Written(group) | Report::Refused(group, _) => break group,
            _ => {}
        }
    };
    assert_eq!(decided, id);
    assert!(matches!(world.report(), Report::Up));
    assert_eq!(world.store().health().down, None);
    world.write(vec![said(4, "a")]);
}

#[test]
fn while_the_disk_hangs_readers_go_on_and_what_was_asked_for_is_done_when_it_goes_on() {
    let disk = disk();
    let mut world = World::new(on(&disk));
    world.write(vec![said(1, "a")]);
    disk.arm(Fault::Hangs, Some(Kind::Journal), 0, 1);
    let id = world.send(Sync::Full, vec![said(2, "a")]);
    disk.wait_for_hang();
    assert_eq!(world.numbers("a"), [1]);
    assert!(world.said().is_empty());
    disk.release();
    assert!(matches!(world.report(), Report::Written(written) if written == id));
    assert_eq!(world.numbers("a"), [1, 2]);
}

#[test]
fn a_write_that_fails_leaves_nothing_of_its_group() {
    for (fault, kind) in [(Fault::WriteFails, "io"), (Fault::WriteShort, "io"), (Fault::Full, "full")] {
        let disk = disk();
        let mut world = World::new(on(&disk));
        world.write(vec![said(1, "a")]);
        disk.arm(fault, Some(Kind::Journal), 1, 1);
        let id = world.send(Sync::Full, vec![said(2, "a"), Record::Session(session("s-1"))]);
        let mut decided = None;
        while decided.is_none() {
            match world.report() {
                Report::Refused(group, why) => decided = Some((group, why.kind)),
                Report::Unknown(_, why) => assert_eq!(why.kind, kind),
                Report::Written(_) => panic!("{fault:?}: written"),
                _ => {}
            }
        }
        assert_eq!(decided.unwrap().0, id);
        while !matches!(world.report(), Report::Up) {}
        world.write(vec![said(3, "a")]);
        disk.cut();
        world.store = None;
        disk.again();
        world.again(next_boot(&disk));
        assert_eq!(world.numbers("a"), [1, 3], "{fault:?}");
        assert!(world.kept.sessions.is_empty());
    }
}

#[test]
fn a_copy_that_is_under_way_when_the_disk_fails_ends_and_the_log_goes_on() {
    let disk = disk();
    let mut world = World::new(on(&disk));
    world.write((1..=30_000).map(|seq| said(seq, "a")).collect());
    let copy = world.folder.path().join("copy.db");
    let ((tell, done), (step, steps)) = (channel(), channel());
    let (go, gone) = channel::<()>();
    let progress = move |_, _| {
        let _ = step.send(());
        let _ = gone.recv();
    };
    world.store().backup(copy.clone(), progress, move |copied| tell.send(copied).unwrap());
    steps.recv().unwrap();
    disk.arm(Fault::SyncFails, Some(Kind::Journal), 0, 1);
    let id = world.send(Sync::Full, vec![said(30_001, "a")]);
    drop(go);
    assert!(done.recv().unwrap().is_err());
    assert!(!copy.exists());
    assert!(matches!(world.report(), Report::Unknown(unknown, _) if unknown == id));
    while !matches!(world.report(), Report::Up) {}
    world.write(vec![said(30_002, "a")]);
}

/// A whole story with limits: what was let go of and reported is not told as held, and nothing else is gone.
#[test]
fn letting_go_is_whole_after_a_power_cut_wherever_it_comes() {
    for cut in (0..120).step_by(7) {
        let disk = disk();
        let folder = TempDir::new().unwrap();
        let bounded =
            || Options { bounds: Box::new(|_| Bounds { count: 50, ..Bounds::default() }), ..on(&disk) };
        let (store, _, _reports) = start(folder.path(), bounded());
        store.write(Group {
            id: 1,
            sync: Sync::Full,
            records: (1..=900).map(|seq| said(seq, "a")).collect(),
        });
        disk.keep(u64::MAX / 3);
        disk.arm(Fault::Cut, None, cut, 1);
        store.settle();
        disk.cut();
        drop(store);
        disk.again();
        let (store, kept, _reports) = start(folder.path(), next_boot(&disk));
        let mut log = Log::open(folder.path()).unwrap();
        let whole = tools::verify(&mut log, &mut |_, _| ()).unwrap();
        assert!(whole.is_whole(), "{cut}: {whole:?}");
        if let Some(room) = kept.rooms.first() {
            assert!(room.count == 0 || room.count == 900 - room.freed, "{cut}: {room:?}");
            assert_eq!(whole.entries, room.count, "{cut}: {room:?}");
        }
        drop(store);
    }
}
