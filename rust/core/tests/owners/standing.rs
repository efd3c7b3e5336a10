//! Rights end when they end, whatever the transport: a token whose time is over, a session that moved, a stream that can
//! only hear, a page that is not ours.

use crate::support::yard::{Known, Yard, config};
use rtcore_core::ConnId;
use rtcore_core::engine::AppEvent;

const TOKEN: u64 = 2_000;

/// A session over plain HTTP that is in `tea`, with a token of two seconds.
fn plain(yard: &mut Yard) -> Known {
    let known = yard.plain();
    yard.once("POST /rt/send", &known.field(), Some(r#"{"type":"join","id":1,"room":"tea"}"#));
    known
}

fn yard() -> Yard {
    let mut config = config();
    config.limits.expiring_ms = 0; // nothing is said beforehand
    Yard { lasts: Some(TOKEN), ..Yard::with(config) }
}

fn publish(id: u64) -> String {
    format!(r#"{{"type":"publish","id":{id},"room":"tea","event":"e","data":"said"}}"#)
}

/// Whether anything was said in `tea`.
fn said(yard: &Yard) -> bool {
    yard.engine.history("tea", None, 10).is_ok_and(|(entries, ..)| !entries.is_empty())
}

/// Time passes, and nobody has looked at a timer yet.
fn unnoticed(yard: &mut Yard, ms: u64) {
    yard.now.wall_ms += ms;
    yard.now.tick = yard.now.tick.plus_ms(ms);
}

#[test]
fn nothing_is_done_for_a_token_that_is_over_before_any_timer_has_looked() {
    for ms in [TOKEN, TOKEN + 1, 10 * TOKEN] {
        let mut yard = yard();
        let (conn, _) = yard.socket();
        yard.frame(conn, r#"{"type":"join","id":1,"room":"tea"}"#);
        yard.hear(conn);
        unnoticed(&mut yard, ms);
        yard.frame(conn, &format!("[{},{}]", publish(2), r#"{"type":"history","id":3,"room":"tea"}"#));
        let heard = yard.hear(conn);
        assert!(heard.contains("4005") && !heard.contains("\"ack\""), "{heard}");
        assert!(!said(&yard));
    }
    for ms in [TOKEN, TOKEN + 1, 10 * TOKEN] {
        let mut yard = yard();
        let known = plain(&mut yard);
        unnoticed(&mut yard, ms);
        let heard = yard.once("POST /rt/send", &known.field(), Some(&publish(2)));
        assert!(heard.starts_with("HTTP/1.1 401") && heard.contains("UNAUTHORIZED"), "{heard}");
        assert!(!said(&yard));
    }
}

#[test]
fn whoever_hears_by_a_token_is_sent_away_when_it_is_over() {
    type Opens = fn(&mut Yard, &Known) -> ConnId;
    let ways: [(&str, Opens); 7] = [
        ("a socket", |yard, _| {
            let (conn, _) = yard.socket();
            yard.frame(conn, r#"{"type":"join","id":1,"room":"tea"}"#);
            conn
        }),
        ("a poll", |yard, known| {
            yard.pass(200);
            yard.once("GET /rt/poll?after=0&wait=0", &known.field(), None); // who came is told
            let conn = yard.dial();
            yard.ask(conn, "GET /rt/poll?after=1&wait=25", &known.field(), None);
            conn
        }),
        ("a stream", |yard, known| {
            let conn = yard.dial();
            yard.ask(conn, "GET /rt/sse", &known.field(), None);
            conn
        }),
        ("a stream by ticket", |yard, known| {
            let conn = yard.dial();
            yard.ask(conn, &format!("GET /rt/sse?ticket={}", known.ticket), "", None);
            conn
        }),
        ("a stream of rooms", |yard, _| {
            let conn = yard.dial();
            yard.ask(conn, "GET /rt/sse?room=tea", "", None);
            conn
        }),
        ("items", |yard, _| {
            let conn = yard.dial();
            yard.ask(conn, "POST /rt/stream/count", "", Some("3"));
            conn
        }),
        ("items by a key", |yard, known| {
            let conn = yard.dial();
            yard.ask(conn, "POST /rt/stream/count", &known.field(), Some("3"));
            conn
        }),
    ];
    for (what, opens) in ways {
        let mut yard = yard();
        let known = plain(&mut yard);
        let conn = opens(&mut yard, &known);
        yard.hear(conn);
        yard.pass(TOKEN);
        yard.publish("tea", "\"secret\"");
        let heard = yard.hear(conn);
        assert!(heard.contains("4005") && !heard.contains("secret"), "{what}: {heard}");
    }
}

#[test]
fn after_4005_every_request_needs_a_hello_with_a_fresh_token() {
    let mut yard = yard();
    let known = plain(&mut yard);
    for round in 0..3 {
        yard.pass(TOKEN);
        yard.publish("tea", "\"secret\"");
        for _ in 0..3 {
            let heard = yard.once("POST /rt/send", &known.field(), Some(&publish(2)));
            assert!(heard.starts_with("HTTP/1.1 401"), "{heard}");
            let heard = yard.once("POST /rt/send", &known.field(), Some(r#"{"type":"auth","token":"x"}"#));
            assert!(heard.starts_with("HTTP/1.1 401"), "{heard}");
            let heard = yard.once("GET /rt/poll?after=0&wait=0", &known.field(), None);
            assert!(heard.contains("\"code\":4005") && !heard.contains("secret"), "{heard}");
            let heard = yard.once("GET /rt/sse", &known.field(), None);
            assert!(heard.starts_with("HTTP/1.1 401"), "{heard}");
            let heard = yard.once(&format!("GET /rt/sse?ticket={}", known.ticket), "", None);
            assert!(heard.starts_with("HTTP/1.1 401") || heard.starts_with("HTTP/1.1 404"), "{heard}");
            let heard = yard.once("POST /rt/stream/count", &known.field(), Some("3"));
            assert!(heard.starts_with("HTTP/1.1 401"), "{heard}");
        }
        let hello = format!(r#"{{"type":"hello","session":"{}","key":"{}"}}"#, known.name, known.key);
        let heard = yard.once("POST /rt/session", "", Some(&hello));
        assert!(heard.contains("\"resumed\":true"), "{heard}");
        let heard = yard.once("POST /rt/send", &known.field(), Some(&publish(10 + round)));
        assert!(heard.contains("\"data\":{\"seq\""), "with a fresh token it speaks: {heard}");
    }
}

#[test]
fn what_was_sent_and_waits_is_not_done_when_the_token_is_over() {
    let mut yard = yard();
    let known = plain(&mut yard);
    yard.thinks = true;
    let both = format!("[{},{}]", r#"{"type":"join","id":2,"room":"asked"}"#, publish(3));
    yard.once("POST /rt/send", &known.field(), Some(&both));
    yard.pass(TOKEN);
    yard.decide_all(); // now the join would let go on what came behind it
    assert!(!said(&yard));
}

#[test]
fn a_stream_whose_rooms_are_decided_too_late_is_not_opened() {
    let mut yard = yard();
    yard.thinks = true;
    let conn = yard.dial();
    yard.ask(conn, "GET /rt/sse?room=asked", "", None);
    yard.decide_all(); // who it is
    yard.pass(TOKEN);
    yard.decide_all();
    let heard = yard.hear(conn);
    assert!(heard.starts_with("HTTP/1.1 401"), "{heard}");
    assert_eq!(yard.current("sessions"), 0);
}

#[test]
fn a_return_whose_rooms_are_decided_too_late_takes_nothing_over() {
    let mut yard = Yard::new();
    let (old, known) = yard.socket();
    yard.frame(old, r#"{"type":"join","id":1,"room":"asked"}"#);
    yard.hear(old);
    (yard.thinks, yard.lasts) = (true, Some(TOKEN));
    let conn = yard.upgrade("/rt/ws");
    yard.frame(conn, &format!(r#"{{"type":"hello","session":"{}","key":"{}"}}"#, known.name, known.key));
    yard.decide_all();
    unnoticed(&mut yard, TOKEN);
    yard.decide_all();
    assert!(yard.hear(conn).contains("4005"));
    assert!(!yard.hear(old).contains("4500"), "the older one goes on");
}

#[test]
fn a_stream_that_a_session_s_key_opened_ends_with_it_and_is_renewed_with_it() {
    let mut yard = yard();
    let known = plain(&mut yard);
    let conn = yard.dial();
    yard.ask(conn, "POST /rt/stream/count", &known.field(), Some("3"));
    yard.pass(TOKEN / 2);
    // The fresh token lasts for another two seconds.
    yard.once("POST /rt/send", &known.field(), Some(r#"{"type":"auth","id":5,"token":"x"}"#));
    let session = yard.session(&known).expect("it is there");
    if yard.engine.session_info(session).and_then(|info| info.user).is_none() {
        // (The token of another user renews nothing.)
        let hello = format!(r#"{{"type":"hello","session":"{}","key":"{}"}}"#, known.name, known.key);
        yard.once("POST /rt/session", "", Some(&hello));
    }
    yard.pass(TOKEN / 2 + 1);
    let heard = yard.hear(conn);
    assert!(!heard.contains("4005"), "it was renewed: {heard}");
    yard.engine.close_session(session, 4503, "go", yard.now);
    yard.turn();
    let heard = yard.hear(conn);
    assert!(heard.contains("4503") && heard.ends_with("0\r\n\r\n"), "{heard}");
    assert_eq!(yard.current("sessions"), 0);
}

/// The attack: a session that moved to a WebSocket, whose key still speaks over plain HTTP.
#[test]
fn what_comes_on_the_old_way_of_a_session_that_moved_is_not_done() {
    let mut yard = Yard::new();
    let known = plain(&mut yard);
    let conn = yard.upgrade("/rt/ws");
    yard.frame(conn, &format!(r#"{{"type":"hello","session":"{}","key":"{}"}}"#, known.name, known.key));
    let heard = yard.once("POST /rt/send", &known.field(), Some(&publish(2)));
    assert!(heard.contains(r#"{"messages":[{"type":"bye","code":4500"#), "{heard}");
    assert!(!said(&yard));
    yard.frame(conn, &publish(3));
    assert!(said(&yard), "where it is now it speaks");
}

#[test]
fn a_stream_without_a_session_has_no_key_and_is_seen_in_no_presence() {
    let mut yard = Yard::new();
    let conn = yard.dial();
    yard.ask(conn, "GET /rt/sse?room=tea", "", None);
    let heard = yard.hear(conn);
    assert!(heard.contains("\"welcome\"") && heard.contains("\"key\":null"), "{heard}");
    let name = heard.split_once("\"session\":\"").unwrap().1.split('"').next().unwrap().to_owned();
    let session = yard.engine.session_named(&name).expect("it has one all the same");
    for room in ["tea", "tea2"] {
        yard.engine.put_in(session, room, None, None, yard.now).unwrap();
        assert_eq!(yard.engine.presence(room).unwrap().1, 0, "{room}");
    }
    // Whatever the key may be, it opens nothing.
    let none = Known { name: name.clone(), key: "a".repeat(32), ticket: String::new() };
    assert!(yard.once("POST /rt/send", &none.field(), Some(&publish(1))).starts_with("HTTP/1.1 404"));
    let hello = format!(r#"{{"type":"hello","session":"{name}","key":"{}"}}"#, none.key);
    assert!(yard.once("POST /rt/session", "", Some(&hello)).contains("\"resumed\":false"));
    yard.lose(conn);
    yard.pass(0);
    assert!(yard.engine.session_info(session).is_none(), "it ends with its response");
}

/// The attack: `<img src="https://chat.example/rt/poll?session=…">` on a page of another site takes the poll away.
#[test]
fn a_get_that_a_foreign_page_can_make_changes_nothing() {
    let image = "Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n";
    let opened = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-User: ?1\r\n";
    let foreign = [
        format!("Sec-Fetch-Site: cross-site\r\n{image}"),
        format!("Sec-Fetch-Site: same-site\r\n{image}"),
        format!("Sec-Fetch-Site: same-origin\r\n{image}"), // an address that somebody wrote into a page of ours
        format!("Sec-Fetch-Site: cross-site\r\n{opened}"),
        format!("Sec-Fetch-Site: none\r\n{opened}"), // a link in a letter
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: empty\r\n".to_owned(),
        "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n".to_owned(),
        "Origin: null\r\n".to_owned(),
        "Referer: https://evil.example/\r\n".to_owned(), // an old browser
    ];
    let hello = r#"{"type":"hello","cookie":true}"#;
    for fields in &foreign {
        for method in ["GET", "HEAD"] {
            let mut yard = Yard::new();
            let welcome = yard.once("POST /rt/session", "", Some(hello));
            let name = welcome.split_once("\"session\":\"").unwrap().1.split('"').next().unwrap();
            let cookie = welcome.split_once("Set-Cookie: ").unwrap().1.split(';').next().unwrap();
            let poll = yard.dial();
            let own = format!("Cookie: {cookie}\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Dest: empty\r\n");
            yard.ask(poll, &format!("GET /rt/poll?session={name}&after=0&wait=25"), &own, None);
            for path in ["/rt/poll?after=0&wait=0", "/rt/poll?after=1", "/rt/sse?beat=1", "/rt/sse?room=tea"]
            {
                let mark = if path.contains('?') { '&' } else { '?' };
                let line = format!("{method} {path}{mark}session={name}");
                let heard = yard.once(&line, &format!("Cookie: {cookie}\r\n{fields}"), None);
                let refused = heard.starts_with("HTTP/1.1 403") || heard.starts_with("HTTP/1.1 405");
                assert!(refused, "{line} with {fields}: {heard}");
            }
            let session = yard.engine.session_named(name).expect("it is there");
            yard.engine.send(session, "alone", b"\"mine\"", yard.now).unwrap();
            let heard = yard.hear(poll);
            assert!(heard.contains("mine") && !heard.contains("4500"), "{fields}: {heard}");
        }
    }
}

/// The attack: a page that many open makes each of them begin sessions, without asking for anything to be shown.
#[test]
fn a_page_elsewhere_begins_no_stream_of_rooms_without_cors() {
    for site in ["cross-site", "same-site"] {
        let mut yard = Yard::new();
        yard.told.clear();
        let fields =
            format!("Sec-Fetch-Site: {site}\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n");
        let heard = yard.once("GET /rt/sse?room=tea", &fields, None);
        assert!(heard.starts_with("HTTP/1.1 403") && heard.contains("FORBIDDEN_ORIGIN"), "{heard}");
        assert!(!yard.told.iter().any(|event| matches!(event, AppEvent::Opened { .. })));
    }
    // Whoever opens the address by hand may look at it.
    let mut yard = Yard::new();
    let fields = "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    assert!(yard.once("GET /rt/sse?room=tea", fields, None).contains("\"welcome\""));
}
