//! `POST /rt/stream/NAME`: how its answer begins, and how its reader comes back to the same stream.

mod support;

use rtcore_core::engine::{AppEvent, StreamRoom as Room};
use rtcore_core::envelope::ErrorOut;
use rtcore_core::{ConnId, Form, SessionId};
use support::yard::{Yard, config};

/// The stream that was opened last.
fn opened(yard: &mut Yard) -> (SessionId, u64) {
    let at = yard.later.iter().rposition(|event| matches!(event, AppEvent::StreamOpened { .. }));
    match yard.later.remove(at.expect("a stream was opened")) {
        AppEvent::StreamOpened { session, id, .. } => (session, id),
        _ => unreachable!(),
    }
}

fn give(yard: &mut Yard, (session, id): (SessionId, u64), item: &str) -> Room {
    let room = yard.engine.stream_item(session, id, item.as_bytes());
    yard.turn();
    room
}

fn open(yard: &mut Yard, query: &str) -> (ConnId, (SessionId, u64)) {
    let conn = yard.dial();
    yard.ask(conn, &format!("POST /rt/stream/count{query}"), "", Some("3"));
    (conn, opened(yard))
}

/// The last id that a reader has heard.
fn last_id(heard: &str) -> String {
    let line =
        heard.lines().rfind(|line| line.starts_with("id: ")).unwrap_or_else(|| panic!("no id in {heard}"));
    line["id: ".len()..].trim_end().to_owned()
}

fn again(yard: &mut Yard, query: &str, id: &str) -> ConnId {
    let conn = yard.dial();
    let field = format!("Last-Event-ID: {id}\r\n");
    yard.ask(conn, &format!("POST /rt/stream/count{query}"), &field, Some("3"));
    conn
}

/// What was refused behind "200 OK" would be an event that `fetch(...).ok` takes for success.
#[test]
fn what_is_refused_before_the_first_item_is_a_status() {
    for (code, retry, status) in [
        ("INVALID_MESSAGE", false, 400),
        ("FORBIDDEN", false, 403),
        ("NOT_FOUND", false, 404),
        ("INTERNAL", false, 500),
        ("SOLD_OUT", false, 400),
        ("BUSY", true, 503),
    ] {
        let mut yard = Yard::new();
        let (conn, (session, id)) = open(&mut yard, "?format=plain");
        assert_eq!(yard.hear(conn), "", "nothing is said before the application has");
        let details = Some((&b"[{\"path\":\"$\"}]"[..], Form::Json));
        let error = ErrorOut { details, retry, ..ErrorOut::new(code, "no") };
        yard.engine.fail_stream(session, id, &error, yard.now);
        yard.turn();
        let heard = yard.hear(conn);
        assert!(heard.starts_with(&format!("HTTP/1.1 {status} ")), "{code}: {heard}");
        let body = heard.split("\r\n\r\n").nth(1).unwrap();
        let told = format!(
            "{{\"code\":\"{code}\",\"message\":\"no\",\"details\":[{{\"path\":\"$\"}}],\"retry\":{retry}}}"
        );
        assert_eq!(body, told);
        assert_eq!(yard.current("sessions"), 0, "{code}");
        // The connection goes on.
        yard.ask(conn, "POST /rt/session", "", Some(r#"{"type":"hello"}"#));
        assert!(yard.hear(conn).contains("welcome"));
    }
}

#[test]
fn a_refusal_says_when_to_come_back() {
    let mut yard = Yard::new();
    let (conn, (session, id)) = open(&mut yard, "");
    let error = ErrorOut { after_ms: Some(1_200), retry: true, ..ErrorOut::new("OVERLOADED", "later") };
    yard.engine.fail_stream(session, id, &error, yard.now);
    yard.turn();
    let heard = yard.hear(conn);
    assert!(heard.starts_with("HTTP/1.1 503 ") && heard.contains("Retry-After: 2\r\n"), "{heard}");
}

#[test]
fn the_answer_begins_with_the_first_item_or_with_the_end() {
    let mut yard = Yard::new();
    let (conn, stream) = open(&mut yard, "");
    give(&mut yard, stream, "\"one\"");
    let heard = yard.hear(conn);
    assert!(heard.starts_with("HTTP/1.1 200 ") && heard.contains("\"data\":\"one\""), "{heard}");
    let (conn, (session, id)) = open(&mut yard, "");
    yard.engine.end_stream(session, id, b"null", yard.now);
    yard.turn();
    let heard = yard.hear(conn);
    assert!(heard.starts_with("HTTP/1.1 200 ") && heard.contains("\"type\":\"end\""), "{heard}");
}

#[test]
fn an_error_behind_an_item_is_the_end_of_the_stream() {
    let mut yard = Yard::new();
    let (conn, stream) = open(&mut yard, "");
    give(&mut yard, stream, "1");
    yard.engine.fail_stream(stream.0, stream.1, &ErrorOut::new("SOLD_OUT", "no"), yard.now);
    yard.turn();
    let heard = yard.hear(conn);
    assert!(
        heard.starts_with("HTTP/1.1 200 ") && heard.contains("\"error\":{\"code\":\"SOLD_OUT\""),
        "{heard}"
    );
}

/// A model thinks for ten seconds before its first word: the head must not wait for that.
#[test]
fn the_answer_begins_soon_when_the_application_has_taken_the_data() {
    let mut yard = Yard::new();
    let (conn, stream) = open(&mut yard, "");
    yard.pass(99);
    assert_eq!(yard.hear(conn), "");
    yard.pass(2);
    assert!(yard.hear(conn).starts_with("HTTP/1.1 200 "));
    give(&mut yard, stream, "1");
    assert!(yard.hear(conn).contains("\"data\":1"));
}

#[test]
fn an_application_that_does_not_look_at_it_in_time_is_said_to_be_late() {
    let mut yard = Yard::with(rtcore_core::engine::Config { authenticates: false, ..config() });
    yard.thinks = true;
    let (conn, _) = open(&mut yard, "");
    yard.pass(14_900);
    assert_eq!(yard.hear(conn), "");
    yard.pass(200);
    assert!(yard.hear(conn).starts_with("HTTP/1.1 504 "));
    assert_eq!(yard.current("sessions"), 0);
}

#[test]
fn whose_token_ends_before_the_answer_begins_is_refused() {
    let mut yard = Yard::with(rtcore_core::engine::Config {
        limits: rtcore_core::Limits { send_wait_ms: 60_000, ..config().limits },
        ..config()
    });
    yard.lasts = Some(1_000);
    let (conn, _) = open(&mut yard, "?away=60");
    yard.pass(1_000);
    assert!(yard.hear(conn).starts_with("HTTP/1.1 401 "));
    assert_eq!(yard.current("sessions"), 0);
}

#[test]
fn in_the_plain_format_an_item_is_itself_and_nothing_else() {
    let mut yard = Yard::new();
    let (conn, stream) = open(&mut yard, "?format=plain");
    give(&mut yard, stream, "\"two\\nlines\"");
    give(&mut yard, stream, "{\"n\":1}");
    yard.engine.end_stream(stream.0, stream.1, b"null", yard.now);
    yard.turn();
    let heard = yard.hear(conn);
    assert!(heard.contains("data: two\ndata: lines\n\n") && heard.contains("data: {\"n\":1}\n\n"), "{heard}");
    assert!(heard.contains("event: $end\ndata: {\"type\":\"end\""), "{heard}");
    assert!(!heard.contains("$item") && !heard.contains("id: "), "{heard}");
}

#[test]
fn who_leaves_without_a_word_about_coming_back_ends_the_stream() {
    let mut yard = Yard::new();
    let (conn, stream) = open(&mut yard, "");
    give(&mut yard, stream, "1");
    assert!(!yard.hear(conn).contains("id: "), "no id leads back");
    yard.lose(conn);
    yard.pass(0);
    assert_eq!(give(&mut yard, stream, "2"), Room::Gone);
    assert_eq!(yard.current("sessions"), 0);
}

#[test]
fn who_comes_back_in_time_hears_the_same_stream_from_the_next_item_on() {
    for query in ["?away=5", "?away=5&format=plain"] {
        let mut yard = Yard::new();
        let (conn, stream) = open(&mut yard, query);
        for n in ["10", "11", "12"] {
            give(&mut yard, stream, n);
        }
        let heard = yard.hear(conn);
        let id = last_id(&heard);
        assert!(id.ends_with(".3"), "{heard}");
        yard.lose(conn);
        assert_eq!(yard.engine.stream_room(stream.0, stream.1), Room::Wait, "it rests while nobody reads");
        yard.pass(4_000);
        // It had read one less than was sent.
        let conn = again(&mut yard, query, &id.replace(".3", ".2"));
        give(&mut yard, stream, "13");
        let heard = yard.hear(conn);
        assert!(heard.starts_with("HTTP/1.1 200 "), "{heard}");
        let items: Vec<&str> = ["10", "11", "12", "13"].into_iter().filter(|n| heard.contains(n)).collect();
        assert!(
            heard.contains("12") && heard.contains("13") && !heard.contains("\"data\":11"),
            "{items:?}: {heard}"
        );
        assert!(yard.later.is_empty(), "it was opened once");
        yard.engine.end_stream(stream.0, stream.1, b"null", yard.now);
        yard.turn();
        assert!(yard.hear(conn).contains("\"type\":\"end\""));
    }
}

#[test]
fn before_the_first_item_there_is_an_id_too() {
    let mut yard = Yard::new();
    let (conn, stream) = open(&mut yard, "?away=5");
    yard.pass(200);
    let id = last_id(&yard.hear(conn));
    yard.lose(conn);
    let conn = again(&mut yard, "", &id);
    give(&mut yard, stream, "1");
    assert!(yard.hear(conn).contains("\"n\":0,\"data\":1"));
}

/// A reader that keeps the id of the last block, as an `EventSource` does, comes back to the end where it heard that.
#[test]
fn each_block_has_an_id_the_end_too() {
    for (query, items, end) in [
        ("?away=5", 2, "data: {\"type\":\"end\""),
        ("?away=5&format=plain", 2, "event: $end\ndata: {\"type\":\"end\""),
        ("?away=5", 0, "data: {\"type\":\"end\""),
    ] {
        let mut yard = Yard::new();
        let (conn, stream) = open(&mut yard, query);
        for _ in 0..items {
            give(&mut yard, stream, "1");
        }
        yard.engine.end_stream(stream.0, stream.1, b"7", yard.now);
        yard.turn();
        let heard = yard.hear(conn);
        let id = last_id(&heard);
        assert!(id.ends_with(&format!(".{items}")) && heard.contains(&format!("id: {id}\n{end}")), "{heard}");
        yard.lose(conn);
        let conn = again(&mut yard, query, &id);
        assert!(yard.hear(conn).contains(&format!("id: {id}\n{end}")), "it is told again");
    }
}

/// The last items and the end lie in the kernel's buffer when the line is cut: to the server all has left.
#[test]
fn an_end_that_was_lost_comes_again() {
    let mut yard = Yard::new();
    let (conn, stream) = open(&mut yard, "?away=5");
    give(&mut yard, stream, "1");
    give(&mut yard, stream, "2");
    yard.engine.end_stream(stream.0, stream.1, b"7", yard.now);
    yard.turn();
    let id = last_id(&yard.hear(conn));
    yard.lose(conn);
    for from in [1, 2, 2] {
        let conn = again(&mut yard, "", &id.replace(".2", &format!(".{from}")));
        let heard = yard.hear(conn);
        assert_eq!(heard.contains("\"n\":1,\"data\":2"), from == 1, "{heard}");
        assert!(heard.contains("\"type\":\"end\"") && heard.contains("\"n\":2,\"data\":7"), "{heard}");
        yard.lose(conn);
    }
    yard.pass(6_000);
    assert_eq!(yard.current("sessions"), 0);
}

#[test]
fn the_newer_reader_has_the_stream() {
    let mut yard = Yard::new();
    let (old, stream) = open(&mut yard, "?away=5");
    give(&mut yard, stream, "1");
    let id = last_id(&yard.hear(old));
    let new = again(&mut yard, "", &id);
    assert!(yard.hear(old).contains("4500"));
    yard.lose(old);
    give(&mut yard, stream, "2");
    assert!(yard.hear(new).contains("\"data\":2"));
    yard.pass(60_000);
    give(&mut yard, stream, "3");
    assert!(yard.hear(new).contains("\"data\":3"), "the loss of the older one is nobody's");
}

#[test]
fn who_comes_too_late_or_with_a_wrong_id_gets_410_and_opens_nothing() {
    let mut yard = Yard::new();
    let (conn, stream) = open(&mut yard, "?away=5");
    give(&mut yard, stream, "1");
    let id = last_id(&yard.hear(conn));
    let (name, rest) = id.split_once('.').unwrap();
    let key = rest.split('.').next().unwrap();
    let wrong = [
        "nonsense",
        "",
        ".",
        "..",
        "k3f9.131",
        &id.replace(".1", ".2"),
        &id.replace(".1", ".-1"),
        &id.replace(".1", ".99999999999999999999"),
        &format!("{name}.{}.0", "x".repeat(32)),
        &format!("x.{key}.0"),
        &format!("{name}..0"),
    ]
    .map(str::to_owned);
    for id in wrong.iter().filter(|id| !id.is_empty()) {
        let conn = again(&mut yard, "", id);
        let heard = yard.hear(conn);
        assert!(heard.starts_with("HTTP/1.1 410 ") && heard.contains("STREAM_LOST"), "{id}: {heard}");
    }
    give(&mut yard, stream, "2");
    assert!(yard.hear(conn).contains("\"data\":2"), "nobody took it over");
    yard.lose(conn);
    yard.pass(5_100);
    assert_eq!(give(&mut yard, stream, "3"), Room::Gone);
    let conn = again(&mut yard, "", &id);
    assert!(yard.hear(conn).starts_with("HTTP/1.1 410 "));
    assert!(yard.later.is_empty() && yard.current("sessions") == 0);
}

/// A page could otherwise keep as many generators at work as it likes, for two minutes each.
#[test]
fn the_application_says_for_how_long_at_most() {
    for (allowed, asked, kept_ms) in [
        (Some(3_000), "?away=60", 3_000),
        (Some(3_000), "", 3_000),
        (Some(3_000), "?away=1", 1_000),
        (None, "?away=999", 120_000),
        (Some(0), "?away=9", 0),
    ] {
        let mut config = config();
        config.streams[0].away_ms = allowed;
        let mut yard = Yard::with(config);
        let (conn, stream) = open(&mut yard, asked);
        give(&mut yard, stream, "1");
        yard.lose(conn);
        if kept_ms > 0 {
            yard.pass(kept_ms - 10);
            assert_ne!(yard.engine.stream_room(stream.0, stream.1), Room::Gone, "{allowed:?} {asked}");
        }
        yard.pass(20);
        assert_eq!(yard.engine.stream_room(stream.0, stream.1), Room::Gone, "{allowed:?} {asked}");
        assert_eq!(yard.current("sessions"), 0);
    }
}

#[test]
fn what_is_no_time_is_refused_before_the_stream_begins() {
    let mut yard = Yard::new();
    let conn = yard.dial();
    yard.ask(conn, "POST /rt/stream/count?away=soon", "", Some("3"));
    assert!(yard.hear(conn).starts_with("HTTP/1.1 400 "));
    assert!(yard.later.is_empty());
}

#[test]
fn a_reader_that_leaves_before_the_answer_begins_ends_the_stream() {
    let mut yard = Yard::new();
    let (conn, stream) = open(&mut yard, "?away=60");
    yard.lose(conn);
    yard.turn();
    yard.pass(0);
    assert_eq!(give(&mut yard, stream, "1"), Room::Gone);
    assert_eq!(yard.current("sessions"), 0);
}
