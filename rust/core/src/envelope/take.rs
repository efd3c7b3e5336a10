//! What the fields of a message mean: the same for both forms.

use super::flaw::{What, invalid};
use super::number::{self, Number};
use super::said::{Data, Emit, Heard, Hello, Join, PeerFailure, Publish, Pull, Push, Report, Said};
use super::span::{Field, Fields, Kind, Span};
use super::take_stream::{OF_STREAM, streams};
use super::trace::is_traceparent;
use super::{MAX_ID, json, json_text, msgpack, split::Messages};
use crate::error::Fault;
use crate::ids::Form;
use crate::names::Names;
use std::borrow::Cow;

/// Whether the bytes of a message are known to be UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Utf8 {
    /// Its text frame was looked at as a whole (RFC 6455 §8.1).
    Known,
    /// It came in a body, or is `MessagePack`, whose texts are looked at one by one.
    Unknown,
}

/// A message whose fields have been found.
pub(super) struct Take<'a> {
    pub(super) form: Form,
    bytes: &'a [u8],
    fields: Fields,
}

impl<'a> Take<'a> {
    pub(super) fn new(form: Form, bytes: &'a [u8], utf8: Utf8) -> Self {
        let mut take = Self { form, bytes, fields: Fields::new() };
        match form {
            Form::Json => {
                json::find(bytes, &mut take.fields);
                debug_assert!(
                    utf8 == Utf8::Unknown || std::str::from_utf8(bytes).is_ok(),
                    "a frame was looked at"
                );
                // Field by field would do, were it not for `data`, which leaves again as it came.
                if utf8 == Utf8::Unknown && simdutf8::basic::from_utf8(bytes).is_err() {
                    let valid = std::str::from_utf8(bytes).map_or_else(|e| e.valid_up_to(), str::len);
                    take.fields.flaw = Some(What::NotUtf8.at(valid));
                }
            }
            Form::Msgpack => msgpack::find(bytes, &mut take.fields),
        }
        take
    }

    /// The word in `type`.
    pub(super) fn kind(&self) -> Option<Cow<'a, str>> {
        self.text(Field::Type).ok().flatten()
    }

    /// The same, as bytes: it is compared with words of ours alone, so nobody asks whether it is UTF-8.
    fn word(&self) -> Option<Cow<'a, [u8]>> {
        let span = self.fields.get(Field::Type)?;
        match self.form {
            Form::Json if span.kind == Kind::Text && !span.marks.escaped => {
                Some(Cow::Borrowed(json_text::between_quotes(self.bytes, span.start, span.end)))
            }
            _ => Some(match self.kind()? {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            }),
        }
    }

    /// What was said.
    pub(super) fn said(&self, names: Names) -> Result<Said<'a>, Fault> {
        // Whose fault it is is asked where there is one: a message that is good reads its id once.
        self.by_type(self.word(), self.id(), names).map_err(|fault| fault.with_id(self.request()))
    }

    /// The id of the request that this is.
    #[cold]
    fn request(&self) -> Option<u64> {
        // The id of a reply is the server's own, and that of a stream is answered by the stream's end: an error
        // ack for them would answer some other request.
        let kind = self.kind();
        let own = kind.as_deref().is_some_and(|kind| kind == "reply" || OF_STREAM.contains(&kind));
        if own { None } else { self.id().ok().flatten() }
    }

    /// What was said, and what stands beside it in any message.
    pub(super) fn heard(&self, names: Names) -> Result<Heard<'a>, Fault> {
        let said = self.said(names)?;
        let acked = self.count(Field::Acked).map_err(|fault| fault.with_id(self.request()))?;
        Ok(Heard { said, acked })
    }

    fn by_type(
        &self,
        word: Option<Cow<'a, [u8]>>,
        id: Result<Option<u64>, Fault>,
        names: Names,
    ) -> Result<Said<'a>, Fault> {
        if let Some(flaw) = self.fields.flaw {
            return Err(flaw.fault());
        }
        let id = id?;
        let Some(word) = word else {
            return Err(match self.fields.get(Field::Type) {
                Some(span) => wrong(Field::Type, span, "text"),
                None => invalid("the message has no \"type\""),
            });
        };
        Ok(match &*word {
            b"emit" => Said::Emit(Emit {
                id,
                event: self.name(Field::Event, names)?,
                data: self.data(Field::Data)?.unwrap_or(Data::null(self.form)),
                key: self.key(names)?,
                trace: self.trace(),
            }),
            b"publish" => Said::Publish(Publish {
                id,
                room: self.name(Field::Room, names)?,
                event: self.name(Field::Event, names)?,
                data: self.data(Field::Data)?.unwrap_or(Data::null(self.form)),
                key: self.key(names)?,
                echo: self.flag(Field::Echo)?.unwrap_or(true),
                volatile: self.flag(Field::Volatile)?.unwrap_or(false),
                trace: self.trace(),
            }),
            b"reply" => {
                let Some(id) = id else { return Err(invalid("a reply needs the \"id\" of the request")) };
                Said::Reply { id, result: self.result()? }
            }
            b"ping" => {
                let time = self.data(Field::Time)?;
                let clock =
                    self.fields.get(Field::Time).and_then(|span| self.number(span)).and_then(Number::whole);
                Said::Ping { id, time, clock, rtt: self.positive(Field::Rtt)? }
            }
            b"join" => Said::Join(self.join(id, names)?),
            b"leave" => Said::Leave { id, room: self.name(Field::Room, names)? },
            b"history" => {
                let (after, last) = (self.text(Field::After)?, self.count(Field::Last)?);
                if after.is_some() && last.is_some() {
                    return Err(invalid("a history has \"after\" or \"last\", not both"));
                }
                let (room, limit) = (self.name(Field::Room, names)?, self.count(Field::Limit)?);
                Said::History { id, room, after, limit, last }
            }
            b"report" => Said::Report(Report {
                id,
                rtt: self.positive(Field::Rtt)?,
                loss: self.positive(Field::Loss)?,
                reconnects: self.count(Field::Reconnects)?.unwrap_or(0),
                transport: self.text(Field::Transport)?,
                why: self.text(Field::Why)?,
            }),
            b"auth" => Said::Auth { id, token: self.need(Field::Token)? },
            b"hello" => Said::Hello(Box::new(self.hello(id)?)),
            b"bye" => Said::Bye { id },
            b"open" => Said::Open(self.open(id, names)?),
            b"push" => Said::Push(Push {
                id,
                collection: self.name(Field::Collection, names)?,
                changes: self.data(Field::Changes)?.unwrap_or(Data::null(self.form)),
                seen: self.count(Field::Seen)?.unwrap_or(0),
            }),
            b"pull" => Said::Pull(Pull {
                id,
                collection: self.name(Field::Collection, names)?,
                after: self.text(Field::After)?,
                begun: self.text(Field::Begun)?,
                limit: self.count(Field::Limit)?,
            }),
            other => match OF_STREAM.iter().find(|kind| kind.as_bytes() == other) {
                Some(kind) => Said::Stream(self.of_stream(kind, id)?),
                None => return Err(unknown(&String::from_utf8_lossy(other))),
            },
        })
    }

    fn hello(&self, id: Option<u64>) -> Result<Hello<'a>, Fault> {
        Ok(Hello {
            id,
            v: self.count(Field::V)?.unwrap_or(1),
            token: self.text(Field::Token)?,
            session: self.text(Field::Session)?,
            key: self.text(Field::Key)?,
            position: self.text(Field::Position)?,
            client: self.text(Field::Client)?,
            can: self.words(Field::Can)?,
            compress: self.words(Field::Compress)?,
            cookie: self.flag(Field::Cookie)?.unwrap_or(false),
            ticket: self.flag(Field::Ticket)?.unwrap_or(false),
            streams: match self.fields.get(Field::Streams) {
                Some(span) if span.kind == Kind::Map => {
                    streams(&self.bytes[span.start..span.end], self.form)?
                }
                Some(span) => return Err(wrong(Field::Streams, span, "an object")),
                None => Vec::new(),
            },
            n: self.count(Field::N)?,
            program: self.words(Field::Program)?,
        })
    }

    fn join(&self, id: Option<u64>, names: Names) -> Result<Join<'a>, Fault> {
        let (since, last) = (self.text(Field::Since)?, self.count(Field::Last)?);
        if since.is_some() && last.is_some() {
            return Err(invalid("a join has \"since\" or \"last\", not both"));
        }
        let (data, sync) = (self.data(Field::Data)?, self.data(Field::Sync)?);
        Ok(Join { id, room: self.name(Field::Room, names)?, since, last, data, sync })
    }

    /// The outcome in a reply.
    fn result(&self) -> Result<Result<Data<'a>, PeerFailure<'a>>, Fault> {
        match self.failure()? {
            Some(failure) => Ok(Err(failure)),
            None => Ok(Ok(self.data(Field::Data)?.unwrap_or(Data::null(self.form)))),
        }
    }

    /// What `error` says, if it is there.
    pub(super) fn failure(&self) -> Result<Option<PeerFailure<'a>>, Fault> {
        let Some(span) = self.fields.get(Field::Error) else { return Ok(None) };
        if span.kind != Kind::Map {
            return Err(wrong(Field::Error, span, "an object"));
        }
        let error = Take::new(self.form, &self.bytes[span.start..span.end], Utf8::Unknown);
        if let Some(flaw) = error.fields.flaw {
            return Err(What::at(flaw.what, span.start.saturating_add(flaw.at)).fault());
        }
        Ok(Some(PeerFailure {
            code: error.need(Field::Code)?,
            message: error.text(Field::Message)?.unwrap_or_default(),
            details: error.data(Field::Details)?,
            retry: error.flag(Field::Retry)?.unwrap_or(false),
        }))
    }

    /// The id, if there is one. It must be usable: a request whose id nobody can answer is not done.
    fn id(&self) -> Result<Option<u64>, Fault> {
        let Some(span) = self.fields.id() else { return Ok(None) };
        match self.number(span).and_then(Number::whole) {
            Some(id @ 1..=MAX_ID) => Ok(Some(id)),
            _ => Err(invalid(format!("\"id\" must be a whole number from 1 to {MAX_ID}"))),
        }
    }

    fn number(&self, span: &Span) -> Option<Number<'a>> {
        if span.kind != Kind::Number {
            return None;
        }
        match self.form {
            Form::Json => number::parse(&self.bytes[span.start..span.end]),
            Form::Msgpack => match msgpack::head(self.bytes, span.start) {
                Some((msgpack::Head::Number(n), _)) => Some(n),
                _ => None,
            },
        }
    }

    pub(super) fn count(&self, field: Field) -> Result<Option<u64>, Fault> {
        let Some(span) = self.fields.get(field) else { return Ok(None) };
        match self.number(span) {
            Some(number) => match number.whole() {
                Some(n) => Ok(Some(n)),
                None => Err(invalid(format!("\"{}\" must be a whole number, 0 or more", field.word()))),
            },
            None => Err(wrong(field, span, "a whole number")),
        }
    }

    fn positive(&self, field: Field) -> Result<Option<f64>, Fault> {
        let Some(span) = self.fields.get(field) else { return Ok(None) };
        match self.number(span).map(Number::float) {
            Some(given) if given >= 0.0 => Ok(Some(given)),
            Some(given) => Err(invalid(format!("\"{}\" is {given}; it must be 0 or more", field.word()))),
            None => Err(wrong(field, span, "a number")),
        }
    }

    pub(super) fn flag(&self, field: Field) -> Result<Option<bool>, Fault> {
        let Some(span) = self.fields.get(field) else { return Ok(None) };
        if span.kind != Kind::Bool {
            return Err(wrong(field, span, "true or false"));
        }
        Ok(Some(matches!(self.bytes[span.start], b't' | 0xc3)))
    }

    fn text(&self, field: Field) -> Result<Option<Cow<'a, str>>, Fault> {
        let Some(span) = self.fields.get(field) else { return Ok(None) };
        text_at(self.form, self.bytes, span).map(Some).ok_or_else(|| wrong(field, span, "text"))
    }

    fn need(&self, field: Field) -> Result<Cow<'a, str>, Fault> {
        self.text(field)?.ok_or_else(|| invalid(format!("\"{}\" is missing", field.word())))
    }

    /// The name of a room, an event or a stream.
    pub(super) fn name(&self, field: Field, names: Names) -> Result<Cow<'a, str>, Fault> {
        let name = self.need(field)?;
        names.check(format_args!("\"{}\"", field.word()), &name)?;
        Ok(name)
    }

    fn key(&self, names: Names) -> Result<Option<Cow<'a, str>>, Fault> {
        let key = self.text(Field::Key)?;
        key.as_deref().map_or(Ok(()), |key| names.check_key(key))?;
        Ok(key)
    }

    /// A traceparent is a note for people who look at traces: one that is malformed is no reason to refuse a
    /// message.
    fn trace(&self) -> Option<Cow<'a, str>> {
        self.text(Field::Trace).ok().flatten().filter(|trace| is_traceparent(trace.as_bytes()))
    }

    pub(super) fn data(&self, field: Field) -> Result<Option<Data<'a>>, Fault> {
        let Some(span) = self.fields.raw(field) else { return Ok(None) };
        match Data::of(self.form, self.bytes, span) {
            Ok(data) => Ok(Some(data)),
            Err(what) => Err(invalid(format!("\"{}\": {}", field.word(), what.text()))),
        }
    }

    fn words(&self, field: Field) -> Result<Vec<Cow<'a, str>>, Fault> {
        let Some(span) = self.fields.get(field) else { return Ok(Vec::new()) };
        if span.kind != Kind::List {
            return Err(wrong(field, span, "a list of text"));
        }
        let element = |raw: &'a [u8]| {
            let span = match self.form {
                Form::Json => json::check(raw, 0),
                Form::Msgpack => msgpack::check(raw, 0),
            };
            span.ok().and_then(|span| text_at(self.form, raw, &span))
        };
        Messages::new(self.form, &self.bytes[span.start..span.end])
            .map(|raw| element(raw?).ok_or_else(|| wrong(field, span, "a list of text")))
            .collect()
    }
}

fn text_at<'a>(form: Form, bytes: &'a [u8], span: &Span) -> Option<Cow<'a, str>> {
    if span.kind != Kind::Text {
        return None;
    }
    match form {
        Form::Json => {
            let content = json_text::between_quotes(bytes, span.start, span.end);
            if span.marks.escaped {
                json_text::decode(content).ok()
            } else {
                std::str::from_utf8(content).ok().map(Cow::Borrowed)
            }
        }
        Form::Msgpack => {
            let (_, start) = msgpack::head(bytes, span.start)?;
            std::str::from_utf8(&bytes[start..span.end]).ok().map(Cow::Borrowed)
        }
    }
}

fn wrong(field: Field, span: &Span, wanted: &str) -> Fault {
    invalid(format!("\"{}\" is {}; it must be {wanted}", field.word(), span.kind.name()))
}

fn unknown(kind: &str) -> Fault {
    let cut: String = kind.chars().take(64).collect();
    let more = if cut.len() < kind.len() { "…" } else { "" };
    invalid(format!("there is no message of the type \"{cut}{more}\""))
}
