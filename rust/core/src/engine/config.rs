//! What an engine is told before it begins, and what it is told of each peer.
//!
//! Parts: none.

pub use crate::conn::Peer;
use crate::frame::{Believed, Cidr};
use crate::limits::Limits;
use crate::names::Names;
use crate::room::settings::Settings;

/// The prefix under which the core answers itself.
pub const PREFIX: &str = "/rt/";

/// The publish API is what other servers say: the backend answers it, though it is below `PREFIX`. A page of another site may not
/// ask it, and is offered no preflight.
pub const API: &str = "/rt/api/";

/// The browser's client, and its source map: a file, which the backend gives to whoever asks.
pub const SCRIPT: &str = "/rt/client.js";

/// The page of operators, and its files: the backend gives them to whoever asks. What they show is asked of `API`, with a key.
pub const CONSOLE: &str = "/rt/console";

/// Where a load balancer asks whether to send more.
pub const HEALTH: &str = "/healthz";

/// Where probes ask: the backend answers, and no other path is served while the server stops.
pub const PROBES: [&str; 3] = [HEALTH, "/livez", "/readyz"];

/// A path of the application's own: WebSocket messages without envelope, session or log.
#[derive(Clone, Debug)]
pub struct RawPath {
    /// Matched as it is, before the `?`; one that ends with `/*` stands for all that begin so, and go on.
    pub path: String,
    /// Longest message, bytes.
    pub max_message: usize,
}

impl RawPath {
    /// Which of them a path is: the one that is just so, or else the longest that it begins with.
    #[must_use]
    pub fn find(all: &[Self], path: &str) -> Option<usize> {
        let exact = all.iter().position(|each| each.path == path);
        let begins = |each: &&(usize, &Self)| {
            each.1.path.strip_suffix('*').is_some_and(|begin| {
                begin.ends_with('/') && path.strip_prefix(begin).is_some_and(|rest| !rest.is_empty())
            })
        };
        let longest =
            || all.iter().enumerate().filter(|each| begins(&each)).max_by_key(|each| each.1.path.len());
        exact.or_else(|| longest().map(|(at, _)| at))
    }
}

/// A stream of items, by its name.
#[derive(Clone, Debug)]
pub struct StreamPath {
    /// What an `open` calls it.
    pub name: String,
    /// Its items go up; else down.
    pub up: bool,
    /// For how long its reader may be away (ms); none: the application has not said it.
    pub away_ms: Option<u64>,
}

impl StreamPath {
    /// One of which the application has said no more.
    #[must_use]
    pub fn new(name: &str, up: bool) -> Self {
        Self { name: name.to_owned(), up, away_ms: None }
    }
}

/// The settings of an engine.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the application")]
pub struct Config {
    /// Numbers.
    pub limits: Limits,
    /// Whether the application decides who a session is; else all are anonymous.
    pub authenticates: bool,
    /// Whether it wants to hear that sessions open, return and go away.
    pub lifecycle: bool,
    /// Whether somebody takes what is not ours; else it gets 404.
    pub backend: bool,
    /// Whether it wants to hear of each message that is refused.
    pub tells_faults: bool,
    /// Whether a token may stand in a URL, where logs and histories see it.
    pub token_in_url: bool,
    /// Whether event streams are compressed for who takes gzip.
    pub compress_events: bool,
    /// Whether only loopback names are taken in `Host`.
    pub loopback_only: bool,
    /// Whether there is a store: only then may anything be durable.
    pub store: bool,
    /// Rooms by pattern.
    pub rooms: Vec<Settings>,
    /// Events by name: the index is what a request tells the application.
    pub events: Vec<String>,
    /// Those of them whose requests are on disk before their handlers run, and their acks before they leave.
    pub durable_events: Vec<String>,
    /// Raw sockets by path.
    pub raws: Vec<RawPath>,
    /// Streams of items: the index is what the application is told.
    pub streams: Vec<StreamPath>,
    /// Origins allowed beside the server's own.
    pub origins: Vec<String>,
    /// Names allowed in `Host` beside loopback's.
    pub hosts: Vec<String>,
    /// Proxies whose word about their clients counts.
    pub proxies: Vec<Cidr>,
    /// Whether a connection of theirs begins with a PROXY header.
    pub proxy_protocol: bool,
    /// Which of their fields is believed.
    pub believed: Believed,
}

impl Config {
    /// What may be a name, and a key.
    pub(super) fn names(&self) -> Names {
        Names::of(&self.limits)
    }
}
