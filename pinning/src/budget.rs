// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest cannot hold more than it was given.

use crate::{
    Limit,
    atomic::{AtomicU64, Ordering},
};

/// What the programs in flight may hold.
///
/// The limits of one program are exact, and so is their number: it is the number of places in the
/// [`Ledger`](crate::Ledger). A total is never exceeded either, but two pins that come at the same
/// moment may both be refused where one would have fitted.
///
/// A total that the other limits already imply costs nothing. A smaller one costs an atomic
/// addition when pinning and another when unpinning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Programs in flight, quarantined ones included.
    pub programs: u32,
    /// Extents of one program.
    pub extents: u32,
    /// Bytes of one program. A byte counts once for each extent that holds it.
    pub bytes: u64,
    /// Extents of all programs in flight.
    pub total_extents: u64,
    /// Bytes of all programs in flight.
    pub total_bytes: u64,
}

impl Default for Budget {
    /// 64 programs, each as large as 4096 CCWs of 64 KiB in 4 KiB pieces; no further totals.
    fn default() -> Self {
        Self {
            programs: 64,
            extents: 4096 * 16,
            bytes: 4096 * 65536,
            total_extents: u64::MAX,
            total_bytes: u64::MAX,
        }
    }
}

/// What one program was charged.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) extents: u32,
    pub(crate) bytes: u64,
}

/// A budget and what is used of it.
#[derive(Debug)]
pub(crate) struct Account {
    budget: Budget,
    extents: Total,
    bytes: Total,
}

impl Account {
    pub(crate) fn new(budget: Budget) -> Self {
        let most = |each: u64| each.saturating_mul(u64::from(budget.programs));
        Self {
            extents: Total::new(budget.total_extents, most(u64::from(budget.extents))),
            bytes: Total::new(budget.total_bytes, most(budget.bytes)),
            budget,
        }
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Whether one program may have so many extents, as the number that a [`Charge`] holds.
    #[inline]
    pub(crate) fn admit(&self, extents: usize) -> Result<u32, Limit> {
        match u32::try_from(extents) {
            Ok(extents) if extents <= self.budget.extents => Ok(extents),
            _ => Err(Limit::Extents),
        }
    }

    /// Takes `charge` from the totals, all of it or nothing.
    #[inline]
    pub(crate) fn charge(&self, charge: &Charge) -> Result<(), Limit> {
        if charge.bytes > self.budget.bytes {
            return Err(Limit::Bytes);
        }
        if !self.extents.take(u64::from(charge.extents)) {
            return Err(Limit::TotalExtents);
        }
        if !self.bytes.take(charge.bytes) {
            self.extents.give_back(u64::from(charge.extents));
            return Err(Limit::TotalBytes);
        }
        Ok(())
    }

    /// Gives back what [`charge`](Self::charge) took.
    #[inline]
    pub(crate) fn refund(&self, charge: &Charge) {
        self.extents.give_back(u64::from(charge.extents));
        self.bytes.give_back(charge.bytes);
    }
}

#[derive(Debug)]
struct Total {
    limit: u64,
    /// Whether the limit can be reached at all.
    counted: bool,
    used: AtomicU64,
}

impl Total {
    fn new(limit: u64, reachable: u64) -> Self {
        Self {
            limit,
            counted: limit < reachable,
            used: AtomicU64::new(0),
        }
    }

    #[inline]
    fn take(&self, amount: u64) -> bool {
        if !self.counted {
            return true;
        }
        let used = self.used.fetch_add(amount, Ordering::Relaxed);
        let fits = used
            .checked_add(amount)
            .is_some_and(|sum| sum <= self.limit);
        if !fits {
            self.give_back(amount);
        }
        fits
    }

    #[inline]
    fn give_back(&self, amount: u64) {
        if self.counted {
            self.used.fetch_sub(amount, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Budget = Budget {
        programs: 4,
        extents: 3,
        bytes: 100,
        total_extents: 7,
        total_bytes: 250,
    };

    fn charge(extents: u32, bytes: u64) -> Charge {
        Charge { extents, bytes }
    }

    #[test]
    fn one_program_is_bounded() {
        let account = Account::new(SMALL);
        assert_eq!(account.admit(3), Ok(3));
        assert_eq!(account.admit(4), Err(Limit::Extents));
        assert_eq!(account.admit(usize::MAX), Err(Limit::Extents));
        assert_eq!(account.charge(&charge(1, 101)), Err(Limit::Bytes));
        assert_eq!(account.charge(&charge(1, 100)), Ok(()));
    }

    #[test]
    fn totals_are_exact_and_come_back() {
        let account = Account::new(SMALL);
        for _ in 0..3 {
            assert_eq!(account.charge(&charge(2, 80)), Ok(()));
        }
        assert_eq!(account.charge(&charge(2, 0)), Err(Limit::TotalExtents));
        // What a refused program took of the first total is back.
        for _ in 0..3 {
            assert_eq!(account.charge(&charge(1, 11)), Err(Limit::TotalBytes));
        }
        assert_eq!(account.charge(&charge(1, 10)), Ok(()));
        account.refund(&charge(1, 10));
        account.refund(&charge(2, 80));
        assert_eq!(account.charge(&charge(3, 90)), Ok(()));
        assert_eq!(account.charge(&charge(1, 0)), Err(Limit::TotalExtents));
    }

    #[test]
    fn a_total_that_cannot_be_reached_is_not_counted() {
        let implied = Account::new(Budget {
            total_extents: 12,
            total_bytes: 399,
            ..SMALL
        });
        assert!(!implied.extents.counted);
        assert!(implied.bytes.counted);
        assert!(!Account::new(Budget::default()).bytes.counted);
    }
}
