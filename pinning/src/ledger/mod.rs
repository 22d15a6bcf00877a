// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which programs are in flight, and what they use.
//!
//! Pay on unmap, not on I/O: a program that starts writes down the storage it uses, in a place that
//! nobody else writes; one that ends marks its place free. Only the rare withdrawal of storage
//! looks through the places.
//!
//! # Why a withdrawal misses no pin
//!
//! A pin (1) marks a place [`FILLING`], then (2) looks whether any withdrawal is in force. A
//! withdrawal (3) puts itself in force, then (4) looks at the places. All four are sequentially
//! consistent, so they stand in one order in which 1 precedes 2 and 3 precedes 4. If the pin does
//! not see the withdrawal, 2 precedes 3, hence 1 precedes 4 and the withdrawal sees the place taken
//! and waits. If it does see it, it refuses what overlaps.
//!
//! So a place that was seen [`FREE`], or was given up after it was seen, does not matter any more:
//! its next user sees the withdrawal. That is also why spans may be read while the next user
//! overwrites them. A torn span can only say "not yet" too often.
//!
//! # Why what a program did precedes the unmap
//!
//! Giving up a place releases, and taking it acquires. A scan that sees it free acquires likewise.
//! A scan that sees a later user's spans instead is ordered by the fence after the taking and the
//! fence after the scan.

mod quarantine;
#[cfg(test)]
mod tests;

use alloc::{boxed::Box, vec::Vec};
use core::{fmt, ops::Range};

use ccw::GuestAddr;

pub use quarantine::Quarantined;

use crate::{
    Budget, Extent, InvalidateError, Limit, PinError,
    atomic::{AtomicUsize, Ordering, fence},
    budget::{Account, Charge},
    place::{ACTIVE, FILLING, FREE, Place},
    span::Span,
    withdrawal::Withdrawals,
};

/// Spans that are enough for nearly all programs.
#[cfg(any(feature = "plain", feature = "std"))]
pub(crate) const USUAL_SPANS: u32 = 1024;

/// The programs in flight, what they use, and the storage that is being withdrawn.
///
/// Shared by all threads that start programs; nothing blocks. Memory: 16 bytes for each span of
/// each place, allocated once.
///
/// ```
/// use ccw::GuestAddr;
/// use pinning::{Access, Budget, Extent, Ledger};
/// let ledger = Ledger::new(Budget::default(), 64);
/// let extent = Extent { start: GuestAddr::new(0x1000), len: 80, access: Access::DeviceReads };
/// let page = GuestAddr::new(0x1000)..GuestAddr::new(0x2000);
///
/// let program = ledger.open(&[extent])?;
/// assert!(!ledger.quiesced(&page));
/// ledger.close(program);
/// assert!(ledger.quiesced(&page));
/// # Ok::<(), pinning::PinError>(())
/// ```
pub struct Ledger {
    /// Which ledger it is: a program of another one is none of its business.
    id: u64,
    places: Box<[Place]>,
    account: Account,
    withdrawals: Withdrawals,
    /// Where a place was found last for a program that is not at home.
    hint: Line<AtomicUsize>,
}

/// A value that shares its cache line with nothing else.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Line<T>(T);

/// Whose programs they are: a number that means something to whoever gives it out, such as one for
/// each device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Owner(pub u64);

/// A program in flight: proof that it has a place, which is given up once.
#[derive(Debug)]
#[must_use = "a place that is not closed stays taken"]
pub struct InFlight {
    ledger: u64,
    place: usize,
    charge: Charge,
}

impl Ledger {
    /// An empty ledger for `budget.programs` programs that writes down up to `spans` stretches of
    /// storage for each, at least 1.
    ///
    /// A program with more extents than that has the last one widened until it covers the rest:
    /// then a withdrawal may wait for a program that does not use the range, never the other way
    /// round.
    pub fn new(budget: Budget, spans: u32) -> Self {
        static NEXT: core::sync::atomic::AtomicU64 = core::sync::atomic::AtomicU64::new(0);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            places: (0..budget.programs)
                .map(|_| Place::new(spans.max(1)))
                .collect(),
            account: Account::new(budget),
            withdrawals: Withdrawals::default(),
            hint: Line::default(),
        }
    }

    /// What the programs in flight may hold.
    pub fn budget(&self) -> &Budget {
        self.account.budget()
    }

    /// Enters a program of nobody in particular that uses `extents`.
    ///
    /// # Errors
    ///
    /// Those of [`open_for`](Self::open_for).
    #[inline]
    pub fn open(&self, extents: &[Extent]) -> Result<InFlight, PinError> {
        self.open_for(Owner::default(), extents)
    }

    /// Enters a program of `owner`'s that uses `extents`.
    ///
    /// # Errors
    ///
    /// [`PinError::Limit`] if the budget does not allow it; [`PinError::Busy`] or
    /// [`PinError::NotMapped`] if an extent touches withdrawn storage.
    ///
    /// Places are looked at one after the other, without a lock. Where nearly as many programs as the
    /// budget allows come and go at the same time, each may be found in use although they were not all in
    /// use at once: then [`PinError::Limit`] comes a little early.
    #[inline(always)]
    pub fn open_for(&self, owner: Owner, extents: &[Extent]) -> Result<InFlight, PinError> {
        let nr_extents = self.account.admit(extents.len()).map_err(PinError::Limit)?;
        let home = self.home(owner);
        let (place, index) = match self.places.get(home) {
            Some(place) if place.take() => (place, home),
            _ => self.take_any().ok_or(PinError::Limit(Limit::Programs))?,
        };
        fence(Ordering::Release);
        let program = self.withdrawals.check(extents).and_then(|()| {
            let charge = Charge {
                extents: nr_extents,
                bytes: place.write_down(owner, extents),
            };
            self.account.charge(&charge).map_err(PinError::Limit)?;
            Ok(InFlight {
                ledger: self.id,
                place: index,
                charge,
            })
        });
        if program.is_ok() {
            place.state.store(ACTIVE, Ordering::Release);
        } else {
            place.state.store(FREE, Ordering::Release);
        }
        program
    }

    /// The place that an owner tries first, so that owners are not in each other's way: numbers next
    /// to each other lie far apart.
    #[inline]
    fn home(&self, owner: Owner) -> usize {
        // 2^32 over the golden ratio; the product is a fraction of 2^32 that is spread evenly.
        let spread = owner.0.wrapping_mul(0x9e37_79b9) & 0xffff_ffff;
        let places = self.places.len() as u64;
        // Less than `places`, of which there are at most 2^32.
        usize::try_from(spread.wrapping_mul(places) >> 32).unwrap_or(0)
    }

    /// A place for a program whose owner has another one at home, or shares it.
    #[cold]
    fn take_any(&self) -> Option<(&Place, usize)> {
        let hint = self.hint.0.load(Ordering::Relaxed);
        let (before, behind) = self.places.split_at_checked(hint)?;
        let mut places = behind.iter().zip(hint..).chain(before.iter().zip(0..));
        let found = places.find(|(place, _)| place.take())?;
        self.hint.0.store(found.1, Ordering::Relaxed);
        Some(found)
    }

    /// The program is over: its place and its charge come back. A program of another ledger is left
    /// where it is.
    #[inline]
    pub fn close(&self, program: InFlight) {
        if let Some(place) = self.place_of(&program) {
            self.account.refund(&program.charge);
            place.state.store(FREE, Ordering::Release);
        }
    }

    #[inline]
    fn place_of(&self, program: &InFlight) -> Option<&Place> {
        let places = (program.ledger == self.id).then_some(&self.places);
        places.and_then(|places| places.get(program.place))
    }

    /// How many places there are.
    #[cfg(feature = "std")]
    pub(crate) fn nr_places(&self) -> usize {
        self.places.len()
    }

    /// The number of the place of a program of this ledger. As long as the program is in flight, no
    /// other has that number.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn number(&self, program: &InFlight) -> Option<usize> {
        (program.ledger == self.id).then_some(program.place)
    }

    /// Whose programs, quarantined ones included, use storage in `range`, each owner once and in
    /// ascending order. Programs come and go meanwhile: [`quiesced`](Self::quiesced) decides.
    pub fn users(&self, range: &Range<GuestAddr>) -> Vec<Owner> {
        let range = Span::from(range);
        let places = self.places.iter();
        let using = places.filter(|place| match place.state.load(Ordering::Acquire) {
            FREE | FILLING => false,
            _ => place.spans().any(|span| span.overlaps(range)),
        });
        let mut owners: Vec<_> = using.map(Place::owner).collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    }

    /// How many places are taken, quarantined ones included.
    pub fn in_flight(&self) -> usize {
        self.count(|state| state != FREE)
    }

    fn count(&self, matches: impl Fn(u32) -> bool) -> usize {
        let places = self.places.iter();
        places
            .filter(|place| matches(place.state.load(Ordering::Acquire)))
            .count()
    }

    /// See [`Pinner::begin_invalidate`](crate::Pinner::begin_invalidate).
    ///
    /// # Errors
    ///
    /// [`InvalidateError::TooManyRanges`] beyond [`MAX_WITHDRAWALS`](crate::MAX_WITHDRAWALS), and
    /// [`InvalidateError::EmptyRange`].
    pub fn begin_invalidate(&self, range: &Range<GuestAddr>) -> Result<(), InvalidateError> {
        self.withdrawals.begin(Span::from(range))
    }

    /// Whether a withdrawal of exactly this range has begun.
    #[cfg(feature = "std")]
    pub(crate) fn is_leaving(&self, range: &Range<GuestAddr>) -> bool {
        self.withdrawals.is_leaving(Span::from(range))
    }

    /// The ranges that are being withdrawn: begun, and not ended.
    pub fn withdrawals(&self) -> impl Iterator<Item = Range<GuestAddr>> {
        self.withdrawals.under_way().map(Range::from)
    }

    /// See [`Pinner::quiesced`](crate::Pinner::quiesced).
    pub fn quiesced(&self, range: &Range<GuestAddr>) -> bool {
        let range = Span::from(range);
        let quiesced = self.places.iter().all(|place| match place.settled() {
            FREE => true,
            FILLING => false,
            _ => place.spans().all(|span| !span.overlaps(range)),
        });
        fence(Ordering::Acquire);
        quiesced
    }

    /// See [`Pinner::end_invalidate`](crate::Pinner::end_invalidate).
    pub fn end_invalidate(&self, range: &Range<GuestAddr>, still_mapped: bool) {
        self.withdrawals.end(Span::from(range), still_mapped);
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("places", &self.places.len())
            .field("in_flight", &self.in_flight())
            .field("quarantined", &self.quarantined())
            .field("budget", self.budget())
            .finish_non_exhaustive()
    }
}
