//! Payloads as values: carried from one form to the other, compared, digested, and looked into.

use super::digest::Digest;
use super::flaw::Flaw;
use super::number::Number;
use super::said::Data;
use super::walk::{Holds, Visit, walk};
use super::writer::Writer;
use super::{json_skip, json_text, msgpack, writer_msgpack};
use crate::error::Fault;
use crate::ids::Form;
use sha1::Digest as _;

/// Append the value `bytes` in the form `to`. `out` is as before if there is a fault.
///
/// Binary becomes `{"$bin":…}` and back. An integer of JSON that `MessagePack` cannot hold becomes the nearest
/// float. In the same form the bytes are copied unseen.
pub fn transcode(bytes: &[u8], from: Form, to: Form, out: &mut Vec<u8>) -> Result<(), Fault> {
    let start = out.len();
    let done = match (from, to) {
        (Form::Json, Form::Json) | (Form::Msgpack, Form::Msgpack) => {
            out.extend_from_slice(bytes);
            return Ok(());
        }
        (_, Form::Json) => walk(bytes, from, &mut Writer::new(out, Form::Json)),
        (_, Form::Msgpack) => pack(bytes, from, out, false),
    };
    done.map_err(|flaw| {
        out.truncate(start);
        flaw.fault()
    })
}

fn pack(bytes: &[u8], from: Form, out: &mut Vec<u8>, exact: bool) -> Result<(), Flaw> {
    let mut packed = Packed { out, large: Vec::new(), exact };
    let done = walk(bytes, from, &mut packed);
    packed.finish();
    done
}

/// JSON as `MessagePack` if there is binary in it, for a reader of our own, so that one that knows binary is
/// enough. An integer beyond 64 bits is an extension of type 1 there: its digits.
pub fn packed_binary(json: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    if !Data::check(Form::Json, json)?.has_bin {
        return Ok(None);
    }
    let mut out = Vec::with_capacity(json.len());
    pack(json, Form::Json, &mut out, true).map_err(Flaw::fault)?;
    Ok(Some(out))
}

/// Whether two payloads are the same value, in whatever form, order of keys, spacing and notation. See
/// `digest.rs` for what is the same.
#[must_use]
pub fn same(a: (&[u8], Form), b: (&[u8], Form)) -> bool {
    a == b || digest(a.0, a.1) == digest(b.0, b.1)
}

/// A digest that the same values share, and that no one meets by chance. Bytes that are no value have one
/// too, which no value has.
#[must_use]
pub fn digest(bytes: &[u8], form: Form) -> [u8; 16] {
    let mut digest = Digest::new();
    if walk(bytes, form, &mut digest).is_ok() {
        return digest.finish();
    }
    let hash: [u8; 20] =
        sha1::Sha1::new().chain_update([0, form as u8]).chain_update(bytes).finalize().into();
    hash.first_chunk().copied().unwrap_or_default()
}

/// The raw bytes of a field of an object; the last one, should there be several. None if this is no object.
#[must_use]
pub fn field<'a>(bytes: &'a [u8], form: Form, name: &str) -> Option<&'a [u8]> {
    match form {
        Form::Json => json_field(bytes, name),
        Form::Msgpack => msgpack_field(bytes, name),
    }
}

fn json_field<'a>(bytes: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let space = |at| json_skip::after_space(bytes, at);
    let behind = |at: usize| space(at.saturating_add(1));
    let mut found = None;
    let mut at = space(0);
    if bytes.get(at) != Some(&b'{') {
        return None;
    }
    at = behind(at);
    while bytes.get(at) == Some(&b'"') {
        let (end, _) = json_text::check(bytes, at).ok()?;
        let key = json_text::decode(json_text::between_quotes(bytes, at, end)).ok()?;
        let colon = space(end);
        if bytes.get(colon) != Some(&b':') {
            return None;
        }
        let value = behind(colon);
        let end = json_skip::skip(bytes, value)?;
        if key == name {
            found = bytes.get(value..end);
        }
        at = space(end);
        if bytes.get(at) == Some(&b',') {
            at = behind(at);
        }
    }
    found
}

fn msgpack_field<'a>(bytes: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let (msgpack::Head::Map(count), mut at) = msgpack::head(bytes, 0)? else { return None };
    let mut found = None;
    for _ in 0..count {
        let (key, value) = msgpack::key(bytes, at).ok()?;
        at = msgpack::skip(bytes, value)?;
        if key == name {
            found = bytes.get(value..at);
        }
    }
    found
}

impl Visit for Writer<'_> {
    fn null(&mut self) {
        Writer::null(self);
    }

    fn boolean(&mut self, value: bool) {
        self.bool(value);
    }

    fn number(&mut self, value: Number<'_>) {
        match value {
            Number::Unsigned(n) => self.u64(n),
            Number::Negative(n) => self.i64(n),
            Number::Float(_) | Number::Wide(_) => self.f64(value.float()),
        }
    }

    fn text(&mut self, value: &str) {
        self.str(value);
    }

    fn binary(&mut self, value: &[u8]) {
        Writer::binary(self, value);
    }

    fn open(&mut self, holds: Holds, count: Option<usize>) -> usize {
        match holds {
            Holds::List => self.begin_array(count.unwrap_or(0)),
            Holds::Map => self.begin_map(count.unwrap_or(0)),
        }
        0
    }

    fn key(&mut self, key: &str) {
        Writer::key(self, key);
    }

    fn close(&mut self, holds: Holds, _: usize, _: usize) {
        match holds {
            Holds::List => self.end_array(),
            Holds::Map => self.end_map(),
        }
    }
}

/// Writes `MessagePack` for a walk that cannot say in advance how many there are, in time that grows with the
/// value alone: each container gets one byte for its head, and those that turn out to need more are widened
/// in one pass at the end, from the back.
struct Packed<'a> {
    out: &'a mut Vec<u8>,
    large: Vec<(usize, Holds, usize)>,
    /// Integers beyond 64 bits are extensions, and not floats.
    exact: bool,
}

impl Packed<'_> {
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "offsets into what was written: a head is a byte at least"
    )]
    fn finish(self) {
        let Self { out, mut large, .. } = self;
        large.sort_unstable_by_key(|(at, ..)| *at);
        let mut end = out.len();
        let mut shift: usize = large.iter().map(|(.., count)| writer_msgpack::head_len(*count) - 1).sum();
        out.resize(end + shift, 0);
        for (at, holds, count) in large.into_iter().rev() {
            out.copy_within(at + 1..end, at + 1 + shift);
            let mut head = Vec::with_capacity(5);
            match holds {
                Holds::List => writer_msgpack::list(&mut head, count),
                Holds::Map => writer_msgpack::map(&mut head, count),
            }
            shift -= head.len() - 1;
            out[at + shift..at + shift + head.len()].copy_from_slice(&head);
            end = at;
        }
    }
}

impl Visit for Packed<'_> {
    fn null(&mut self) {
        writer_msgpack::null(self.out);
    }

    fn boolean(&mut self, value: bool) {
        writer_msgpack::boolean(self.out, value);
    }

    fn number(&mut self, value: Number<'_>) {
        match value {
            Number::Unsigned(n) => writer_msgpack::unsigned(self.out, n),
            Number::Negative(n) => writer_msgpack::signed(self.out, n),
            Number::Wide(digits) if self.exact => writer_msgpack::extension(self.out, 1, digits.as_bytes()),
            Number::Float(_) | Number::Wide(_) => writer_msgpack::float(self.out, value.float()),
        }
    }

    fn text(&mut self, value: &str) {
        writer_msgpack::text(self.out, value);
    }

    fn binary(&mut self, value: &[u8]) {
        writer_msgpack::binary(self.out, value);
    }

    fn open(&mut self, _: Holds, _: Option<usize>) -> usize {
        let at = self.out.len();
        self.out.push(0);
        at
    }

    fn key(&mut self, key: &str) {
        writer_msgpack::text(self.out, key);
    }

    fn close(&mut self, holds: Holds, opened: usize, count: usize) {
        match (u8::try_from(count), holds) {
            (Ok(count @ ..=15), Holds::List) => self.out[opened] = 0x90 | count,
            (Ok(count @ ..=15), Holds::Map) => self.out[opened] = 0x80 | count,
            _ => self.large.push((opened, holds, count)),
        }
    }
}
