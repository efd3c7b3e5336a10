//! Views of the outboxes: who has one may do what it is for, and nothing else.
//!
//! `Copies` says one thing to many, `Feeding` feeds one listener from the past. Both borrow what they need of `Out`, so
//! while one is there nothing else leaves.

use super::arena::{Arena, Meta, Segment};
use super::lanes::Outbox;
use crate::compress::Tools;
use crate::ids::ConnId;
use crate::log::entry::ENCODINGS;

/// What compresses, for frames whose encoding wants it.
#[derive(Debug)]
pub struct Packing<'a> {
    pub tools: &'a mut Tools,
    /// The smallest message that is compressed (bytes).
    pub from: usize,
    /// What is like the message: see `Tools::pack`.
    pub about: u64,
}

impl Packing<'_> {
    /// The same for one more frame.
    pub fn again(&mut self) -> Packing<'_> {
        Packing { tools: self.tools, from: self.from, about: self.about }
    }
}

/// An outbox, and whose it is.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// None: nobody's.
    pub owner: Option<ConnId>,
    pub outbox: Outbox,
    /// Whether it stands on the list.
    pub dirty: bool,
    /// What is said is gathered for an answer over plain HTTP, and does not leave as it is.
    pub gathers: bool,
}

pub(super) fn place_of(places: &mut [Place], id: ConnId) -> Option<&mut Place> {
    places.get_mut(id.index()).filter(|place| place.owner == Some(id))
}

impl Place {
    /// How much waits here.
    pub fn waits(&self) -> Waits {
        Waits {
            data: self.outbox.data_bytes(),
            control: self.outbox.control_bytes(),
            empty: self.outbox.is_empty(),
            gathers: self.gathers,
        }
    }

    pub fn enlist(&mut self, list: &mut Vec<ConnId>) {
        if !self.dirty
            && let Some(owner) = self.owner
        {
            self.dirty = true;
            list.push(owner);
        }
    }
}

/// How much waits for one connection, in one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// Bytes in its data lane.
    pub data: usize,
    /// Bytes in its control lane.
    pub control: usize,
    /// Whether nothing does.
    pub empty: bool,
    /// Whether what is said to it is gathered for an answer.
    pub gathers: bool,
}

impl Default for Waits {
    fn default() -> Self {
        Self { data: 0, control: 0, empty: true, gathers: false }
    }
}

/// How much of a data lane's bound a message may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// A quarter: what waits is as old as it is much, and here the newest counts.
    Quarter,
}

/// Something that is said to many: written once for each encoding, referred to by each outbox.
#[derive(Debug)]
pub struct Copies<'a> {
    pub(super) places: &'a mut [Place],
    pub(super) arena: &'a mut Arena,
    pub(super) list: &'a mut Vec<ConnId>,
    pub(super) packing: Packing<'a>,
    pub(super) meta: Meta,
    pub(super) bound: usize,
    /// Held until everybody has them.
    pub(super) frames: [Option<Segment>; ENCODINGS],
}

impl Copies<'_> {
    /// Say it to the connection in this slot, in its encoding: `write` appends the frame, if nobody needed that encoding
    /// before. False: its outbox is full.
    pub fn offer(
        &mut self,
        slot: usize,
        encoding: u8,
        write: impl FnOnce(&mut Vec<u8>, Packing<'_>),
    ) -> bool {
        let Self { places, arena, list, packing, meta, bound, frames } = self;
        let frame = *frames[encoding as usize].get_or_insert_with(|| {
            let frame = frame_once(arena, meta.in_encoding(encoding), packing.again(), write);
            arena.hold(frame);
            frame
        });
        let place = &mut places[slot];
        debug_assert!(place.owner.is_some(), "a listener has a connection");
        if !place.outbox.offer(frame, *bound, arena) {
            return false;
        }
        place.enlist(list);
        true
    }
}

impl Drop for Copies<'_> {
    fn drop(&mut self) {
        for frame in self.frames.into_iter().flatten() {
            self.arena.release(frame);
        }
    }
}

/// The outbox of one listener that is fed.
#[derive(Debug)]
pub struct Feeding<'a> {
    pub(super) place: &'a mut Place,
    pub(super) arena: &'a mut Arena,
    pub(super) list: &'a mut Vec<ConnId>,
    pub(super) packing: Packing<'a>,
    pub(super) bound: usize,
    pub(super) beside: usize,
}

impl Feeding<'_> {
    /// So many bytes of what waits do not count.
    #[must_use]
    pub fn beside(self, bytes: usize) -> Self {
        Self { beside: bytes, ..self }
    }

    /// Say the next; `write` appends its frame, if it is in no chunk in use. False: the outbox is full.
    pub fn offer(&mut self, meta: Meta, encoding: u8, write: impl FnOnce(&mut Vec<u8>, Packing<'_>)) -> bool {
        let frame = frame_once(self.arena, meta.in_encoding(encoding), self.packing.again(), write);
        if !self.place.outbox.offer_beside(self.beside, frame, self.bound, self.arena) {
            return false;
        }
        self.place.enlist(self.list);
        true
    }
}

/// The frame of an entry that a chunk in use has, or a new one.
fn frame_once(
    arena: &mut Arena,
    meta: Meta,
    packing: Packing<'_>,
    write: impl FnOnce(&mut Vec<u8>, Packing<'_>),
) -> Segment {
    if let Meta::Entry { seq, encoding, .. } = meta
        && let Some(found) = arena.find(seq, encoding)
    {
        return found;
    }
    arena.frame(meta, |out| write(out, packing))
}
