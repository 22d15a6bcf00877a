// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A set of addresses as ranges.

use std::ops::Range;

/// Addresses, as ranges in ascending order that neither overlap nor adjoin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ranges(Vec<Range<u64>>);

impl Ranges {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn as_slice(&self) -> &[Range<u64>] {
        &self.0
    }

    /// Adds `range`.
    pub(super) fn insert(&mut self, mut range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        // What overlaps or adjoins becomes part of it.
        let first = self.0.partition_point(|it| it.end < range.start);
        let last = self.0.partition_point(|it| it.start <= range.end);
        if let Some(joined) = self.0.get(first..last)
            && let ([low, ..], [.., high]) = (joined, joined)
        {
            range = range.start.min(low.start)..range.end.max(high.end);
        }
        self.0.splice(first..last, [range]);
    }

    /// Takes `range` out.
    pub(super) fn remove(&mut self, range: &Range<u64>) {
        if range.is_empty() {
            return;
        }
        let first = self.0.partition_point(|it| it.end <= range.start);
        let last = self.0.partition_point(|it| it.start < range.end);
        let Some([low, ..]) = self.0.get(first..last) else {
            return;
        };
        let below = low.start..range.start;
        let above = match self.0.get(first..last) {
            Some([.., high]) => range.end..high.end,
            _ => return,
        };
        let left = [below, above].into_iter().filter(|it| !it.is_empty());
        self.0.splice(first..last, left);
    }

    /// The parts of `range` that are in the set.
    pub(super) fn within(&self, range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
        let first = self.0.partition_point(|it| it.end <= range.start);
        let rest = self.0.get(first..).unwrap_or_default().iter();
        rest.map(move |it| it.start.max(range.start)..it.end.min(range.end))
            .take_while(|it| !it.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every sequence of a few changes, against a set of single addresses.
    #[test]
    fn holds_what_a_set_of_addresses_holds() {
        let ranges: Vec<Range<u64>> = (0..6).flat_map(|a| (a..=6).map(move |b| a..b)).collect();
        let changes: Vec<_> = ranges
            .iter()
            .flat_map(|r| [(true, r), (false, r)])
            .collect();
        let mut checked = 0;
        for (number, _) in changes.iter().enumerate() {
            for second in &changes {
                for third in &changes {
                    let mut set = Ranges::default();
                    let mut model = [false; 8];
                    for (add, range) in [changes[number], *second, *third] {
                        match add {
                            true => set.insert(range.clone()),
                            false => set.remove(range),
                        }
                        for at in range.clone() {
                            model[usize::try_from(at).unwrap()] = add;
                        }
                    }
                    let mut found = [false; 8];
                    for at in set.0.iter().cloned().flatten() {
                        found[usize::try_from(at).unwrap()] = true;
                    }
                    assert_eq!(found, model);
                    assert!(set.0.iter().all(|it| !it.is_empty()));
                    assert!(set.0.windows(2).all(|pair| pair[0].end < pair[1].start));
                    checked += 1;
                }
            }
        }
        assert_eq!(checked, 54 * 54 * 54);
    }

    #[test]
    fn within_is_cut_to_the_range() {
        let mut set = Ranges::default();
        for range in [2..4, 6..8, 9..12] {
            set.insert(range);
        }
        let within = |range| set.within(range).collect::<Vec<_>>();
        assert_eq!(within(0..20), [2..4, 6..8, 9..12]);
        assert_eq!(within(3..10), [3..4, 6..8, 9..10]);
        assert_eq!(within(4..6), []);
        assert_eq!(within(7..7), []);
        assert_eq!(within(12..20), []);
    }
}
