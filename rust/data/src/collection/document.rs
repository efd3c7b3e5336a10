//! A document, with the last change of each of its fields.

use super::plan::{Applied, Plan};
use crate::crdt::{Author, Bounds, Crdt, Kind, kind_of};
use crate::limits::{DATA_REMOVED, Limits};
use crate::position::Seq;
use crate::value::{Map, Value};
use crate::why::Why;

/// A writer, by the number that its name is made of. 0 is the application.
pub type WriterNo = u64;

/// A writer's public name; none for the application.
#[must_use]
pub fn name_of(writer: WriterNo) -> Option<String> {
    (writer > 0).then(|| format!("w{writer}"))
}

/// The number in a writer's name; 0 for any other text.
#[must_use]
pub fn writer_in(name: &str) -> WriterNo {
    name.strip_prefix('w').and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// A change: its number, when it counts as made, and by whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// The entry's number.
    pub seq: Seq,
    /// The change's time (ms since 1970).
    pub time: u64,
    /// Who made it.
    pub writer: WriterNo,
}

impl Stamp {
    /// Whether this is by somebody else than `writer`, and `base` had not seen it.
    pub(super) fn contests(&self, base: Option<Seq>, writer: WriterNo) -> bool {
        self.seq > base.unwrap_or(0) && self.writer != writer
    }
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Held {
    /// A value, replaced whole.
    Plain(Value),
    /// A CRDT, never replaced.
    Crdt(Box<Crdt>),
}

impl Held {
    /// As it is said: a CRDT by its state.
    #[must_use]
    pub fn said(&self) -> Value {
        match self {
            Self::Plain(value) => value.clone(),
            Self::Crdt(crdt) => crdt.state(),
        }
    }

    pub(super) fn size(&self) -> usize {
        match self {
            Self::Plain(value) => value.size(),
            Self::Crdt(crdt) => crdt.size(),
        }
    }
}

/// A field with its last change.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// What it holds.
    pub held: Held,
    /// Its last change.
    pub stamp: Stamp,
}

/// Names in order, each with something.
pub(super) type Named<T> = Vec<(Box<str>, T)>;

pub(super) fn find<T>(named: &Named<T>, name: &str) -> Result<usize, usize> {
    named.binary_search_by(|(each, _)| (**each).cmp(name))
}

/// What a document is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    /// An object: its members are its fields. Sorted by name.
    Fields(Named<Field>),
    /// Anything else, or a CRDT: one field.
    One(Held),
}

/// A document.
///
/// Invariants: `removed` has at most as many as the limit, oldest first; what it let go of is not above `floor`. `plain` is
/// the highest stamp of what is no CRDT, removed fields included. `last` is that of the newest change of all.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub(super) last: Stamp,
    pub(super) plain: Stamp,
    pub(super) born: Stamp,
    pub(super) body: Body,
    pub(super) removed: Named<Stamp>,
    pub(super) floor: Stamp,
    pub(super) bytes: usize,
}

impl Document {
    /// One that begins with this change, and in which nothing is yet; if the whole is a CRDT, one of this kind.
    pub(super) fn begin(stamp: Stamp, whole: Option<Kind>) -> Self {
        let body =
            whole.map_or(Body::Fields(Vec::new()), |kind| Body::One(Held::Crdt(Box::new(Crdt::new(kind)))));
        Self {
            last: stamp,
            plain: stamp,
            born: stamp,
            body,
            removed: Vec::new(),
            floor: Stamp::default(),
            bytes: 2,
        }
    }

    /// The number of its last change.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.last.seq
    }

    /// The whole document, as it stands in a page.
    #[must_use]
    pub fn said(&self) -> Value {
        match &self.body {
            Body::One(held) => held.said(),
            Body::Fields(fields) => {
                fields.iter().map(|(name, field)| (name.clone(), field.held.said())).collect::<Map>().into()
            }
        }
    }

    /// About how long that is (bytes).
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes
    }

    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        match &self.body {
            Body::Fields(fields) => find(fields, name).ok().map(|at| &fields[at].1),
            Body::One(_) => None,
        }
    }

    /// Its fields that are no CRDTs.
    pub(super) fn plain_fields(&self) -> impl Iterator<Item = (&str, &Value, &Stamp)> {
        let fields = if let Body::Fields(fields) = &self.body { fields.as_slice() } else { &[] };
        fields.iter().filter_map(|(name, field)| match &field.held {
            Held::Plain(value) => Some((&**name, value, &field.stamp)),
            Held::Crdt(_) => None,
        })
    }

    /// The last change of a field that is not there.
    pub(super) fn absent(&self, name: &str) -> &Stamp {
        self.removed.iter().find(|(each, _)| **each == *name).map_or(&self.floor, |(_, stamp)| stamp)
    }

    fn set(&mut self, name: &str, held: Held, stamp: Stamp) {
        let Body::Fields(fields) = &mut self.body else { return };
        let size = held.size();
        let field = Field { held, stamp };
        match find(fields, name) {
            Ok(at) => {
                self.bytes = self.bytes - fields[at].1.held.size() + size;
                fields[at].1 = field;
            }
            Err(at) => {
                self.bytes += name.len() + 4 + size;
                fields.insert(at, (name.into(), field));
                self.removed.retain(|(each, _)| **each != *name);
            }
        }
    }

    fn unset(&mut self, name: &str, stamp: Stamp) {
        let Body::Fields(fields) = &mut self.body else { return };
        let Ok(at) = find(fields, name) else { return };
        let (name, field) = fields.remove(at);
        self.bytes -= name.len() + 4 + field.held.size();
        self.removed.push((name, stamp));
        if self.removed.len() > DATA_REMOVED {
            let (_, let_go) = self.removed.remove(0);
            if let_go.seq > self.floor.seq {
                self.floor = let_go;
            }
        }
    }

    /// Become another body: an object, or what is none.
    fn replace(&mut self, value: &Value, stamp: Stamp) {
        self.removed.clear();
        self.floor = Stamp::default();
        if let Some(map) = value.as_map() {
            self.body = Body::Fields(Vec::new());
            self.bytes = 2;
            for (name, value) in map.iter() {
                self.set(name, Held::Plain(value.clone()), stamp);
            }
        } else {
            self.bytes = value.size();
            self.body = Body::One(Held::Plain(value.clone()));
        }
    }

    /// Whether a plan can be carried out within the limits, and its operations are as they should be.
    pub(super) fn check(&self, plan: &Plan, author: &Author<'_>, limits: &Limits) -> Result<(), Why> {
        let mut bytes = self.bytes;
        let mut fields = if let Body::Fields(fields) = &self.body { fields.len() } else { 0 };
        if let Some(whole) = &plan.whole {
            (bytes, fields) = (whole.size(), whole.as_map().map_or(0, Map::len));
        }
        for name in &plan.unset {
            if let Some(field) = self.field(name) {
                bytes -= name.len() + 4 + field.held.size();
                fields -= 1;
            }
        }
        for (name, value) in &plan.set {
            if let Some(field) = self.field(name) {
                bytes -= field.held.size();
            } else {
                (bytes, fields) = (bytes + name.len() + 4, fields + 1);
            }
            bytes += value.size();
        }
        fields += plan.ops.iter().filter(|(name, _)| self.field(name).is_none()).count();
        if bytes > limits.value {
            return Err(Why::large("the document in bytes", bytes, limits.value));
        }
        if fields > limits.fields {
            return Err(Why::large("fields of the document", fields, limits.fields));
        }
        for (name, op) in &plan.ops {
            let held = self.crdt(name);
            let others = bytes.saturating_sub(held.map_or(0, Crdt::size));
            let bounds = Bounds { elements: limits.elements, bytes: limits.value.saturating_sub(others) };
            match held {
                Some(crdt) => crdt.check(op, author, bounds)?,
                None => Crdt::new(kind_of(op)?).check(op, author, bounds)?,
            }
        }
        Ok(())
    }

    /// The CRDT of a field; of the whole document, where the name is empty and it is one.
    pub(super) fn crdt(&self, name: &str) -> Option<&Crdt> {
        match (&self.body, self.field(name)) {
            (Body::One(Held::Crdt(crdt)), _) if name.is_empty() => Some(crdt),
            (_, Some(Field { held: Held::Crdt(crdt), .. })) => Some(crdt),
            _ => None,
        }
    }

    /// Carry out a plan that was checked: what changed, and is to be heard.
    pub(super) fn apply(&mut self, plan: &Plan, stamp: Stamp, author: &Author<'_>) -> Result<Applied, Why> {
        let mut applied = Applied::default();
        if let Some(whole) = &plan.whole {
            self.replace(whole, stamp);
            applied.whole = true;
        }
        for name in &plan.unset {
            self.unset(name, stamp);
            applied.unset.push(name.clone());
        }
        for (name, value) in &plan.set {
            self.set(name, Held::Plain(value.clone()), stamp);
            applied.set.insert(name.clone(), value.clone());
        }
        if applied.changed() {
            self.plain = stamp;
        }
        for (name, op) in &plan.ops {
            self.operate(name, op, (stamp, author), &mut applied)?;
        }
        if applied.changed() {
            self.last = stamp;
        }
        Ok(applied)
    }

    pub(super) fn crdt_mut(&mut self, name: &str) -> Option<&mut Crdt> {
        match &mut self.body {
            Body::One(Held::Crdt(crdt)) if name.is_empty() => Some(crdt),
            Body::One(_) => None,
            Body::Fields(fields) => match find(fields, name).ok().map(|at| &mut fields[at].1.held) {
                Some(Held::Crdt(crdt)) => Some(crdt),
                _ => None,
            },
        }
    }

    /// Apply one operation to its CRDT, which begins with it if it was not there.
    fn operate(
        &mut self,
        name: &str,
        op: &Value,
        (stamp, author): (Stamp, &Author<'_>),
        applied: &mut Applied,
    ) -> Result<(), Why> {
        let kind = kind_of(op)?;
        let mut fresh = None;
        let crdt = match self.crdt_mut(name) {
            Some(crdt) => crdt,
            None => fresh.insert(Crdt::new(kind)),
        };
        let before = crdt.size();
        let Some(heard) = crdt.apply(op, author)? else {
            // Nothing changed. Of a register that means that what is there is later.
            if kind == Kind::Register {
                applied.lost.push(name.into());
            }
            return Ok(());
        };
        applied.folded |= crdt.fold(author.name, writer_in);
        if let Crdt::Text(text) = &mut *crdt
            && text.wants_merge()
        {
            applied.apart.push(name.into());
        }
        let after = crdt.size();
        if let Some(crdt) = fresh {
            self.set(name, Held::Crdt(Box::new(crdt)), stamp);
        } else {
            self.bytes = (self.bytes + after).saturating_sub(before);
            if let Body::Fields(fields) = &mut self.body
                && let Ok(at) = find(fields, name)
            {
                fields[at].1.stamp = stamp;
            }
        }
        applied.ops.insert(name, heard);
        Ok(())
    }
}
