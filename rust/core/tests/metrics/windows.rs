//! Laws of the windows: never shorter than their names, and longer by less than one of their parts.

use proptest::prelude::*;
use rtcore_core::metrics::series::Series;
use rtcore_core::metrics::windows::{Rates, Sums, Window, Windows};

const LENGTHS: [(Window, usize, usize); 3] =
    [(Window::Seconds, 10, 1), (Window::Minute, 60, 10), (Window::Hour, 3600, 300)];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_window_is_as_long_as_its_name(seconds in prop::collection::vec(0u64..9, 0..8000), begun in 0u64..9) {
        let mut windows = Windows::<Sums>::default();
        for each in &seconds {
            windows.push(Sums(vec![*each]));
        }
        for (window, length, part) in LENGTHS {
            let told = windows.within(window, &Sums(vec![begun])).at(0);
            let last = |n: usize| begun + seconds.iter().rev().take(n).sum::<u64>();
            let exact = (length..length + part).any(|n| last(n) == told);
            prop_assert!(exact, "{window:?}: {told}, and {} to {}", last(length), last(length + part - 1));
        }
    }

    #[test]
    fn rates_are_what_counters_rose_by(rises in prop::collection::vec(0u64..100, 1..40), now in 0u64..100) {
        let (mut rates, mut counter) = (Rates::default(), 0);
        for rise in &rises {
            counter += rise;
            rates.tick(&[counter]);
        }
        let right = now + rises.iter().rev().take(10).sum::<u64>();
        prop_assert_eq!(rates.within(Window::Seconds, &[counter + now]).at(0), right);
    }
}

#[test]
fn an_incident_after_a_million_messages_shows() {
    let mut series = Series::default();
    series.record(1_000, 1_000_000);
    for _ in 0..20 {
        series.tick();
    }
    series.record(900_000_000, 10);
    let now = series.within(Window::Seconds);
    assert_eq!(now.count(), 10);
    assert!(now.quantile(500).unwrap() > 880_000_000);
    assert!(series.all().quantile(999).unwrap() < 1_100, "which all together hide");
}

#[test]
fn a_series_that_rests_forgets_its_windows_and_not_its_sum() {
    let mut series = Series::default();
    series.record(5, 7);
    for _ in 0..5_000 {
        series.tick();
    }
    assert_eq!(series.within(Window::Hour).count(), 0);
    assert_eq!(series.all().count(), 7);
    series.record(5, 1);
    series.tick();
    assert_eq!(series.within(Window::Hour).count(), 1);
}
