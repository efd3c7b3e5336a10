//! What is to be done to a document, before its number is known; and what came of it.

use crate::value::{Map, Value};

/// What did not count of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// These fields; none of them: all counted.
    Fields(Vec<Box<str>>),
    /// Nothing counted.
    All,
}

impl Lost {
    /// As a result says it.
    #[must_use]
    pub fn said(&self) -> Value {
        match self {
            Self::All => true.into(),
            Self::Fields(names) => Value::List(names.iter().map(|name| Value::from(&**name)).collect()),
        }
    }
}

/// What a change comes to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// The document begins anew.
    pub fresh: bool,
    /// The document goes.
    pub delete: bool,
    /// It becomes this, whatever it was: an object, or what is none.
    pub whole: Option<Value>,
    pub set: Vec<(Box<str>, Value)>,
    pub unset: Vec<Box<str>>,
    /// Operations on CRDTs, by field; the whole document has no name.
    pub ops: Vec<(Box<str>, Value)>,
    pub lost: Lost,
    /// By what it was decided, where something was.
    pub by: Option<&'static str>,
}

impl Plan {
    pub fn nothing() -> Self {
        Self {
            fresh: false,
            delete: false,
            whole: None,
            set: Vec::new(),
            unset: Vec::new(),
            ops: Vec::new(),
            lost: Lost::Fields(Vec::new()),
            by: None,
        }
    }

    /// Whether nothing is to be done, whatever operations come to.
    pub fn is_nothing(&self) -> bool {
        !self.fresh
            && !self.delete
            && self.whole.is_none()
            && self.set.is_empty()
            && self.unset.is_empty()
            && self.ops.is_empty()
    }
}

/// What came of a plan.
#[derive(Debug, Default)]
pub(super) struct Applied {
    /// The document is another, whole.
    pub whole: bool,
    pub set: Map,
    pub unset: Vec<Box<str>>,
    /// What is to be heard of each operation.
    pub ops: Map,
    /// Registers in which a later value stood.
    pub lost: Vec<Box<str>>,
    /// Old writers of a CRDT are one now: the document is heard whole.
    pub folded: bool,
    /// Texts whose updates should be merged.
    pub apart: Vec<Box<str>>,
}

impl Applied {
    pub fn changed(&self) -> bool {
        self.whole || !self.set.is_empty() || !self.unset.is_empty() || !self.ops.is_empty()
    }
}
