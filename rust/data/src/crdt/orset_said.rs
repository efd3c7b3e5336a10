//! What is said of an or-set: states, what a change does to one, and what is heard of that.

use super::orset::{Dot, OrSet};
use super::{Author, Bounds, FOLDED, names, texts};
use crate::number::EXACT;
use crate::value::{Map, Value};
use crate::why::Why;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Dots by element.
type Dots = BTreeMap<Arc<str>, Vec<Dot>>;

/// A dot as it is said: `[writer, n]`. `""` is `oneself`.
fn dot(said: &Value, oneself: Option<&str>) -> Result<Dot, Why> {
    let wrong = || Why::invalid("a dot is [writer, n]: a text and an integer above 0");
    let Some([writer, n]) = said.as_list() else { return Err(wrong()) };
    let writer = writer.as_text().ok_or_else(wrong)?;
    let writer = if writer.is_empty() { oneself.ok_or_else(wrong)? } else { writer };
    let n = n.as_count().filter(|n| *n > 0).ok_or_else(wrong)?;
    Ok(Dot { writer: writer.into(), n })
}

fn dots_of(said: &Value, name: &str, oneself: Option<&str>) -> Result<Dots, Why> {
    let read = |(element, dots): (&str, &Value)| {
        let dots = dots
            .as_list()
            .ok_or_else(|| Why::invalid(format!("{name:?} has an element without a list of dots")))?;
        let dots = dots.iter().map(|each| dot(each, oneself)).collect::<Result<_, _>>()?;
        Ok((element.into(), dots))
    };
    names(said, name)?.map(read).collect()
}

fn say<'a>(dots: impl Iterator<Item = (&'a Arc<str>, &'a Vec<Dot>)>) -> Value {
    let said = |dot: &Dot| Value::List(vec![(&*dot.writer).into(), dot.n.into()]);
    dots.map(|(element, dots)| (&**element, Value::List(dots.iter().map(said).collect())))
        .collect::<Map>()
        .into()
}

/// What a change does to an or-set.
struct Op<'a> {
    add: Vec<&'a str>,
    remove: Dots,
}

impl<'a> Op<'a> {
    fn read(op: &'a Value, oneself: &str) -> Result<Self, Why> {
        let add = op.some("add").map_or(Ok(Vec::new()), |add| texts(add, "add"))?;
        let remove = match op.some("remove") {
            Some(_) => dots_of(op, "remove", Some(oneself))?,
            None if op.some("add").is_none() => {
                return Err(Why::invalid("an or-set is told \"add\" or \"remove\""));
            }
            None => Dots::new(),
        };
        Ok(Self { add, remove })
    }
}

impl OrSet {
    pub(super) fn check(&self, op: &Value, author: &Author<'_>, bounds: Bounds) -> Result<(), Why> {
        let op = Op::read(op, author.name)?;
        let mut new: Vec<&str> = op.add.iter().filter(|each| self.dots(each).is_empty()).copied().collect();
        new.sort_unstable();
        new.dedup();
        let bytes: usize = op.add.iter().map(|each| each.len() + author.name.len() + 24).sum();
        if op.add.is_empty() { Ok(()) } else { bounds.check(self.len() + new.len(), self.bytes() + bytes) }
    }

    /// By the server, in the order of the log: so the context is the highest dot, and nothing is beyond it.
    pub(super) fn apply(&mut self, op: &Value, author: &Author<'_>) -> Result<Option<Map>, Why> {
        let op = Op::read(op, author.name)?;
        let (mut new, mut gone) = (Dots::new(), Dots::new());
        for (element, dots) in op.remove {
            for dot in dots {
                if self.displace(&element, &dot) {
                    gone.entry(element.clone()).or_default().push(dot);
                }
            }
        }
        let writer: Arc<str> = author.name.into();
        let own = Dot { writer: writer.clone(), n: author.n };
        for element in op.add {
            let element: Arc<str> = element.into();
            for dot in self.dots(&element).to_vec() {
                if dot != own && self.displace(&element, &dot) {
                    gone.entry(element.clone()).or_default().push(dot);
                }
            }
            self.place(&element, own.clone());
            new.insert(element, vec![own.clone()]);
        }
        if new.is_empty() && gone.is_empty() {
            return Ok(None);
        }
        let mut heard = Map::new().with("e", say(new.iter())).with("r", say(gone.iter()));
        let mut context = Map::new();
        if !new.is_empty() {
            self.reach(&writer, author.n);
            context.insert(&*writer, author.n);
        }
        heard.insert("c", context);
        Ok(Some(heard))
    }

    /// What is held, whole: `e` and `c`, and `r` where the context does not reach what was removed.
    pub(super) fn members(&self) -> Map {
        let context = self.context.iter().map(|(writer, n)| (&**writer, Value::from(*n))).collect::<Map>();
        let removed = (!self.removed.is_empty()).then(|| say(self.removed.iter()));
        Map::new().with("e", say(self.elements.iter())).with("c", context).with_some("r", removed)
    }

    pub(super) fn read(state: &Value) -> Result<Self, Why> {
        let mut set = Self::default();
        set.fill(state)?;
        Ok(set)
    }

    fn fill(&mut self, state: &Value) -> Result<(), Why> {
        let mut seen = std::collections::BTreeSet::new();
        for (element, dots) in dots_of(state, "e", None)? {
            for dot in dots {
                seen.insert((dot.clone(), element.clone()));
                // One change may add several elements, all with its one dot.
                self.place(&element, dot.clone());
                self.note(dot, None);
            }
        }
        if state.some("r").is_some() {
            for (element, dots) in dots_of(state, "r", None)? {
                for dot in dots {
                    if seen.contains(&(dot.clone(), element.clone())) {
                        return Err(Why::invalid("a dot is there and was removed, both"));
                    }
                    self.take_out(&element, &dot);
                }
            }
        }
        for (writer, n) in names(state, "c")? {
            let n = n.as_count().ok_or_else(|| Why::invalid("\"c\" has a dot that is none"))?;
            self.reach(&writer.into(), n);
        }
        Ok(())
    }

    /// Set what was heard.
    pub(super) fn hear(&mut self, heard: &Value) -> Result<(), Why> {
        let (new, gone) = (dots_of(heard, "e", None)?, dots_of(heard, "r", None)?);
        for (element, dots) in gone {
            for dot in &dots {
                self.displace(&element, dot);
            }
        }
        for (element, dots) in new {
            for dot in dots {
                self.place(&element, dot);
            }
        }
        for (writer, n) in names(heard, "c")? {
            let n = n.as_count().ok_or_else(|| Why::invalid("\"c\" has a dot that is none"))?;
            self.reach(&writer.into(), n);
        }
        Ok(())
    }

    /// Who has a place in the context.
    pub(super) fn writers(&self) -> impl Iterator<Item = &Arc<str>> {
        self.context.keys()
    }

    /// Give one writer's dots to `FOLDED`, and let go of its place.
    pub(super) fn fold(&mut self, writer: &str) {
        let folded: Arc<str> = FOLDED.into();
        let mut next = self.context.get(&folded).copied().unwrap_or(0);
        let mine = self.elements.iter().flat_map(|(element, dots)| {
            dots.iter().filter(|dot| *dot.writer == *writer).map(|dot| (element.clone(), dot.clone()))
        });
        for (element, dot) in mine.collect::<Vec<_>>() {
            next = next.saturating_add(1).min(EXACT.unsigned_abs());
            self.place(&element, Dot { writer: folded.clone(), n: next });
            self.displace(&element, &dot);
        }
        if next > 0 {
            self.context.insert(folded, next);
        }
        self.context.remove(writer);
    }
}
