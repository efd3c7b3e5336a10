//! What is kept of collections: rows come back as they were written, page by page, and damage is found.

mod world;

use rtcore_core::store::{Page, Place, Record, Row, Wanted};
use rtcore_data::Value;
use rtcore_data::value::Map;
use rtcore_store::tools;
use rusqlite::Connection;
use std::collections::BTreeMap;
use world::{World, options};

const ROOM: &str = "$sync/notes";

fn document(key: &str, seq: u64) -> Row {
    let stamp = Value::List(vec![seq.into(), 7_u64.into(), 0_u64.into()]);
    Row::Key(key.into(), seq, Map::new().with("last", stamp).with("one", key).into())
}

fn writer(n: u64, seen: u64) -> Row {
    Row::Writer(("ann".into(), "c".into()), Map::new().with("n", n).with("seen", seen).into())
}

fn outcome(n: u64) -> Row {
    Row::Outcome(("ann".into(), "c".into()), n, Map::new().with("said", n).into())
}

fn write(world: &mut World, rows: Vec<Row>) {
    world.write(rows.into_iter().map(|row| Record::Shared { room: ROOM.into(), row }).collect());
}

fn page(world: &World, after: Option<Place>, bytes: usize) -> (Vec<Row>, Option<Place>) {
    match world.read(Wanted::Shared { room: ROOM.into(), after, bytes }) {
        Ok(Page::Shared(rows, next)) => (rows, next),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rows_come_back_in_the_order_of_their_places_and_a_later_one_takes_the_place_of_an_earlier() {
    let mut world = World::new(options());
    write(&mut world, vec![document("b", 1), document("a", 2), writer(2, 0), outcome(1), outcome(2)]);
    write(&mut world, vec![document("b", 3), writer(3, 1), outcome(3), Row::State(Value::Null)]);
    world.again(options());
    assert_eq!(world.kept.collections, [ROOM.into()]);
    let rows = vec![
        document("a", 2),
        document("b", 3),
        writer(3, 1),
        outcome(2),
        outcome(3),
        Row::State(Value::Null),
    ];
    assert_eq!(page(&world, None, 1 << 20), (rows.clone(), None));
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let (rows, next) = page(&world, after, 1);
        found.extend(rows);
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, rows, "the same, a row at a time");
    let who = ("ann".into(), "c".into());
    write(&mut world, vec![Row::NoKey("a".into()), Row::NoWriter(who)]);
    assert_eq!(page(&world, None, 1 << 20).0, [document("b", 3), Row::State(Value::Null)]);
}

#[test]
fn a_damaged_row_is_found_by_who_reads_it_and_by_verify() {
    let mut world = World::new(options());
    write(&mut world, vec![document("a", 1), document("b", 2)]);
    world.store = None;
    let file = Connection::open(world.folder.path().join("log.db")).unwrap();
    file.execute("UPDATE shared SET name = 'c' WHERE name = 'b'", []).unwrap();
    drop(file);
    world.again(options());
    let wanted = Wanted::Shared { room: ROOM.into(), after: None, bytes: 1 << 20 };
    let trouble = world.read(wanted).expect_err("it is damaged");
    assert_eq!(trouble.kind, "corrupt");
    assert!(trouble.text.contains("\"c\" is damaged"), "{}", trouble.text);
    world.store = None;
    let mut log = tools::Log::open(world.folder.path()).unwrap();
    let found = tools::verify(&mut log, &mut |_, _| ()).unwrap();
    assert_eq!(found.faults.len(), 1, "{:?}", found.faults);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(16))]
    #[test]
    fn what_is_read_is_what_a_table_in_memory_says(
        steps in proptest::collection::vec((0u8..6, 0u8..4, 1u64..50), 1..40), bytes in 1usize..200,
    ) {
        let mut world = World::new(options());
        let mut model: BTreeMap<Place, Row> = BTreeMap::new();
        let mut rows = Vec::new();
        for (what, which, n) in steps {
            let key = ["a", "b", "c", "d"][usize::from(which)];
            let row = match what {
                0 | 1 => document(key, n),
                2 => Row::NoKey(key.into()),
                3 => writer(n, n / 2),
                4 => outcome(n),
                _ => Row::NoWriter(("ann".into(), "c".into())),
            };
            let stored = row.stored();
            let goes = |place: &Place| {
                stored.place.kind == Row::WRITER
                    && place.kind == Row::OUTCOME
                    && (stored.value.is_none() || place.n <= stored.upto)
            };
            model.retain(|place, _| !goes(place));
            match stored.value {
                Some(_) => drop(model.insert(stored.place, row.clone())),
                None => drop(model.remove(&stored.place)),
            }
            rows.push(row);
        }
        write(&mut world, rows);
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let (rows, next) = page(&world, after, bytes);
            found.extend(rows);
            after = next;
            if after.is_none() {
                break;
            }
        }
        proptest::prop_assert_eq!(found, model.into_values().collect::<Vec<_>>());
    }
}
