//! Numbers, as exact as they were said, and compared as numbers.

/// A number of JSON or `MessagePack`.
#[derive(Clone, Debug)]
pub enum Number {
    /// An integer of 64 bits with a sign.
    Int(i64),
    /// One above those, below 2^64.
    Large(u64),
    /// A finite float.
    Float(f64),
    /// JSON's alone: the digits of an integer beyond 64 bits.
    Wide(Box<str>),
}

/// The last integer that every JSON reader keeps exact.
pub const EXACT: i64 = (1 << 53) - 1;

impl Number {
    /// A float, if it is one that can be said.
    #[must_use]
    pub fn float(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self::Float(value))
    }

    /// The integer that this is, if all readers keep it exact.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the range is checked before")]
    pub fn exact(&self) -> Option<i64> {
        const END: f64 = 9_007_199_254_740_992.0;
        match *self {
            Self::Int(n) => (-EXACT..=EXACT).contains(&n).then_some(n),
            Self::Float(f) if f.fract() == 0.0 && f > -END && f < END => Some(f as i64),
            _ => None,
        }
    }

    /// Whether it is an integer, of whatever size.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        !matches!(self, Self::Float(f) if f.fract() != 0.0)
    }

    /// Seconds as whole milliseconds; 0 for what is none.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a wait: cut to what fits"
    )]
    pub(crate) fn ms(&self) -> u64 {
        match self {
            Self::Int(n) => u64::try_from(*n).unwrap_or(0).saturating_mul(1000),
            Self::Float(f) => (f * 1000.0).max(0.0) as u64,
            Self::Large(_) | Self::Wide(_) => 0,
        }
    }

    /// How long it is as JSON (bytes), and not less.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Int(n) => usize::from(*n < 0) + digits(n.unsigned_abs()),
            Self::Large(_) => 20,
            Self::Float(_) => 24,
            Self::Wide(text) => text.len(),
        }
    }

    /// What equal numbers share, and others do not.
    #[allow(clippy::cast_possible_truncation, reason = "the range is checked before")]
    pub(crate) fn same(&self) -> Same<'_> {
        const END: f64 = 18_446_744_073_709_551_616.0;
        match self {
            Self::Int(n) => Same::Int((*n).into()),
            Self::Large(n) => Same::Int((*n).into()),
            Self::Float(f) if f.fract() == 0.0 && (-END / 2.0..END).contains(f) => Same::Int(*f as i128),
            Self::Float(f) => Same::Float(f.to_bits()),
            // An integer beyond 64 bits that is exactly a float is that float (`{:.0}` writes all its digits).
            Self::Wide(text) => match text.parse::<f64>() {
                Ok(f) if f.is_finite() && **text == *format!("{f:.0}") => Same::Float(f.to_bits()),
                _ => Same::Wide(text),
            },
        }
    }
}

fn digits(n: u64) -> usize {
    n.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// What makes two numbers the same: integers as integers, whatever they were written as.
#[derive(PartialEq, Eq)]
pub(crate) enum Same<'a> {
    Int(i128),
    Float(u64),
    Wide(&'a str),
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.same() == other.same()
    }
}

impl From<u64> for Number {
    fn from(n: u64) -> Self {
        i64::try_from(n).map_or(Self::Large(n), Self::Int)
    }
}
