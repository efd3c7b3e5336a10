//! The message that is sent again and again: a text with a place for the time and one for a number.

use memchr::memmem;

/// `@@`, sixteen digits, `@@`.
pub const MARK: usize = 20;
const NUMBER: &[u8] = b"%I";
/// Room for a rising number: JSON takes blanks before it.
const DIGITS: usize = 12;

/// A prepared message.
pub struct Message {
    bytes: Vec<u8>,
    mark: usize,
    number: Option<usize>,
}

impl Message {
    /// Prepare `text`: `%M` becomes the mark, padded so that the whole has `size` bytes; `%I` becomes a number.
    pub fn new(text: &str, size: usize) -> Option<Self> {
        let numbered = text.replacen("%I", &" ".repeat(DIGITS), 1);
        let (head, tail) = numbered.split_once("%M")?;
        let padding = size.saturating_sub(head.len() + MARK + tail.len());
        let letters = "abcdefghijklmnopqrstuvwxyz012345".chars();
        let filled: String = letters.cycle().step_by(7).take(padding).collect();
        let mark = head.len();
        let number = memmem::find(text.as_bytes(), NUMBER).map(|at| {
            if memmem::find(text.as_bytes(), b"%M") < Some(at) { at - 2 + MARK + padding } else { at }
        });
        let blank = "0".repeat(MARK - 4);
        Some(Self { bytes: format!("{head}@@{blank}@@{filled}{tail}").into_bytes(), mark, number })
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The message as it leaves at `now`, as request `id`.
    pub fn stamped(&mut self, now: u64, id: u64) -> &[u8] {
        let mut digits = now;
        for place in self.bytes[self.mark + 2..self.mark + MARK - 2].iter_mut().rev() {
            *place = b"0123456789abcdef"[(digits & 15) as usize];
            digits >>= 4;
        }
        if let Some(at) = self.number {
            let text = format!("{id:>DIGITS$}");
            self.bytes[at..at + DIGITS].copy_from_slice(text.as_bytes());
        }
        &self.bytes
    }
}

/// The times in all marks of a payload: several messages may come in one frame.
pub fn marks(payload: &[u8], mut each: impl FnMut(u64)) -> usize {
    let mut rest = payload;
    let mut count = 0;
    while let Some(at) = memmem::find(rest, b"@@") {
        let Some(mark) = rest.get(at..at + MARK) else { break };
        if mark.ends_with(b"@@") {
            let time = mark[2..MARK - 2]
                .iter()
                .try_fold(0_u64, |sum, &digit| Some(sum << 4 | u64::from(char::from(digit).to_digit(16)?)));
            if let Some(time) = time {
                each(time);
                count += 1;
            }
        }
        rest = &rest[at + MARK..];
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_back_from_a_padded_message() {
        let mut message = Message::new(r#"{"id":%I,"data":"%M"}"#, 128).unwrap();
        assert_eq!(message.len(), 128);
        let sent = message.stamped(0x00ab_cdef, 1001).to_vec();
        assert!(memmem::find(&sent, b"1001,").is_some());
        let mut times = Vec::new();
        assert_eq!(marks(&[sent.clone(), sent].concat(), |time| times.push(time)), 2);
        assert_eq!(times, [0x00ab_cdef, 0x00ab_cdef]);
    }

    #[test]
    fn a_number_after_the_mark_is_found_too() {
        let mut message = Message::new(r#"["%M",%I]"#, 64).unwrap();
        assert_eq!(message.len(), 64);
        assert!(message.stamped(1, 77).ends_with(b"          77]"));
    }
}
