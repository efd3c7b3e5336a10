//! Frames and bodies that are compressed as a hello, or a header, says.

use rtcore_core::compress::{Algorithm, MARK, Tools};

/// The longest that may come out.
const MOST: usize = 64 * 1024;

/// The first byte says which algorithm, and whether the rest is to be inflated or compressed.
pub fn must_hold(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let algorithm = Algorithm::ALL[usize::from(first % 4)];
    let mut tools = Tools::default();
    if first & 4 == 0 {
        let packed = [&[MARK, algorithm.number()], rest].concat();
        if let Ok(message) = tools.unpack(Some(algorithm), &packed, MOST) {
            assert!(message.len() <= MOST, "more came out than may");
            assert_ne!(message.first(), Some(&MARK), "one in the other");
            // One byte less than it has is too little, and the tools are as good as new.
            let short = message.len().saturating_sub(1);
            assert_eq!(tools.inflate(algorithm, rest, short).is_err(), !message.is_empty());
            let again = tools.inflate(algorithm, rest, MOST);
            assert_eq!(again.as_ref(), Ok(&message));
        }
        return;
    }
    let mut packed = Vec::new();
    tools.compress(algorithm, rest, &mut packed);
    let read = tools.inflate(algorithm, &packed, rest.len());
    assert_eq!(read.as_deref(), Ok(rest));
    packed.push(0);
    assert!(tools.inflate(algorithm, &packed, MOST.max(rest.len())).is_err(), "something behind it");
}
