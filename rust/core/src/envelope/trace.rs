//! The note that leads through a distributed trace.

/// W3C Trace Context, section 3.2.2: `version-traceid-parentid-flags` in lower-case hex. A later version may
/// add to it behind a dash.
pub(super) fn is_traceparent(text: &[u8]) -> bool {
    let hex = |part: &[u8]| part.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let zero = |part: &[u8]| part.iter().all(|&b| b == b'0');
    let Some((first, more)) = text.split_first_chunk::<55>() else { return false };
    let (version, trace, parent, flags) = (&first[..2], &first[3..35], &first[36..52], &first[53..]);
    let dashes = [2, 35, 52].iter().all(|&at| first[at] == b'-');
    let parts = hex(version) && hex(trace) && hex(parent) && hex(flags) && !zero(trace) && !zero(parent);
    let tail = match (version, more) {
        (b"ff", _) => false,
        (_, []) => true,
        (b"00", _) => false,
        (_, [b'-', rest @ ..]) => rest.len() <= 200 && rest.iter().all(u8::is_ascii_graphic),
        _ => false,
    };
    dashes && parts && tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traceparents() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(is_traceparent(good.as_bytes()));
        assert!(is_traceparent(good.replacen("00", "cc", 1).as_bytes()));
        assert!(is_traceparent(format!("cc{}-what", &good[2..]).as_bytes()));
        for bad in [
            good.to_uppercase(),
            format!("{good}-more"),
            format!("ff{}", &good[2..]),
            good.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            good.replace("00f067aa0ba902b7", &"0".repeat(16)),
            good.replace('-', "_"),
            format!("cc{}-\n", &good[2..]),
            String::new(),
        ] {
            assert!(!is_traceparent(bad.as_bytes()), "{bad}");
        }
    }
}
