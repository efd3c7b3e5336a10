//! Limits of number.

use crate::Case;
use crate::sizes::{asked_again, asked_at_once, count, remembered, said};
use crate::support::yard::Yard;
use crate::times::error_codes;

pub const CASES: &[Case] = &[
    Case { name: "waiting_requests", other: 1, also: &[], play: asked_at_once },
    Case { name: "acks", other: 1, also: &[], play: asked_again },
    Case { name: "connections", other: 1, also: &[], play: two_connections },
    Case { name: "connections_per_address", other: 1, also: &[], play: two_connections },
    Case { name: "connections_per_user", other: 1, also: &[], play: two_of_ada },
    Case { name: "sessions", other: 1, also: &[], play: two_of_ada },
    Case { name: "sessions_per_address", other: 1, also: &[], play: two_of_ada },
    Case { name: "sessions_per_user", other: 1, also: &[], play: two_of_ada },
    Case { name: "rooms_per_session", other: 1, also: &[], play: two_rooms },
    Case { name: "rooms", other: 1, also: &[], play: two_rooms },
    Case {
        name: "left_rooms",
        other: 1,
        also: &[],
        play: |yard| {
            let left = [2, 3].map(|id| format!(r#"{{"type":"leave","id":{id},"room":"tea{id}"}}"#)).join(",");
            said(yard, &format!(r#"[{left},{{"type":"join","id":1,"room":"tea1"}}]"#))
        },
    },
    Case {
        name: "questions",
        other: 1,
        also: &[],
        play: |yard| {
            yard.thinks = true;
            let conns = [yard.upgrade("/rt/ws"), yard.upgrade("/rt/ws")];
            for conn in conns {
                yard.hear(conn);
                yard.frame(conn, r#"{"type":"hello"}"#);
            }
            format!("{} {}", yard.hear(conns[0]), yard.hear(conns[1]))
        },
    },
    Case {
        name: "questions_at_once",
        other: 1,
        also: &[],
        play: |yard| {
            yard.thinks = true;
            let conn = yard.dial();
            yard.ask(conn, "GET /rt/sse?room=asked1&room=asked2", "", None);
            yard.decide_all(); // who this is
            format!("{} rooms are asked about", yard.later.len())
        },
    },
    Case {
        name: "messages_per_second",
        other: 1,
        also: &[],
        play: |yard| said(yard, &format!("[{}]", [r#"{"type":"ping"}"#; 10].join(","))),
    },
    Case {
        name: "keys_per_user",
        other: 1,
        also: &[],
        play: |yard| {
            let publish =
                |id: u8| format!(r#"{{"type":"publish","id":{id},"room":"tea","event":"e","key":"k{id}"}}"#);
            said(yard, &format!(r#"[{{"type":"join","id":1,"room":"tea"}},{},{}]"#, publish(2), publish(3)))
        },
    },
    Case {
        name: "presence_names",
        other: 1,
        also: &[],
        play: |yard| {
            yard.socket();
            let (first, _) = yard.socket();
            yard.frame(first, r#"{"type":"join","id":1,"room":"tea"}"#);
            yard.pass(5_000);
            said(yard, r#"{"type":"join","id":1,"room":"tea"}"#)
        },
    },
    Case { name: "history_entries", other: 1, also: &[], play: remembered },
    Case {
        name: "streams",
        other: 1,
        also: &[],
        play: |yard| {
            said(yard, r#"[{"type":"open","id":1,"stream":"count"},{"type":"open","id":2,"stream":"count"}]"#)
        },
    },
    Case {
        name: "turn_steps",
        other: 100,
        also: &[],
        play: |yard| {
            let (conn, _) = yard.socket();
            yard.frame(conn, &format!("[{}]", [r#"{"type":"ping"}"#; 500].join(",")));
            count(yard, "turns_waited")
        },
    },
];

/// The second connection of an address asks for something.
fn two_connections(yard: &mut Yard) -> String {
    let _first = yard.dial();
    let conn = yard.dial();
    yard.ask(conn, "POST /rt/session", "", Some(r#"{"type":"hello"}"#));
    yard.hear(conn)[..12].to_owned()
}

/// A user comes twice.
fn two_of_ada(yard: &mut Yard) -> String {
    let hello = r#"{"type":"hello","token":"ada"}"#;
    let conns = [yard.upgrade("/rt/ws"), yard.upgrade("/rt/ws")];
    let heard = conns.map(|conn| {
        yard.frame(conn, hello);
        error_codes(&yard.hear(conn))
    });
    heard.join(" ")
}

fn two_rooms(yard: &mut Yard) -> String {
    error_codes(&said(yard, r#"[{"type":"join","id":1,"room":"tea1"},{"type":"join","id":2,"room":"tea2"}]"#))
}
