//! `POST /rt/session`: a `hello` as the body, a `welcome` as the answer.
//!
//! Parts: Conns, Sessions, Timers.

use crate::codes::close;
use crate::conn::{Conn, PendingHello};
use crate::engine::Engine;
use crate::envelope::{Said, read, type_of};
use crate::frame::credentials::cookie_in;
use crate::ids::{ConnId, Form, Now, Seq, SessionId};
use crate::session::Link;
use crate::session::word;
use crate::timers::Due;

impl Engine {
    pub(super) fn hello_arrived(&mut self, id: ConnId, body: &[u8], now: Now) {
        let told = match read(Form::Json, body, self.config.names()) {
            Ok(Said::Hello(hello)) => {
                let Some(request) = self.conn_mut(id).and_then(Conn::request_mut) else { return };
                let (token, cookies) = (request.token.take(), std::mem::take(&mut request.cookies));
                // A page whose secret is in a cookie comes back with the session's name alone.
                let page = request.page;
                let cookie = hello.session.as_deref().filter(|_| hello.key.is_none()).and_then(|name| {
                    let session = self.session(self.sessions.named(name)?)?;
                    let name = format!("rt_{name}");
                    let cookie = cookies.iter().find_map(|field| cookie_in(field, &name)).map(str::to_owned);
                    cookie.filter(|_| page.is_some_and(|page| session.hears_cookie(page)))
                });
                let mut hello = hello;
                if let Some(key) = cookie {
                    hello.key = Some(key.into());
                }
                if hello.token.is_none() {
                    hello.token = token.map(Into::into);
                }
                self.said_hello(id, &hello, now);
                return;
            }
            Err(fault) if type_of(Form::Json, body).is_some_and(|kind| kind == "hello") => fault.message,
            _ => "the body must be a hello: {\"type\":\"hello\", …}".into(),
        };
        self.refuse_by_close(id, close::HELLO_EXPECTED, &told, None, now);
    }

    /// From now on the session speaks plain HTTP. It is there, and waits to be read; what it hears goes on
    /// behind `cursor`.
    pub(in crate::engine) fn link_up(
        &mut self,
        session_id: SessionId,
        cursor: Seq,
        pending: &PendingHello,
        now: Now,
    ) {
        let ticket = pending.ticket.then(|| {
            let mut ticket = [0u8; 32];
            ticket.copy_from_slice(word(&mut self.random, 32).as_bytes()); // 160 bits
            ticket
        });
        self.sessions.hold_at(session_id, cursor);
        let Some(session) = self.session_mut(session_id) else { return };
        let link = Link::new(cursor, pending.cookie, ticket);
        let fresh = session.link_up(link);
        self.wake_session(session_id);
        if fresh {
            self.rest_session(session_id); // until somebody reads, or sends
        }
        self.stay_until_silent(session_id, now);
    }

    /// A session without a connection that is there all the same: until nothing came of it for `silence`.
    pub(super) fn stay_until_silent(&mut self, session_id: SessionId, now: Now) {
        let until = now.tick.plus_ms(self.config.limits.silence_ms);
        let Some(session) = self.session_mut(session_id) else { return };
        session.stay_until(until);
        self.timers.set(Due::Away(session_id), until);
    }

    /// The answer to the hello.
    pub(in crate::engine) fn answer_hello(
        &mut self,
        id: ConnId,
        session_id: SessionId,
        welcome: &[u8],
        now: Now,
    ) {
        let secure = self.conn(id).is_some_and(Conn::secure);
        let foreign = self.conn(id).and_then(Conn::request).is_some_and(|request| request.foreign);
        let cookie = self.session_mut(session_id).and_then(|session| {
            session.link().filter(|link| link.has_cookie())?;
            let everywhere = foreign && secure;
            if everywhere {
                session.make_rare().come_from_everywhere();
            }
            let key = session.key();
            // RFC 6265bis §5.6.7: a page of another site has its cookies only with `None`, and that only by TLS.
            let site = if everywhere { "None" } else { "Strict" };
            let secure = if secure { "; Secure" } else { "" };
            Some(format!("rt_{}={key}; Path=/rt/; HttpOnly; SameSite={site}{secure}", session.name()))
        });
        self.answer(id, welcome, cookie.as_deref(), now);
    }
}
