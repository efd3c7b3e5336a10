//! Plain HTTP: what is kept of answers, however much one request asks for, and whatever way its bytes come.

use rtcore_core::engine::{AppEvent, Config, Engine, Peer};
use rtcore_core::log::ring::Bounds;
use rtcore_core::room::settings::Settings;
use rtcore_core::{ConnId, Limits, Now, Tick};
use std::net::{IpAddr, Ipv4Addr};

const PEER: Peer = Peer { address: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 5, secure: false, stream: false };
const NOW: Now = Now { tick: Tick(1_000_000), wall_ms: 1 };
/// Bytes of answers that may wait to be read.
const OWED: usize = 4096;

/// A client with a keep-alive connection.
struct Client {
    engine: Engine,
    conn: ConnId,
    who: String,
}

impl Client {
    fn new() -> Self {
        Self::with(Limits { unsent_replies: OWED as u64, ..Limits::default() })
    }

    fn with(limits: Limits) -> Self {
        let bounds = Bounds { count: 1024, bytes: 1 << 20, age_ms: 3_600_000 };
        let config = Config {
            limits,
            rooms: vec![
                Settings { relay: true, ..Settings::new("relay", bounds) },
                Settings { authorize: true, ..Settings::new("asked", bounds) },
            ],
            ..Config::default()
        };
        let mut engine = Engine::new(config, [7; 32], NOW);
        let conn = engine.connect(PEER, NOW).unwrap();
        let mut client = Self { engine, conn, who: String::new() };
        let welcome = client.post("/rt/session", r#"{"type":"hello"}"#);
        let field = |name: &str| {
            welcome.split_once(&format!("\"{name}\":\"")).unwrap().1.split('"').next().unwrap().to_owned()
        };
        client.who = format!("Authorization: Session {}:{}\r\n", field("session"), field("key"));
        client
    }

    fn ask(&mut self, line: &str, body: Option<&str>, cut: usize) -> String {
        let who = &self.who;
        let (length, body) = match body {
            Some(body) => (format!("Content-Length: {}\r\n", body.len()), body),
            None => (String::new(), ""),
        };
        let mut wire = format!("{line} HTTP/1.1\r\nHost: a\r\n{who}{length}\r\n{body}").into_bytes();
        for piece in wire.chunks_mut(cut) {
            self.engine.receive(self.conn, piece, NOW);
        }
        self.answer()
    }

    /// What the turn has for the connection, which the kernel takes.
    fn answer(&mut self) -> String {
        self.engine.take_dirty(&mut Vec::new(), NOW);
        let mut slices = Vec::new();
        self.engine.gather(self.conn, &mut slices, usize::MAX);
        let answer = slices.concat();
        self.engine.written(self.conn, answer.len(), NOW);
        String::from_utf8(answer).unwrap()
    }

    fn post(&mut self, path: &str, body: &str) -> String {
        self.ask(&format!("POST {path}"), Some(body), usize::MAX)
    }

    fn send(&mut self, messages: &[String]) -> String {
        self.post("/rt/send", &format!("[{}]", messages.join(",")))
    }
}

fn publish(id: usize) -> String {
    format!(r#"{{"type":"publish","id":{id},"room":"relay","event":"m","data":"{}"}}"#, "x".repeat(50))
}

fn count(answer: &str, part: &str) -> usize {
    answer.matches(part).count()
}

#[test]
fn one_send_asks_for_no_more_than_may_wait_and_is_told_what_was_not_taken() {
    let mut client = Client::new();
    client.send(&[r#"{"type":"join","id":1,"room":"relay"}"#.to_owned()]);
    let published: Vec<String> = (2..22).map(publish).collect();
    assert_eq!(count(&client.send(&published), "\"data\":{\"seq\":"), 20);
    let asks: Vec<String> =
        (100..600).map(|id| format!(r#"{{"type":"history","id":{id},"room":"relay"}}"#)).collect();
    let answer = client.send(&asks);
    let (done, refused) = (count(&answer, "\"complete\":"), count(&answer, "\"code\":\"OVERLOADED\""));
    assert_eq!((done + refused, count(&answer, "\"retry\":true")), (500, refused));
    assert!((1..10).contains(&done), "{done} of 500 long answers, within {OWED} bytes and one more");
    // It was read: the next is taken.
    assert_eq!(count(&client.send(&asks[..1]), "\"complete\":"), 1);
}

#[test]
fn what_was_taken_before_is_not_said_to_be_free_to_try_again() {
    let mut client = Client::new();
    client.send(&[r#"{"type":"join","id":1,"room":"relay"}"#.to_owned(), publish(2)]);
    let mut all: Vec<String> = (0..200).map(|id| format!(r#"{{"type":"nonsense","id":{id}}}"#)).collect();
    all.push(publish(2));
    all.push(publish(3));
    let answer = client.send(&all);
    assert_eq!(count(&answer, "\"id\":2,\"data\""), 0, "its ack may be long");
    assert_eq!(count(&answer, "\"id\":3,\"error\":{\"code\":\"OVERLOADED\""), 1);
    let answer = client.send(&[publish(2)]);
    assert_eq!(count(&answer, "\"id\":2,\"data\":{\"seq\":1}"), 1, "{answer}");
}

/// The attack: a send whose answer was lost comes again behind too much else. Told to try again under a new id, its client
/// would have the same done twice.
#[test]
fn over_the_rate_what_was_taken_before_is_not_said_to_be_free_to_try_again() {
    let mut client = Client::with(Limits { messages_per_second: 2, ..Limits::default() });
    client.send(&[r#"{"type":"join","id":1,"room":"relay"}"#.to_owned(), publish(2)]);
    let answer = client.send(&[publish(2), publish(2), publish(2), publish(3)]);
    assert_eq!(
        count(&answer, "\"id\":2,\"data\":{\"seq\":1}"),
        2,
        "as many as the rate has place for: {answer}"
    );
    assert_eq!(count(&answer, "\"id\":2,\"error\""), 0, "{answer}");
    assert_eq!(count(&answer, "\"id\":3,\"error\":{\"code\":\"OVERLOADED\""), 1, "{answer}");
}

/// A ping passes a join that waits for the application, and so does what it says of acks.
#[test]
fn a_ping_that_passes_a_held_join_says_which_acks_are_here() {
    let mut client = Client::new();
    client.send(&[r#"{"type":"join","id":1,"room":"relay"}"#.to_owned(), publish(2)]);
    client.send(&[
        r#"{"type":"join","id":3,"room":"asked"}"#.to_owned(),
        r#"{"type":"ping","time":1,"acked":2}"#.to_owned(),
    ]);
    let asked = client.engine.events().list.iter().find_map(|event| match event {
        AppEvent::Authorize { ticket, .. } => Some(*ticket),
        _ => None,
    });
    client.engine.deny(asked.expect("the application is asked"), "FORBIDDEN", "no", NOW);
    client.answer();
    let answer = client.send(&[publish(2)]);
    assert_eq!(count(&answer, "\"id\":2,\"error\":{\"code\":\"ACK_EXPIRED\""), 1, "{answer}");
}

#[test]
fn errors_that_nobody_waits_for_end_where_too_much_waits() {
    let mut client = Client::new();
    let answer = client.send(&vec!["1".to_owned(); 100_000]);
    assert!(answer.len() < 2 * OWED, "{} bytes", answer.len());
}

#[test]
fn a_body_is_the_same_whether_it_comes_whole_or_in_pieces() {
    let answers = [1, 7, 150, usize::MAX].map(|cut| {
        let mut client = Client::new();
        client.ask("POST /rt/send", Some(r#"{"type":"join","id":1,"room":"relay"}"#), cut);
        let answer = client.ask("POST /rt/send", Some(&publish(2)), cut);
        assert_eq!(count(&answer, "\"id\":2,\"data\":{\"seq\":1}"), 1, "cut every {cut} bytes: {answer}");
        answer
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[test]
fn a_poll_is_answered_by_its_number_and_again_the_same() {
    let mut client = Client::new();
    client.send(&[r#"{"type":"join","id":1,"room":"relay"}"#.to_owned()]);
    for n in 0..5 {
        client.send(&[publish(2 + n)]);
        let line = format!("GET /rt/poll?after={n}&wait=25");
        let first = client.ask(&line, None, usize::MAX);
        assert!(first.contains(&format!("{{\"n\":{},\"messages\":[{{\"type\":\"event\"", n + 1)), "{first}");
        assert!(first.ends_with("}]}"), "{first}");
        assert_eq!(client.ask(&line, None, usize::MAX), first);
    }
    // A number that no answer has, and one more: neither is the last answer's.
    for after in [6, 7, 1 << 63, u64::MAX - 1, u64::MAX] {
        let answer = client.ask(&format!("GET /rt/poll?after={after}&wait=0"), None, usize::MAX);
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("it must be 5"), "{after}: {answer}");
    }
    assert!(
        client.ask("GET /rt/poll?after=5&wait=0", None, usize::MAX).ends_with("{\"n\":6,\"messages\":[]}")
    );
}

#[test]
fn a_poll_that_was_never_answered_has_no_number_before_the_first() {
    let mut client = Client::new();
    let answer = client.ask(&format!("GET /rt/poll?after={}&wait=0", u64::MAX), None, usize::MAX);
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(client.ask("GET /rt/poll?after=0&wait=0", None, usize::MAX).contains("{\"n\":1,"));
}
