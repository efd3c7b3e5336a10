//! Hashes: of a change, so that the same number with other content is seen; of a document, for the checksum.

use crate::number::Same;
use crate::value::Value;
use sha2::{Digest as _, Sha256};

/// What equal values share. No one finds two that do and differ.
pub type Fingerprint = [u8; 16];

/// The fingerprint of a value as such: order of keys, form and notation play no role.
#[must_use]
pub fn fingerprint(value: &Value) -> Fingerprint {
    let mut hash = Sha256::new();
    add(&mut hash, value);
    let whole: [u8; 32] = hash.finalize().into();
    whole.first_chunk().copied().unwrap_or_default()
}

/// Lengths stand before what has one, so that no two values are said alike.
fn say(hash: &mut Sha256, tag: u8, bytes: &[u8]) {
    hash.update([tag]);
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

fn add(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => say(hash, b'n', b""),
        Value::Bool(value) => say(hash, b'b', &[u8::from(*value)]),
        Value::Number(number) => match number.same() {
            Same::Int(n) => say(hash, b'i', &n.to_le_bytes()),
            Same::Float(bits) => say(hash, b'f', &bits.to_le_bytes()),
            Same::Wide(text) => say(hash, b'w', text.as_bytes()),
        },
        Value::Text(text) => say(hash, b't', text.as_bytes()),
        Value::Bytes(bytes) => say(hash, b'x', bytes),
        Value::List(list) => {
            hash.update([b'l']);
            hash.update((list.len() as u64).to_le_bytes());
            for each in list {
                add(hash, each);
            }
        }
        Value::Map(map) => {
            hash.update([b'm']);
            hash.update((map.len() as u64).to_le_bytes());
            for (key, value) in map.iter() {
                say(hash, b'k', key.as_bytes());
                add(hash, value);
            }
        }
    }
}

/// One document's part of a collection's checksum: the first eight bytes of SHA-256 over `key 0x00 seq`.
fn part(key: &str, seq: u64) -> u64 {
    let whole: [u8; 32] =
        Sha256::new().chain_update(key).chain_update([0]).chain_update(seq.to_string()).finalize().into();
    u64::from_be_bytes(whole.first_chunk().copied().unwrap_or_default())
}

/// The checksum of a collection: the sum of its documents' parts, so it has no order and each change is two steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checksum(u64);

impl Checksum {
    /// A document is there now, with this number.
    pub fn add(&mut self, key: &str, seq: u64) {
        self.0 = self.0.wrapping_add(part(key, seq));
    }

    /// It is no more.
    pub fn take(&mut self, key: &str, seq: u64) {
        self.0 = self.0.wrapping_sub(part(key, seq));
    }

    /// As the wire has it: 16 hexadecimal digits.
    #[must_use]
    pub fn text(self) -> String {
        format!("{:016x}", self.0)
    }
}
