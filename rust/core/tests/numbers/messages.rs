//! The numbers of messages, in both forms.

use crate::support::wire::Dialect;
use crate::support::yard::Yard;
use crate::{EXTREMES, is_whole};
use rtcore_core::engine::AppEvent;
use rtcore_core::envelope::{MAX_ID, transcode};
use rtcore_core::frame::websocket::{opcode, write_frame};
use rtcore_core::{ConnId, Form};

/// A number of the wire: the message that it stands in, and which values are taken.
type Place = (&'static str, fn(&str) -> bool);

/// 1e15 is a whole number, too: `MessagePack` and JavaScript have floats.
fn count(text: &str) -> bool {
    is_whole(text) || text == "1e15"
}

fn id(text: &str) -> bool {
    text == "1e15" || text.parse().is_ok_and(|id: u64| (1..=MAX_ID).contains(&id))
}

fn rtt(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(|ms| ms >= 0.0 && ms.is_finite())
}

/// What is somebody's own data, or is answered in its own way.
fn any(_: &str) -> bool {
    true
}

const PLACES: [Place; 28] = [
    (r#"{"type":"emit","id":N,"event":"work"}"#, id),
    (r#"{"type":"publish","id":N,"room":"tea","event":"m"}"#, id),
    (r#"{"type":"join","id":N,"room":"tea"}"#, id),
    (r#"{"type":"leave","id":N,"room":"tea"}"#, id),
    (r#"{"type":"history","id":N,"room":"tea"}"#, id),
    (r#"{"type":"auth","id":N,"token":"u"}"#, id),
    (r#"{"type":"ping","id":N}"#, id),
    (r#"{"type":"reply","id":N,"data":1}"#, id),
    (r#"{"type":"open","id":N,"stream":"count","credit":1}"#, id),
    (r#"{"type":"open","id":N,"stream":"upload","up":true}"#, id),
    (r#"{"type":"item","id":N,"n":0}"#, id),
    (r#"{"type":"credit","id":N,"n":1}"#, id),
    (r#"{"type":"end","id":N,"n":0}"#, id),
    (r#"{"type":"cancel","id":N}"#, id),
    (r#"{"type":"bye","id":N}"#, id),
    (r#"{"type":"join","id":9,"room":"tea","last":N}"#, count),
    (r#"{"type":"history","id":9,"room":"tea","limit":N}"#, count),
    (r#"{"type":"open","id":9,"stream":"count","credit":N}"#, count),
    (r#"{"type":"open","id":1,"stream":"count","credit":N}"#, count),
    (r#"{"type":"credit","id":1,"n":N}"#, count),
    (r#"{"type":"item","id":2,"n":N}"#, |text| text == "0"),
    (r#"{"type":"end","id":2,"n":N}"#, |text| text == "0"),
    (r#"{"type":"ping","id":9,"rtt":N}"#, rtt),
    (r#"{"type":"ping","id":9,"time":N}"#, finite),
    (r#"{"type":"emit","id":9,"event":"work","data":N}"#, finite),
    (r#"{"type":"join","id":9,"room":"tea","since":"EPOCH.N"}"#, any),
    (r#"{"type":"history","id":9,"room":"tea","after":"EPOCH.N"}"#, any),
    (r#"{"type":"publish","id":9,"room":"tea","event":"m","data":[N]}"#, finite),
];

/// A session in a room with a past, with a stream down (1) of which three items wait, and one up (2).
fn world(form: Form) -> (Yard, ConnId) {
    let mut yard = Yard::new();
    let conn = yard.dial();
    yard.say(conn, &Dialect { form, deflate: false }.handshake());
    for message in [
        r#"{"type":"hello"}"#,
        r#"{"type":"open","id":1,"stream":"count","credit":3}"#,
        r#"{"type":"open","id":2,"stream":"upload","up":true}"#,
        r#"{"type":"join","id":3,"room":"tea"}"#,
    ] {
        yard.say(conn, &wire(form, message).expect("it can be said"));
    }
    let Some(AppEvent::StreamOpened { session, .. }) = yard.later.first() else {
        panic!("a stream was opened")
    };
    let session = *session;
    for text in ["1", "2", "3"] {
        yard.publish("tea", text);
        yard.engine.stream_item(session, 1, text.as_bytes());
    }
    yard.hear(conn);
    (yard, conn)
}

/// A masked frame with the message; none: the form has no such number.
fn wire(form: Form, message: &str) -> Option<Vec<u8>> {
    let (mut payload, mut out) = (Vec::new(), Vec::new());
    transcode(message.as_bytes(), Form::Json, form, &mut payload).ok()?;
    let kind = if form == Form::Json { opcode::TEXT } else { opcode::BINARY };
    write_frame(&mut out, kind, false, Some([1, 2, 3, 4]), &payload);
    Some(out)
}

fn epoch(yard: &Yard) -> String {
    yard.engine.position(0).split('.').next().unwrap_or_default().to_owned()
}

/// Others are served, time passes, and little is kept for whoever said it.
fn goes_on(mut yard: Yard, said: &str) {
    assert!(yard.current("stream_bytes") < 4096, "{said}");
    assert!(!yard.plain().key.is_empty(), "{said}");
    yard.pass(200_000);
    assert!(!yard.plain().key.is_empty(), "{said}");
}

#[test]
fn a_number_of_a_message_is_refused_or_taken_for_what_it_is() {
    for form in [Form::Json, Form::Msgpack] {
        for (message, taken) in PLACES {
            for number in EXTREMES {
                let (mut yard, conn) = world(form);
                let said = message.replace('N', number).replace("EPOCH", &epoch(&yard));
                let Some(bytes) = wire(form, &said) else { continue };
                yard.say(conn, &bytes);
                let refused = yard.hear(conn).contains("INVALID_MESSAGE");
                assert_eq!(refused, !taken(number), "{form:?} {said}");
                goes_on(yard, &said);
            }
        }
    }
}

/// The same, after another extreme: what the first left behind is what the second is reckoned with.
#[test]
fn one_extreme_after_another_is_no_more_than_the_most() {
    for message in [
        r#"{"type":"credit","id":1,"n":N}"#,
        r#"{"type":"open","id":1,"stream":"count","credit":N}"#,
        r#"{"type":"item","id":2,"n":N}"#,
    ] {
        for (first, second) in EXTREMES.iter().flat_map(|one| EXTREMES.map(|other| (*one, other))) {
            let (mut yard, conn) = world(Form::Json);
            for number in [first, second, "5"] {
                yard.say(conn, &wire(Form::Json, &message.replace('N', number)).expect("JSON has all"));
                yard.hear(conn);
            }
            goes_on(yard, &format!("{message}: {first}, {second}"));
        }
    }
}

fn finite(text: &str) -> bool {
    text != "1e400"
}

#[test]
fn a_hello_with_any_version_position_or_item_is_answered() {
    for number in EXTREMES {
        let mut yard = Yard::new();
        let conn = yard.upgrade("/rt/ws");
        yard.frame(conn, &format!(r#"{{"type":"hello","v":{number}}}"#));
        let heard = yard.hear(conn);
        assert_eq!(heard.contains("\"welcome\""), number == "1", "{number}: {heard}");

        let mut yard = Yard::new();
        let (old, known) = yard.socket();
        yard.frame(old, r#"{"type":"open","id":1,"stream":"count","credit":3}"#);
        yard.frame(old, r#"{"type":"open","id":2,"stream":"upload","up":true}"#);
        yard.publish("tea", "1");
        yard.lose(old);
        let (name, key, epoch) = (&known.name, &known.key, epoch(&yard));
        for (id, item) in [("1", number), ("2", number), (number, "0"), (number, number)] {
            let hello = format!(
                r#"{{"type":"hello","session":"{name}","key":"{key}","position":"{epoch}.{number}","streams":{{"{id}":{item}}}}}"#
            );
            let conn = yard.upgrade("/rt/ws");
            yard.frame(conn, &hello);
            assert!(yard.hear(conn).len() > 200, "more than the handshake: {hello}");
        }
        goes_on(yard, number);
    }
}
