//! The words by which a session is found and opened.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::RngCore;

/// A random word of `n` characters of 5 bits each, out of `[a-z0-9]`.
pub fn word(random: &mut ChaCha20Rng, n: usize) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    (0..n).map(|_| char::from(LETTERS[(random.next_u32() & 31) as usize])).collect()
}

/// Whether two keys are the same, in a time that does not tell where they differ.
pub fn same_key(a: &[u8; 32], b: &str) -> bool {
    same_bytes(a, b.as_bytes())
}

/// The same for bytes.
pub fn same_bytes(a: &[u8; 32], b: &[u8]) -> bool {
    b.len() == a.len() && a.iter().zip(b).fold(0u8, |sum, (x, y)| sum | (x ^ y)) == 0
}

/// What stands for a key on disk.
pub fn hash_of(key: &str) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(key.as_bytes()).into()
}

/// What stands for a program's word; never 0.
pub fn mark_of(word: &str) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&hash_of(word)[..8]);
    u64::from_be_bytes(first).max(1)
}
