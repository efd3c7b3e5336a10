//! A document as a client holds it, and what a change makes of it.

use crate::change::Op;
use crate::crdt::{Author, Crdt, MARK, kind_of};
use crate::value::{Map, Value};
use crate::why::Why;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a field holds. A CRDT is known by its mark.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Held {
    Plain(Value),
    Crdt(Arc<Crdt>),
}

impl Held {
    fn read(said: &Value) -> Self {
        match said.get(MARK).map(|_| Crdt::read(said)) {
            Some(Ok(crdt)) => Self::Crdt(Arc::new(crdt)),
            _ => Self::Plain(said.clone()),
        }
    }

    fn said(&self) -> Value {
        match self {
            Self::Plain(value) => value.clone(),
            Self::Crdt(crdt) => crdt.state(),
        }
    }
}

/// A document.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Contents {
    Fields(Arc<BTreeMap<Box<str>, Held>>),
    One(Held),
}

impl Default for Contents {
    fn default() -> Self {
        Self::Fields(Arc::default())
    }
}

/// Whether a member says what is to be done to a CRDT.
fn is_op(value: &Value) -> bool {
    value.get(MARK).is_some()
}

impl Contents {
    /// A whole document, as it stands in a page and in a heard `put`.
    pub fn read(said: &Value) -> Self {
        match said.as_map() {
            Some(map) if !is_op(said) => Self::Fields(Arc::new(
                map.iter().map(|(name, value)| (name.into(), Held::read(value))).collect(),
            )),
            _ => Self::One(Held::read(said)),
        }
    }

    pub fn said(&self) -> Value {
        match self {
            Self::One(held) => held.said(),
            Self::Fields(fields) => {
                fields.iter().map(|(name, held)| (name.clone(), held.said())).collect::<Map>().into()
            }
        }
    }

    fn fields(&mut self) -> &mut BTreeMap<Box<str>, Held> {
        if let Self::One(_) = self {
            *self = Self::default();
        }
        match self {
            Self::Fields(fields) => Arc::make_mut(fields),
            Self::One(_) => unreachable!("it was made an object"),
        }
    }

    /// Set what was heard in a `patch`.
    pub fn hear(&mut self, value: &Value, unset: &[Box<str>]) -> Result<(), Why> {
        if let Self::One(Held::Crdt(crdt)) = self
            && is_op(value)
        {
            return Arc::make_mut(crdt).hear(value);
        }
        let fields = self.fields();
        for name in unset {
            fields.remove(name);
        }
        for (name, value) in value.as_map().into_iter().flat_map(Map::iter) {
            if !is_op(value) {
                fields.insert(name.into(), Held::Plain(value.clone()));
                continue;
            }
            let held = fields.entry(name.into()).or_insert_with(|| Held::Plain(Value::Null));
            if let Held::Plain(_) = held {
                *held = Held::Crdt(Arc::new(Crdt::new(kind_of(value)?)));
            }
            if let Held::Crdt(crdt) = held {
                Arc::make_mut(crdt).hear(value)?;
            }
        }
        Ok(())
    }

    fn operate(held: Option<Held>, op: &Value, author: &Author<'_>) -> Held {
        let mut crdt = match (held, kind_of(op)) {
            (Some(Held::Crdt(crdt)), _) => crdt,
            (_, Ok(kind)) => Arc::new(Crdt::new(kind)),
            (_, Err(_)) => return Held::Plain(op.clone()),
        };
        // What the server will refuse changes nothing here either.
        drop(Arc::make_mut(&mut crdt).apply(op, author));
        Held::Crdt(crdt)
    }

    /// What one's own change makes of what is there.
    pub fn changed(there: Option<&Self>, op: &Op, author: &Author<'_>) -> Option<Self> {
        match op {
            Op::Skip => there.cloned(),
            Op::Delete => None,
            Op::Put(value) if is_op(value) || value.as_map().is_none() => {
                let held = match there {
                    Some(Self::One(held)) => Some(held.clone()),
                    _ => None,
                };
                Some(Self::One(if is_op(value) {
                    Self::operate(held, value, author)
                } else {
                    Held::Plain(value.clone())
                }))
            }
            Op::Put(value) => {
                let mut made = there.cloned().unwrap_or_default();
                // CRDTs stay: they are never replaced.
                made.fields().retain(|_, held| matches!(held, Held::Crdt(_)));
                made.set(value, author);
                Some(made)
            }
            Op::Patch(value, unset) => {
                let mut made = there?.clone();
                if let (Self::One(held), true) = (&made, is_op(value)) {
                    return Some(Self::One(Self::operate(Some(held.clone()), value, author)));
                }
                for name in unset {
                    made.fields().remove(name);
                }
                made.set(value, author);
                Some(made)
            }
        }
    }

    fn set(&mut self, value: &Value, author: &Author<'_>) {
        let fields = self.fields();
        for (name, value) in value.as_map().into_iter().flat_map(Map::iter) {
            let held = if is_op(value) {
                Self::operate(fields.remove(name), value, author)
            } else {
                Held::Plain(value.clone())
            };
            fields.insert(name.into(), held);
        }
    }

    /// What a put of a document that is seen goes out as: the fields that differ. None: nothing does.
    pub fn difference(&self, value: &Value) -> Option<Op> {
        let (Self::Fields(fields), Some(map), false) = (self, value.as_map(), is_op(value)) else {
            return match self {
                Self::One(Held::Plain(held)) if held == value => None,
                Self::One(Held::Crdt(_)) if is_op(value) => Some(Op::Patch(value.clone(), Vec::new())),
                _ => Some(Op::Put(value.clone())),
            };
        };
        let differs = |(name, value): &(&str, &Value)| match fields.get(*name) {
            Some(Held::Plain(held)) => held != *value,
            // A state that is put back as it was seen is no operation.
            Some(Held::Crdt(crdt)) => crdt.state() != **value,
            None => true,
        };
        let set: Map = map.iter().filter(differs).map(|(name, value)| (name, value.clone())).collect();
        let gone =
            fields.iter().filter(|(name, held)| matches!(held, Held::Plain(_)) && map.get(name).is_none());
        let unset: Vec<Box<str>> = gone.map(|(name, _)| name.clone()).collect();
        (!set.is_empty() || !unset.is_empty()).then(|| Op::Patch(set.into(), unset))
    }
}
