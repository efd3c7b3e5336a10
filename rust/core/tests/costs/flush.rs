//! However many wait for one event, the end of a turn does a bounded part for them, in their order; nobody is forgotten.

use crate::world::{World, field, post};
use rtcore_core::limits::fixed::FLUSH_STEPS;
use rtcore_core::{ConnId, Limits};

/// Steps of one answer: all that an outbox holds is put together.
const ONE: u64 = 200;

fn parked(world: &mut World) -> ConnId {
    world.tick();
    let conn = world.dial();
    world.receive(conn, post("/rt/session", "", r#"{"type":"hello"}"#).as_bytes());
    let welcome = world.flush(conn);
    let who = format!("Authorization: Session {}:{}\r\n", field(&welcome, "session"), field(&welcome, "key"));
    world.receive(conn, post("/rt/send", &who, r#"{"type":"join","room":"crowd"}"#).as_bytes());
    world.flush(conn);
    world.receive(conn, format!("GET /rt/poll HTTP/1.1\r\nHost: a\r\n{who}\r\n").as_bytes());
    world.flush(conn);
    conn
}

#[test]
fn polls_that_one_event_answers_are_answered_in_parts_and_in_order() {
    let mut world = World::new(Limits::default());
    let polls: Vec<ConnId> = (0..400).map(|_| parked(&mut world)).collect();
    let publisher = world.open();
    world.say(publisher, r#"{"type":"join","room":"crowd"}"#);
    world.tick();
    let large = "x".repeat(60_000);
    let publish = format!(r#"{{"type":"publish","room":"crowd","event":"e","echo":false,"data":"{large}"}}"#);
    world.receive(publisher, &crate::world::frame(&publish));
    let (mut answered, mut parts) = (Vec::new(), 0);
    while world.engine.has_dirty() {
        let (mut dirty, before) = (Vec::new(), world.engine.steps());
        world.engine.take_dirty(&mut dirty, world.now);
        world.engine.take_ops(&mut Vec::new());
        let spent = world.engine.steps() - before;
        assert!(spent <= FLUSH_STEPS + ONE, "{spent} steps at the end of one turn");
        parts += 1;
        for conn in dirty {
            let mut slices = Vec::new();
            world.engine.gather(conn, &mut slices, usize::MAX);
            let bytes = slices.concat();
            world.engine.written(conn, bytes.len(), world.now);
            let answer = String::from_utf8(bytes).unwrap();
            assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(&large), "the event, whole");
            answered.push(conn);
        }
        assert!(parts < 100, "it never ends");
    }
    assert!(parts > 2, "{parts} parts");
    assert!(answered == polls, "each once, in the order in which they were told");
}
