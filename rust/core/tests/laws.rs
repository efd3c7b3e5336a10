//! The laws of `docs/design.md`, over random steps, random cuts of the byte stream, random drops and a
//! simulated clock. Each file names its laws.
//!
//! A failure prints the steps, made as short as they get, and the seed: the same steps and seed do the same
//! again. `PROPTEST_CASES` says how many cases to try.

mod support;

#[path = "laws/cuts.rs"]
mod cuts;
#[path = "laws/listen.rs"]
mod listen;
#[path = "laws/once.rs"]
mod once;
#[path = "laws/steps.rs"]
mod steps;
