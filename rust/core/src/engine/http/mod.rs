//! Plain HTTP: event streams, polls and sends, for peers that cannot have a WebSocket.
//!
//! Parts: Conns, Out, Sessions, Steps, Timers.
//!
//! Theory. A session that speaks plain HTTP hears by one connection and speaks by others. What carries what
//! it hears is the same thing as ever, a connection with an outbox: an event stream is one as long as it
//! lasts, a poll for as long as it is parked. Between two polls, and until a stream opens, the session *lags*: it
//! keeps its cursor, and the next poll or stream is fed from there like any listener that fell behind. So there is
//! one way to hear, and four ways to carry it. What is no entry and cannot be fed (acks that came late, requests
//! of the server's, what befell a room) waits in the session's `Link`, bounded.
//!
//! A connection carries one request at a time, and the head of the next is looked at when the answer to the last has
//! left. By file: `mod` (which request is it, and whose), `request` (one on its way), `hello` (`POST
//! /rt/session`), `send`, `poll`, `events` (`GET /rt/sse`), `subscribe` (the same without a session), `items`
//! (one stream of items), `first` (its answer begins, or is a refusal), `again` (its reader comes back), `answer`.
//!
//! Invariants: `Conn::request` is there from a request's head to its answer, but for a stream, whose answer has
//! begun. A parked poll and an open stream are their session's `conn`; a `send` that waits is its link's `sending`.
// Numbers of a peer come in here: a sum that could wrap or panic is an error of the build, or has its reason beside it.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod again;
mod answer;
mod events;
mod first;
mod hello;
mod items;
mod poll;
mod send;
mod subscribe;

pub(super) use answer::Came;

use super::steps::BYTES;
use super::{Engine, size};
use crate::codes::Code;
use crate::conn::{Conn, Request, Route, Step};
use crate::frame::body::Body;
use crate::frame::coding;
use crate::frame::credentials::{Authorization, authorization, cookie};
use crate::frame::http::{Head, Refusal};
use crate::frame::page::{Page, page_of};
use crate::frame::path::STREAMS;
use crate::frame::query::Query;
use crate::ids::{ConnId, Now, SessionId};
use crate::outbox::{Lane, Meta};
use crate::timers::Due;

/// What a peer is told that may send its body now, RFC 9110 §15.2.1.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

impl Engine {
    /// A request under the prefix that is no WebSocket.
    pub(in crate::engine) fn plain_request(
        &mut self,
        id: ConnId,
        head: &Head<'_>,
        now: Now,
    ) -> Result<(), Refusal> {
        let path = head.path();
        match path {
            "/rt/session" | "/rt/send" => want(head, "POST")?,
            _ if path.starts_with(STREAMS) => want(head, "POST")?,
            "/rt/sse" | "/rt/poll" => want(head, "GET")?,
            _ => {
                let message =
                    "no such transport: there are ws, session, sse, poll, send and stream/NAME under /rt/";
                return Err(Refusal::new(404, Code::NotFound, message));
            }
        }
        let query = Query::parse(head.query())?;
        query.only(path, known(path))?;
        let token = query.one("token")?;
        if token.is_some() && !self.config.token_in_url {
            let message = "a token in a URL ends up in logs and histories: send it as \"Authorization: Bearer\", or in \
                           the hello";
            return Err(Refusal::new(400, Code::InvalidMessage, message));
        }
        let mut request = Request::of(head)?;
        if let Some(token) = token {
            request.token = Some(token.to_owned());
        }
        match path {
            "/rt/session" => {
                request.remember_page(head, &self.config.origins);
                self.begin_body(id, request, head, size(self.config.limits.max_first_message), now)
            }
            "/rt/send" => {
                request.route = Route::Send(self.speaker(head, &query)?);
                self.begin_body(id, request, head, size(self.config.limits.max_message), now)
            }
            _ if path.starts_with(STREAMS) => self.ask_stream(id, request, head, &query, now),
            _ if Body::of(head, 0).is_ok_and(|body| body.is_none()) => {
                if path == "/rt/poll" {
                    self.poll(id, request, head, &query, now)
                } else {
                    self.open_events(id, request, head, &query, now)
                }
            }
            _ => Err(Refusal::new(400, Code::InvalidMessage, "a GET here has no body")),
        }
    }

    /// Whose request it is: by `Authorization`, or by the session in the URL and its cookie. Whether that session may act is
    /// another question: `standing`.
    fn speaker(&self, head: &Head<'_>, query: &Query<'_>) -> Result<SessionId, Refusal> {
        let (name, key, page) = match authorization(head)? {
            Some(Authorization::Session { id, key }) => (id, Some(key), Page::Ours),
            Some(Authorization::Bearer(_)) => return Err(who()),
            None => match query.one("session")? {
                Some(name) => {
                    let key = cookie(head, &format!("rt_{name}"));
                    (name, key, page_of(head, &self.config.origins)?)
                }
                None => return Err(who()),
            },
        };
        // Unknown, ended, another's: the same answer for each, so that nobody can find out which names are used.
        let session = self.sessions.named(name);
        session
            .filter(|id| {
                let session =
                    self.session(*id).filter(|session| !session.is_ephemeral() && session.hears_cookie(page));
                session.is_some_and(|session| key.is_some_and(|key| session.opens_with(key)))
            })
            .ok_or_else(no_session)
    }

    /// The same, where a request may also be nobody's, or a token's; none: it names no session.
    fn speaker_if_named(
        &self,
        request: &Request,
        head: &Head<'_>,
        query: &Query<'_>,
    ) -> Result<Option<SessionId>, Refusal> {
        let named = query.one("session")?.is_some()
            || (request.token.is_none() && head.header("authorization").is_some());
        if named { self.speaker(head, query).map(Some) } else { Ok(None) }
    }

    /// Wait for the body that a head announces, or go on at once if it has none.
    fn begin_body(
        &mut self,
        id: ConnId,
        mut request: Request,
        head: &Head<'_>,
        max: usize,
        now: Now,
    ) -> Result<(), Refusal> {
        request.coding = coding::of_body(head.headers_named("content-encoding"))?;
        request.max = max;
        request.body = Body::of(head, max)?;
        let due = now.tick.plus_ms(self.config.limits.body_ms);
        let waits = request.body.is_some();
        request.continues = waits && head.expects_continue();
        let agent = head.agent();
        let Some(conn) = self.conn_mut(id) else { return Ok(()) };
        conn.call(agent);
        conn.ask(request);
        conn.step(Step::Body);
        self.timers.set(Due::Conn(id), due);
        if !waits {
            self.body_is_here(id, now);
        }
        Ok(())
    }

    /// Bytes of a body; how many of them belong to it.
    pub(in crate::engine) fn take_body(&mut self, id: ConnId, bytes: &[u8], now: Now) -> usize {
        let Some(request) = self.conn_mut(id).and_then(Conn::request_mut) else {
            return bytes.len();
        };
        request.continues = false;
        let Some(body) = &mut request.body else { return 0 };
        if let Some(whole) = body.whole(bytes) {
            request.body = None;
            self.whole_body(id, whole, now);
            return whole.len();
        }
        match body.next(bytes) {
            Ok(used) => {
                if body.is_done() {
                    self.body_is_here(id, now);
                }
                used
            }
            Err(refusal) => {
                // Where the next request begins is not known any more.
                self.refuse_request(id, &refusal, Came::InPart, now);
                bytes.len()
            }
        }
    }

    /// The peer waits to be told that it may send its body, and nothing of it came with the head.
    pub(in crate::engine) fn tell_continue(&mut self, id: ConnId) {
        let Some(request) = self.conn_mut(id).and_then(Conn::request_mut) else { return };
        if std::mem::take(&mut request.continues) {
            self.out.say(id, Lane::Control, Meta::Control, |out| out.extend_from_slice(CONTINUE));
        }
    }

    fn body_is_here(&mut self, id: ConnId, now: Now) {
        let Some(request) = self.conn_mut(id).and_then(Conn::request_mut) else { return };
        let body = request.body.take().map(Body::into_bytes).unwrap_or_default();
        self.whole_body(id, &body, now);
    }

    fn whole_body(&mut self, id: ConnId, body: &[u8], now: Now) {
        let Some(request) = self.conn_mut(id).and_then(Conn::request_mut) else { return };
        let (route, max) = (request.route, request.max);
        let inflated = match request.coding.take() {
            Some(coding) if !body.is_empty() => match self.out.tools().inflate(coding, body, max) {
                Ok(inflated) => Some(inflated),
                Err(bad) => {
                    let refusal = coding::refusal(bad, body.len());
                    return self.refuse_request(id, &refusal, Came::Whole, now);
                }
            },
            _ => None,
        };
        if let Some(inflated) = &inflated {
            self.steps.spend(inflated.len() / BYTES);
        }
        let body = inflated.as_deref().unwrap_or(body);
        // RFC 8259 §8.1: a byte-order mark may be passed over; some programs write one.
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        match route {
            Route::Send(session) => self.send_arrived(id, session, body, now),
            Route::Hello => self.hello_arrived(id, body, now),
            Route::Stream { index, owner } => self.stream_arrived(id, index, owner, body, now),
            Route::Read => {} // has none
        }
    }

    /// The body did not come in time.
    pub(in crate::engine) fn body_timeout(&mut self, id: ConnId, now: Now) {
        let limit = self.config.limits.body_ms;
        let refusal =
            Refusal::new(408, Code::Timeout, format!("the request's body did not end within {limit} ms"));
        self.refuse_request(id, &refusal, Came::InPart, now);
    }
}

/// What a query may hold.
fn known(path: &str) -> &'static [&'static str] {
    match path {
        "/rt/session" => &["token"],
        "/rt/send" => &["session", "token"],
        "/rt/poll" => &["session", "after", "wait", "token"],
        "/rt/sse" => {
            &["session", "ticket", "room", "since", "last", "position", "format", "beat", "padding", "token"]
        }
        _ => &["session", "format", "beat", "padding", "away", "token"],
    }
}

fn want(head: &Head<'_>, method: &'static str) -> Result<(), Refusal> {
    if head.method == method {
        return Ok(());
    }
    let message = format!("{} is asked for with {method}", head.path());
    Err(Refusal::new(405, Code::InvalidMessage, message).with_header("Allow", format!("{method}, OPTIONS")))
}

/// Nobody was named.
fn who() -> Refusal {
    let message =
        "say whose request this is: \"Authorization: Session ID:KEY\", as POST /rt/session gives them";
    Refusal::new(401, Code::Unauthorized, message).with_header("WWW-Authenticate", "Session".to_owned())
}

/// The one answer for a session that is unknown, has ended, or has another key.
fn no_session() -> Refusal {
    Refusal::new(404, Code::NotFound, "there is no such session, or this is not its key: say hello again")
}
