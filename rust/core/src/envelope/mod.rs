//! The envelope: from a frame to what was said, and from what is to be said to bytes.
//!
//! ```text
//! frame ──messages──▶ message ──read──▶ Said          ack, event, welcome, … ──▶ bytes
//!           split     json, msgpack      take                write, writer_*
//! ```
//!
//! **One pass up.** A scanner (`json`, `msgpack`) checks every byte of a message once and notes where the
//! known fields stand (`span`); what they mean is asked afterwards and for both forms alike (`take`).
//! Payloads are not decoded: what a listener gets are the publisher's bytes, checked once, copied never.
//!
//! **A fault finds its request.** Where a value is broken, the scanner finds its end by the brackets and goes
//! on, so the `id` is read even if it stands behind the flaw. Only where the object's own structure is broken
//! does reading end.
//!
//! **Two forms, one meaning.** `value` carries a payload from one form to the other, and compares and digests
//! payloads as values. Its visitors hang on one walk for each form (`walk`).
//!
//! Rulings of this module, where the protocol leaves it open: a known field of a message that is there twice
//! is refused; `null` stands for "not there", except as `id`, where it is unusable; `1.0` is the integer 1; a
//! message's broken array says what came before the break.
// Numbers of a peer come in here: a sum that could wrap or panic is an error of the build, or has its reason beside it.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod base64;
mod bin;
mod digest;
mod flaw;
mod json;
mod json_skip;
mod json_text;
mod msgpack;
mod number;
mod said;
mod span;
mod split;
mod take;
mod take_stream;
mod trace;
mod tree;
pub mod value;
mod walk;
pub mod write;
mod write_room;
mod write_stream;
mod writer;
mod writer_json;
mod writer_msgpack;

pub use said::{
    Data, Emit, Heard, Hello, Join, OfStream, Open, PeerFailure, Publish, Pull, Push, Report, Said,
};
pub use split::{Kept, Messages, Rest};
pub use take::Utf8;
pub use tree::{packed_tree, tree, tree_bytes};
pub use value::{digest, field, packed_binary, same, transcode};
pub use write::*;
pub use writer::Writer;

use crate::error::Fault;
use crate::ids::Form;
use crate::names::Names;
use std::borrow::Cow;
use take::Take;

/// The highest id: the last integer that every JSON reader keeps exact.
pub const MAX_ID: u64 = (1 << 53) - 1;

/// Split a frame into its messages: the one that it is, or the elements of an array. Nothing is checked here
/// but where each one ends. If that cannot be found the last item is a fault.
#[must_use]
pub fn messages(form: Form, frame: &[u8]) -> Messages<'_> {
    Messages::new(form, frame)
}

/// Read one message. A fault carries the request's id wherever one could be read.
pub fn read(form: Form, message: &[u8], names: Names) -> Result<Said<'_>, Fault> {
    Take::new(form, message, Utf8::Unknown).said(names)
}

/// The same, with what any message may say beside. Of JSON that came in a text frame it is known that it is UTF-8.
pub fn hear(form: Form, message: &[u8], utf8: Utf8, names: Names) -> Result<Heard<'_>, Fault> {
    Take::new(form, message, utf8).heard(names)
}

/// The text that a checked JSON value is; none: it is something else.
#[must_use]
pub fn text_of_json(json: &[u8]) -> Option<Cow<'_, str>> {
    let content = json.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    json_text::decode(content).ok()
}

/// The word in `type`, if it can be read, whatever else is wrong.
#[must_use]
pub fn type_of(form: Form, message: &[u8]) -> Option<Cow<'_, str>> {
    Take::new(form, message, Utf8::Unknown).kind()
}
