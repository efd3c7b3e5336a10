//! `POST /rt/stream/NAME`: one stream of items as an event stream, for callers without a session.
//!
//! Parts: Conns, Out, Sessions.
//!
//! It has a session of its own, as a subscription has: nobody sees it, it hears nothing else, and it ends with the
//! response, or when its reader has been away for longer than it may (`again`). Whoever leaves closes the generator. No credit is asked for: what the connection does not take holds it up.

use super::Came;
use super::poll::MOVED;
use crate::codes::Code;
use crate::conn::{Carrier, Conn, PendingHello, Request, Route, Subscription, Wanted};
use crate::engine::standing::{Standing, over};
use crate::engine::{Engine, size};
use crate::envelope::Data;
use crate::frame::eventstream::LAST_CHUNK;
use crate::frame::http::{Head, Refusal};
use crate::frame::path::STREAMS;
use crate::frame::query::{Query, decode_path};
use crate::ids::{ConnId, Form, Now, SessionId};
use crate::outbox::{Lane, Meta};
use crate::session::Session;

/// The one stream of such a session.
pub(super) const ID: u64 = 1;

impl Engine {
    pub(super) fn ask_stream(
        &mut self,
        id: ConnId,
        mut request: Request,
        head: &Head<'_>,
        query: &Query<'_>,
        now: Now,
    ) -> Result<(), Refusal> {
        let name = decode_path(&head.path()[STREAMS.len()..])?;
        let Some(index) = self.config.streams.iter().position(|stream| stream.name == name) else {
            return Err(Refusal::new(404, Code::NotFound, format!("there is no stream {name:?}")));
        };
        if self.config.streams[index].up {
            let message = format!("the stream {name:?} goes up: it needs a session, and its messages a send");
            return Err(Refusal::new(400, Code::InvalidMessage, message));
        }
        let owner = self.speaker_if_named(&request, head, query)?;
        request.shape = Some(crate::conn::Shape::of(head, query, self.config.compress_events)?);
        let most = self.config.limits.resume_ms;
        let (asked, allowed) = (query.milliseconds("away")?, self.config.streams[index].away_ms);
        request.away_ms = match (asked, allowed) {
            (Some(asked), allowed) => asked.min(allowed.unwrap_or(most)),
            (None, allowed) => allowed.unwrap_or(0),
        }
        .min(most);
        let again = head.header("last-event-id").filter(|value| !value.is_empty());
        request.again = again.map(|value| String::from_utf8_lossy(value).into_owned());
        request.route = Route::Stream { index, owner };
        self.begin_body(id, request, head, size(self.config.limits.max_message), now)
    }

    pub(super) fn stream_arrived(
        &mut self,
        id: ConnId,
        index: usize,
        owner: Option<SessionId>,
        body: &[u8],
        now: Now,
    ) {
        if let Some(owner) = owner
            && let Some(refusal) = self.refuse_owner(id, owner, now)
        {
            return self.refuse_request(id, &refusal, Came::Whole, now);
        }
        let again = self.conn_mut(id).and_then(Conn::request_mut).and_then(|request| request.again.take());
        if let Some(last) = again {
            return self.stream_again(id, index, &last, now); // (the body opened it, and counts no more)
        }
        let data = if body.trim_ascii().is_empty() {
            Ok(Data::null(Form::Json))
        } else {
            Data::check(Form::Json, body)
        };
        let data = match data {
            Ok(data) => data.bytes.into_owned().into_boxed_slice(),
            Err(fault) => {
                let message = format!("the body is the data of the stream, as JSON: {}", fault.message);
                self.refuse_request(id, &Refusal::new(400, Code::InvalidMessage, message), Came::Whole, now);
                return;
            }
        };
        let Some(request) = self.conn_mut(id).and_then(Conn::request_mut) else { return };
        let (token, Some(shape)) = (request.token.take(), request.shape) else { return };
        let away_ms = request.away_ms;
        let subscription = Subscription::of_stream(Wanted { index, data, away_ms }, shape);
        let pending = PendingHello { subscription: Some(Box::new(subscription)), ..PendingHello::default() };
        let Some(owner) = owner else {
            self.greet(id, pending, token, None, now);
            return;
        };
        // The caller has said who it is by its session: the stream is that user's, and has that session's right.
        let Some(session) = self.session(owner) else { return };
        let (user, expires) = (session.user().cloned(), session.expires());
        let pending = PendingHello { owner: Some(owner), ..pending };
        if let Some(conn) = self.conn_mut(id) {
            conn.greet(PendingHello::default());
        }
        self.begin_session(id, &pending, user.as_deref(), expires, now);
    }

    /// Why a session may open no stream here; none: it may. Whoever has the key is the session, wherever that speaks: a page
    /// may open one beside its WebSocket. Who says by which hello he speaks says that he is that one, and must be the newest.
    fn refuse_owner(&mut self, id: ConnId, owner: SessionId, now: Now) -> Option<Refusal> {
        let hello = self.conn(id).and_then(Conn::request).and_then(|request| request.hello);
        match self.standing(owner, hello, now) {
            Standing::Good => None,
            Standing::Moved if hello.is_none() => None,
            Standing::Expired => Some(over()),
            Standing::Gone | Standing::Unheard => Some(super::no_session()),
            Standing::Moved => {
                let newest = self.session(owner).map_or(0, Session::hello_n);
                Some(Refusal::new(409, Code::Superseded, MOVED).with_n(newest))
            }
        }
    }

    /// The turn ends: if the stream has said its end, and all of it has left, the response ends too.
    pub(super) fn end_with_stream(&mut self, id: ConnId, now: Now) -> bool {
        if !self.out.is_empty(id) {
            return false;
        }
        let Some(conn) = self.conn(id) else { return false };
        let (Some(session_id), Carrier::Events { wrap, .. }) = (conn.session(), conn.carrier()) else {
            return false;
        };
        let over = self
            .session(session_id)
            .and_then(|session| session.streams())
            .is_none_or(|streams| streams.rows().iter().all(|row| row.told));
        if !over {
            return false;
        }
        self.out.gather_no_more(id);
        if wrap.is_chunked() {
            self.out.say(id, Lane::Control, Meta::Control, |out| out.extend_from_slice(LAST_CHUNK));
        }
        self.detach(id, session_id, now);
        self.begin_closing(id, now);
        true
    }
}
