// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A slot that a program has for itself.

use ccw::HostAddr;
use translator::{Area, AreaError, Slot, Translated};

use super::arena::{FREE, QUARANTINED};
use super::{ShadowWindow, Staging};
use crate::Errno;

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

#[cfg(test)]
mod tests {
    use pinning::Owner;

    use super::super::{WindowConfig, WindowError};
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
}
