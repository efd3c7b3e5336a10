//! What stands beside the log, in a file of its own: how far the log had come. A log that is not as far was rolled back.
//!
//! It is written after what it speaks of is synced in the log, so it is never ahead of a log that nobody touched.

use crate::folder::Folder;
use crate::trouble::of_system;
use rtcore_core::ids::Seq;
use rtcore_core::store::Trouble;
use std::fs::{self, File};
use std::io::{self, Write};

/// The note.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// The highest reservation of numbers.
    pub reserved: Seq,
    /// How many groups were written, over all lives.
    pub written: u64,
    /// Damage was found: the next start sets the log aside.
    pub corrupt: bool,
}

impl Beside {
    /// Read it. None: there is none, or it is not one.
    pub fn read(folder: &Folder) -> Result<Option<Self>, Trouble> {
        let path = folder.note();
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => {
                Ok(None)
            }
            Err(error) => Err(of_system(&error, "cannot read", &path)),
        }
    }

    /// Write it, and have it on disk: the old one or the new one is there at each moment.
    pub fn write(&self, folder: &Folder) -> Result<(), Trouble> {
        let (path, new) = (folder.note(), folder.note().with_extension("new"));
        let write = || {
            let mut file = File::create(&new)?;
            file.write_all(self.text().as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        write().map_err(|error| of_system(&error, "cannot write", &path))?;
        folder.sync()
    }

    fn text(&self) -> String {
        let facts = format!(
            "rtcore log: how far it had come\nreserved {}\nwritten {}\ncorrupt {}\n",
            self.reserved,
            self.written,
            u8::from(self.corrupt)
        );
        let sum = crc32c::crc32c(facts.as_bytes());
        format!("{facts}sum {sum}\n")
    }

    fn parse(text: &str) -> Option<Self> {
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line?.parse::<u64>().ok()
        };
        let note = Self {
            reserved: value("reserved")?,
            written: value("written")?,
            corrupt: value("corrupt")? == 1,
        };
        (note.text() == text).then_some(note)
    }
}

#[cfg(test)]
mod tests {
    use super::Beside;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_note_is_read_as_it_was_written_and_a_damaged_one_is_none(
            reserved: u64, written: u64, corrupt: bool, at: prop::sample::Index
        ) {
            let note = Beside { reserved, written, corrupt };
            let text = note.text();
            prop_assert_eq!(Beside::parse(&text), Some(note));
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1;
            prop_assert_eq!(std::str::from_utf8(&bytes).ok().and_then(Beside::parse), None);
        }
    }
}
