//! Whether the journal goes on behind what `SQLite` reads of it.
//!
//! Theory. `SQLite` reads a journal up to the first frame whose checksum is wrong, and takes that for its end. After a crash
//! of the machine that is right: of the last writes some are there, in whatever order. After a crash of the process all
//! writes are there. Then a commit of the same run behind a wrong frame says that something before it was damaged, and what
//! was acknowledged from there on would be gone without a word. (What a transaction wrote that was taken back stays behind
//! the end, too; but no commit of it.) The format: <https://sqlite.org/walformat.html>.

use std::fs;
use std::path::Path;

const HEADER: usize = 32;
const FRAME: usize = 24;
/// The first word of a header; the last bit says that words are summed with their highest byte first.
const MAGIC: u32 = 0x377f_0682;

/// Whether there is a commit behind the first frame that is wrong. A journal that cannot be read has none: the one who
/// opens it says why.
pub fn goes_on(journal: &Path) -> bool {
    fs::read(journal).is_ok_and(|bytes| commit_behind_damage(&bytes))
}

fn commit_behind_damage(bytes: &[u8]) -> bool {
    let Some(header) = Header::read(bytes) else { return false };
    let mut sum = header.sum;
    let mut whole = header.is_whole;
    let mut wrong = usize::from(!whole);
    for frame in bytes[HEADER..].chunks_exact(FRAME + header.page) {
        let of_this_run = frame[8..16] == header.salts;
        if whole {
            sum = header.summed(header.summed(sum, &frame[..8]), &frame[FRAME..]);
            whole = of_this_run && sum == (word(frame, 16), word(frame, 20));
        }
        if !whole {
            // The first that is wrong is the end, if nothing follows.
            if wrong > 0 && of_this_run && word(frame, 4) != 0 {
                return true;
            }
            wrong += 1;
        }
    }
    false
}

struct Header {
    page: usize,
    salts: [u8; 8],
    sum: (u32, u32),
    highest_first: bool,
    is_whole: bool,
}

impl Header {
    /// What it says. Of one that is damaged the salts are taken from the first frame. None: there are no frames.
    fn read(bytes: &[u8]) -> Option<Self> {
        let page = usize::try_from(word(bytes.get(..HEADER)?, 8)).ok()?;
        // One that is damaged may say anything: ours have pages of 4,096 bytes.
        let page = if page.is_power_of_two() && (512..=65_536).contains(&page) { page } else { 4_096 };
        let first = bytes.get(HEADER..HEADER + FRAME)?;
        let highest_first = word(bytes, 0) & 1 == 1;
        let mut header = Self { page, salts: [0; 8], sum: (0, 0), highest_first, is_whole: false };
        header.sum = header.summed((0, 0), &bytes[..24]);
        header.is_whole = word(bytes, 0) & !1 == MAGIC && header.sum == (word(bytes, 24), word(bytes, 28));
        header.salts.copy_from_slice(if header.is_whole { &bytes[16..24] } else { &first[8..16] });
        Some(header)
    }

    fn summed(&self, (mut a, mut b): (u32, u32), bytes: &[u8]) -> (u32, u32) {
        let value = |at: &[u8]| {
            let four = [at[0], at[1], at[2], at[3]];
            if self.highest_first { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
        };
        for pair in bytes.chunks_exact(8) {
            a = a.wrapping_add(value(pair)).wrapping_add(b);
            b = b.wrapping_add(value(&pair[4..])).wrapping_add(a);
        }
        (a, b)
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
