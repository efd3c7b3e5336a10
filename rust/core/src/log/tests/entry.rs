//! Entries and positions.

use super::entry;
use crate::ids::SessionId;
use crate::log::entry::{ENCODINGS, Entry, Where};
use crate::log::position::{MAX_SEQ, Position};
use proptest::prelude::*;
use std::cell::Cell;
use std::sync::Arc;

#[test]
fn an_encoding_is_made_at_most_once() {
    let entry = entry(1, 10, 0);
    let times = Cell::new(0);
    for encoding in 0..ENCODINGS {
        assert!(!entry.is_encoded(encoding));
        let make = |entry: &Entry| {
            times.set(times.get() + 1);
            entry.data.to_vec()
        };
        let first = Arc::clone(entry.encoded(encoding, make));
        assert!(Arc::ptr_eq(&first, entry.encoded(encoding, make)));
        assert!(entry.is_encoded(encoding));
    }
    assert_eq!(times.get(), ENCODINGS);
}

#[test]
fn the_cost_does_not_change_when_an_encoding_is_made() {
    let entry = entry(1, 1000, 0);
    let before = entry.cost();
    assert!(before > 2000, "one encoding is counted from the start, and it was {before}");
    entry.encoded(0, |entry| entry.data.to_vec());
    assert_eq!(entry.cost(), before);
}

#[test]
fn who_is_excluded_does_not_hear_it() {
    let mut one = entry(1, 1, 0);
    assert!(one.heard_by(SessionId(7)));
    one.exclude = Some(SessionId(7));
    assert!(!one.heard_by(SessionId(7)));
    assert!(one.heard_by(SessionId(8)));
}

#[test]
fn what_is_said_to_one_session_no_other_hears() {
    let mut one = entry(1, 1, 0);
    one.room = Where::Session(SessionId(7));
    assert!(one.heard_by(SessionId(7)));
    assert!(!one.heard_by(SessionId(8)));
}

#[test]
fn positions_are_written_in_one_way_only() {
    assert_eq!(Position::parse("k3f9.100"), Some(("k3f9", 100)));
    assert_eq!(Position::parse("a.0"), Some(("a", 0)));
    assert_eq!(Position::parse("a.9007199254740991"), Some(("a", MAX_SEQ)));
    let bad = [
        "",
        ".",
        "a",
        "a.",
        ".1",
        "A.1",
        "a.01",
        "a.+1",
        "a.-1",
        "a.1.2",
        "a. 1",
        "a.9007199254740992",
        "ä.1",
    ];
    for text in bad {
        assert_eq!(Position::parse(text), None, "{text:?}");
    }
    let digits = format!("a.{}", "9".repeat(40));
    assert_eq!(Position::parse(&digits), None);
    assert_eq!(Position::parse(&format!("{}.1", "a".repeat(33))), None);
    assert!(Position::parse(&format!("{}.1", "a".repeat(32))).is_some());
}

proptest! {
    #[test]
    fn what_is_written_is_read(epoch in "[a-z0-9]{1,32}", seq in 0..=MAX_SEQ) {
        let text = Position { epoch: &epoch, seq }.to_string();
        prop_assert_eq!(Position::parse(&text), Some((epoch.as_str(), seq)));
    }

    #[test]
    fn what_is_read_is_written_alike(text in "[a-z0-9A.+]{0,12}") {
        if let Some((epoch, seq)) = Position::parse(&text) {
            prop_assert_eq!(Position { epoch, seq }.to_string(), text);
        }
    }
}
