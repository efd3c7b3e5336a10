//! What the application set for its rooms, and which settings a room's name gets.
//!
//! A pattern is a name in which `*` stands for anything, nothing included. An exact name comes first; then
//! the pattern with the longest literal beginning; of those the one with more literal bytes; then the one
//! that was registered first. So what is said of `news:sport:*` does not depend on whether `news:*` came
//! before it.
//!
//! Names that begin with `$` are rtcore's own: no pattern of the application reaches them, not even `*`,
//! and of them only `$all`, `$user/ID` and, for each collection, `$sync/NAME` exist.
//!
//! A match takes time linear in the name: the pieces between the stars are searched from left to right, each
//! as early as possible, which finds a match whenever there is one. A name that a peer made up cannot make it
//! try again.

use super::grants::Grants;
use super::sayable::Sayable;
use crate::limits::fixed::OWN_NAME;
use crate::log::ring::Bounds;
use memchr::memmem;
use rtcore_data::collection::Setup;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What happens when a ring has let go of what a lagging or returning listener still needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// It is told the gap and goes on from what there is.
    #[default]
    Skip,
    /// It gets the newest entry of each slot only.
    Latest,
    /// It is closed with a code that says: come back.
    Disconnect,
    /// The publisher waits, for a bounded time and for connected members only; then the slow one is closed.
    Block,
}

impl Policy {
    /// The policy that a word in a configuration names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Skip, Self::Latest, Self::Disconnect, Self::Block]
            .into_iter()
            .find(|policy| policy.word() == word)
    }

    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Latest => "latest",
            Self::Disconnect => "disconnect",
            Self::Block => "block",
        }
    }
}

/// How sure it must be that an entry is kept before anybody hears it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Durability {
    /// Memory keeps it, as long as the ring does.
    #[default]
    Off,
    /// It is committed: safe from a crash of the process (`normal`).
    Commit,
    /// It is synced: safe from a crash of the machine (`full`).
    Full,
}

impl Durability {
    /// What a word in a configuration names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Off, Self::Commit, Self::Full].into_iter().find(|durability| durability.word() == word)
    }

    /// Whether a disk has it.
    #[must_use]
    pub fn is_on(self) -> bool {
        self != Self::Off
    }

    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Commit => "normal",
            Self::Full => "full",
        }
    }
}

/// The settings of all rooms whose names match a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each a setting of the application")]
pub struct Settings {
    /// Which rooms.
    pub pattern: Box<str>,
    /// Members may publish, and the core does all of it.
    pub relay: bool,
    /// What the ring may hold.
    pub bounds: Bounds,
    /// When it holds too little for a listener.
    pub policy: Policy,
    /// The field of the data whose value is an entry's slot.
    pub key: Option<String>,
    /// A join needs the application's word.
    pub authorize: bool,
    /// The application has a function for the room's state.
    pub state: bool,
    /// Who is here is told.
    pub presence: bool,
    /// The application is told who comes and who goes.
    pub hooked: bool,
    /// What a member may, unless the authorizer says otherwise. See `member_grants`.
    pub grants: Grants,
    /// What members may publish; none: what they like.
    pub sayable: Option<Arc<Sayable>>,
    /// Whether what is said in it may be compressed.
    pub compress: bool,
    /// Whether its entries are on disk before they are heard. It takes a store (`Config::store`).
    pub durable: Durability,
    /// Which settings these are, by number (`Patterns::classes`): given when they are registered.
    pub class: usize,
    /// The collection that is said here: of a room `$sync/NAME`, and of no other.
    pub collection: Option<Arc<Setup>>,
}

/// What the names of rooms begin with in which collections are said.
pub const SYNC: &str = "$sync/";

/// Whether a room is rtcore's own, and sessions are in it by themselves.
#[must_use]
pub fn is_own(name: &str) -> bool {
    name.starts_with('$') && !name.starts_with(SYNC)
}

impl Settings {
    /// Settings as they are unless something else is said: open to all, presence and history for members.
    #[must_use]
    pub fn new(pattern: &str, bounds: Bounds) -> Self {
        Self {
            pattern: pattern.into(),
            relay: false,
            bounds,
            policy: Policy::default(),
            key: None,
            authorize: false,
            state: false,
            presence: true,
            hooked: false,
            grants: Grants::PRESENCE | Grants::HISTORY,
            sayable: None,
            compress: true,
            durable: Durability::Off,
            class: 0,
            collection: None,
        }
    }

    /// The settings of the room in which the collections of a pattern are said.
    #[must_use]
    pub fn of_collections(pattern: &str, setup: Setup) -> Self {
        Self {
            pattern: format!("{SYNC}{pattern}").into(),
            presence: false,
            grants: Grants::WRITE,
            durable: if setup.durable { Durability::Full } else { Durability::Off },
            collection: Some(Arc::new(setup)),
            ..Self::new("", Bounds::default())
        }
    }

    /// What a member may at first: in a relay room also to publish.
    #[must_use]
    pub fn member_grants(&self) -> Grants {
        if self.relay { self.grants | Grants::PUBLISH } else { self.grants }
    }
}

/// A pattern that cannot be registered, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPattern(String);

impl fmt::Display for BadPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for BadPattern {}

/// All registered settings.
#[derive(Clone, Debug)]
pub struct Patterns {
    exact: BTreeMap<Box<str>, Arc<Settings>>,
    /// The most specific first.
    globs: Vec<Arc<Settings>>,
    all: Arc<Settings>,
    user: Arc<Settings>,
    classes: Vec<Box<str>>,
}

impl Patterns {
    /// Only the built-in rooms, which keep as much as `bounds` say. They grant nothing: sessions are
    /// members by themselves and hear them, the application publishes, and nobody is shown there.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        let own = |pattern, class| {
            let grants = Grants::NONE;
            Arc::new(Settings { presence: false, grants, class, ..Settings::new(pattern, bounds) })
        };
        let (all, user) = (own("$all", 0), own("$user/*", 1));
        let classes = vec![all.pattern.clone(), user.pattern.clone()];
        Self { exact: BTreeMap::new(), globs: Vec::new(), all, user, classes }
    }

    /// Register settings.
    pub fn add(&mut self, mut settings: Settings) -> Result<(), BadPattern> {
        settings.class = self.classes.len();
        let pattern = &*settings.pattern;
        if let Some(own) = [&mut self.all, &mut self.user].into_iter().find(|own| *own.pattern == *pattern) {
            // Of rtcore's own rooms an application sets what they keep, and how surely.
            let Settings { bounds, policy, key, durable, .. } = settings;
            *own = Arc::new(Settings { bounds, policy, key, durable, ..Settings::clone(own) });
            return Ok(());
        }
        let named = if settings.collection.is_some() { pattern.strip_prefix(SYNC) } else { Some(pattern) };
        if let Some(why) = self.objection(pattern, named.unwrap_or_default()) {
            return Err(BadPattern(format!("the room pattern {pattern:?} cannot be used: {why}")));
        }
        self.classes.push(settings.pattern.clone());
        if pattern.contains('*') {
            let rank = specificity(pattern);
            let at = self.globs.partition_point(|known| specificity(&known.pattern) >= rank);
            self.globs.insert(at, Arc::new(settings));
        } else {
            self.exact.insert(settings.pattern.clone(), Arc::new(settings));
        }
        Ok(())
    }

    /// The patterns, by the number of their settings.
    #[must_use]
    pub fn classes(&self) -> &[Box<str>] {
        &self.classes
    }

    /// The settings of the room with this name; none: there is no such room.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<Settings>> {
        if is_own(name) {
            return match name.strip_prefix("$user/") {
                Some(id) => (!id.is_empty()).then_some(&self.user),
                None => (name == "$all").then_some(&self.all),
            };
        }
        // (A `*` of the application's does not reach a `$`.)
        let sync = name.starts_with(SYNC);
        let fits = |settings: &&Arc<Settings>| {
            settings.collection.is_some() == sync && matches(&settings.pattern, name)
        };
        self.exact.get(name).or_else(|| self.globs.iter().find(fits))
    }

    /// `named`: the pattern as the application said it.
    fn objection(&self, pattern: &str, named: &str) -> Option<String> {
        if named.is_empty() {
            return Some("it is empty; `*` stands for every name".into());
        }
        if pattern.len() > OWN_NAME {
            return Some(format!("it has {} bytes, and names have at most {OWN_NAME}", pattern.len()));
        }
        if let Some(bad) = pattern.chars().find(|char| char.is_control()) {
            return Some(format!("it has the control character {bad:?}, which no name may have"));
        }
        if named.starts_with('$') {
            return Some("names that begin with `$` are rtcore's own".into());
        }
        let known =
            self.exact.contains_key(pattern) || self.globs.iter().any(|known| *known.pattern == *pattern);
        known.then(|| "it is registered already; say all its settings in one place".into())
    }
}

/// Length of the literal beginning, then of all literal text: what makes one pattern come before another.
fn specificity(pattern: &str) -> (usize, usize) {
    let beginning = pattern.find('*').unwrap_or(pattern.len());
    (beginning, pattern.bytes().filter(|&byte| byte != b'*').count())
}

/// Whether a name matches a pattern in which `*` stands for anything.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let Some((beginning, pattern)) = pattern.split_once('*') else { return pattern == name };
    let (middle, end) = pattern.rsplit_once('*').unwrap_or(("", pattern));
    let Some(rest) = name.strip_prefix(beginning) else { return false };
    // The end may not share bytes with the beginning, so it is looked for in what is left.
    let Some(rest) = rest.strip_suffix(end) else { return false };
    let mut rest = rest.as_bytes();
    for piece in middle.split('*') {
        let Some(at) = memmem::find(rest, piece.as_bytes()) else { return false };
        rest = &rest[at + piece.len()..];
    }
    true
}
