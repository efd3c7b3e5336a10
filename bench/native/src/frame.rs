//! WebSocket frames as the measurements need them, RFC 6455 §5.2. No fragments, no checks: both ends are known.

/// Operation codes, RFC 6455 §5.2.
pub const TEXT: u8 = 1;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

const FINAL: u8 = 0x80;
const COMPRESSED: u8 = 0x40;
const MASKED: u8 = 0x80;
/// Any four bytes do: the mask is there for proxies, and costs the server the same whatever it is.
const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

/// A frame's head: operation, whether it is compressed and masked, where the payload begins, and its length.
pub struct Head {
    pub op: u8,
    /// RSV1: the message is compressed, RFC 7692 §6.
    pub compressed: bool,
    pub mask: Option<[u8; 4]>,
    pub begins: usize,
    pub length: usize,
}

/// The head of the frame at the beginning of `bytes`, once the whole frame is there.
#[must_use]
pub fn whole(bytes: &[u8]) -> Option<Head> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (length, mut begins) = match second & 127 {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        127 => (usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?, 10),
        short => (usize::from(short), 2),
    };
    let mask = if second & MASKED == 0 {
        None
    } else {
        begins += 4;
        Some(bytes.get(begins - 4..begins)?.try_into().ok()?)
    };
    (bytes.len() >= begins + length).then_some(Head {
        op: first & 15,
        compressed: first & COMPRESSED != 0,
        mask,
        begins,
        length,
    })
}

fn head(out: &mut Vec<u8>, op: u8, length: usize, masked: u8) {
    out.push(FINAL | op);
    if let Ok(short @ 0..126) = u8::try_from(length) {
        out.push(masked | short);
    } else if let Ok(middle) = u16::try_from(length) {
        out.push(masked | 0x7e);
        out.extend_from_slice(&middle.to_be_bytes());
    } else {
        out.push(masked | 0x7f);
        out.extend_from_slice(&(length as u64).to_be_bytes());
    }
}

/// Write a server's frame.
pub fn write_plain(out: &mut Vec<u8>, op: u8, payload: &[u8]) {
    head(out, op, payload.len(), 0);
    out.extend_from_slice(payload);
}

/// Write a client's frame, RFC 6455 §5.3.
pub fn write_masked(out: &mut Vec<u8>, op: u8, payload: &[u8]) {
    head(out, op, payload.len(), MASKED);
    out.extend_from_slice(&MASK);
    let begin = out.len();
    out.extend_from_slice(payload);
    unmask(&mut out[begin..], MASK);
}

/// Mask or unmask in place, RFC 6455 §5.3.
pub fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let mut chunks = payload.chunks_exact_mut(4);
    for four in &mut chunks {
        for (byte, key) in four.iter_mut().zip(mask) {
            *byte ^= key;
        }
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(mask) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_at_every_size_of_head() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let payload: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let mut wire = Vec::new();
            write_masked(&mut wire, TEXT, &payload);
            assert!(
                whole(&wire[..wire.len() - 1]).is_none(),
                "a frame of {length} bytes is not whole before its end"
            );
            let head = whole(&wire).unwrap();
            let mut echoed = wire[head.begins..head.begins + head.length].to_vec();
            unmask(&mut echoed, head.mask.unwrap());
            assert_eq!((head.op, echoed), (TEXT, payload));
        }
    }
}
