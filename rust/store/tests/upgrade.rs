//! A file of each version that was released opens, and holds what it held. The files are in `data`.

mod world;

use rtcore_core::log::dedupe::Kind;
use rtcore_core::room::grants::Grants;
use rtcore_core::store::{Key, KeyName, KeyOwner, KeyState, Member, Origin, Page, Progress, Record, Wanted};
use rtcore_data::collection::{Row, Setup};
use rtcore_data::value::Map;
use rtcore_data::{Collection, Limits, Moment, Op, Schema, Strategy};
use rtcore_store::tools;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use world::{World, ack, entry, options, said, session};

/// The versions of the form that were released.
const RELEASED: &[u32] = &[1, 2, 3, 4, 5];

fn file(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/version-{version}.db"))
}

/// Since version 4.
const LOST: (u64, u64) = (40, 50);

fn key() -> Key {
    Key {
        owner: KeyOwner::User("ann".into()),
        kind: Kind::Publish("a".into()),
        key: "k".into(),
        digest: [1; 20],
        claimed: 9,
        state: KeyState::Done(ack("k")),
    }
}

fn member() -> Member {
    let (session, room) = ("s-1".into(), "a".into());
    Member { session, room, began: 4, grants: Grants::HISTORY, visible: true, moved: 8, writer: None }
}

/// What is in each of the files; what came with a later version, in those since.
fn facts() -> Vec<Record> {
    let mut facts = vec![
        Record::Epoch("e-1".into()),
        Record::Reserved(1_000),
        Record::Running(60_000),
        Record::Session(session("s-1")),
        Record::Joined(member()),
        Record::Ack { session: "s-1".into(), id: 4, kept: ack("4") },
        Record::Taken { session: "s-1".into(), id: 5 },
        Record::Key(key()),
        Record::Lost { after: LOST.0, upto: LOST.1 },
    ];
    facts.extend(collection().into_iter().map(|row| Record::Shared { room: "$sync/notes".into(), row }));
    facts.extend((1..=20).map(|seq| said(seq, if seq % 2 == 0 { "a" } else { "b" })));
    facts
}

/// What is kept of the collection in those files that know such.
fn collection() -> Vec<Row> {
    let (setup, moment) = (setup(), |next| Moment { epoch: "e-1", head: next - 1, next, now_ms: 9 });
    let mut made = Collection::new(setup, 3);
    let mut rows = Vec::new();
    for (at, key) in (4..).zip(["x", "y"]) {
        let put = Op::Put(Map::new().with("a", at).into());
        rows.extend(made.write(key, put, &moment(at)).expect("it is done").rows);
    }
    rows.push(made.state());
    rows
}

fn setup() -> Setup {
    let (schema, limits) = (Schema { version: 2, ..Schema::default() }, Limits::default());
    Setup { strategy: Strategy::Merge, schema, upgrades: Vec::new(), limits, durable: true, asks: false }
}

/// Makes the file of this version: `cargo test -p rtcore-store --test upgrade -- --ignored`, once, when it is released.
#[test]
#[ignore = "makes a file that is kept in the tree"]
fn make_the_file_of_this_version() {
    let path = file(*RELEASED.last().unwrap());
    assert!(!path.exists(), "{} is released", path.display());
    let mut world = World::new(options());
    world.write(facts());
    // A part of it in spans, a part in none.
    world.store().settle();
    world.write((21..=30).map(|seq| said(seq, "a")).collect());
    tools::backup(world.folder.path(), &path, &mut |_, _| ()).unwrap();
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute("DELETE FROM meta WHERE key = 'backup'", []).unwrap();
}

#[test]
fn a_file_of_each_released_version_opens_and_holds_what_it_held() {
    for version in RELEASED {
        let folder = TempDir::new().unwrap();
        std::fs::copy(file(*version), folder.path().join("log.db")).unwrap();
        let mut world = World::within(folder, options());
        assert_eq!((world.kept.origin, world.kept.epoch.as_deref()), (Origin::Crash, Some("e-1")));
        assert_eq!((world.kept.head, world.kept.running), (1_000, 60_000));
        assert_eq!(world.kept.lost, if *version < 4 { vec![] } else { vec![LOST] });
        let kept = &world.kept.sessions[0];
        assert_eq!((&kept.row, &*kept.rooms), (&session("s-1"), &[member()][..]));
        assert_eq!(kept.requests, [(4, Progress::Done(ack("4"))), (5, Progress::Taken)]);
        let evens = (2..=20).step_by(2).chain(21..=30);
        assert_eq!(world.after("a", 0, 99).0, evens.map(|seq| entry(seq, "a")).collect::<Vec<_>>());
        assert_eq!(world.numbers("b"), (1..20).step_by(2).collect::<Vec<u64>>());
        let wanted = Wanted::Key(KeyName {
            owner: KeyOwner::User("ann".into()),
            kind: Kind::Publish("a".into()),
            key: "k".into(),
        });
        let Ok(Page::Key(Some(found))) = world.read(wanted) else { panic!("the key is kept") };
        assert_eq!(found, key());
        assert_eq!(world.kept.collections.len(), usize::from(*version >= 3));
        if *version >= 3 {
            let wanted = Wanted::Shared { room: "$sync/notes".into(), after: None, bytes: 1 << 20 };
            let Ok(Page::Shared(rows, None)) = world.read(wanted) else { panic!("it is kept") };
            let (read, version) = Collection::restore(setup(), 0, rows).expect("it is one");
            assert_eq!((read.len(), read.horizon(), version), (2, 3, 2));
        }
        world.write(vec![said(1_001, "a")]);
        world.store = None;
        let mut log = tools::Log::open(world.folder.path()).unwrap();
        assert!(tools::verify(&mut log, &mut |_, _| ()).unwrap().is_whole());
    }
}
