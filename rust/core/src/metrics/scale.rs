//! The scale of the histograms: durations in nanoseconds, in buckets that grow with them.
//!
//! Each power of two has 32 buckets of equal width, so that what a bucket says of a duration is at most 1/64 off (1.6 %).
//! A bucket holds what is above its lower bound and up to its upper one: so a power of two is the bound of a bucket, and
//! a cumulative count up to it is exact. Up to 32 ns each is exact; what is longer than 137 s counts as that, and its sum
//! and its greatest are exact all the same.

const SUB_BITS: u32 = 5;
const SUB: u64 = 1 << SUB_BITS;

/// The longest duration that is told from longer ones is this power of two (ns).
pub const LAST_POWER: u32 = 37;

/// How many buckets there are.
pub const BUCKETS: usize = ((LAST_POWER - SUB_BITS + 1) as usize) << SUB_BITS;

/// The bucket of a duration.
#[must_use]
pub fn bucket(ns: u64) -> usize {
    let above = ns.saturating_sub(1).min((1 << LAST_POWER) - 1);
    if above < SUB {
        return index(above);
    }
    let shift = above.ilog2() - SUB_BITS;
    ((shift as usize + 1) << SUB_BITS) + index((above >> shift) - SUB)
}

/// The duration that stands for all in a bucket.
#[must_use]
pub fn middle(bucket: usize) -> u64 {
    let (lower, width) = bounds(bucket);
    lower + width.div_ceil(2)
}

fn bounds(bucket: usize) -> (u64, u64) {
    let at = bucket as u64;
    if at < SUB {
        return (at, 1);
    }
    let shift = (at >> SUB_BITS) - 1;
    (((at & (SUB - 1)) + SUB) << shift, 1 << shift)
}

fn index(small: u64) -> usize {
    usize::try_from(small).unwrap_or(0)
}
