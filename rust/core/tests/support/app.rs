//! The application, by script: it answers what it is asked at once, unless the script says otherwise.

use super::streams::Works;
use rtcore_core::engine::{AppEvent, Engine};
use rtcore_core::envelope::{ErrorOut, transcode};
use rtcore_core::room::grants::Grants;
use rtcore_core::{ConnId, Form, Now, SessionId};
use std::collections::{BTreeMap, BTreeSet};

/// A question that the application keeps for later.
#[derive(Debug)]
pub enum Asked {
    Request { request: u64, data: String },
    Authorize { ticket: u64, session: SessionId, room: String },
    Authenticate { conn: ConnId, token: Option<String> },
    Reauthenticate { ticket: u64, token: String },
}

#[derive(Debug, Default)]
pub struct App {
    /// Rooms are not decided at once.
    pub thinks: bool,
    /// Tokens are not decided at once.
    pub doubts: bool,
    /// Users who may not be in rooms that are asked for.
    pub banned: BTreeSet<String>,
    /// What a member of an asked room may; none: the room's default.
    pub grants: Option<Grants>,
    pub later: Vec<Asked>,
    /// So much longer than need be are its answers.
    pub at_length: usize,
    /// How often each request was carried out, by its data.
    pub done: BTreeMap<String, u32>,
    /// Wire ids of sessions that were opened.
    pub sessions: BTreeMap<String, SessionId>,
    pub ended: Vec<SessionId>,
    /// Publications that may be tried again.
    pub unblocked: Vec<u64>,
    /// Answers to the server's own requests.
    pub replies: Vec<(SessionId, u64)>,
    /// What became of what it said and waits for the disk, by ticket.
    pub stored: Vec<(u64, Result<u64, String>)>,
    pub streams: Works,
}

/// A value as JSON, whatever it was said in.
pub fn json(bytes: &[u8], form: Form) -> String {
    let mut out = Vec::new();
    transcode(bytes, form, Form::Json, &mut out).expect("the core keeps values");
    String::from_utf8(out).expect("JSON is text")
}

/// Whose token this is. `-` is nobody, and anything that does not begin with `u:` is refused.
fn user_of(token: Option<&str>) -> Result<Option<&str>, ()> {
    match token {
        None | Some("-") => Ok(None),
        Some(token) => token.strip_prefix("u:").map(Some).ok_or(()),
    }
}

impl App {
    /// Hear and answer what there is; whether there was anything.
    pub fn answer(&mut self, engine: &mut Engine, now: Now) -> bool {
        let events = std::mem::take(engine.events());
        for event in &events.list {
            self.hear(event, &events.bytes, engine, now);
        }
        !events.list.is_empty()
    }

    fn hear(&mut self, event: &AppEvent, bytes: &[u8], engine: &mut Engine, now: Now) {
        match event {
            AppEvent::Authenticate { conn, token, .. } => {
                let asked = Asked::Authenticate { conn: *conn, token: token.clone() };
                if self.doubts { self.later.push(asked) } else { self.decide(asked, engine, now) }
            }
            AppEvent::Authorize { session, ticket, room, .. } => {
                let asked = Asked::Authorize { ticket: *ticket, session: *session, room: room.clone() };
                if self.thinks { self.later.push(asked) } else { self.decide(asked, engine, now) }
            }
            AppEvent::Request { request, handler, form, data, .. } => {
                let data = json(&bytes[data.start as usize..(data.start + data.len) as usize], *form);
                *self.done.entry(data.clone()).or_default() += 1;
                let asked = Asked::Request { request: *request, data };
                match handler {
                    0 => self.decide(asked, engine, now),
                    1 => self.later.push(asked),
                    _ => engine.fail(*request, &ErrorOut::new("INTERNAL", "it failed"), now),
                }
            }
            AppEvent::Opened { session } => {
                // It may have said bye in the same breath.
                if let Some(info) = engine.session_info(*session) {
                    self.sessions.insert(info.name.to_string(), *session);
                }
            }
            AppEvent::Ended { session, .. } => {
                self.ended.push(*session);
                self.streams.hear(event, bytes, engine, now);
            }
            AppEvent::Unblocked { ticket } => self.unblocked.push(*ticket),
            AppEvent::Stored { ticket, done } => {
                let done = done.as_ref().map(|seq| *seq).map_err(|fault| fault.code.word().to_owned());
                self.stored.push((*ticket, done));
            }
            AppEvent::Reply { session, request, .. } => self.replies.push((*session, *request)),
            AppEvent::Reauthenticate { ticket, token, .. } => {
                let asked = Asked::Reauthenticate { ticket: *ticket, token: token.clone() };
                if self.doubts { self.later.push(asked) } else { self.decide(asked, engine, now) }
            }
            _ => self.streams.hear(event, bytes, engine, now),
        }
    }

    /// Whether it has yet to say whether this session may be in the room.
    pub fn is_asked(&self, session: SessionId, room: &str) -> bool {
        let of = |asked: &Asked| matches!(asked, Asked::Authorize { session: of, room: place, .. } if *of == session && place == room);
        self.later.iter().any(of)
    }

    /// Say what is to be said to a question.
    pub fn decide(&mut self, asked: Asked, engine: &mut Engine, now: Now) {
        match asked {
            Asked::Request { request, .. } => {
                let answer = format!("\"done{}\"", "!".repeat(self.at_length));
                engine.ack(request, answer.as_bytes(), Form::Json, now);
            }
            Asked::Authorize { ticket, session, .. } => {
                let user = engine.session_info(session).and_then(|info| info.user);
                if user.is_some_and(|user| self.banned.contains(&*user)) {
                    engine.deny(ticket, "FORBIDDEN", "not you", now);
                } else {
                    engine.admit(ticket, self.grants, Some(b"{\"n\":1}"), Some(b"[1]"), now);
                }
            }
            Asked::Authenticate { conn, token } => match user_of(token.as_deref()) {
                Ok(user) => engine.authenticated(conn, user, None, now),
                Err(()) => engine.refuse_hello(conn, 4501, "this token is nobody's", now),
            },
            Asked::Reauthenticate { ticket, token } => match user_of(Some(&token)) {
                Ok(user) => engine.reauthenticated(ticket, user, None, now),
                Err(()) => engine.fail(ticket, &ErrorOut::new("UNAUTHORIZED", "no"), now),
            },
        }
    }
}
