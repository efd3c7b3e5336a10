//! JSON without spaces and line breaks.

use super::{bin, json_text};

pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    json_text::write(out, text);
}

pub(super) fn unsigned(out: &mut Vec<u8>, n: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
}

pub(super) fn signed(out: &mut Vec<u8>, n: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
}

/// The shortest text that is read as this float. JSON has no word for what is not finite: null.
pub(super) fn float(out: &mut Vec<u8>, f: f64) {
    if f.is_finite() {
        out.extend_from_slice(ryu::Buffer::new().format_finite(f).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

pub(super) fn boolean(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

pub(super) fn binary(out: &mut Vec<u8>, bytes: &[u8]) {
    bin::write(out, bytes);
}
