//! What a collection is told about itself: how conflicts are decided, and which fields are CRDTs.

use crate::crdt::{Kind, MARK};
use crate::value::Value;
use crate::why::{Why, code};
use std::collections::BTreeMap;

/// How a contested change is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Field by field: the later.
    Merge,
    /// The document as one: the later.
    Latest,
    /// By the application's function.
    Custom,
    /// By the change's author, who is told of the conflict: `custom` without a function at the server.
    Author,
    /// Fields that are CRDTs have no conflicts; the others as in `merge`.
    Crdt,
}

impl Strategy {
    /// Its word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Latest => "latest",
            Self::Custom | Self::Author => "custom",
            Self::Crdt => "crdt",
        }
    }
}

/// The type of a collection's documents, as far as deciding needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// It rises when documents change their shape.
    pub version: u64,
    /// The whole document is a CRDT.
    pub whole: Option<Kind>,
    /// The fields that are.
    pub fields: BTreeMap<Box<str>, Kind>,
}

fn marked(value: &Value) -> Option<&Value> {
    value.get(MARK)
}

impl Schema {
    fn fits(what: &str, kind: Option<Kind>, value: &Value) -> Result<(), Why> {
        let said = marked(value);
        let word = said.map(|said| said.as_text().unwrap_or("something unreadable"));
        if word == kind.map(Kind::word) {
            return Ok(());
        }
        let name = |word: Option<&str>| word.map_or("no CRDT".to_owned(), |word| format!("of kind {word}"));
        let (is, said) = (name(kind.map(Kind::word)), name(word));
        Err(Why::new(code::TYPE_CONFLICT, format!("{what} is {is}, and the change says that it is {said}")))
    }

    /// Whether a value that is set has CRDTs where the type has them, and nowhere else.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Why> {
        if self.whole.is_some() || marked(value).is_some() {
            return Self::fits("the document", self.whole, value);
        }
        let Some(map) = value.as_map() else {
            return match self.fields.first_key_value() {
                Some((name, kind)) => Self::fits(&format!("{name:?}"), Some(*kind), &Value::Null),
                None => Ok(()),
            };
        };
        map.iter().try_for_each(|(name, value)| {
            Self::fits(&format!("{name:?}"), self.fields.get(name).copied(), value)
        })
    }

    /// Whether a field may be taken out: a CRDT stays until its document goes.
    pub(crate) fn check_unset(&self, name: &str) -> Result<(), Why> {
        match self.fields.get(name) {
            Some(kind) => Err(Why::new(
                code::TYPE_CONFLICT,
                format!("{name:?} is of kind {}, which cannot be taken out of a document", kind.word()),
            )),
            None => Ok(()),
        }
    }
}
