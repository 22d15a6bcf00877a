// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The slots that translated programs are written to.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ccw::{Host, HostAddr};
use pinning::Owner;
use translator::{Area, AreaError, GuestStorage, Slot, Translated};

use super::{Layout, ShadowWindow, WindowConfig, WindowError};
use crate::{Errno, HostMemory};

/// Bytes of a page of the device's.
const PAGE: u64 = 4096;

/// What a slot is, in the low bits of its word; the others are its generation.
const FREE: u64 = 0;
const TAKEN: u64 = 1;
const QUARANTINED: u64 = 2;
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
    memory: HostMemory,
    base: u64,
    ccw_bytes: u64,
    list_bytes: u64,
    slot_bytes: u64,
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

    pub(super) fn memory(&self) -> &HostMemory {
        &self.memory
    }

    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// The page that takes what nobody wants.
    fn scratch(&self) -> HostAddr {
        HostAddr::new(self.base)
    }

    /// Offset of slot `index` in the memory.
    fn offset(&self, index: usize) -> u64 {
        PAGE + index as u64 * self.slot_bytes
    }

    /// Takes a free slot, if possible none of `recent`, nor that of which a CCW address is `cpa`.
    fn take(&self, owner: Owner, recent: &[usize], cpa: u32) -> Option<(usize, u64)> {
        let count = self.slots.len();
        let first = self.next.load(Ordering::Relaxed);
        let in_turn = || (0..count).map(|n| first.wrapping_add(n) % count);
        let others = in_turn().filter(|index| !recent.contains(index) && !self.holds(*index, cpa));
        others
            .chain(in_turn())
            .find_map(|index| Some((index, self.take_this(owner, index)?)))
    }

    /// Whether a CCW address of the programs in slot `index` can be `addr`.
    fn holds(&self, index: usize, addr: u32) -> bool {
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

    fn set(&self, index: usize, state: u64) {
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

/// A slot of one's own. Dropping it makes it free, unless a device may be reading from it.
#[derive(Debug)]
pub(in crate::mediator) struct Lease {
    window: ShadowWindow,
    index: usize,
    generation: u64,
    /// Whether a device may be reading from it.
    in_use: bool,
}

impl ShadowWindow {
    /// Takes a slot, if one is free, for a subchannel whose last programs were in `recent`, and whose last
    /// status named `cpa`: status of these that comes once more then names a slot that the program does not
    /// have.
    pub(in crate::mediator) fn lease(&self, recent: &[usize], cpa: u32) -> Option<Lease> {
        let (index, generation) = self.arena().take(self.owner, recent, cpa)?;
        Some(Lease {
            window: self.clone(),
            index,
            generation,
            in_use: false,
        })
    }

    /// Whether `addr` lies in the arena.
    pub(in crate::mediator) fn is_arena(&self, addr: u32) -> bool {
        let arena = self.arena();
        let len = arena.memory.len() as u64;
        (arena.base..arena.base + len).contains(&u64::from(addr))
    }
}

impl Lease {
    /// Which slot it is.
    pub(in crate::mediator) fn index(&self) -> usize {
        self.index
    }

    /// How often slots of this place were taken so far.
    pub(in crate::mediator) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether a CCW address of this slot's programs can be `addr`: the address behind the last
    /// CCW is.
    pub(in crate::mediator) fn holds(&self, addr: u32) -> bool {
        self.window.arena().holds(self.index, addr)
    }

    /// The slot as something to emit to, by way of `staging`.
    pub(in crate::mediator) fn slot<'a>(
        &self,
        staging: &'a mut Staging,
    ) -> Result<Slot<'a>, AreaError> {
        let arena = self.window.arena();
        let start = arena.base + arena.offset(self.index);
        let ccws = Area::new(HostAddr::new(start), &mut staging.ccws)?;
        let start = start + arena.ccw_bytes;
        let lists = Area::new(HostAddr::new(start), &mut staging.lists)?;
        let start = start + arena.list_bytes;
        let copies = Area::new(HostAddr::new(start), &mut staging.copies)?;
        Slot::new(ccws, lists, arena.scratch())?.with_copies(copies)
    }

    /// Copies what `program` has put into `staging` to where the device finds it.
    pub(in crate::mediator) fn publish<P: pinning::Pinner>(
        &self,
        program: &Translated<P>,
        staging: &Staging,
    ) -> Result<(), Errno> {
        let arena = self.window.arena();
        let used = program.doublewords();
        let ccws = arena.offset(self.index);
        let lists = ccws + arena.ccw_bytes;
        let copies = lists + arena.list_bytes;
        for (offset, from, words) in [
            (ccws, &staging.ccws, used.ccws),
            (lists, &staging.lists, used.lists),
            (copies, &staging.copies, used.copies),
        ] {
            let offset = usize::try_from(offset).map_err(|_| Errno::EFAULT)?;
            let bytes = words.checked_mul(8).and_then(|len| from.get(..len));
            arena.memory.write(offset, bytes.ok_or(Errno::EFAULT)?)?;
        }
        Ok(())
    }

    /// Reads what the device has left in the first `words` doublewords of the area for copies.
    pub(in crate::mediator) fn collect<'a>(
        &self,
        words: usize,
        staging: &'a mut Staging,
    ) -> Result<&'a [u8], Errno> {
        let arena = self.window.arena();
        let copies = arena.offset(self.index) + arena.ccw_bytes + arena.list_bytes;
        let offset = usize::try_from(copies).map_err(|_| Errno::EFAULT)?;
        let bytes = words
            .checked_mul(8)
            .and_then(|len| staging.copies.get_mut(..len));
        let bytes = bytes.ok_or(Errno::EFAULT)?;
        arena.memory.read(offset, bytes)?;
        Ok(bytes)
    }

    /// From now on the device may read from it: dropped now, it stays taken for ever.
    pub(in crate::mediator) fn start(&mut self) {
        self.in_use = true;
    }

    /// The device does not read from it any more.
    pub(in crate::mediator) fn stop(&mut self) {
        self.in_use = false;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let state = if self.in_use { QUARANTINED } else { FREE };
        self.window.arena().set(self.index, state);
    }
}

impl Staging {
    /// Copies from guest storage, as it is laid out in `layout`, what the device is to have of it by way
    /// of a copy.
    pub(in crate::mediator) fn copy_out<P: pinning::Pinner>(
        &mut self,
        program: &Translated<P>,
        layout: &Layout,
    ) -> Result<(), Errno> {
        for copy in program.copies_out() {
            let range = copy.at..copy.at.saturating_add(copy.len);
            let bytes = self.copies.get_mut(range.clone()).ok_or(Errno::EFAULT)?;
            if layout.read(copy.guest, bytes) != copy.len {
                return Err(Errno::EFAULT);
            }
            if let Some(kept) = copy.kept {
                if kept.saturating_add(copy.len) > self.copies.len() {
                    return Err(Errno::EFAULT);
                }
                self.copies.copy_within(range, kept);
            }
        }
        Ok(())
    }
}

/// Memory of the mediator's own, of the size of a slot. A program is written here first: the
/// arena is shared with a device, so there are no references to it.
#[derive(Debug)]
pub(in crate::mediator) struct Staging {
    ccws: Box<[u8]>,
    lists: Box<[u8]>,
    copies: Box<[u8]>,
}

impl ShadowWindow {
    /// Staging memory for slots of this window.
    pub(in crate::mediator) fn staging(&self) -> Staging {
        let arena = self.arena();
        // All are far below 2 GiB.
        let zeros = |len| vec![0; usize::try_from(len).unwrap_or(0)].into_boxed_slice();
        Staging {
            ccws: zeros(arena.ccw_bytes),
            lists: zeros(arena.list_bytes),
            copies: zeros(arena.slot_bytes - arena.ccw_bytes - arena.list_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::soft::SoftSpace;

    fn window(slots: u32) -> Result<ShadowWindow, WindowError> {
        let config = WindowConfig {
            slots,
            ..WindowConfig::default()
        };
        ShadowWindow::new(SoftSpace::new(), config)
    }

    #[test]
    fn slots_rotate_and_come_back() {
        let window = window(2).unwrap();
        let first = window.lease(&[], 0).unwrap();
        let second = window.lease(&[], 0).unwrap();
        assert!(window.lease(&[], 0).is_none());
        assert_ne!(first.index, second.index);
        let (index, generation) = (first.index, first.generation());
        drop(first);
        let third = window.lease(&[], 0).unwrap();
        assert_eq!((third.index, third.generation()), (index, generation + 1));
        drop((second, third));
        // One that was free all the time is not the next one again.
        let indexes = [0; 4].map(|_| window.lease(&[], 0).unwrap().index);
        assert!(indexes.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(window.arena().in_use(), 0);
    }

    /// Whoever shares the slots, a subchannel does not get the one that it had last.
    #[test]
    fn the_last_slots_are_not_taken_again_unless_no_other_is_free() {
        let window = window(3).unwrap();
        for recent in [[0, 1], [1, 2], [2, 0], [1, 0]] {
            let free = (0..3).find(|index| !recent.contains(index)).unwrap();
            let lease = window.lease(&recent, 0).unwrap();
            assert_eq!(lease.index, free);
            assert!(recent.contains(&window.lease(&recent, 0).unwrap().index));
        }
        // Nor that of which the last status was: behind the last CCW of the second slot.
        for _ in 0..6 {
            let lease = window.lease(&[0], 0x4007_3000).unwrap();
            assert_eq!(lease.index, 2);
        }
    }

    #[test]
    fn a_quarantined_slot_stays_taken_until_it_is_released() {
        let window = window(1).unwrap();
        let mut lease = window.lease(&[], 0).unwrap();
        lease.start();
        lease.stop();
        drop(lease);
        window.lease(&[], 0).unwrap().start();
        assert!(window.lease(&[], 0).is_none());
        window.arena().release_quarantined(Owner(1));
        assert!(window.lease(&[], 0).is_none());
        window.arena().release_quarantined(window.owner);
        assert!(window.lease(&[], 0).is_some());
    }

    #[test]
    fn slots_lie_one_behind_the_other_above_the_scratch_page() {
        let window = window(2).unwrap();
        let mut staging = window.staging();
        let (first, second) = (window.lease(&[], 0).unwrap(), window.lease(&[], 0).unwrap());
        // 36 KiB of CCWs, 128 KiB of lists and 256 KiB of copies each.
        for (lease, start) in [(&first, 0x4000_1000), (&second, 0x4006_a000)] {
            assert!(lease.holds(start) && lease.holds(start + 0x9000));
            assert!(!lease.holds(start - 1) && !lease.holds(start + 0x9001));
            assert!(lease.slot(&mut staging).is_ok());
        }
        assert!(window.is_arena(0x4000_0000) && window.is_arena(0x400d_2fff));
        assert!(!window.is_arena(0x3fff_ffff) && !window.is_arena(0x400d_3000));
    }

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
