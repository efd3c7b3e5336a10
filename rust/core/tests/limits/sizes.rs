//! Limits of size (bytes, or characters).

use crate::Case;
use crate::support::yard::Yard;
use crate::times::{answer, error_codes, refused};
use rtcore_core::engine::AppEvent;

pub const CASES: &[Case] = &[
    Case {
        name: "parting_bytes",
        other: 10,
        also: &[],
        play: |yard| {
            let conn = refused(yard);
            yard.say(conn, &[b'x'; 1_000]);
            format!("{}", yard.dropped.contains(&conn))
        },
    },
    Case {
        name: "max_head",
        other: 256,
        also: &[],
        play: |yard| {
            let conn = yard.dial();
            let field = format!("X: {}\r\n", "x".repeat(300));
            yard.ask(conn, "POST /rt/session", &field, Some(r#"{"type":"hello"}"#));
            yard.hear(conn)[..12].to_owned()
        },
    },
    Case {
        name: "max_message",
        other: 100,
        also: &[],
        play: |yard| {
            said(yard, &format!(r#"{{"type":"join","id":1,"room":"tea","data":"{}"}}"#, "x".repeat(200)))
        },
    },
    Case {
        name: "max_first_message",
        other: 256,
        also: &[],
        play: |yard| {
            let conn = yard.upgrade("/rt/ws");
            yard.frame(conn, &format!(r#"{{"type":"hello","client":"{}"}}"#, "x".repeat(300)));
            format!("{}", yard.hear(conn).contains("\"welcome\""))
        },
    },
    Case {
        name: "max_name",
        other: 5,
        also: &[],
        play: |yard| said(yard, r#"{"type":"join","id":1,"room":"teapot"}"#),
    },
    Case {
        name: "max_key",
        other: 3,
        also: &[],
        play: |yard| said(yard, r#"{"type":"emit","id":1,"event":"nothing","key":"abcd"}"#),
    },
    Case {
        name: "data_memory",
        other: 1_000,
        also: &[],
        play: |yard| {
            let (conn, _) = yard.socket();
            let sync = r#"{"client":"0123456789abcdef","incarnation":1,"nonce":"n"}"#;
            yard.frame(conn, &format!(r#"{{"type":"join","id":1,"room":"$sync/notes","sync":{sync}}}"#));
            yard.frame(
                conn,
                r#"{"type":"push","id":2,"collection":"notes","changes":[{"n":1,"op":"put","key":"k"}]}"#,
            );
            error_codes(&yard.hear(conn))
        },
    },
    Case { name: "waiting_bytes", other: 10, also: &[], play: asked_at_once },
    Case {
        name: "unsent_replies",
        other: 100,
        also: &[],
        play: |yard| {
            let known = yard.plain();
            let asks: Vec<String> =
                (1..50).map(|id| format!(r#"{{"type":"join","id":{id},"room":"tea"}}"#)).collect();
            let heard = yard.once("POST /rt/send", &known.field(), Some(&format!("[{}]", asks.join(","))));
            error_codes(&heard)
        },
    },
    Case { name: "ack_bytes", other: 1, also: &[], play: asked_again },
    Case { name: "ack_memory", other: 0, also: &[("acks_at_least", 0)], play: asked_again },
    Case { name: "acks_at_least", other: 0, also: &[("ack_memory", 0)], play: asked_again },
    Case {
        name: "outbox",
        other: 200,
        also: &[],
        play: |yard| {
            let (conn, _) = yard.socket();
            yard.frame(conn, r#"{"type":"join","id":1,"room":"tea"}"#);
            yard.hear(conn);
            (0..3).for_each(|_| yard.publish("tea", &format!("{:?}", "x".repeat(100))));
            count(yard, "lagged")
        },
    },
    Case {
        name: "session_high",
        other: 100,
        also: &[],
        play: |yard| {
            let (_, known) = yard.socket();
            let session = yard.session(&known).expect("it is here");
            let data = format!("{:?}", "x".repeat(150));
            yard.engine.send(session, "alone", data.as_bytes(), yard.now).expect("it is here");
            format!("{}", yard.engine.want_drained(session))
        },
    },
    Case {
        name: "session_low",
        other: 0,
        also: &[("session_high", 100)],
        play: |yard| {
            let (conn, known) = yard.socket();
            let session = yard.session(&known).expect("it is here");
            let data = format!("{:?}", "x".repeat(150));
            for _ in 0..3 {
                yard.engine.send(session, "alone", data.as_bytes(), yard.now).expect("it is here");
            }
            assert!(yard.engine.want_drained(session));
            yard.engine.take_dirty(&mut Vec::new(), yard.now);
            yard.engine.written(conn, 20, yard.now);
            yard.turn();
            let drained = yard.told.iter().any(|told| matches!(told, AppEvent::Drained { .. }));
            format!("{drained}")
        },
    },
    Case { name: "ring_memory", other: 0, also: &[], play: remembered },
    Case { name: "history_bytes", other: 1, also: &[], play: remembered },
    Case {
        name: "key_memory",
        other: 0,
        also: &[],
        play: |yard| {
            said(
                yard,
                r#"[{"type":"join","id":1,"room":"tea"},{"type":"publish","id":2,"room":"tea","event":"e","key":"k"}]"#,
            )
        },
    },
    Case {
        name: "compress_from",
        other: 10,
        also: &[],
        play: |yard| {
            let conn = yard.dial();
            let head = "GET /rt/ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
                        Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
            yard.say(conn, head.as_bytes());
            yard.frame(conn, r#"[{"type":"hello"},{"type":"join","id":1,"room":"tea"}]"#);
            yard.hear(conn);
            yard.publish("tea", &format!("{:?}", "x".repeat(500)));
            format!("{}", yard.hear(conn).len())
        },
    },
    Case {
        name: "stream_bytes",
        other: 100,
        also: &[],
        play: |yard| {
            let (conn, known) = yard.socket();
            let session = yard.session(&known).expect("it is here");
            yard.frame(conn, r#"{"type":"open","id":1,"stream":"count","credit":100}"#);
            let item = format!("{:?}", "x".repeat(60));
            (0..5).for_each(|_| _ = yard.engine.stream_item(session, 1, item.as_bytes()));
            yard.hear(conn);
            yard.lose(conn);
            let again = yard.upgrade("/rt/ws");
            yard.hear(again);
            let (name, key) = (known.name, known.key);
            yard.frame(
                again,
                &format!(r#"{{"type":"hello","session":"{name}","key":"{key}","streams":{{"1":0}}}}"#),
            );
            error_codes(&yard.hear(again))
        },
    },
];

/// What is answered to this on a WebSocket.
pub fn said(yard: &mut Yard, text: &str) -> String {
    let (conn, _) = yard.socket();
    yard.frame(conn, text);
    yard.hear(conn)
}

/// A counter, as operators read it.
pub fn count(yard: &Yard, name: &str) -> String {
    let metrics = yard.engine.metrics();
    metrics.lines().find(|line| line.starts_with(&format!("rtcore_{name}"))).unwrap_or("none").to_owned()
}

/// How often reading of a peer was paused that asks for more than is answered.
pub fn asked_at_once(yard: &mut Yard) -> String {
    let (conn, _) = yard.socket();
    for id in 1..5 {
        yard.frame(conn, &format!(r#"{{"type":"emit","id":{id},"event":"work","data":"a lot of work"}}"#));
    }
    count(yard, "pauses")
}

/// What a request gets that is sent again when others came after it.
pub fn asked_again(yard: &mut Yard) -> String {
    let (conn, _) = yard.socket();
    for id in [1, 2, 3, 1] {
        yard.frame(conn, &format!(r#"{{"type":"emit","id":{id},"event":"work"}}"#));
        answer(yard);
    }
    error_codes(&yard.hear(conn))
}

/// How many of three entries a member is told that asks for what was.
pub fn remembered(yard: &mut Yard) -> String {
    let (conn, _) = yard.socket();
    yard.frame(conn, r#"{"type":"join","id":1,"room":"tea"}"#);
    (0..3).for_each(|_| yard.publish("tea", "1"));
    yard.hear(conn);
    yard.frame(conn, r#"{"type":"history","id":2,"room":"tea"}"#);
    format!("{}", yard.hear(conn).matches("\"event\":\"said\"").count())
}
