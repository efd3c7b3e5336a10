//! An ack as bytes.

use rtcore_core::Form;
use rtcore_core::log::acks::{Kept, KeptError};
use rtcore_data::code::{Reader, put, put_bytes};
use std::sync::Arc;

const SEQ: u8 = 0;
const DATA: u8 = 1;
const ERROR: u8 = 3;
const RETRY: u64 = 1;
const AFTER: u64 = 2;
const DETAILS: u64 = 4;
const MSGPACK: u64 = 8;

/// Write an ack.
pub fn write(kept: &Kept) -> Vec<u8> {
    let mut out = Vec::new();
    match kept {
        Kept::Seq(seq) => {
            out.push(SEQ);
            put(&mut out, *seq);
        }
        Kept::Data { bytes, form } => {
            out.push(DATA + *form as u8);
            out.extend_from_slice(bytes);
        }
        Kept::Error(error) => {
            out.push(ERROR);
            let details = error.details.as_ref();
            let flags = [
                (error.retry, RETRY),
                (error.after_ms.is_some(), AFTER),
                (details.is_some(), DETAILS),
                (details.is_some_and(|(_, form)| *form == Form::Msgpack), MSGPACK),
            ];
            put(&mut out, flags.iter().filter(|(is, _)| *is).map(|(_, flag)| flag).sum());
            put_bytes(&mut out, error.code.as_bytes());
            put_bytes(&mut out, error.message.as_bytes());
            if let Some(after) = error.after_ms {
                put(&mut out, after);
            }
            if let Some((bytes, _)) = details {
                out.extend_from_slice(bytes);
            }
        }
    }
    out
}

/// Read an ack. None: these bytes are not what `write` wrote.
pub fn read(bytes: &[u8]) -> Option<Kept> {
    let mut reader = Reader(bytes);
    match reader.byte()? {
        SEQ => reader.number().map(Kept::Seq),
        kind @ (DATA | 2) => Some(Kept::Data { bytes: reader.0.into(), form: form(kind != DATA) }),
        ERROR => {
            let flags = reader.number()?;
            let has = |flag: u64| flags & flag != 0;
            let code = reader.text()?.to_owned().into();
            let message = reader.text()?.to_owned().into();
            let after_ms = if has(AFTER) { Some(reader.number()?) } else { None };
            let details = has(DETAILS).then(|| (reader.0.into(), form(has(MSGPACK))));
            Some(Kept::Error(Arc::new(KeptError { code, message, details, retry: has(RETRY), after_ms })))
        }
        _ => None,
    }
}

fn form(msgpack: bool) -> Form {
    if msgpack { Form::Msgpack } else { Form::Json }
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use crate::samples::kept;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_ack_is_read_as_it_was_written(kept in kept()) {
            prop_assert_eq!(read(&write(&kept)), Some(kept));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }
}
