//! What must hold for any bytes, held against the seeds and the finds of fuzzing (`rust/fuzz`). Each file of `any` says
//! it for one target; libFuzzer runs the same functions on what it makes of the seeds.

#[path = "any/body.rs"]
mod body;
#[path = "any/engine.rs"]
mod engine;
#[path = "any/envelope.rs"]
mod envelope;
#[path = "any/frames.rs"]
mod frames;
#[path = "any/head.rs"]
mod head;
#[path = "any/inflate.rs"]
mod inflate;
#[path = "any/packed.rs"]
mod packed;
#[path = "any/position.rs"]
mod position;
#[path = "any/proxy.rs"]
mod proxy;
#[path = "any/stored.rs"]
mod stored;
mod support;
#[path = "any/world.rs"]
mod world;

use std::path::Path;

/// Every file that is kept for a target. A failure names the file: the panic's own words stand above.
fn replay(target: &str, must_hold: fn(&[u8])) {
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
    assert!(count > 0, "no seed of {target}: `python3 rust/fuzz/seeds.py` makes them");
}

macro_rules! replayed {
    ($($target:ident $must_hold:path;)+) => {
        $(#[test] fn $target() { replay(stringify!($target), $must_hold); })+
    };
}

mod kept {
    use super::{
        body, engine, envelope, frames, head, inflate, packed, position, proxy, replay, stored, world,
    };

    replayed! {
        head head::must_hold;
        body body::must_hold;
        frames frames::must_hold;
        inflate inflate::must_hold;
        packed packed::must_hold;
        json envelope::json;
        msgpack envelope::msgpack;
        position position::must_hold;
        proxy proxy::must_hold;
        engine engine::must_hold;
        world world::must_hold;
        stored stored::must_hold;
    }
}
