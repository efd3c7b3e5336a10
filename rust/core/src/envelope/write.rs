//! What the server says: one function a message, appending it to a buffer.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "counts of the fields of one message, and of what is at hand to be written"
)]

use super::writer::Writer;
use crate::ids::Form;

pub use super::write_room::{
    HistoryOut, JoinedOut, MemberOut, RoomOut, WelcomeOut, history, joined, presence, room, welcome,
};
pub use super::write_stream::{credit, end, item};

/// A payload and its form.
pub type Value<'a> = (&'a [u8], Form);

/// What went wrong with a request.
#[derive(Clone, Debug)]
pub struct ErrorOut<'a> {
    /// The stable word.
    pub code: &'a str,
    /// For people.
    pub message: &'a str,
    /// For programs.
    pub details: Option<Value<'a>>,
    /// Whether the same may be tried again.
    pub retry: bool,
    /// After how long (ms), where that is known.
    pub after_ms: Option<u64>,
}

impl<'a> ErrorOut<'a> {
    /// An error without details that is not worth trying again.
    #[must_use]
    pub const fn new(code: &'a str, message: &'a str) -> Self {
        Self { code, message, details: None, retry: false, after_ms: None }
    }

    fn len(&self) -> usize {
        3 + count([self.details.is_some(), self.after_ms.is_some()])
    }
}

/// An entry, or a volatile event.
#[derive(Clone, Debug)]
pub struct EventOut<'a> {
    /// Where it was said; None if to this session alone.
    pub room: Option<&'a str>,
    /// Its name.
    pub event: &'a str,
    /// Its payload.
    pub data: Value<'a>,
    /// Its number; None if it is volatile.
    pub seq: Option<u64>,
    /// The session that said it, and its user; None if the application did.
    pub from: Option<(&'a str, Option<&'a str>)>,
    /// Whether `from` is said at all; it always is where there is a room.
    pub in_room: bool,
    /// When it was said.
    pub time: u64,
    /// A W3C traceparent.
    pub trace: Option<&'a str>,
}

/// A gap: from, to, and the reason.
pub type Gap<'a> = (u64, u64, &'a str);

/// A message of this `type` begins, with `more` fields behind it.
pub(super) fn begin<'a>(out: &'a mut Vec<u8>, form: Form, kind: &str, more: usize) -> Writer<'a> {
    let mut w = Writer::new(out, form);
    w.begin_map(1 + more);
    text(&mut w, "type", kind);
    w
}

pub(super) fn text(w: &mut Writer<'_>, key: &str, value: &str) {
    w.key(key);
    w.str(value);
}

pub(super) fn number(w: &mut Writer<'_>, key: &str, value: u64) {
    w.key(key);
    w.u64(value);
}

pub(super) fn flag(w: &mut Writer<'_>, key: &str, value: bool) {
    w.key(key);
    w.bool(value);
}

pub(super) fn data(w: &mut Writer<'_>, key: &str, value: Value<'_>) {
    w.key(key);
    w.data(value.0, value.1);
}

pub(super) fn text_or_null(w: &mut Writer<'_>, key: &str, value: Option<&str>) {
    w.key(key);
    match value {
        Some(value) => w.str(value),
        None => w.null(),
    }
}

fn number_or_null(w: &mut Writer<'_>, key: &str, value: Option<u64>) {
    w.key(key);
    match value {
        Some(value) => w.u64(value),
        None => w.null(),
    }
}

pub(super) fn words(w: &mut Writer<'_>, key: &str, values: &[&str]) {
    w.key(key);
    w.begin_array(values.len());
    for value in values {
        w.str(value);
    }
    w.end_array();
}

/// How many of these fields are there.
pub(super) fn count<const N: usize>(there: [bool; N]) -> usize {
    there.iter().filter(|there| **there).count()
}

/// A request was done: its result, null if there is none.
pub fn ack(out: &mut Vec<u8>, form: Form, id: u64, result: Option<Value<'_>>) {
    if let (Form::Json, Some((data, Form::Json))) = (form, result) {
        // What nearly every request is answered with: its parts as they are, and the same bytes as below.
        out.extend_from_slice(br#"{"type":"ack","id":"#);
        out.extend_from_slice(itoa::Buffer::new().format(id).as_bytes());
        out.extend_from_slice(br#","data":"#);
        out.extend_from_slice(data);
        out.push(b'}');
        return;
    }
    let mut w = ack_of(out, form, id);
    match result {
        Some(value) => w.data(value.0, value.1),
        None => w.null(),
    }
    w.end_map();
}

/// An ack up to its data.
pub(super) fn ack_of(out: &mut Vec<u8>, form: Form, id: u64) -> Writer<'_> {
    let mut w = begin(out, form, "ack", 2);
    number(&mut w, "id", id);
    w.key("data");
    w
}

/// A request was not done.
pub fn ack_error(out: &mut Vec<u8>, form: Form, id: u64, error: &ErrorOut<'_>) {
    let mut w = begin(out, form, "ack", 2);
    number(&mut w, "id", id);
    w.key("error");
    error_map(&mut w, error);
    w.end_map();
}

/// A fault in a message that had no usable id.
pub fn error(out: &mut Vec<u8>, form: Form, error: &ErrorOut<'_>) {
    let mut w = begin(out, form, "error", error.len());
    error_fields(&mut w, error);
    w.end_map();
}

/// An error as the body of an answer over plain HTTP.
pub fn bare_error(out: &mut Vec<u8>, error: &ErrorOut<'_>) {
    error_map(&mut Writer::new(out, Form::Json), error);
}

pub(super) fn error_map(w: &mut Writer<'_>, error: &ErrorOut<'_>) {
    w.begin_map(error.len());
    error_fields(w, error);
    w.end_map();
}

fn error_fields(w: &mut Writer<'_>, error: &ErrorOut<'_>) {
    text(w, "code", error.code);
    text(w, "message", error.message);
    if let Some(details) = error.details {
        data(w, "details", details);
    }
    flag(w, "retry", error.retry);
    if let Some(ms) = error.after_ms {
        w.key("after");
        w.f64(seconds(ms));
    }
}

#[expect(clippy::cast_precision_loss, reason = "a time to wait")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

/// Something was said.
pub fn event(out: &mut Vec<u8>, form: Form, event: &EventOut<'_>) {
    write_event(&mut Writer::new(out, form), event);
}

/// An event as a message of its own, or in a history: the shape is the same.
pub(super) fn write_event(w: &mut Writer<'_>, event: &EventOut<'_>) {
    let says_from = event.in_room || event.room.is_some();
    w.begin_map(4 + count([event.room.is_some(), event.seq.is_some(), says_from, event.trace.is_some()]));
    text(w, "type", "event");
    if let Some(room) = event.room {
        text(w, "room", room);
    }
    text(w, "event", event.event);
    data(w, "data", event.data);
    if let Some(seq) = event.seq {
        number(w, "seq", seq);
    }
    if says_from {
        w.key("from");
        match event.from {
            Some((session, user)) => {
                w.begin_map(2);
                text(w, "session", session);
                text_or_null(w, "user", user);
                w.end_map();
            }
            None => w.null(),
        }
    }
    number(w, "time", event.time);
    if let Some(trace) = event.trace {
        text(w, "trace", trace);
    }
    w.end_map();
}

/// The ack of a publish: its number, null if it was volatile.
pub fn published(out: &mut Vec<u8>, form: Form, id: u64, seq: Option<u64>) {
    let mut w = ack_of(out, form, id);
    w.begin_map(1);
    number_or_null(&mut w, "seq", seq);
    w.end_map();
    w.end_map();
}

/// The ack of a new token: until when it counts, null if for ever.
pub fn auth(out: &mut Vec<u8>, form: Form, id: u64, expires: Option<u64>) {
    let mut w = ack_of(out, form, id);
    w.begin_map(1);
    number_or_null(&mut w, "expires", expires);
    w.end_map();
    w.end_map();
}

/// What is missing, of a room or of the session itself.
pub fn gap(out: &mut Vec<u8>, form: Form, room: Option<&str>, from: u64, to: u64, reason: &str) {
    let mut w = begin(out, form, "gap", 3 + usize::from(room.is_some()));
    if let Some(room) = room {
        text(&mut w, "room", room);
    }
    write_gap(&mut w, (from, to, reason));
    w.end_map();
}

/// The three fields of a gap.
pub(super) fn write_gap(w: &mut Writer<'_>, (from, to, reason): Gap<'_>) {
    number(w, "from", from);
    number(w, "to", to);
    text(w, "reason", reason);
}

/// The session is no longer in the room. `id`: of its newest join or leave that was taken before.
pub fn left(out: &mut Vec<u8>, form: Form, room: &str, reason: &str, id: u64) {
    let mut w = begin(out, form, "left", 3);
    text(&mut w, "room", room);
    text(&mut w, "reason", reason);
    number(&mut w, "id", id);
    w.end_map();
}

/// What the session may now do in the room. `id`: of its newest join or leave that was taken before.
pub fn grants(out: &mut Vec<u8>, form: Form, room: &str, grants: &[&str], id: u64) {
    let mut w = begin(out, form, "grants", 3);
    text(&mut w, "room", room);
    words(&mut w, "grants", grants);
    number(&mut w, "id", id);
    w.end_map();
}

/// The application asks the peer.
pub fn request(out: &mut Vec<u8>, form: Form, id: u64, event: &str, value: Value<'_>) {
    let mut w = begin(out, form, "request", 3);
    number(&mut w, "id", id);
    text(&mut w, "event", event);
    data(&mut w, "data", value);
    w.end_map();
}

/// A sign of life: the ping's time as it came, the server's, and the highest request id that was taken.
pub fn pong(out: &mut Vec<u8>, form: Form, time: Option<Value<'_>>, server: u64, taken: u64) {
    let mut w = begin(out, form, "pong", 2 + usize::from(time.is_some()));
    if let Some(time) = time {
        data(&mut w, "time", time);
    }
    number(&mut w, "server", server);
    number(&mut w, "taken", taken);
    w.end_map();
}

/// A hint: to move to this transport, or to wait so long with what can wait (s).
pub fn advise(out: &mut Vec<u8>, form: Form, transport: Option<&str>, why: &str, hold: Option<f64>) {
    let mut w = begin(out, form, "advise", 1 + count([transport.is_some(), hold.is_some()]));
    if let Some(transport) = transport {
        text(&mut w, "transport", transport);
    }
    text(&mut w, "why", why);
    if let Some(hold) = hold {
        w.key("hold");
        w.f64(hold);
    }
    w.end_map();
}

/// The connection will be closed with this code; `after` is when to come back, in seconds.
pub fn bye(out: &mut Vec<u8>, form: Form, code: u16, reason: &str, after: Option<f64>) {
    bye_of(out, form, code, reason, after, None);
}

/// The same; `n` is the number of the session's newest hello, where an older one came too late.
pub fn bye_of(out: &mut Vec<u8>, form: Form, code: u16, reason: &str, after: Option<f64>, n: Option<u64>) {
    let mut w = begin(out, form, "bye", 2 + count([after.is_some(), n.is_some()]));
    number(&mut w, "code", code.into());
    text(&mut w, "reason", reason);
    if let Some(after) = after {
        w.key("after");
        w.f64(after);
    }
    if let Some(n) = n {
        number(&mut w, "n", n);
    }
    w.end_map();
}

/// What was missed has been told: from here on events come as they are said.
pub fn live(out: &mut Vec<u8>, form: Form, seq: u64) {
    let mut w = begin(out, form, "live", 1);
    number(&mut w, "seq", seq);
    w.end_map();
}

/// A sign of life from the server.
pub fn beat(out: &mut Vec<u8>, form: Form, time: u64) {
    let mut w = begin(out, form, "ping", 1);
    number(&mut w, "time", time);
    w.end_map();
}

/// The token's time will be over.
pub fn expiring(out: &mut Vec<u8>, form: Form, at: u64) {
    let mut w = begin(out, form, "expiring", 1);
    number(&mut w, "at", at);
    w.end_map();
}
