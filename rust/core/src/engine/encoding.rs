//! The ways in which a message is written for a connection: its form, and what carries it.
//!
//! Parts: none.
//!
//! An encoding is a small number, so that fan-out can keep one frame for each that is in use:
//!
//! | | |
//! |---|---|
//! | 0 to 3 | WebSocket frames: bit 0 `MessagePack`, bit 1 compressed |
//! | 4 to 7 | event streams, JSON: bit 0 the plain format (data alone), bit 1 without chunks (HTTP/1.0) |
//! | 8 | polls: JSON, with a comma behind each message |
//! | 9 to 16 | frames again, compressed as the hello agreed: two for each algorithm, the second `MessagePack` |
//! | 17 to 20 | event streams in gzip: bit 0 the plain format, bit 1 not compressed |

use super::say::framed;
use crate::compress::Algorithm;
pub(super) use crate::conn::carrier::POLL;
use crate::conn::carrier::{DEFLATE, EVENTS, GZIP, MSGPACK, PACKED, PLAIN, STORED, WHOLE, Wrap};
use crate::envelope::write as envelope;
use crate::envelope::{text_of_json, transcode, write::EventOut};
use crate::frame::eventstream;
use crate::ids::Form;
use crate::outbox::Packing;
use std::borrow::Cow;

/// What compresses a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Press {
    Nothing,
    /// permessage-deflate, or the same in the gzip of an event stream.
    Deflate,
    /// What the hello agreed on.
    Ours(Algorithm),
}

/// The form of an encoding's messages, and what compresses them.
pub(super) fn parts(encoding: u8) -> (Form, Press) {
    let form = |bit: u8| if bit & MSGPACK == 0 { Form::Json } else { Form::Msgpack };
    match encoding {
        0..EVENTS if encoding & DEFLATE == 0 => (form(encoding), Press::Nothing),
        0..EVENTS => (form(encoding), Press::Deflate),
        EVENTS..PACKED => (Form::Json, Press::Nothing),
        GZIP.. if is_stored(encoding) => (Form::Json, Press::Nothing),
        GZIP.. => (Form::Json, Press::Deflate),
        PACKED.. => {
            let at = encoding - PACKED;
            let press = Algorithm::numbered(at / 2 + 1).map_or(Press::Nothing, Press::Ours);
            (form(at), press)
        }
    }
}

/// Whether an entry in this encoding takes memory of its own beside the plain one, since it is compressed as a hello agreed.
pub(super) const fn is_packed(encoding: u8) -> bool {
    encoding >= PACKED
}

/// The same encoding without compression.
pub(super) fn uncompressed(encoding: u8) -> u8 {
    match encoding {
        0..EVENTS => encoding & !DEFLATE,
        EVENTS..PACKED => encoding,
        GZIP.. => GZIP + ((encoding - GZIP) | STORED),
        PACKED.. => parts(encoding).0 as u8,
    }
}

/// Whether it is an event stream's.
const fn is_stream(encoding: u8) -> bool {
    encoding >= GZIP || (encoding >= EVENTS && encoding < POLL)
}

const fn is_plain(encoding: u8) -> bool {
    if encoding >= GZIP { (encoding - GZIP) & PLAIN != 0 } else { encoding & PLAIN != 0 }
}

const fn is_stored(encoding: u8) -> bool {
    (encoding - GZIP) & STORED != 0
}

const fn wrap(encoding: u8) -> Wrap {
    match encoding {
        GZIP.. => Wrap::Gzip,
        _ if encoding & WHOLE == 0 => Wrap::Chunks,
        _ => Wrap::Whole,
    }
}

/// Append a block of an event stream, as its encoding wraps it; compressed where that is allowed and pays.
fn block(out: &mut Vec<u8>, encoding: u8, packing: Packing<'_>, write: impl FnOnce(&mut Vec<u8>)) {
    if parts(encoding).1 == Press::Nothing {
        eventstream::chunk(out, wrap(encoding), write);
        return;
    }
    let Packing { tools, from, about } = packing;
    let mut plain = Vec::new();
    write(&mut plain);
    let mut packed = Vec::new();
    if plain.len() >= from && tools.deflate(&plain, about, &mut packed) {
        eventstream::deflated(out, &packed);
    } else {
        eventstream::chunk(out, wrap(encoding), |out| out.extend_from_slice(&plain));
    }
}

/// Append a message that is no event, as its encoding has it: `packing` is used if that compresses.
pub(super) fn message(
    out: &mut Vec<u8>,
    encoding: u8,
    packing: Packing<'_>,
    write: impl FnOnce(&mut Vec<u8>, Form),
) {
    sized(out, encoding, packing, 0, write);
}

/// The same, of a message that has about `least` bytes or more.
fn sized(
    out: &mut Vec<u8>,
    encoding: u8,
    packing: Packing<'_>,
    least: usize,
    write: impl FnOnce(&mut Vec<u8>, Form),
) {
    let (form, press) = parts(encoding);
    match encoding {
        0..EVENTS | PACKED..GZIP => framed(out, form, press, packing, least, |out| write(out, form)),
        POLL => {
            write(out, form);
            out.push(b',');
        }
        _ => block(out, encoding, packing, |out| {
            if is_plain(encoding) {
                let mut json = Vec::new();
                write(&mut json, form);
                eventstream::plain_message(out, None, kind_of(&json), &json);
            } else {
                eventstream::message(out, None, |out| write(out, form));
            }
        }),
    }
}

/// Append an event, as its encoding has it. `position`: that of an entry.
pub(super) fn event(
    out: &mut Vec<u8>,
    encoding: u8,
    packing: Packing<'_>,
    event: &EventOut<'_>,
    position: Option<&str>,
) {
    if !is_stream(encoding) {
        let least = event.data.0.len();
        sized(out, encoding, packing, least, |out, form| envelope::event(out, form, event));
        return;
    }
    block(out, encoding, packing, |out| {
        if is_plain(encoding) {
            eventstream::plain_event(out, position, event.event, &text_of(event.data));
        } else {
            eventstream::message(out, position, |out| envelope::event(out, Form::Json, event));
        }
    });
}

/// An event stream that carries one stream of items and nothing else.
#[derive(Debug)]
pub(super) struct Alone {
    /// What leads back to it; none: it goes with its reader.
    pub mark: Option<String>,
}

impl Alone {
    /// The id under which somebody comes back who wants item `n` next.
    pub(super) fn id(&self, n: u64) -> Option<String> {
        self.mark.as_ref().map(|mark| format!("{mark}.{n}"))
    }
}

/// Append an item of such a stream: its id says which item is wanted next by whoever has it. In the plain format it is
/// the item and nothing else.
pub(super) fn item_alone(out: &mut Vec<u8>, encoding: u8, alone: &Alone, (id, n, data): (u64, u64, &[u8])) {
    let next = alone.id(n.saturating_add(1));
    // Its id leads back to the stream: what holds such a thing is never compressed.
    eventstream::chunk(out, wrap(encoding), |out| {
        if is_plain(encoding) {
            eventstream::plain_data(out, next.as_deref(), &text_of((data, Form::Json)));
        } else {
            eventstream::message(out, next.as_deref(), |out| {
                envelope::item(out, Form::Json, id, n, (data, Form::Json));
            });
        }
    });
}

/// Append the end of such a stream, behind `n` items: who comes back with its id is told the end once more.
pub(super) fn end_alone(
    out: &mut Vec<u8>,
    encoding: u8,
    alone: &Alone,
    n: u64,
    write: impl FnOnce(&mut Vec<u8>, Form),
) {
    let place = alone.id(n);
    eventstream::chunk(out, wrap(encoding), |out| {
        if is_plain(encoding) {
            let mut json = Vec::new();
            write(&mut json, Form::Json);
            eventstream::plain_message(out, place.as_deref(), kind_of(&json), &json);
        } else {
            eventstream::message(out, place.as_deref(), |out| write(out, Form::Json));
        }
    });
}

/// A payload in the plain format: text as it is, anything else as JSON.
fn text_of((data, form): (&[u8], Form)) -> Cow<'_, str> {
    let mut json = Vec::new();
    let json = match form {
        Form::Json => data,
        Form::Msgpack => match transcode(data, Form::Msgpack, Form::Json, &mut json) {
            Ok(()) => &json,
            Err(_) => &b"null"[..], // it was checked where it came in: this cannot be
        },
    };
    match text_of_json(json) {
        Some(text) => Cow::Owned(text.into_owned()),
        None => Cow::Owned(String::from_utf8_lossy(json).into_owned()),
    }
}

/// The type of a message of ours: each begins with it.
fn kind_of(json: &[u8]) -> &str {
    const BEFORE: &[u8] = b"{\"type\":\"";
    let rest = json.strip_prefix(BEFORE).unwrap_or_default();
    let end = rest.iter().position(|byte| *byte == b'"').unwrap_or(0);
    std::str::from_utf8(&rest[..end]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conn::Carrier;
    use crate::log::entry::ENCODINGS;

    #[test]
    fn each_way_has_a_number_of_its_own() {
        let mut seen = Vec::new();
        for form in [Form::Json, Form::Msgpack] {
            for (deflate, press) in [(false, Press::Nothing), (true, Press::Deflate)] {
                let encoding = Carrier::Frames.encoding(form, deflate, None);
                assert_eq!(parts(encoding), (form, press));
                assert_eq!(parts(uncompressed(encoding)), (form, Press::Nothing));
                seen.push(encoding);
            }
            for agreed in Algorithm::ALL {
                let encoding = Carrier::Frames.encoding(form, true, Some(agreed));
                assert_eq!(parts(encoding), (form, Press::Ours(agreed)));
                assert_eq!(parts(uncompressed(encoding)), (form, Press::Nothing));
                seen.push(encoding);
            }
        }
        for plain in [false, true] {
            for around in [Wrap::Whole, Wrap::Chunks, Wrap::Gzip] {
                let encoding = Carrier::Events { plain, wrap: around }.encoding(Form::Json, false, None);
                assert_eq!((is_plain(encoding), wrap(encoding)), (plain, around));
                seen.push(encoding);
                let bare = uncompressed(encoding);
                assert_eq!((is_plain(bare), wrap(bare)), (plain, around));
                assert_eq!(parts(bare), (Form::Json, Press::Nothing));
                if around == Wrap::Gzip {
                    assert_eq!(parts(encoding), (Form::Json, Press::Deflate));
                    seen.push(bare);
                }
            }
        }
        seen.push(Carrier::Poll.encoding(Form::Json, false, None));
        seen.sort_unstable();
        assert_eq!(seen, (0..u8::try_from(ENCODINGS).unwrap()).collect::<Vec<_>>());
    }

    #[test]
    fn text_is_said_as_it_is_in_the_plain_format() {
        assert_eq!(text_of((br#""a\n\"b\"\u00e9""#, Form::Json)), "a\n\"b\"é");
        assert_eq!(text_of((b"{\"a\":1}", Form::Json)), "{\"a\":1}");
        assert_eq!(text_of((b"\xa3a\nb", Form::Msgpack)), "a\nb");
        assert_eq!(text_of((b"\x01", Form::Msgpack)), "1");
    }
}
