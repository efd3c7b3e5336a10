//! CRDTs: values that merge, whoever changed them and in whatever order that is heard.
//!
//! They are used in two ways. On a server they are fields of documents: operations are pushed, the server alone applies them,
//! one after the other, and says what came of each; whoever hears it sets it ([`Crdt::check`], [`Crdt::apply`],
//! [`Crdt::hear`]). Without a server each replica changes its own, hands on deltas or whole states, and merges those of
//! others: the methods of [`GCounter`], [`PnCounter`], [`GSet`], [`OrSet`] and [`Register`], and [`Crdt::merge`]. The states are
//! the same; of a delta an or-set says beside it, in `r`, what it saw go.

mod counter;
mod gset;
mod orset;
mod orset_said;
mod register;
mod text;

pub use counter::{GCounter, PnCounter};
pub use gset::GSet;
pub use orset::{Dot, OrSet};
pub use register::Register;
pub use text::Text;

use crate::limits::DATA_REPLICAS;
use crate::value::{Map, Value};
use crate::why::{Why, code};

/// A writer's public name, as it stands in states.
type Names = Box<str>;

/// Whose parts are those of writers that are not kept apart any more.
pub const FOLDED: &str = "*";

/// The member that says of which kind a CRDT is.
pub const MARK: &str = "$crdt";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Signs {
    Up,
    Both,
}

/// How large one may grow.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Elements of a set.
    pub elements: usize,
    /// All of it, as JSON (bytes).
    pub bytes: usize,
}

impl Bounds {
    /// Without a bound: for what was checked, or is one's own.
    pub const NONE: Self = Self { elements: usize::MAX, bytes: usize::MAX };

    fn check(self, elements: usize, bytes: usize) -> Result<(), Why> {
        if elements > self.elements {
            return Err(Why::large("elements of the set", elements, self.elements));
        }
        if bytes > self.bytes {
            return Err(Why::large("the value in bytes", bytes, self.bytes));
        }
        Ok(())
    }
}

/// Who changes one on a server, and when.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// The writer's public name.
    pub name: &'a str,
    /// The number of the change.
    pub n: u64,
    /// The change's time (ms since 1970).
    pub time: u64,
    /// It is later than all that is there, whatever its time.
    pub later: bool,
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident($held:ty) = $word:literal;)+) => {
        /// The kinds of CRDTs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[doc = $doc])+ $name,)+
        }

        /// One of them, with what it holds.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Crdt {
            $($(#[doc = $doc])+ $name($held),)+
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its word on the wire.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// The kind of this word.
            #[must_use]
            pub fn of(word: &str) -> Option<Self> {
                Self::ALL.iter().find(|kind| kind.word() == word).copied()
            }
        }

        impl Crdt {
            /// One in which nothing is.
            #[must_use]
            pub fn new(kind: Kind) -> Self {
                match kind {
                    $(Kind::$name => Self::$name(<$held>::default()),)+
                }
            }

            /// Its kind.
            #[must_use]
            pub const fn kind(&self) -> Kind {
                match self {
                    $(Self::$name(_) => Kind::$name,)+
                }
            }

            /// Its state, as it stands in a page: all members, and of which kind it is.
            #[must_use]
            pub fn state(&self) -> Value {
                let members = match self {
                    $(Self::$name(held) => held.members(),)+
                };
                marked(self.kind(), members)
            }

            /// Read a state.
            pub fn read(state: &Value) -> Result<Self, Why> {
                Ok(match kind_of(state)? {
                    $(Kind::$name => Self::$name(<$held>::read(state)?),)+
                })
            }
        }
    };
}

kinds! {
    /// Counts up.
    GCounter(GCounter) = "g-counter";
    /// Counts up and down.
    PnCounter(PnCounter) = "pn-counter";
    /// A set that grows.
    GSet(GSet) = "g-set";
    /// A set from which elements can be taken; an add wins over a take that had not seen it.
    OrSet(OrSet) = "or-set";
    /// One value; the later wins.
    Register(Register) = "lww-register";
    /// Yjs updates.
    Text(Text) = "text";
}

fn marked(kind: Kind, members: Map) -> Value {
    members.with(MARK, kind.word()).into()
}

/// The kind that a value says it is of.
pub fn kind_of(value: &Value) -> Result<Kind, Why> {
    let word =
        value.get(MARK).and_then(Value::as_text).ok_or_else(|| Why::invalid("no \"$crdt\" says the kind"))?;
    Kind::of(word).ok_or_else(|| Why::invalid(format!("there is no CRDT {word:?}")))
}

fn other_kind(mine: Kind, theirs: Kind) -> Why {
    let (mine, theirs) = (mine.word(), theirs.word());
    Why::new(code::TYPE_CONFLICT, format!("a {theirs} cannot be merged into a {mine}"))
}

impl Crdt {
    /// Whether an operation can be applied. It is as it should be, and the result is within bounds.
    pub fn check(&self, op: &Value, author: &Author<'_>, bounds: Bounds) -> Result<(), Why> {
        let kind = kind_of(op)?;
        if kind != self.kind() {
            return Err(other_kind(self.kind(), kind));
        }
        match self {
            Self::GCounter(held) => held.check(op),
            Self::PnCounter(held) => held.check(op),
            Self::GSet(held) => held.check(op, bounds),
            Self::OrSet(held) => held.check(op, author, bounds),
            Self::Register(_) => bounds.check(0, member(op, "set")?.size()),
            Self::Text(held) => held.check(op, bounds),
        }
    }

    /// Apply an operation; what is to be heard of it. None: nothing changed. On a fault nothing did either.
    pub fn apply(&mut self, op: &Value, author: &Author<'_>) -> Result<Option<Value>, Why> {
        let heard = match self {
            Self::GCounter(held) => held.apply(op, author.name),
            Self::PnCounter(held) => held.apply(op, author.name),
            Self::GSet(held) => held.apply(op),
            Self::OrSet(held) => held.apply(op, author),
            Self::Register(held) => held.apply(op, author.name, author.time, author.later),
            Self::Text(held) => held.apply(op),
        };
        Ok(heard?.map(|members| marked(self.kind(), members)))
    }

    /// Set what was heard of an operation. It is heard once and in order: so it is set, and not merged.
    pub fn hear(&mut self, heard: &Value) -> Result<(), Why> {
        let kind = kind_of(heard)?;
        if kind != self.kind() {
            return Err(other_kind(self.kind(), kind));
        }
        match self {
            Self::GCounter(held) => held.hear(heard),
            Self::PnCounter(held) => held.hear(heard),
            Self::GSet(held) => held.hear(heard),
            Self::OrSet(held) => held.hear(heard),
            Self::Register(held) => Register::read(heard).map(|heard| *held = heard),
            Self::Text(held) => held.hear(heard),
        }
    }

    /// Have what another has. On a fault nothing changed.
    pub fn merge(&mut self, other: &Self, bounds: Bounds) -> Result<(), Why> {
        match (self, other) {
            (Self::GCounter(held), Self::GCounter(other)) => held.merge(other),
            (Self::PnCounter(held), Self::PnCounter(other)) => held.merge(other),
            (Self::GSet(held), Self::GSet(other)) => held.merge(other, bounds),
            (Self::OrSet(held), Self::OrSet(other)) => held.merge(other, bounds),
            (Self::Register(held), Self::Register(other)) => {
                held.merge(other);
                Ok(())
            }
            (Self::Text(held), Self::Text(other)) => held.merge(other, bounds),
            (held, other) => Err(other_kind(held.kind(), other.kind())),
        }
    }

    /// What people see: a number, a list of texts, a value; of text its updates.
    #[must_use]
    pub fn value(&self) -> Value {
        match self {
            Self::GCounter(held) => held.value().into(),
            Self::PnCounter(held) => held.value().into(),
            Self::GSet(held) => held.iter().map(Value::from).collect::<Vec<_>>().into(),
            Self::OrSet(held) => {
                held.iter().map(|(element, _)| Value::from(element)).collect::<Vec<_>>().into()
            }
            Self::Register(held) => held.value().clone(),
            Self::Text(held) => held.members().remove("u").unwrap_or(Value::Null),
        }
    }

    /// How long its state is, about (bytes).
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::GCounter(_) | Self::PnCounter(_) | Self::Register(_) => self.state().size(),
            Self::GSet(held) => held.bytes() + 24,
            Self::OrSet(held) => {
                held.bytes() + held.writers().map(|writer| writer.len() + 20).sum::<usize>() + 32
            }
            Self::Text(held) => held.bytes() + 24,
        }
    }

    /// Fold the parts of writers into one until no more than the limit are apart; those that `age` calls oldest first,
    /// and `keep` never. Whether there was need to.
    pub fn fold(&mut self, keep: &str, age: impl Fn(&str) -> u64) -> bool {
        let mut writers: Vec<Box<str>> = match self {
            Self::GCounter(held) => held.up.writers().cloned().collect(),
            Self::PnCounter(held) => held
                .up
                .writers()
                .chain(held.down.writers())
                .cloned()
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect(),
            Self::OrSet(held) => held.writers().map(|writer| (**writer).into()).collect(),
            Self::GSet(_) | Self::Register(_) | Self::Text(_) => return false,
        };
        let Some(beyond) = writers.len().checked_sub(DATA_REPLICAS).filter(|beyond| *beyond > 0) else {
            return false;
        };
        writers.retain(|writer| **writer != *keep && **writer != *FOLDED);
        writers.sort_by_key(|writer| age(writer));
        for writer in writers.iter().take(beyond) {
            match self {
                Self::GCounter(held) => held.fold(writer, FOLDED),
                Self::PnCounter(held) => held.fold(writer, FOLDED),
                Self::OrSet(held) => held.fold(writer),
                Self::GSet(_) | Self::Register(_) | Self::Text(_) => {}
            }
        }
        true
    }
}

/// A member that must be there; null is a value.
fn member<'a>(of: &'a Value, name: &str) -> Result<&'a Value, Why> {
    of.get(name).ok_or_else(|| Why::invalid(format!("{name:?} is missing")))
}

/// The texts of a list.
fn texts<'a>(list: &'a Value, name: &str) -> Result<Vec<&'a str>, Why> {
    let wrong = || Why::invalid(format!("{name:?} is no list of texts"));
    list.as_list().ok_or_else(wrong)?.iter().map(|each| each.as_text().ok_or_else(wrong)).collect()
}

/// The members of an object in a member.
fn names<'a>(of: &'a Value, name: &str) -> Result<impl Iterator<Item = (&'a str, &'a Value)> + use<'a>, Why> {
    let map = member(of, name)?.as_map();
    Ok(map.ok_or_else(|| Why::invalid(format!("{name:?} is no object")))?.iter())
}
