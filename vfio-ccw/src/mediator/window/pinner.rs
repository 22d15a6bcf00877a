// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The window as a pinner.
//!
//! Mapping pins nothing: the kernel's driver pins inside each start. What is owed to it is that a
//! mapping outlives every program that uses it, for which the ledger of programs in flight is.

use std::num::NonZeroU32;
use std::ops::Range;

use ccw::GuestAddr;
use pinning::{
    AddrSpace, Caps, Extent, InFlight, InvalidateError, Permission, PinError, Pinner, RegionMap,
    Runs, Stability,
};

use super::ShadowWindow;

impl Pinner for ShadowWindow {
    type Token = InFlight;

    fn caps(&self) -> Caps {
        let budget = self.ledger().budget();
        Caps {
            space: AddrSpace::Iova,
            stability: Stability::KernelPins,
            read_only_pins: false,
            max_pins: NonZeroU32::new(budget.programs),
            max_bytes_per_pin: budget.bytes,
        }
    }

    fn pin(&self, extents: &[Extent], runs: &mut Runs) -> Result<InFlight, PinError> {
        runs.clear();
        let programs = &self.inner.programs;
        let pinned = programs.open_for(self.owner, extents, |places| {
            let found = places.map.translate(extents, runs);
            let found = found.and_then(|()| places.writable(extents));
            found.inspect_err(|_| runs.clear())
        });
        pinned.map(|(program, ())| program)
    }

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
        self.ledger().end_invalidate(&range, still_mapped);
    }
}

/// Where storage lies for devices.
#[derive(Debug)]
pub(super) struct Places {
    map: RegionMap,
    all_writable: bool,
}

impl Places {
    pub(super) fn new(map: RegionMap) -> Self {
        let mut regions = map.regions().iter();
        let all_writable = regions.all(|region| region.permission == Permission::ReadWrite);
        Self { map, all_writable }
    }

    /// The kernel pins for storing whatever the device does, so read-only storage cannot be used.
    fn writable(&self, extents: &[Extent]) -> Result<(), PinError> {
        if self.all_writable {
            return Ok(());
        }
        let mut lookup = self.map.lookup();
        for extent in extents {
            let mut at = extent.start;
            let end = at.get().saturating_add(u64::from(extent.len));
            while at.get() < end {
                let found = lookup.locate(at).ok_or(PinError::NotMapped { at })?;
                let (region, offset) = found;
                if region.permission == Permission::ReadOnly {
                    return Err(PinError::Permission { at });
                }
                at = GuestAddr::new(at.get() + (region.len - offset));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use pinning::{Access, Pins, Run};

    use super::super::{GuestRegion, UnmapPolicy, WindowConfig, WindowError};
    use super::*;
    use crate::device::soft::SoftSpace;
    use crate::{DmaSpace, Errno, HostMemory};

    const RAM: u64 = 0x10_0000;

    fn extent(start: u64, len: u32, access: Access) -> Extent {
        let start = GuestAddr::new(start);
        Extent { start, len, access }
    }

    fn region(start: u64, permission: Permission) -> GuestRegion {
        let memory = HostMemory::anonymous(0x10_0000).unwrap();
        GuestRegion {
            permission,
            ..GuestRegion::new(GuestAddr::new(start), memory)
        }
    }

    /// RAM at 1 MiB, ROM behind it.
    fn window() -> (ShadowWindow, SoftSpace) {
        let space = SoftSpace::new();
        let window = ShadowWindow::new(space.clone(), WindowConfig::default()).unwrap();
        window.add(region(RAM, Permission::ReadWrite)).unwrap();
        window.add(region(2 * RAM, Permission::ReadOnly)).unwrap();
        (window, space)
    }

    #[test]
    fn runs_are_four_gib_up() {
        let (window, _) = window();
        let mut runs = Runs::new();
        let pins = Pins::acquire(
            &window,
            &[extent(RAM + 0xffc, 8, Access::DeviceWrites)],
            &mut runs,
        );
        let host = ccw::HostAddr::new(0x1_0010_0ffc);
        assert_eq!(runs.as_slice(), [Run { host, len: 8 }]);
        assert_eq!(window.in_flight(), 1);
        drop(pins);
        assert_eq!(window.in_flight(), 0);
    }

    #[test]
    fn answers_have_the_form_that_the_contract_asks_for() {
        let (window, _) = window();
        window.add(region(0, Permission::ReadWrite)).unwrap();
        for (start, len) in [(0, 1), (0x801, 0x2000), (RAM - 3, 0xffff), (RAM, 0x10_0000)] {
            let extents = [
                extent(start, len, Access::DeviceReads),
                extent(start, 1, Access::DeviceWrites),
            ];
            let mut runs = Runs::new();
            let pins = Pins::acquire(&window, &extents, &mut runs);
            assert!(
                pins.is_ok() && runs.fit(&extents),
                "{extents:x?}: {runs:x?}"
            );
        }
    }

    #[test]
    fn read_only_storage_is_refused_in_both_directions() {
        let (window, _) = window();
        for access in [Access::DeviceReads, Access::DeviceWrites] {
            for (start, len, at) in [
                (2 * RAM, 1, 2 * RAM),
                (2 * RAM - 1, 2, 2 * RAM),
                (2 * RAM + 9, 2, 2 * RAM + 9),
            ] {
                let error = window.pin(&[extent(start, len, access)], &mut Runs::new());
                let at = GuestAddr::new(at);
                assert_eq!(error.unwrap_err(), PinError::Permission { at });
            }
        }
        assert_eq!(window.in_flight(), 0);
    }

    #[test]
    fn storage_in_use_is_taken_away_when_it_is_not() {
        let (window, mut space) = window();
        let used = [extent(RAM, 8, Access::DeviceReads)];
        let pins = Pins::acquire(&window, &used, &mut Runs::new()).unwrap();
        let unmap = window
            .begin_unmap(GuestAddr::new(RAM), UnmapPolicy::Halt)
            .unwrap();
        assert!(!unmap.is_quiet());
        let at = GuestAddr::new(RAM);
        let busy = window.pin(&used, &mut Runs::new());
        assert_eq!(busy.unwrap_err(), PinError::Busy { at });
        let (unmap, error) = unmap.commit().unwrap_err();
        assert_eq!(error, WindowError::InUse);
        drop(pins);
        unmap.commit().unwrap();
        assert_eq!(
            space.unmap(0x1_0000_0000 + RAM, RAM),
            Err(Errno::EINVAL),
            "already"
        );
        let gone = window.pin(&used, &mut Runs::new());
        assert_eq!(gone.unwrap_err(), PinError::NotMapped { at });
        // And back again, any number of times.
        for _ in 0..40 {
            window.add(region(RAM, Permission::ReadWrite)).unwrap();
            drop(Pins::acquire(&window, &used, &mut Runs::new()).unwrap());
            let unmap = window
                .begin_unmap(GuestAddr::new(RAM), UnmapPolicy::Halt)
                .unwrap();
            unmap.commit().unwrap();
        }
    }

    #[test]
    fn a_withdrawal_that_is_dropped_changes_nothing() {
        let (window, _) = window();
        drop(
            window
                .begin_unmap(GuestAddr::new(RAM), UnmapPolicy::Halt)
                .unwrap(),
        );
        let used = [extent(RAM, 8, Access::DeviceReads)];
        assert!(Pins::acquire(&window, &used, &mut Runs::new()).is_ok());
        let inside = window.begin_unmap(GuestAddr::new(RAM + 0x1000), UnmapPolicy::Halt);
        assert_eq!(inside.unwrap_err(), WindowError::NotARegion);
    }

    #[test]
    fn the_last_clone_unmaps_unless_a_program_may_run() {
        for quarantine in [false, true] {
            let (window, mut space) = window();
            if quarantine {
                let used = [extent(RAM, 8, Access::DeviceReads)];
                let pins = Pins::acquire(window.clone(), &used, &mut Runs::new());
                pins.unwrap().quarantine();
            }
            drop(window);
            let mapped = space.unmap(0x1_0000_0000 + RAM, RAM).is_ok();
            assert_eq!(mapped, quarantine);
        }
    }
}
