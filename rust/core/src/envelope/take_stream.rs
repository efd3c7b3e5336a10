//! What is said of streams of items.

use super::flaw::{What, invalid};
use super::said::{Data, OfStream, Open};
use super::span::Field;
use super::take::Take;
use super::{MAX_ID, json_skip, json_text, msgpack, number};
use crate::error::Fault;
use crate::ids::Form;
use crate::limits::fixed::NAMED_STREAMS;
use crate::names::Names;

/// The types of messages whose `id` is that of a stream.
pub(super) const OF_STREAM: [&str; 4] = ["item", "credit", "end", "cancel"];

impl<'a> Take<'a> {
    pub(super) fn open(&self, id: Option<u64>, names: Names) -> Result<Open<'a>, Fault> {
        let Some(id) = id else {
            return Err(invalid("an open needs an \"id\": it is what the stream is called from then on"));
        };
        Ok(Open {
            id,
            stream: self.name(Field::Stream, names)?,
            data: self.data(Field::Data)?.unwrap_or(Data::null(self.form)),
            up: self.flag(Field::Up)?.unwrap_or(false),
            credit: self.count(Field::Credit)?.unwrap_or(0),
        })
    }

    pub(super) fn of_stream(&self, kind: &str, id: Option<u64>) -> Result<OfStream<'a>, Fault> {
        let Some(id) = id else {
            return Err(invalid(format!("the message \"{kind}\" needs the \"id\" of a stream")));
        };
        let n = self.count(Field::N)?;
        let need = || n.ok_or_else(|| invalid(format!("the message \"{kind}\" needs an \"n\"")));
        Ok(match kind {
            "item" => {
                let data = self.data(Field::Data)?.unwrap_or(Data::null(self.form));
                OfStream::Item { id, n: need()?, data }
            }
            "credit" => OfStream::Credit { id, n: need()? },
            "end" => OfStream::End { id, n, error: self.failure()? },
            _ => OfStream::Cancel { id },
        })
    }
}

/// Ids and numbers of an object such as `{"5":90}`, which was checked as a value.
pub(super) fn streams(bytes: &[u8], form: Form) -> Result<Vec<(u64, u64)>, Fault> {
    let mut found = Vec::new();
    let mut take = |key: &str, value: Option<u64>| {
        let id = key.parse().ok().filter(|id| (1..=MAX_ID).contains(id));
        let (Some(id), Some(next)) = (id, value) else {
            let told = format!("\"streams\" has {key:?}; it must be ids with the next item wanted of each");
            return Err(invalid(told));
        };
        if found.len() == NAMED_STREAMS {
            return Err(invalid(format!(
                "\"streams\" has more than {NAMED_STREAMS} ids; name those that are open"
            )));
        }
        found.push((id, next));
        Ok(())
    };
    match form {
        Form::Json => each_json(bytes, &mut take)?,
        Form::Msgpack => each_msgpack(bytes, &mut take)?,
    }
    Ok(found)
}

fn each_json(
    bytes: &[u8],
    take: &mut impl FnMut(&str, Option<u64>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let space = |at| json_skip::after_space(bytes, at);
    let behind = |at: usize| space(at.saturating_add(1));
    let mut at = space(1);
    while bytes.get(at) == Some(&b'"') {
        let (end, _) = json_text::check(bytes, at).map_err(super::flaw::Flaw::fault)?;
        let key = json_text::decode(json_text::between_quotes(bytes, at, end));
        let key = key.map_err(super::flaw::Flaw::fault)?;
        let value = behind(space(end));
        let end = json_skip::skip(bytes, value).ok_or_else(|| What::NoValue.at(value).fault())?;
        take(&key, number::parse(&bytes[value..end]).and_then(number::Number::whole))?;
        at = space(end);
        if bytes.get(at) == Some(&b',') {
            at = behind(at);
        }
    }
    Ok(())
}

fn each_msgpack(
    bytes: &[u8],
    take: &mut impl FnMut(&str, Option<u64>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let Some((msgpack::Head::Map(count), mut at)) = msgpack::head(bytes, 0) else { return Ok(()) };
    for _ in 0..count {
        let (key, value) = msgpack::key(bytes, at).map_err(super::flaw::Flaw::fault)?;
        let next = match msgpack::head(bytes, value) {
            Some((msgpack::Head::Number(n), _)) => n.whole(),
            _ => None,
        };
        take(key, next)?;
        at = msgpack::skip(bytes, value).ok_or_else(|| What::NoValue.at(value).fault())?;
    }
    Ok(())
}
