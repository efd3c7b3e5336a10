//! The outbox of one connection: two lanes of references into the arena.
//!
//! What is said to this peer alone and cannot wait (acks, pings, advice to close) goes ahead of
//! waiting data, but never into the middle of a frame. The data lane is bounded: when it is full the
//! session lags, which means that it keeps its cursor and nothing else.
//!
//! Invariant: the data lane begins where a frame begins; what is left of a frame that was partly
//! written stands at the head of the control lane.

use super::arena::{Arena, Meta, Segment};
use std::collections::VecDeque;

/// Which lane a frame takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Ahead of waiting data.
    Control,
    /// In order, bounded.
    Data,
}

/// What waits for one connection.
#[derive(Debug, Default)]
pub struct Outbox {
    control: VecDeque<Segment>,
    data: VecDeque<Segment>,
    control_bytes: usize,
    data_bytes: usize,
}

fn append(lane: &mut VecDeque<Segment>, segment: Segment, arena: &mut Arena) {
    if let Some(last) = lane.back_mut()
        && last.chunk == segment.chunk
        && last.end == segment.start
    {
        last.end = segment.end; // one reference serves both
        return;
    }
    arena.hold(segment);
    lane.push_back(segment);
}

impl Outbox {
    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.control.is_empty() && self.data.is_empty()
    }

    /// Bytes that wait in the control lane.
    #[must_use]
    pub fn control_bytes(&self) -> usize {
        self.control_bytes
    }

    /// Bytes that wait in the data lane.
    #[must_use]
    pub fn data_bytes(&self) -> usize {
        self.data_bytes
    }

    /// Add a frame, whatever waits already.
    pub fn push(&mut self, lane: Lane, segment: Segment, arena: &mut Arena) {
        match lane {
            Lane::Control => {
                self.control_bytes += segment.len();
                append(&mut self.control, segment, arena);
            }
            Lane::Data => {
                self.data_bytes += segment.len();
                append(&mut self.data, segment, arena);
            }
        }
    }

    /// Add a frame to the data lane if it has room: a frame that is larger than the bound goes alone.
    #[must_use]
    pub fn offer(&mut self, segment: Segment, bound: usize, arena: &mut Arena) -> bool {
        self.offer_beside(0, segment, bound, arena)
    }

    /// The same, where so many bytes of the data lane do not count.
    #[must_use]
    pub fn offer_beside(&mut self, beside: usize, segment: Segment, bound: usize, arena: &mut Arena) -> bool {
        let held = self.data_bytes.saturating_sub(beside);
        if held + segment.len() > bound && held > 0 {
            return false;
        }
        self.data_bytes += segment.len();
        append(&mut self.data, segment, arena);
        true
    }

    /// What is to be written next, in order, at most `max` pieces.
    pub fn gather<'a>(&self, arena: &'a Arena, into: &mut Vec<&'a [u8]>, max: usize) {
        let most = into.len().saturating_add(max);
        // By number: mostly it is one piece of one lane, this is done for each delivery, and an iterator over a ring
        // makes two slices of it first.
        for lane in [&self.control, &self.data] {
            let mut at = 0;
            while let Some(segment) = lane.get(at) {
                if into.len() >= most {
                    return;
                }
                at += 1;
                let [ours, lent] = arena.slices(*segment);
                if !ours.is_empty() {
                    into.push(ours);
                }
                if !lent.is_empty() && into.len() < most {
                    into.push(lent);
                }
            }
        }
    }

    /// All that is to be written, in order.
    pub fn pieces<'a>(&self, arena: &'a Arena) -> impl Iterator<Item = &'a [u8]> {
        let segments = self.control.iter().chain(&self.data);
        segments.flat_map(|segment| arena.slices(*segment)).filter(|piece| !piece.is_empty())
    }

    /// `n` bytes of what `gather` showed have left.
    pub fn consume(&mut self, mut n: usize, arena: &mut Arena) {
        while n > 0
            && let Some(front) = self.control.front_mut()
        {
            let taken = n.min(front.len());
            n -= taken;
            self.control_bytes -= taken;
            if taken == front.len() {
                arena.release(*front);
                self.control.pop_front();
            } else {
                front.start += u32::try_from(taken).expect("less than the segment");
            }
        }
        while n > 0
            && let Some(front) = self.data.front_mut()
        {
            let taken = n.min(front.len());
            n -= taken;
            self.data_bytes -= taken;
            if taken == front.len() {
                arena.release(*front);
                self.data.pop_front();
                continue;
            }
            front.start += u32::try_from(taken).expect("less than the segment");
            let (begins, ends, _) = arena.frame_at(front.chunk, front.start);
            if begins < front.start {
                let rest = Segment { end: ends, ..*front };
                self.data_bytes -= rest.len();
                self.control_bytes += rest.len();
                if ends == front.end {
                    self.data.pop_front(); // its reference goes over to the rest
                } else {
                    front.start = ends;
                    arena.hold(rest);
                }
                self.control.push_front(rest);
            }
        }
        if self.control.is_empty() && self.control.capacity() > 64 {
            self.control = VecDeque::new();
        }
        if self.data.is_empty() && self.data.capacity() > 64 {
            self.data = VecDeque::new();
        }
    }

    /// Let go of waiting data; a frame that was begun stays.
    pub fn drop_data(&mut self, arena: &mut Arena) {
        for segment in self.data.drain(..) {
            arena.release(segment);
        }
        self.data_bytes = 0;
    }

    /// Let go of everything that waits.
    pub fn clear(&mut self, arena: &mut Arena) {
        self.drop_data(arena);
        for segment in self.control.drain(..) {
            arena.release(segment);
        }
        self.control_bytes = 0;
    }

    /// Take out of the waiting data each frame that `keep` refuses.
    pub fn retain(&mut self, arena: &mut Arena, keep: impl Fn(Meta) -> bool) {
        let before = std::mem::take(&mut self.data);
        self.data_bytes = 0;
        for segment in before {
            let mut at = segment.start;
            while at < segment.end {
                let (start, end, meta) = arena.frame_at(segment.chunk, at);
                if keep(meta) {
                    self.push(Lane::Data, Segment { chunk: segment.chunk, start, end }, arena);
                }
                at = end;
            }
            arena.release(segment);
        }
    }

    /// The frames of the data lane, in order.
    pub fn waiting<'a>(&'a self, arena: &'a Arena) -> impl Iterator<Item = (Meta, usize)> + 'a {
        self.data.iter().flat_map(move |segment| {
            let (mut at, segment) = (segment.start, *segment);
            std::iter::from_fn(move || {
                if at >= segment.end {
                    return None;
                }
                let (start, end, meta) = arena.frame_at(segment.chunk, at);
                at = end;
                Some((meta, (end - start) as usize))
            })
        })
    }
}
