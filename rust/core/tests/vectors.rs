//! `vectors/`: the numbers, words and messages of the wire as data, which Rust, Python and the pages read alike.

use rtcore_core::Limits;
use rtcore_core::codes::{Code, close};
use rtcore_core::envelope::{Data, Utf8, hear, transcode, type_of};
use rtcore_core::ids::Form;
use rtcore_core::log::position::Position;
use rtcore_core::log::ring::Bounds;
use rtcore_core::names::Names;
use rtcore_core::room::settings::{Patterns, Settings, matches};
use serde_json::Value;
use std::path::Path;

fn vectors(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

fn rows<'a>(of: &'a Value, list: &str) -> &'a [Value] {
    let rows = of[list].as_array().unwrap_or_else(|| panic!("there is no list {list:?}"));
    assert!(!rows.is_empty(), "{list} is empty");
    rows
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap_or_else(|| panic!("no text {field:?} in {row}"))
}

fn flag(row: &Value, field: &str) -> bool {
    row[field].as_bool().unwrap_or_else(|| panic!("no {field:?} in {row}"))
}

fn code(row: &Value) -> u16 {
    row["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or_else(|| panic!("{row}"))
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

#[test]
fn close_codes_are_the_ones_of_the_table() {
    let vectors = vectors("codes.json");
    let table: Vec<(&str, u16)> =
        rows(&vectors, "close").iter().map(|row| (text(row, "name"), code(row))).collect();
    assert_eq!(table, close::TABLE);
    for row in rows(&vectors, "close").iter().chain(rows(&vectors, "other_close")) {
        assert_eq!(close::comes_back(code(row)), flag(row, "comes_back"), "{row}");
        assert_eq!(close::may_be_sent(code(row)), flag(row, "may_be_sent"), "{row}");
    }
}

#[test]
fn error_codes_are_the_ones_of_the_table() {
    let vectors = vectors("codes.json");
    let table: Vec<(&str, Option<u64>)> =
        rows(&vectors, "errors").iter().map(|row| (text(row, "word"), row["status"].as_u64())).collect();
    let ours: Vec<(&str, Option<u64>)> =
        Code::ALL.iter().map(|code| (code.word(), Some(u64::from(code.status())))).collect();
    assert_eq!(table, ours);
}

#[test]
fn positions_are_read_as_the_vectors_say() {
    let vectors = vectors("positions.json");
    for row in rows(&vectors, "valid") {
        let (epoch, seq) = (text(row, "epoch"), row["seq"].as_u64().expect("a number"));
        assert_eq!(Position::parse(text(row, "text")), Some((epoch, seq)), "{row}");
        assert_eq!(Position { epoch, seq }.to_string(), text(row, "text"));
    }
    for row in rows(&vectors, "invalid") {
        assert_eq!(Position::parse(text(row, "text")), None, "{row}");
    }
}

#[test]
fn patterns_match_and_are_chosen_as_the_vectors_say() {
    let vectors = vectors("patterns.json");
    for row in rows(&vectors, "matches") {
        assert_eq!(matches(text(row, "pattern"), text(row, "name")), flag(row, "matches"), "{row}");
    }
    let bounds = Bounds { count: 1, bytes: 1, age_ms: 1 };
    for row in rows(&vectors, "chooses") {
        let mut patterns = Patterns::new(bounds);
        for pattern in rows(row, "patterns") {
            let pattern = pattern.as_str().expect("a pattern");
            patterns.add(Settings::new(pattern, bounds)).unwrap_or_else(|why| panic!("{pattern}: {why}"));
        }
        let chosen = patterns.find(text(row, "name")).map(|settings| &*settings.pattern);
        assert_eq!(chosen, row["chosen"].as_str(), "{row}");
    }
}

/// Both forms of a message are one message: what one peer says in JSON and another in `MessagePack` is the same value, and
/// is read as the same type.
#[test]
fn messages_are_one_in_both_forms() {
    let vectors = vectors("envelopes.json");
    let said_by_clients = rows(&vectors, "client").iter().map(|row| (row, true));
    for (row, of_client) in said_by_clients.chain(rows(&vectors, "server").iter().map(|row| (row, false))) {
        let (json, msgpack) = (text(row, "json").as_bytes(), bytes(text(row, "msgpack")));
        for (form, message) in [(Form::Json, json), (Form::Msgpack, &*msgpack)] {
            if of_client && let Err(fault) = hear(form, message, Utf8::Unknown, Names::of(&Limits::default()))
            {
                panic!("{}, {form:?}: {}", text(row, "name"), fault.message);
            }
            assert_eq!(type_of(form, message).as_deref(), Some(text(row, "type")));
            Data::check(form, message).expect("a message is a value");
        }
        let mut other = Vec::new();
        transcode(json, Form::Json, Form::Msgpack, &mut other).expect("it can be said in MessagePack");
        assert_eq!(other, msgpack, "{}", text(row, "name"));
        let mut back = Vec::new();
        transcode(&msgpack, Form::Msgpack, Form::Json, &mut back).expect("it can be said in JSON");
        let (back, json): (Value, Value) =
            (serde_json::from_slice(&back).expect("JSON"), serde_json::from_slice(json).expect("JSON"));
        assert_eq!(back, json, "{}", text(row, "name"));
    }
}

#[test]
fn what_must_be_refused_is_refused_with_its_code() {
    let vectors = vectors("envelopes.json");
    for row in rows(&vectors, "refused") {
        let message = text(row, "message");
        let refused = match text(row, "form") {
            "json" => hear(Form::Json, message.as_bytes(), Utf8::Known, Names::of(&Limits::default()))
                .map(|said| format!("{said:?}")),
            "msgpack" => hear(Form::Msgpack, &bytes(message), Utf8::Unknown, Names::of(&Limits::default()))
                .map(|said| format!("{said:?}")),
            other => panic!("no form {other:?}"),
        };
        match refused {
            Ok(said) => panic!("{} was read as {said}", text(row, "name")),
            Err(fault) => assert_eq!(fault.code.word(), text(row, "code"), "{}", text(row, "name")),
        }
    }
}
