//! The frame codec: whatever the bytes and wherever they are cut, the answer is the same and memory is
//! bounded. The first byte chooses the side and compression, the second the size of the pieces.

use rtcore_core::error::Broken;
use rtcore_core::frame::{Decoder, Event, Inflater, Payload, Role};

const MAX: usize = 4096;

fn read(role: Role, deflate: bool, pieces: &mut dyn Iterator<Item = &[u8]>) -> (Vec<Event>, Option<Broken>) {
    let (mut decoder, mut inflater) = (Decoder::new(role, deflate), Inflater::new(false));
    let (mut events, mut kept) = (Vec::new(), Vec::new());
    for piece in pieces {
        kept.extend_from_slice(piece);
        loop {
            let (taken, event) = match decoder.next(&mut kept, MAX, &mut inflater) {
                Ok(taken) => taken,
                Err(broken) => return (events, Some(broken)),
            };
            assert!(decoder.held() < 2 * MAX + 512);
            let Some(event) = event else {
                kept.drain(..taken);
                assert!(kept.len() < 14);
                break;
            };
            let owned = |payload: Payload| Payload::Owned(payload.bytes(&kept).to_vec());
            events.push(match event {
                Event::Message { kind, payload } => Event::Message { kind, payload: owned(payload) },
                Event::Ping(payload) => Event::Ping(owned(payload)),
                Event::Pong(payload) => Event::Pong(owned(payload)),
                close @ Event::Close { .. } => close,
            });
            kept.drain(..taken);
        }
    }
    (events, None)
}

pub fn must_hold(bytes: &[u8]) {
    let [choice, size, bytes @ ..] = bytes else { return };
    let role = if choice & 1 == 0 { Role::Server } else { Role::Client };
    let deflate = choice & 2 != 0;
    let whole = read(role, deflate, &mut std::iter::once(bytes));
    let pieces = read(role, deflate, &mut bytes.chunks(usize::from(*size).max(1)));
    assert_eq!(whole, pieces);
}
