// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Channel reports on their way to the guest. "PoP: Channel Report".

use std::collections::VecDeque;

use ccw::{Crw, RawCrw};

/// Reports that wait for STORE CHANNEL REPORT WORD, the oldest first; at most
/// [`Self::CAPACITY`].
///
/// A report that already waits is not queued again: two devices on one channel path report its loss
/// twice. When there is no room, the overflow flag of the newest one tells the guest to look at
/// everything.
///
/// A [`Mediator`](super::Mediator) has one of its own. A VMM with several subchannels, and
/// one machine check for all of them, makes another and [takes over](Self::append) theirs.
///
/// ```
/// use ccw::RawCrw;
/// use vfio_ccw::mediator::CrwQueue;
///
/// let mut queue = CrwQueue::default();
/// assert!(queue.push(RawCrw(0x0486_0021))); // path 21 is gone
/// assert!(!queue.push(RawCrw(0x0486_0021)));
/// assert_eq!(queue.pop(), Some(RawCrw(0x0486_0021)));
/// assert_eq!(queue.pop(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrwQueue {
    reports: VecDeque<RawCrw>,
    dropped: u64,
}

impl Default for CrwQueue {
    fn default() -> Self {
        Self {
            reports: VecDeque::with_capacity(Self::CAPACITY),
            dropped: 0,
        }
    }
}

impl CrwQueue {
    /// Most reports that wait.
    pub const CAPACITY: usize = 32;

    /// Queues `report`, and says whether there is anything new for the guest.
    pub fn push(&mut self, report: RawCrw) -> bool {
        let same = |other: &RawCrw| without_overflow(*other) == without_overflow(report);
        if report.0 == 0 || self.reports.iter().any(same) {
            return false;
        }
        if self.reports.len() == Self::CAPACITY {
            self.dropped += 1;
            if let Some(newest) = self.reports.back_mut() {
                let mut crw = Crw::decode(*newest);
                crw.overflow = true;
                *newest = crw.encode();
            }
            return false;
        }
        self.reports.push_back(report);
        true
    }

    /// STORE CHANNEL REPORT WORD: condition code 0 and the oldest report, or 1 and zeros.
    pub fn pop(&mut self) -> Option<RawCrw> {
        self.reports.pop_front()
    }

    /// What waits, the oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = RawCrw> + '_ {
        self.reports.iter().copied()
    }

    /// Takes over what waits in `other`, and says whether there is anything new.
    pub fn append(&mut self, other: &mut Self) -> bool {
        let mut new = false;
        while let Some(report) = other.pop() {
            new |= self.push(report);
        }
        new
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.reports.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }

    /// Reports for which there was no room.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// What waits, without the count of what had no room.
    pub(super) fn uncounted(&self) -> Self {
        Self {
            reports: self.reports.clone(),
            dropped: 0,
        }
    }

    /// A reset: nothing waits any more.
    pub(super) fn clear(&mut self) {
        self.reports.clear();
    }
}

/// Bit 2, which says something about other reports.
fn without_overflow(report: RawCrw) -> u32 {
    let mut crw = Crw::decode(report);
    crw.overflow = false;
    crw.encode().0
}

#[cfg(test)]
mod tests {
    use super::*;

    const OVERFLOW: u32 = 0x2000_0000;

    fn path(id: u32) -> RawCrw {
        RawCrw(0x0486_0000 | id)
    }

    #[test]
    fn in_order_and_each_once() {
        let mut queue = CrwQueue::default();
        assert!(queue.push(path(1)));
        assert!(queue.push(path(2)));
        assert!(!queue.push(path(1)));
        assert!(queue.push(RawCrw(0x0482_0001)), "the same path, but back");
        assert!(!queue.push(RawCrw(0)));
        assert_eq!(queue.len(), 3);
        assert_eq!(queue.pop(), Some(path(1)));
        assert!(
            queue.push(path(1)),
            "again, as the guest has seen the first"
        );
        let rest: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(rest, [path(2), RawCrw(0x0482_0001), path(1)]);
        assert!(queue.is_empty());
    }

    #[test]
    fn what_has_no_room_flags_the_newest() {
        let mut queue = CrwQueue::default();
        for id in 0..32 {
            assert!(queue.push(path(id)));
        }
        assert!(!queue.push(path(32)));
        assert!(!queue.push(path(31)), "already there");
        assert_eq!(queue.dropped(), 1);
        let all: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(all.len(), 32);
        assert_eq!(all[30], path(30));
        assert_eq!(all[31].0, path(31).0 | OVERFLOW);
    }

    #[test]
    fn two_subchannels_report_one_path() {
        let (mut machine, mut one, mut two) = <(CrwQueue, CrwQueue, CrwQueue)>::default();
        one.push(path(1));
        two.push(path(1));
        assert!(machine.append(&mut one));
        assert!(!machine.append(&mut two));
        assert_eq!((machine.len(), one.len(), two.len()), (1, 0, 0));
    }
}
