//! permessage-deflate, offered and answered: RFC 7692 §7.1.

/// The one answer of the server. Without context takeover a broadcast is compressed once for all who
/// take it compressed, and no connection holds a window.
pub(super) const ANSWER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

const NAME: &str = "permessage-deflate";

/// What a permessage-deflate answer fixes, as a client reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreed {
    /// The server forgets its window after each message.
    pub server_no_context_takeover: bool,
    /// The client has to.
    pub client_no_context_takeover: bool,
}

/// The parameters of one element of `Sec-WebSocket-Extensions`.
#[derive(Default)]
struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    /// 0: named, without a value.
    server_max_window_bits: Option<u8>,
    client_max_window_bits: Option<u8>,
}

/// The parameters, or `None` for another extension, an unknown or repeated parameter or a bad value:
/// such an offer is declined and does not harm the connection (RFC 7692 §7.1, last paragraphs).
fn parameters(element: &str) -> Option<Parameters> {
    // A quoted value must be a token once it is unquoted (RFC 6455 §9.1), so no quoted `;` or `,` is valid.
    let mut parts = element.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case(NAME) {
        return None;
    }
    let mut found = Parameters::default();
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(value.trim_start())),
            None => (part, None),
        };
        match name {
            "server_no_context_takeover" => once(&mut found.server_no_context_takeover, value)?,
            "client_no_context_takeover" => once(&mut found.client_no_context_takeover, value)?,
            "server_max_window_bits" => bits(&mut found.server_max_window_bits, value)?,
            "client_max_window_bits" => bits(&mut found.client_max_window_bits, value)?,
            _ => return None,
        }
    }
    Some(found)
}

fn once(flag: &mut bool, value: Option<&str>) -> Option<()> {
    (value.is_none() && !std::mem::replace(flag, true)).then_some(())
}

/// 8 to 15 without a leading zero, RFC 7692 §7.1.2.
fn bits(slot: &mut Option<u8>, value: Option<&str>) -> Option<()> {
    let value = match value.map(unquote) {
        None => 0,
        Some(digits) if digits.starts_with(['0', '+']) => return None,
        Some(digits) => digits.parse().ok().filter(|bits| (8..=15).contains(bits))?,
    };
    slot.replace(value).is_none().then_some(())
}

fn unquote(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// Whether the server can take this offer with [`ANSWER`]: any but one that asks it for a window
/// smaller than the one that it has.
pub(super) fn acceptable(offer: &str) -> bool {
    parameters(offer).is_some_and(|offer| matches!(offer.server_max_window_bits, None | Some(15)))
}

/// What a server agreed to, of an offer of permessage-deflate; `None` if a client cannot go on with
/// it: RFC 7692 §7.1.3 has it fail the connection.
pub(super) fn agreed(answer: &str) -> Option<Agreed> {
    let answer = parameters(answer)?;
    // A smaller window of the server's is no matter for our inflater; one of our own we cannot promise.
    if answer.server_max_window_bits == Some(0) || !matches!(answer.client_max_window_bits, None | Some(15)) {
        return None;
    }
    Some(Agreed {
        server_no_context_takeover: answer.server_no_context_takeover,
        client_no_context_takeover: answer.client_no_context_takeover,
    })
}
