//! A set that only grows.

use super::{Bounds, member, texts};
use crate::value::{Map, Value};
use crate::why::Why;
use std::collections::BTreeSet;

/// A g-set of texts.
/// Invariant: `bytes` is what they are together, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GSet {
    elements: BTreeSet<Box<str>>,
    bytes: usize,
}

fn size(element: &str) -> usize {
    element.len() + 3
}

impl GSet {
    /// Its elements, in the order of their code points.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.elements.iter().map(|each| &**each)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Whether this is one.
    #[must_use]
    pub fn contains(&self, element: &str) -> bool {
        self.elements.contains(element)
    }

    /// Put one in; the delta.
    pub fn add(&mut self, element: &str, bounds: Bounds) -> Result<Self, Why> {
        let mut delta = Self::default();
        if !self.contains(element) {
            bounds.check(self.len() + 1, self.bytes + size(element))?;
            self.insert(element);
        }
        delta.insert(element);
        Ok(delta)
    }

    fn insert(&mut self, element: &str) -> bool {
        let new = self.elements.insert(element.into());
        if new {
            self.bytes += size(element);
        }
        new
    }

    /// Have what another has.
    pub fn merge(&mut self, other: &Self, bounds: Bounds) -> Result<(), Why> {
        self.fits(other.iter(), bounds)?;
        for each in other.iter() {
            self.insert(each);
        }
        Ok(())
    }

    fn fits<'a>(&self, more: impl Iterator<Item = &'a str>, bounds: Bounds) -> Result<(), Why> {
        let fresh: BTreeSet<&str> = more.filter(|each| !self.contains(each)).collect();
        bounds
            .check(self.len() + fresh.len(), self.bytes + fresh.iter().map(|each| size(each)).sum::<usize>())
    }

    /// Whether another has nothing that is not here.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.elements.is_subset(&self.elements)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn check(&self, op: &Value, bounds: Bounds) -> Result<(), Why> {
        self.fits(texts(member(op, "add")?, "add")?.into_iter(), bounds)
    }

    pub(super) fn apply(&mut self, op: &Value) -> Result<Option<Map>, Why> {
        let new: BTreeSet<&str> =
            texts(member(op, "add")?, "add")?.into_iter().filter(|each| self.insert(each)).collect();
        let told = || Map::new().with("e", new.iter().map(|each| Value::from(*each)).collect::<Vec<_>>());
        Ok(if new.is_empty() { None } else { Some(told()) })
    }

    pub(super) fn members(&self) -> Map {
        Map::new().with("e", self.iter().map(Value::from).collect::<Vec<_>>())
    }

    pub(super) fn read(state: &Value) -> Result<Self, Why> {
        let mut set = Self::default();
        set.hear(state)?;
        Ok(set)
    }

    pub(super) fn hear(&mut self, heard: &Value) -> Result<(), Why> {
        for each in texts(member(heard, "e")?, "e")? {
            self.insert(each);
        }
        Ok(())
    }
}
