//! How the answer to `POST /rt/stream/NAME` begins: an event stream, or a refusal.
//!
//! Parts: Conns, Out, Sessions, Timers.
//!
//! A bad request is a status, and no event behind a status that says "ok". So the head waits for the application's word:
//! for the first item or the end, and not for long once the application has taken the data.

use super::items::ID;
use crate::codes::{Code, close};
use crate::conn::{Conn, PendingHello, Returning, Subscription, Wanted};
use crate::engine::encoding::Alone;
use crate::engine::{Engine, errors};
use crate::envelope::Data;
use crate::frame::eventstream;
use crate::ids::{ConnId, Form, Now, SessionId};
use crate::log::acks::Kept;
use crate::outbox::{Lane, Meta};
use crate::session::{Items, Link, word};
use crate::stream::Row;
use crate::timers::Due;

/// What is known of a stream whose answer has not begun.
enum Word {
    /// The application has not looked at it.
    None,
    /// It has taken the data.
    Begun,
    /// There is something to say.
    Said,
    /// It was refused before there was an item.
    Refused(Kept),
}

fn word_of(row: &Row) -> Word {
    match &row.end {
        Some(end @ Kept::Error(_)) if row.count() == 0 => Word::Refused(end.clone()),
        Some(_) => Word::Said,
        None if row.count() > 0 => Word::Said,
        None if row.begun => Word::Begun,
        None => Word::None,
    }
}

impl Engine {
    /// Begin the stream; its answer begins when the application has said something of it.
    pub(super) fn run_stream(
        &mut self,
        id: ConnId,
        session_id: SessionId,
        subscription: &Subscription,
        wanted: &Wanted,
        now: Now,
    ) {
        let &Wanted { index, away_ms, .. } = wanted;
        let ticket = (away_ms > 0).then(|| {
            let mut ticket = [0u8; 32];
            ticket.copy_from_slice(word(&mut self.random, 32).as_bytes()); // 160 bits
            ticket
        });
        let Some(session) = self.session_mut(session_id) else { return };
        session.acks_mut().note(ID);
        if let Some(link) = session.link_mut() {
            link.carry(Items { index, away_ms, opening: Some(id) }, ticket);
        }
        let returning = Returning {
            session: session_id,
            user: None,
            expires: None,
            open: 0,
            later: Vec::new(),
            resuming: false,
            rooms: Vec::new(),
        };
        let opening = Some(now.tick.plus_ms(self.config.limits.welcome_ms));
        let Some(conn) = self.conn_mut(id) else { return };
        conn.greet(PendingHello {
            subscription: Some(Box::new(subscription.clone())),
            returning: Some(returning),
            opening,
            ..PendingHello::default()
        });
        self.out.gather_for(id); // its beginning and its end are seen where a turn ends
        self.timers.set(Due::Welcome(id), now.tick.plus_ms(self.config.limits.send_wait_ms));
        let data = Data { bytes: (&*wanted.data).into(), ..Data::null(Form::Json) };
        let checked = Data::check(Form::Json, &wanted.data).unwrap_or(data);
        self.begin_stream(session_id, ID, index, &checked, u64::MAX);
    }

    /// What leads back to the stream of such a session; none: the session is no such one.
    pub(in crate::engine) fn alone(&self, session_id: SessionId) -> Option<Alone> {
        let session = self.session(session_id)?;
        let link = session.link()?;
        link.items()?;
        Some(Alone { mark: link.ticket_of(session.name()) })
    }

    fn opening(&mut self, id: ConnId) -> Option<(SessionId, Word)> {
        let door = self.conn(id)?.door()?;
        door.opening?;
        let session = door.returning.as_ref()?.session;
        let said = self.row_mut(session, ID).map_or(Word::None, |row| word_of(row));
        Some((session, said))
    }

    /// The turn ends: answer, if the application has said what the answer is. Whether it was answered.
    pub(in crate::engine) fn open_if_begun(&mut self, id: ConnId, now: Now) -> bool {
        let Some((session, said)) = self.opening(id) else { return false };
        match said {
            Word::None | Word::Begun => false,
            Word::Said => self.open_items(id, session, now),
            Word::Refused(end) => self.refuse_items(id, session, &end, now),
        }
    }

    /// Time has passed: the answer begins if the application has taken the data. False: it is too late for that.
    pub(in crate::engine) fn open_in_time(&mut self, id: ConnId, now: Now) -> bool {
        let until = self.conn(id).and_then(Conn::door).and_then(|door| door.opening);
        let (Some(until), Some((session, said))) = (until, self.opening(id)) else { return false };
        match said {
            Word::None if now.tick >= until => return false,
            Word::None => {
                let next = now.tick.plus_ms(self.config.limits.send_wait_ms.max(1));
                self.timers.set(Due::Welcome(id), next.min(until));
            }
            Word::Begun | Word::Said => {
                self.open_items(id, session, now);
            }
            Word::Refused(end) => {
                self.refuse_items(id, session, &end, now);
            }
        }
        true
    }

    fn open_items(&mut self, id: ConnId, session_id: SessionId, now: Now) -> bool {
        let door = self.conn(id).and_then(Conn::door);
        let Some(shape) = door.and_then(|door| Some(door.subscription.as_ref()?.shape)) else { return false };
        if let Some(link) = self.session_mut(session_id).and_then(|session| session.link_mut()) {
            link.opened();
        }
        self.timers.drop(Due::Welcome(id));
        self.begin_events(id, session_id, shape);
        self.hear_items(id, session_id, 0, now);
        self.feed_streams(session_id);
        true
    }

    /// The answer has begun: it says where its reader is, and goes on with what was said to the session meanwhile.
    pub(super) fn hear_items(&mut self, id: ConnId, session_id: SessionId, n: u64, now: Now) {
        let place = self.alone(session_id).and_then(|alone| alone.id(n));
        if let (Some(place), Some(wrap)) = (place, self.wrap_of(id)) {
            self.out.say(id, Lane::Control, Meta::Control, |out| {
                eventstream::chunk(out, wrap, |out| eventstream::place(out, &place));
            });
        }
        self.out.gather_for(id);
        let Some(session) = self.session_mut(session_id) else { return };
        let cursor = session.cursor();
        let mail = session.link_mut().map_or_else(Default::default, Link::take_mail);
        self.hear_from(id, session_id, cursor, now);
        self.deliver_mail(id, mail);
        self.feed(session_id, now);
    }

    fn refuse_items(&mut self, id: ConnId, session_id: SessionId, end: &Kept, now: Now) -> bool {
        let Kept::Error(error) = end else { return false };
        if let Some(link) = self.session_mut(session_id).and_then(|session| session.link_mut()) {
            link.opened();
        }
        self.end_session(session_id, "its stream was refused", close::NORMAL, now);
        let code = Code::ALL.iter().copied().find(|code| code.word() == error.code);
        let usual = if error.retry { Code::Overloaded } else { Code::InvalidMessage };
        let status = code.unwrap_or(usual).status();
        self.stats.refuse(code.unwrap_or(usual));
        self.answer_error(id, status, &errors::told(error), now);
        true
    }
}
