//! What waits for the application's word goes with its owner: a connection at the door, a session, a publisher.

use crate::support::yard::{Known, Yard};
use rtcore_core::ConnId;
use rtcore_core::engine::AppEvent;

fn asked(yard: &Yard) -> usize {
    yard.later.iter().filter(|event| matches!(event, AppEvent::Authorize { .. })).count()
}

/// A stream of rooms that the application is asked about.
fn stream(yard: &mut Yard, rooms: usize) -> ConnId {
    yard.thinks = true;
    let conn = yard.dial();
    let query: Vec<String> = (0..rooms).map(|n| format!("room=asked{n}")).collect();
    yard.ask(conn, &format!("GET /rt/sse?{}", query.join("&")), "", None);
    yard.decide_all(); // who it is
    assert_eq!((asked(yard), yard.current("waiting")), (rooms, rooms as u64));
    conn
}

/// A session whose rooms the application is asked about, since it returns; and the connection by which it does.
fn returning(yard: &mut Yard, rooms: usize) -> (ConnId, Known, ConnId) {
    let (old, known) = yard.socket();
    for n in 0..rooms {
        yard.frame(old, &format!(r#"{{"type":"join","id":{},"room":"asked{n}"}}"#, n + 1));
    }
    yard.thinks = true;
    let conn = yard.upgrade("/rt/ws");
    come_back(yard, conn, &known);
    assert_eq!((asked(yard), yard.current("waiting")), (rooms, rooms as u64));
    (old, known, conn)
}

fn come_back(yard: &mut Yard, conn: ConnId, known: &Known) {
    yard.frame(conn, &format!(r#"{{"type":"hello","session":"{}","key":"{}"}}"#, known.name, known.key));
    yard.decide_all();
}

/// The attack: 600 requests for 900 rooms each, given up at once, left 540,000 entries for ever.
#[test]
fn a_stream_given_up_while_its_rooms_are_asked_for_leaves_nothing() {
    for ends in [Yard::lose as fn(&mut Yard, ConnId), Yard::end] {
        let mut yard = Yard::new();
        let before = (yard.current("sessions"), yard.current("rooms"));
        let conn = stream(&mut yard, 9);
        assert_eq!(yard.current("rooms"), before.1, "no room is made for somebody who may not be in it");
        ends(&mut yard, conn);
        assert_eq!((asked(&yard), yard.current("waiting")), (0, 0), "nobody is asked any more");
        assert_eq!((yard.current("sessions"), yard.current("rooms")), before);
    }
}

#[test]
fn a_stream_that_is_never_decided_ends_with_its_time() {
    let mut yard = Yard::new();
    let conn = stream(&mut yard, 3);
    yard.pass(15_001); // `welcome_ms`
    assert_eq!((asked(&yard), yard.current("waiting"), yard.current("sessions")), (0, 0, 0));
    assert!(yard.hear(conn).starts_with("HTTP/1.1 504"));
}

#[test]
fn who_gives_up_coming_back_is_asked_about_no_more_and_its_session_stays() {
    let mut yard = Yard::new();
    let (old, known, mut conn) = returning(&mut yard, 5);
    for _ in 0..20 {
        yard.lose(conn);
        assert_eq!((asked(&yard), yard.current("waiting")), (0, 0));
        conn = yard.upgrade("/rt/ws");
        come_back(&mut yard, conn, &known);
        assert_eq!(asked(&yard), 5, "one asks at a time, however often it came");
    }
    yard.decide_all();
    assert!(yard.hear(conn).contains("\"resumed\":true"));
    assert!(yard.hear(old).contains("4500"), "and the older one was told");
}

#[test]
fn a_session_that_ends_while_it_comes_back_is_one_that_never_was() {
    for many in [1, 3] {
        let mut yard = Yard::new();
        let (old, known, first) = returning(&mut yard, 4);
        let mut all = vec![first];
        for _ in 1..many {
            let conn = yard.upgrade("/rt/ws");
            // Its rooms are asked for once for each that comes; only who it is is decided here.
            yard.frame(
                conn,
                &format!(r#"{{"type":"hello","session":"{}","key":"{}"}}"#, known.name, known.key),
            );
            let at = yard.later.iter().position(|event| matches!(event, AppEvent::Authenticate { .. }));
            let who = yard.later.remove(at.expect("it is asked who it is"));
            yard.decide(who);
            yard.turn();
            all.push(conn);
        }
        yard.frame(old, r#"{"type":"bye"}"#);
        assert_eq!((asked(&yard), yard.current("waiting")), (0, 0));
        for conn in all {
            let heard = yard.hear(conn);
            assert!(heard.contains("\"welcome\"") && heard.contains("\"resumed\":false"), "{heard}");
        }
    }
}

#[test]
fn who_goes_while_it_is_asked_who_it_is_is_asked_about_no_more() {
    for by_post in [false, true] {
        let mut yard = Yard::new();
        yard.thinks = true;
        let conn = if by_post { yard.dial() } else { yard.upgrade("/rt/ws") };
        if by_post {
            yard.ask(conn, "POST /rt/session", "", Some(r#"{"type":"hello"}"#));
        } else {
            yard.frame(conn, r#"{"type":"hello"}"#);
        }
        assert_eq!(yard.later.len(), 1);
        yard.lose(conn);
        assert!(yard.later.is_empty(), "{:?}", yard.later);
    }
}

/// The attack: the room is freed while its authorizer thinks, and the stream that is welcomed then hears nothing, ever.
#[test]
fn a_room_that_is_freed_while_a_stream_of_it_is_asked_for_is_heard_all_the_same() {
    for disturb in 0..3 {
        let mut yard = Yard::new();
        let (member, _) = yard.socket();
        yard.frame(member, r#"{"type":"join","id":1,"room":"asked0"}"#);
        let conn = stream(&mut yard, 1);
        match disturb {
            0 => yard.frame(member, r#"{"type":"leave","id":2,"room":"asked0"}"#),
            1 => yard.lose(member),
            _ => yard.frame(member, r#"{"type":"bye"}"#),
        }
        yard.decide_all();
        yard.publish("asked0", "\"hello\"");
        let heard = yard.hear(conn);
        assert!(heard.contains("\"welcome\"") && heard.contains("\"hello\""), "{heard}");
    }
}

/// The attack: any number of requests with one key, while the first of them is being done.
#[test]
fn what_waits_for_a_key_in_progress_is_bounded_and_goes_with_its_session() {
    let mut yard = Yard::new();
    let (conn, _) = yard.socket();
    let (other, _) = yard.socket();
    yard.thinks = true;
    // (Anonymous sessions are their own users: both are one user only by their token.)
    for conn in [conn, other] {
        for id in 1..200 {
            yard.frame(conn, &format!(r#"{{"type":"emit","id":{id},"event":"work","key":"k"}}"#));
        }
    }
    assert_eq!(yard.current("waiting"), 2 * 64, "as many as may wait, and not one more");
    yard.lose(other);
    yard.pass(600_000);
    assert_eq!(yard.current("waiting"), 0);
    yard.lose(conn);
}

/// The attack: a handler that does not end, and sessions of the same user that wait for its key, and go.
#[test]
fn who_waits_for_the_key_of_another_session_leaves_nothing_there() {
    let mut yard = Yard::new();
    let said = |id| format!(r#"{{"type":"emit","id":{id},"event":"work","key":"k"}}"#);
    let mut conns = Vec::new();
    for _ in 0..20 {
        let conn = yard.upgrade("/rt/ws");
        yard.frame(conn, r#"{"type":"hello","token":"ada"}"#);
        for id in 1..4 {
            yard.frame(conn, &said(id));
        }
        conns.push(conn);
    }
    assert_eq!(yard.later.len(), 1, "one does it");
    assert_eq!(yard.table("who waits for keys"), 20 * 3 - 1);
    for conn in conns.drain(1..) {
        yard.frame(conn, r#"{"type":"bye"}"#);
    }
    yard.pass(1); // so many at once are more than a turn ends
    assert_eq!(yard.table("who waits for keys"), 2);
    yard.decide_all();
    let heard = yard.hear(conns[0]);
    for id in 1..4 {
        assert!(heard.contains(&format!(r#""id":{id},"data":1"#)), "{heard}");
    }
    assert_eq!((yard.table("who waits for keys"), yard.table("what is asked")), (0, 0));
}

/// The attack: a session publishes where it must wait, and ends; again and again.
#[test]
fn who_waits_for_a_slow_member_leaves_the_queue_with_its_session() {
    let mut yard = Yard::new();
    let (slow, _) = yard.socket();
    yard.frame(slow, r#"{"type":"join","id":1,"room":"block"}"#);
    yard.hear(slow);
    for _ in 0..20 {
        yard.publish("block", &format!("\"{}\"", "x".repeat(900)));
    }
    let waits = |yard: &Yard| yard.table("publishers that wait");
    let waiting = waits(&yard);
    assert!(waiting > 0, "the application waits");
    for _ in 0..50 {
        let (conn, _) = yard.socket();
        yard.frame(conn, r#"{"type":"join","id":1,"room":"block"}"#);
        yard.hear(conn);
        let pad = "x".repeat(900);
        yard.frame(
            conn,
            &format!(r#"{{"type":"publish","id":2,"room":"block","event":"e","data":"{pad}"}}"#),
        );
        yard.engine.close_session(
            yard.engine.members("block").unwrap().last().unwrap().session,
            4503,
            "go",
            yard.now,
        );
        yard.turn();
    }
    assert_eq!(waits(&yard), waiting, "who ended does not wait");
}
