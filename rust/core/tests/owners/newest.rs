//! Whose word counts: that of the newest hello, and what was said to the session that there is.

use crate::support::yard::{Known, Yard};

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
    let by = |n: u64| format!("{}Rtcore-Hello: {n}\r\n", known.field());
    for fields in [by(7), by(8), format!("{}Last-Event-ID: a.b.1\r\n", by(7))] {
        let heard = ask(&mut yard, "?away=2", &fields);
        assert!(heard.starts_with("HTTP/1.1 409"), "it has moved: {heard}");
    }
    assert_eq!(opened(&yard), 1, "no stream has a session");
    ask(&mut yard, "?away=2", &known.field());
    assert_eq!(opened(&yard), 2, "the key opens one beside the WebSocket");
}
