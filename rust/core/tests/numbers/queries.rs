//! The numbers of requests: in the query, and in the fields of the head.

use crate::support::yard::Yard;
use crate::{EXTREMES, is_whole};

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("waits")
}

fn seconds(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

#[test]
fn a_poll_after_any_number_and_for_any_time_is_answered() {
    for number in EXTREMES {
        for (query, taken) in [
            (format!("after={number}"), number == "0"),
            (format!("after=0&wait={number}"), seconds(number)),
            (format!("after={number}&wait={number}"), number == "0"),
        ] {
            let mut yard = Yard::new();
            let known = yard.plain();
            let conn = yard.dial();
            yard.ask(conn, &format!("GET /rt/poll?{query}"), &known.field(), None);
            let mut heard = yard.hear(conn);
            assert_eq!(status(&heard) != "400", taken, "{query}: {heard}");
            yard.pass(61_000);
            heard += &yard.hear(conn);
            assert!(!heard.is_empty(), "{query}: a poll ends, however long it was to wait");
        }
    }
}

#[test]
fn a_poll_after_the_last_answer_and_any_number_from_there_is_answered() {
    for number in EXTREMES.into_iter().filter(|number| is_whole(number)) {
        let mut yard = Yard::new();
        let known = yard.plain();
        yard.once("GET /rt/poll?after=0&wait=0", &known.field(), None);
        let answer = yard.once(&format!("GET /rt/poll?after={number}&wait=0"), &known.field(), None);
        assert_eq!(
            status(&answer),
            if matches!(number, "0" | "1") { "200" } else { "400" },
            "{number}: {answer}"
        );
        // A newer hello: the numbers begin again.
        yard.once("POST /rt/session", &known.field(), Some(&hello(&known.name, &known.key)));
        let answer = yard.once(&format!("GET /rt/poll?after={number}&wait=0"), &known.field(), None);
        assert!(matches!(status(&answer), "200" | "400" | "409"), "{number}: {answer}");
    }
}

fn hello(session: &str, key: &str) -> String {
    format!(r#"{{"type":"hello","session":"{session}","key":"{key}"}}"#)
}

#[test]
fn an_event_stream_takes_any_number_for_no_more_than_there_is() {
    for number in EXTREMES {
        let mut yard = Yard::new();
        yard.publish("tea", "1");
        for (query, fields, taken) in [
            (format!("last={number}"), String::new(), is_whole(number)),
            (format!("padding={number}"), String::new(), is_whole(number)),
            (format!("since=x.{number}"), String::new(), true),
            (format!("position=x.{number}"), String::new(), true),
            (String::new(), format!("Last-Event-ID: x.{number}\r\n"), true),
        ] {
            let conn = yard.dial();
            yard.ask(conn, &format!("GET /rt/sse?room=tea&{query}"), &fields, None);
            let answer = yard.hear(conn);
            assert_eq!(status(&answer), if taken { "200" } else { "400" }, "{query}{fields}: {answer}");
            assert!(answer.len() < 64 * 1024, "{query}");
            yard.lose(conn);
        }
    }
}

#[test]
fn the_numbers_of_a_head_are_refused_or_of_no_matter() {
    for number in EXTREMES {
        for field in [
            format!("Host: a:{number}"),
            format!("Host: a\r\nSec-WebSocket-Version: {number}"),
            format!(
                "Host: a\r\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits={number}"
            ),
            format!(
                "Host: a\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits={number}"
            ),
            format!("Host: a\r\nForwarded: for=10.0.0.2:{number};host=a:{number}"),
            format!("Host: a\r\nX-Forwarded-Port: {number}"),
        ] {
            let mut yard = Yard::new();
            let conn = yard.dial();
            let rest =
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
            yard.say(conn, format!("GET /rt/ws HTTP/1.1\r\n{field}\r\n{rest}\r\n\r\n").as_bytes());
            assert!(!yard.hear(conn).is_empty(), "{field}");
            assert!(!yard.plain().key.is_empty(), "{field}");
        }
    }
}
