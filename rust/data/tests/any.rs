//! What must hold of shared data for any bytes, held against the seeds and the finds of fuzzing (`rust/fuzz`), and against
//! bytes of chance. libFuzzer runs the same function on what it makes of the seeds.

#[path = "any/shared.rs"]
mod shared;
#[path = "any/yjs.rs"]
mod yjs;

use proptest::prelude::*;
use std::path::Path;

fn hold_what_is_kept(target: &str, must_hold: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let mut count = 0;
    for kept in ["seeds", "finds"] {
        let Ok(files) = fuzz.join(kept).join(target).read_dir() else { continue };
        for file in files {
            let path = file.expect("a file").path();
            let bytes = std::fs::read(&path).expect("it can be read");
            let held = std::panic::catch_unwind(|| must_hold(&bytes));
            assert!(held.is_ok(), "{} does not hold", path.display());
            count += 1;
        }
    }
    assert!(count > 0, "no seed: `python3 rust/fuzz/seeds.py` makes them");
}

#[test]
fn what_is_kept_of_fuzzing_holds() {
    hold_what_is_kept("shared", shared::must_hold);
    hold_what_is_kept("yjs", yjs::must_hold);
}

proptest! {
    #[test]
    fn no_bytes_make_shared_data_panic_or_pass_its_bounds(what in 0_u8..4, bytes in prop::collection::vec(any::<u8>(), 0..1500)) {
        shared::must_hold(&[&[what], &*bytes].concat());
    }

    #[test]
    fn no_bytes_make_a_reader_of_updates_panic_or_take_two_for_one(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        yjs::must_hold(&bytes);
    }
}
