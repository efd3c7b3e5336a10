//! The trails of messages that are followed: each stage between the moments that were told, and no more of them than are kept.

use crate::support::said::publication;
use crate::support::yard::{Yard, config};
use rtcore_core::Form;
use rtcore_core::engine::AppEvent;
use rtcore_core::limits::fixed::{TRAIL_LEGS, TRAILS};
use rtcore_core::metrics::trails::Trails;

const MS: u64 = 1_000_000;
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Stage, of what, from, to (ms) of the trails that are over.
fn told(yard: &mut Yard) -> Vec<Vec<(String, String, u64, u64)>> {
    let json = yard.engine.tell_trails();
    let part = |text: &str, name: &str| {
        let begun = text.split_once(&format!("\"{name}\":")).map_or("", |(_, rest)| rest);
        begun.split([',', '}']).next().unwrap_or_default().trim_matches('"').to_owned()
    };
    json.split("\"number\":")
        .skip(1)
        .map(|trail| {
            let legs = trail.split_once("\"legs\":[").map_or("", |(_, legs)| legs);
            legs.split("{\"stage\"")
                .skip(1)
                .map(|leg| {
                    let leg = format!("\"stage\"{leg}");
                    let ms = |name| part(&leg, name).parse::<u64>().unwrap() / MS;
                    (part(&leg, "stage"), part(&leg, "of"), ms("from"), ms("to"))
                })
                .collect()
        })
        .collect()
}

fn leg(stage: &str, of: &str, from: u64, to: u64) -> (String, String, u64, u64) {
    (stage.to_owned(), of.to_owned(), from, to)
}

fn asked(yard: &mut Yard) -> u64 {
    let event = std::mem::take(&mut yard.later).into_iter().find_map(|event| match event {
        AppEvent::Request { request, .. } => Some(request),
        _ => None,
    });
    event.expect("it was asked")
}

#[test]
fn a_request_is_followed_through_what_its_handler_says() {
    let mut yard = Yard::new();
    let (conn, _) = yard.socket();
    yard.frame(conn, r#"{"type":"join","id":1,"room":"tea"}"#);
    yard.engine.follow_event("work", 1);
    yard.engine.moment(10 * MS);
    yard.frame(conn, r#"{"type":"emit","id":2,"event":"work"}"#);
    let request = asked(&mut yard);
    yard.engine.read_ends(12 * MS);
    yard.engine.write_ends(13 * MS);
    assert!(told(&mut yard).is_empty(), "it owes its answer");
    yard.engine.moment(30 * MS);
    let mut said = publication("tea", "said", b"1");
    said.request = Some(request);
    yard.engine.publish(&said, yard.now).unwrap();
    yard.engine.handler_began(20 * MS);
    yard.engine.moment(31 * MS);
    yard.engine.ack(request, b"1", Form::Json, yard.now);
    yard.engine.moment(33 * MS);
    yard.engine.take_dirty(&mut Vec::new(), yard.now);
    yard.engine.write_ends(36 * MS);
    let wanted = vec![
        leg("read", "websocket", 10, 12),
        leg("wait", "work", 12, 20),
        leg("handler", "work", 20, 31),
        leg("fan-out", "tea", 30, 33),
        leg("write", "", 33, 36),
    ];
    assert_eq!(told(&mut yard), vec![wanted]);
    assert!(told(&mut yard).is_empty(), "each is told once");
    yard.frame(conn, r#"{"type":"emit","id":3,"event":"work"}"#);
    yard.engine.write_ends(40 * MS);
    assert!(told(&mut yard).is_empty(), "one was asked for");
}

#[test]
fn what_a_handler_says_has_the_trace_of_its_request_and_its_own_if_it_gives_one() {
    let mut yard = Yard::new();
    let (conn, _) = yard.socket();
    yard.frame(conn, r#"{"type":"join","id":1,"room":"tea"}"#);
    yard.frame(conn, &format!(r#"{{"type":"emit","id":2,"event":"work","trace":"{TRACE}"}}"#));
    let request = asked(&mut yard);
    let other = TRACE.replace("4bf9", "5bf9");
    yard.hear(conn);
    for (own, right) in [(None, TRACE), (Some(&*other), &*other)] {
        let mut said = publication("tea", "said", b"1");
        (said.request, said.trace) = (Some(request), own);
        yard.engine.publish(&said, yard.now).unwrap();
        let heard = yard.hear(conn);
        assert!(heard.contains(right), "{heard}");
    }
    yard.engine.publish(&publication("tea", "said", b"1"), yard.now).unwrap();
    assert!(!yard.hear(conn).contains("trace"), "what nobody follows has none");
}

#[test]
fn a_peer_that_traces_everything_fills_no_more_than_its_bounds() {
    let mut yard = Yard::new();
    let (conn, _) = yard.socket();
    yard.frame(conn, r#"{"type":"join","id":1,"room":"tea"}"#);
    for id in 2..1_000 {
        yard.frame(
            conn,
            &format!(r#"{{"type":"publish","id":{id},"room":"tea","event":"e","trace":"{TRACE}"}}"#),
        );
        yard.engine.take_dirty(&mut Vec::new(), yard.now);
        yard.engine.write_ends(id * MS);
        yard.hear(conn);
    }
    yard.frame(conn, &format!(r#"{{"type":"emit","id":2000,"event":"work","trace":"{TRACE}"}}"#));
    let request = asked(&mut yard);
    for _ in 0..200 {
        let mut said = publication("tea", "said", b"1");
        said.request = Some(request);
        yard.engine.publish(&said, yard.now).unwrap();
    }
    yard.engine.take_dirty(&mut Vec::new(), yard.now);
    yard.engine.ack(request, b"1", Form::Json, yard.now);
    yard.engine.write_ends(5_000 * MS);
    let told = told(&mut yard);
    assert_eq!(told.len(), TRAILS);
    assert!(told.iter().all(|legs| legs.len() <= TRAIL_LEGS));
}

#[test]
fn a_request_whose_session_ends_owes_its_trail_nothing() {
    let mut yard = Yard::new();
    let (conn, _) = yard.socket();
    yard.frame(conn, &format!(r#"{{"type":"emit","id":2,"event":"work","trace":"{TRACE}"}}"#));
    yard.frame(conn, r#"{"type":"bye"}"#);
    yard.engine.write_ends(10 * MS);
    assert_eq!(told(&mut yard).len(), 1);
}

#[test]
fn a_request_with_a_trace_is_an_exemplar_of_its_handler() {
    let mut yard = Yard::new();
    let (conn, _) = yard.socket();
    yard.engine.moment(10 * MS);
    yard.frame(conn, &format!(r#"{{"type":"emit","id":2,"event":"work","trace":"{TRACE}"}}"#));
    let request = asked(&mut yard);
    yard.engine.moment(510 * MS);
    yard.engine.ack(request, b"1", Form::Json, yard.now);
    let open = yard.engine.metrics_as(rtcore_core::metrics::tell::Format::Open, &[]);
    let open = String::from_utf8(open).expect("a text");
    let [marked] = open.lines().filter(|line| line.contains(" # ")).collect::<Vec<_>>()[..] else {
        panic!("{open}")
    };
    assert!(
        marked.starts_with("rtcore_handler_seconds_bucket{event=\"work\",le=\"0.536870912\"} 1 # "),
        "{marked}"
    );
    assert!(marked.ends_with("{trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\"} 0.5"), "{marked}");
    assert!(!yard.engine.metrics().contains(" # {"), "Prometheus' own format has none");
}

#[test]
fn who_waits_for_one_event_takes_it_from_nobody_who_waits_for_another() {
    let mut config = config();
    config.events.push("rest".into());
    let mut yard = Yard::with(config);
    yard.engine.follow_event("work", 2);
    yard.engine.follow_event("rest", 1);
    yard.engine.follow_event("work", 1); // somebody else wants one of them: two are followed as before
    for (at, event) in (1..).zip(["work", "rest", "work", "work", "rest"]) {
        let (conn, _) = yard.socket();
        yard.frame(conn, &format!(r#"{{"type":"emit","id":1,"event":"{event}"}}"#));
        let request = asked(&mut yard);
        yard.engine.ack(request, b"1", Form::Json, yard.now);
        yard.engine.take_dirty(&mut Vec::new(), yard.now);
        yard.engine.write_ends(at * MS);
    }
    let trails = yard.engine.tell_trails();
    for (event, times) in [("work", 2), ("rest", 1)] {
        assert_eq!(trails.matches(&format!("\"event\":\"{event}\"")).count(), times, "{trails}");
    }
}

#[test]
fn events_that_somebody_waits_for_are_bounded_and_end() {
    let mut trails = Trails::default();
    for number in 0..100 {
        trails.follow(&number.to_string(), 1);
    }
    assert!(trails.wants("0", None) && !trails.wants("99", None), "more than anybody waits for at once");
    trails.follow("0", 0);
    trails.follow("99", 1);
    assert!(!trails.wants("0", None) && trails.wants("99", None) && trails.wants("1", None));
}
