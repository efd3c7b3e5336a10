//! What a member may do in a room besides hearing it.

use std::ops::{BitAnd, BitOr};

/// A set of rights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Grants(u8);

impl Grants {
    /// None: the member hears, and that is all.
    pub const NONE: Self = Self(0);
    /// To publish.
    pub const PUBLISH: Self = Self(1);
    /// To hear who is here, who comes and who goes.
    pub const PRESENCE: Self = Self(2);
    /// To read the past.
    pub const HISTORY: Self = Self(4);
    /// To change a collection.
    pub const WRITE: Self = Self(8);
    /// All that there are in a room that is no collection's.
    pub const ALL: Self = Self(7);

    const WORDS: [(Self, &'static str); 4] = [
        (Self::PUBLISH, "publish"),
        (Self::PRESENCE, "presence"),
        (Self::HISTORY, "history"),
        (Self::WRITE, "write"),
    ];

    /// The right that a word on the wire names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, known)| *known == word).map(|(grant, _)| *grant)
    }

    /// The words on the wire, always in the same order.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        Self::WORDS.iter().filter(move |(grant, _)| self.contains(*grant)).map(|(_, word)| *word)
    }

    /// Whether all of `other` are in it.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These without `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for Grants {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Grants {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}
