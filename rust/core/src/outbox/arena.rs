//! Encoded bytes that several connections send: written once, referenced by all.
//!
//! Theory. A turn says much the same to many listeners. So each frame is written once, at the end of
//! the open *chunk*, and a listener's outbox refers to ranges of chunks. Two frames that a listener
//! hears one after the other stand one after the other in the chunk, so its second reference only
//! makes the first one longer: a delivery costs an addition, and what a listener is owed at the end
//! of a turn is mostly one range, which leaves in one `send`.
//!
//! Beside its bytes a chunk knows where each frame begins and what it is (`Meta`), once for all
//! listeners. So control frames can be put between two frames of waiting data, and what somebody may
//! no longer hear can be taken out of what waits for them.
//!
//! What is lent (`Lent`) has a chunk of its own: the frame's head in `bytes`, and behind it what is not ours. Both count
//! as one run of bytes, so that a reference to it is a range like any other.
//!
//! Invariants: `refs` is the number of segments outside that point into the chunk; a chunk without
//! any is empty or about to be filled; `index` holds exactly the entries of chunks in use.

use super::lent::Lent;
use crate::ids::Seq;
use hashbrown::HashMap;

/// A chunk takes no further frame once it holds this much: slow readers pin whole chunks, so they
/// are no larger than an outbox.
const FULL: usize = 48 * 1024;
/// Empty chunks kept for use again; more are given back to the allocator.
const KEPT: usize = 32;

/// What a frame is, for those who must find it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meta {
    /// An ack, an answer, a ping, plain HTTP: for one connection.
    Control,
    /// An entry of the log: its number, its room's slot (`u32::MAX`: the session alone), its encoding.
    Entry { seq: Seq, room: u32, encoding: u8 },
    /// An event without a number in a room.
    Volatile { room: u32 },
    /// A presence difference of a room.
    Presence { room: u32 },
    /// An item of a stream, or its end, by the stream's id.
    Item { id: u64 },
    /// A message of a raw socket.
    Raw,
}

impl Meta {
    /// The same; of an entry: its frame in this encoding.
    #[must_use]
    pub const fn in_encoding(self, encoding: u8) -> Self {
        match self {
            Self::Entry { seq, room, .. } => Self::Entry { seq, room, encoding },
            other => other,
        }
    }
}

/// A range of a chunk. It begins and ends where frames do, or inside one that is partly sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    pub(crate) chunk: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Segment {
    /// Its length in bytes.
    #[must_use]
    pub const fn len(self) -> usize {
        (self.end - self.start) as usize
    }
    /// Whether it holds nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }
}

#[derive(Debug, Default)]
struct Chunk {
    bytes: Vec<u8>,
    /// What stands behind them.
    lent: Option<Lent>,
    /// Where each frame begins, rising, and what it is.
    frames: Vec<(u32, Meta)>,
    refs: u32,
}

impl Chunk {
    fn len(&self) -> usize {
        self.bytes.len() + self.lent.as_ref().map_or(0, |lent| lent.bytes().len())
    }

    /// A range of a chunk that has something lent. Apart, for few have.
    #[cold]
    fn with_lent<'a>(&'a self, lent: &'a Lent, start: usize, end: usize) -> [&'a [u8]; 2] {
        let ours = self.bytes.len();
        [
            &self.bytes[start.min(ours)..end.min(ours)],
            &lent.bytes()[start.saturating_sub(ours)..end.saturating_sub(ours)],
        ]
    }
}

/// All chunks.
#[derive(Debug)]
pub struct Arena {
    chunks: Vec<Chunk>,
    free: Vec<u32>,
    open: u32,
    /// Entries whose frames are in a chunk in use, by number and encoding.
    index: HashMap<(Seq, u8), Segment, foldhash::fast::FixedState>,
}

impl Default for Arena {
    fn default() -> Self {
        Self {
            chunks: vec![Chunk::default()],
            free: Vec::new(),
            open: 0,
            // The keys are our own numbers: no peer chooses them.
            index: HashMap::with_hasher(foldhash::fast::FixedState::with_seed(7)),
        }
    }
}

fn small(n: usize) -> u32 {
    u32::try_from(n).expect("a chunk is shorter than 4 GiB")
}

impl Arena {
    /// Write one frame through `write`, which appends its bytes. Nothing refers to it yet: push the
    /// segment into an outbox, or `hold` it, before anything else is released.
    pub fn frame(&mut self, meta: Meta, write: impl FnOnce(&mut Vec<u8>)) -> Segment {
        if self.chunks[self.open as usize].bytes.len() >= FULL {
            self.turn_over();
        }
        let chunk = &mut self.chunks[self.open as usize];
        if chunk.refs == 0 && !chunk.bytes.is_empty() {
            // Written and never referred to (nobody was listening): its place is free again.
            let open = self.open;
            self.clear(open);
        }
        let chunk = &mut self.chunks[self.open as usize];
        let start = chunk.bytes.len();
        write(&mut chunk.bytes);
        chunk.frames.push((small(start), meta));
        let segment = Segment { chunk: self.open, start: small(start), end: small(chunk.bytes.len()) };
        if let Meta::Entry { seq, encoding, .. } = meta {
            self.index.insert((seq, encoding), segment);
        }
        segment
    }

    /// A frame whose payload is lent: `head` appends what stands before it. The same holds for it as for `frame`.
    pub fn lend(&mut self, meta: Meta, lent: Lent, head: impl FnOnce(&mut Vec<u8>)) -> Segment {
        let at = self.fresh();
        let chunk = &mut self.chunks[at as usize];
        head(&mut chunk.bytes);
        chunk.lent = Some(lent);
        chunk.frames.push((0, meta));
        Segment { chunk: at, start: 0, end: small(chunk.len()) }
    }

    /// The frame of an entry, if a chunk in use has it.
    #[must_use]
    pub fn find(&self, seq: Seq, encoding: u8) -> Option<Segment> {
        self.index.get(&(seq, encoding)).copied()
    }

    fn turn_over(&mut self) {
        let full = self.open;
        self.open = self.fresh();
        if self.chunks[full as usize].refs == 0 {
            self.give_back(full);
        }
    }

    /// An empty chunk.
    fn fresh(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.chunks.push(Chunk::default());
            small(self.chunks.len() - 1)
        })
    }

    fn clear(&mut self, chunk: u32) {
        let held = &mut self.chunks[chunk as usize];
        held.lent = None;
        for (start, meta) in held.frames.drain(..) {
            if let Meta::Entry { seq, encoding, .. } = meta {
                // A later copy of the same entry may stand in another chunk: keep that one.
                if self.index.get(&(seq, encoding)).is_some_and(|at| at.chunk == chunk && at.start == start) {
                    self.index.remove(&(seq, encoding));
                }
            }
        }
        held.bytes.clear();
        if held.bytes.capacity() > 3 * FULL {
            held.bytes = Vec::new();
        }
    }

    fn give_back(&mut self, chunk: u32) {
        self.clear(chunk);
        if self.free.len() >= KEPT {
            self.chunks[chunk as usize].bytes = Vec::new();
            self.chunks[chunk as usize].frames = Vec::new();
        }
        self.free.push(chunk);
    }

    /// One more reference to a segment's chunk.
    pub fn hold(&mut self, segment: Segment) {
        self.chunks[segment.chunk as usize].refs += 1;
    }

    /// One reference less.
    pub fn release(&mut self, segment: Segment) {
        let chunk = &mut self.chunks[segment.chunk as usize];
        chunk.refs -= 1;
        if chunk.refs == 0 {
            if segment.chunk == self.open {
                self.clear(segment.chunk);
            } else {
                self.give_back(segment.chunk);
            }
        }
    }

    /// The bytes of a segment: ours, and behind them what is lent. Either may be empty.
    #[must_use]
    #[inline]
    pub fn slices(&self, segment: Segment) -> [&[u8]; 2] {
        let chunk = &self.chunks[segment.chunk as usize];
        let (start, end) = (segment.start as usize, segment.end as usize);
        match &chunk.lent {
            None => [&chunk.bytes[start..end], &[]],
            Some(lent) => chunk.with_lent(lent, start, end),
        }
    }

    /// Where the frame that holds byte `at` of a chunk begins and ends, and what it is.
    #[must_use]
    pub fn frame_at(&self, chunk: u32, at: u32) -> (u32, u32, Meta) {
        let chunk = &self.chunks[chunk as usize];
        let next = chunk.frames.partition_point(|(start, _)| *start <= at);
        let (start, meta) = chunk.frames[next - 1];
        let end = chunk.frames.get(next).map_or(small(chunk.len()), |(start, _)| *start);
        (start, end, meta)
    }

    /// Bytes that chunks hold, used, kept or lent.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.chunks
            .iter()
            .map(|chunk| {
                let lent = chunk.len() - chunk.bytes.len();
                chunk.bytes.capacity() + lent + chunk.frames.capacity() * size_of::<(u32, Meta)>()
            })
            .sum()
    }

    /// References outside: 0 when nothing waits anywhere.
    #[must_use]
    pub fn references(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.refs as usize).sum()
    }
}
