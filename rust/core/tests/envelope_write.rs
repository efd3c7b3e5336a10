//! What the server says, word by word, and the same in both forms.

use rtcore_core::envelope::write::*;
use rtcore_core::envelope::{Writer, same};
use rtcore_core::ids::Form;

const JSON: Form = Form::Json;

/// Write in both forms, compare them as values (so that every count is right), and give the JSON.
fn text(write: impl Fn(&mut Vec<u8>, Form)) -> String {
    let (mut json, mut packed) = (Vec::new(), Vec::new());
    write(&mut json, JSON);
    write(&mut packed, Form::Msgpack);
    let text = String::from_utf8(json).unwrap();
    assert!(same((text.as_bytes(), JSON), (&packed, Form::Msgpack)), "{text}");
    text
}

fn said(room: Option<&str>, seq: Option<u64>) -> EventOut<'_> {
    EventOut {
        room,
        event: "say",
        data: (b"{\"a\":1}", JSON),
        seq,
        from: Some(("s1", None)),
        in_room: room.is_some(),
        time: 17,
        trace: None,
    }
}

#[test]
fn answers() {
    assert_eq!(text(|o, f| ack(o, f, 1, None)), r#"{"type":"ack","id":1,"data":null}"#);
    let data: (&[u8], _) = (b"[\"a\",1]", Form::Json);
    assert_eq!(text(|o, f| ack(o, f, 70, Some(data))), r#"{"type":"ack","id":70,"data":["a",1]}"#);
    assert_eq!(
        text(|o, f| ack(o, f, 1, Some((b"\x93\x01\xc4\x02hi\xcb\x3f\xf8\0\0\0\0\0\0", Form::Msgpack)))),
        r#"{"type":"ack","id":1,"data":[1,{"$bin":"aGk="},1.5]}"#
    );
    let fault = ErrorOut::new("NOT_FOUND", "no \"tea\"\n");
    assert_eq!(
        text(|o, f| ack_error(o, f, 5, &fault)),
        r#"{"type":"ack","id":5,"error":{"code":"NOT_FOUND","message":"no \"tea\"\n","retry":false}}"#
    );
    let detailed = ErrorOut { details: Some((b"[1]", JSON)), retry: true, ..fault.clone() };
    assert_eq!(
        text(|o, f| ack_error(o, f, 5, &detailed)),
        r#"{"type":"ack","id":5,"error":{"code":"NOT_FOUND","message":"no \"tea\"\n","details":[1],"retry":true}}"#
    );
    assert_eq!(
        text(|o, f| error(o, f, &fault)),
        r#"{"type":"error","code":"NOT_FOUND","message":"no \"tea\"\n","retry":false}"#
    );
    let later = ErrorOut { retry: true, after_ms: Some(1500), ..fault.clone() };
    assert_eq!(
        text(|o, f| error(o, f, &later)),
        r#"{"type":"error","code":"NOT_FOUND","message":"no \"tea\"\n","retry":true,"after":1.5}"#
    );
    assert_eq!(text(|o, f| published(o, f, 3, Some(124))), r#"{"type":"ack","id":3,"data":{"seq":124}}"#);
    assert_eq!(text(|o, f| published(o, f, 3, None)), r#"{"type":"ack","id":3,"data":{"seq":null}}"#);
    assert_eq!(text(|o, f| auth(o, f, 7, Some(9))), r#"{"type":"ack","id":7,"data":{"expires":9}}"#);
    assert_eq!(text(|o, f| auth(o, f, 7, None)), r#"{"type":"ack","id":7,"data":{"expires":null}}"#);
}

#[test]
fn events() {
    assert_eq!(
        text(|o, f| event(o, f, &said(Some("tea"), Some(124)))),
        r#"{"type":"event","room":"tea","event":"say","data":{"a":1},"seq":124,"from":{"session":"s1","user":null},"time":17}"#
    );
    let quiet = EventOut { from: None, trace: Some("00-1"), ..said(Some("tea"), None) };
    assert_eq!(
        text(|o, f| event(o, f, &quiet)),
        r#"{"type":"event","room":"tea","event":"say","data":{"a":1},"from":null,"time":17,"trace":"00-1"}"#
    );
    assert_eq!(
        text(|o, f| event(o, f, &said(None, Some(121)))),
        r#"{"type":"event","event":"say","data":{"a":1},"seq":121,"time":17}"#
    );
}

#[test]
fn small_messages() {
    assert_eq!(
        text(|o, f| gap(o, f, Some("tea"), 101, 118, "ring")),
        r#"{"type":"gap","room":"tea","from":101,"to":118,"reason":"ring"}"#
    );
    assert_eq!(
        text(|o, f| gap(o, f, None, 0, 118, "epoch")),
        r#"{"type":"gap","from":0,"to":118,"reason":"epoch"}"#
    );
    assert_eq!(
        text(|o, f| left(o, f, "tea", "no", 7)),
        r#"{"type":"left","room":"tea","reason":"no","id":7}"#
    );
    assert_eq!(
        text(|o, f| grants(o, f, "tea", &["history"], 7)),
        r#"{"type":"grants","room":"tea","grants":["history"],"id":7}"#
    );
    assert_eq!(
        text(|o, f| request(o, f, 9, "ask", (b"1", JSON))),
        r#"{"type":"request","id":9,"event":"ask","data":1}"#
    );
    assert_eq!(
        text(|o, f| pong(o, f, Some((b"1.5", JSON)), 2, 7)),
        r#"{"type":"pong","time":1.5,"server":2,"taken":7}"#
    );
    assert_eq!(text(|o, f| pong(o, f, None, 2, 0)), r#"{"type":"pong","server":2,"taken":0}"#);
    assert_eq!(text(|o, f| live(o, f, 140)), r#"{"type":"live","seq":140}"#);
    assert_eq!(
        text(|o, f| bye(o, f, 4000, "restart", Some(3.2))),
        r#"{"type":"bye","code":4000,"reason":"restart","after":3.2}"#
    );
    assert_eq!(
        text(|o, f| bye_of(o, f, 4500, "late", None, Some(9))),
        r#"{"type":"bye","code":4500,"reason":"late","n":9}"#
    );
    assert_eq!(text(|o, f| bye(o, f, 1000, "", None)), r#"{"type":"bye","code":1000,"reason":""}"#);
    assert_eq!(text(|o, f| expiring(o, f, 5)), r#"{"type":"expiring","at":5}"#);
}

#[test]
fn rooms() {
    let ann = MemberOut { session: "s1", user: Some("ann"), info: Some((b"{}", JSON)) };
    let bob = MemberOut { session: "s2", user: None, info: None };
    assert_eq!(
        text(|o, f| presence(o, f, "tea", std::slice::from_ref(&ann), std::slice::from_ref(&bob), 3)),
        r#"{"type":"presence","room":"tea","joined":[{"session":"s1","user":"ann","info":{}}],"left":[{"session":"s2","user":null}],"count":3}"#
    );
    let past = [said(Some("tea"), Some(1))];
    let event = r#"{"type":"event","room":"tea","event":"say","data":{"a":1},"seq":1,"from":{"session":"s1","user":null},"time":17}"#;
    let full = JoinedOut {
        sync: None,
        seq: 120,
        began: 100,
        members: vec![bob],
        count: Some(1),
        state: Some((b"\x01", Form::Msgpack)),
        grants: &["publish"],
        durable: false,
        history: Some(&past),
        complete: Some(false),
        gap: Some((1, 2, "ring")),
    };
    let body = format!(
        r#""seq":120,"began":100,"members":[{{"session":"s2","user":null}}],"count":1,"state":1,"grants":["publish"],"history":[{event}],"complete":false,"gap":{{"from":1,"to":2,"reason":"ring"}}"#
    );
    assert_eq!(text(|o, f| joined(o, f, 1, &full)), format!(r#"{{"type":"ack","id":1,"data":{{{body}}}}}"#));
    assert_eq!(
        text(|o, f| room(o, f, "tea", &full, 7)),
        format!(r#"{{"type":"room","room":"tea",{body},"id":7}}"#)
    );
    let least = JoinedOut {
        members: vec![],
        count: None,
        state: None,
        grants: &[],
        durable: false,
        history: None,
        complete: None,
        gap: None,
        ..full
    };
    assert_eq!(
        text(|o, f| joined(o, f, 1, &least)),
        r#"{"type":"ack","id":1,"data":{"seq":120,"began":100,"grants":[]}}"#
    );
    let whole = HistoryOut { entries: &past, seq: 9, complete: true, more: false, gap: None };
    assert_eq!(
        text(|o, f| history(o, f, 4, &whole)),
        format!(
            r#"{{"type":"ack","id":4,"data":{{"history":[{event}],"seq":9,"complete":true,"more":false}}}}"#
        )
    );
    let part = HistoryOut { entries: &[], seq: 2, complete: false, more: true, gap: Some((1, 2, "age")) };
    assert_eq!(
        text(|o, f| history(o, f, 4, &part)),
        r#"{"type":"ack","id":4,"data":{"history":[],"seq":2,"complete":false,"more":true,"gap":{"from":1,"to":2,"reason":"age"}}}"#
    );
}

#[test]
fn the_first_answer() {
    let fresh = WelcomeOut {
        session: "s1",
        key: Some("k"),
        user: Some("ann"),
        epoch: "k3f9",
        life: "h2w",
        seq: 120,
        head: 131,
        taken: 0,
        resumed: true,
        rooms: vec![
            RoomOut { room: "tea", seq: 131, count: Some(2), complete: true },
            RoomOut { room: "x", seq: 0, count: None, complete: false },
        ],
        limits: &[("ping", 25), ("name", 255)],
        transports: &["websocket"],
        time: 17,
        expires: Some(18),
        compress: None,
        ticket: None,
        streams: &[],
    };
    assert_eq!(
        text(|o, f| welcome(o, f, &fresh)),
        r#"{"type":"welcome","v":1,"session":"s1","key":"k","user":"ann","epoch":"k3f9","life":"h2w","seq":120,"head":131,"taken":0,"resumed":true,"compress":null,"rooms":[{"room":"tea","seq":131,"count":2,"complete":true},{"room":"x","seq":0,"complete":false}],"limits":{"ping":25,"name":255},"transports":["websocket"],"time":17,"expires":18}"#
    );
    assert!(
        !text(|o, f| welcome(o, f, &WelcomeOut { user: None, expires: None, ..fresh.clone() }))
            .contains("expires")
    );
}

#[test]
fn several_messages_are_values_of_an_array() {
    let written = text(|o, f| {
        let mut w = Writer::new(o, f);
        w.begin_array(3);
        w.begin_map(0);
        w.end_map();
        w.i64(-1);
        w.binary(b"\xff");
        w.end_array();
    });
    assert_eq!(written, r#"[{},-1,{"$bin":"/w=="}]"#);
}

/// A payload that cannot be said in the other form must not break the message around it.
#[test]
fn what_cannot_be_said_is_null() {
    let mut out = Vec::new();
    ack(&mut out, JSON, 1, Some((b"\x92\x01\xc1", Form::Msgpack)));
    assert_eq!(out, br#"{"type":"ack","id":1,"data":null}"#);
}
