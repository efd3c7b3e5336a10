//! Bytes of somebody else's, which leave from where they lie.

use std::fmt;

/// A large message that its owner lends until it has left: it is neither copied nor changed.
///
/// Whatever is lent gives the same bytes each time it is asked.
pub struct Lent(Box<dyn AsRef<[u8]> + Send>);

impl Lent {
    /// Lend these.
    #[must_use]
    pub fn new(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self(Box::new(bytes))
    }

    /// All of it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Lent({} bytes)", self.bytes().len())
    }
}
