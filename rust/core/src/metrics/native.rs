//! Buckets that grow by a factor: those of Prometheus' native histograms, and of OpenTelemetry's exponential ones.
//!
//! Bucket `i` holds durations above `2^((i-1)/16)` and up to `2^(i/16)` seconds. That is schema 4 of Prometheus (its
//! specification of native histograms, "Schemas") and scale 4 of OpenTelemetry, whose bucket `i - 1` it is. Whatever is told in
//! them is at most 2.2 % off, beside the 1.6 % of the scale that is counted in.

use super::scale::middle;
use super::spread::Spread;
use super::tell::seconds;

/// Each power of two has two to the power of this many buckets.
pub const SCHEMA: u8 = 4;

/// Bounds within a power of two: 2^(k/16 - 1).
const BOUNDS: [f64; 1 << SCHEMA] = [
    0.5,
    0.522_136_891_213_706_9,
    0.545_253_866_332_628_8,
    0.569_394_317_378_345_8,
    0.594_603_557_501_360_5,
    0.620_928_906_036_742,
    0.648_419_777_325_504_8,
    0.677_127_773_468_446_3,
    std::f64::consts::FRAC_1_SQRT_2,
    0.738_413_072_969_749_6,
    0.771_105_412_703_970_4,
    0.805_245_165_974_627,
    0.840_896_415_253_714_4,
    0.878_126_080_186_649_5,
    0.917_004_043_204_671_1,
    0.957_603_280_698_573_5,
];

const MANTISSA: u32 = f64::MANTISSA_DIGITS - 1;
/// The exponent of what is at least 0.5 and below 1, as it is stored.
const HALF: u64 = 1022;

/// The bucket of a duration (s), above 0.
#[must_use]
pub fn index(seconds: f64) -> i32 {
    let bits = seconds.to_bits();
    let exponent = bits >> MANTISSA;
    let part = f64::from_bits(bits & ((1 << MANTISSA) - 1) | HALF << MANTISSA);
    let within = BOUNDS.partition_point(|bound| *bound < part);
    let whole = i64::try_from(exponent).unwrap_or(0) - i64::try_from(HALF).unwrap_or(0) - 1;
    let index = (whole << SCHEMA) + i64::try_from(within).unwrap_or(0);
    i32::try_from(index).unwrap_or(i32::MAX)
}

/// Buckets and how many are in each, in order; no empty one.
#[must_use]
pub fn cells(spread: &Spread) -> Vec<(i32, u64)> {
    let mut cells: Vec<(i32, u64)> = Vec::with_capacity(spread.cells().len());
    for (at, count) in spread.cells() {
        let index = index(seconds(middle(usize::from(*at))));
        match cells.last_mut() {
            Some((last, held)) if *last == index => *held = held.saturating_add(*count),
            _ => cells.push((index, *count)),
        }
    }
    cells
}
