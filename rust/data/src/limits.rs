//! Every number of shared data, in one place, each with its unit and its reason.

/// Declares numbers that nobody sets, and beside them the table of all, for the core's tables too.
#[macro_export]
macro_rules! fixed {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ty = $value:expr;)+) => {
        $($(#[doc = $doc])+ pub const $name: $kind = $value;)+
        /// Name, value and description of each.
        pub const TABLE: &[(&str, u64, &str)] =
            &[$((stringify!($name), $name as u64, concat!($($doc, "\n"),+)),)+];
    };
}

const KIB: usize = 1024;

fixed! {
    /// Longest epoch in a position (bytes).
    EPOCH: usize = 32;
    /// Documents in one answer of `pull`; the bytes of `DATA_PAGE_BYTES` are mostly fewer.
    DATA_PAGE: usize = 1_000;
    /// Bytes of them: a browser sees nothing of a message until it is whole, so pages are short.
    DATA_PAGE_BYTES: usize = 256 * KIB;
    /// Changes in one `push`.
    DATA_PUSH: usize = 100;
    /// Bytes of them, unless it is one alone.
    DATA_PUSH_BYTES: usize = 256 * KIB;
    /// Pushes of a collection that a client has in flight: a round trip does not bound how much is said in a second.
    DATA_LANES: usize = 4;
    /// Longest key of a document (bytes).
    DATA_KEY: usize = 255;
    /// Removed fields of a document whose last change is known one by one; older ones count as changed at the highest let go.
    DATA_REMOVED: usize = 64;
    /// Outcomes that are kept for a writer that has not said `seen`.
    DATA_OUTCOMES: usize = 1_000;
    /// How long a writer is remembered after its last push (ms), and a tombstone after its delete: a laptop that was closed for a season.
    DATA_WRITER_MS: u64 = 90 * 86_400_000;
    /// A change that arrives so soon after it was made (ms) was made online: the log's order decides, and no clock.
    DATA_ONLINE_MS: u64 = 10_000;
    /// How often an application's function is asked about one change, because the key changed while it thought.
    DATA_ASKED: u32 = 8;
    /// Wait before a change that was held for a limit is said again (ms).
    DATA_HELD_MS: u64 = 2_500;
    /// Writers whose part of one CRDT is kept apart; the oldest beyond are one together.
    DATA_REPLICAS: usize = 1_000;
    /// Deletes of keys that are not held which a client remembers while a pull is under way; changes that it sets aside.
    DATA_ASIDE: usize = 10_000;
    /// Updates of a text that lie apart; beyond they are merged in the background: a page of them costs its reader no more.
    YJS_APART: usize = 500;
    /// Bytes of them beside the first, which is what was merged before.
    YJS_APART_BYTES: usize = 256 * KIB;
    /// How deep a value in a text is nested: readers of it recur.
    YJS_DEPTH: usize = 64;
    /// Highest clock of a client in a text: some readers have 32 bits for it, with a sign.
    YJS_CLOCK: u64 = (1 << 31) - 1;
    /// Tombstones beyond those that are kept, before the oldest go: one by one each would cost a look at the whole.
    DATA_GRAVES: usize = 64;
    /// Two resets in so short a time (ms) are an error that is shown, and not a third.
    DATA_RESET_MS: u64 = 60_000;
}

/// The bounds of one collection. Sizes are bytes, times milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A document, as JSON: what is pushed, and what comes of it.
    pub value: usize,
    /// Fields of a document.
    pub fields: usize,
    /// Documents.
    pub keys: usize,
    /// Elements of a set.
    pub elements: usize,
    /// Writers that are remembered.
    pub writers: usize,
    /// Tombstones that are kept; the oldest go first.
    pub tombstones: usize,
    /// How long a tombstone is kept; never longer than a writer.
    pub tombstone_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            value: 1024 * KIB,
            fields: 1_000,
            keys: 1_000_000,
            elements: 10_000,
            writers: 10_000,
            tombstones: 100_000,
            tombstone_ms: DATA_WRITER_MS,
        }
    }
}
