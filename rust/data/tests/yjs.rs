//! Updates of Yjs: those that Yjs itself made are read, and whatever is none is refused, before any other reader sees it.

mod support;

use proptest::prelude::*;
use rtcore_data::collection::Row;
use rtcore_data::crdt::{Bounds, Crdt, Kind};
use rtcore_data::limits::{YJS_APART, YJS_DEPTH};
use rtcore_data::yjs::{Brought, read_vector};
use rtcore_data::{Collection, Map, Op, Strategy as Rule, Value};
use support::{Server, setup};

fn decoded(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.bytes().filter_map(|byte| DIGITS.iter().position(|digit| *digit == byte));
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_usize, 0);
    for digit in digits {
        (held, bits) = (held << 6 | digit, bits + 6);
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).expect("a byte"));
        }
    }
    bytes
}

/// Name, update and state vector of each that Yjs made.
fn made() -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let text = include_str!("../../../vectors/yjs.json");
    let all: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let of = |each: &serde_json::Value, name: &str| each[name].as_str().expect("a text").to_owned();
    let list = all["updates"].as_array().expect("a list");
    list.iter()
        .map(|each| (of(each, "name"), decoded(&of(each, "update")), decoded(&of(each, "vector"))))
        .collect()
}

fn said(updates: &[&[u8]]) -> Value {
    let list = updates.iter().map(|each| Value::Bytes((*each).into())).collect::<Vec<_>>();
    Map::new().with("$crdt", "text").with("u", list).into()
}

/// An update that writes one letter, of this client at this clock.
fn letter(client: u8, clock: u8) -> Vec<u8> {
    vec![1, 1, client, clock, 4, 1, 1, b't', 1, b'x', 0]
}

#[test]
fn what_yjs_makes_is_read_and_its_state_vector_is_that_of_yjs() {
    for (name, update, vector) in made() {
        let brought = Brought::read(&update).unwrap_or_else(|why| panic!("{name}: {}", why.message));
        // Yjs orders clients its own way.
        let (mine, theirs) = (read_vector(&brought.structs.vector()), read_vector(&vector));
        // Of an update that begins later than at 0 it says where its first structures end; here nothing is whole.
        if brought.structs.iter().all(|(_, from, _)| from == 0) {
            assert_eq!(mine.expect("a vector"), theirs.expect("a vector"), "{name}");
        }
    }
}

#[test]
fn what_is_cut_off_or_longer_is_refused() {
    for (name, update, _) in made() {
        for end in 0..update.len() {
            assert!(Brought::read(&update[..end]).is_err(), "{name} up to {end}");
        }
        assert!(Brought::read(&[&update[..], &[0]].concat()).is_err(), "{name} and more");
    }
}

#[test]
fn what_another_reader_would_fail_on_is_refused() {
    let nested: Vec<u8> = std::iter::repeat_n([117, 1], YJS_DEPTH).flatten().chain([126]).collect();
    let with = |info: u8, content: &[u8]| [&[1, 1, 7, 0, info, 1, 1, b't'][..], content, &[0]].concat();
    assert!(Brought::read(&with(4, &[1, b'x'])).is_ok());
    let bad: &[(&str, Vec<u8>)] = &[
        ("nothing at all", vec![]),
        ("a count of structures that do not come", vec![1, 0xff, 0xff, 0xff, 0xff, 0x0f, 7, 0, 0]),
        ("a count of clients that do not come", vec![0xff, 0xff, 0xff, 0xff, 0x0f, 0]),
        ("a text of no length", with(4, &[0])),
        ("a text that is no UTF-8", with(4, &[1, 0xff])),
        ("a text longer than the message", with(4, &[0xff, 0xff, 0xff, 0xff, 0x07, b'x'])),
        ("an embed that is no JSON", with(5, &[2, b'{', b'x'])),
        ("a format that is no JSON", with(6, &[1, b'b', 1, b'x'])),
        ("a type that there is not", with(7, &[9])),
        ("a content that there is not", with(11, &[1])),
        ("values nested too deeply", with(8, &[&[1][..], &nested].concat())),
        ("a value of no kind", with(8, &[1, 3])),
        ("a gap of no length", vec![1, 1, 7, 0, 0, 0, 0]),
        ("a gap beyond all clocks", vec![1, 1, 7, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]),
        ("a gap with a neighbour", vec![1, 1, 7, 0, 0x80, 7, 0, 1, 0]),
        ("a client twice", vec![2, 1, 7, 0, 0, 1, 1, 7, 1, 0, 1, 0]),
        ("a parent that is none", vec![1, 1, 7, 0, 4, 2, 1, b't', 1, b'x', 0]),
        ("deleted beyond all clocks", vec![0, 1, 7, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f]),
        ("deleted of no length", vec![0, 1, 7, 1, 1, 0]),
        (
            "a number beyond 2^53",
            vec![1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 1, 0],
        ),
    ];
    for (what, update) in bad {
        let why = Brought::read(update).expect_err(what);
        assert_eq!(why.code, "INVALID_MESSAGE", "{what}");
        assert!(why.message.starts_with("this is no update of Yjs: "), "{what}: {}", why.message);
    }
}

proptest! {
    #[test]
    fn no_bytes_do_harm(which in 0_usize..100, at in 0_usize..400, byte: u8, bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = (Brought::read(&bytes), read_vector(&bytes));
        let all = made();
        let mut update = all[which % all.len()].1.clone();
        let at = at % update.len();
        update[at] = byte;
        if let Ok(brought) = Brought::read(&update) {
            prop_assert!(brought.structs.len() + brought.deleted.len() <= update.len());
        }
    }

    /// In any order, twice, or by way of others: all have all of it once.
    #[test]
    fn texts_that_hear_the_same_have_the_same(order in Just((0..12_u8).collect::<Vec<_>>()).prop_shuffle(), again in proptest::collection::vec(0..12_u8, 0..12)) {
        let updates: Vec<Vec<u8>> = (0..12).map(|n| letter(n % 3, n / 3)).collect();
        let one = |n: &u8| said(&[&updates[usize::from(*n)]]);
        let mut text = Crdt::new(Kind::Text);
        for n in order.iter().chain(&again) {
            text.merge(&Crdt::read(&one(n)).expect("a state"), Bounds::NONE).expect("it fits");
        }
        let Crdt::Text(held) = &text else { panic!("a text") };
        prop_assert_eq!(held.updates().len(), 12, "each is kept once");
        prop_assert_eq!(held.vector(), vec![3, 0, 4, 1, 4, 2, 4]);
        prop_assert!(held.missing(&held.vector()).expect("a vector").is_empty());
        prop_assert_eq!(held.missing(&[1, 1, 4]).expect("a vector").len(), 8);
        let same = text.clone();
        text.merge(&same, Bounds::NONE).expect("it fits");
        prop_assert_eq!(text, same);
    }
}

fn texts(durable: bool) -> Server {
    let mut setup = setup(Rule::Merge);
    setup.schema.fields = [("body".into(), Kind::Text)].into();
    setup.limits.value = 4000;
    setup.durable = durable;
    Server::new(setup)
}

fn patch(updates: &[&[u8]]) -> Value {
    Map::new()
        .with("op", "patch")
        .with("key", "p")
        .with("value", Map::new().with("body", said(updates)))
        .into()
}

#[test]
fn a_change_that_is_no_update_is_refused_alone_and_one_that_brings_nothing_is_not_said() {
    let mut server = texts(false);
    server.change("a", &value!({"op": "put", "key": "p", "value": {"title": "tea"}}));
    let result = server.change("a", &patch(&[&letter(1, 0)]));
    assert_eq!(result.get("rejected"), None);
    let entries = server.entries.len();
    for bad in [&b"garbage"[..], &[], &[9]] {
        let result = server.change("b", &patch(&[&letter(1, 1), bad]));
        let code = result.get("rejected").and_then(|why| why.get("code").cloned());
        assert_eq!(code, (!bad.is_empty()).then(|| "INVALID_MESSAGE".into()), "{bad:?}");
    }
    assert_eq!(server.entries.len(), entries + 1, "only what came with nothing beside it");
    let result = server.change("c", &patch(&[&letter(1, 0), &letter(1, 1), &[0, 0]]));
    assert_eq!((result.get("rejected"), server.entries.len()), (None, entries + 1));
    let large = [&[1, 1, 7, 0, 4, 1, 1, b't', 0xd0, 0x0f][..], &[b'x'; 2000], &[0]].concat();
    assert_eq!(server.change("c", &patch(&[&large])).get("rejected"), None);
    let larger = [&[1, 1, 8, 0, 4, 1, 1, b't', 0xd0, 0x0f][..], &[b'x'; 2000], &[0]].concat();
    let result = server.change("c", &patch(&[&larger]));
    assert_eq!(result.get("rejected").and_then(|why| why.get("code").cloned()), Some("TOO_LARGE".into()));
}

#[test]
fn many_updates_are_told_of_once_and_their_merge_takes_their_place_where_it_has_all_of_them() {
    for durable in [false, true] {
        let mut server = texts(durable);
        server.collection = {
            let mut setup = server.collection.setup().clone();
            setup.limits.value = 1 << 20;
            Collection::new(setup, 0)
        };
        server.change("a", &value!({"op": "put", "key": "p", "value": {"title": "tea"}}));
        let count = YJS_APART + 10;
        for n in 0..count {
            let (client, clock) = (u8::try_from(n / 100).expect("few"), u8::try_from(n % 100).expect("few"));
            server.change("a", &patch(&[&letter(client, clock)]));
        }
        assert_eq!(server.collection.take_apart(), [("p".into(), "body".into())]);
        assert_eq!(server.collection.take_apart(), []);
        let text = |server: &Server| server.collection.text("p", "body").expect("a text").clone();
        let before = text(&server);
        let bytes: usize = before.updates().iter().map(|each| each.len()).sum();
        let merged = merge(&before.updates().iter().map(|each| each.to_vec()).collect::<Vec<_>>());
        // While it was merged, one more came.
        server.change("b", &patch(&[&letter(99, 0)]));
        let server_seq = server.head;
        assert!(!server.collection.merge_text("p", "body", count, bytes, &letter(1, 0)), "it has less");
        assert!(!server.collection.merge_text("p", "body", count, bytes + 1, &merged), "they are others");
        assert!(!server.collection.merge_text("p", "title", count, bytes, &merged), "no text");
        assert!(server.collection.merge_text("p", "body", count, bytes, &merged));
        assert_eq!((text(&server).updates().len(), server.head), (2, server_seq));
        assert_eq!(
            read_vector(&text(&server).vector()).expect("a vector").len(),
            7,
            "of each client one range"
        );
        // On disk with the next change; and back from there.
        server.change("b", &patch(&[&letter(99, 1)]));
        server.collection.kept(u64::MAX);
        let rows: Vec<Row> = server.collection.rows();
        let (back, _) = Collection::restore(server.collection.setup().clone(), 0, rows).expect("its rows");
        assert_eq!(back.text("p", "body").expect("a text").vector(), text(&server).vector());
        assert_eq!(back.text("p", "body").expect("a text").updates().len(), 3);
    }
}

/// Letters of several clients, each from clock 0, as one update: what Yjs makes of them, written by hand.
fn merge(letters: &[Vec<u8>]) -> Vec<u8> {
    let mut clients: std::collections::BTreeMap<u8, u8> = std::collections::BTreeMap::new();
    for letter in letters {
        *clients.entry(letter[2]).or_default() += 1;
    }
    let mut update = vec![u8::try_from(clients.len()).expect("few")];
    for (client, count) in clients {
        update.extend([count, client, 0]);
        for _ in 0..count {
            update.extend([4, 1, 1, b't', 1, b'x']);
        }
    }
    update.push(0);
    update
}

#[test]
fn a_document_that_is_a_text_begins_with_its_first_update() {
    let mut setup = setup(Rule::Crdt);
    setup.schema.whole = Some(Kind::Text);
    let mut server = Server::new(setup);
    server.write("t", Op::Put(said(&[&letter(1, 0)])));
    server.write("t", Op::Put(said(&[&letter(1, 1)])));
    assert_eq!(server.collection.text("t", "").expect("a text").vector(), [1, 1, 2]);
    assert_eq!(server.collection.text("other", ""), None);
}
