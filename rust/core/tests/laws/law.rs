//! How a law is tried: so many random cases from one seed, and on a failure the command that has it again.

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, RngSeed, TestRng, TestRunner};
use std::hash::{BuildHasher, RandomState};

/// Try `test` on so many cases; `PROPTEST_CASES` says another number. Cases follow from one seed: `LAW_SEED`, or else the
/// same one each time, so that a change is judged by what it changes. `LAW_SEED=any` draws one, to look further.
pub fn law<S: Strategy>(name: &str, many: u32, cases: &S, test: impl Fn(S::Value)) {
    let set = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let any = std::env::var("LAW_SEED").is_ok_and(|text| text == "any");
    let own =
        || name.bytes().fold(20_261_125, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let drawn = || RandomState::new().hash_one(name);
    let seed = set("LAW_SEED").unwrap_or_else(|| if any { drawn() } else { own() });
    let many = set("PROPTEST_CASES").and_then(|many| u32::try_from(many).ok()).unwrap_or(many);
    let config = ProptestConfig {
        cases: many,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..ProptestConfig::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let chance = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let tried = TestRunner::new_with_rng(config, chance).run(cases, |case| {
        test(case);
        Ok(())
    });
    if let Err(failure) = tried {
        panic!(
            "{failure}\n\nThe same again:\n  \
             LAW_SEED={seed} PROPTEST_CASES={many} cargo test -p rtcore-core --test laws -- {name}\n"
        );
    }
}
