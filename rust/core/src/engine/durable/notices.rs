//! What is told when it is on disk: where a session is not any more, what it may, that it is over.
//!
//! Parts: Conns, Durable, Log, Next, Out, Rooms.

use crate::codes::{Code, close};
use crate::conn::{Conn, Phase};
use crate::durable::notices::{Goodbye, Notice};
use crate::durable::promise::Promise;
use crate::engine::next::Follow;
use crate::engine::{AppEvent, Engine, errors};
use crate::envelope::write as envelope;
use crate::error::Fault;
use crate::ids::{ConnId, Form, Now, SessionId};
use crate::limits::fixed::STORE_MS;
use std::sync::Arc;

impl Engine {
    /// Tell this: when all that was decided is on disk if something of it is `kept`, or behind what waits of the same session;
    /// else now.
    pub(in crate::engine) fn notify(&mut self, notice: Notice, kept: bool, now: Now) {
        if kept {
            self.durable.notices.decided();
        } else if !self.durable.notices.is_behind(&notice) {
            self.say_notice(notice, true);
            return;
        }
        self.put_up(notice, now);
    }

    fn put_up(&mut self, notice: Notice, now: Now) {
        let number = self.durable.notices.add(notice, now.tick);
        self.promise_behind(Promise::Notice(number));
        self.time_store(now);
    }

    /// A promise that is kept when all that was decided so far is decided on disk.
    pub(in crate::engine) fn promise_behind(&mut self, promise: Promise) {
        self.durable.groups.promise_behind(promise);
        if self.durable.groups.has_settled() {
            self.next.add(Follow::Settle);
        }
    }

    /// What a notice waited for is on disk.
    pub(super) fn notice_is(&mut self, number: u64, now: Now) {
        if let Some(notice) = self.durable.notices.take(number) {
            self.tell_notice(notice, true, now);
        }
    }

    /// Notices that have waited for as long as anything does are told; who asked for something hears that nobody knows whether a
    /// crash would undo it.
    pub(super) fn notices_due(&mut self, now: Now) {
        while let Some(notice) = self.durable.notices.overdue(now.tick) {
            self.tell_notice(notice, false, now);
        }
    }

    fn tell_notice(&mut self, notice: Notice, on_disk: bool, now: Now) {
        match notice {
            Notice::Over(conn, goodbye) => self.say_over(conn, &goodbye, on_disk, now),
            Notice::Sent(conn) => self.say_sent(conn, on_disk, now),
            Notice::Decided(request) => self.request_decided(request, !on_disk, now),
            Notice::Stored(ticket) => {
                if self.answered(ticket).is_some() {
                    let done = if on_disk { Ok(0) } else { Err(undone()) };
                    self.events.list.push(AppEvent::Stored { ticket, done });
                }
            }
            told => self.say_notice(told, on_disk),
        }
    }

    /// Tell a session where it is, or is not.
    fn say_notice(&mut self, notice: Notice, on_disk: bool) {
        match notice {
            Notice::Leave(session, id) if on_disk => {
                self.tell_reply(session, Some(id), |out, form| envelope::ack(out, form, id, None));
            }
            Notice::Leave(session, id) => self.tell_fault(session, &undone().with_id(Some(id))),
            Notice::Left { session, name, reason, moved } => {
                self.tell_session(session, |out, form| envelope::left(out, form, &name, &reason, moved));
            }
            Notice::Grants { session, room, name, grants, shows, moved } => {
                let words: Vec<&str> = grants.words().collect();
                self.tell_session(session, |out, form| envelope::grants(out, form, &name, &words, moved));
                if shows {
                    self.show_room(session, room);
                }
            }
            Notice::Room(session, room_id) => {
                let Some(name) = self.room(room_id).map(|room| Arc::clone(room.name())) else { return };
                let Some(grants) = self.grants_in(room_id, session) else { return };
                self.tell_room(session, room_id, grants, &name, None, self.log.head());
            }
            Notice::Joined(entering) => self.tell_entered_with(&entering, None),
            Notice::Over(..) | Notice::Sent(_) | Notice::Decided(_) | Notice::Stored(_) => {} // of no session
        }
    }

    /// How often something was decided that is told when it is on disk.
    #[must_use]
    pub fn decisions(&self) -> u64 {
        self.durable.notices.decisions()
    }

    /// The application handles this request, and did what was decided since there were so many `decisions`: the request's ack
    /// leaves after that is on disk.
    pub fn decided_in(&mut self, request: u64, decisions: u64, now: Now) {
        if self.decisions() > decisions {
            self.entry(now, |engine| {
                engine.durable.answers.said(request);
                engine.put_up(Notice::Decided(request), now);
            });
        }
    }

    /// When all that was decided so far is on disk, or when that takes too long, `AppEvent::Stored` comes with this ticket. None:
    /// it is.
    pub fn when_stored(&mut self, now: Now) -> Option<u64> {
        if self.durable.groups.is_idle() {
            return None;
        }
        self.entry(now, |engine| {
            let ticket = engine.ticket(crate::asked::Waiting::Storing);
            engine.put_up(Notice::Stored(ticket), now);
            Some(ticket)
        })
    }

    /// Something that a request waits for is decided. `lost`: it is not on disk, or nobody knows, and the handler does not hear so.
    pub(in crate::engine) fn request_decided(&mut self, request: u64, lost: bool, now: Now) {
        let Some((answer, failed)) = self.durable.answers.decided(request, lost) else { return };
        let answer = if failed {
            let told =
                "something that the handler said without waiting for it is not on disk, or nobody knows";
            errors::kept(&Fault::new(Code::OutcomeUnknown, told))
        } else {
            answer
        };
        // That of a durable request is on disk itself before it leaves.
        if !self.answers_durably(request, || answer.clone(), now) {
            self.leave_answer(request, &answer, now);
        }
    }

    /// The session of a connection is over, and this is told when that is on disk. Until then nothing is taken or told there.
    pub(in crate::engine) fn part_later(
        &mut self,
        conn_id: ConnId,
        session: SessionId,
        goodbye: Goodbye,
        now: Now,
    ) {
        let mut goodbye = goodbye;
        match self.conn(conn_id).map(Conn::phase) {
            Some(Phase::Parked) => {
                self.out.clear(conn_id);
                goodbye.poll = self.give_up_poll(conn_id);
                self.go_away(session, now);
            }
            Some(_) => {
                self.out.drop_data(conn_id);
                self.detach(conn_id, session, now);
            }
            None => return,
        }
        self.put_up(Notice::Over(conn_id, goodbye), now);
    }

    /// The session of a `send` is over: that is answered when its end is on disk.
    pub(in crate::engine) fn answer_later(&mut self, conn: ConnId, now: Now) {
        if let Some(request) = self.conn_mut(conn).and_then(Conn::request_mut) {
            request.hold();
            self.put_up(Notice::Sent(conn), now);
        }
    }

    fn say_over(&mut self, conn: ConnId, goodbye: &Goodbye, on_disk: bool, now: Now) {
        if self.conn(conn).is_none_or(|conn| conn.phase() == Phase::Closing) {
            return; // it has ended for another reason meanwhile, and was told that
        }
        let untold = undone().message;
        let (code, reason) = match goodbye {
            // It is not answered as if all were well. Who was ended by others must not come back, whatever the disk does.
            Goodbye { own: true, .. } if !on_disk => (close::INTERNAL, &*untold),
            Goodbye { code, reason, .. } => (*code, &**reason),
        };
        if let Some(n) = goodbye.poll {
            self.stats.closed(code);
            self.answer_farewell(conn, n, (code, reason), now);
            return;
        }
        if on_disk && self.answers_bye(conn, goodbye) {
            self.close_by_frame(conn, code, now);
        } else {
            self.close_conn(conn, code, reason, None, now);
        }
    }

    fn say_sent(&mut self, conn: ConnId, on_disk: bool, now: Now) {
        let Some(request) = self.conn_mut(conn).and_then(Conn::request_mut) else { return };
        request.let_go();
        if !on_disk {
            let fault = undone();
            request.reply(None, |out| {
                envelope::error(out, Form::Json, &errors::of_fault(&fault));
            });
        }
        self.answer_send(conn, now);
    }
}

/// What is told of what is so here, and perhaps not after a crash.
fn undone() -> Fault {
    let told = format!(
        "it is done, and the disk has not answered for {STORE_MS} ms: nobody knows whether it is so after a crash"
    );
    Fault::new(Code::OutcomeUnknown, told)
}
