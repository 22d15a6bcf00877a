// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The slots that translated programs are written to.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ccw::{Host, HostAddr};
use pinning::Owner;

use super::{ShadowWindow, WindowConfig, WindowError};
use crate::HostMemory;

/// Bytes of a page of the device's.
const PAGE: u64 = 4096;

/// What a slot is, in the low bits of its word; the others are its generation.
pub(super) const FREE: u64 = 0;
const TAKEN: u64 = 1;
pub(super) const QUARANTINED: u64 = 2;
const STATE: u64 = 3;

/// Who has a slot.
#[derive(Debug, Default)]
struct Place {
    /// What it is, and its generation.
    word: AtomicU64,
    /// Whose it is; changed only by whoever has just taken it.
    owner: AtomicU64,
}

/// Memory below 2 GiB of the I/O addresses: one scratch page, then slots of equal size.
#[derive(Debug)]
pub(super) struct Arena {
    pub(super) memory: HostMemory,
    pub(super) base: u64,
    pub(super) ccw_bytes: u64,
    pub(super) list_bytes: u64,
    pub(super) slot_bytes: u64,
    slots: Box<[Place]>,
    /// Where the search for a free slot begins: behind the one taken last, so that status of a
    /// program that is over names a slot which the next program does not have.
    next: AtomicUsize,
}

impl Arena {
    pub(super) fn new(config: &WindowConfig) -> Result<Self, WindowError> {
        let whole = |bytes: u32| u64::from(bytes).next_multiple_of(PAGE);
        let ccw_bytes = whole(config.ccw_bytes);
        let list_bytes = whole(config.list_bytes);
        let slot_bytes = ccw_bytes + list_bytes + whole(config.copy_bytes);
        let len = u64::from(config.slots)
            .checked_mul(slot_bytes)
            .and_then(|slots| slots.checked_add(PAGE))
            .ok_or(WindowError::Arena)?;
        let base = u64::from(config.arena);
        let end = base.checked_add(len).ok_or(WindowError::Arena)?;
        let fits = base.is_multiple_of(PAGE) && end <= ccw::Addr31::<Host>::LIMIT;
        if !fits || config.slots == 0 || config.ccw_bytes == 0 {
            return Err(WindowError::Arena);
        }
        let bytes = usize::try_from(len).map_err(|_| WindowError::Arena)?;
        Ok(Self {
            memory: HostMemory::anonymous(bytes).map_err(WindowError::Memory)?,
            base,
            ccw_bytes,
            list_bytes,
            slot_bytes,
            slots: (0..config.slots).map(|_| Place::default()).collect(),
            next: AtomicUsize::new(0),
        })
    }

    /// The page that takes what nobody wants.
    pub(super) fn scratch(&self) -> HostAddr {
        HostAddr::new(self.base)
    }

    /// Offset of slot `index` in the memory.
    pub(super) fn offset(&self, index: usize) -> u64 {
        PAGE + index as u64 * self.slot_bytes
    }

    /// Takes a free slot, if possible none of `recent`, nor that of which a CCW address is `cpa`.
    pub(super) fn take(&self, owner: Owner, recent: &[usize], cpa: u32) -> Option<(usize, u64)> {
        let count = self.slots.len();
        let first = self.next.load(Ordering::Relaxed);
        let in_turn = || (0..count).map(|n| first.wrapping_add(n) % count);
        let others = in_turn().filter(|index| !recent.contains(index) && !self.holds(*index, cpa));
        others
            .chain(in_turn())
            .find_map(|index| Some((index, self.take_this(owner, index)?)))
    }

    /// Whether a CCW address of the programs in slot `index` can be `addr`.
    pub(super) fn holds(&self, index: usize, addr: u32) -> bool {
        let start = self.base + self.offset(index);
        (start..=start + self.ccw_bytes).contains(&u64::from(addr))
    }

    /// Takes slot `index`, if it is free; its generation then.
    fn take_this(&self, owner: Owner, index: usize) -> Option<u64> {
        let slot = self.slots.get(index)?;
        let word = slot.word.load(Ordering::Relaxed);
        let taken = (word & !STATE).wrapping_add(STATE + 1) | TAKEN;
        let free = word & STATE == FREE;
        let order = (Ordering::Acquire, Ordering::Relaxed);
        let won = free
            && slot
                .word
                .compare_exchange(word, taken, order.0, order.1)
                .is_ok();
        won.then(|| {
            slot.owner.store(owner.0, Ordering::Relaxed);
            self.next.store(index + 1, Ordering::Relaxed);
            taken / (STATE + 1)
        })
    }

    pub(super) fn set(&self, index: usize, state: u64) {
        if let Some(slot) = self.slots.get(index) {
            let word = slot.word.load(Ordering::Relaxed);
            slot.word.store((word & !STATE) | state, Ordering::Release);
        }
    }

    /// Slots that are not free.
    pub(super) fn in_use(&self) -> usize {
        let state = |slot: &Place| slot.word.load(Ordering::Relaxed) & STATE;
        self.slots.iter().filter(|slot| state(slot) != FREE).count()
    }

    /// Makes the slots of `owner`'s that are quarantined free.
    pub(super) fn release_quarantined(&self, owner: Owner) {
        for slot in &self.slots {
            let word = slot.word.load(Ordering::Acquire);
            if word & STATE == QUARANTINED && slot.owner.load(Ordering::Relaxed) == owner.0 {
                // If the word has changed, somebody else released it. It counts generations, so it
                // does not come back.
                let free = word & !STATE;
                let order = (Ordering::Release, Ordering::Relaxed);
                let _ = slot.word.compare_exchange(word, free, order.0, order.1);
            }
        }
    }
}

impl ShadowWindow {
    /// Whether `addr` lies in the arena.
    pub(in crate::mediator) fn is_arena(&self, addr: u32) -> bool {
        let arena = self.arena();
        let len = arena.memory.len() as u64;
        (arena.base..arena.base + len).contains(&u64::from(addr))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::soft::SoftSpace;

    #[test]
    fn an_arena_lies_below_two_gib() {
        let at = |arena, slots| {
            let config = WindowConfig {
                arena,
                slots,
                ..WindowConfig::default()
            };
            ShadowWindow::new(SoftSpace::new(), config).is_ok()
        };
        // One slot and the scratch page are 6a000 bytes.
        assert!(at(0x7ff9_6000, 1));
        assert!(!at(0x7ff9_7000, 1));
        assert!(!at(0x4000_0800, 1));
        assert!(!at(0x4000_0000, 0));
        assert!(!at(0x4000_0000, u32::MAX));
    }
}
