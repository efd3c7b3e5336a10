//! A digest of a value as such: key order, spacing, escapes and form play no role.
//!
//! Every value is first said canonically: scalars as a tag and their bytes, containers as a tag and the SHA-1
//! of what they hold. An object's members are sorted by the hash of their key, and of a key that is there
//! twice the last one counts, as for nearly all readers. Lengths stand before what has one, so that no two
//! values are said alike.
//!
//! Numbers: integers of 64 bits and floats that are such integers are the integer; other floats are their
//! bits. What only JSON can write is its text, unless a float is exactly that. Fractions are compared as the
//! floats that they are read as: `0.1` is `0.10`.

use super::number::Number;
use super::walk::{Holds, Visit};
use sha1::{Digest as _, Sha1};

type Hash = [u8; 20];

/// What has been said of the containers that are open, the innermost last.
pub(super) struct Digest {
    open: Vec<Open>,
}

/// An open container. In a map the hasher holds the value of the member that is being said.
struct Open {
    hasher: Sha1,
    key: Option<Hash>,
    members: Vec<(Hash, Hash)>,
}

impl Open {
    fn new() -> Self {
        Self { hasher: Sha1::new(), key: None, members: Vec::new() }
    }

    fn next_member(&mut self) {
        if let Some(key) = self.key.take() {
            let value = self.hasher.finalize_reset().into();
            self.members.push((key, value));
        }
    }

    /// The hash of a whole map.
    fn map(mut self) -> Hash {
        self.next_member();
        // The sort is stable: of equal keys the last one said stays the last.
        self.members.sort_by_key(|(key, _)| *key);
        let mut hasher = Sha1::new();
        let mut members = self.members.iter().peekable();
        while let Some((key, value)) = members.next() {
            if members.peek().is_none_or(|(next, _)| next != key) {
                hasher.update(key);
                hasher.update(value);
            }
        }
        hasher.finalize().into()
    }
}

impl Digest {
    pub(super) fn new() -> Self {
        Self { open: vec![Open::new()] }
    }

    pub(super) fn finish(mut self) -> [u8; 16] {
        let hash: Hash = self.open.swap_remove(0).hasher.finalize().into();
        hash.first_chunk().copied().unwrap_or_default()
    }

    fn say(&mut self, tag: u8, bytes: &[u8]) {
        if let Some(open) = self.open.last_mut() {
            open.hasher.update([tag]);
            open.hasher.update((bytes.len() as u64).to_le_bytes());
            open.hasher.update(bytes);
        }
    }
}

/// A float's integer, if it is one of 64 bits.
#[allow(clippy::cast_possible_truncation, reason = "the range is checked before")]
fn as_integer(f: f64) -> Option<i128> {
    const END: f64 = 18_446_744_073_709_551_616.0;
    (f.fract() == 0.0 && (-END / 2.0..END).contains(&f)).then_some(f as i128)
}

impl Visit for Digest {
    fn null(&mut self) {
        self.say(b'n', b"");
    }

    fn boolean(&mut self, value: bool) {
        self.say(b'b', &[u8::from(value)]);
    }

    fn number(&mut self, value: Number<'_>) {
        let integer = match value {
            Number::Unsigned(n) => Some(n.into()),
            Number::Negative(n) => Some(n.into()),
            Number::Float(f) => as_integer(f),
            Number::Wide(_) => None,
        };
        match (integer, value) {
            (Some(n), _) => self.say(b'i', &n.to_le_bytes()),
            // An integer beyond 64 bits that is exactly a float is that float (`{:.0}` writes all its
            // digits).
            (None, Number::Wide(text)) if text != format!("{:.0}", value.float()) => {
                self.say(b'w', text.as_bytes());
            }
            (None, _) => self.say(b'f', &value.float().to_bits().to_le_bytes()),
        }
    }

    fn text(&mut self, value: &str) {
        self.say(b't', value.as_bytes());
    }

    fn binary(&mut self, value: &[u8]) {
        self.say(b'x', value);
    }

    fn open(&mut self, _: Holds, _: Option<usize>) -> usize {
        self.open.push(Open::new());
        0
    }

    fn key(&mut self, key: &str) {
        if let Some(open) = self.open.last_mut() {
            open.next_member();
            open.key = Some(Sha1::digest(key.as_bytes()).into());
        }
    }

    fn close(&mut self, holds: Holds, _: usize, _: usize) {
        let Some(open) = self.open.pop() else { return };
        match holds {
            Holds::List => self.say(b'l', &Hash::from(open.hasher.finalize())),
            Holds::Map => self.say(b'm', &open.map()),
        }
    }
}
