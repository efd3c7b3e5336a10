//! Each row of the table of limits has an effect: for each there is a scenario in which another value changes what happens.
//! A limit that nothing keeps would be a promise that only the documents make.

mod support;

#[path = "limits/counts.rs"]
mod counts;
#[path = "limits/shares.rs"]
mod shares;
#[path = "limits/sizes.rs"]
mod sizes;
#[path = "limits/times.rs"]
mod times;

use rtcore_core::Limits;
use std::collections::BTreeSet;
use support::yard::{Yard, config};

/// What happens under a limit: with `few` it is something else than with the default, or with `many` where the default is none.
pub struct Case {
    /// The limit.
    name: &'static str,
    /// A value that changes what happens.
    other: u64,
    /// Limits that have to be low for that, in both.
    also: &'static [(&'static str, u64)],
    /// What a peer or the application sees of it.
    play: fn(&mut Yard) -> String,
}

/// Limits that the core does not keep itself, and the tests in which the hands and Python do
/// (`tests/architecture/test_limits.py` asks that these are there).
const ELSEWHERE: [(&str, &str); 5] = [
    ("body_rate", "tests/server/test_places.py::test_a_body_that_drips_ends_as_a_whole"),
    ("grace_ms", "tests/server/test_shutdown.py::test_what_does_not_end_is_ended_with_the_grace"),
    ("http_kept", "tests/server/test_places.py::test_one_address_has_half_of_the_places_kept_for_probes"),
    (
        "kernel_unsent",
        "tests/server/test_slow_links.py::test_little_waits_unsent_in_the_kernel_and_the_gap_is_told",
    ),
    ("turn_bytes", "rust/reactor/tests/shard.rs::a_flood_is_taken_one_buffer_a_turn"),
];

fn cases() -> impl Iterator<Item = &'static Case> {
    times::CASES.iter().chain(sizes::CASES).chain(counts::CASES).chain(shares::CASES)
}

fn outcome(case: &Case, value: Option<u64>) -> String {
    let mut config = config();
    let limits = case.also.iter().copied().chain(value.map(|value| (case.name, value)));
    for (name, value) in limits {
        assert!(config.limits.set(name, value), "there is no limit {name}");
    }
    (case.play)(&mut Yard::with(config))
}

#[test]
fn another_value_of_each_limit_changes_what_happens() {
    let without: Vec<String> = cases()
        .filter_map(|case| {
            let (usual, other) = (outcome(case, None), outcome(case, Some(case.other)));
            (usual == other).then(|| format!("{} as {}: {usual}", case.name, case.other))
        })
        .collect();
    assert!(without.is_empty(), "without an effect:\n{}", without.join("\n"));
}

#[test]
fn each_row_of_the_table_has_a_scenario() {
    let shown: BTreeSet<&str> =
        cases().map(|case| case.name).chain(ELSEWHERE.map(|(name, _)| name)).collect();
    let rows: BTreeSet<&str> = Limits::TABLE.iter().map(|(name, ..)| *name).collect();
    assert_eq!(shown, rows);
}
