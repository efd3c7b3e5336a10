//! Whose word counts: that of the newest hello, and what was said to the session that there is.

use crate::support::yard::{Known, Yard};
use rtcore_core::frame::websocket::{opcode, write_frame};

/// The ways of a session over plain HTTP, and what a stale one is told on each.
const SPEAKS: [(&str, Option<&str>, &str); 4] = [
    ("POST /rt/send", Some("[]"), "\"code\":4500"),
    ("GET /rt/poll?after=0&wait=0", None, "\"code\":4500"),
    ("GET /rt/sse", None, "HTTP/1.1 204"),
    ("POST /rt/stream/count", Some("3"), "HTTP/1.1 409"),
];

fn hello(yard: &mut Yard, known: &Known, n: Option<u64>) -> String {
    let n = n.map_or(String::new(), |n| format!(r#","n":{n}"#));
    let hello = format!(r#"{{"type":"hello","session":"{}","key":"{}"{n}}}"#, known.name, known.key);
    yard.once("POST /rt/session", "", Some(&hello))
}

/// What each way answers to who says that it speaks by this hello, or says nothing.
fn refused(yard: &mut Yard, known: &Known, number: Option<&str>) -> [bool; 4] {
    let number = number.map_or(String::new(), |number| format!("Rtcore-Hello: {number}\r\n"));
    SPEAKS.map(|(line, body, stale)| {
        let conn = yard.dial();
        yard.ask(conn, line, &format!("{}{number}", known.field()), body);
        let heard = yard.hear(conn);
        yard.lose(conn);
        heard.contains(stale)
    })
}

/// *Hello 7, then one of a client that does not count: what still says 7 is of the older one.*
#[test]
fn a_request_by_an_older_hello_is_stale_though_the_newest_has_no_number() {
    let (stale, good) = ([true; 4], [false; 4]);
    let mut yard = Yard::new();
    let known = yard.plain(); // its hello has no number
    assert_eq!(refused(&mut yard, &known, None), good, "who never counts goes on");
    assert_eq!(refused(&mut yard, &known, Some("0")), stale, "no hello had a number");
    assert!(hello(&mut yard, &known, Some(7)).contains("\"resumed\":true"));
    assert_eq!(refused(&mut yard, &known, Some("7")), good);
    assert_eq!(refused(&mut yard, &known, Some("6")), stale);
    assert_eq!(refused(&mut yard, &known, Some("8")), stale);
    assert_eq!(refused(&mut yard, &known, None), good);
    assert!(hello(&mut yard, &known, None).contains("\"resumed\":true"), "it always takes over");
    assert_eq!(refused(&mut yard, &known, Some("7")), stale);
    assert_eq!(refused(&mut yard, &known, None), good);
    assert!(
        hello(&mut yard, &known, Some(7)).starts_with("HTTP/1.1 409"),
        "it is older than what followed it"
    );
    assert_eq!(refused(&mut yard, &known, None), good, "which took nothing over");
    assert!(hello(&mut yard, &known, Some(8)).contains("\"resumed\":true"));
    assert_eq!(refused(&mut yard, &known, Some("8")), good);
}

/// *The session is gone, and the welcome that says so is on its way: what its client says meanwhile was meant for the old one.*
#[test]
fn what_is_written_before_the_welcome_is_there_is_not_done_in_a_fresh_session() {
    let mut yard = Yard::new();
    let conn = yard.upgrade("/rt/ws");
    yard.frame(conn, r#"{"type":"hello","session":"gone","key":"x"}"#);
    let heard = yard.hear(conn); // it has left: the kernel has it
    let (ping, welcome) = (heard.find("\u{7}welcome"), heard.find("\"resumed\":false"));
    assert!(ping.is_some() && ping < welcome, "{heard:?}");
    let ask = |yard: &mut Yard, id: u64| {
        yard.frame(conn, &format!(r#"{{"type":"emit","id":{id},"event":"work","data":1}}"#));
        yard.hear(conn)
    };
    let pong = |yard: &mut Yard, payload: &[u8]| {
        let mut frame = Vec::new();
        write_frame(&mut frame, opcode::PONG, false, Some([1, 2, 3, 4]), payload);
        yard.say(conn, &frame);
    };
    for (id, other) in [(1, &b""[..]), (2, b"x"), (3, b"welcom"), (4, b"welcome!")] {
        assert!(ask(&mut yard, id).contains("OUTCOME_UNKNOWN"), "{id}");
        pong(&mut yard, other);
    }
    assert!(ask(&mut yard, 5).contains("OUTCOME_UNKNOWN"), "no other pong says anything");
    pong(&mut yard, b"welcome");
    ask(&mut yard, 6);
    yard.decide_all();
    let heard = yard.hear(conn);
    assert!(heard.contains("\"id\":6") && !heard.contains("OUTCOME_UNKNOWN"), "{heard}");
}

/// No such ping where nothing is in doubt: a session that begins, and one that is there.
#[test]
fn only_a_session_that_is_gone_is_asked_for_a_pong() {
    let mut yard = Yard::new();
    let (conn, known) = yard.socket();
    assert!(!yard.hear(conn).contains("\u{7}welcome"));
    yard.lose(conn);
    let conn = yard.upgrade("/rt/ws");
    yard.frame(conn, &format!(r#"{{"type":"hello","session":"{}","key":"{}"}}"#, known.name, known.key));
    let heard = yard.hear(conn);
    assert!(heard.contains("\"resumed\":true") && !heard.contains("\u{7}welcome"), "{heard:?}");
}

/// What is no number is a fault of who says it, and no sign that somebody else has the session.
#[test]
fn an_odd_number_of_a_hello_is_refused_as_such() {
    let mut yard = Yard::new();
    let known = yard.plain();
    hello(&mut yard, &known, Some(7));
    for odd in ["x", "", "-1", "+7", "7.0", "0x7", "7 7", "18446744073709551616", "7\r\nRtcore-Hello: 7"] {
        for (line, body, _) in SPEAKS {
            let field = format!("{}Rtcore-Hello: {odd}\r\n", known.field());
            let heard = yard.once(line, &field, body);
            assert!(heard.starts_with("HTTP/1.1 400") && heard.contains("Rtcore-Hello"), "{odd:?}: {heard}");
        }
    }
    assert_eq!(refused(&mut yard, &known, Some("7")), [false; 4]);
}

/// The attack: a session that moved to a WebSocket, or was superseded, and whose key still opens streams.
#[test]
fn a_stream_of_items_is_opened_by_the_newest_way_of_a_session_alone() {
    let mut yard = Yard::new();
    let known = yard.plain();
    hello(&mut yard, &known, Some(7));
    let ask = |yard: &mut Yard, query: &str, fields: &str| {
        let conn = yard.dial();
        yard.ask(conn, &format!("POST /rt/stream/count{query}"), fields, Some("3"));
        yard.hear(conn)
    };
    let heard = ask(&mut yard, "", &format!("{}Rtcore-Hello: 6\r\n", known.field()));
    assert!(heard.starts_with("HTTP/1.1 409") && heard.contains(r#""code":"SUPERSEDED""#), "{heard}");
    assert!(heard.contains(r#""n":7"#), "{heard}");
    let conn = yard.upgrade("/rt/ws");
    yard.frame(
        conn,
        &format!(r#"{{"type":"hello","session":"{}","key":"{}","n":8}}"#, known.name, known.key),
    );
    let opened = |yard: &Yard| yard.current("sessions");
    for fields in [known.field(), format!("{}Last-Event-ID: a.b.1\r\n", known.field())] {
        let heard = ask(&mut yard, "?away=2", &fields);
        assert!(heard.starts_with("HTTP/1.1 409"), "it has moved: {heard}");
    }
    assert_eq!(opened(&yard), 1, "no stream has a session");
}
