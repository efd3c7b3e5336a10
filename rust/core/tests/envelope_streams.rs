//! Streams of items: what peers say of them, and what the server does.

use rtcore_core::Limits;
use rtcore_core::codes::Code;
use rtcore_core::envelope::write::{ErrorOut, credit, end, item};
use rtcore_core::envelope::{OfStream, Said, read, transcode};
use rtcore_core::ids::Form;
use rtcore_core::names::Names;

fn packed(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    transcode(text.as_bytes(), Form::Json, Form::Msgpack, &mut out).unwrap();
    out
}

/// Read in both forms, and compare what does not depend on the form.
fn both(text: &str, same: impl Fn(Said<'_>)) {
    same(
        read(Form::Json, text.as_bytes(), Names::of(&Limits::default()))
            .unwrap_or_else(|fault| panic!("{text}: {}", fault.message)),
    );
    same(
        read(Form::Msgpack, &packed(text), Names::of(&Limits::default()))
            .unwrap_or_else(|fault| panic!("{text}: {}", fault.message)),
    );
}

#[test]
fn every_message_is_read() {
    both(r#"{"type":"open","id":5,"stream":"answer","data":[1],"credit":64}"#, |said| {
        let Said::Open(open) = said else { panic!("{said:?}") };
        assert_eq!((open.id, &*open.stream, open.up, open.credit), (5, "answer", false, 64));
        assert!(open.data.bytes.len() >= 2);
    });
    both(r#"{"type":"open","id":5,"stream":"upload","up":true}"#, |said| {
        let Said::Open(open) = said else { panic!("{said:?}") };
        assert_eq!((open.up, open.credit), (true, 0));
    });
    both(r#"{"type":"item","id":6,"n":0,"data":"x"}"#, |said| {
        let Said::Stream(OfStream::Item { id, n, .. }) = said else { panic!("{said:?}") };
        assert_eq!((id, n), (6, 0));
    });
    both(r#"{"type":"credit","id":5,"n":18446744073709551615}"#, |said| {
        assert_eq!(said, Said::Stream(OfStream::Credit { id: 5, n: u64::MAX }));
    });
    both(r#"{"type":"end","id":6,"n":40}"#, |said| {
        assert_eq!(said, Said::Stream(OfStream::End { id: 6, n: Some(40), error: None }));
    });
    both(r#"{"type":"end","id":6,"error":{"code":"DISK","message":"full"}}"#, |said| {
        let Said::Stream(OfStream::End { n: None, error: Some(error), .. }) = said else {
            panic!("{said:?}")
        };
        assert_eq!((&*error.code, &*error.message), ("DISK", "full"));
    });
    both(r#"{"type":"cancel","id":5}"#, |said| {
        assert_eq!(said, Said::Stream(OfStream::Cancel { id: 5 }));
    });
    both(r#"{"type":"hello","streams":{ "5" : 90 , "6":0 }}"#, |said| {
        let Said::Hello(hello) = said else { panic!("{said:?}") };
        assert_eq!(hello.streams, [(5, 90), (6, 0)]);
    });
}

#[test]
fn a_fault_names_the_request_and_never_a_stream() {
    let faults = [
        (r#"{"type":"open","id":5,"stream":7}"#, Some(5)),
        (r#"{"type":"open","id":5}"#, Some(5)),
        (r#"{"type":"open","id":5,"stream":"s","credit":-1}"#, Some(5)),
        (r#"{"type":"open","id":5,"stream":"s","up":0}"#, Some(5)),
        (r#"{"type":"open","stream":"s"}"#, None),
        (r#"{"type":"item","id":5}"#, None),
        (r#"{"type":"item","id":5,"n":0,"data":{"$bin":"A"}}"#, None),
        (r#"{"type":"credit","id":5,"n":"9"}"#, None),
        (r#"{"type":"end","id":5,"error":[]}"#, None),
        (r#"{"type":"cancel"}"#, None),
        (r#"{"type":"hello","streams":[5]}"#, None),
        (r#"{"type":"hello","streams":{"05x":1}}"#, None),
        (r#"{"type":"hello","streams":{"5":1.5}}"#, None),
    ];
    for (text, id) in faults {
        let fault = read(Form::Json, text.as_bytes(), Names::of(&Limits::default())).expect_err(text);
        assert_eq!((fault.code, fault.id), (Code::InvalidMessage, id), "{text}");
    }
    let many: Vec<String> = (1..=1025).map(|id| format!(r#""{id}":0"#)).collect();
    let many = format!(r#"{{"type":"hello","streams":{{{}}}}}"#, many.join(","));
    assert!(
        read(Form::Json, many.as_bytes(), Names::of(&Limits::default())).is_err(),
        "more than anybody has"
    );
}

type Write<'a> = &'a dyn Fn(&mut Vec<u8>, Form);

#[test]
fn what_the_server_says_is_the_same_in_both_forms() {
    let error = ErrorOut { details: Some((b"[1]", Form::Json)), ..ErrorOut::new("STREAM_LOST", "m") };
    let said: [(Write<'_>, &str); 4] = [
        (
            &|o, f| item(o, f, 5, 0, (br#"{"a":1}"#, Form::Json)),
            r#"{"type":"item","id":5,"n":0,"data":{"a":1}}"#,
        ),
        (&|o, f| credit(o, f, 6, 68), r#"{"type":"credit","id":6,"n":68}"#),
        (&|o, f| end(o, f, 5, 12, Ok((b"null", Form::Json))), r#"{"type":"end","id":5,"n":12,"data":null}"#),
        (
            &|o, f| end(o, f, 5, 3, Err(&error)),
            r#"{"type":"end","id":5,"n":3,"error":{"code":"STREAM_LOST","message":"m","details":[1],"retry":false}}"#,
        ),
    ];
    for (write, text) in said {
        let (mut json, mut msgpack) = (Vec::new(), Vec::new());
        write(&mut json, Form::Json);
        write(&mut msgpack, Form::Msgpack);
        assert_eq!(String::from_utf8(json).unwrap(), text);
        assert_eq!(msgpack, packed(text));
    }
}
