//! A push that is under way: what was decided is said, what must be asked is asked, and in the end it is answered.
//!
//! Parts: Log, Next, Rooms, Sessions, Shared, Steps.

use crate::asked::Waiting;
use crate::engine::next::Follow;
use crate::engine::steps::of_bytes;
use crate::engine::{AppEvent, Engine};
use crate::envelope::{self, packed_tree, tree_bytes};
use crate::ids::{Form, Now, RoomId, SessionId};
use crate::log::entry::{Author, Where};
use crate::outbox::Meta;
use crate::shared::{Owed, Whose};
use rtcore_data::collection::{Ack, Answer, Decided, Question, Step, WriterId};
use rtcore_data::{Moment, Value};
use std::sync::Arc;

impl Engine {
    /// Go on with the push of a lane that is first, and with those behind it, as far as nobody must be asked.
    pub(super) fn go_on_pushing(&mut self, room: RoomId, writer: &WriterId, now: Now) {
        let Some(name) = self.rooms.get(room).map(|room| Arc::clone(room.name())) else { return };
        while self.push_step(room, &name, writer, now) {}
        self.weigh_collection(&name, now);
    }

    /// One step. False: somebody was asked, or nothing is left.
    fn push_step(&mut self, room: RoomId, name: &Arc<str>, writer: &WriterId, now: Now) -> bool {
        let Self { shared, log, .. } = self;
        let Some((collection, pushing)) = shared.get_mut(name).and_then(|held| held.under_way(writer)) else {
            return false;
        };
        if pushing.asked {
            return false;
        }
        let (session, id, serial) = (pushing.session, pushing.id, pushing.serial);
        let moment = Moment {
            epoch: log.epoch(),
            head: log.head(),
            next: log.head().saturating_add(1),
            now_ms: log.date(now),
        };
        match collection.step(&mut pushing.push, &moment) {
            Step::Ask(question) => {
                pushing.asked = true;
                let ticket =
                    self.ticket(Waiting::Change { session, room, writer: Box::new(writer.clone()), serial });
                self.ask_about(session, ticket, name, &question);
                false
            }
            Step::Decided(decided) => {
                self.steps.spend(1);
                let author = self.session(session).map(|session| Arc::clone(session.author()));
                self.say_change(room, *decided, author, now);
                true
            }
            Step::Ended(ack) => {
                self.push_is_over(name, writer, (session, id), ack);
                true
            }
        }
    }

    /// A push has its ack, which is told now, or when what it depends on is on disk.
    fn push_is_over(
        &mut self,
        name: &Arc<str>,
        writer: &WriterId,
        (session, id): (SessionId, Option<u64>),
        ack: Ack,
    ) {
        if let Some(held) = self.shared.get_mut(name) {
            held.over(writer);
            if let Some(after) = ack.after.filter(|after| !held.collection.has_kept(*after)) {
                held.owe(Owed { after, whose: Whose::Session(session, id, ack.data) });
                return;
            }
        }
        self.tell_pushed(session, id, &ack.data);
    }

    pub(super) fn tell_pushed(&mut self, session: SessionId, id: Option<u64>, ack: &Value) {
        let Some(id) = id else { return };
        let bytes = tree_bytes(ack, Form::Json);
        self.tell_reply(session, Some(id), |out, form| {
            envelope::ack(out, form, id, Some((&bytes, Form::Json)));
        });
    }

    fn ask_about(&mut self, session: SessionId, ticket: u64, name: &Arc<str>, question: &Question) {
        self.know(session);
        let (change, form) = packed_tree(&question.change);
        let change = (form, self.events.keep(&change));
        let theirs = question.theirs.as_ref().map(|theirs| {
            let (theirs, form) = packed_tree(theirs);
            (form, self.events.keep(&theirs))
        });
        let room = Arc::clone(name);
        self.events.list.push(AppEvent::Change {
            session,
            ticket,
            room,
            what: question.what as u8,
            change,
            theirs,
        });
    }

    /// The application's word about a change.
    pub fn answer_change(&mut self, ticket: u64, answer: Answer, now: Now) {
        self.entry(now, |engine| {
            let Some(Waiting::Change { session, room, writer, serial }) = engine.answered(ticket) else {
                return;
            };
            let Some(name) = engine.rooms.get(room).map(|room| Arc::clone(room.name())) else { return };
            let may = engine.may_write(session, room).and_then(|()| engine.may_say(room, false));
            let Some(held) = engine.shared.get_mut(&name) else { return };
            let Some((_, pushing)) = held.under_way(&writer).filter(|(_, it)| it.serial == serial) else {
                return;
            };
            pushing.asked = false;
            match may {
                Ok(()) => pushing.push.answer(answer),
                Err(fault) => {
                    let over = held.over(&writer);
                    engine.tell_fault(session, &fault.with_id(over.and_then(|over| over.id)));
                }
            }
            engine.go_on_pushing(room, &writer, now);
        });
    }

    /// A push was given up whose session is gone: those behind it go on.
    pub(in crate::engine) fn serve_lanes(&mut self, room: RoomId, now: Now) {
        let Some(name) = self.rooms.get(room).map(|room| Arc::clone(room.name())) else { return };
        if let Some(lane) = self.shared.get(&name).and_then(crate::shared::Held::idle_lane) {
            self.go_on_pushing(room, &lane, now);
            self.next.add(Follow::Lanes(room));
        }
    }

    /// Say what was decided, under the number under which it was; where it is kept, when it is.
    pub(super) fn say_change(
        &mut self,
        room_id: RoomId,
        decided: Decided,
        author: Option<Arc<Author>>,
        now: Now,
    ) {
        let Decided { entry: said, rows, serial, .. } = decided;
        self.tell_apart(room_id);
        let durable = self.is_durable(room_id);
        let Some(said) = said else {
            if durable {
                self.store_change(room_id, None, rows, serial, now);
            }
            return;
        };
        let data = tree_bytes(&said.data, Form::Json);
        self.steps.spend(of_bytes(data.len()));
        self.stats.published += 1;
        let Some(room) = self.rooms.get_mut(room_id) else { return };
        let (event, name) = (room.event("change"), Arc::clone(room.name()));
        let mut entry = self.log.draft(Where::Room(room_id, name), event, &data, Form::Json, now);
        entry.from = author;
        debug_assert_eq!(entry.time, said.time, "it was decided now");
        if durable {
            self.store_change(room_id, Some(entry), rows, serial, now);
            return;
        }
        let (ring, bounds) = room.filling();
        let entered = self.log.enter(entry, ring, bounds);
        debug_assert_eq!(entered.entry.seq, said.seq, "it was decided under the next number");
        let slot = u32::try_from(room_id.index()).expect("a slot's index");
        self.fan_out(room_id, &entered.entry, Meta::Entry { seq: said.seq, room: slot, encoding: 0 });
        self.stats.forgotten += entered.forgotten;
        self.keep_budget();
    }
}
