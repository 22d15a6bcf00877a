// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Pages that are resident, and may be moved all the same.

use std::boxed::Box;
use std::sync::{Arc, Mutex, PoisonError};
use std::vec::Vec;

use super::RegionPinner;
use super::frames::Word;
use super::keep::{Keep, KeepError};
use super::kernel::{Kernel, Linux};
use crate::sys::{self, Piece};
use crate::{AddrSpace, Budget, Errno, Stability};

/// Translates, and locks pages into memory. That is no pin: a locked page is resident but moves from
/// frame to frame, for compaction or to make a huge page. So its addresses are not fit for DMA, and
/// [`caps`](crate::Pinner::caps) says so.
///
/// ```
/// use ccw::GuestAddr;
/// use pinning::{Budget, HostMemory, LockedPinner, Permission, Pinner};
/// let pinner = LockedPinner::new(Budget::default())?;
/// pinner.add(GuestAddr::new(0), &HostMemory::anonymous(0x4000)?, Permission::ReadWrite)?;
/// assert!(!pinner.caps().fit_for_dma());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type LockedPinner = RegionPinner<Locked>;

/// Keeps pages resident.
#[derive(Debug)]
pub struct Locked {
    kernel: Box<dyn Kernel>,
}

impl LockedPinner {
    /// A pinner without any regions.
    ///
    /// # Errors
    ///
    /// [`KeepError::PageSize`].
    pub fn new(budget: Budget) -> Result<Self, KeepError> {
        Self::on(Box::new(Linux), budget)
    }

    /// One whose system calls fail as told.
    ///
    /// # Errors
    ///
    /// [`KeepError::PageSize`].
    #[cfg(feature = "test-util")]
    pub fn with_faults(budget: Budget, faults: &super::KernelFaults) -> Result<Self, KeepError> {
        Self::on(Box::new(super::kernel::Faulty(faults.clone())), budget)
    }

    fn on(kernel: Box<dyn Kernel>, budget: Budget) -> Result<Self, KeepError> {
        Self::of(Locked { kernel }, budget)
    }
}

/// What is locked in this process, by any pinner: locks of a page do not add up.
static LOCKED: Mutex<Vec<Piece>> = Mutex::new(Vec::new());

impl Keep for Locked {
    type Kept = Piece;
    const MOST: usize = usize::MAX;
    const READ_ONLY: bool = true;

    fn space(&self) -> AddrSpace {
        AddrSpace::Virtual
    }

    fn stability(&self, _is_sealed: bool) -> Stability {
        Stability::TranslationOnly
    }

    fn keep(&mut self, piece: Piece) -> Result<Piece, KeepError> {
        let mut locked = LOCKED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(errno) = self.kernel.lock(piece) {
            // Pages before the one that failed may be locked.
            for free in free_of(piece, &locked) {
                // What is not locked is not to be unlocked: nothing can be done about a failure.
                let _ = sys::unlock(free);
            }
            return Err(KeepError::of("mlock", errno, piece.len, "VmLck"));
        }
        locked.push(piece);
        Ok(piece)
    }

    fn release(&mut self, kept: &Piece) -> Result<(), Errno> {
        let mut locked = LOCKED.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(index) = locked.iter().position(|piece| piece == kept) else {
            return Ok(());
        };
        locked.swap_remove(index);
        for free in free_of(*kept, &locked) {
            if let Err(errno) = self.kernel.unlock(free) {
                locked.push(*kept);
                return Err(errno);
            }
        }
        Ok(())
    }

    fn frames(&mut self, _piece: Piece) -> Result<Option<Arc<[Word]>>, KeepError> {
        Ok(None)
    }

    /// Locks belong to nothing that could be dropped.
    fn abandon(self) {}
}

/// The parts of `piece` that are in none of `locked`.
fn free_of(piece: Piece, locked: &[Piece]) -> Vec<Piece> {
    let mut free = Vec::from([piece]);
    for other in locked {
        let taken = other.addr..other.addr.saturating_add(other.len);
        free = free
            .into_iter()
            .flat_map(|part| part.without(&taken))
            .collect();
    }
    free
}
