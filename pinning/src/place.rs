// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The place of one program in the ledger. Why the orderings suffice is told in `ledger`.

use alloc::boxed::Box;

use crate::{
    Extent, Owner,
    atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, in_one_order},
    budget::Charge,
    span::{SharedSpan, Span},
};

/// Nobody uses the place.
pub(crate) const FREE: u32 = 0;
/// A pin is being made; the spans are not complete.
pub(crate) const FILLING: u32 = 1;
/// A program is in flight.
pub(crate) const ACTIVE: u32 = 2;
/// A program whose end the device never acknowledged.
pub(crate) const QUARANTINED: u32 = 3;

/// What one program uses.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Place {
    pub(crate) state: AtomicU32,
    /// Whose program it is; changed only by whoever is filling the place.
    owner: AtomicU64,
    /// How many of `spans` count.
    used: AtomicUsize,
    spans: Box<[SharedSpan]>,
    /// What the program was charged; only written down in quarantine.
    extents: AtomicU32,
    bytes: AtomicU64,
}

impl Place {
    pub(crate) fn new(spans: u32) -> Self {
        Self {
            state: AtomicU32::new(FREE),
            owner: AtomicU64::new(0),
            used: AtomicUsize::new(0),
            spans: (0..spans).map(|_| SharedSpan::default()).collect(),
            extents: AtomicU32::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// Takes the place, if nobody else has it.
    #[inline]
    pub(crate) fn take(&self) -> bool {
        let is_taken = self.state.load(Ordering::Relaxed) == FREE
            && self
                .state
                .compare_exchange(FREE, FILLING, Ordering::SeqCst, Ordering::Relaxed)
                .is_ok();
        in_one_order();
        is_taken
    }

    /// What the place is. A pin that is being made takes a few loads, which are waited for, unless whoever
    /// makes it sleeps.
    pub(crate) fn settled(&self) -> u32 {
        const LOADS: u32 = if cfg!(loom) { 1 } else { 1000 };
        let mut state = self.state.load(Ordering::SeqCst);
        for _ in 1..LOADS {
            if state != FILLING {
                break;
            }
            core::hint::spin_loop();
            state = self.state.load(Ordering::SeqCst);
        }
        state
    }

    /// Writes down whose program it is and what it uses, and sums that up in bytes. What there are
    /// no spans for is added to the last one.
    #[inline]
    pub(crate) fn write_down(&self, owner: Owner, extents: &[Extent]) -> u64 {
        self.owner.store(owner.0, Ordering::Relaxed);
        let mut bytes = 0_u64;
        for (place, extent) in self.spans.iter().zip(extents) {
            // Cannot overflow: 2^32 extents of less than 2^32 bytes.
            bytes = bytes.wrapping_add(u64::from(extent.len));
            place.store(Span::from(extent));
        }
        let used = self.spans.len().min(extents.len());
        if let (Some(last), Some(rest @ [_, ..])) = (self.spans.last(), extents.get(used..)) {
            bytes = bytes.wrapping_add(widen(last, rest));
        }
        self.used.store(used, Ordering::Relaxed);
        bytes
    }

    /// What was written down.
    pub(crate) fn spans(&self) -> impl Iterator<Item = Span> {
        let used = self.used.load(Ordering::Relaxed);
        self.spans.iter().take(used).map(SharedSpan::load)
    }

    /// Whose program it is.
    pub(crate) fn owner(&self) -> Owner {
        Owner(self.owner.load(Ordering::Relaxed))
    }

    /// Keeps the place, and what its program was charged.
    pub(crate) fn quarantine(&self, charge: Charge) {
        self.extents.store(charge.extents, Ordering::Relaxed);
        self.bytes.store(charge.bytes, Ordering::Relaxed);
        self.state.store(QUARANTINED, Ordering::Release);
    }

    /// Gives up the place of a program in quarantine, if it is one of `owner`'s (or of anybody's);
    /// what is to be refunded for it.
    pub(crate) fn release_quarantined(&self, owner: Option<Owner>) -> Option<Charge> {
        let is_another = || owner.is_some_and(|owner| owner != self.owner());
        // Whose place is another's is not touched: its owner may be about to release it.
        if self.state.load(Ordering::Acquire) != QUARANTINED || is_another() {
            return None;
        }
        self.state
            .compare_exchange(QUARANTINED, FILLING, Ordering::SeqCst, Ordering::Relaxed)
            .ok()?;
        // Only now nobody else can put the place to another use between a look and the release.
        if is_another() {
            self.state.store(QUARANTINED, Ordering::Release);
            return None;
        }
        let charge = Charge {
            extents: self.extents.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        };
        self.state.store(FREE, Ordering::Release);
        Some(charge)
    }
}

/// Widens `last` until it covers `extents`, and sums them up in bytes.
#[cold]
fn widen(last: &SharedSpan, extents: &[Extent]) -> u64 {
    let mut span = last.load();
    let mut bytes = 0_u64;
    for extent in extents {
        bytes = bytes.wrapping_add(u64::from(extent.len));
        span = span.cover(Span::from(extent));
    }
    last.store(span);
    bytes
}
