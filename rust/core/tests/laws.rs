//! The laws of `docs/design.md`, over random steps, random cuts of the byte stream, random drops and a simulated clock.
//! `docs/walk.md` says which file shows which law.
//!
//! A failure prints the steps, made as short as they get, and the command that has the same again. `PROPTEST_CASES` says
//! how many cases to try, `LAW_SEED` from which seed (`any`: another one each time).

mod support;

#[path = "laws/automatic.rs"]
mod automatic;
#[path = "laws/bounded.rs"]
mod bounded;
#[path = "laws/cuts.rs"]
mod cuts;
#[path = "laws/encoded.rs"]
mod encoded;
#[path = "laws/faults.rs"]
mod faults;
#[path = "laws/law.rs"]
mod law;
#[path = "laws/listen.rs"]
mod listen;
#[path = "laws/logged.rs"]
mod logged;
#[path = "laws/needs.rs"]
mod needs;
#[path = "laws/once.rs"]
mod once;
#[path = "laws/rights.rs"]
mod rights;
#[path = "laws/steps.rs"]
mod steps;
#[path = "laws/stops.rs"]
mod stops;
#[path = "laws/stored.rs"]
mod stored;
#[path = "laws/streams.rs"]
mod streams;
#[path = "laws/waits.rs"]
mod waits;
