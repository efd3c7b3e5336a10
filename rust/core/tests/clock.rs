//! The wall is set, by hours and in both directions: no duration notices, and no date falls.

#[path = "support/said.rs"]
mod said;

use rtcore_core::engine::{Config, Engine};
use rtcore_core::ids::Ends;
use rtcore_core::log::ring::Bounds;
use rtcore_core::room::settings::Settings;
use rtcore_core::{Limits, Now, Tick};
use said::publication;

const HOUR: u64 = 3_600_000;
const BEGAN: u64 = 1_800_000_000_000;

fn at(ms: u64, wall_ms: u64) -> Now {
    Now { tick: Tick::default().plus_ms(ms), wall_ms }
}

fn engine() -> Engine {
    let bounds = Bounds { count: 100, bytes: 1 << 20, age_ms: HOUR };
    let rooms = vec![Settings::new("news", bounds)];
    Engine::new(Config { limits: Limits::default(), rooms, ..Config::default() }, [7; 32], at(0, BEGAN))
}

fn publish(engine: &mut Engine, now: Now) {
    let publication = publication("news", "e", b"1");
    engine.publish(&publication, now).expect("it is said");
}

fn held(engine: &Engine) -> Vec<u64> {
    engine.history("news", None, 100).unwrap().0.iter().map(|entry| entry.time).collect()
}

/// Two hours ahead, and each ring of entries five seconds old was emptied.
#[test]
fn a_clock_that_is_set_makes_no_entry_old_and_none_young() {
    let mut engine = engine();
    publish(&mut engine, at(0, BEGAN));
    engine.advance(at(5_000, BEGAN + 2 * HOUR));
    publish(&mut engine, at(5_000, BEGAN + 2 * HOUR));
    assert_eq!(held(&engine).len(), 2, "the first is five seconds old");
    // And back: what is an hour old goes all the same.
    publish(&mut engine, at(HOUR + 1_000, BEGAN - 24 * HOUR));
    assert_eq!(held(&engine).len(), 2, "the first is more than an hour old");
}

#[test]
fn the_date_of_an_entry_is_never_before_that_of_the_one_before() {
    let mut engine = engine();
    for (ms, wall) in [(0, BEGAN), (1, BEGAN + HOUR), (2, BEGAN), (3, BEGAN + 2 * HOUR)] {
        publish(&mut engine, at(ms, wall));
    }
    assert_eq!(held(&engine), [BEGAN, BEGAN + HOUR, BEGAN + HOUR, BEGAN + 2 * HOUR]);
}

/// A token's date is compared with the clock that it was heard by, once.
#[test]
fn what_ends_on_a_date_ends_after_the_time_that_was_left_when_it_was_heard() {
    let ends = Ends::on(BEGAN + 60_000, at(0, BEGAN));
    assert!(!ends.has_come(at(59_999, BEGAN + 2 * HOUR)));
    assert!(ends.has_come(at(60_000, BEGAN - 2 * HOUR)));
    assert!(Ends::on(BEGAN, at(7, BEGAN)).has_come(at(7, BEGAN)), "what has been is over");
}
