//! A place that was somebody's is as new for whoever has it next: after each state of a connection, each way to lose it,
//! and for each use that comes then.
//!
//! The attack: a poll is parked, its connection breaks, and the next event stream in that place was told `welcome` and then
//! its end, for ever, since the place still gathered what was said for an answer.

use crate::support::yard::{Known, Yard};
use rtcore_core::ConnId;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Nothing,
    PartOfAHead,
    PartOfABody,
    Refused,
    Upgraded,
    AskedWho,
    AskedWhoByPost,
    AskedForRooms,
    Returning,
    Open,
    OpenAndUnread,
    SendWaits,
    PollParked,
    PollAnswered,
    Stream,
    StreamOfRooms,
    Items,
    Raw,
    Closing,
}

const STATES: [State; 19] = [
    State::Nothing,
    State::PartOfAHead,
    State::PartOfABody,
    State::Refused,
    State::Upgraded,
    State::AskedWho,
    State::AskedWhoByPost,
    State::AskedForRooms,
    State::Returning,
    State::Open,
    State::OpenAndUnread,
    State::SendWaits,
    State::PollParked,
    State::PollAnswered,
    State::Stream,
    State::StreamOfRooms,
    State::Items,
    State::Raw,
    State::Closing,
];

/// How it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    Breaks,
    /// The peer ends its side first; where an answer is still due, the link breaks then.
    Ends,
    /// The server closes it: all who are here are sent away.
    SentAway,
    /// Nothing is heard of it any more.
    Silent,
    /// Its request is for the site beside, which has the connection from then on.
    HandedOver,
}

const LOSSES: [Loss; 5] = [Loss::Breaks, Loss::Ends, Loss::SentAway, Loss::Silent, Loss::HandedOver];

/// What its place is for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Socket,
    Stream,
    StreamOfRooms,
    Poll,
    Send,
    Items,
    Raw,
}

const NEXT: [Next; 7] =
    [Next::Socket, Next::Stream, Next::StreamOfRooms, Next::Poll, Next::Send, Next::Items, Next::Raw];

/// Bring a connection as far as that. `other`: a session over plain HTTP that is in `tea`.
fn bring(yard: &mut Yard, state: State, other: &Known) -> ConnId {
    let hello = r#"{"type":"hello"}"#;
    match state {
        State::Nothing => yard.dial(),
        State::PartOfAHead => {
            let conn = yard.dial();
            yard.say(conn, b"GET /rt/poll HTT");
            conn
        }
        State::PartOfABody => {
            let conn = yard.dial();
            yard.say(conn, b"POST /rt/session HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n{");
            conn
        }
        State::Refused => {
            let conn = yard.dial();
            yard.ask(conn, "GET /rt/nothing", "", None);
            conn
        }
        State::Upgraded => yard.upgrade("/rt/ws"),
        State::AskedWho => {
            yard.thinks = true;
            let conn = yard.upgrade("/rt/ws");
            yard.frame(conn, hello);
            conn
        }
        State::AskedWhoByPost => {
            yard.thinks = true;
            let conn = yard.dial();
            yard.ask(conn, "POST /rt/session", "", Some(hello));
            conn
        }
        State::AskedForRooms => {
            yard.thinks = true;
            let conn = yard.dial();
            yard.ask(conn, "GET /rt/sse?room=tea&room=asked", "", None);
            yard.decide_all(); // who it is; then it is asked for the room
            conn
        }
        State::Returning => {
            let (old, known) = yard.socket();
            yard.frame(old, r#"{"type":"join","id":1,"room":"asked"}"#);
            yard.thinks = true;
            let conn = yard.upgrade("/rt/ws");
            yard.frame(
                conn,
                &format!(r#"{{"type":"hello","session":"{}","key":"{}"}}"#, known.name, known.key),
            );
            yard.decide_all();
            conn
        }
        State::Open | State::OpenAndUnread => {
            let (conn, _) = yard.socket();
            yard.frame(
                conn,
                r#"[{"type":"join","id":1,"room":"tea"},{"type":"emit","id":2,"event":"work"}]"#,
            );
            let many = if state == State::OpenAndUnread { 20 } else { 0 };
            for _ in 0..many {
                yard.publish("tea", &format!("\"{}\"", "x".repeat(300)));
            }
            conn
        }
        State::SendWaits => {
            let conn = yard.dial();
            yard.ask(conn, "POST /rt/send", &other.field(), Some(r#"{"type":"emit","id":2,"event":"work"}"#));
            conn
        }
        State::PollParked | State::PollAnswered => {
            let conn = yard.dial();
            let wait = if state == State::PollParked { 25 } else { 0 };
            yard.ask(conn, &format!("GET /rt/poll?after=0&wait={wait}"), &other.field(), None);
            if state == State::PollAnswered {
                yard.hear(conn);
            }
            conn
        }
        State::Stream => {
            let conn = yard.dial();
            yard.ask(conn, "GET /rt/sse?format=plain", &other.field(), None);
            conn
        }
        State::StreamOfRooms => {
            let conn = yard.dial();
            yard.ask(conn, "GET /rt/sse?room=tea&beat=1", "", None);
            conn
        }
        State::Items => {
            let conn = yard.dial();
            yard.ask(conn, "POST /rt/stream/count", "", Some("3"));
            conn
        }
        State::Raw => yard.upgrade("/raw"),
        State::Closing => {
            let (conn, _) = yard.socket();
            yard.frame(conn, r#"{"type":"bye"}"#);
            conn
        }
    }
}

/// Lose it; whether it can be lost this way.
fn lose(yard: &mut Yard, conn: ConnId, state: State, loss: Loss, reader: &Known) -> bool {
    match loss {
        Loss::Breaks => yard.lose(conn),
        Loss::Ends => {
            yard.end(conn);
            yard.lose(conn);
        }
        Loss::SentAway => {
            // (A server that stops takes no one in its place; so the session is ended, and the peer reads that and goes.)
            let sessions: Vec<_> = yard
                .told
                .iter()
                .filter_map(|event| match event {
                    rtcore_core::engine::AppEvent::Opened { session } => Some(*session),
                    _ => None,
                })
                .collect();
            for session in sessions
                .into_iter()
                .filter(|session| yard.session(reader) != Some(*session))
                .collect::<Vec<_>>()
            {
                yard.engine.close_session(session, 4503, "go", yard.now);
                yard.turn();
            }
            yard.hear(conn);
            yard.lose(conn);
        }
        Loss::Silent => {
            yard.pass(100_000);
            yard.lose(conn); // the raw one and who was asked for stay, since nobody says a word about them
        }
        Loss::HandedOver => {
            if !matches!(state, State::Nothing | State::PollAnswered) {
                return false;
            }
            yard.ask(conn, "GET /site", "", None);
            assert!(yard.dropped.contains(&conn), "it was handed over");
        }
    }
    true
}

/// Use the place; whether all is as it must be.
fn use_it(yard: &mut Yard, conn: ConnId, next: Next, other: &Known) {
    let heard = match next {
        Next::Socket => {
            yard.upgrade_on(conn, "/rt/ws");
            yard.frame(conn, r#"[{"type":"hello"},{"type":"join","id":1,"room":"tea"}]"#);
            yard.publish("tea", "\"fresh\"");
            let heard = yard.hear(conn);
            assert!(heard.starts_with("HTTP/1.1 101") && heard.contains("\"welcome\""), "{heard}");
            heard
        }
        Next::Stream => {
            yard.ask(conn, "GET /rt/sse", &other.field(), None);
            yard.publish("tea", "\"fresh\"");
            yard.hear(conn)
        }
        Next::StreamOfRooms => {
            yard.ask(conn, "GET /rt/sse?room=tea", "", None);
            yard.publish("tea", "\"fresh\"");
            yard.hear(conn)
        }
        Next::Poll => {
            yard.publish("tea", "\"fresh\"");
            // What was said before, and who came and went, is told first: so much in one answer as an outbox takes.
            let mut heard = String::new();
            for after in 0..20 {
                yard.ask(conn, &format!("GET /rt/poll?after={after}&wait=25"), &other.field(), None);
                heard = yard.hear(conn);
                if heard.contains("\"fresh\"") {
                    break;
                }
            }
            heard
        }
        Next::Send => {
            let said = r#"{"type":"publish","id":9,"room":"tea","event":"e","data":"fresh"}"#;
            yard.ask(conn, "POST /rt/send", &other.field(), Some(said));
            let heard = yard.hear(conn);
            assert!(heard.contains("\"id\":9,\"data\":{\"seq\""), "{heard}");
            heard + "\"fresh\""
        }
        Next::Items => {
            yard.ask(conn, "POST /rt/stream/count", "", Some("3"));
            let Some(rtcore_core::engine::AppEvent::StreamOpened { session, id, .. }) = yard.later.pop()
            else {
                panic!("no stream was opened")
            };
            let _ = yard.engine.stream_item(session, id, b"\"fresh\"");
            yard.turn();
            yard.hear(conn)
        }
        Next::Raw => {
            yard.upgrade_on(conn, "/raw");
            yard.engine.raw_send(conn, rtcore_core::frame::websocket::Kind::Text, b"\"fresh\"");
            yard.hear(conn)
        }
    };
    assert!(heard.contains("\"fresh\""), "it heard nothing: {heard}");
    if matches!(next, Next::Stream | Next::StreamOfRooms | Next::Items) {
        assert!(
            heard.contains("text/event-stream") && !heard.ends_with("0\r\n\r\n"),
            "it ended at once: {heard}"
        );
    }
    assert_eq!(heard.matches("HTTP/1.1").count(), 1, "one answer: {heard}");
    assert!(!yard.dropped.contains(&conn), "it was closed");
}

#[test]
fn a_place_that_is_given_to_somebody_else_is_as_new() {
    let mut tried = 0;
    for state in STATES {
        for loss in LOSSES {
            for next in NEXT {
                let mut yard = Yard::new();
                let (first, reader) = (yard.plain(), yard.plain());
                for known in [&first, &reader] {
                    yard.once(
                        "POST /rt/send",
                        &known.field(),
                        Some(r#"{"type":"join","id":1,"room":"tea"}"#),
                    );
                }
                let conn = bring(&mut yard, state, &first);
                if !lose(&mut yard, conn, state, loss, &reader) {
                    continue;
                }
                yard.thinks = false;
                yard.later.clear();
                let mut again = yard.dial();
                while again.index() != conn.index() {
                    again = yard.dial(); // (others went with it)
                }
                let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    use_it(&mut yard, again, next, &reader);
                }));
                assert!(held.is_ok(), "{next:?} where {state:?} {loss:?} before");
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "{tried}");
}

#[test]
fn the_next_request_on_a_connection_has_nothing_of_the_one_before() {
    for line in ["GET /rt/poll?after=0&wait=0", "GET /rt/poll?after=0&wait=1"] {
        for next in [Next::Stream, Next::StreamOfRooms, Next::Poll, Next::Send, Next::Items, Next::Socket] {
            let mut yard = Yard::new();
            let (one, other) = (yard.plain(), yard.plain());
            for known in [&one, &other] {
                yard.once("POST /rt/send", &known.field(), Some(r#"{"type":"join","id":1,"room":"tea"}"#));
            }
            let conn = yard.dial();
            yard.ask(conn, line, &one.field(), None);
            yard.say(conn, b"GET"); // the next begins while this one waits
            yard.pass(1_000);
            assert!(yard.hear(conn).starts_with("HTTP/1.1 200"));
            yard.say(conn, b" /rt/poll?after=0&wait=0 HTTP/1.1\r\nHost: a\r\n\r\n");
            assert!(yard.hear(conn).starts_with("HTTP/1.1 401"), "whose it was is not whose this is");
            let conn = yard.dial();
            yard.ask(conn, line, &one.field(), None);
            yard.pass(1_000);
            yard.hear(conn);
            use_it(&mut yard, conn, next, &other);
        }
    }
}
