//! What the server says about rooms, and `welcome`, which lists them.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "counts of the fields of one message, and of what is at hand to be written"
)]

use super::write::{
    EventOut, Gap, Value, ack_of, begin, count, data, flag, number, text, text_or_null, words, write_event,
    write_gap,
};
use super::writer::Writer;
use crate::ids::Form;

/// One session in a room.
#[derive(Clone, Debug)]
pub struct MemberOut<'a> {
    /// The session.
    pub session: &'a str,
    /// Its user; null if it is anonymous.
    pub user: Option<&'a str>,
    /// What the authorizer says about it.
    pub info: Option<Value<'a>>,
}

/// A room in `welcome`.
#[derive(Clone, Debug)]
pub struct RoomOut<'a> {
    /// Its name.
    pub room: &'a str,
    /// Its highest number.
    pub seq: u64,
    /// How many sessions are in it, for those who may know.
    pub count: Option<u64>,
    /// Whether all that was missed will follow.
    pub complete: bool,
}

/// What a client is told when it has come in.
#[derive(Clone, Debug)]
pub struct WelcomeOut<'a> {
    /// The session.
    pub session: &'a str,
    /// Its secret; null where a cookie holds it.
    pub key: Option<&'a str>,
    /// Its user; null if it is anonymous.
    pub user: Option<&'a str>,
    /// The life of the log.
    pub epoch: &'a str,
    /// The life of what the server remembers of requests: acks and keys of another life may be lost.
    pub life: &'a str,
    /// Where the feed goes on.
    pub seq: u64,
    /// The head of the log.
    pub head: u64,
    /// The highest id that was used.
    pub taken: u64,
    /// Whether it is the session of before.
    pub resumed: bool,
    /// Each room still joined.
    pub rooms: Vec<RoomOut<'a>>,
    /// What the client must know.
    pub limits: &'a [(&'a str, u64)],
    /// What the server can be reached by.
    pub transports: &'a [&'a str],
    /// The server's clock.
    pub time: u64,
    /// When the token's time is over.
    pub expires: Option<u64>,
    /// What compresses frames on this connection from now on.
    pub compress: Option<&'a str>,
    /// What an `EventSource` may read this session's stream with.
    pub ticket: Option<&'a str>,
    /// Of each stream that goes up: its id, and the next item wanted.
    pub streams: &'a [(u64, u64)],
}

/// A room as the session now finds it: the ack of a join, and the `room` message after a resume.
#[derive(Clone, Debug)]
pub struct JoinedOut<'a> {
    /// What `state`, `members` and `count` contain.
    pub seq: u64,
    /// Up to here the past is a matter of histories; above it come events.
    pub began: u64,
    /// Who is there; said only beside `count`.
    pub members: Vec<MemberOut<'a>>,
    /// How many are there; None for who may not know.
    pub count: Option<u64>,
    /// What the state function gave.
    pub state: Option<Value<'a>>,
    /// What the session may do.
    pub grants: &'a [&'a str],
    /// Whether what is said there is on disk before it is heard.
    pub durable: bool,
    /// The past that was asked for.
    pub history: Option<&'a [EventOut<'a>]>,
    /// Whether that is all of it.
    pub complete: Option<bool>,
    /// What is missing of it.
    pub gap: Option<Gap<'a>>,
    /// Of a collection: how it is set up, and how far this writer has come.
    pub sync: Option<Value<'a>>,
}

/// The first answer to a client.
pub fn welcome(out: &mut Vec<u8>, form: Form, welcome: &WelcomeOut<'_>) {
    let more = count([welcome.expires.is_some(), welcome.ticket.is_some(), !welcome.streams.is_empty()]);
    let mut w = begin(out, form, "welcome", 15 + more);
    number(&mut w, "v", 1);
    text(&mut w, "session", welcome.session);
    text_or_null(&mut w, "key", welcome.key);
    text_or_null(&mut w, "user", welcome.user);
    text(&mut w, "epoch", welcome.epoch);
    text(&mut w, "life", welcome.life);
    number(&mut w, "seq", welcome.seq);
    number(&mut w, "head", welcome.head);
    number(&mut w, "taken", welcome.taken);
    flag(&mut w, "resumed", welcome.resumed);
    text_or_null(&mut w, "compress", welcome.compress);
    w.key("rooms");
    w.begin_array(welcome.rooms.len());
    for room in &welcome.rooms {
        w.begin_map(3 + usize::from(room.count.is_some()));
        text(&mut w, "room", room.room);
        number(&mut w, "seq", room.seq);
        if let Some(count) = room.count {
            number(&mut w, "count", count);
        }
        flag(&mut w, "complete", room.complete);
        w.end_map();
    }
    w.end_array();
    w.key("limits");
    w.begin_map(welcome.limits.len());
    for (name, limit) in welcome.limits {
        number(&mut w, name, *limit);
    }
    w.end_map();
    words(&mut w, "transports", welcome.transports);
    number(&mut w, "time", welcome.time);
    if let Some(expires) = welcome.expires {
        number(&mut w, "expires", expires);
    }
    if let Some(ticket) = welcome.ticket {
        text(&mut w, "ticket", ticket);
    }
    if !welcome.streams.is_empty() {
        w.key("streams");
        w.begin_map(welcome.streams.len());
        for (id, next) in welcome.streams {
            number(&mut w, itoa::Buffer::new().format(*id), *next);
        }
        w.end_map();
    }
    w.end_map();
}

/// The ack of a join.
pub fn joined(out: &mut Vec<u8>, form: Form, id: u64, joined: &JoinedOut<'_>) {
    let mut w = ack_of(out, form, id);
    w.begin_map(joined.len());
    joined.write(&mut w);
    w.end_map();
    w.end_map();
}

/// A room that is still joined, after a resume. `id`: of the session's newest join or leave of it that was taken before.
pub fn room(out: &mut Vec<u8>, form: Form, room: &str, joined: &JoinedOut<'_>, id: u64) {
    let mut w = begin(out, form, "room", 2 + joined.len());
    text(&mut w, "room", room);
    joined.write(&mut w);
    number(&mut w, "id", id);
    w.end_map();
}

impl JoinedOut<'_> {
    /// How many fields `write` writes.
    fn len(&self) -> usize {
        let presence = self.count.is_some();
        let past = [self.history.is_some(), self.complete.is_some(), self.gap.is_some()];
        let more = [self.state.is_some(), self.durable, self.sync.is_some()];
        3 + 2 * usize::from(presence) + count(more) + count(past)
    }

    fn write(&self, w: &mut Writer<'_>) {
        number(w, "seq", self.seq);
        number(w, "began", self.began);
        if let Some(count) = self.count {
            members(w, "members", &self.members);
            number(w, "count", count);
        }
        if let Some(state) = self.state {
            data(w, "state", state);
        }
        words(w, "grants", self.grants);
        if self.durable {
            flag(w, "durable", true);
        }
        if let Some(history) = self.history {
            events(w, history);
        }
        if let Some(complete) = self.complete {
            flag(w, "complete", complete);
        }
        if let Some(gap) = self.gap {
            gap_map(w, gap);
        }
        if let Some(sync) = self.sync {
            data(w, "sync", sync);
        }
    }
}

/// A room's past, as `history` is answered with it.
#[derive(Clone, Debug)]
pub struct HistoryOut<'a> {
    /// Oldest first.
    pub entries: &'a [EventOut<'a>],
    /// The number up to which it speaks.
    pub seq: u64,
    /// Whether that is all that was asked for.
    pub complete: bool,
    /// There is more behind the last of them.
    pub more: bool,
    /// What is missing of it.
    pub gap: Option<Gap<'a>>,
}

/// The ack of `history`.
pub fn history(out: &mut Vec<u8>, form: Form, id: u64, past: &HistoryOut<'_>) {
    let mut w = ack_of(out, form, id);
    w.begin_map(4 + usize::from(past.gap.is_some()));
    events(&mut w, past.entries);
    number(&mut w, "seq", past.seq);
    flag(&mut w, "complete", past.complete);
    flag(&mut w, "more", past.more);
    if let Some(gap) = past.gap {
        gap_map(&mut w, gap);
    }
    w.end_map();
    w.end_map();
}

/// Who came and went.
pub fn presence(
    out: &mut Vec<u8>,
    form: Form,
    room: &str,
    joined: &[MemberOut<'_>],
    left: &[MemberOut<'_>],
    count: u64,
) {
    let mut w = begin(out, form, "presence", 4);
    text(&mut w, "room", room);
    members(&mut w, "joined", joined);
    members(&mut w, "left", left);
    number(&mut w, "count", count);
    w.end_map();
}

fn members(w: &mut Writer<'_>, key: &str, members: &[MemberOut<'_>]) {
    w.key(key);
    w.begin_array(members.len());
    for member in members {
        w.begin_map(2 + usize::from(member.info.is_some()));
        text(w, "session", member.session);
        text_or_null(w, "user", member.user);
        if let Some(info) = member.info {
            data(w, "info", info);
        }
        w.end_map();
    }
    w.end_array();
}

fn events(w: &mut Writer<'_>, events: &[EventOut<'_>]) {
    w.key("history");
    w.begin_array(events.len());
    for event in events {
        write_event(w, event);
    }
    w.end_array();
}

fn gap_map(w: &mut Writer<'_>, gap: Gap<'_>) {
    w.key("gap");
    w.begin_map(3);
    write_gap(w, gap);
    w.end_map();
}
