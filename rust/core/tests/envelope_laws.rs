//! Laws of the envelope: over random values, random bytes and random order.

use proptest::prelude::*;
use rtcore_core::Limits;
use rtcore_core::envelope::{Data, Said, Writer, digest, field, messages, read, same, transcode, type_of};
use rtcore_core::ids::Form;
use rtcore_core::names::Names;

#[derive(Clone, Debug)]
enum Value {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
    Binary(Vec<u8>),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<u64>().prop_map(Value::Unsigned),
        any::<i64>().prop_map(Value::Signed),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::Float),
        any::<String>().prop_map(Value::Text),
        any::<Vec<u8>>().prop_map(Value::Binary),
    ];
    leaf.prop_recursive(5, 80, 24, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..24).prop_map(Value::List),
            prop::collection::btree_map("[a-z\"\\\\\u{0}é ]{0,40}", inner, 0..24)
                .prop_map(|map| Value::Map(map.into_iter().collect())),
        ]
    })
}

/// Write with the keys in another order, and with the numbers as floats where that loses nothing.
fn write(w: &mut Writer<'_>, value: &Value, twisted: bool) {
    match value {
        Value::Null => w.null(),
        Value::Bool(b) => w.bool(*b),
        #[allow(clippy::cast_precision_loss)]
        Value::Unsigned(n) if twisted && *n < 1 << 53 => w.f64(*n as f64),
        Value::Unsigned(n) => w.u64(*n),
        Value::Signed(n) => w.i64(*n),
        Value::Float(f) => w.f64(*f),
        Value::Text(text) => w.str(text),
        Value::Binary(bytes) => w.binary(bytes),
        Value::List(list) => {
            w.begin_array(list.len());
            for value in list {
                write(w, value, twisted);
            }
            w.end_array();
        }
        Value::Map(map) => {
            w.begin_map(map.len());
            let mut members: Vec<_> = map.iter().collect();
            if twisted {
                members.reverse();
            }
            for (key, value) in members {
                w.key(key);
                write(w, value, twisted);
            }
            w.end_map();
        }
    }
}

fn bytes(value: &Value, form: Form, twisted: bool) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut Writer::new(&mut out, form), value, twisted);
    out
}

fn over(bytes: &[u8], from: Form, to: Form) -> Vec<u8> {
    let mut out = b"before".to_vec();
    transcode(bytes, from, to, &mut out).unwrap();
    out.split_off(6)
}

/// Put spaces and line breaks between the parts.
fn airy(json: &[u8]) -> Vec<u8> {
    let (mut out, mut inside, mut escaped) = (Vec::new(), false, false);
    for &byte in json {
        let part = !inside && matches!(byte, b'{' | b'}' | b'[' | b']' | b':' | b',');
        if part {
            out.extend_from_slice(b"\r\n ");
        }
        out.push(byte);
        if part {
            out.extend_from_slice(b"\t\n");
        }
        inside ^= byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
    }
    out
}

const FORMS: [Form; 2] = [Form::Json, Form::Msgpack];

proptest! {
    #[test]
    fn a_value_survives_both_forms(value in values()) {
        let (json, packed) = (bytes(&value, Form::Json, false), bytes(&value, Form::Msgpack, false));
        prop_assert_eq!(&over(&packed, Form::Msgpack, Form::Json), &json);
        prop_assert_eq!(&over(&json, Form::Json, Form::Msgpack), &packed);
        for (form, bytes) in [(Form::Json, &json), (Form::Msgpack, &packed)] {
            let data = Data::check(form, bytes).unwrap();
            prop_assert_eq!(&*data.bytes, &bytes[..]);
            prop_assert!(!data.wide_int);
        }
    }

    #[test]
    fn order_notation_and_form_change_no_digest(value in values()) {
        let plain = bytes(&value, Form::Json, false);
        for form in FORMS {
            let twisted = bytes(&value, form, true);
            prop_assert!(same((&plain, Form::Json), (&twisted, form)));
            prop_assert_eq!(digest(&plain, Form::Json), digest(&twisted, form));
        }
    }

    #[test]
    fn other_values_have_other_digests(a in values(), b in values()) {
        let (a, b) = (bytes(&a, Form::Msgpack, false), bytes(&b, Form::Msgpack, false));
        // Floats that are integers are the one pair of writings that may differ and be the same.
        let (c, d) = (over(&a, Form::Msgpack, Form::Json), over(&b, Form::Msgpack, Form::Json));
        let alike = |json: &[u8]| String::from_utf8_lossy(json).replace(".0", "").replace("-0", "0");
        if !c.contains(&b'e') && !d.contains(&b'e') && !c.contains(&b'{') {
            prop_assert_eq!(alike(&c) == alike(&d), same((&a, Form::Msgpack), (&b, Form::Msgpack)));
        }
    }

    #[test]
    fn compacting_keeps_the_value(value in values()) {
        let json = bytes(&value, Form::Json, false);
        let spread = airy(&json);
        let data = Data::check(Form::Json, &spread).unwrap();
        if matches!(value, Value::List(_) | Value::Map(_) | Value::Binary(_)) {
            prop_assert_eq!(&*data.bytes, &json[..]);
        }
        prop_assert!(!data.bytes.iter().any(|b| matches!(b, b'\n' | b'\r')));
    }

    #[test]
    fn a_frame_falls_into_what_it_was_made_of(list in prop::collection::vec(values(), 0..20)) {
        for form in FORMS {
            let each: Vec<_> = list.iter().map(|value| bytes(value, form, false)).collect();
            let frame = bytes(&Value::List(list.clone()), form, false);
            let found: Vec<_> = messages(form, &frame).map(|m| m.unwrap().to_vec()).collect();
            prop_assert_eq!(&found, &each);
            if form == Form::Json {
                let found: Vec<_> = messages(form, &airy(&frame)).map(|m| m.unwrap().len()).collect();
                prop_assert_eq!(found.len(), each.len());
            }
        }
    }

    #[test]
    fn a_payload_is_found_in_its_message_and_its_fields_in_it(value in values(), id in 1_u64..1 << 53) {
        for form in FORMS {
            let mut message = Vec::new();
            let data = bytes(&value, form, false);
            let mut w = Writer::new(&mut message, form);
            w.begin_map(4);
            w.key("data");
            w.data(&data, form);
            w.key("type");
            w.str("emit");
            w.key("id");
            w.u64(id);
            w.key("event");
            w.str("e");
            w.end_map();
            let Said::Emit(emit) = read(form, &message, Names::of(&Limits::default())).unwrap() else { panic!() };
            prop_assert_eq!(emit.id, Some(id));
            prop_assert_eq!(&*emit.data.bytes, &data[..]);
            prop_assert_eq!(field(&message, form, "data"), Some(&data[..]));
            prop_assert_eq!(field(&message, form, "none"), None);
            if let Value::Map(map) = &value {
                for (key, value) in map {
                    prop_assert_eq!(field(&data, form, key), Some(&bytes(value, form, false)[..]));
                }
            }
        }
    }

    /// A peer may send anything. What is taken can be said to every listener, and nothing panics.
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        anything(&bytes);
    }

    #[test]
    fn almost_json_is_read_or_refused(
        text in "(\\{|\\}|\\[|\\]|:|,|\"|\\\\|u00e9|\\$bin|type|emit|id|data|event|[0-9.eE+-]| |\n|null|NaN|\u{e9}){0,40}"
    ) {
        anything(text.as_bytes());
    }

    #[test]
    fn a_broken_message_is_read_or_refused(value in values(), at: prop::sample::Index, byte: u8, cut: bool) {
        for form in FORMS {
            let mut message = bytes(&Value::Map(vec![
                ("type".into(), Value::Text("emit".into())),
                ("data".into(), value.clone()),
                ("event".into(), Value::Text("e".into())),
            ]), form, false);
            let at = at.index(message.len());
            if cut { message.truncate(at) } else { message[at] = byte }
            anything(&message);
        }
    }
}

fn anything(bytes: &[u8]) {
    for form in FORMS {
        let _ = type_of(form, bytes);
        let _ = field(bytes, form, "data");
        let _ = digest(bytes, form);
        for message in messages(form, bytes).flatten() {
            if let Ok(Said::Emit(emit)) = read(form, message, Names::of(&Limits::default())) {
                sayable(&emit.data);
            }
        }
        if let Ok(data) = Data::check(form, bytes) {
            sayable(&data);
        }
        for to in FORMS {
            let mut out = Vec::new();
            if transcode(bytes, form, to, &mut out).is_ok() && form != to {
                assert!(Data::check(to, &out).is_ok());
            }
        }
    }
}

fn sayable(data: &Data<'_>) {
    let again = Data::check(data.form, &data.bytes).unwrap();
    assert_eq!(&again, data);
    for to in FORMS {
        let mut out = Vec::new();
        transcode(&data.bytes, data.form, to, &mut out).unwrap();
        let said = Data::check(to, &out).unwrap();
        assert_eq!(said.has_bin, data.has_bin);
        if !data.wide_int {
            assert!(
                same((&data.bytes, data.form), (&out, to))
                    || data.bytes.iter().any(|b| matches!(b, b'e' | b'E'))
            );
        }
    }
}

#[test]
fn what_is_the_same_and_what_is_not() {
    let json = |a: &str, b: &str| same((a.as_bytes(), Form::Json), (b.as_bytes(), Form::Json));
    for (a, b) in [
        (r#"{"a":1,"b":2}"#, r#"{ "b":2.0, "\u0061":1e0 }"#),
        ("-0", "0"),
        ("0.1", "1e-1"),
        ("100000000000000000000", "1e20"),
        ("18446744073709551616", "18446744073709551616.0"),
        ("-9223372036854775808", "-9223372036854775808.0"),
        (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
        (r#""\u00e9\/""#, "\"é/\""),
    ] {
        assert!(json(a, b), "{a} {b}");
    }
    for (a, b) in [
        ("1", "2"),
        ("1", "\"1\""),
        ("null", "false"),
        ("[]", "{}"),
        ("[[1],2]", "[1,[2]]"),
        ("[\"a\",\"b\"]", "[\"ab\"]"),
        ("[1,2]", "[2,1]"),
        ("9007199254740993", "9007199254740992.0"),
        ("100000000000000000001", "100000000000000000000"),
        (r#"{"a":1,"b":2}"#, r#"{"a":2,"b":1}"#),
        (r#"{"$bin":"aGk="}"#, "\"aGk=\""),
        ("{\"a\":{\"b\":1}}", "{\"a\":{},\"b\":1}"),
        ("nope", "null"),
    ] {
        assert!(!json(a, b), "{a} {b}");
    }
}

#[test]
fn numbers_that_messagepack_has_not_are_the_nearest_that_it_has() {
    for (text, wanted) in [
        ("18446744073709551616", 18_446_744_073_709_551_616.0_f64),
        ("-9223372036854775809", -9_223_372_036_854_775_808.0),
    ] {
        let packed = over(text.as_bytes(), Form::Json, Form::Msgpack);
        assert_eq!(packed, [&[0xcb][..], &wanted.to_be_bytes()].concat(), "{text}");
    }
}

/// One peer must not be able to say what fails, or is another number, wherever it is read.
#[test]
fn numbers_beyond_the_floats_are_no_data() {
    let long = "9".repeat(5000);
    for text in ["1e400", "-1e400", &long, &long[..309], &format!("-{long}.5")] {
        for text in [text.to_owned(), format!("[0,{text}]"), format!("{{\"a\":{{\"b\":{text}}}}}")] {
            let fault = Data::check(Form::Json, text.as_bytes()).unwrap_err();
            assert!(fault.message.contains("1.8e308"), "{fault:?}");
            assert!(transcode(text.as_bytes(), Form::Json, Form::Msgpack, &mut Vec::new()).is_err());
        }
    }
    for text in ["1.7976931348623157e308", "-18446744073709551616", "1e-400", "-0.0", &format!("0.{long}")] {
        assert!(Data::check(Form::Json, text.as_bytes()).is_ok(), "{text}");
    }
}

/// Depth bounds recursion: a message of brackets must not end the process.
#[test]
fn a_tower_of_brackets_is_refused_by_all() {
    let json = vec![b'['; 1_000_000];
    let packed = vec![0x91; 1_000_000];
    let maps = "{\"a\":".repeat(200_000);
    for (bytes, form) in
        [(&json[..], Form::Json), (&packed[..], Form::Msgpack), (maps.as_bytes(), Form::Json)]
    {
        assert!(read(form, bytes, Names::of(&Limits::default())).is_err());
        assert!(Data::check(form, bytes).is_err());
        assert_eq!(field(bytes, form, "b"), None);
        let _ = digest(bytes, form);
        for to in FORMS.into_iter().filter(|to| *to != form) {
            let mut out = Vec::new();
            assert!(transcode(bytes, form, to, &mut out).is_err());
            assert!(out.is_empty());
        }
        for message in messages(form, bytes).flatten() {
            assert!(read(form, message, Names::of(&Limits::default())).is_err());
        }
    }
}

/// Large containers get larger heads, also inside each other.
#[test]
fn heads_are_widened_where_they_must_be() {
    let inner = Value::List((0..300).map(Value::Unsigned).collect());
    let map = Value::Map((0..20).map(|n| (format!("k{n:02}"), inner.clone())).collect());
    let outer = Value::List(vec![map.clone(), Value::List(vec![Value::Null; 70_000]), map]);
    let (json, packed) = (bytes(&outer, Form::Json, false), bytes(&outer, Form::Msgpack, false));
    assert_eq!(over(&json, Form::Json, Form::Msgpack), packed);
}
