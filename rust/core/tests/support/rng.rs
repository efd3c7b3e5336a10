//! Chance from a seed: the same each time.

/// `SplitMix64`: small, and good enough to choose where a stream is cut.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `many`.
    pub fn below(&mut self, many: usize) -> usize {
        usize::try_from(self.next() % (many.max(1) as u64)).expect("below a usize")
    }
}
