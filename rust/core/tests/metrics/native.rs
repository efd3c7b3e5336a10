//! Laws of the buckets that grow by a factor, and of the protocol buffers that they are told in.

use proptest::prelude::*;
use rtcore_core::metrics::native::{SCHEMA, cells, index};
use rtcore_core::metrics::scale::LAST_POWER;
use rtcore_core::metrics::spread::{Open, Spread};

fn of(durations: &[u64]) -> Spread {
    let mut open = Open::default();
    for ns in durations {
        open.record(*ns, 1);
    }
    open.take()
}

/// The bound of a bucket (s).
fn bound(index: i32) -> f64 {
    (f64::from(index) / f64::from(1 << SCHEMA)).exp2()
}

fn seconds(ns: u64) -> f64 {
    std::time::Duration::from_nanos(ns).as_secs_f64()
}

proptest! {
    /// A bucket holds what is above the bound of the one before, and up to its own; 1e-12 for the reckoning here.
    #[test]
    fn a_duration_is_in_the_bucket_between_its_bounds(seconds in 1e-9f64..1e6) {
        let at = index(seconds);
        prop_assert!(bound(at - 1) * (1.0 - 1e-12) < seconds, "{seconds} in {at}");
        prop_assert!(seconds <= bound(at) * (1.0 + 1e-12), "{seconds} in {at}");
    }

    /// What was counted in other buckets before is in its own, or at most 2 % beside it.
    #[test]
    fn a_duration_is_told_in_its_bucket_within_two_percent(ns in (0..=LAST_POWER).prop_flat_map(|power| 1u64..=(1 << power))) {
        let told = cells(&of(&[ns]));
        let [(at, 1)] = told[..] else { panic!("{told:?}") };
        prop_assert!(bound(at - 1) * 0.98 < seconds(ns) && seconds(ns) <= bound(at) * 1.02, "{ns} in {at}");
    }

    /// None is lost and none told twice, and each bucket stands once, in order.
    #[test]
    fn all_that_was_counted_is_told(all in prop::collection::vec(any::<u64>(), 0..200)) {
        let told = cells(&of(&all));
        prop_assert_eq!(told.iter().map(|(_, count)| count).sum::<u64>(), all.len() as u64);
        prop_assert!(told.is_sorted_by(|(one, _), (other, _)| one < other));
        prop_assert!(told.iter().all(|(_, count)| *count > 0));
    }
}

#[test]
fn a_bound_belongs_to_the_bucket_below_it() {
    assert_eq!([index(1.0), index(1.000_001), index(2.0), index(0.5)], [0, 1, 16, -16]);
}
