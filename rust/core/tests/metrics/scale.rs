//! Laws of the histograms.

use proptest::prelude::*;
use rtcore_core::metrics::scale::{BUCKETS, LAST_POWER, bucket, middle};
use rtcore_core::metrics::spread::{Open, Spread};
use rtcore_core::metrics::windows::Part;

/// Durations of every size that a histogram tells apart.
fn durations() -> impl Strategy<Value = u64> {
    (0..=LAST_POWER).prop_flat_map(|power| 1u64..=(1 << power))
}

fn of(durations: &[u64]) -> Spread {
    let mut open = Open::default();
    for ns in durations {
        open.record(*ns, 1);
    }
    open.take()
}

proptest! {
    /// What stands for a duration is at most 2 % off.
    #[test]
    fn a_duration_is_told_within_two_percent(ns in durations()) {
        let told = middle(bucket(ns));
        prop_assert!(told.abs_diff(ns) * 50 <= ns, "{ns} as {told}");
    }

    /// So is every quantile: of all durations the one that has so many below it.
    #[test]
    fn a_quantile_is_told_within_two_percent(mut all in prop::collection::vec(durations(), 1..200), of_1000 in 0u64..=1000) {
        let spread = of(&all);
        all.sort_unstable();
        let rank = (all.len() as u64 * of_1000).div_ceil(1000).max(1);
        let right = all[usize::try_from(rank).unwrap() - 1];
        let told = spread.quantile(of_1000).unwrap();
        prop_assert!(told.abs_diff(right) * 50 <= right, "{right} as {told}");
    }

    /// Two histograms added up are the histogram of both, whichever comes first; count, sum and greatest are exact.
    #[test]
    fn histograms_add_up(one in prop::collection::vec(any::<u64>(), 0..100), other in prop::collection::vec(durations(), 0..100)) {
        let both: Vec<u64> = one.iter().chain(&other).copied().collect();
        let (mut sum, mut turned) = (of(&one), of(&other));
        sum.add(&of(&other));
        turned.add(&of(&one));
        prop_assert_eq!(&sum, &of(&both));
        prop_assert_eq!(&sum, &turned);
        prop_assert_eq!(sum.count(), both.len() as u64);
        prop_assert_eq!(sum.max(), both.iter().copied().max().unwrap_or(0));
        prop_assert_eq!(sum.sum(), both.iter().fold(0u64, |sum, ns| sum.saturating_add(*ns)));
    }

    /// How many are at most as long as a power of two is exact: `le` of Prometheus.
    #[test]
    fn counts_up_to_a_power_of_two_are_exact(all in prop::collection::vec(durations(), 0..100), power in 0..=LAST_POWER) {
        let bound = 1u64 << power;
        let right = all.iter().filter(|ns| **ns <= bound).count() as u64;
        prop_assert_eq!(of(&all).upto(bucket(bound)), right);
    }

    /// Many at once are as many one by one.
    #[test]
    fn many_at_once_are_many(ns in durations(), times in 0u32..50) {
        let mut open = Open::default();
        open.record(ns, times);
        prop_assert_eq!(open.take().count(), u64::from(times));
    }
}

#[test]
fn buckets_follow_each_other_without_a_hole() {
    assert_eq!(bucket(0), 0, "nothing took no time");
    let mut last = 0; // the longest duration that is in the bucket before
    for at in 0..BUCKETS {
        assert_eq!(bucket(last + 1), at);
        assert_eq!(bucket(middle(at)), at);
        let around = 2 * middle(at) - last; // its end; one more where its width is odd
        last = if bucket(around) > at { around - 1 } else { around };
        assert_eq!(bucket(last), at);
    }
    assert_eq!(bucket(u64::MAX), BUCKETS - 1, "what is longer than all counts as the longest");
}
