//! Inflating: bounded while it goes on, whatever comes, and a shared inflater forgets all between
//! messages. The first two bytes are the limit.

use rtcore_core::frame::{Deflater, Inflater};

pub fn must_hold(bytes: &[u8]) {
    let [high, low, bytes @ ..] = bytes else { return };
    let max = usize::from(u16::from_be_bytes([*high, *low]));
    let mut shared = Inflater::new(false);
    let first = shared.inflate(bytes, max);
    assert_eq!(shared.inflate(bytes, max), first);
    if let Ok(data) = first {
        assert!(data.len() <= max && data.capacity() <= max + 64);
        let mut again = Vec::new();
        Deflater::new(1, false).deflate(&data, &mut again);
        assert_eq!(shared.inflate(&again, max).as_deref(), Ok(&data[..]));
    }
    // With a window of its own.
    let mut own = Inflater::new(true);
    for _ in 0..2 {
        if let Ok(data) = own.inflate(bytes, max) {
            assert!(data.len() <= max);
        }
    }
}
