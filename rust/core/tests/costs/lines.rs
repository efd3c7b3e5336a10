//! However many ask for something large at once, one who asks for little is answered in a turn or two; and all get theirs.

use crate::world::{World, array, field, frame, post};
use rtcore_core::engine::AppEvent;
use rtcore_core::{ConnId, Limits};

/// Steps of a turn, in these worlds.
const TURN: u64 = 4_096;
/// What one message may cost that was begun when a portion had a step left.
const ONE: u64 = 3_000;
/// Turns until one is answered who came while others had spent the turn, however many they are.
const SOON: usize = 2;

/// How thousands ask for much at once: what each does before, and then all of them in one turn.
struct Storm {
    name: &'static str,
    before: fn(&mut World) -> Asks,
}

/// One who asks: on this connection, with these bytes.
struct Asks(ConnId, Vec<u8>);

const STORMS: [Storm; 7] = [
    Storm {
        name: "bye, with requests that wait",
        before: |world| {
            let conn = world.open();
            world.say(conn, &array(r#"{"type":"emit","event":"late"}"#, 63));
            Asks(conn, frame(r#"{"type":"bye"}"#))
        },
    },
    Storm {
        name: "bye by send, with requests that wait",
        before: |world| {
            let (conn, who) = plain(world);
            let emits = array(r#"{"type":"emit","event":"late"}"#, 64);
            world.receive(conn, post("/rt/send", &who, &emits).as_bytes());
            world.rest();
            let conn = world.dial();
            Asks(conn, post("/rt/send", &who, r#"{"type":"bye"}"#).into_bytes())
        },
    },
    Storm {
        name: "a room's past",
        before: |world| {
            let conn = world.open();
            world.say(conn, r#"{"type":"join","room":"past"}"#);
            Asks(conn, frame(r#"{"type":"history","id":1,"room":"past","limit":1000}"#))
        },
    },
    Storm {
        name: "a join with a room's past",
        before: |world| Asks(world.open(), frame(r#"{"type":"join","id":1,"room":"past","last":1000}"#)),
    },
    Storm { name: "hello", before: |world| Asks(world.upgrade(), frame(r#"{"type":"hello"}"#)) },
    Storm {
        name: "leave",
        before: |world| {
            let conn = world.open();
            world.say(conn, r#"{"type":"join","room":"past"}"#);
            Asks(conn, frame(r#"{"type":"leave","id":1,"room":"past"}"#))
        },
    },
    Storm {
        name: "a return",
        before: |world| {
            let conn = world.upgrade();
            world.receive(conn, &frame(r#"{"type":"hello"}"#));
            let welcome = world.flush(conn);
            let (session, key) = (field(&welcome, "session"), field(&welcome, "key"));
            world.engine.lost(conn, world.now);
            let hello = format!(r#"{{"type":"hello","session":"{session}","key":"{key}"}}"#);
            Asks(world.upgrade(), frame(&hello))
        },
    },
];

/// A session by plain HTTP: its connection, and what its requests say of who it is.
fn plain(world: &mut World) -> (ConnId, String) {
    world.tick();
    let conn = world.dial();
    world.receive(conn, post("/rt/session", "", r#"{"type":"hello"}"#).as_bytes());
    let welcome = world.flush(conn);
    let (session, key) = (field(&welcome, "session"), field(&welcome, "key"));
    (conn, format!("Authorization: Session {session}:{key}\r\n"))
}

fn world() -> World {
    let mut world = World::new(Limits { turn_steps: TURN, questions: 0, ..Limits::default() });
    let peer = world.open();
    world.say(peer, r#"{"type":"join","room":"past"}"#);
    world.say(peer, &array(r#"{"type":"publish","room":"past","event":"e"}"#, 1000));
    world
}

/// Turns until one is answered that asks when the turn in which all others came is spent; and turns until all is done.
fn turns(storm: &Storm, many: usize) -> (usize, usize) {
    let mut world = world();
    let other = world.open();
    let asks: Vec<Asks> = (0..many).map(|_| (storm.before)(&mut world)).collect();
    world.tick();
    for Asks(conn, bytes) in asks {
        world.receive(conn, &bytes);
    }
    world.receive(other, &frame(r#"{"type":"ping","time":7}"#));
    let (mut answered, mut turns) = (None, 0);
    loop {
        let heard = world.flush(other);
        if heard.contains("pong") {
            answered.get_or_insert(turns);
        }
        let before = world.engine.steps();
        if !world.turn() {
            break;
        }
        turns += 1;
        let spent = world.engine.steps() - before;
        assert!(spent <= 2 * TURN + ONE, "{}: {spent} steps in one turn", storm.name);
        assert!(turns < 100_000, "{}: it never ends", storm.name);
    }
    (answered.expect("it was answered"), turns)
}

#[test]
fn one_who_asks_for_little_is_answered_soon_however_many_ask_for_much() {
    for storm in &STORMS {
        for many in [30, 100, 300] {
            let (answered, all) = turns(storm, many);
            assert!(
                answered <= SOON,
                "{}: answered after {answered} of {all} turns, beside {many} others",
                storm.name
            );
        }
    }
}

#[test]
fn who_has_said_bye_is_found_by_nobody_and_ends_once_though_its_end_waits() {
    let mut world = world();
    let mut sessions = Vec::new();
    for _ in 0..100 {
        let conn = world.upgrade();
        world.receive(conn, &frame(r#"{"type":"hello"}"#));
        let welcome = world.flush(conn);
        world.say(conn, &array(r#"{"type":"emit","event":"late"}"#, 60));
        sessions.push((conn, field(&welcome, "session"), field(&welcome, "key")));
    }
    world.engine.events().clear();
    world.tick();
    for (conn, ..) in &sessions {
        let said = r#"[{"type":"bye"},{"type":"emit","event":"late"},{"type":"bye"}]"#;
        world.receive(*conn, &frame(said));
        world.receive(*conn, &frame(r#"{"type":"emit","event":"late"}"#));
    }
    let (_, session, key) = sessions.last().expect("there are some").clone();
    let again = world.upgrade();
    world.receive(again, &frame(&format!(r#"{{"type":"hello","session":"{session}","key":"{key}"}}"#)));
    let mut heard = world.flush(again);
    while world.turn() {
        heard += &world.flush(again);
    }
    assert!(heard.contains(r#""resumed":false"#), "it has said bye: {heard}");
    let events = &world.engine.events().list;
    let ended = events.iter().filter(|event| matches!(event, AppEvent::Ended { .. })).count();
    let asked = events.iter().filter(|event| matches!(event, AppEvent::Request { .. })).count();
    assert_eq!((ended, asked), (100, 0), "each ends once, and nothing is done that it says after that");
}
