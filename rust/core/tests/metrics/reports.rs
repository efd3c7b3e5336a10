//! What clients say that they measured: by transport, within bounds, whatever they say.

use crate::support::yard::Yard;

/// What stands behind a name in what was measured.
fn part<'a>(json: &'a str, name: &str, upto: &str) -> &'a str {
    let begun = json.split_once(&format!("\"{name}\":")).map_or("", |(_, rest)| rest);
    begun.split(upto).next().unwrap_or_default()
}

/// As long as a client waits at least between two reports.
fn wait(yard: &mut Yard) {
    yard.now.tick = yard.now.tick.plus_ms(150_000);
}

#[test]
fn a_report_is_counted_by_its_transport() {
    let mut yard = Yard::new();
    let (conn, _) = yard.socket();
    for (reconnects, loss) in [(2, "0.25"), (0, "0.5")] {
        wait(&mut yard);
        yard.frame(
            conn,
            &format!(
                r#"{{"type":"report","rtt":38,"loss":{loss},"reconnects":{reconnects},"transport":"sse","why":"websocket failed"}}"#
            ),
        );
    }
    wait(&mut yard);
    yard.frame(conn, r#"{"type":"report","transport":"pigeon"}"#);
    let json = yard.engine.measured();
    let told = part(&json, "reports", "]");
    assert!(told.contains(r#""transport":"sse""#) && told.contains(r#""transport":"other""#), "{told}");
    assert!(part(told, "reports", "}").starts_with(r#"{"all":2"#), "{told}");
    assert!(part(told, "reconnects", "}").starts_with(r#"{"all":2"#), "{told}");
    assert!(part(told, "loss", "}").starts_with(r#"{"all":750"#), "{told}");
    assert!(part(told, "1m", "}").contains(r#""count":2"#), "{told}");
    assert_eq!(part(&json, "whys", "]"), r#"[{"why":"websocket failed","times":2}"#);
    assert_eq!(yard.hear(conn), "", "nothing is answered");
}

#[test]
fn what_clients_invent_makes_it_no_larger() {
    let mut yard = Yard::new();
    let (conn, _) = yard.socket();
    for number in 0..500 {
        wait(&mut yard);
        let long = "x".repeat(1_000);
        yard.frame(
            conn,
            &format!(
                r#"{{"type":"report","rtt":1e300,"loss":99,"reconnects":9007199254740991,"transport":"{number}","why":"{number}{long}"}}"#
            ),
        );
    }
    let json = yard.engine.measured();
    let told = part(&json, "reports", "]");
    assert_eq!(told.matches("\"transport\"").count(), 1);
    assert!(part(told, "loss", "}").starts_with(r#"{"all":500000"#), "a loss is at most all: {told}");
    let whys = part(&json, "whys", "]");
    assert!(whys.len() < 20 * 150, "{} bytes", whys.len());
}

#[test]
fn a_clock_is_what_a_ping_says_if_that_is_a_date() {
    let mut yard = Yard::new();
    let (conn, _) = yard.socket();
    let ours = yard.now.wall_ms;
    for time in [ours + 10_000, ours + 40_000, ours + 50_000, ours - 40_000, 7, 0] {
        yard.now.tick = yard.now.tick.plus_ms(10_000); // a clock counts once in so long, and the wall stands still
        yard.frame(conn, &format!(r#"{{"type":"ping","time":{time}}}"#));
        assert!(yard.hear(conn).contains(&format!("\"time\":{time}")), "it comes back as it was");
    }
    for time in [r#""a name""#, "1.5", "null", "-3"] {
        yard.frame(conn, &format!(r#"{{"type":"ping","time":{time}}}"#));
        assert!(yard.hear(conn).contains("pong"), "{time}");
    }
    let json = yard.engine.measured();
    let clocks = part(&json, "clocks", "}}");
    for (name, right) in [("told", 4), ("ahead", 2), ("behind", 1)] {
        assert!(part(clocks, name, "}").starts_with(&format!("{{\"all\":{right},")), "{clocks}");
    }
}

#[test]
fn who_says_more_often_what_it_measured_is_no_crowd() {
    let mut yard = Yard::new();
    let (loud, _) = yard.socket();
    let (calm, _) = yard.socket();
    let ours = yard.now.wall_ms;
    for _ in 0..200 {
        yard.frame(loud, r#"{"type":"report","loss":1,"reconnects":1000,"transport":"websocket"}"#);
        yard.frame(loud, &format!(r#"{{"type":"ping","time":{}}}"#, ours + 90_000));
    }
    yard.frame(calm, r#"{"type":"report","loss":0,"reconnects":0,"transport":"websocket"}"#);
    yard.frame(calm, &format!(r#"{{"type":"ping","time":{ours}}}"#));
    let json = yard.engine.measured();
    let told = part(&json, "reports", "]");
    assert!(part(told, "reports", "}").starts_with(r#"{"all":2,"#), "{told}");
    let clocks = part(&json, "clocks", "}}");
    assert!(part(clocks, "told", "}").starts_with(r#"{"all":2,"#), "{clocks}");
    assert!(part(clocks, "ahead", "}").starts_with(r#"{"all":1,"#), "{clocks}");
}
