//! What is known of each client: ranges of its clocks.

use std::collections::BTreeMap;

/// Ranges of clocks, by client.
/// Invariant: those of a client are in order, apart from each other, and none is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known(BTreeMap<u64, Vec<(u64, u64)>>);

impl Known {
    /// Whether it is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Have what is from `start` to before `end`.
    pub fn add(&mut self, client: u64, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let ranges = self.0.entry(client).or_default();
        // What touches it becomes one with it.
        let first = ranges.partition_point(|(_, upto)| *upto < start);
        let behind = ranges.partition_point(|(from, _)| *from <= end);
        let start = ranges.get(first).filter(|_| first < behind).map_or(start, |(from, _)| start.min(*from));
        let end = ranges[first..behind].last().map_or(end, |(_, upto)| end.max(*upto));
        ranges.splice(first..behind, [(start, end)]);
    }

    /// Have what another has.
    pub fn add_all(&mut self, other: &Self) {
        for (client, start, end) in other.iter() {
            self.add(client, start, end);
        }
    }

    /// Whether all of another is in this.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|(client, start, end)| {
            let ranges = self.0.get(&client).map_or(&[][..], Vec::as_slice);
            let at = ranges.partition_point(|(_, upto)| *upto < end);
            ranges.get(at).is_some_and(|(from, _)| *from <= start)
        })
    }

    /// Client, first clock, and the clock after the last.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        self.0.iter().flat_map(|(client, ranges)| ranges.iter().map(|(from, upto)| (*client, *from, *upto)))
    }

    /// How many ranges there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// As a state vector: of each client up to where nothing is missing.
    #[must_use]
    pub fn vector(&self) -> Vec<u8> {
        let whole: Vec<(u64, u64)> =
            self.iter().filter(|(_, from, _)| *from == 0).map(|(client, _, upto)| (client, upto)).collect();
        let mut bytes = Vec::with_capacity(1 + whole.len() * 8);
        write_number(&mut bytes, whole.len() as u64);
        for (client, upto) in whole {
            write_number(&mut bytes, client);
            write_number(&mut bytes, upto);
        }
        bytes
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits of it are written")]
fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn ranges_are_the_set_of_their_clocks(
            spans in proptest::collection::vec((0_u64..3, 0_u64..40, 0_u64..9), 0..30),
            asked in (0_u64..3, 0_u64..40, 1_u64..9),
        ) {
            let (mut known, mut model) = (Known::default(), BTreeSet::new());
            for (client, start, len) in spans {
                known.add(client, start, start + len);
                model.extend((start..start + len).map(|clock| (client, clock)));
            }
            let told: BTreeSet<_> = known.iter().flat_map(|(client, from, upto)| (from..upto).map(move |at| (client, at))).collect();
            prop_assert_eq!(&told, &model);
            let ranges: Vec<_> = known.iter().collect();
            prop_assert!(ranges.windows(2).all(|pair| pair[0].0 < pair[1].0 || pair[0].2 < pair[1].1), "apart");
            let (client, start, len) = asked;
            let mut other = Known::default();
            other.add(client, start, start + len);
            prop_assert_eq!(known.covers(&other), (start..start + len).all(|clock| model.contains(&(client, clock))));
        }
    }
}
