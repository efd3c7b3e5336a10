//! `MessagePack`, each value in its shortest form.

/// One byte of type, and the length in as many bytes as it needs. `types` are those for 1, 2 and 4 bytes;
/// a type of 0 stands for "there is none".
fn head(out: &mut Vec<u8>, types: [u8; 3], count: usize) {
    // No message is that long: a length that does not fit would be another one's.
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    match (u8::try_from(count), u16::try_from(count)) {
        (Ok(n), _) if types[0] != 0 => out.extend_from_slice(&[types[0], n]),
        (_, Ok(n)) => {
            out.push(types[1]);
            out.extend_from_slice(&n.to_be_bytes());
        }
        _ => {
            out.push(types[2]);
            out.extend_from_slice(&count.to_be_bytes());
        }
    }
}

/// The length of a container's head.
pub(super) const fn head_len(count: usize) -> usize {
    match count {
        0..=15 => 1,
        16..=0xffff => 3,
        _ => 5,
    }
}

fn container(out: &mut Vec<u8>, small: u8, types: [u8; 3], count: usize) {
    match u8::try_from(count) {
        Ok(n @ ..=15) => out.push(small | n),
        _ => head(out, types, count),
    }
}

pub(super) fn map(out: &mut Vec<u8>, count: usize) {
    container(out, 0x80, [0, 0xde, 0xdf], count);
}

pub(super) fn list(out: &mut Vec<u8>, count: usize) {
    container(out, 0x90, [0, 0xdc, 0xdd], count);
}

pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    match u8::try_from(text.len()) {
        Ok(n @ ..=31) => out.push(0xa0 | n),
        _ => head(out, [0xd9, 0xda, 0xdb], text.len()),
    }
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn binary(out: &mut Vec<u8>, bytes: &[u8]) {
    head(out, [0xc4, 0xc5, 0xc6], bytes.len());
    out.extend_from_slice(bytes);
}

pub(super) fn extension(out: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    head(out, [0xc7, 0xc8, 0xc9], bytes.len());
    out.push(kind);
    out.extend_from_slice(bytes);
}

pub(super) fn null(out: &mut Vec<u8>) {
    out.push(0xc0);
}

pub(super) fn boolean(out: &mut Vec<u8>, value: bool) {
    out.push(0xc2 | u8::from(value));
}

#[allow(clippy::cast_possible_truncation, reason = "each arm's range fits its type")]
pub(super) fn unsigned(out: &mut Vec<u8>, n: u64) {
    match n {
        0..=0x7f => out.push(n as u8),
        0x80..=0xff => out.extend_from_slice(&[0xcc, n as u8]),
        0x100..=0xffff => {
            out.push(0xcd);
            out.extend_from_slice(&(n as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(0xce);
            out.extend_from_slice(&(n as u32).to_be_bytes());
        }
        _ => {
            out.push(0xcf);
            out.extend_from_slice(&n.to_be_bytes());
        }
    }
}

pub(super) fn signed(out: &mut Vec<u8>, n: i64) {
    if let Ok(n) = u64::try_from(n) {
        return unsigned(out, n);
    }
    if let Ok(n) = i8::try_from(n) {
        if n < -32 {
            out.push(0xd0);
        }
        out.push(n.cast_unsigned());
    } else if let Ok(n) = i16::try_from(n) {
        out.push(0xd1);
        out.extend_from_slice(&n.to_be_bytes());
    } else if let Ok(n) = i32::try_from(n) {
        out.push(0xd2);
        out.extend_from_slice(&n.to_be_bytes());
    } else {
        out.push(0xd3);
        out.extend_from_slice(&n.to_be_bytes());
    }
}

pub(super) fn float(out: &mut Vec<u8>, f: f64) {
    out.push(0xcb);
    out.extend_from_slice(&f.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::super::msgpack::{Head, head};
    use super::super::number::Number;
    use super::*;

    #[test]
    fn integers_take_the_shortest_form_and_come_back() {
        for (n, length) in
            [(0, 1), (127, 1), (128, 2), (255, 2), (256, 3), (65_535, 3), (65_536, 5), (1 << 32, 9)]
        {
            let mut out = Vec::new();
            unsigned(&mut out, n);
            assert_eq!(
                (out.len(), head(&out, 0)),
                (length, Some((Head::Number(Number::Unsigned(n)), length)))
            );
        }
        for (n, length) in [(-1, 1), (-32, 1), (-33, 2), (-128, 2), (-129, 3), (-32_769, 5), (i64::MIN, 9)] {
            let mut out = Vec::new();
            signed(&mut out, n);
            assert_eq!(
                (out.len(), head(&out, 0)),
                (length, Some((Head::Number(Number::Negative(n)), length)))
            );
        }
    }

    #[test]
    fn heads_come_back() {
        for count in [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
            let mut out = Vec::new();
            map(&mut out, count);
            assert_eq!(head(&out, 0), Some((Head::Map(count), head_len(count))));
            out.clear();
            list(&mut out, count);
            assert_eq!(head(&out, 0), Some((Head::List(count), head_len(count))));
            out.clear();
            text(&mut out, &"x".repeat(count));
            assert_eq!(head(&out, 0).map(|(h, at)| (h, at + count)), Some((Head::Text(count), out.len())));
            out.clear();
            binary(&mut out, &vec![0; count]);
            assert_eq!(head(&out, 0).map(|(h, at)| (h, at + count)), Some((Head::Binary(count), out.len())));
        }
    }
}
