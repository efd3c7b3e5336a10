//! Values as bytes to be kept: each exactly as it was, in the fewest bytes that are read without looking back.
//!
//! A value is a byte that says what it is, and its content; lengths and whole numbers are of seven bits a byte, the lowest
//! first. It is no form of the wire: what JSON cannot say (an object whose only member begins with `$`) and what
//! `MessagePack` cannot (digits beyond 64 bits) is kept all the same.

use crate::code::{Reader, put, put_bytes};
use crate::number::Number;
use crate::value::{Map, Value};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const LARGE: u8 = 4;
const FLOAT: u8 = 5;
const WIDE: u8 = 6;
const TEXT: u8 = 7;
const BYTES: u8 = 8;
const LIST: u8 = 9;
const MAP: u8 = 10;
/// Deeper than anything that is kept: a payload of the wire is nested 128 deep, and a row holds it a few levels below.
const DEEPEST: usize = 160;

fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(NULL),
        Value::Bool(false) => out.push(FALSE),
        Value::Bool(true) => out.push(TRUE),
        Value::Number(Number::Int(n)) => {
            out.push(INT);
            put(out, ((n << 1) ^ (n >> 63)).cast_unsigned());
        }
        Value::Number(Number::Large(n)) => {
            out.push(LARGE);
            put(out, *n);
        }
        Value::Number(Number::Float(f)) => {
            out.push(FLOAT);
            out.extend_from_slice(&f.to_le_bytes());
        }
        Value::Number(Number::Wide(digits)) => {
            out.push(WIDE);
            put_bytes(out, digits.as_bytes());
        }
        Value::Text(text) => {
            out.push(TEXT);
            put_bytes(out, text.as_bytes());
        }
        Value::Bytes(bytes) => {
            out.push(BYTES);
            put_bytes(out, bytes);
        }
        Value::List(list) => {
            out.push(LIST);
            put(out, list.len() as u64);
            for each in list {
                write(out, each);
            }
        }
        Value::Map(map) => {
            out.push(MAP);
            put(out, map.len() as u64);
            for (name, each) in map.iter() {
                put_bytes(out, name.as_bytes());
                write(out, each);
            }
        }
    }
}

/// What was read of a text, kept.
fn text(from: &mut Reader<'_>) -> Option<Box<str>> {
    from.text().map(Box::from)
}

fn float(from: &mut Reader<'_>) -> Option<Number> {
    let (bits, rest) = from.0.split_first_chunk::<8>()?;
    from.0 = rest;
    Number::float(f64::from_le_bytes(*bits))
}

fn read(from: &mut Reader<'_>, depth: usize) -> Option<Value> {
    let below = depth.checked_sub(1)?;
    Some(match from.byte()? {
        NULL => Value::Null,
        FALSE => Value::Bool(false),
        TRUE => Value::Bool(true),
        INT => {
            let n = from.number()?;
            Value::Number(Number::Int((n >> 1).cast_signed() ^ -(n & 1).cast_signed()))
        }
        LARGE => Value::Number(Number::Large(from.number()?)),
        FLOAT => Value::Number(float(from)?),
        WIDE => Value::Number(Number::Wide(text(from)?)),
        TEXT => Value::Text(text(from)?),
        BYTES => Value::Bytes(from.bytes()?.into()),
        LIST => {
            let mut list = Vec::new();
            for _ in 0..from.count()? {
                list.push(read(from, below)?);
            }
            Value::List(list)
        }
        MAP => {
            let mut map = Map::new();
            for _ in 0..from.count()? {
                let name = text(from)?;
                if map.insert(name, read(from, below)?).is_some() {
                    return None;
                }
            }
            Value::Map(map)
        }
        _ => return None,
    })
}

impl Value {
    /// As bytes to be kept.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.size());
        write(&mut out, self);
        out
    }

    /// Read what `pack` wrote. None: these bytes are not that. Whatever it is given, it ends.
    #[must_use]
    pub fn unpack(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let value = read(&mut reader, DEEPEST)?;
        reader.0.is_empty().then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        let number = prop_oneof![
            any::<i64>().prop_map(Number::Int),
            (1 << 63..=u64::MAX).prop_map(Number::Large),
            any::<f64>().prop_filter_map("finite", Number::float),
            "[1-9][0-9]{25}".prop_map(|digits| Number::Wide(digits.into())),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            number.prop_map(Value::Number),
            ".{0,6}".prop_map(|text| Value::Text(text.into())),
            prop::collection::vec(any::<u8>(), 0..9).prop_map(|bytes| Value::Bytes(bytes.into())),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
                prop::collection::vec((".{0,4}", inner), 0..5)
                    .prop_map(|members| members.into_iter().collect::<Map>().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_kept_comes_back_exactly_as_it_was(value in value()) {
            let read = Value::unpack(&value.pack()).expect("it was written");
            // (Values are compared as numbers are: 1 is 1.0. Kept is which of them it was.)
            prop_assert_eq!(format!("{read:?}"), format!("{value:?}"));
        }

        #[test]
        fn no_bytes_make_a_reader_panic_or_take_memory_that_is_not_there(bytes: Vec<u8>) {
            let _ = Value::unpack(&bytes);
        }

        #[test]
        fn what_was_cut_off_is_not_read(value in value(), cut in 1usize..8) {
            let bytes = value.pack();
            let left = bytes.len().saturating_sub(cut);
            prop_assert!(Value::unpack(&bytes[..left]).is_none());
        }
    }

    #[test]
    fn what_is_nested_without_end_is_not_read() {
        let mut bytes = [LIST, 1].repeat(DEEPEST + 1);
        bytes.push(NULL);
        assert_eq!(Value::unpack(&bytes), None);
    }
}
