//! One room, as a session that is in it knows it.

use crate::ids::{RoomId, Seq};

/// A room that a session is in.
#[derive(Clone, Copy, Debug)]
pub struct Joined {
    room: RoomId,
    join_id: u64,
    moved: u64,
    latest_until: Seq,
    mark: u64,
}

impl Joined {
    /// It is in the room from now on, by a `join` with this id, and knows who is in it up to `mark`.
    pub(super) fn new(room: RoomId, join_id: u64, mark: u64) -> Self {
        Self { room, join_id, moved: 0, latest_until: 0, mark }
    }

    pub(super) fn again(&mut self, join_id: u64) {
        self.join_id = join_id;
    }

    /// Which room.
    #[inline]
    pub fn room(&self) -> RoomId {
        self.room
    }

    /// The id of the `join`: sent again because it had no ack, it is answered with its history.
    pub fn join_id(&self) -> u64 {
        self.join_id
    }

    /// The id of the newest join or leave of this room (`moves`).
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// A join or leave of this room with this id was taken.
    pub fn note_move(&mut self, id: u64) {
        self.moved = self.moved.max(id);
    }

    /// Policy `latest`: up to this number only the newest entry of each slot is fed.
    #[inline]
    pub fn latest_until(&self) -> Seq {
        self.latest_until
    }

    /// Policy `latest`: what is older than the newest of its slot is passed over, up to this number.
    pub fn pass_older(&mut self, until: Seq) {
        self.latest_until = until;
    }

    /// While the session lags: the presence mark that it was told up to.
    #[inline]
    pub fn mark(&self) -> u64 {
        self.mark
    }

    /// It knows who is in the room up to this mark, and no further.
    pub fn mark_at(&mut self, mark: u64) {
        self.mark = mark;
    }

    /// It knows who is in the room at least up to this mark.
    #[inline]
    pub fn mark_past(&mut self, mark: u64) {
        self.mark = self.mark.max(mark);
    }
}
