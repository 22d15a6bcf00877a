// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guest memory of the crate `vm-memory`.

use ccw::GuestAddr;
use vm_memory::bitmap::Bitmap;
use vm_memory::mmap::GuestRegionMmap;
use vm_memory::{GuestMemoryBackend, GuestMemoryMmap, GuestMemoryRegion};

use super::{GuestRegion, ShadowWindow, WindowError};
use crate::{Errno, HostMemory};

impl GuestRegion {
    /// A region of `vm-memory`, for both directions.
    ///
    /// # Errors
    ///
    /// Those of [`HostMemory::of_region`].
    pub fn of_region<B>(region: &GuestRegionMmap<B>) -> Result<Self, Errno>
    where
        B: Bitmap + Send + Sync + 'static,
    {
        let start = GuestAddr::new(region.start_addr().0);
        Ok(Self::new(start, HostMemory::of_region(region)?))
    }
}

impl ShadowWindow {
    /// Gives the devices all regions of a guest.
    ///
    /// ```
    /// use ccw::GuestAddr;
    /// use vfio_ccw::device::soft::SoftSpace;
    /// use vfio_ccw::mediator::{ShadowWindow, WindowConfig};
    /// use vm_memory::{GuestAddress, GuestMemoryMmap};
    ///
    /// let guest: GuestMemoryMmap = GuestMemoryMmap::from_ranges(&[
    ///     (GuestAddress(0), 0x10_0000),
    ///     (GuestAddress(0x8000_0000), 0x10_0000),
    /// ])?;
    /// let window = ShadowWindow::new(SoftSpace::new(), WindowConfig::default())?;
    /// window.add_all(&guest)?;
    /// assert_eq!(window.regions().len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Self::add`], and [`WindowError::Memory`] for memory that this process may not
    /// use. Regions before the one that is wrong have been added then.
    pub fn add_all<B>(&self, memory: &GuestMemoryMmap<B>) -> Result<(), WindowError>
    where
        B: Bitmap + Send + Sync + 'static,
    {
        for region in memory.iter() {
            self.add(GuestRegion::of_region(region).map_err(WindowError::Memory)?)?;
        }
        Ok(())
    }
}
