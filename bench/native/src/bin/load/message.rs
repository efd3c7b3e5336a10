//! The message that is sent again and again: a text with places for the time, for a number and for a room.

use memchr::memmem;

/// `@@`, sixteen digits, `@@`.
pub const MARK: usize = 20;
/// Room for a rising number: JSON takes blanks before it.
const DIGITS: usize = 12;
/// Digits of a room's number, as `name` writes them.
const ROOM: usize = 4;

/// The number of a room, in a message and in a join.
pub fn room(number: usize) -> String {
    format!("{number:0ROOM$}")
}

/// A text in which `%C` is the number of this client.
pub fn of_client(text: &[u8], client: usize) -> Vec<u8> {
    String::from_utf8_lossy(text).replace("%C", &room(client)).into_bytes()
}

/// A prepared message.
pub struct Message {
    bytes: Vec<u8>,
    mark: usize,
    number: Option<usize>,
    room: Option<usize>,
    client: Option<usize>,
    rooms: usize,
    next_room: usize,
}

impl Message {
    /// Prepare `text`: `%M` becomes the mark, padded with `filling` so that the whole has `size` bytes; `%I` becomes a
    /// number that rises, `%R` the number of one of so many rooms after the other, `%C` the number of the client.
    pub fn new(text: &str, size: usize, filling: Filling, rooms: usize) -> Option<Self> {
        let blank = text.replacen("%I", &" ".repeat(DIGITS), 1).replacen("%R", &room(0), 1).replacen(
            "%C",
            &room(0),
            1,
        );
        let (head, tail) = blank.split_once("%M")?;
        let padding = size.saturating_sub(head.len() + MARK + tail.len());
        // Where a place is in the finished text: what is put in before it moves it on.
        let place = |name: &str| {
            let at = text.find(name)?;
            let before =
                |other: &str, grows: usize| if text.find(other)? < at { Some(grows - 2) } else { None };
            let moved = before("%I", DIGITS).unwrap_or(0)
                + before("%R", ROOM).unwrap_or(0)
                + before("%C", ROOM).unwrap_or(0)
                + before("%M", MARK + padding).unwrap_or(0);
            Some(at + moved)
        };
        let (filled, zeros) = (filling.text(padding), "0".repeat(MARK - 4));
        Some(Self {
            bytes: format!("{head}@@{zeros}@@{filled}{tail}").into_bytes(),
            mark: head.len(),
            number: place("%I"),
            room: place("%R"),
            client: place("%C"),
            rooms: rooms.max(1),
            next_room: 0,
        })
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The message as it leaves at `now`, as request `id` of this client.
    pub fn stamped(&mut self, now: u64, id: u64, client: usize) -> &[u8] {
        let mut digits = now;
        for place in self.bytes[self.mark + 2..self.mark + MARK - 2].iter_mut().rev() {
            *place = b"0123456789abcdef"[(digits & 15) as usize];
            digits >>= 4;
        }
        if let Some(at) = self.number {
            let text = format!("{id:>DIGITS$}");
            self.bytes[at..at + DIGITS].copy_from_slice(text.as_bytes());
        }
        if let Some(at) = self.room {
            self.bytes[at..at + ROOM].copy_from_slice(room(self.next_room).as_bytes());
            self.next_room = (self.next_room + 1) % self.rooms;
        }
        if let Some(at) = self.client {
            self.bytes[at..at + ROOM].copy_from_slice(room(client).as_bytes());
        }
        &self.bytes
    }
}

/// What fills a message up to its size.
#[derive(Clone, Copy)]
pub enum Filling {
    /// Letters that repeat.
    Letters,
    /// Words as a chat or a feed has them, which compress to about a third.
    Words,
}

impl Filling {
    fn text(self, size: usize) -> String {
        match self {
            Self::Letters => {
                "abcdefghijklmnopqrstuvwxyz012345".chars().cycle().step_by(7).take(size).collect()
            }
            Self::Words => {
                const WORDS: &[&str] = &[
                    "order", "price", "update", "user", "message", "status", "online", "the", "of", "and",
                    "to", "room", "score", "market", "volume", "hello", "there", "time", "is", "in", "value",
                    "change", "new", "was", "market", "sold", "bought", "please", "thank", "you", "today",
                    "north",
                ];
                let mut text = String::with_capacity(size + 24);
                // A linear congruence: the same text each time, without a period that the compressor could find.
                let mut state = 2_463_534_242_u32;
                while text.len() < size {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    if state >> 29 == 0 {
                        text += &(state >> 12 & 0xffff).to_string();
                    } else {
                        text += WORDS[(state >> 16 & 31) as usize];
                    }
                    text.push(' ');
                }
                text.truncate(size);
                text
            }
        }
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
        let mut message = Message::new(r#"{"id":%I,"data":"%M"}"#, 128, Filling::Letters, 1).unwrap();
        assert_eq!(message.len(), 128);
        let sent = message.stamped(0x00ab_cdef, 1001, 0).to_vec();
        assert!(memmem::find(&sent, b"1001,").is_some());
        let mut times = Vec::new();
        assert_eq!(marks(&[sent.clone(), sent].concat(), |time| times.push(time)), 2);
        assert_eq!(times, [0x00ab_cdef, 0x00ab_cdef]);
    }

    #[test]
    fn a_number_after_the_mark_is_found_too() {
        let mut message = Message::new(r#"["%M",%I]"#, 64, Filling::Letters, 1).unwrap();
        assert_eq!(message.len(), 64);
        assert!(message.stamped(1, 77, 0).ends_with(b"          77]"));
    }

    #[test]
    fn rooms_come_one_after_the_other() {
        let mut message =
            Message::new(r#"{"id":%I,"room":"r:%R","data":"%M"}"#, 128, Filling::Words, 2).unwrap();
        let mut next = |id| String::from_utf8(message.stamped(1, id, 3).to_vec()).unwrap();
        assert!(next(5).starts_with(r#"{"id":           5,"room":"r:0000","data":"@@"#));
        assert!(next(6).starts_with(r#"{"id":           6,"room":"r:0001","data":"@@"#));
        assert!(next(7).contains(r#""r:0000""#));
    }
}
