//! Payloads as trees, as shared data holds them; and back.

use super::number::Number;
use super::walk::{Holds, Visit, walk};
use super::writer::Writer;
use crate::error::Fault;
use crate::ids::Form;
use rtcore_data::{Map, Number as Exact, Value};

/// A payload as a tree.
pub fn tree(bytes: &[u8], form: Form) -> Result<Value, Fault> {
    let mut made = Made::default();
    walk(bytes, form, &mut made).map_err(super::flaw::Flaw::fault)?;
    Ok(made.whole)
}

/// A tree as a payload.
#[must_use]
pub fn tree_bytes(value: &Value, form: Form) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.size().min(1 << 20));
    write(&mut Writer::new(&mut out, form), value);
    out
}

/// A tree for the application: with binary in it as `MessagePack`, whose readers know binary, else as JSON.
#[must_use]
pub fn packed_tree(value: &Value) -> (Vec<u8>, Form) {
    let form = if has_binary(value) { Form::Msgpack } else { Form::Json };
    (tree_bytes(value, form), form)
}

fn has_binary(value: &Value) -> bool {
    match value {
        Value::Bytes(_) => true,
        Value::List(list) => list.iter().any(has_binary),
        Value::Map(map) => map.iter().any(|(_, value)| has_binary(value)),
        _ => false,
    }
}

/// Recursion is bounded by the depth of payloads: what a change nests is a field of a document, a few levels below.
fn write(w: &mut Writer<'_>, value: &Value) {
    match value {
        Value::Null => w.null(),
        Value::Bool(value) => w.bool(*value),
        Value::Number(Exact::Int(n)) if *n < 0 => w.i64(*n),
        Value::Number(Exact::Int(n)) => w.u64(n.unsigned_abs()),
        Value::Number(Exact::Large(n)) => w.u64(*n),
        Value::Number(Exact::Float(f)) => w.f64(*f),
        Value::Number(Exact::Wide(digits)) => w.data(digits.as_bytes(), Form::Json),
        Value::Text(text) => w.str(text),
        Value::Bytes(bytes) => w.binary(bytes),
        Value::List(list) => {
            w.begin_array(list.len());
            for each in list {
                write(w, each);
            }
            w.end_array();
        }
        Value::Map(map) => {
            w.begin_map(map.len());
            for (key, value) in map.iter() {
                w.key(key);
                write(w, value);
            }
            w.end_map();
        }
    }
}

/// Builds a tree on a walk.
#[derive(Default)]
struct Made {
    whole: Value,
    open: Vec<Open>,
}

enum Open {
    List(Vec<Value>),
    Map(Vec<(Box<str>, Value)>, Box<str>),
}

impl Made {
    fn put(&mut self, value: Value) {
        match self.open.last_mut() {
            None => self.whole = value,
            Some(Open::List(list)) => list.push(value),
            Some(Open::Map(members, key)) => members.push((std::mem::take(key), value)),
        }
    }
}

impl Visit for Made {
    fn null(&mut self) {
        self.put(Value::Null);
    }

    fn boolean(&mut self, value: bool) {
        self.put(value.into());
    }

    fn number(&mut self, value: Number<'_>) {
        self.put(match value {
            Number::Unsigned(n) => n.into(),
            Number::Negative(n) => n.into(),
            Number::Float(f) => Exact::float(f).map_or(Value::Null, Value::Number),
            Number::Wide(digits) => Value::Number(Exact::Wide(digits.into())),
        });
    }

    fn text(&mut self, value: &str) {
        self.put(value.into());
    }

    fn binary(&mut self, value: &[u8]) {
        self.put(Value::Bytes(value.into()));
    }

    fn open(&mut self, holds: Holds, count: Option<usize>) -> usize {
        // What a peer announces is not believed: the place grows with what comes.
        let place = count.unwrap_or(0).min(64);
        self.open.push(match holds {
            Holds::List => Open::List(Vec::with_capacity(place)),
            Holds::Map => Open::Map(Vec::with_capacity(place), Box::default()),
        });
        0
    }

    fn key(&mut self, key: &str) {
        if let Some(Open::Map(_, next)) = self.open.last_mut() {
            *next = key.into();
        }
    }

    fn close(&mut self, _: Holds, _: usize, _: usize) {
        match self.open.pop() {
            Some(Open::List(list)) => self.put(list.into()),
            Some(Open::Map(members, _)) => self.put(members.into_iter().collect::<Map>().into()),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_comes_back_as_the_same_value_in_both_forms() {
        let json = br#"{"a":[1,-2,2.5,18446744073709551615,null,true,"x"],"b":{"$bin":"AAEC"},"c":{}}"#;
        let value = tree(json, Form::Json).expect("a value");
        assert_eq!(value.get("b"), Some(&Value::Bytes([0, 1, 2].into())));
        for form in [Form::Json, Form::Msgpack] {
            assert_eq!(tree(&tree_bytes(&value, form), form).as_ref(), Ok(&value));
        }
        assert_eq!(packed_tree(&value).1, Form::Msgpack);
        let wide = br"[123456789012345678901234567890]";
        assert_eq!(tree_bytes(&tree(wide, Form::Json).expect("a value"), Form::Json), wide);
    }
}
