//! Joins of durable rooms: done at once, on disk before they are answered, and answered after what waits in the room.
//!
//! Parts: Asked, Durable, Rooms, Shared.

use super::reading::late;
use super::say::{refused, sync_of};
use crate::asked::{Entering, Joining, Waiting};
use crate::codes::Code;
use crate::durable::Refusing;
use crate::durable::promise::{Fate, Promise};
use crate::engine::Engine;
use crate::engine::events::Leaving;
use crate::engine::moves::was_taken_out;
use crate::error::Fault;
use crate::ids::{Now, RoomId, SessionId};
use crate::room::grants::Grants;
use crate::room::settings::Durability;

impl Engine {
    /// Whether a session may come into a room now: where the store takes nothing, nobody new gets into a durable one.
    pub(in crate::engine) fn may_enter(&self, session: SessionId, room_id: RoomId) -> Result<(), Fault> {
        let Some(refusing) = self.durable.refusing() else { return Ok(()) };
        let Some(room) = self.room(room_id) else { return Ok(()) };
        if room.is_durable() && room.member(session).is_none() {
            return Err(refused(refusing));
        }
        Ok(())
    }

    /// A session is in a durable room: its join is answered when that is on disk, with all that was said before. `before`:
    /// what it might there, if it was in it; `writes`: of a collection, whether it writes as another now. Joins of one that is still on its way to the disk have its fate.
    pub(in crate::engine) fn enter_durably(
        &mut self,
        entering: Entering,
        before: Option<Grants>,
        writes: bool,
        now: Now,
    ) {
        let (session, room) = (entering.joining.session, entering.room);
        let changed = writes || before.is_none() || before != self.grants_in(room, session);
        let settled = self.durable.wall.last_of(room).is_none()
            && !self.durable.shelves.is_filling(room)
            && !self.shared.is_shelved(&entering.joining.room);
        if !changed && let Some(earlier) = self.earlier_join(session, room) {
            let ticket = self.join_waits(entering, now);
            self.durable.groups.join_with(earlier, ticket);
            return;
        }
        if !changed && settled {
            self.tell_entered(entering);
            return;
        }
        let ticket = self.join_waits(entering, now);
        let facts = if changed { self.facts_of_entering(session, room, now) } else { Vec::new() };
        if facts.is_empty() {
            self.promise_behind(Promise::Join(ticket));
            return;
        }
        let durable = self.room(room).map_or(Durability::Off, |room| room.settings().durable);
        self.durable.keep(facts, sync_of(durable), Some(Promise::Join(ticket)));
    }

    fn join_waits(&mut self, entering: Entering, now: Now) -> u64 {
        let ticket = self.ticket(Waiting::Entering(Box::new(entering)));
        self.durable.joins.take(ticket, now.tick);
        self.time_store(now);
        ticket
    }

    /// Joins of sessions that are gone wait for nothing.
    pub(super) fn forget_joins(&mut self) {
        while let Some(ticket) = self.durable.joins.oldest()
            && !matches!(self.asked.get(ticket), Some(Waiting::Entering(_)))
        {
            self.durable.joins.forget(ticket);
        }
    }

    /// Joins that have waited for as long as anything does. One that brings a session into its room is undone, on disk too, once
    /// that answers; any other is answered as it is here.
    pub(super) fn joins_due(&mut self, now: Now) {
        let slow = Fate::Refused(late());
        while let Some(ticket) = self.durable.joins.overdue(now.tick) {
            let fate = if self.durable.groups.is_behind(ticket) { &Fate::Written } else { &slow };
            self.join_is(ticket, fate, now);
        }
    }

    /// The join of the same that is still on its way to the disk.
    fn earlier_join(&self, session: SessionId, room: RoomId) -> Option<u64> {
        self.durable.groups.joins().find(|ticket| {
            matches!(self.asked.get(*ticket), Some(Waiting::Entering(earlier))
                if earlier.joining.session == session && earlier.room == room)
        })
    }

    /// A join that waited for what is told of its room may go on.
    pub(in crate::engine) fn join_goes_on(&mut self, ticket: u64, now: Now) {
        self.join_is(ticket, &Fate::Written, now);
    }

    /// What became of a join.
    pub(super) fn join_is(&mut self, ticket: u64, fate: &Fate, now: Now) {
        self.durable.joins.forget(ticket);
        let filling = match self.asked.get_mut(ticket) {
            Some(Waiting::Entering(entering)) => entering.room,
            _ => return,
        };
        if *fate == Fate::Written
            && (self.durable.shelves.wait(filling, ticket) || self.join_waits_for_collection(filling, ticket))
        {
            return; // it is answered when the room is filled, and its collection read
        }
        let Some(Waiting::Entering(mut entering)) = self.answered(ticket) else { return };
        match fate {
            // Where an earlier one was refused it is not in the room any more, and this one stood on it.
            Fate::Refused(trouble)
                if entering.fresh || self.grants_in(entering.room, entering.joining.session).is_none() =>
            {
                self.leave(entering.joining.session, entering.room, Leaving::Removed, now);
                let fault = refused(&Refusing::Trouble(trouble.clone()));
                self.tell_fault(entering.joining.session, &fault.with_id(entering.joining.id));
            }
            _ => {
                let (session, room) = (entering.joining.session, entering.room);
                entering.sync = entering.sync.or_else(|| self.show_collection(session, room));
                self.tell_entered(*entering);
            }
        }
    }

    /// What is told of a join that was done, and undone before it was answered.
    pub(in crate::engine) fn not_in_it(&self, joining: &Joining) -> Fault {
        let Joining { session, id, room, .. } = joining;
        if self.is_overtaken(*session, room, *id) {
            let told = format!("a later join or leave of {room:?} was taken before this one was answered");
            return Fault::new(Code::AckExpired, told);
        }
        was_taken_out(room)
    }
}
