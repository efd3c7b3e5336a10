//! What peers say, and what is answered to what cannot be read.

use rtcore_core::Limits;
use rtcore_core::codes::Code;
use rtcore_core::envelope::{Data, Said, messages, read, type_of};
use rtcore_core::error::Fault;
use rtcore_core::ids::Form;
use rtcore_core::names::Names;

const JSON: Form = Form::Json;

fn said(text: &str) -> Said<'_> {
    read(JSON, text.as_bytes(), Names::of(&Limits::default()))
        .unwrap_or_else(|fault| panic!("{text}: {}", fault.message))
}

fn fault(form: Form, message: &[u8]) -> Fault {
    read(form, message, Names::of(&Limits::default())).expect_err(&String::from_utf8_lossy(message))
}

/// The same message in `MessagePack`. Only for text without binary in it.
fn packed(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    rtcore_core::envelope::transcode(text.as_bytes(), JSON, Form::Msgpack, &mut out).unwrap();
    out
}

#[test]
fn every_message_is_read() {
    let Said::Hello(hello) = said(
        r#"{"type":"hello","v":1,"token":"t","session":"s","key":"k","position":"k3f9.7","client":"c/1","can":["a","\u0062"]}"#,
    ) else {
        panic!()
    };
    assert_eq!((hello.v, hello.id, hello.token.as_deref()), (1, None, Some("t")));
    assert_eq!((hello.session.as_deref(), hello.key.as_deref()), (Some("s"), Some("k")));
    assert_eq!((hello.position.as_deref(), hello.client.as_deref()), (Some("k3f9.7"), Some("c/1")));
    assert_eq!(hello.can, ["a", "b"]);

    let Said::Join(join) = said(r#"{"type":"join","id":1,"room":"tea","since":"k3f9.100","data":[1]}"#)
    else {
        panic!()
    };
    assert_eq!(
        (join.id, &*join.room, join.since.as_deref(), join.last),
        (Some(1), "tea", Some("k3f9.100"), None)
    );
    assert_eq!(&*join.data.unwrap().bytes, b"[1]");

    assert_eq!(
        said(r#"{"type":"leave","id":2,"room":"tea"}"#),
        Said::Leave { id: Some(2), room: "tea".into() }
    );

    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let text = format!(
        r#"{{"type":"publish","id":3,"room":"tea","event":"say","data":"hi","key":"k","echo":false,"volatile":true,"trace":"{trace}"}}"#
    );
    let Said::Publish(publish) = said(&text) else { panic!() };
    assert_eq!((publish.id, &*publish.room, &*publish.event), (Some(3), "tea", "say"));
    assert_eq!((&*publish.data.bytes, publish.key.as_deref()), (&b"\"hi\""[..], Some("k")));
    assert_eq!((publish.echo, publish.volatile, publish.trace.as_deref()), (false, true, Some(trace)));

    let Said::Publish(least) = said(r#"{"type":"publish","room":"tea","event":"say","trace":"no trace"}"#)
    else {
        panic!()
    };
    assert_eq!((least.id, &*least.data.bytes, least.key), (None, &b"null"[..], None));
    assert_eq!((least.echo, least.volatile, least.trace), (true, false, None));

    assert_eq!(
        said(r#"{"type":"history","id":4,"room":"tea","after":"k3f9.100","limit":100}"#),
        Said::History {
            id: Some(4),
            room: "tea".into(),
            after: Some("k3f9.100".into()),
            limit: Some(100),
            last: None
        }
    );
    let Said::Emit(emit) = said(r#"{"type":"emit","id":5,"event":"chat:message","data":{"a":1},"key":"k"}"#)
    else {
        panic!()
    };
    assert_eq!(
        (emit.id, &*emit.event, &*emit.data.bytes, emit.key.as_deref()),
        (Some(5), "chat:message", &br#"{"a":1}"#[..], Some("k"))
    );

    let Said::Reply { id: 9, result: Ok(data) } = said(r#"{"type":"reply","id":9,"data":7}"#) else {
        panic!()
    };
    assert_eq!(&*data.bytes, b"7");
    let Said::Reply { id: 9, result: Err(error) } = said(
        r#"{"type":"reply","id":9,"error":{"code":"NO","message":"not now","details":[1],"retry":true}}"#,
    ) else {
        panic!()
    };
    assert_eq!((&*error.code, &*error.message, error.retry), ("NO", "not now", true));
    assert_eq!(&*error.details.unwrap().bytes, b"[1]");

    assert_eq!(said(r#"{"type":"auth","id":7,"token":"t"}"#), Said::Auth { id: Some(7), token: "t".into() });
    let Said::Ping { id: None, time: Some(time), rtt: Some(rtt), .. } =
        said(r#"{"type":"ping","time":1.50,"rtt":38}"#)
    else {
        panic!()
    };
    assert_eq!((&*time.bytes, rtt.to_string()), (&b"1.50"[..], "38".to_owned()));
    assert!(matches!(said(r#" { "type" : "bye" } "#), Said::Bye { id: None }));
}

#[test]
fn both_forms_say_the_same() {
    for text in [
        r#"{"type":"hello","token":"t","can":["a"]}"#,
        r#"{"type":"leave","id":2,"room":"tee \u00fc"}"#,
        r#"{"type":"history","id":9007199254740991,"room":"tea","limit":100}"#,
        r#"{"type":"ping","rtt":1.5}"#,
        r#"{"type":"auth","token":"t"}"#,
        r#"{"type":"bye"}"#,
    ] {
        assert_eq!(
            said(text),
            read(Form::Msgpack, &packed(text), Names::of(&Limits::default())).unwrap(),
            "{text}"
        );
    }
    let packed = packed(
        r#"{"type":"publish","id":3,"room":"tea","event":"say","data":[1],"echo":false,"volatile":true}"#,
    );
    let Said::Publish(publish) = read(Form::Msgpack, &packed, Names::of(&Limits::default())).unwrap() else {
        panic!()
    };
    assert_eq!((&*publish.data.bytes, publish.data.form), (&b"\x91\x01"[..], Form::Msgpack));
    assert!(!publish.echo && publish.volatile);
}

/// The id finds its request wherever it stands, and whatever else is wrong.
#[test]
fn a_fault_has_the_id_of_its_request() {
    for field in [
        r#""data":NaN"#,
        r#""data":-Infinity"#,
        r#""data":[1 2]"#,
        r#""data":{1:2}"#,
        r#""data":1 "more":2"#,
        r#""data":01"#,
        r#""data":"\ud800""#,
        r#""data":"\x""#,
        r#""data":{"$bin":"***"}"#,
        r#""data":{"$ref":1}"#,
        "\"data\":\"line\nbreak\"",
        r#""data":tru"#,
        r#""key":"""#,
        r#""key":5"#,
        r#""more":NaN"#,
        r#""\x":1"#,
        r#""event":"again""#,
    ] {
        for text in [
            format!(r#"{{"type":"emit","event":"e","id":5,{field}}}"#),
            format!(r#"{{"id":5,{field},"type":"emit","event":"e"}}"#),
            format!(r#"{{"type":"emit","event":"e",{field},"id":5}}"#),
            format!(r#"{{{field},"type":"emit","event":"e","id":5}}"#),
        ] {
            let fault = fault(JSON, text.as_bytes());
            assert_eq!((fault.id, fault.code), (Some(5), Code::InvalidMessage), "{text}: {}", fault.message);
        }
    }
    let deep =
        format!(r#"{{"type":"emit","event":"e","data":{}{},"id":5}}"#, "[".repeat(129), "]".repeat(129));
    assert_eq!(fault(JSON, deep.as_bytes()).id, Some(5));
    for cut in [
        &br#"{"id":5,"type":"emit","event":"e","data":[1"#[..],
        br#"{"id":5,"type":"emit","event":"e"} x"#,
        b"{\"id\":5,\"type\":\"bye\"}\xff",
    ] {
        assert_eq!(fault(JSON, cut).id, Some(5), "{}", String::from_utf8_lossy(cut));
    }
}

#[test]
fn a_fault_in_messagepack_has_its_id_too() {
    for data in [
        &b"\xc7\x02\x01ab"[..],      // an extension type
        b"\x81\x01\x02",             // a key that is no text
        b"\x81\xc0\x02",             // the same
        b"\xa2\xff\xfe",             // no UTF-8
        b"\xcb\x7f\xf8\0\0\0\0\0\0", // NaN
        b"\x91\xca\x7f\x80\0\0",     // infinity
        b"\xc1",                     // begins nothing
        b"\x81\xa4$bin\xa4aGk=",     // JSON's way to say binary
    ] {
        let message = [&b"\x84\xa4type\xa4emit\xa5event\xa1e\xa4data"[..], data, b"\xa2id\x05"].concat();
        let fault = fault(Form::Msgpack, &message);
        assert_eq!((fault.id, fault.code), (Some(5), Code::InvalidMessage), "{data:x?}: {}", fault.message);
    }
    let trailing = b"\x82\xa4type\xa3bye\xa2id\x05\xc0";
    assert_eq!(fault(Form::Msgpack, trailing).id, Some(5));
}

#[test]
fn an_unusable_id_is_no_id() {
    for id in [
        "0",
        "-1",
        "1.5",
        "\"7\"",
        "null",
        "true",
        "[1]",
        "{}",
        "9007199254740992",
        "1e300",
        "18446744073709551617",
    ] {
        let text = format!(r#"{{"type":"leave","room":"tea","id":{id}}}"#);
        assert_eq!(fault(JSON, text.as_bytes()).id, None, "{text}");
        if id != "18446744073709551617" {
            assert_eq!(fault(Form::Msgpack, &packed(&text)).id, None, "{text}");
        }
    }
    assert_eq!(fault(JSON, br#"{"type":"leave","id":1,"id":2,"room":"tea"}"#).id, None);
    for (id, wanted) in [("1", 1), ("9007199254740991", 9_007_199_254_740_991), ("5.0", 5)] {
        let text = format!(r#"{{"type":"bye","id":{id}}}"#);
        assert_eq!(said(&text), Said::Bye { id: Some(wanted) });
    }
}

/// The id of a reply is from the server's counter: an error ack for it would answer a request of the client.
#[test]
fn a_bad_reply_has_no_id_to_answer() {
    for text in [
        r#"{"type":"reply","id":9,"data":NaN}"#,
        r#"{"type":"reply","id":9,"error":{}}"#,
        r#"{"type":"reply","id":9,"error":5}"#,
    ] {
        assert_eq!(fault(JSON, text.as_bytes()).id, None, "{text}");
    }
    assert!(fault(JSON, br#"{"type":"reply","data":1}"#).message.contains("id"));
}

#[test]
fn faults_say_what_is_wrong() {
    let long = "x".repeat(256);
    for (text, word) in [
        (r#"{"room":"tea"}"#.to_owned(), "no \"type\""),
        (r#"{"type":5}"#.to_owned(), "\"type\" is a number; it must be text"),
        (r#"{"type":"shove"}"#.to_owned(), "\"shove\""),
        (format!(r#"{{"type":"{}"}}"#, "é".repeat(70)), &*format!("\"{}…\"", "é".repeat(64))),
        (r#"{"type":"leave"}"#.to_owned(), "\"room\" is missing"),
        (r#"{"type":"leave","room":null}"#.to_owned(), "\"room\" is missing"),
        (r#"{"type":"leave","room":""}"#.to_owned(), "0 bytes"),
        (format!(r#"{{"type":"leave","room":"{long}"}}"#), "256 bytes long; a name has 1 to 255"),
        (r#"{"type":"leave","room":"a\u0000"}"#.to_owned(), "U+0000"),
        ("{\"type\":\"leave\",\"room\":\"a\u{7f}\"}".to_owned(), "U+007F"),
        (r#"{"type":"leave","room":"a\u0085"}"#.to_owned(), "U+0085"),
        (r#"{"type":"emit","event":["e"]}"#.to_owned(), "\"event\" is a list; it must be text"),
        (format!(r#"{{"type":"emit","event":"e","key":"{}"}}"#, "é".repeat(129)), "129 characters"),
        (
            r#"{"type":"publish","room":"r","event":"e","echo":1}"#.to_owned(),
            "\"echo\" is a number; it must be true or false",
        ),
        (r#"{"type":"join","room":"r","since":"k.1","last":1}"#.to_owned(), "not both"),
        (r#"{"type":"join","room":"r","last":-1}"#.to_owned(), "\"last\" must be a whole number"),
        (r#"{"type":"join","room":"r","last":"1"}"#.to_owned(), "\"last\" is text"),
        (r#"{"type":"hello","can":["a",1]}"#.to_owned(), "\"can\" is a list"),
        (r#"{"type":"ping","rtt":-1}"#.to_owned(), "\"rtt\" is -1"),
        (r#"{"type":"emit","event":"e","data":{"$x":1}}"#.to_owned(), "\"data\": an object whose only key"),
        (r#"{"type":"emit","event":"e","event":"f"}"#.to_owned(), "twice"),
        ("[1]".to_owned(), "must be an object"),
        ("7".to_owned(), "must be an object"),
        ("\u{feff}{}".to_owned(), "must be an object"),
        (r#"{"type":"bye"}{"type":"bye"}"#.to_owned(), "follows"),
        (r#"{"type":"bye",}"#.to_owned(), "key"),
        (r#"{"type""bye"}"#.to_owned(), "colon"),
    ] {
        let fault = fault(JSON, text.as_bytes());
        assert!(fault.message.contains(word), "{text}: {}", fault.message);
        assert!(!fault.retry);
    }
}

#[test]
fn what_is_unknown_is_ignored_and_null_is_absent() {
    for text in [
        r#"{"type":"leave","room":"tea","filter":{"$gt":5},"slot":[[]],"x":{"$bin":"?"}}"#,
        r#"{"type":"leave","room":"tea","echo":"not asked here","last":-5}"#,
        r#"{"\u0074ype":"leave","\u0072oom":"\u0074ea"}"#,
    ] {
        assert_eq!(said(text), Said::Leave { id: None, room: "tea".into() });
    }
    let text = r#"{"type":"publish","room":"r","event":"e","data":null,"key":null,"echo":null,"trace":5}"#;
    assert!(matches!(said(text), Said::Publish(p) if p.echo && p.key.is_none() && p.trace.is_none()));
    assert!(
        matches!(said(r#"{"type":"hello","token":null,"can":null}"#), Said::Hello(h) if h.token.is_none())
    );
    // An extension type in a field that nobody asks for can be read over.
    assert!(
        read(Form::Msgpack, b"\x82\xa4type\xa3bye\xa4more\xd4\x01\x00", Names::of(&Limits::default()))
            .is_ok()
    );
}

#[test]
fn data_is_kept_as_it_came_but_without_line_breaks() {
    let data = |text: &'static str| match said(text) {
        Said::Emit(emit) => emit.data,
        other => panic!("{other:?}"),
    };
    assert_eq!(&*data(r#"{"type":"emit","event":"e","data":{"a" : 1.50} }"#).bytes, br#"{"a" : 1.50}"#);
    assert_eq!(
        &*data("{\"type\":\"emit\",\"event\":\"e\",\"data\":{\"a\" :\r\n [1, \"b c\"]}}").bytes,
        br#"{"a":[1,"b c"]}"#
    );
    // A line break elsewhere in the message is none in the data.
    assert_eq!(&*data("{\"type\":\"emit\",\n\"event\":\"e\",\n\"data\": [1, 2] \n}").bytes, b"[1, 2]");
    let marked = data(r#"{"type":"emit","event":"e","data":[{"$bin":"aGk="},18446744073709551616]}"#);
    assert!(marked.has_bin && marked.wide_int);
    let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
    assert!(Data::check(JSON, deep.as_bytes()).is_ok());
    assert!(Data::check(JSON, b" [1] ").is_ok());
    for bad in [&b""[..], b"[1] 2", b"\"\xff\"", b"{\"$x\":1}", b"nope", b"[1e400]"] {
        assert!(Data::check(JSON, bad).is_err());
    }
    assert!(Data::check(Form::Msgpack, b"\x01\x01").is_err());
}

fn split(form: Form, frame: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut found = Vec::new();
    for message in messages(form, frame) {
        match message {
            Ok(message) => found.push(message.to_vec()),
            Err(_) => return (found, false),
        }
    }
    (found, true)
}

#[test]
fn frames_fall_into_messages() {
    for (frame, wanted, whole) in [
        (r#"{"a":1}"#, &[r#"{"a":1}"#][..], true),
        ("[]", &[], true),
        (" [ ] ", &[], true),
        (r#"[{"a":"],["} , 5,"x",[1]]"#, &[r#"{"a":"],["}"#, "5", "\"x\"", "[1]"], true),
        (r#"[{"a":NaN},{"b":1}]"#, &[r#"{"a":NaN}"#, r#"{"b":1}"#], true),
        ("", &[], false),
        ("  ", &[], false),
        ("[", &[], false),
        ("[,]", &[], false),
        ("[1", &["1"], false),
        ("[1,]", &["1"], false),
        ("[1,,2]", &["1"], false),
        ("[1 2]", &["1"], false),
        ("[1] 2", &["1"], false),
        ("[{\"a\":1", &[], false),
    ] {
        let (found, fine) = split(JSON, frame.as_bytes());
        let wanted: Vec<_> = wanted.iter().map(|w| w.as_bytes().to_vec()).collect();
        assert_eq!((found, fine), (wanted, whole), "{frame}");
    }
    assert_eq!(split(Form::Msgpack, b"\x80"), (vec![b"\x80".to_vec()], true));
    assert_eq!(split(Form::Msgpack, b"\x90"), (vec![], true));
    assert_eq!(
        split(Form::Msgpack, b"\x92\x80\x91\x01"),
        (vec![b"\x80".to_vec(), b"\x91\x01".to_vec()], true)
    );
    assert_eq!(split(Form::Msgpack, b"\x91\x80\x80"), (vec![b"\x80".to_vec()], false));
    assert_eq!(split(Form::Msgpack, b"\xdd\xff\xff\xff\xff\x80"), (vec![b"\x80".to_vec()], false));
    assert_eq!(split(Form::Msgpack, b""), (vec![], false));
}

#[test]
fn the_type_alone() {
    assert_eq!(type_of(JSON, br#"{"id":-1,"type":"hello","token":5"#).as_deref(), Some("hello"));
    assert_eq!(type_of(JSON, br#"{"type":5}"#), None);
    assert_eq!(type_of(JSON, b"nope"), None);
    assert_eq!(type_of(Form::Msgpack, b"\x81\xa4type\xa3bye").as_deref(), Some("bye"));
}
