// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Taking regions of guest storage away: memory hot-unplug.

use std::ops::{Deref, DerefMut, Range};

use ccw::GuestAddr;

use super::withdrawal::Withdrawal;
use super::{GuestRegion, ShadowWindow, UnmapPolicy, WindowError};
use crate::HostMemory;

/// Regions that are being taken away: a [`Withdrawal`] that ends with [`commit`](Self::commit).
/// Dropping it instead leaves the regions mapped, and everything as it was.
///
/// The kernel would end what runs by a reset of the device, about which nobody tells the guest. So the
/// VMM takes storage away like this, here with one subchannel of several:
///
/// ```
/// # use ccw::{GuestAddr, SubsystemId};
/// # use css::device::scripted::Scripted;
/// # use std::time::Duration;
/// # use vfio_ccw::HostMemory;
/// # use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace};
/// # use vfio_ccw::mediator::{
/// #     GuestRegion, Mediator, MediatorConfig, ShadowWindow, UnmapPolicy, WindowConfig, WindowError,
/// # };
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let space = SoftSpace::new();
/// # let window = ShadowWindow::new(space.clone(), WindowConfig::default())?;
/// # let dimm = GuestAddr::new(0x4000_0000);
/// # window.add(GuestRegion::new(dimm, HostMemory::anonymous(0x10_0000)?))?;
/// # let id = SubsystemId::new(0, 0).expect("subchannel set 0");
/// # let device = SoftDevice::new(Scripted::default(), space, SoftConfig::default())?;
/// # let mut subchannels = [Mediator::attach(device, window.clone(), MediatorConfig::new(id, 0x190))?];
/// // 1. From now on no program gets storage of the region at `dimm`.
/// let mut unmap = window.begin_unmap(dimm, UnmapPolicy::Wait(Duration::from_millis(500)))?;
///
/// // 2. Every subchannel in the window hears of it, each where it is used.
/// let mut events = Vec::new();
/// for subchannel in &mut subchannels {
///     subchannel.make_way(&unmap, &mut events);
/// }
///
/// // 3. The VMM's loop goes on: descriptors, timers, and `unmap.timer()`. When that has come:
/// if let Some(timer) = unmap.timer().filter(|_| !unmap.is_quiet()) {
///     unmap.expired(timer.id);
///     unmap.halt(); // or drop it: the guest keeps its memory
///     for subchannel in subchannels.iter_mut().filter(|it| unmap.users().contains(&it.owner())) {
///         subchannel.make_way(&unmap, &mut events);
///     }
/// }
///
/// // 4. Nothing uses it any more. Starts that waited now find no storage there.
/// match unmap.commit() {
///     Ok(()) => {}
///     Err((unmap, WindowError::InUse)) => drop(unmap), // not yet: go on with 3
///     Err((_, error)) => return Err(error.into()),
/// }
/// # Ok(())
/// # }
/// ```
///
/// The memory is the VMM's own again when the last program that was being read at that moment is: it
/// is held by handles ([`HostMemory`]), not by the window.
#[derive(Debug)]
#[must_use = "dropping it leaves the regions mapped"]
pub struct Unmap {
    withdrawal: Withdrawal,
    regions: Vec<GuestRegion>,
}

impl ShadowWindow {
    /// First phase of taking away the region that begins at `start`. Other regions with the same
    /// memory stay.
    ///
    /// # Errors
    ///
    /// [`WindowError::NotARegion`]; [`WindowError::InUse`] by [`UnmapPolicy::Refuse`];
    /// [`WindowError::Invalidate`] while too many are being taken away.
    pub fn begin_unmap(&self, start: GuestAddr, policy: UnmapPolicy) -> Result<Unmap, WindowError> {
        let _space = self.inner.space();
        let region = self.layout().region(start).cloned();
        self.unmap_regions(region.into_iter().collect(), policy)
    }

    /// First phase of taking away every region that has bytes of `memory`, at whatever guest address,
    /// so that `memory` itself can go.
    ///
    /// # Errors
    ///
    /// As for [`Self::begin_unmap`].
    pub fn begin_unmap_memory(
        &self,
        memory: &HostMemory,
        policy: UnmapPolicy,
    ) -> Result<Unmap, WindowError> {
        // No other address of it is added meanwhile.
        let _space = self.inner.space();
        self.unmap_regions(self.layout().sharing(memory), policy)
    }

    /// To be called with the space locked.
    fn unmap_regions(
        &self,
        regions: Vec<GuestRegion>,
        policy: UnmapPolicy,
    ) -> Result<Unmap, WindowError> {
        if regions.is_empty() {
            return Err(WindowError::NotARegion);
        }
        let ranges = regions.iter().map(GuestRegion::range).collect();
        let withdrawal = Withdrawal::begin(self, ranges, policy)?;
        Ok(Unmap {
            withdrawal,
            regions,
        })
    }
}

impl Unmap {
    /// Second phase: the devices lose the regions.
    ///
    /// # Errors
    ///
    /// [`WindowError::InUse`] while it is not quiet, [`WindowError::NotARegion`] if one was taken away
    /// by somebody else, and [`WindowError::Map`] if one could not be unmapped; that one, and those
    /// with higher addresses, are then as they were.
    pub fn commit(mut self) -> Result<(), (Self, WindowError)> {
        if !self.is_quiet() {
            return Err((self, WindowError::InUse));
        }
        while let [region, ..] = &*self.regions {
            if let Err(error) = self.window().remove(region) {
                return Err((self, error));
            }
            self.regions.remove(0);
        }
        Ok(())
    }

    /// The guest storage of the first region.
    pub fn range(&self) -> &Range<GuestAddr> {
        const NOTHING: &Range<GuestAddr> = &(GuestAddr::new(0)..GuestAddr::new(0));
        self.ranges().first().unwrap_or(NOTHING)
    }
}

impl Deref for Unmap {
    type Target = Withdrawal;

    fn deref(&self) -> &Withdrawal {
        &self.withdrawal
    }
}

impl DerefMut for Unmap {
    fn deref_mut(&mut self) -> &mut Withdrawal {
        &mut self.withdrawal
    }
}
