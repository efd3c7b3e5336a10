//! Positions, and ids: there is one way to write each, what is read is what is written again, and a number that not every
//! JSON reader keeps exactly (RFC 8259 §6) is not taken.

use rtcore_core::envelope::{Said, read};
use rtcore_core::limits::fixed::EPOCH;
use rtcore_core::log::position::{MAX_SEQ, Position};
use rtcore_core::names::Names;
use rtcore_core::{Form, Limits, Seq};
use std::fmt::Write;

/// The rule of `docs/protocol.md`, said as plainly as can be: what `Position::parse` must agree with.
fn plainly(text: &str) -> Option<(&str, Seq)> {
    let parts: Vec<&str> = text.split('.').collect();
    let [epoch, digits] = parts[..] else { return None };
    let letters = |c: char| matches!(c, 'a'..='z' | '0'..='9');
    if !(1..=EPOCH).contains(&epoch.len()) || !epoch.chars().all(letters) {
        return None;
    }
    let seq = digits.chars().try_fold(0_u128, |sum, c| {
        // Ten times the largest that was let pass fits by far.
        (sum <= u128::from(MAX_SEQ)).then_some(sum * 10 + u128::from(c.to_digit(10)?))
    })?;
    let seq = Seq::try_from(seq).ok().filter(|seq| *seq <= MAX_SEQ)?;
    (seq.to_string() == digits).then_some((epoch, seq))
}

pub fn must_hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let parsed = Position::parse(text);
    assert_eq!(parsed, plainly(text), "{text:?}");
    if let Some((epoch, seq)) = parsed {
        assert_eq!(Position { epoch, seq }.to_string(), text, "written otherwise than read");
    }
    in_messages(text);
    id(text);
}

/// The same text where messages have positions.
fn in_messages(text: &str) {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => write!(quoted, "\\u{:04x}", c as u32).expect("a String takes all"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    let said = format!(r#"{{"type":"hello","position":{quoted}}}"#);
    match read(Form::Json, said.as_bytes(), Names::of(&Limits::default())) {
        Ok(Said::Hello(hello)) => assert_eq!(hello.position.as_deref(), Some(text)),
        other => panic!("a hello with the position {text:?} is read as {other:?}"),
    }
}

/// The same text as a number: an id is 1 to 2^53 - 1, however it is written, or it is refused.
fn id(text: &str) {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return;
    }
    let said = format!(r#"{{"type":"leave","id":{text},"room":"tea"}}"#);
    let fits = !(text.len() > 1 && text.starts_with('0'))
        && text.parse::<u64>().is_ok_and(|id| (1..=MAX_SEQ).contains(&id));
    match read(Form::Json, said.as_bytes(), Names::of(&Limits::default())) {
        Ok(Said::Leave { id, .. }) => {
            assert!(fits, "{text} was taken for an id");
            assert_eq!(id.map(|id| id.to_string()).as_deref(), Some(text));
        }
        Ok(other) => panic!("a leave is read as {other:?}"),
        Err(_) => assert!(!fits, "the id {text} is not taken"),
    }
}
