//! All outboxes, the arena that they refer to, and the list of connections with something to write.
//!
//! Whatever leaves goes through here in one step: the frame is written into the arena, the outbox refers to it, and the
//! connection stands on the list. What is said to many is written once (`Copies`), and what a lagging listener is fed goes
//! through a view of its outbox alone (`Feeding`): who has such a view may do that and nothing else.
//!
//! Invariants:
//! - A connection's outbox is its own: it is found by the whole handle, and whoever has the place next begins with an empty one.
//! - A connection stands on the list at most once, and each one with something new in its outbox stands there.
//! - The arena counts as many references as the outboxes hold, but for what a `Copies` holds while it is there.

use super::arena::{Arena, Meta};
use super::lanes::{Lane, Outbox};
use super::lent::Lent;
use super::views::{Copies, Feeding, Packing, Part, Place, Waits, place_of};
use crate::compress::{Algorithm, Tools};
use crate::ids::ConnId;
use crate::log::entry::ENCODINGS;

/// What waits to leave.
#[derive(Debug)]
pub struct Out {
    /// By a connection's slot.
    places: Vec<Place>,
    arena: Arena,
    list: Vec<ConnId>,
    /// How much of the list was taken in this turn.
    taken: usize,
    tools: Tools,
    compress_from: usize,
    bound: usize,
}

impl Out {
    /// No outbox yet. The data lane of each takes `bound` bytes; messages of `compress_from` bytes on are compressed.
    #[must_use]
    pub fn new(bound: usize, compress_from: usize) -> Self {
        Self {
            places: Vec::new(),
            arena: Arena::default(),
            list: Vec::new(),
            taken: 0,
            tools: Tools::default(),
            compress_from,
            bound,
        }
    }

    /// Bytes that were given to be made smaller since the start, and how many they became.
    #[must_use]
    pub const fn tried_to_compress(&self) -> (u64, u64) {
        self.tools.tried()
    }

    /// A connection came.
    pub fn open(&mut self, id: ConnId) {
        if self.places.len() <= id.index() {
            self.places.resize_with(id.index() + 1, Place::default);
        }
        let place = &mut self.places[id.index()];
        debug_assert!(place.owner.is_none() && place.outbox.is_empty(), "a place is free, and as new");
        place.owner = Some(id);
    }

    /// A connection is gone, with what waited for it.
    pub fn close(&mut self, id: ConnId) {
        if let Some(place) = place_of(&mut self.places, id) {
            place.outbox.clear(&mut self.arena);
            *place = Place::default();
        }
    }

    /// Say something to one connection, whatever waits already: `write` appends the frame.
    pub fn say(&mut self, id: ConnId, lane: Lane, meta: Meta, write: impl FnOnce(&mut Vec<u8>)) {
        self.say_packed(id, lane, meta, |out, _| write(out));
    }

    /// The same, where the frame may be compressed.
    pub fn say_packed(
        &mut self,
        id: ConnId,
        lane: Lane,
        meta: Meta,
        write: impl FnOnce(&mut Vec<u8>, Packing<'_>),
    ) {
        let Self { places, arena, list, tools, compress_from, .. } = self;
        let Some(place) = place_of(places, id) else {
            debug_assert!(false, "something is said to a connection that is gone");
            return;
        };
        let frame = arena.frame(meta, |out| write(out, Packing { tools, from: *compress_from, about: 0 }));
        if !frame.is_empty() {
            place.outbox.push(lane, frame, arena);
            place.enlist(list);
        }
    }

    /// Say to one connection, behind whatever waits in its data lane, what is lent: `head` appends what stands before it.
    pub fn say_lent(&mut self, id: ConnId, meta: Meta, lent: Lent, head: impl FnOnce(&mut Vec<u8>)) {
        let Self { places, arena, list, .. } = self;
        let Some(place) = place_of(places, id) else {
            debug_assert!(false, "something is said to a connection that is gone");
            return;
        };
        let frame = arena.lend(meta, lent, head);
        place.outbox.push(Lane::Data, frame, arena);
        place.enlist(list);
    }

    /// Say something to many: the frame is written once for each encoding that one of them hears. The data lanes take so
    /// many `parts` of their bound.
    pub fn copies(&mut self, meta: Meta, parts: Part) -> Copies<'_> {
        let bound = match parts {
            Part::Whole => self.bound,
            Part::Quarter => self.bound / 4,
        };
        let Self { places, arena, list, tools, compress_from, .. } = self;
        let packing = Packing { tools, from: *compress_from, about: 0 };
        Copies { places, arena, list, packing, meta, bound, frames: [None; ENCODINGS] }
    }

    /// Feed one connection from the past. None: it is gone.
    pub fn feeding(&mut self, id: ConnId) -> Option<Feeding<'_>> {
        let Self { places, arena, list, tools, compress_from, bound, .. } = self;
        let place = place_of(places, id)?;
        let packing = Packing { tools, from: *compress_from, about: 0 };
        Some(Feeding { place, arena, list, packing, bound: *bound, beside: 0 })
    }

    /// What a frame or a body holds that is compressed, and what inflates it.
    pub fn tools(&mut self) -> &mut Tools {
        &mut self.tools
    }

    /// A body, compressed; none: it is too short for that, or it does not pay.
    pub fn pack_body(&mut self, coding: Algorithm, body: &[u8]) -> Option<Vec<u8>> {
        let mut packed = Vec::new();
        let pays = body.len() >= self.compress_from && self.tools.pack_bare(coding, body, &mut packed);
        pays.then_some(packed)
    }

    /// Bytes that a data lane takes.
    #[must_use]
    pub fn bound(&self) -> usize {
        self.bound
    }

    /// Whether nothing waits for a connection.
    #[must_use]
    pub fn is_empty(&self, id: ConnId) -> bool {
        self.outbox(id).is_none_or(Outbox::is_empty)
    }

    /// Bytes that wait in its data lane.
    #[must_use]
    pub fn data_bytes(&self, id: ConnId) -> usize {
        self.outbox(id).map_or(0, Outbox::data_bytes)
    }

    /// Bytes that wait in its control lane.
    #[must_use]
    pub fn control_bytes(&self, id: ConnId) -> usize {
        self.outbox(id).map_or(0, Outbox::control_bytes)
    }

    /// The frames of its data lane, in order, with their lengths.
    pub fn waiting(&self, id: ConnId) -> impl Iterator<Item = (Meta, usize)> + '_ {
        self.outbox(id).into_iter().flat_map(|outbox| outbox.waiting(&self.arena))
    }

    /// All that waits for it, in order.
    pub fn pieces(&self, id: ConnId) -> impl Iterator<Item = &[u8]> {
        self.outbox(id).into_iter().flat_map(|outbox| outbox.pieces(&self.arena))
    }

    /// What is to be written next, in order, at most `max` pieces. It stays until it has `left`.
    pub fn gather<'a>(&'a self, id: ConnId, into: &mut Vec<&'a [u8]>, max: usize) {
        if let Some(outbox) = self.outbox(id) {
            outbox.gather(&self.arena, into, max);
        }
    }

    /// `n` bytes of what `gather` showed have left. What waits still.
    pub fn left(&mut self, id: ConnId, n: usize) -> Waits {
        let Some(place) = place_of(&mut self.places, id) else { return Waits::default() };
        place.outbox.consume(n, &mut self.arena);
        place.waits()
    }

    /// Let go of its waiting data; a frame that was begun stays.
    pub fn drop_data(&mut self, id: ConnId) {
        if let Some(place) = place_of(&mut self.places, id) {
            place.outbox.drop_data(&mut self.arena);
        }
    }

    /// Let go of all that waits for it.
    pub fn clear(&mut self, id: ConnId) {
        if let Some(place) = place_of(&mut self.places, id) {
            place.outbox.clear(&mut self.arena);
        }
    }

    /// Take out of its waiting data each frame that is meant.
    pub fn take_back(&mut self, id: ConnId, meant: impl Fn(Meta) -> bool) {
        if let Some(place) = place_of(&mut self.places, id) {
            place.outbox.retain(&mut self.arena, |meta| !meant(meta));
        }
    }

    /// What is said to it is gathered for an answer from now on.
    pub fn gather_for(&mut self, id: ConnId) {
        if let Some(place) = place_of(&mut self.places, id) {
            place.gathers = true;
        }
    }

    /// It leaves as it is said from now on.
    pub fn gather_no_more(&mut self, id: ConnId) {
        if let Some(place) = place_of(&mut self.places, id) {
            place.gathers = false;
        }
    }

    /// Whether it is.
    #[must_use]
    pub fn gathers(&self, id: ConnId) -> bool {
        self.places.get(id.index()).is_some_and(|place| place.owner == Some(id) && place.gathers)
    }

    /// There is something to do for it at the end of the turn, though perhaps nothing to write yet.
    pub fn enlist(&mut self, id: ConnId) {
        if let Some(place) = place_of(&mut self.places, id) {
            place.enlist(&mut self.list);
        }
    }

    /// The next connection on the list, which it leaves, and what waits for it; none: that was all.
    pub fn next_listed(&mut self) -> Option<(ConnId, Waits)> {
        while let Some(id) = self.list.get(self.taken).copied() {
            self.taken += 1;
            // Whoever has a place now stands on the list by itself.
            if let Some(place) = place_of(&mut self.places, id) {
                debug_assert!(place.dirty, "who stands on the list knows it");
                place.dirty = false;
                return Some((id, place.waits()));
            }
        }
        self.list.clear(); // its room is used again
        self.taken = 0;
        None
    }

    /// Whether somebody stands on the list.
    #[must_use]
    pub fn has_listed(&self) -> bool {
        !self.list.is_empty()
    }

    fn outbox(&self, id: ConnId) -> Option<&Outbox> {
        self.places.get(id.index()).filter(|place| place.owner == Some(id)).map(|place| &place.outbox)
    }

    /// Bytes that the arena holds, used or kept.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.arena.memory()
    }

    /// References into the arena: 0 when nothing waits anywhere.
    #[must_use]
    pub fn references(&self) -> usize {
        self.arena.references()
    }

    /// How many outboxes have something in them, gather answers, and stand on the list; and how long that is.
    #[must_use]
    pub fn count(&self) -> [usize; 4] {
        let count = |is: fn(&Place) -> bool| self.places.iter().filter(|place| is(place)).count();
        [
            count(|place| !place.outbox.is_empty()),
            count(|place| place.gathers),
            count(|place| place.dirty),
            self.list.len(),
        ]
    }
}
