//! Binary in JSON: `{"$bin":"base64"}`, the one object whose only key may begin with `$`.

use super::flaw::{Flaw, What};
use super::json_skip::after_space;
use super::{base64, json_text};
use std::borrow::Cow;

/// The key.
const KEY: &str = "$bin";

/// Append bytes as JSON.
pub(super) fn write(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(b"{\"");
    out.extend_from_slice(KEY.as_bytes());
    out.extend_from_slice(b"\":\"");
    base64::encode_into(out, bytes);
    out.extend_from_slice(b"\"}");
}

/// The text of an object that is binary, as a whole, and the place behind the object. `key` is the object's first, and its
/// value begins at `at`. None: the object is something else.
pub(super) fn text<'a>(key: &[u8], bytes: &'a [u8], at: usize) -> Option<(Cow<'a, str>, usize)> {
    if key != KEY.as_bytes() || bytes.get(at) != Some(&b'"') {
        return None;
    }
    let (end, _) = json_text::check(bytes, at).ok()?;
    let close = after_space(bytes, end);
    bytes.get(close).filter(|&&byte| byte == b'}')?;
    Some((json_text::decode(json_text::between_quotes(bytes, at, end)).ok()?, close.saturating_add(1)))
}

/// The bytes of such a text, which stands at `at`.
pub(super) fn decode(text: &str, at: usize) -> Result<Vec<u8>, Flaw> {
    base64::decode(text.as_bytes()).ok_or(What::Base64.at(at))
}
