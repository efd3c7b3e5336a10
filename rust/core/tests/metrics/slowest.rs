//! The table of the worst: bounded, whatever comes, and the really bad are in it.

use proptest::prelude::*;
use rtcore_core::limits::fixed::SLOWEST;
use rtcore_core::metrics::slowest::Slowest;

proptest! {
    /// Names that are invented push nobody out who is worse than all of them together could be.
    #[test]
    fn who_is_bad_stays_whatever_names_are_invented(names in prop::collection::vec(10u64..5_000, 0..500), at in any::<prop::sample::Index>()) {
        let (mut table, at) = (Slowest::default(), at.index(names.len() + 1));
        for (place, name) in names.iter().enumerate() {
            if place == at {
                table.note(1u64, names.len() as u64 + 1, 9, 5, 3);
            }
            table.note(*name, 1, 0, 0, 0);
        }
        if at == names.len() {
            table.note(1, names.len() as u64 + 1, 9, 5, 3);
        }
        let rows = table.rows();
        prop_assert!(rows.len() <= SLOWEST);
        prop_assert_eq!(rows[0].key, 1);
        prop_assert!(rows.windows(2).all(|pair| pair[0].weight >= pair[1].weight));
    }
}

#[test]
fn who_is_not_bad_any_more_goes() {
    let mut table = Slowest::default();
    table.note(1u64, 3, 7, 0, 42);
    table.fade();
    assert_eq!((table.rows()[0].weight, table.rows()[0].example), (1, 42));
    table.fade();
    assert!(table.rows().is_empty());
}
