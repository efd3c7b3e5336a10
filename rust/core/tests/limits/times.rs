//! Limits of time (ms).

use crate::Case;
use crate::support::yard::Yard;
use rtcore_core::Form;
use rtcore_core::engine::AppEvent;

pub const CASES: &[Case] = &[
    Case { name: "ping_ms", other: 5_000, also: &[], play: |yard| socket_after(yard, 6_000) },
    Case { name: "silence_ms", other: 1_000, also: &[], play: |yard| socket_after(yard, 27_000) },
    Case {
        name: "report_ms",
        other: 0,
        also: &[],
        play: |yard| {
            let conn = yard.upgrade("/rt/ws");
            yard.hear(conn);
            yard.frame(conn, r#"{"type":"hello"}"#);
            let welcome = yard.hear(conn);
            format!("{}", welcome.contains(r#""report":300"#))
        },
    },
    Case {
        name: "hello_ms",
        other: 1_000,
        also: &[],
        play: |yard| {
            let conn = yard.upgrade("/rt/ws");
            yard.hear(conn);
            yard.pass(2_000);
            yard.hear(conn)
        },
    },
    Case {
        name: "welcome_ms",
        other: 1_000,
        also: &[],
        play: |yard| {
            yard.thinks = true;
            let conn = yard.upgrade("/rt/ws");
            yard.hear(conn);
            yard.frame(conn, r#"{"type":"hello"}"#);
            yard.pass(2_000);
            yard.hear(conn)
        },
    },
    Case {
        name: "resume_ms",
        other: 1_000,
        also: &[],
        play: |yard| {
            let (conn, known) = yard.socket();
            yard.lose(conn);
            yard.pass(2_000);
            format!("{:?}", yard.session(&known))
        },
    },
    Case {
        name: "close_ms",
        other: 100,
        also: &[],
        play: |yard| {
            let (conn, known) = yard.socket();
            let session = yard.session(&known).expect("it is here");
            yard.engine.close_session(session, 4503, "enough", yard.now);
            yard.hear(conn);
            yard.pass(500);
            format!("{:?}", yard.dropped)
        },
    },
    Case {
        name: "parting_ms",
        other: 100,
        also: &[],
        play: |yard| {
            let conn = refused(yard);
            for _ in 0..4 {
                yard.pass(1_000);
                yard.say(conn, b"x");
            }
            format!("{}", yard.dropped.contains(&conn))
        },
    },
    Case {
        name: "body_ms",
        other: 1_000,
        also: &[],
        play: |yard| {
            let conn = yard.dial();
            yard.say(conn, b"POST /rt/session HTTP/1.1\r\nHost: a\r\nContent-Length: 16\r\n\r\n");
            yard.pass(2_000);
            yard.hear(conn)
        },
    },
    Case {
        name: "keep_alive_ms",
        other: 1_000,
        also: &[],
        play: |yard| {
            let conn = yard.dial();
            yard.ask(conn, "POST /rt/session", "", Some(r#"{"type":"hello"}"#));
            yard.hear(conn);
            yard.pass(5_000);
            format!("{}", yard.dropped.contains(&conn))
        },
    },
    Case {
        name: "send_wait_ms",
        other: 5_000,
        also: &[],
        play: |yard| {
            let known = yard.plain();
            let conn = yard.dial();
            let body = r#"{"type":"emit","id":1,"event":"work"}"#;
            yard.ask(conn, "POST /rt/send", &known.field(), Some(body));
            yard.pass(200);
            yard.hear(conn)
        },
    },
    Case {
        name: "poll_wait_ms",
        other: 1_000,
        also: &[],
        play: |yard| {
            let known = yard.plain();
            let conn = yard.dial();
            yard.ask(conn, "GET /rt/poll?after=0&wait=0", &known.field(), None);
            yard.hear(conn);
            yard.ask(conn, "GET /rt/poll?after=1", &known.field(), None);
            yard.pass(2_000);
            yard.hear(conn)
        },
    },
    Case {
        name: "key_ms",
        other: 1_000,
        also: &[],
        play: |yard| {
            let (conn, _) = yard.socket();
            yard.frame(conn, r#"{"type":"join","id":1,"room":"tea"}"#);
            yard.frame(conn, r#"{"type":"publish","id":2,"room":"tea","event":"e","key":"k","data":1}"#);
            yard.pass(2_000);
            yard.frame(conn, r#"{"type":"publish","id":3,"room":"tea","event":"e","key":"k","data":2}"#);
            error_codes(&yard.hear(conn))
        },
    },
    Case {
        name: "block_ms",
        other: 100,
        also: &[],
        play: |yard| {
            let (slow, _) = yard.socket();
            yard.frame(slow, r#"{"type":"join","id":1,"room":"block"}"#);
            let data = format!("{:?}", "x".repeat(1_000));
            (0..20).for_each(|_| yard.publish("block", &data));
            yard.pass(500);
            let heard = yard.hear(slow);
            format!("{}", heard.contains("\"type\":\"bye\""))
        },
    },
    Case {
        name: "expiring_ms",
        other: 1_000,
        also: &[],
        play: |yard| {
            yard.lasts = Some(10_000);
            socket_after(yard, 100)
        },
    },
    Case {
        name: "presence_ms",
        other: 1_000,
        also: &[],
        play: |yard| {
            let (first, _) = yard.socket();
            yard.frame(first, r#"{"type":"join","id":1,"room":"tea"}"#);
            yard.pass(5_000);
            yard.hear(first);
            let (second, _) = yard.socket();
            yard.frame(second, r#"{"type":"join","id":1,"room":"tea"}"#);
            yard.pass(300);
            yard.hear(first)
        },
    },
];

/// What a client hears of an idle WebSocket after so long.
fn socket_after(yard: &mut Yard, ms: u64) -> String {
    let (conn, _) = yard.socket();
    yard.pass(ms);
    yard.hear(conn)
}

/// A request that was refused, whose body is still to come.
pub fn refused(yard: &mut Yard) -> rtcore_core::ConnId {
    let conn = yard.dial();
    yard.say(conn, b"POST /rt/nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    assert!(yard.hear(conn).starts_with("HTTP/1.1 4"));
    conn
}

/// The codes of errors in what was heard.
pub fn error_codes(heard: &str) -> String {
    let codes =
        heard.split("\"code\":").skip(1).map(|rest| rest.split([',', '}']).next().unwrap_or_default());
    codes.collect::<Vec<_>>().join(" ")
}

/// The application answers the requests that it was asked.
pub fn answer(yard: &mut Yard) {
    for event in std::mem::take(&mut yard.later) {
        if let AppEvent::Request { request, .. } = event {
            yard.engine.ack(request, b"1", Form::Json, yard.now);
        }
    }
    yard.turn();
}
