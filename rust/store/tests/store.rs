//! A store keeps what it was told, and gives it back.

mod world;

use rtcore_core::log::acks::Kept;
use rtcore_core::log::dedupe::Kind;
use rtcore_core::room::grants::Grants;
use rtcore_core::store::{
    Key, KeyName, KeyOwner, KeyState, Member, Origin, Page, Progress, Record, Report, Session, Sync, Wanted,
};
use world::{World, ack, entry, options, said, session};

#[test]
fn sqlite_has_no_wal_reset_defect() {
    let version: Vec<u32> =
        rtcore_store::sqlite_version().split('.').map(|part| part.parse().unwrap()).collect();
    assert!(version >= vec![3, 51, 3], "{version:?}");
}

#[test]
fn a_new_log_knows_nothing() {
    let world = World::new(options());
    assert_eq!((world.kept.origin, world.kept.head, world.kept.reserved), (Origin::New, 0, 0));
    assert_eq!(world.kept.epoch, None);
    assert!(world.kept.rooms.is_empty() && world.kept.sessions.is_empty());
    assert!(world.store().found().is_empty());
}

#[test]
fn what_was_written_is_read_whole_and_in_order() {
    let mut world = World::new(options());
    world.write(vec![said(1, "a"), said(2, "b"), said(3, "a")]);
    world.write(vec![said(4, "a")]);
    assert_eq!(world.after("a", 0, 9), (vec![entry(1, "a"), entry(3, "a"), entry(4, "a")], true, 0));
    assert_eq!(world.after("a", 1, 1), (vec![entry(3, "a")], false, 0));
    assert_eq!(world.last("a", 3, 9), (vec![entry(1, "a"), entry(3, "a")], true, 0));
    assert_eq!(world.last("a", 9, 2), (vec![entry(3, "a"), entry(4, "a")], false, 0));
    assert_eq!(world.after("c", 0, 9), (vec![], true, 0));
}

#[test]
fn a_page_has_the_bytes_that_were_asked_for_but_one_entry_at_least() {
    let mut world = World::new(options());
    world.write((1..=9).map(|seq| said(seq, "a")).collect());
    let wanted = |bytes| Wanted::After { room: "a".into(), after: 0, upto: 9, count: 9, bytes };
    let size = entry(1, "a").data.len();
    for (bytes, count) in [(0, 1), (size, 1), (2 * size, 2), (3 * size - 1, 2)] {
        let Ok(Page::Entries { entries, complete, .. }) = world.read(wanted(bytes)) else { panic!() };
        assert_eq!((entries.len(), complete), (count, false));
    }
}

#[test]
fn rooms_are_known_after_a_restart_whether_or_not_they_were_folded() {
    let mut world = World::new(options());
    world.write((1..=600).map(|seq| said(seq, if seq % 2 == 0 { "even" } else { "odd" })).collect());
    for settled in [false, true] {
        if settled {
            world.store().settle();
        }
        world.again(options());
        let mut rooms = world.kept.rooms.clone();
        rooms.sort_by(|a, b| a.name.cmp(&b.name));
        let known: Vec<_> =
            rooms.iter().map(|room| (&*room.name, room.first, room.last, room.count)).collect();
        assert_eq!(known, [("even", 2, 600, 300), ("odd", 1, 599, 300)]);
        assert_eq!(world.numbers("odd"), (1..600).step_by(2).collect::<Vec<u64>>());
        assert_eq!(world.last("even", 599, 300).0.len(), 299);
        assert_eq!(world.last("even", 599, 300).0[298].seq, 598);
    }
    world.write((601..=1400).map(|seq| said(seq, "even")).collect());
    world.store().settle();
    assert_eq!(world.numbers("even").len(), 1100);
    assert_eq!(
        world.last("even", 1_000, 3).0.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
        [998, 999, 1000]
    );
}

#[test]
fn a_session_comes_back_with_its_rooms_and_its_requests() {
    let mut world = World::new(options());
    let member = |room: &str, grants| Member {
        session: "s-1".into(),
        room: room.into(),
        began: 4,
        grants,
        visible: true,
        moved: 8,
        writer: None,
    };
    let name = || "s-1".into();
    world.write(vec![
        Record::Session(session("s-1")),
        Record::Session(session("s-2")),
        Record::Joined(member("a", Grants::ALL)),
        Record::Joined(member("b", Grants::ALL)),
        Record::Joined(member("c", Grants::NONE)),
        Record::Taken { session: name(), id: 5 },
        Record::Taken { session: name(), id: 6 },
        Record::Ack { session: name(), id: 4, kept: ack("4") },
        Record::Ack { session: name(), id: 6, kept: ack("6") },
    ]);
    world.write(vec![
        Record::Joined(member("a", Grants::HISTORY)),
        Record::Left { session: name(), room: "b".into() },
        Record::LetGo { session: name(), upto: 5 },
        Record::Ended { session: "s-2".into() },
    ]);
    world.again(options());
    let [kept] = &*world.kept.sessions else { panic!("{:?}", world.kept.sessions) };
    assert_eq!(kept.row, session("s-1"));
    assert_eq!(kept.rooms, [member("a", Grants::HISTORY), member("c", Grants::NONE)]);
    assert_eq!(kept.requests, [(5, Progress::Taken), (6, Progress::Done(ack("6")))]);
    assert_eq!(kept.let_go, 5);
}

#[test]
fn what_was_a_sessions_goes_with_it_and_what_comes_after_is_passed_over() {
    let mut world = World::new(options());
    let key = |owner: KeyOwner| Key {
        owner,
        kind: Kind::Publish("a".into()),
        key: "k".into(),
        digest: [1; 20],
        claimed: 0,
        state: KeyState::Done(ack("k")),
    };
    let mine = KeyOwner::Session("s-1".into());
    world.write(vec![
        Record::Session(session("s-1")),
        Record::Taken { session: "s-1".into(), id: 5 },
        Record::Key(key(mine.clone())),
        Record::Key(key(KeyOwner::User("ann".into()))),
        Record::Ended { session: "s-1".into() },
        Record::Ack { session: "s-1".into(), id: 5, kept: ack("5") },
    ]);
    world.write(vec![Record::Session(session("s-1"))]);
    let wanted = |owner| Wanted::Key(KeyName { owner, kind: Kind::Publish("a".into()), key: "k".into() });
    assert!(matches!(world.read(wanted(mine)), Ok(Page::Key(None))));
    let Ok(Page::Key(Some(found))) = world.read(wanted(KeyOwner::User("ann".into()))) else { panic!() };
    assert_eq!(found, key(KeyOwner::User("ann".into())));
    world.again(options());
    assert_eq!(world.kept.sessions[0].requests, []);
}

#[test]
fn a_key_is_begun_done_and_freed() {
    let mut world = World::new(options());
    let (owner, kind) = (KeyOwner::Application, Kind::Emit("buy".into()));
    let key = |state| Key {
        owner: owner.clone(),
        kind: kind.clone(),
        key: "k".into(),
        digest: [1; 20],
        claimed: 9,
        state,
    };
    let wanted = || Wanted::Key(KeyName { owner: owner.clone(), kind: kind.clone(), key: "k".into() });
    for state in [KeyState::Begun, KeyState::Done(ack("k"))] {
        world.write(vec![Record::Key(key(state.clone()))]);
        let Ok(Page::Key(Some(found))) = world.read(wanted()) else { panic!() };
        assert_eq!(found, key(state));
    }
    world.write(vec![Record::KeyFreed { owner: owner.clone(), kind: kind.clone(), key: "k".into() }]);
    assert!(matches!(world.read(wanted()), Ok(Page::Key(None))));
}

#[test]
fn a_key_goes_when_its_time_is_over_by_the_servers_running_time() {
    let mut world = World::new(options());
    let key = |name: &str, claimed| Key {
        owner: KeyOwner::Application,
        kind: Kind::Emit("buy".into()),
        key: name.into(),
        digest: [1; 20],
        claimed,
        state: KeyState::Begun,
    };
    world.write(vec![
        Record::Key(key("old", 1_000)),
        Record::Key(key("young", 2_000)),
        Record::Running(3_601_500),
    ]);
    world.store().settle();
    for (name, kept) in [("old", false), ("young", true)] {
        let wanted = Wanted::Key(KeyName {
            owner: KeyOwner::Application,
            kind: Kind::Emit("buy".into()),
            key: name.into(),
        });
        let Ok(Page::Key(found)) = world.read(wanted) else { panic!() };
        assert_eq!(found.is_some(), kept, "{name}");
    }
}

#[test]
fn a_number_that_was_given_twice_is_refused_and_its_group_with_it() {
    let mut world = World::new(options());
    world.write(vec![said(1, "a"), said(2, "a")]);
    let id = world.send(Sync::Full, vec![said(3, "new"), said(2, "a")]);
    assert!(matches!(world.report(), Report::Refused(refused, _) if refused == id));
    assert_eq!(world.numbers("new"), []);
    world.write(vec![said(4, "other"), said(5, "new")]);
    assert_eq!(
        (world.numbers("a"), world.numbers("new"), world.numbers("other")),
        (vec![1, 2], vec![5], vec![4])
    );
}

#[test]
fn acks_of_one_group_come_back_one_by_one_and_not_those_that_were_let_go_of() {
    let mut world = World::new(options());
    let done = |id: u64| Record::Ack { session: "s-1".into(), id, kept: Kept::Seq(100 + id) };
    let taken = |id: u64| Record::Taken { session: "s-1".into(), id };
    // The session's row comes after the first of them, in the same group.
    world.write(vec![done(3), Record::Session(session("s-1")), done(1), done(2)]);
    world.write(vec![taken(5), done(4), done(6)]);
    world.write(vec![done(5), done(7), Record::LetGo { session: "s-1".into(), upto: 2 }]);
    world.again(options());
    let wanted: Vec<_> = (3..=7).map(|id| (id, Progress::Done(Kept::Seq(100 + id)))).collect();
    assert_eq!(world.kept.sessions[0].requests, wanted);
    world.write(vec![Record::Ended { session: "s-1".into() }, Record::Session(session("s-1"))]);
    world.again(options());
    assert_eq!(world.kept.sessions[0].requests, []);
}

#[test]
fn the_address_of_a_session_without_a_user_is_kept() {
    let mut world = World::new(options());
    let address = Some("2001:db8::".parse().unwrap());
    let anonymous = Session { user: None, address, ..session("s-1") };
    world.write(vec![Record::Session(anonymous.clone()), Record::Session(session("s-2"))]);
    world.again(options());
    let rows: Vec<_> = world.kept.sessions.iter().map(|kept| kept.row.address).collect();
    assert_eq!(rows, [address, None]);
}
