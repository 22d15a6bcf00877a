// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The I/O address space: what the device finds at an address.

use crate::{Errno, HostMemory};

/// What the device may do with a mapping.
///
/// vfio-ccw pins every page for reading and writing, whatever the command, so a read-only mapping
/// serves only for programs and lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Fetch only.
    Fetch,
    /// Fetch and store.
    Store,
}

/// The addresses of a device, or of several.
///
/// A mapping keeps its memory alive until it is unmapped.
///
/// ```
/// use vfio_ccw::{Access, DmaSpace, Errno, HostMemory};
///
/// fn lay_out(space: &mut impl DmaSpace, guest: &HostMemory) -> Result<(), Errno> {
///     space.map(0x4000_0000, &HostMemory::anonymous(0x1_0000)?, Access::Store)?; // programs
///     space.map(1 << 32, guest, Access::Store) // guest memory, where no program can lie
/// }
/// ```
pub trait DmaSpace: Send {
    /// Lets the device find all of `memory` at `iova`.
    ///
    /// # Errors
    ///
    /// As the kernel gives them: `EINVAL` not on pages, or passing the end of the addresses
    /// (`EOVERFLOW` with iommufd), `EEXIST` something is mapped there, `ENOSPC` too many mappings,
    /// `ENOMEM`.
    fn map(&mut self, iova: u64, memory: &HostMemory, access: Access) -> Result<(), Errno>;

    /// Takes back the mapping of `len` bytes at `iova`, which must be one that was made.
    ///
    /// **The kernel resets every device that runs a program on it**, without telling the guest:
    /// make sure that none does. A [`ShadowWindow`](crate::mediator::ShadowWindow) does.
    ///
    /// # Errors
    ///
    /// `EINVAL` (`ENOENT` with iommufd) if there is no such mapping; it may be part of one.
    fn unmap(&mut self, iova: u64, len: u64) -> Result<(), Errno>;
}
