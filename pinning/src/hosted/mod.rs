// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Pinners for memory of this process that keep whole regions, and pay when a region comes or goes.

mod frames;
mod keep;
mod kernel;
mod layout;
mod locked;
#[cfg(feature = "io-uring")]
mod pagemap;
mod regions;
#[cfg(feature = "io-uring")]
mod uring;

use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, process};

use ccw::GuestAddr;

pub use keep::{AddError, KeepError};
#[cfg(feature = "test-util")]
pub use kernel::KernelFaults;
pub use locked::LockedPinner;
#[cfg(feature = "io-uring")]
pub use uring::{UringPinner, WhyVirtual};

use keep::Keep;
use layout::Layout;
use regions::Regions;

use crate::ledger::{Ledger, USUAL_SPANS};
use crate::{
    Budget, Caps, Current, Extent, HostMemory, InFlight, InvalidateError, Owner, PAGE_SIZE,
    Permission, PinError, Pinner, Runs, sys,
};

/// A pinner that keeps the pages of whole regions from when they are [added](Self::add) until they are
/// withdrawn: [`LockedPinner`] or `UringPinner`. A program that starts is entered into the ledger and
/// has its addresses looked up, without a system call or a lock.
///
/// A range is withdrawn in two steps, as [`Pinner`] says, at any time, and any part of a region. When
/// [`end_invalidate`](Pinner::end_invalidate) returns, the pages that lie wholly in the range are not
/// storage of the guest any more, until a region is added there, and nothing keeps them. The exceptions
/// are pages that a program still holds, quarantined ones included, and pages that the kernel would not
/// let go. They are kept, [`settle`](Self::settle) counts them and tries again. Of a range that is not
/// made of whole pages, programs are refused the rest as well, until the same range is begun again and
/// ended as mapped.
///
/// Dropping the pinner lets all pages go, but for regions of which a program still holds something
/// (of a `UringPinner` the 1 GiB in which that lies): they are kept for ever, and the log says so.
///
/// The pages are those of the process that made the pinner. What a child of it does to its copy changes
/// nothing for its parent: it adds no region and lets no page go.
pub struct RegionPinner<K: Keep> {
    programs: Current<Layout>,
    /// `None` only while it is dropped.
    regions: Mutex<Option<Regions<K>>>,
    budget: Budget,
    /// The process that has the pages.
    process: u32,
}

impl<K: Keep> RegionPinner<K> {
    fn of(keep: K, budget: Budget) -> Result<Self, KeepError> {
        let bytes = sys::page_size();
        if u64::try_from(bytes) != Ok(PAGE_SIZE) {
            return Err(KeepError::PageSize { bytes });
        }
        let ledger = Ledger::new(budget, USUAL_SPANS.min(budget.extents));
        let regions = Regions::new(keep);
        Ok(Self {
            programs: Current::new(ledger, Arc::new(regions.layout())),
            regions: Mutex::new(Some(regions)),
            budget,
            process: process::id(),
        })
    }

    /// Makes `memory` the guest storage from `guest` on, and keeps its pages. The memory stays mapped as
    /// long as it is kept. Waits for other changes of the regions, but programs start meanwhile.
    ///
    /// # Errors
    ///
    /// See [`AddError`]; nothing has changed then.
    pub fn add(
        &self,
        guest: GuestAddr,
        memory: &HostMemory,
        permission: Permission,
    ) -> Result<(), AddError> {
        if !self.is_ours() {
            let error = KeepError::Child;
            return Err(AddError::Keep { at: guest, error });
        }
        let mut regions = self.regions();
        let Some(regions) = regions.as_mut() else {
            return Ok(());
        };
        regions.settle(|range| self.is_unused(range));
        regions.add(guest, memory, permission)?;
        self.programs.publish(Arc::new(regions.layout()));
        Ok(())
    }

    /// The programs in flight.
    pub fn ledger(&self) -> &Ledger {
        self.programs.ledger()
    }

    /// As [`Pinner::pin`], for a program of `owner`'s.
    ///
    /// # Errors
    ///
    /// Those of [`Pinner::pin`].
    #[inline]
    pub fn pin_for(
        &self,
        owner: Owner,
        extents: &[Extent],
        runs: &mut Runs,
    ) -> Result<InFlight, PinError> {
        runs.clear();
        let pinned = self.programs.open_for(owner, extents, |layout| {
            layout
                .translate(extents, runs)
                .inspect_err(|_| runs.clear())
        });
        pinned.map(|(program, ())| program)
    }

    /// The pinner for the programs of one owner.
    pub fn of_owner(self: &Arc<Self>, owner: Owner) -> OwnedBy<K> {
        let pinner = Arc::clone(self);
        OwnedBy { pinner, owner }
    }

    /// Lets go of the pages that were withdrawn while a program held them and that none holds any more,
    /// such as after [`Ledger::release_quarantined`]; says how many bytes are kept still although they
    /// were withdrawn.
    pub fn settle(&self) -> u64 {
        if !self.is_ours() {
            return 0;
        }
        let mut regions = self.regions();
        let settle = |regions: &mut Regions<K>| regions.settle(|range| self.is_unused(range));
        regions.as_mut().map_or(0, settle)
    }

    /// Whether the pages are those of this process, and not of one that it is a child of.
    fn is_ours(&self) -> bool {
        process::id() == self.process
    }

    fn regions(&self) -> MutexGuard<'_, Option<Regions<K>>> {
        self.regions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(feature = "io-uring")]
    fn with_keep<R>(&self, look: impl FnOnce(&K) -> Option<R>) -> Option<R> {
        self.regions()
            .as_ref()
            .and_then(|regions| look(regions.keep()))
    }

    /// Whether no program holds a byte of `range`.
    fn is_unused(&self, range: &Range<GuestAddr>) -> bool {
        self.ledger().quiesced(range)
    }
}

/// A [`RegionPinner`] as one owner, such as a device, sees it: programs that it pins are the owner's. To
/// be shared by reference.
#[derive(Debug)]
pub struct OwnedBy<K: Keep> {
    pinner: Arc<RegionPinner<K>>,
    owner: Owner,
}

impl<K: Keep> OwnedBy<K> {
    /// Whose programs they are.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// The pinner of all owners.
    pub fn pinner(&self) -> &Arc<RegionPinner<K>> {
        &self.pinner
    }
}

impl<K: Keep> Pinner for OwnedBy<K> {
    type Token = InFlight;

    fn caps(&self) -> Caps {
        self.pinner.caps()
    }

    #[inline]
    fn pin(&self, extents: &[Extent], runs: &mut Runs) -> Result<InFlight, PinError> {
        self.pinner.pin_for(self.owner, extents, runs)
    }

    #[inline]
    fn unpin(&self, token: InFlight) {
        self.pinner.unpin(token);
    }

    fn quarantine(&self, token: InFlight) {
        self.pinner.quarantine(token);
    }

    fn begin_invalidate(&self, range: Range<GuestAddr>) -> Result<(), InvalidateError> {
        self.pinner.begin_invalidate(range)
    }

    fn quiesced(&self, range: Range<GuestAddr>) -> bool {
        self.pinner.quiesced(range)
    }

    fn end_invalidate(&self, range: Range<GuestAddr>, still_mapped: bool) {
        self.pinner.end_invalidate(range, still_mapped);
    }
}

impl<K: Keep> Pinner for RegionPinner<K> {
    type Token = InFlight;

    fn caps(&self) -> Caps {
        let regions = self.regions();
        let (space, stability) = match regions.as_ref() {
            Some(regions) => (regions.keep().space(), regions.stability()),
            None => (crate::AddrSpace::Virtual, crate::Stability::TranslationOnly),
        };
        Caps {
            space,
            stability,
            read_only_pins: K::READ_ONLY,
            max_pins: NonZeroU32::new(self.budget.programs),
            max_bytes_per_pin: self.budget.bytes,
        }
    }

    #[inline]
    fn pin(&self, extents: &[Extent], runs: &mut Runs) -> Result<InFlight, PinError> {
        self.pin_for(Owner::default(), extents, runs)
    }

    #[inline]
    fn unpin(&self, token: InFlight) {
        self.ledger().close(token);
    }

    fn quarantine(&self, token: InFlight) {
        self.ledger().quarantine(token);
    }

    fn begin_invalidate(&self, range: Range<GuestAddr>) -> Result<(), InvalidateError> {
        self.ledger().begin_invalidate(&range)
    }

    fn quiesced(&self, range: Range<GuestAddr>) -> bool {
        self.ledger().quiesced(&range)
    }

    fn end_invalidate(&self, range: Range<GuestAddr>, still_mapped: bool) {
        let mut regions = self.regions();
        let Some(regions) = regions.as_mut() else {
            return;
        };
        let mut is_gone = false;
        if !still_mapped && self.is_ours() && self.ledger().is_leaving(&range) {
            let pages = whole_pages(&range);
            if regions.cut(&pages) {
                // The order is that of `Current`: no pages go before no program can find them.
                self.programs.publish(Arc::new(regions.layout()));
                regions.settle(|range| self.is_unused(range));
                is_gone = pages == range;
            }
        }
        // What the layout does not say, the ledger goes on saying.
        let still_mapped = still_mapped || is_gone;
        self.ledger().end_invalidate(&range, still_mapped);
    }
}

/// The pages that lie in `range` with all their bytes.
fn whole_pages(range: &Range<GuestAddr>) -> Range<GuestAddr> {
    let start = range.start.get().checked_next_multiple_of(PAGE_SIZE);
    let end = range.end.get() / PAGE_SIZE * PAGE_SIZE;
    let start = start.unwrap_or(end).min(end);
    GuestAddr::new(start)..GuestAddr::new(end)
}

impl<K: Keep> Drop for RegionPinner<K> {
    fn drop(&mut self) {
        let is_ours = self.is_ours();
        let regions = self
            .regions
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(regions) = regions.take() else {
            return;
        };
        if !is_ours {
            // A child's copy: the pages are its parent's.
            regions.abandon();
            return;
        }
        let programs = self.programs.ledger();
        let kept = regions.release_all(|range| programs.quiesced(range));
        if kept > 0 {
            log::error!(
                "{kept} bytes stay pinned for ever: {} programs were in flight, {} of them in quarantine",
                programs.in_flight(),
                programs.quarantined()
            );
        }
    }
}

impl<K: Keep> fmt::Debug for RegionPinner<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("RegionPinner");
        text.field("programs", &self.programs);
        text.field("regions", &self.regions).finish_non_exhaustive()
    }
}
