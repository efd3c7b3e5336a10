//! What did not shrink lately is left alone for a while.
//!
//! A room that says what does not shrink (images, what is encrypted) says more of it. So after three messages in a row that
//! did not get smaller by a tenth the next 64 are sent as they are, and then one is tried again. That is a guess that costs a
//! try when it is wrong, so it is kept in a small table that forgets: two rooms in one place take turns.

use crate::limits::fixed::{SHRINK_PAUSE, SHRINK_TRIES};

/// Places of the table: a byte of what a message is about finds one. Each has 16 bytes.
const PLACES: usize = 256;

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    about: u64,
    failed: u8,
    left: u8,
}

#[derive(Debug)]
pub(super) struct Pays {
    places: Box<[Place; PLACES]>,
}

impl Default for Pays {
    fn default() -> Self {
        Self { places: Box::new([Place::default(); PLACES]) }
    }
}

impl Pays {
    /// The place of what a message is about; none: it is like nothing.
    fn place(&mut self, about: u64) -> Option<&mut Place> {
        let at = usize::from(about.to_le_bytes()[0]);
        self.places.get_mut(at).filter(|_| about != 0)
    }

    /// Whether one more is to be tried.
    pub(super) fn may_try(&mut self, about: u64) -> bool {
        match self.place(about) {
            Some(place) if place.about == about && place.left > 0 => {
                place.left = place.left.saturating_sub(1);
                false
            }
            _ => true,
        }
    }

    /// It was tried.
    pub(super) fn was(&mut self, about: u64, smaller: bool) {
        let Some(place) = self.place(about) else { return };
        if smaller {
            if place.about == about {
                *place = Place::default();
            }
            return;
        }
        if place.about != about {
            *place = Place { about, ..Place::default() };
        }
        place.failed = place.failed.saturating_add(1);
        if place.failed >= SHRINK_TRIES {
            // The next that fails after these is enough.
            *place = Place { about, failed: SHRINK_TRIES - 1, left: SHRINK_PAUSE };
        }
    }
}
