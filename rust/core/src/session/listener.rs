//! Where a live session is reached: what fan-out reads, in one cache line for many of them.

use crate::ids::SessionId;

/// Where a session can be reached now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Listener {
    /// The slot of its connection.
    pub conn: u32,
    /// Which of the encodings it hears.
    pub encoding: u8,
    /// Connected and not lagging: it gets references to what is said as it is said.
    pub(super) live: bool,
}

/// All of them, to read.
#[derive(Clone, Copy, Debug)]
pub struct Listeners<'a>(pub(super) &'a [Listener]);

impl Listeners<'_> {
    /// Where to reach a session that is here; none: it lags, and finds what is said in the rings.
    #[must_use]
    #[inline]
    pub fn live(&self, id: SessionId) -> Option<Listener> {
        let listener = self.0[id.index()];
        listener.live.then_some(listener)
    }
}
