//! Values as the wire has them: JSON's, and binary. They are held as trees.
//!
//! A document's fields are replaced whole, compared, counted in bytes, and handed on; a tree does all four without reading
//! text again, and is the same whichever form a peer speaks. Objects are sorted by their keys, so that equal values are
//! equal trees and what is derived from one (a fingerprint, a page) does not depend on who wrote it.

use crate::number::Number;

/// A value. Nested no deeper than its reader allows: whoever makes one from bytes bounds its depth.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A number, compared as such: 1 is 1.0.
    Number(Number),
    /// Text.
    Text(Box<str>),
    /// Binary: itself in `MessagePack`, `{"$bin":…}` in JSON.
    Bytes(Box<[u8]>),
    /// A list.
    List(Vec<Value>),
    /// An object.
    Map(Map),
}

/// An object.
/// Invariant: sorted by key, as bytes; no key twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map(Vec<(Box<str>, Value)>);

impl Map {
    /// Without members.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        // Members mostly come in order: the end is looked at first.
        match self.0.last() {
            Some((last, _)) if **last < *key => Err(self.0.len()),
            _ => self.0.binary_search_by(|(each, _)| (**each).cmp(key)),
        }
    }

    /// The member of this name.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.find(key).ok().map(|at| &self.0[at].1)
    }

    /// Set a member; what it was.
    pub fn insert(&mut self, key: impl Into<Box<str>>, value: impl Into<Value>) -> Option<Value> {
        let (key, value) = (key.into(), value.into());
        match self.find(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// Take a member out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.find(key).ok().map(|at| self.0.remove(at).1)
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Members in the order of their keys.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> + Clone {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    /// This with one more member: to build one in a sentence.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.insert(key, value);
        self
    }

    /// The same, if there is a value.
    #[must_use]
    pub fn with_some(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }
}

impl IntoIterator for Map {
    type Item = (Box<str>, Value);
    type IntoIter = std::vec::IntoIter<Self::Item>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<K: Into<Box<str>>> FromIterator<(K, Value)> for Map {
    /// Of a key that is there twice the last counts, as for nearly all readers.
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(members: I) -> Self {
        let mut all: Vec<(Box<str>, Value)> =
            members.into_iter().map(|(key, value)| (key.into(), value)).collect();
        // The sort is stable: of equal keys the last stays the last.
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.reverse();
        all.dedup_by(|a, b| a.0 == b.0);
        all.reverse();
        Self(all)
    }
}

impl Value {
    /// The object that this is.
    #[must_use]
    pub const fn as_map(&self) -> Option<&Map> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }

    /// The list that this is.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    /// The text that this is.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The integer that this is, within what every reader keeps exact (2^53 - 1 either way). `1.0` is 1.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        if let Self::Number(number) = self { number.exact() } else { None }
    }

    /// The same, not below 0.
    #[must_use]
    pub fn as_count(&self) -> Option<u64> {
        self.as_int().and_then(|n| u64::try_from(n).ok())
    }

    /// A member, if this is an object that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_map()?.get(key)
    }

    /// A member that is there and not null: what is missing is null, on the wire.
    #[must_use]
    pub fn some(&self, key: &str) -> Option<&Self> {
        self.get(key).filter(|value| **value != Self::Null)
    }

    /// Its length as compact JSON (bytes), and not less: what limits count.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Null => 4,
            Self::Bool(value) => 5 - usize::from(*value),
            Self::Number(number) => number.size(),
            Self::Text(text) => text_size(text),
            // {"$bin":"…"}
            Self::Bytes(bytes) => bytes.len().div_ceil(3) * 4 + 11,
            Self::List(list) => list.iter().map(|each| each.size() + 1).sum::<usize>() + 2,
            Self::Map(map) => {
                map.iter().map(|(key, value)| text_size(key) + value.size() + 2).sum::<usize>() + 2
            }
        }
    }
}

/// Of a text with its quotes and escapes.
fn text_size(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 1,
        0..0x20 => 5,
        _ => 0,
    };
    text.len() + 2 + text.bytes().map(escaped).sum::<usize>()
}

macro_rules! from {
    ($($kind:ty, $value:ident => $made:expr;)+) => {
        $(impl From<$kind> for Value {
            fn from($value: $kind) -> Self {
                $made
            }
        })+
    };
}
from! {
    bool, value => Self::Bool(value);
    u64, value => Self::Number(Number::from(value));
    i64, value => Self::Number(Number::Int(value));
    i32, value => Self::Number(Number::Int(value.into()));
    &str, value => Self::Text(value.into());
    String, value => Self::Text(value.into());
    Box<str>, value => Self::Text(value);
    Map, value => Self::Map(value);
    Vec<Self>, value => Self::List(value);
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
