//! A set from which elements can be taken, and whose adds win over takes that had not seen them.
//!
//! Each add is a *dot*: who, and the how manyth of his. An element is there while it has a dot. Who takes an element out
//! takes the dots that he saw; a dot that he did not see stays. Nothing is kept of what is gone but, for each writer, the
//! highest dot up to which all were seen (`context`): a dot at or below it that is not there was taken.
//!
//! `removed` is for states that come in pieces: dots that were taken and that the context does not reach, with their
//! element. A delta is such a piece: new dots, dots that went, no context. So merging one costs its own size.
//!
//! Invariants: no element without a dot; no dot of `elements` or `removed` twice; `removed` has none that the context
//! reaches; `loose` has each dot beyond the context, and, of one that is removed, its element; `bytes` is what elements
//! and dots are together, as JSON.

use super::Bounds;
use crate::why::Why;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An add: by whom, and its number among his.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dot {
    /// The writer's public name.
    pub writer: Arc<str>,
    /// Of its adds, or of its changes.
    pub n: u64,
}

/// An or-set of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrSet {
    pub(super) elements: BTreeMap<Arc<str>, Vec<Dot>>,
    pub(super) context: BTreeMap<Arc<str>, u64>,
    pub(super) removed: BTreeMap<Arc<str>, Vec<Dot>>,
    loose: BTreeMap<Dot, Option<Arc<str>>>,
    bytes: usize,
}

fn size(element: &str, dots: &[Dot]) -> usize {
    element.len() + 6 + dots.iter().map(dot_size).sum::<usize>()
}

pub(super) fn dot_size(dot: &Dot) -> usize {
    dot.writer.len() + 12
}

impl OrSet {
    /// Its elements, in the order of their code points, each with its dots.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &[Dot])> + Clone {
        self.elements.iter().map(|(element, dots)| (&**element, &**dots))
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

    /// The dots of one element; none: it is not there.
    #[must_use]
    pub fn dots(&self, element: &str) -> &[Dot] {
        self.elements.get(element).map_or(&[], |dots| dots)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a dot was ever seen here.
    pub(super) fn knows(&self, dot: &Dot) -> bool {
        self.context.get(&dot.writer).is_some_and(|highest| dot.n <= *highest) || self.loose.contains_key(dot)
    }

    fn within(&self, dot: &Dot) -> bool {
        self.context.get(&dot.writer).is_some_and(|highest| dot.n <= *highest)
    }

    /// Put a dot at an element; nothing else changes.
    pub(super) fn place(&mut self, element: &Arc<str>, dot: Dot) {
        self.bytes += dot_size(&dot);
        let before = self.elements.len();
        let dots = self.elements.entry(element.clone()).or_default();
        if let Err(at) = dots.binary_search(&dot) {
            dots.insert(at, dot);
        }
        if self.elements.len() > before {
            self.bytes += size(element, &[]);
        }
    }

    /// Take a dot from an element; whether it was there.
    pub(super) fn displace(&mut self, element: &str, dot: &Dot) -> bool {
        let Some(dots) = self.elements.get_mut(element) else { return false };
        let Ok(at) = dots.binary_search(dot) else { return false };
        dots.remove(at);
        self.bytes -= dot_size(dot);
        if dots.is_empty() {
            self.elements.remove(element);
            self.bytes -= size(element, &[]);
        }
        true
    }

    /// A dot beyond the context is seen; of one that was removed, at which element.
    pub(super) fn note(&mut self, dot: Dot, removed_at: Option<&Arc<str>>) {
        if self.within(&dot) || matches!(self.loose.get(&dot), Some(Some(_))) {
            return;
        }
        if let Some(element) = removed_at {
            let dots = self.removed.entry(element.clone()).or_default();
            if let Err(at) = dots.binary_search(&dot) {
                dots.insert(at, dot.clone());
            }
        }
        let writer = dot.writer.clone();
        self.loose.insert(dot, removed_at.cloned());
        self.advance(&writer);
    }

    /// Let the context take in the dots that follow it without a gap.
    fn advance(&mut self, writer: &Arc<str>) {
        let mut highest = self.context.get(writer).copied().unwrap_or(0);
        let before = highest;
        while let Some((dot, removed_at)) =
            self.loose.remove_entry(&Dot { writer: writer.clone(), n: highest.saturating_add(1) })
        {
            highest = dot.n;
            self.forget(&dot, removed_at.as_deref());
        }
        if highest > before {
            self.context.insert(writer.clone(), highest);
        }
    }

    /// The context reaches a dot now: that it was removed need not be said any more.
    fn forget(&mut self, dot: &Dot, removed_at: Option<&str>) {
        let Some(element) = removed_at else { return };
        if let Some(dots) = self.removed.get_mut(element) {
            dots.retain(|each| each != dot);
            if dots.is_empty() {
                self.removed.remove(element);
            }
        }
    }

    /// Raise one writer's place in the context.
    pub(super) fn reach(&mut self, writer: &Arc<str>, highest: u64) {
        let now = self.context.get(writer).copied().unwrap_or(0);
        if highest <= now {
            return;
        }
        self.context.insert(writer.clone(), highest);
        let from = Dot { writer: writer.clone(), n: 0 };
        let upto = Dot { writer: writer.clone(), n: highest };
        let reached: Vec<Dot> = self.loose.range(from..=upto).map(|(dot, _)| dot.clone()).collect();
        for dot in reached {
            let removed_at = self.loose.remove(&dot).flatten();
            self.forget(&dot, removed_at.as_deref());
        }
        self.advance(writer);
    }

    /// An element's dot is seen here for the first time.
    pub(super) fn take_in(&mut self, element: &Arc<str>, dot: &Dot) {
        if !self.knows(dot) {
            self.place(element, dot.clone());
            self.note(dot.clone(), None);
        }
    }

    /// A dot of an element was taken elsewhere.
    pub(super) fn take_out(&mut self, element: &Arc<str>, dot: &Dot) {
        self.displace(element, dot);
        // It may have stood among the loose ones as one that is there.
        self.note(dot.clone(), Some(element));
    }

    /// Add one: with the next dot of a replica, in place of the dots that are seen. The delta.
    pub fn add(&mut self, replica: &str, element: &str, bounds: Bounds) -> Result<Self, Why> {
        let held = self.dots(element);
        let more = size(element, &[]) * usize::from(held.is_empty()) + replica.len() + 12;
        bounds.check(self.len() + usize::from(held.is_empty()), self.bytes + more)?;
        let (writer, _) =
            self.context.get_key_value(replica).map_or((replica.into(), 0), |(w, n)| (w.clone(), *n));
        let n = self.next(&writer);
        let mut delta = self.remove(element);
        let element: Arc<str> = element.into();
        let dot = Dot { writer, n };
        self.take_in(&element, &dot);
        delta.take_in(&element, &dot);
        Ok(delta)
    }

    /// The number above every dot of a writer that was seen.
    fn next(&self, writer: &Arc<str>) -> u64 {
        let last = Dot { writer: writer.clone(), n: u64::MAX };
        let loose = self.loose.range(..=last).next_back().filter(|(dot, _)| dot.writer == *writer);
        let highest = self.context.get(writer).copied().unwrap_or(0);
        loose.map_or(highest, |(dot, _)| highest.max(dot.n)).saturating_add(1)
    }

    /// Take one out, with the dots that are seen. The delta.
    #[allow(clippy::return_self_not_must_use, reason = "who hands on whole states needs no delta")]
    pub fn remove(&mut self, element: &str) -> Self {
        let mut delta = Self::default();
        if let Some((element, dots)) = self.elements.remove_entry(element) {
            self.bytes -= size(&element, &dots);
            for dot in dots {
                self.note(dot.clone(), Some(&element));
                delta.take_out(&element, &dot);
            }
        }
        delta
    }

    /// Have what another has, and lose what it saw go. Costs the size of `other` where that is a delta.
    pub fn merge(&mut self, other: &Self, bounds: Bounds) -> Result<(), Why> {
        let new = other.iter().filter(|(element, _)| !self.elements.contains_key(*element));
        let (count, bytes) =
            new.fold((0, 0), |(count, bytes), (element, dots)| (count + 1, bytes + size(element, dots)));
        bounds.check(self.len() + count, self.bytes + bytes)?;
        if !other.context.is_empty() {
            self.lose(other);
        }
        for (element, dots) in &other.elements {
            for dot in dots {
                self.take_in(element, dot);
            }
        }
        for (element, dots) in &other.removed {
            for dot in dots {
                self.take_out(element, dot);
            }
        }
        for (writer, highest) in &other.context {
            self.reach(writer, *highest);
        }
        Ok(())
    }

    /// Let go of the dots that `other` has seen and does not have. The context will reach them.
    fn lose(&mut self, other: &Self) {
        let has_dots_of = |writer: &Arc<str>| {
            let first = Dot { writer: writer.clone(), n: 0 };
            self.context.contains_key(writer)
                || self.loose.range(first..).next().is_some_and(|(dot, _)| dot.writer == *writer)
        };
        if !other.context.keys().any(has_dots_of) {
            return;
        }
        let mut gone = Vec::new();
        for (element, dots) in &self.elements {
            let theirs = other.dots(element);
            for dot in dots.iter().filter(|dot| other.within(dot) && theirs.binary_search(dot).is_err()) {
                gone.push((element.clone(), dot.clone()));
            }
        }
        for (element, dot) in gone {
            self.displace(&element, &dot);
        }
    }

    /// Whether another has nothing that is not here: no dot unknown, and none here that it saw go.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let seen = |element: &Arc<str>, dot: &Dot| {
            self.knows(dot) && !self.dots(element).iter().any(|mine| mine == dot)
        };
        let mut merged = self.clone();
        other.elements.values().flatten().all(|dot| self.knows(dot))
            && other.removed.iter().all(|(element, dots)| dots.iter().all(|dot| seen(element, dot)))
            && merged.merge(other, Bounds::NONE).is_ok()
            && merged == *self
    }
}
