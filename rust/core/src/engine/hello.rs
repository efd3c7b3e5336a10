//! `hello` and `welcome`: who this is, and whether a session begins or returns.
//!
//! Parts: Conns, Log, Rooms, Sessions, Shares, Steps, Timers.
// Numbers of a peer come in here: a sum that could wrap or panic is an error of the build, or has its reason beside it.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

use super::standing::OVER;
use super::steps::SESSION;
use super::{AppEvent, Engine, Refused};
use crate::codes::close;
use crate::compress::Algorithm;
use crate::conn::{Conn, PendingHello, Phase};
use crate::envelope::Hello;
use crate::ids::{ConnId, Ends, Now, Seq, SessionId};
use crate::limits::fixed::{PROGRAMS, USER};
use crate::log::position::Since;
use crate::room::grants::Grants;
use crate::room::members::Member;
use crate::session::{Begin, Start, mark_of, word};
use crate::shares::{Account, Full, Holder, User, What};
use crate::timers::Due;
use rand_chacha::rand_core::RngCore;
use std::sync::Arc;

impl Engine {
    pub(super) fn said_hello(&mut self, id: ConnId, hello: &Hello<'_>, now: Now) {
        if hello.v != 1 {
            let reason = format!("version {} was asked for; this server speaks version 1", hello.v);
            self.close_conn(id, close::HELLO_EXPECTED, &reason, None, now);
            return;
        }
        let own = |text: &Option<std::borrow::Cow<'_, str>>| text.as_ref().map(ToString::to_string);
        let pending = PendingHello {
            session: own(&hello.session),
            key: own(&hello.key),
            position: own(&hello.position),
            streams: hello.streams.clone(),
            n: hello.n,
            program: hello.program.iter().take(PROGRAMS).map(|word| mark_of(word)).collect(),
            cookie: hello.cookie,
            // What nobody here knows is passed over: the next of the client's wishes counts.
            compress: hello.compress.iter().find_map(|word| Algorithm::named(word)),
            ticket: hello.ticket,
            ..PendingHello::default()
        };
        self.greet(id, pending, own(&hello.token), own(&hello.client), now);
    }

    /// Somebody is at the door: ask the application who it is, if it wants to be asked.
    pub(super) fn greet(
        &mut self,
        id: ConnId,
        pending: PendingHello,
        token: Option<String>,
        client: Option<String>,
        now: Now,
    ) {
        if let Some(client) = &client {
            self.meter.greeted(client);
        }
        let asked = self.config.authenticates;
        let Some(conn) = self.conn_mut(id) else { return };
        conn.greet(PendingHello { asked, ..pending });
        if !asked {
            self.known_as(id, None, None, now);
            return;
        }
        if !self.ask_who(id, now) {
            return;
        }
        self.time_welcome(id, now);
        let event = AppEvent::Authenticate {
            conn: id,
            token,
            client,
            address: self.conns.get(id).map_or_else(|| std::net::IpAddr::from([0, 0, 0, 0]), Conn::address),
            agent: self.conn(id).and_then(|conn| conn.agent().map(str::to_owned)),
            secure: self.conn(id).is_some_and(Conn::secure),
        };
        self.events.list.push(event);
    }

    /// The application's word: this is `user` (none: anonymous), until `expires` (ms since 1970).
    pub fn authenticated(&mut self, id: ConnId, user: Option<&str>, expires: Option<u64>, now: Now) {
        self.entry(now, |engine| engine.known_as(id, user, expires, now));
    }

    /// The application's word, before it says who this is: for how long (ms) the session may be away.
    pub fn stay(&mut self, id: ConnId, window_ms: u64) {
        if let Some(pending) = self.conn_mut(id).and_then(Conn::door_mut) {
            pending.window = Some(window_ms);
        }
    }

    fn known_as(&mut self, id: ConnId, user: Option<&str>, expires: Option<u64>, now: Now) {
        let Some(conn) = self.conn_mut(id) else { return };
        let Some(pending) = conn.door_mut() else { return };
        if pending.returning.is_some() {
            return;
        }
        let pending = PendingHello { asked: false, ..std::mem::take(pending) };
        self.told_who(id);
        if user.is_some_and(|user| user.is_empty() || user.len() > USER || user.chars().any(char::is_control))
        {
            let reason = "the application gave a user id that cannot be a name";
            self.close_conn(id, close::INTERNAL, reason, None, now);
            return;
        }
        let expires = expires.map(|date| Ends::on(date, now));
        if expires.is_some_and(|ends| ends.has_come(now)) {
            self.close_conn(id, close::EXPIRED, OVER, None, now);
            return;
        }
        let returning = pending.session.as_deref().and_then(|name| {
            let session_id = self.sessions.named(name)?;
            let session = self.session(session_id).filter(|session| !session.is_ephemeral())?;
            let same = session.opens_with(pending.key.as_deref()?)
                && session.user().map(|user| &**user) == user
                && session.is_of(&pending.program);
            same.then_some(session_id)
        });
        match returning {
            Some(session_id) => {
                if let (Some(key), Some(session)) = (&pending.key, self.session_mut(session_id)) {
                    session.learn_key(key);
                }
                self.begin_return(id, session_id, pending, expires, now);
            }
            None => self.begin_session(id, &pending, user, expires, now),
        }
    }

    /// The application refuses, or failed to answer.
    pub fn refuse_hello(&mut self, id: ConnId, code: u16, reason: &str, now: Now) {
        self.entry(now, |engine| engine.hello_refused(id, code, reason, now));
    }

    fn hello_refused(&mut self, id: ConnId, code: u16, reason: &str, now: Now) {
        if self.conn(id).is_some_and(|conn| conn.phase() == Phase::Checking) {
            self.told_who(id);
            if let Some(address) = self.conn(id).map(Conn::address) {
                self.events.refuse(Refused::Token, address, || format!("{code} {reason}"));
            }
            self.close_conn(id, code, reason, None, now);
        }
    }

    fn full_for(&self, id: ConnId, user: Option<&str>) -> Option<Full> {
        let owner = Holder::peer(self.conn(id)?.address(), user.map(|user| User::Named(user.into())));
        self.shares.full_for(&owner, What::Session, 1)
    }

    /// Count the connection with its user's; false if that is over the limit, and then it is closed.
    pub(super) fn admit_user(&mut self, id: ConnId, user: Option<&Arc<str>>, now: Now) -> bool {
        let Some(user) = user else { return true };
        let user = User::Named(Arc::clone(user));
        if let Some(full) = self.shares.full(Account::User(&user), What::Connection, 1) {
            self.close_full(id, &full, now);
            return false;
        }
        self.shares.take_in(Account::User(&user), What::Connection, 1);
        if let Some(conn) = self.conn_mut(id) {
            conn.count_for(user);
        }
        true
    }

    /// A fresh session.
    pub(super) fn begin_session(
        &mut self,
        id: ConnId,
        pending: &PendingHello,
        user: Option<&str>,
        expires: Option<Ends>,
        now: Now,
    ) {
        if let Some(full) = self.full_for(id, user) {
            self.close_full(id, &full, now);
            return;
        }
        let user: Option<Arc<str>> = user.map(Into::into);
        if self.conn(id).is_some_and(|conn| conn.request().is_none())
            && !self.admit_user(id, user.as_ref(), now)
        {
            return; // (a stream of plain HTTP is counted where it opens)
        }
        let session_id = self.make_session(id, user.as_ref(), expires, now);
        let since = self.log.since(pending.position.as_deref());
        // A position that means nothing asks for all that is held.
        let mut began = match since {
            Since::Known(seq) => seq,
            Since::Nothing => self.log.head(),
            Since::Unknown => 0,
        };
        if pending.subscription.as_ref().is_none_or(|subscription| subscription.hears()) {
            self.enter_own_rooms(session_id, user.as_ref(), began, now);
        }
        if since == Since::Unknown {
            self.expire_rooms_of(session_id, now);
            began = self.renew_floors(session_id, since);
        }
        self.sessions.hold_at(session_id, began);
        if let Some(subscription) = &pending.subscription {
            self.begin_subscription(id, session_id, subscription, pending.owner, expires, now);
            return;
        }
        if let Some(session) = self.session_mut(session_id) {
            session.greet(pending.n, &pending.program);
        }
        self.doubt(id, pending);
        self.arrive(id, session_id, began, pending, now);
        self.welcome(id, session_id, began, None, now);
        if since == Since::Unknown {
            self.tell_unknown_past(session_id);
        }
        if self.config.lifecycle {
            self.know(session_id);
            self.events.list.push(AppEvent::Opened { session: session_id });
        }
        self.feed(session_id, now);
        self.wake_backlog(id, now); // what stood behind the hello in its frame
    }

    fn make_session(
        &mut self,
        id: ConnId,
        user: Option<&Arc<str>>,
        expires: Option<Ends>,
        now: Now,
    ) -> SessionId {
        let name: Arc<str> = loop {
            let name = word(&mut self.random, 20); // 100 bits
            if self.sessions.named(&name).is_none() {
                break name.into();
            }
        };
        let mut key = [0u8; 32];
        key.copy_from_slice(word(&mut self.random, 32).as_bytes()); // 160 bits
        let conn = self.conn(id);
        let address = conn.map_or(std::net::IpAddr::from([0, 0, 0, 0]), Conn::address);
        let agent = conn.and_then(Conn::agent).map(Into::into);
        let rate = self.config.limits.messages_per_second;
        let session_id = self.sessions.add(Begin {
            name,
            key,
            hashed: false,
            user: user.cloned(),
            address,
            agent,
            head: self.log.head(),
            now,
            expires,
            budget: u32::try_from(rate.saturating_mul(2000)).unwrap_or(u32::MAX),
        });
        if let Some(place) = self.place_of(session_id) {
            self.shares.take(&place, What::Session, 1);
        }
        self.stats.sessions += 1;
        self.steps.spend(SESSION);
        if expires.is_some() {
            self.time_expiry(session_id, now);
        }
        session_id
    }

    /// `$all`, and `$user/ID` of a session that has a user.
    pub(super) fn enter_own_rooms(
        &mut self,
        session: SessionId,
        user: Option<&Arc<str>>,
        began: Seq,
        now: Now,
    ) {
        let mut rooms = vec![self.all];
        if let Some(user) = user
            && let Ok(room) = self.make_room(&format!("$user/{user}"), &Holder::APPLICATION)
        {
            rooms.push(room);
        }
        for room in rooms {
            let member =
                Member { session, began, floor: 0, info: None, grants: Grants::NONE, visible: false };
            self.enter(session, room, member, 0, now);
            if self.is_durable(room) {
                self.keep_row(session, now);
            }
        }
    }

    /// The session has said `hello`: on this connection, or by a request over plain HTTP.
    pub(super) fn arrive(
        &mut self,
        id: ConnId,
        session_id: SessionId,
        cursor: Seq,
        pending: &PendingHello,
        now: Now,
    ) {
        self.timers.drop(Due::Welcome(id));
        if let (Some(window), Some(session)) = (pending.window, self.session_mut(session_id)) {
            session.make_rare().window_ms = Some(window);
        }
        if pending.session.is_some() || pending.position.is_some() {
            self.owe_live(session_id);
        }
        if self.conn(id).is_some_and(|conn| conn.request().is_some()) {
            self.link_up(session_id, cursor, pending, now);
        } else {
            if let Some(session) = self.session_mut(session_id) {
                session.unlink();
            }
            if let Some(conn) = self.conn_mut(id) {
                conn.agree(pending.compress);
            }
            let start = if cursor < self.log.head() { Start::Fed } else { Start::Live };
            self.attach(id, session_id, cursor, start, now);
            self.wake_posted(session_id, now);
        }
    }

    /// Give the session this connection; what it hears goes on at `cursor`.
    pub(super) fn attach(&mut self, id: ConnId, session_id: SessionId, cursor: Seq, start: Start, now: Now) {
        let max_message = super::size(self.config.limits.max_message);
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.open(session_id, max_message, now.tick);
        let encoding = conn.encoding();
        self.wake_session(session_id);
        self.sessions.attach(session_id, id, encoding, cursor, start);
        self.time_conn(id, now);
    }

    /// The application will hear of this session: it must hear of its end, too.
    pub fn know(&mut self, session_id: SessionId) {
        if let Some(session) = self.session_mut(session_id) {
            session.know();
        }
    }

    pub(super) fn random_fraction(&mut self) -> f64 {
        f64::from(self.random.next_u32()) / f64::from(u32::MAX)
    }
}
