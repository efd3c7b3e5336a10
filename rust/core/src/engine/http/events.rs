//! `GET /rt/sse`: an event stream as what a session hears by.
//!
//! Parts: Conns, Log, Out, Sessions, Shares.

use crate::codes::{Code, close};
use crate::conn::carrier::Wrap;
use crate::conn::{Carrier, Conn, Request, Shape};
use crate::engine::Engine;
use crate::engine::admission::full_refusal;
use crate::engine::standing::{Standing, over};
use crate::envelope::write as envelope;
use crate::frame::answer::{About, event_stream};
use crate::frame::eventstream::{self, GZIP_HEAD, LAST_CHUNK};
use crate::frame::http::{Head, Refusal};
use crate::frame::query::Query;
use crate::ids::{ConnId, Now, SessionId};
use crate::log::position::Since;
use crate::outbox::{Lane, Meta};
use crate::session::Link;
use crate::session::Start;
use crate::shares::{Account, User, What};
use std::sync::Arc;

/// How long an `EventSource` is told to stay away that must not come back by itself (ms): as long as every browser
/// takes it, 24 days.
const NEVER: u64 = i32::MAX as u64;

/// Where a reader says that it is: what the browser adds by itself wins over what the URL began with.
fn position(head: &Head<'_>, query: &Query<'_>) -> Result<Option<String>, Refusal> {
    if let Some(header) = head.header("last-event-id").filter(|value| !value.is_empty()) {
        return Ok(Some(String::from_utf8_lossy(header).into_owned()));
    }
    Ok(query.one("position")?.map(str::to_owned))
}

impl Engine {
    pub(super) fn open_events(
        &mut self,
        id: ConnId,
        request: Request,
        head: &Head<'_>,
        query: &Query<'_>,
        now: Now,
    ) -> Result<(), Refusal> {
        let shape = Shape::of(head, query, self.config.compress_events)?;
        let position = position(head, query)?;
        let agent = head.agent();
        let by_ticket = query.one("ticket")?;
        let session_id = match by_ticket {
            Some(ticket) => Some(self.by_ticket(ticket).ok_or_else(super::no_session)?),
            None => self.speaker_if_named(&request, head, query)?,
        };
        let Some(session_id) = session_id else {
            if let Some(conn) = self.conn_mut(id) {
                conn.call(agent);
            }
            return self.subscribe(id, request, query, position, shape, now);
        };
        if query.all("room").next().is_some() {
            let message =
                "\"room\" makes a stream without a session: this one hears what its session has joined";
            return Err(Refusal::new(400, Code::InvalidMessage, message));
        }
        if let Some(full) = self.user_is_full(session_id) {
            return Err(full);
        }
        let standing = self.standing(session_id, request.hello, now);
        match standing {
            Standing::Expired => return Err(over()),
            Standing::Gone | Standing::Unheard => return Err(super::no_session()),
            Standing::Good | Standing::Moved => {}
        }
        if let Some(conn) = self.conn_mut(id) {
            conn.call(agent);
            conn.ask(request);
        }
        if standing == Standing::Moved {
            // A newer hello has it. An EventSource comes back for ever unless it is told this.
            self.answer_nothing(id, now);
            return Ok(());
        }
        if let Some(old) = self.sessions.conn_of(session_id) {
            self.supersede(old, session_id, now);
        }
        self.be_here(session_id);
        self.begin_events(id, session_id, shape);
        let since = self.log.since(position.as_deref());
        self.listen(id, session_id, since, now);
        Ok(())
    }

    fn by_ticket(&self, ticket: &str) -> Option<SessionId> {
        let (name, secret) = ticket.split_once('.')?;
        let session = self.sessions.named(name)?;
        let link = self.session(session)?.link()?;
        link.opens_with(secret).then_some(session)
    }

    pub(super) fn user_is_full(&self, session: SessionId) -> Option<Refusal> {
        let user = User::Named(Arc::clone(self.session(session)?.user()?));
        let full = self.shares.full(Account::User(&user), What::Connection, 1)?;
        Some(full_refusal(&full))
    }

    /// Say the head of the stream; from now on the connection is one.
    pub(super) fn begin_events(&mut self, id: ConnId, session_id: SessionId, shape: Shape) {
        let user = self
            .session(session_id)
            .and_then(|session| session.user().map(|user| User::Named(Arc::clone(user))));
        let Some(conn) = self.conns.get_mut(id) else { return };
        let request = conn.begin_events(shape, user.clone());
        let about = About {
            keep: false,
            origin: request.as_ref().and_then(|it| it.origin.as_deref()),
            coding: (shape.wrap == Wrap::Gzip).then_some("gzip"),
            ..About::default()
        };
        self.out.say(id, Lane::Control, Meta::Control, |out| {
            event_stream(out, &about, shape.wrap.is_chunked());
            if shape.wrap == Wrap::Gzip {
                eventstream::chunk(out, Wrap::Chunks, |out| out.extend_from_slice(&GZIP_HEAD));
            }
            eventstream::chunk(out, shape.wrap, |out| eventstream::opening(out, shape.padding as usize));
        });
        if let Some(user) = user {
            self.shares.take_in(Account::User(&user), What::Connection, 1);
        }
    }

    /// The session hears by this stream from now on, from where it says it is.
    fn listen(&mut self, id: ConnId, session_id: SessionId, since: Since, now: Now) {
        self.expire_rooms_of(session_id, now);
        let Some(link) = self.session_mut(session_id).and_then(|session| session.link_mut()) else {
            return;
        };
        let first = link.begin_reading();
        let mut seq = if let Since::Known(seq) = since { seq } else { link.position() };
        let mail = self
            .session_mut(session_id)
            .and_then(|session| session.link_mut())
            .map_or_else(Default::default, Link::take_mail);
        // What was told of gaps since the hello counts as long as nobody has read it.
        if !first || since != Since::Nothing {
            let all = self.renew_floors(session_id, since);
            if since == Since::Unknown {
                seq = all;
            }
        }
        if !first || since != Since::Nothing {
            self.owe_live(session_id);
        }
        self.hear_from(id, session_id, seq, now);
        self.deliver_mail(id, mail);
        if !first {
            for (room, name) in self.plain_rooms(session_id) {
                let grants = self.grants_in(room, session_id).unwrap_or(crate::room::grants::Grants::NONE);
                self.tell_room(session_id, room, grants, &name, None, self.log.head());
            }
            self.ask_again(session_id);
        }
        if since == Since::Unknown {
            self.tell_unknown_past(session_id);
        }
        self.feed(session_id, now);
        self.feed_streams(session_id);
    }

    /// Give the session this stream; it is fed from `seq` on.
    pub(super) fn hear_from(&mut self, id: ConnId, session_id: SessionId, seq: u64, now: Now) {
        // What befell its rooms meanwhile is told when it has caught up.
        self.attach(id, session_id, seq, Start::Fed, now);
    }

    /// A sign of life on a stream.
    pub(in crate::engine) fn beat(&mut self, id: ConnId, now: Now) {
        let Some(conn) = self.conn(id) else { return };
        let Carrier::Events { wrap, .. } = conn.carrier() else { return };
        if conn.beat() {
            self.tell(id, |out, form| envelope::beat(out, form, now.wall_ms));
            return;
        }
        self.out.say(id, Lane::Control, Meta::Control, |out| {
            eventstream::chunk(out, wrap, |out| out.extend_from_slice(eventstream::COMMENT));
        });
    }

    /// How often a stream gives a sign of life (ms).
    pub(in crate::engine) fn beat_ms(&self, id: ConnId) -> u64 {
        let ping = self.config.limits.ping_ms;
        let session = self.conn(id).and_then(Conn::session).and_then(|id| self.session(id));
        session.and_then(|session| session.link()).map_or(ping, |link| link.quiet_ms(ping))
    }

    /// The stream of a session was lost: if nothing had been said for a while, something between may have cut it.
    pub(in crate::engine) fn stream_lost(&mut self, id: ConnId, session_id: SessionId, now: Now) {
        let Some(conn) = self.conn(id) else { return };
        let idle = now.tick.ms_since(conn.progress());
        if let Some(link) = self.session_mut(session_id).and_then(|session| session.link_mut()) {
            link.was_cut(idle);
        }
    }

    /// The last words on a stream: why, when to come back, and its end.
    pub(in crate::engine) fn end_events(&mut self, id: ConnId, code: u16, reason: &str, after: Option<f64>) {
        self.out.drop_data(id);
        self.tell(id, |out, form| envelope::bye(out, form, code, reason, after));
        let Some(Carrier::Events { wrap, .. }) = self.conn(id).map(Conn::carrier) else { return };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a shutdown")]
        let wait = after.map(|seconds| (seconds.max(0.0) * 1000.0) as u64);
        let wait = if close::comes_back(code) { wait } else { Some(NEVER) };
        self.out.say(id, Lane::Control, Meta::Control, |out| {
            if let Some(ms) = wait {
                eventstream::chunk(out, wrap, |out| eventstream::retry(out, ms));
            }
            if wrap.is_chunked() {
                out.extend_from_slice(LAST_CHUNK);
            }
        });
    }
}
