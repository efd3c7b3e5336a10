//! Which stage a duration is put down to: by a script of moments, each is what lies between two of them.

use crate::support::yard::Yard;
use rtcore_core::Form;
use rtcore_core::engine::AppEvent;

const MS: u64 = 1_000_000;

/// How often, and how long in all (ms), by a metric and its label.
fn told(yard: &Yard, name: &str, label: &str) -> (u64, f64) {
    let text = yard.engine.metrics();
    let number = |part: &str| {
        let begin = format!("rtcore_{name}_seconds_{part}{{{label}}} ");
        text.lines().find_map(|line| line.strip_prefix(&begin)).map_or(0.0, |number| number.parse().unwrap())
    };
    let count: f64 = number("count");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    (count as u64, (number("sum") * 1e3 * 1e3).round() / 1e3)
}

fn requests(yard: &mut Yard) -> Vec<u64> {
    let asked = std::mem::take(&mut yard.later);
    asked
        .into_iter()
        .filter_map(|event| match event {
            AppEvent::Request { request, .. } => Some(request),
            _ => None,
        })
        .collect()
}

#[test]
fn plain_handlers_run_one_after_the_other() {
    let mut yard = Yard::new();
    let (conn, _) = yard.socket();
    yard.engine.read_ends(10 * MS);
    let before = told(&yard, "read", "transport=\"websocket\"");
    yard.frame(conn, r#"[{"type":"emit","id":1,"event":"work"},{"type":"emit","id":2,"event":"work"}]"#);
    yard.engine.read_ends(12 * MS);
    let asked = requests(&mut yard);
    yard.engine.moment(15 * MS);
    yard.engine.ack(asked[0], b"1", Form::Json, yard.now);
    yard.engine.moment(22 * MS);
    yard.engine.ack(asked[1], b"2", Form::Json, yard.now);
    let after = told(&yard, "read", "transport=\"websocket\"");
    assert_eq!((after.0 - before.0, after.1 - before.1), (1, 2.0), "one message was read");
    assert_eq!(told(&yard, "wait", "event=\"work\""), (2, 2.0 + 5.0));
    assert_eq!(told(&yard, "handler", "event=\"work\""), (2, 3.0 + 7.0));
}

#[test]
fn a_coroutine_that_says_when_it_began_is_not_blamed_for_its_wait() {
    let mut yard = Yard::new();
    let (conn, _) = yard.socket();
    yard.engine.moment(10 * MS);
    yard.frame(conn, r#"{"type":"emit","id":1,"event":"work"}"#);
    let asked = requests(&mut yard);
    yard.engine.read_ends(11 * MS);
    yard.engine.write_ends(12 * MS);
    yard.engine.moment(1_000 * MS);
    yard.engine.handler_began(900 * MS);
    yard.engine.ack(asked[0], b"1", Form::Json, yard.now);
    assert_eq!(told(&yard, "wait", "event=\"work\""), (1, 890.0));
    assert_eq!(told(&yard, "handler", "event=\"work\""), (1, 100.0));
}

#[test]
fn a_clock_that_is_not_ours_makes_no_duration_longer_than_the_request() {
    for began in [1, u64::MAX] {
        let mut yard = Yard::new();
        let (conn, _) = yard.socket();
        yard.engine.moment(10 * MS);
        yard.frame(conn, r#"{"type":"emit","id":1,"event":"work"}"#);
        let asked = requests(&mut yard);
        yard.engine.moment(14 * MS);
        yard.engine.handler_began(began);
        yard.engine.ack(asked[0], b"1", Form::Json, yard.now);
        let sum = told(&yard, "wait", "event=\"work\"").1 + told(&yard, "handler", "event=\"work\"").1;
        assert!((sum - 4.0).abs() < 1e-9, "{sum}");
    }
}

#[test]
fn a_request_that_failed_is_counted_and_named() {
    let mut yard = Yard::new();
    let (conn, known) = yard.socket();
    yard.engine.moment(10 * MS);
    yard.frame(conn, r#"{"type":"emit","id":1,"event":"work"}"#);
    let asked = requests(&mut yard);
    yard.engine.moment(700 * MS);
    let error = rtcore_core::envelope::ErrorOut {
        code: "NO",
        message: "no",
        details: None,
        retry: false,
        after_ms: None,
    };
    yard.engine.fail(asked[0], &error, yard.now);
    let text = yard.engine.metrics();
    assert!(text.contains("rtcore_answers_failed_total{event=\"work\"} 1\n"), "{text}");
    let json = yard.engine.measured();
    let slowest = json.split_once("\"slowest_handlers\":").unwrap().1;
    assert!(slowest.starts_with("[{\"event\":\"work\",\"took\":690.0"), "{slowest}");
    assert!(slowest.contains(&known.name), "the example says whose it was");
}

#[test]
fn what_is_published_waits_for_the_end_of_the_turn_and_what_the_kernel_refuses_for_its_peer() {
    let mut yard = Yard::new();
    let (conn, _) = yard.socket();
    yard.frame(conn, r#"{"type":"join","id":1,"room":"tea"}"#);
    yard.hear(conn);
    yard.engine.moment(10 * MS);
    let publication = crate::support::said::publication("tea", "said", b"1");
    let _ = yard.engine.publish(&publication, yard.now);
    yard.engine.moment(16 * MS);
    yard.engine.take_dirty(&mut Vec::new(), yard.now);
    assert_eq!(told(&yard, "fan_out", "rooms=\"tea*\""), (1, 6.0));
    let before = told(&yard, "write", "transport=\"websocket\"");
    let mut slices = Vec::new();
    yard.engine.gather(conn, &mut slices, usize::MAX);
    let due: usize = slices.iter().map(|slice| slice.len()).sum();
    yard.engine.written(conn, due - 1, yard.now);
    yard.engine.moment(46 * MS);
    yard.engine.written(conn, 1, yard.now);
    let after = told(&yard, "write", "transport=\"websocket\"");
    assert_eq!((after.0 - before.0, after.1 - before.1), (1, 30.0));
    let json = yard.engine.measured();
    assert!(json.contains("\"blocked\":30.0"), "the session that did not read is named: {json}");
}

#[test]
fn who_falls_behind_names_its_room() {
    let mut yard = Yard::new();
    let (conn, known) = yard.socket();
    yard.frame(conn, r#"{"type":"join","id":1,"room":"tea"}"#);
    yard.hear(conn);
    for _ in 0..9 {
        yard.publish("tea", &format!("\"{}\"", "x".repeat(500)));
    }
    let json = yard.engine.measured();
    let rooms = json.split_once("\"slowest_rooms\":").unwrap().1;
    assert!(rooms.starts_with("[{\"room\":\"tea\",\"behind\":1,"), "{rooms}");
    assert!(rooms.contains(&known.name));
    assert!(yard.engine.metrics().contains("rtcore_rooms_behind_total{rooms=\"tea*\"} 1\n"));
}

/// Names of rooms and events that peers make up, codes of all kinds: what is told grows with none of them.
#[test]
fn what_peers_invent_makes_nothing_grow() {
    let mut yard = Yard::new();
    let (conn, _) = yard.socket();
    let round = |yard: &mut Yard, from: u32| {
        for n in from..from + 200 {
            yard.frame(conn, &format!(r#"{{"type":"join","id":{n},"room":"tea{n}"}}"#));
            yard.frame(conn, &format!(r#"{{"type":"emit","event":"e{n}"}}"#));
            yard.publish(&format!("tea{n}"), "1");
            yard.hear(conn);
        }
        yard.engine.metrics().lines().count()
    };
    let first = round(&mut yard, 10);
    assert_eq!(round(&mut yard, 1_000), first);
    assert!(!yard.engine.metrics().contains("tea1"));
}
