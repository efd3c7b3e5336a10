//! The law: whoever comes and goes, at whatever moment and over whatever transport, when all are gone and every time is over
//! each table is as it was in the beginning.

use crate::law::law;
use crate::support::yard::{Known, Yard, config};
use proptest::prelude::*;
use rtcore_core::ConnId;
use rtcore_core::engine::AppEvent;

/// What peers ask for over plain HTTP: `#` is a small number, `@` says which session, by its key.
const ASKED: [(&str, &str); 18] = [
    ("POST /rt/session", r#"{"type":"hello"}"#),
    ("POST /rt/session", r#"{"type":"hello","ticket":true,"token":"ada"}"#),
    ("POST /rt/session", r#"{"type":"hello","cookie":true,@}"#),
    ("POST /rt/send", r#"{"type":"join","id":#,"room":"asked#"}"#),
    (
        "POST /rt/send",
        r#"[{"type":"join","id":1#,"room":"tea"},{"type":"emit","id":2#,"event":"work","key":"k#"}]"#,
    ),
    ("POST /rt/send", r#"{"type":"emit","id":3#,"event":"work"}"#),
    ("POST /rt/send", r#"[{"type":"auth","id":4#,"token":"ada"},{"type":"leave","room":"asked#"}]"#),
    ("POST /rt/send", r#"{"type":"open","id":5#,"stream":"count","credit":4}"#),
    ("POST /rt/send", r#"{"type":"bye"}"#),
    ("POST /rt/stream/count", "#"),
    ("POST /rt/stream/count by key", "#"),
    ("GET /rt/poll?after=0&wait=25", ""),
    ("GET /rt/poll?after=#&wait=0", ""),
    ("GET /rt/sse", ""),
    ("GET /rt/sse?room=tea&room=asked#&room=asked", ""),
    ("GET /rt/sse?room=block&last=#", ""),
    ("GET /rt/sse?ticket=@", ""),
    ("GET /site", ""),
];

/// What they say on a WebSocket.
const SAID: [&str; 14] = [
    r#"{"type":"join","id":#,"room":"asked#"}"#,
    r#"[{"type":"join","id":1#,"room":"tea"},{"type":"join","id":2#,"room":"block"}]"#,
    r#"{"type":"leave","id":3#,"room":"asked#"}"#,
    r#"{"type":"publish","id":4#,"room":"tea","event":"e","key":"k#","data":1}"#,
    r#"{"type":"publish","id":5#,"room":"block","event":"e","data":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}"#,
    r#"{"type":"emit","id":6#,"event":"work","key":"k#"}"#,
    r#"{"type":"emit","id":7#,"event":"work","data":[1,2,3]}"#,
    r#"{"type":"auth","id":8#,"token":"ada"}"#,
    r#"{"type":"open","id":9#,"stream":"count","credit":2}"#,
    r#"[{"type":"open","id":91,"stream":"upload","up":true},{"type":"item","id":91,"n":0,"data":1}]"#,
    r#"{"type":"cancel","id":9#}"#,
    r#"{"type":"history","id":99,"room":"tea"}"#,
    r#"{"type":"ping"}"#,
    r#"{"type":"bye"}"#,
];

#[derive(Clone, Debug)]
enum Act {
    /// A request, on a connection of its own or on one that has carried others.
    Ask {
        what: usize,
        who: usize,
        conn: usize,
        number: u8,
    },
    /// A WebSocket, and its hello: a fresh one, a user's, or for a session that is known.
    Greet {
        how: u8,
        who: usize,
    },
    Say {
        what: usize,
        conn: usize,
        number: u8,
    },
    /// A piece of a head, and nothing more.
    Begin,
    Raw,
    /// What waits is read.
    Hear(usize),
    Lose(usize),
    End(usize),
    /// The application answers the question of this place, or refuses.
    Decide(usize, bool),
    /// It says something: in a room, to a session, asks one, puts it in or out, ends it.
    App {
        what: u8,
        who: usize,
    },
    Thinks(bool),
    Pass(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let (some, digit) = (0..8_usize, 0..10_u8);
    let act = prop_oneof![
        8 => (0..ASKED.len(), some.clone(), some.clone(), digit.clone())
            .prop_map(|(what, who, conn, number)| Act::Ask { what, who, conn, number }),
        4 => (0..4_u8, some.clone()).prop_map(|(how, who)| Act::Greet { how, who }),
        8 => (0..SAID.len(), some.clone(), digit).prop_map(|(what, conn, number)| Act::Say { what, conn, number }),
        1 => Just(Act::Begin),
        1 => Just(Act::Raw),
        4 => some.clone().prop_map(Act::Hear),
        4 => some.clone().prop_map(Act::Lose),
        2 => some.clone().prop_map(Act::End),
        5 => (some.clone(), prop::bool::weighted(0.8)).prop_map(|(at, yes)| Act::Decide(at, yes)),
        3 => (0..7_u8, some).prop_map(|(what, who)| Act::App { what, who }),
        2 => any::<bool>().prop_map(Act::Thinks),
        3 => prop_oneof![0..300_u64, 1_000..10_000_u64, 60_000..130_000_u64].prop_map(Act::Pass),
    ];
    prop::collection::vec(act, 1..60)
}

/// A yard with its peers.
struct Peers {
    yard: Yard,
    conns: Vec<ConnId>,
    known: Vec<Known>,
}

impl Peers {
    fn some(&self, at: usize) -> Option<ConnId> {
        (!self.conns.is_empty()).then(|| self.conns[at % self.conns.len()])
    }

    fn who(&self, at: usize) -> Option<&Known> {
        (!self.known.is_empty()).then(|| &self.known[at % self.known.len()])
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Ask { what, who, conn, number } => {
                let (line, body) = ASKED[what];
                let known = self.who(who).cloned();
                let (by_key, line) = (line.ends_with(" by key"), line.trim_end_matches(" by key"));
                let by_key = by_key
                    || (!line.contains("session") && !line.contains("stream/") && !line.contains("room="));
                let number = number.to_string();
                let (mut body, mut line, mut fields) =
                    (body.replace('#', &number), line.replace('#', &number), String::new());
                match known {
                    Some(known) => {
                        let whose = format!(r#""session":"{}","key":"{}""#, known.name, known.key);
                        body = body.replace('@', &whose);
                        line = line.replace('@', &known.ticket);
                        if by_key && !line.contains("ticket") {
                            fields = known.field();
                        }
                    }
                    None => body = body.replace(",@", ""),
                }
                // One in three is on a connection that is there: perhaps in the middle of something else.
                let conn = self.some(conn).filter(|_| conn % 3 == 0).unwrap_or_else(|| {
                    let conn = self.yard.dial();
                    self.conns.push(conn);
                    conn
                });
                self.yard.ask(conn, &line, &fields, (!body.is_empty()).then_some(&body));
            }
            Act::Greet { how, who } => {
                let conn = self.yard.upgrade("/rt/ws");
                self.conns.push(conn);
                let hello = match (how, self.who(who)) {
                    (0, _) | (_, None) => r#"{"type":"hello"}"#.to_owned(),
                    (1, _) => r#"{"type":"hello","token":"ada"}"#.to_owned(),
                    (_, Some(known)) => {
                        let token =
                            if known.name.len() % 2 == 0 && how == 2 { r#""token":"ada","# } else { "" };
                        format!(
                            r#"{{"type":"hello",{token}"session":"{}","key":"{}"}}"#,
                            known.name, known.key
                        )
                    }
                };
                self.yard.frame(conn, &hello);
            }
            Act::Say { what, conn, number } => {
                if let Some(conn) = self.some(conn) {
                    self.yard.frame(conn, &SAID[what].replace('#', &number.to_string()));
                }
            }
            Act::Begin => {
                let conn = self.yard.dial();
                self.conns.push(conn);
                self.yard.say(conn, b"POST /rt/send HTTP/1.1\r\nHost");
            }
            Act::Raw => {
                let conn = self.yard.upgrade("/raw");
                self.conns.push(conn);
                self.yard.engine.raw_send(conn, rtcore_core::frame::websocket::Kind::Text, b"x");
            }
            Act::Hear(at) => {
                if let Some(conn) = self.some(at) {
                    let heard = self.yard.hear(conn);
                    let known = Known::of(&heard);
                    if heard.contains("\"welcome\"") && !known.key.is_empty() {
                        self.known.push(known);
                    }
                }
            }
            Act::Lose(at) => {
                if let Some(conn) = self.some(at) {
                    self.conns.retain(|other| *other != conn);
                    self.yard.lose(conn);
                }
            }
            Act::End(at) => {
                if let Some(conn) = self.some(at) {
                    self.yard.end(conn);
                }
            }
            Act::Decide(at, yes) => {
                if !self.yard.later.is_empty() {
                    let asked = self.yard.later.remove(at % self.yard.later.len());
                    if yes {
                        self.yard.decide(asked);
                    } else {
                        self.yard.refuse(&asked);
                    }
                    self.yard.turn();
                }
            }
            Act::App { what, who } => self.app(what, who),
            Act::Thinks(thinks) => self.yard.thinks = thinks,
            Act::Pass(ms) => self.yard.pass(ms),
        }
        let dropped = std::mem::take(&mut self.yard.dropped);
        self.conns.retain(|conn| !dropped.contains(conn));
    }

    fn app(&mut self, what: u8, who: usize) {
        let session = self.who(who).and_then(|known| self.yard.session(known));
        let yard = &mut self.yard;
        match (what, session) {
            (0, _) => yard.publish("block", &format!("\"{}\"", "x".repeat(700))),
            (1, _) => yard.publish(["tea", "asked1", "$all", "$user/ada"][who % 4], "1"),
            (2, Some(session)) => drop(yard.engine.send(session, "alone", b"1", yard.now)),
            (3, Some(session)) => drop(yard.engine.ask(session, "question", b"1")),
            (4, Some(session)) => drop(yard.engine.put_in(session, "tea2", None, None, yard.now)),
            (5, Some(session)) => {
                yard.engine.put_out(session, "asked1", "go", yard.now);
            }
            (6, Some(session)) => {
                yard.engine.close_session(session, 4503, "go", yard.now);
            }
            _ => {}
        }
        yard.turn();
    }
}

#[test]
fn when_all_are_gone_every_table_is_as_it_was() {
    let cases = (acts(), prop_oneof![Just(None), Just(Some(3_000_u64)), Just(Some(100_000))]);
    law("when_all_are_gone_every_table_is_as_it_was", 1_500, &cases, |(acts, lasts)| {
        let mut yard = Yard { lasts, ..Yard::with(config()) };
        let before = yard.engine.tables();
        yard.turn();
        let mut peers = Peers { yard, conns: Vec::new(), known: Vec::new() };
        for act in &acts {
            peers.act(act);
        }
        // What is not wanted any more is not asked any more: the questions that are open are those that wait.
        let Peers { mut yard, conns, .. } = peers;
        for conn in conns {
            yard.lose(conn);
        }
        yard.pass(300_000); // a parked poll, then silence, then the resume window
        let left: Vec<&AppEvent> = yard.later.iter().collect();
        assert!(left.is_empty(), "somebody is asked still: {left:?}");
        yard.pass(2 * 3_600_000); // keys and rings
        assert_eq!(yard.engine.tables(), before);
    });
}
