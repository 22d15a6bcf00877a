// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs whose end a device never acknowledged: their storage is held until it was reset.

use alloc::vec::Vec;
use core::ops::Range;

use ccw::GuestAddr;

use super::{InFlight, Ledger, Owner};
use crate::atomic::Ordering;
use crate::place::QUARANTINED;

/// A program whose end its device never acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Whose it is.
    pub owner: Owner,
    /// The storage that it holds.
    pub ranges: Vec<Range<GuestAddr>>,
}

impl Ledger {
    /// The program may go on for ever: its place and its charge do not come back before
    /// [`release_quarantined`](Self::release_quarantined).
    pub fn quarantine(&self, program: InFlight) {
        if let Some(place) = self.place_of(&program) {
            place.quarantine(program.charge);
        }
    }

    /// How many programs are in quarantine.
    pub fn quarantined(&self) -> usize {
        self.count(|state| state == QUARANTINED)
    }

    /// The programs in quarantine. One that is released at this moment may or may not be among them.
    pub fn in_quarantine(&self) -> Vec<Quarantined> {
        let places = self.places.iter();
        places
            .filter(|place| place.state.load(Ordering::Acquire) == QUARANTINED)
            .map(|place| Quarantined {
                owner: place.owner(),
                ranges: place.spans().map(Range::from).collect(),
            })
            .collect()
    }

    /// Releases every program in quarantine and says how many there were. Call it when *every*
    /// device that was given storage of this ledger has acknowledged a reset.
    pub fn release_quarantined(&self) -> usize {
        self.release(None)
    }

    /// Releases the programs of `owner`'s in quarantine and says how many there were. Call it when
    /// every device that `owner` stands for has acknowledged a reset.
    pub fn release_quarantined_of(&self, owner: Owner) -> usize {
        self.release(Some(owner))
    }

    fn release(&self, owner: Option<Owner>) -> usize {
        let places = self.places.iter();
        let released = places.filter_map(|place| place.release_quarantined(owner));
        released.map(|charge| self.account.refund(&charge)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{BUDGET, extents, quiesced};
    use super::*;
    use crate::{Limit, PinError};

    #[test]
    fn quarantine_keeps_place_range_and_charge() {
        let ledger = Ledger::new(BUDGET, 8);
        let most = extents(&[(0x1_0000, 0x8000)]);
        let stuck = ledger.open(&most).unwrap();
        let fine = ledger.open(&most).unwrap();
        let over = PinError::Limit(Limit::TotalBytes);
        ledger.quarantine(stuck);
        ledger.close(fine);
        assert_eq!((ledger.quarantined(), ledger.in_flight()), (1, 1));
        let range = GuestAddr::new(0x1_0000)..GuestAddr::new(0x1_8000);
        let list = ledger.in_quarantine();
        assert_eq!(
            (list.len(), list[0].ranges.as_slice()),
            (1, [range].as_slice())
        );
        assert!(!quiesced(&ledger, 0x1_7fff, 0x1_8000));
        let fine = ledger.open(&most).unwrap();
        assert_eq!(ledger.open(&extents(&[(0, 1)])).unwrap_err(), over);

        assert_eq!(ledger.release_quarantined(), 1);
        assert_eq!((ledger.quarantined(), ledger.in_flight()), (0, 1));
        assert_eq!(ledger.release_quarantined(), 0);
        let again = ledger.open(&most).unwrap();
        assert_eq!(ledger.open(&extents(&[(0, 1)])).unwrap_err(), over);
        ledger.close(again);
        ledger.close(fine);
        assert!(quiesced(&ledger, 0, u64::MAX));
    }

    /// Three devices: one that runs, and two that never said that they stopped.
    #[test]
    fn each_owner_releases_its_own() {
        let ledger = Ledger::new(BUDGET, 8);
        let (first, second, third) = (Owner(1), Owner(2), Owner(3));
        let open = |owner, at| ledger.open_for(owner, &extents(&[(at, 0x100)])).unwrap();
        let running = open(third, 0x1000);
        ledger.quarantine(open(second, 0x2000));
        ledger.quarantine(open(first, 0x20f0));

        let whole = GuestAddr::new(0)..GuestAddr::new(u64::MAX);
        let part = GuestAddr::new(0x2000)..GuestAddr::new(0x20f0);
        assert_eq!(ledger.users(&whole), [first, second, third]);
        assert_eq!(ledger.users(&part), [second]);
        let owners: Vec<_> = ledger.in_quarantine().iter().map(|it| it.owner).collect();
        assert_eq!(owners, [second, first]);

        assert_eq!(ledger.release_quarantined_of(third), 0);
        assert_eq!(ledger.release_quarantined_of(first), 1);
        assert_eq!(ledger.release_quarantined_of(first), 0);
        assert_eq!(ledger.users(&whole), [second, third]);
        assert_eq!((ledger.quarantined(), ledger.in_flight()), (1, 2));
        // The place has another owner now.
        ledger.quarantine(open(first, 0));
        assert_eq!(ledger.release_quarantined_of(second), 1);
        assert_eq!(ledger.release_quarantined_of(first), 1);
        ledger.close(running);
        assert_eq!(ledger.users(&whole), []);
        assert_eq!(ledger.in_flight(), 0);
    }
}
