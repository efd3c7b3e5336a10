//! One way to write a message, in either form.
//!
//! Counts are said in advance, because `MessagePack` wants them; JSON does not look at them. A test writes
//! every message in both forms and compares them as values, so a count that is wrong is found.

use super::value::transcode;
use super::{writer_json, writer_msgpack};
use crate::ids::Form;

/// Writes values at the end of a buffer.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    form: Form,
    /// JSON: whether a value stands before, so that a comma is due.
    comma: bool,
}

macro_rules! scalar {
    ($(#[doc = $doc:literal] $name:ident($($value:ident: $type:ty)?) = $json:expr, $msgpack:expr;)+) => {
        $(#[doc = $doc]
        pub fn $name(&mut self $(, $value: $type)?) {
            match self.form {
                Form::Json => {
                    self.separate();
                    $json(self.out $(, $value)?);
                    self.comma = true;
                }
                Form::Msgpack => $msgpack(self.out $(, $value)?),
            }
        })+
    };
}

impl<'a> Writer<'a> {
    /// Write at the end of `out`.
    pub fn new(out: &'a mut Vec<u8>, form: Form) -> Self {
        Self { out, form, comma: false }
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
    }

    scalar! {
        /// Text.
        str(value: &str) = writer_json::text, writer_msgpack::text;
        /// An integer.
        u64(value: u64) = writer_json::unsigned, writer_msgpack::unsigned;
        /// An integer that may be negative.
        i64(value: i64) = writer_json::signed, writer_msgpack::signed;
        /// A finite float.
        f64(value: f64) = writer_json::float, writer_msgpack::float;
        /// True or false.
        bool(value: bool) = writer_json::boolean, writer_msgpack::boolean;
        /// Binary.
        binary(value: &[u8]) = writer_json::binary, writer_msgpack::binary;
        /// Null.
        null() = |out: &mut Vec<u8>| out.extend_from_slice(b"null"), writer_msgpack::null;
    }

    /// An object of `count` members begins.
    pub fn begin_map(&mut self, count: usize) {
        match self.form {
            Form::Json => self.open(b'{'),
            Form::Msgpack => writer_msgpack::map(self.out, count),
        }
    }

    /// It ends.
    pub fn end_map(&mut self) {
        self.close(b'}');
    }

    /// A list of `count` values begins.
    pub fn begin_array(&mut self, count: usize) {
        match self.form {
            Form::Json => self.open(b'['),
            Form::Msgpack => writer_msgpack::list(self.out, count),
        }
    }

    /// It ends.
    pub fn end_array(&mut self) {
        self.close(b']');
    }

    /// A member's key; its value follows.
    pub fn key(&mut self, key: &str) {
        match self.form {
            Form::Json => {
                self.separate();
                writer_json::text(self.out, key);
                self.out.push(b':');
                self.comma = false;
            }
            Form::Msgpack => writer_msgpack::text(self.out, key),
        }
    }

    /// A payload, in this writer's form whatever its own. It was checked when it was taken; should it still
    /// not be sayable in the other form, null stands in its place.
    pub fn data(&mut self, bytes: &[u8], form: Form) {
        if self.form == Form::Json {
            self.separate();
            self.comma = true;
        }
        if transcode(bytes, form, self.form, self.out).is_err() {
            self.comma = false;
            self.null();
        }
    }

    fn open(&mut self, bracket: u8) {
        self.separate();
        self.out.push(bracket);
        self.comma = false;
    }

    fn close(&mut self, bracket: u8) {
        if self.form == Form::Json {
            self.out.push(bracket);
            self.comma = true;
        }
    }
}
