//! Work is counted in steps: what a message costs depends on what it says and on its own sender, and not on what others
//! hold.

#[path = "costs/flush.rs"]
mod flush;
#[path = "costs/lines.rs"]
mod lines;
#[path = "costs/turns.rs"]
mod turns;
#[path = "costs/world.rs"]
mod world;

use rtcore_core::{ConnId, Limits};
use world::{World, array, field, post};

/// What a message may cost more in one world than in another: a table that grows, an entry that expires.
const NEAR: u64 = 4;

/// Others: each with a room of its own, entries in it, requests and a join that wait, a connection; and half of them absent.
fn others(world: &mut World, many: usize) {
    for n in 0..many {
        let conn = world.open();
        world.say(conn, &format!(r#"{{"type":"join","room":"of {n}"}}"#));
        world.say(
            conn,
            &array(&format!(r#"{{"type":"publish","room":"of {n}","event":"e","key":"k{n}"}}"#), 3),
        );
        world.say(conn, &array(r#"{"type":"emit","event":"late"}"#, 3));
        world.say(conn, &format!(r#"{{"type":"join","room":"asked {n}"}}"#));
        if n % 2 == 1 {
            world.engine.lost(conn, world.now);
        }
    }
    world.engine.events().clear();
}

/// What is said by WebSocket, in order; `#` is the id.
const SAID: [(&str, &str); 17] = [
    ("join", r#"{"type":"join","id":#,"room":"mine"}"#),
    ("join again", r#"{"type":"join","id":#,"room":"mine","last":3}"#),
    ("publish", r#"{"type":"publish","id":#,"room":"mine","event":"e","data":1}"#),
    ("publish with a key", r#"{"type":"publish","id":#,"room":"mine","event":"e","key":"mine"}"#),
    ("publish once more", r#"{"type":"publish","id":5,"room":"mine","event":"e","key":"mine"}"#),
    ("publish elsewhere", r#"{"type":"publish","id":#,"room":"of 0","event":"e"}"#),
    ("history", r#"{"type":"history","id":#,"room":"mine"}"#),
    ("history without an id", r#"{"type":"history","room":"mine"}"#),
    ("leave", r#"{"type":"leave","id":#,"room":"mine"}"#),
    ("emit", r#"{"type":"emit","id":#,"event":"late","key":"mine"}"#),
    ("emit nothing", r#"{"type":"emit","id":#,"event":"none"}"#),
    ("reply", r#"{"type":"reply","id":#,"data":1}"#),
    ("auth", r#"{"type":"auth","id":#,"token":"t"}"#),
    ("ping", r#"{"type":"ping","time":1}"#),
    ("open", r#"{"type":"open","id":#,"stream":"down","credit":1}"#),
    ("cancel", r#"{"type":"cancel","id":16}"#),
    ("nonsense", "1"),
];

/// What each kind of message costs beside so many others.
fn costs(many: usize) -> Vec<(String, u64)> {
    let mut world = World::new(Limits { rooms: many as u64 + 5, ..Limits::default() });
    others(&mut world, many);
    let mut costs = Vec::new();
    let mut conn = ConnId(0);
    costs.push(("hello".to_owned(), world.cost(|world| conn = world.open())));
    for (id, (name, said)) in (2..).zip(SAID) {
        let said = said.replace('#', &id.to_string());
        costs.push((name.to_owned(), world.cost(|world| world.say(conn, &said))));
    }
    // The world is full of rooms, each in use: a join is refused, and nobody looks for one that could go.
    let filler = world.open();
    for fill in 0..many + 8 {
        world.say(filler, &format!(r#"{{"type":"join","room":"fill {fill}"}}"#));
    }
    let refused = r#"{"type":"join","id":100,"room":"one more"}"#;
    costs.push(("join that is refused".to_owned(), world.cost(|world| world.say(conn, refused))));
    let plain = world.dial();
    let mut who = String::new();
    costs.push((
        "POST /rt/session".to_owned(),
        world.cost(|world| {
            world.receive(plain, post("/rt/session", "", r#"{"type":"hello"}"#).as_bytes());
            let welcome = world.flush(plain);
            who = format!(
                "Authorization: Session {}:{}\r\n",
                field(&welcome, "session"),
                field(&welcome, "key")
            );
        }),
    ));
    let refused = r#"[{"type":"join","id":1,"room":"one more"},{"type":"emit","id":2,"event":"none"}]"#;
    costs.push((
        "POST /rt/send".to_owned(),
        world.cost(|world| {
            world.receive(plain, post("/rt/send", &who, refused).as_bytes());
        }),
    ));
    costs.push((
        "GET /rt/poll".to_owned(),
        world.cost(|world| {
            world.receive(plain, format!("GET /rt/poll?wait=0 HTTP/1.1\r\nHost: a\r\n{who}\r\n").as_bytes());
        }),
    ));
    costs.push((
        "GET /rt/sse that is refused".to_owned(),
        world.cost(|world| {
            world.receive(plain, b"GET /rt/sse?room=%24all HTTP/1.1\r\nHost: a\r\n\r\n");
        }),
    ));
    costs.push(("a link that breaks".to_owned(), world.cost(|world| world.engine.lost(plain, world.now))));
    world.say(conn, &array(r#"{"type":"emit","event":"late"}"#, 30));
    costs.push(("bye".to_owned(), world.cost(|world| world.say(conn, r#"{"type":"bye"}"#))));
    costs
}

#[test]
fn no_message_costs_more_because_of_what_others_hold() {
    let small = costs(1);
    for many in [2, 3, 5, 8, 16, 32, 64, 128, 256] {
        for ((name, at_first), (_, now)) in small.iter().zip(costs(many)) {
            assert!(
                now <= at_first + NEAR,
                "{name}: {at_first} steps beside one other session, {now} beside {many}"
            );
        }
    }
}
