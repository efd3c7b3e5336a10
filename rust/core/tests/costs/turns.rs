//! However much a peer says at once, a turn does a bounded part of it, with the others in between; and what waits is held
//! as it came.

use crate::world::{World, array, field, frame, post};
use rtcore_core::engine::AppEvent;
use rtcore_core::{ConnId, Form, Limits};

/// What asks for much with few bytes, by WebSocket and by `send`.
const MUCH: [&str; 8] = [
    "1",
    r#"{"type":"reply","id":1}"#,
    r#"{"type":"ping"}"#,
    r#"{"type":"join","room":"a"},{"type":"leave","room":"a"}"#,
    r#"{"type":"publish","room":"crowd","event":"e","volatile":true}"#,
    r#"{"type":"publish","room":"crowd","event":"e","key":"k"}"#,
    r#"{"type":"history","id":1,"room":"crowd"}"#,
    r#"{"type":"join","id":1,"room":"crowd","last":1000}"#,
];
/// Many of them (bytes): as large as a message may be.
const LARGE: usize = 400_000;
/// Steps of a turn, in these worlds.
const TURN: u64 = 4_096;
/// What one message may cost that was begun when a portion had a step left: a room's past, or a member's row each.
const ONE: u64 = 3_000;

fn crowded() -> (World, ConnId) {
    let mut world = World::new(Limits { turn_steps: TURN, ..Limits::default() });
    let peer = world.open();
    world.say(peer, r#"{"type":"join","room":"crowd"}"#);
    for _ in 0..300 {
        let member = world.open();
        world.say(member, r#"{"type":"join","room":"crowd"}"#);
    }
    world.say(peer, &array(r#"{"type":"publish","room":"crowd","event":"e"}"#, 1000));
    for n in 0..900 {
        world.say(peer, &format!(r#"{{"type":"join","room":"q{n}"}}"#));
    }
    (world, peer)
}

/// Turn after turn, until nothing waits: each is bounded, and one who asks for little is answered in the next turn.
fn bounded_turns(world: &mut World, other: ConnId, what: &str) {
    let mut turns = 0;
    loop {
        let before = world.engine.steps();
        world.tick();
        world.receive(other, &frame(r#"{"type":"ping","time":7}"#));
        let went_on = world.engine.deadline().is_some_and(|due| due <= world.now.tick);
        if went_on {
            world.engine.advance(world.now);
        }
        let heard = world.flush(other);
        assert!(heard.contains("pong"), "{what}: the other one was not answered in its turn");
        let spent = world.engine.steps() - before;
        assert!(spent <= 2 * TURN + ONE, "{what}: {spent} steps in one turn");
        turns += 1;
        if !went_on {
            return;
        }
        assert!(turns < 100_000, "{what}: it never ends");
    }
}

#[test]
fn a_turn_does_a_bounded_part_of_what_a_websocket_asks_for() {
    for much in MUCH {
        let (mut world, peer) = crowded();
        let other = world.open();
        let text = frame(&array(much, LARGE / (much.len() + 1)));
        for piece in text.chunks(64 * 1024) {
            world.tick();
            let before = world.engine.steps();
            world.receive(peer, piece);
            let spent = world.engine.steps() - before;
            assert!(spent <= TURN + ONE, "{much}: {spent} steps for one read");
            bounded_turns(&mut world, other, much);
        }
        world.say(peer, r#"{"type":"leave","id":7777,"room":"q1"}"#);
        assert!(world.paused.is_empty(), "{much}: it is read again");
    }
}

#[test]
fn a_turn_does_a_bounded_part_of_what_one_send_asks_for() {
    for much in MUCH {
        let (mut world, _) = crowded();
        let other = world.open();
        let plain = world.dial();
        world.receive(plain, post("/rt/session", "", r#"{"type":"hello"}"#).as_bytes());
        let welcome = world.flush(plain);
        let who =
            format!("Authorization: Session {}:{}\r\n", field(&welcome, "session"), field(&welcome, "key"));
        world.receive(plain, post("/rt/send", &who, r#"{"type":"join","id":1,"room":"crowd"}"#).as_bytes());
        world.rest();
        let last = r#"{"type":"leave","id":9999,"room":"crowd"}"#;
        let body = format!("[{},{last}]", vec![much; LARGE / (much.len() + 1)].join(","));
        let whole = post("/rt/send", &who, &body).into_bytes();
        let before = world.engine.steps();
        world.tick();
        world.receive(plain, &whole);
        let spent = world.engine.steps() - before;
        assert!(spent <= TURN + ONE, "{much}: {spent} steps for one request");
        bounded_turns(&mut world, other, much);
        assert!(world.engine.is_flushed(plain), "{much}: it was answered");
    }
}

#[test]
fn one_who_is_alone_with_its_work_has_the_whole_of_each_turn() {
    let (mut world, peer) = crowded();
    let many = array(r#"{"type":"publish","room":"crowd","event":"e","volatile":true}"#, 1000);
    let cost = world.cost(|world| world.say(peer, &many));
    let mut turns = 0;
    world.tick();
    world.receive(peer, &frame(&many));
    while world.engine.deadline().is_some_and(|due| due <= world.now.tick) {
        world.engine.advance(world.now);
        world.flush(ConnId(0));
        turns += 1;
        world.tick();
    }
    assert!(turns <= cost / TURN + 1, "{turns} turns for {cost} steps");
}

#[test]
fn requests_that_wait_for_the_result_of_a_key_are_bounded_like_any_that_wait() {
    let mut world = World::new(Limits { waiting_requests: 8, ..Limits::default() });
    let peer = world.open();
    let emits: Vec<String> =
        (1..1000).map(|id| format!(r#"{{"type":"emit","id":{id},"event":"late","key":"k"}}"#)).collect();
    world.say(peer, &format!("[{}]", emits.join(",")));
    assert!(world.paused.contains(&peer.0), "999 requests, of which 8 may wait");
    let request = world.engine.events().list.iter().find_map(|event| match event {
        AppEvent::Request { request, .. } => Some(*request),
        _ => None,
    });
    let now = world.now;
    world.engine.ack(request.expect("the first one is the application's"), b"7", Form::Json, now);
    let mut heard = world.flush(peer);
    while world.turn() {
        heard += &world.flush(peer);
    }
    for id in [1, 2, 8, 9, 999] {
        assert!(heard.contains(&format!(r#""id":{id},"data":7"#)), "the ack of {id}");
    }
    assert!(world.paused.is_empty());
}

#[test]
fn many_messages_that_wait_are_held_as_they_came() {
    let mut world = World::new(Limits::default());
    let peer = world.open();
    // Nothing is read by the peer: errors of 256 KiB wait, and the rest of the array does.
    world.receive(peer, &frame(&array("1", 500_000)));
    let now = world.now;
    for _ in 0..1000 {
        world.tick();
        world.engine.advance(now);
    }
    assert!(world.engine.held_of(peer) <= 1_000_001, "{} bytes are held", world.engine.held_of(peer));
}

#[test]
fn a_publisher_that_was_held_goes_on_though_it_says_nothing_more() {
    let mut world = World::new(Limits { outbox: 100, ..Limits::default() });
    let (slow, peer) = (world.open(), world.open());
    for conn in [slow, peer] {
        world.say(conn, r#"{"type":"join","room":"block"}"#);
    }
    for id in 1..=4 {
        // The slow one reads nothing of it.
        let publish = format!(
            r#"{{"type":"publish","id":{id},"room":"block","event":"e","data":"{}"}}"#,
            "x".repeat(90)
        );
        world.tick();
        world.receive(peer, &frame(&publish));
    }
    let heard = world.flush(peer); // and now it does
    let heard = heard + &world.flush(peer);
    assert!((1..=4).all(|id| heard.contains(&format!(r#""type":"ack","id":{id},"#))), "{heard}");
}
