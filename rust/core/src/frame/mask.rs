//! Masking, RFC 6455 §5.3: XOR with four bytes over and over.

/// XOR `data` with `key`, sixteen bytes at a time. The same again undoes it.
#[inline]
pub fn apply(data: &mut [u8], key: [u8; 4]) {
    if key == [0; 4] {
        return;
    }
    let word = u32::from_ne_bytes(key);
    let [a, b, c, d] = key;
    let wide = u128::from_ne_bytes([a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d]);
    let (blocks, rest) = data.as_chunks_mut::<16>();
    for block in blocks {
        *block = (u128::from_ne_bytes(*block) ^ wide).to_ne_bytes();
    }
    let (words, rest) = rest.as_chunks_mut::<4>();
    for four in words {
        *four = (u32::from_ne_bytes(*four) ^ word).to_ne_bytes();
    }
    apply_slowly(rest, key); // the twin, and the judge in the tests
}

/// The same, byte by byte, as the RFC writes it.
#[inline]
pub fn apply_slowly(data: &mut [u8], key: [u8; 4]) {
    for (at, byte) in data.iter_mut().enumerate() {
        *byte ^= key[at % 4];
    }
}

/// The key for what follows `taken` bytes.
#[must_use]
pub fn advance(mut key: [u8; 4], taken: usize) -> [u8; 4] {
    key.rotate_left(taken % 4);
    key
}
