//! Who listens to a durable room hears nothing beyond what waits for the disk; and who joins it or reads its past is
//! answered from what is there.
//!
//! Parts: Durable, Log, Next, Rooms, Sessions.

use crate::engine::Engine;
use crate::engine::next::Follow;
use crate::ids::{Seq, SessionId};

impl Engine {
    /// The lowest number that waits for the disk and that a session is to hear.
    pub(in crate::engine) fn waits_for(&self, session: SessionId) -> Option<Seq> {
        if self.durable.wall.is_empty() {
            return None;
        }
        let owed = self.session(session)?.rooms().iter().filter_map(|joined| {
            let began = self.room(joined.room())?.member(session)?.began;
            self.durable.wall.first_of(joined.room(), began)
        });
        owed.min()
    }

    /// Where a listener that was handed everything up to `cursor`, but what waits for the disk, goes on. It is fed again when
    /// the wall is lower.
    pub(in crate::engine) fn before_the_wall(&mut self, session: SessionId, cursor: Seq) -> Seq {
        if !self.durable.wall.holds(session) {
            return cursor;
        }
        match self.waits_for(session) {
            Some(first) if first <= cursor => {
                self.durable.wall.stand(session);
                first.saturating_sub(1)
            }
            Some(_) => cursor,
            None => {
                // What waited was refused: nothing holds it.
                self.next.add(Follow::Feed(session));
                cursor
            }
        }
    }

    /// Up to which number a listener may be fed now.
    pub(in crate::engine) fn may_hear_upto(&self, session: SessionId) -> Seq {
        let head = self.log.head();
        self.waits_for(session).map_or(head, |first| head.min(first.saturating_sub(1)))
    }

    /// A listener was fed up to the wall. Whether all that is left for it waits for the disk: then it is live, and gets that as
    /// it comes. Else it is fed again when the wall is lower.
    pub(in crate::engine) fn only_waits(&mut self, session_id: SessionId, upto: Seq) -> bool {
        if upto >= self.log.head() {
            if !self.durable.wall.is_empty() {
                self.durable.wall.mark(session_id, 0);
            }
            return true;
        }
        let Some(session) = self.session(session_id) else { return false };
        let mut mark = 0;
        let own = session.own_ring();
        let mut only = own.is_none_or(|ring| ring.first_after(upto).is_none());
        for joined in session.rooms() {
            let Some(room) = self.room(joined.room()) else { continue };
            mark = mark.max(self.durable.wall.last_of(joined.room()).unwrap_or(0));
            // Entries that wait are settled in the order of their numbers: above the first of them there are no others here.
            only &= room.is_durable() || room.ring().first_after(upto).is_none();
        }
        if only {
            self.durable.wall.mark(session_id, mark);
        } else {
            self.durable.wall.stand(session_id);
        }
        only
    }
}
