// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is mapped for devices, and the memory behind it.

use std::mem;
use std::sync::Arc;

use super::{Fd, Space, Sys};
use crate::{Access, Errno, HostMemory};

/// The mappings that were made in an address space of the kernel's; they are taken back when this
/// is dropped.
#[derive(Debug)]
pub(crate) struct Mappings {
    sys: Arc<dyn Sys>,
    /// The container, or the iommufd.
    fd: Arc<Fd>,
    /// With an iommufd, the id of the address space.
    ioas: Option<u32>,
    /// Where, and what, in the order in which it was mapped.
    mapped: Vec<(u64, HostMemory)>,
}

impl Mappings {
    pub(crate) fn new(sys: &Arc<dyn Sys>, fd: &Arc<Fd>, ioas: Option<u32>) -> Self {
        Self {
            sys: Arc::clone(sys),
            fd: Arc::clone(fd),
            ioas,
            mapped: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.mapped.is_empty()
    }

    fn space(&self) -> Result<Space<'_>, Errno> {
        let fd = self.fd.get()?;
        Ok(match self.ioas {
            None => Space::Container(fd),
            Some(id) => Space::Ioas(fd, id),
        })
    }

    pub(crate) fn map(
        &mut self,
        iova: u64,
        memory: &HostMemory,
        access: Access,
    ) -> Result<(), Errno> {
        // SAFETY: a clone of the handle is kept below. It goes when the kernel has taken the mapping
        // back (`unmap`), or never (`unmap_all`).
        unsafe { self.sys.map(self.space()?, iova, memory, access) }?;
        self.mapped.push((iova, memory.clone()));
        Ok(())
    }

    pub(crate) fn unmap(&mut self, iova: u64, len: u64) -> Result<(), Errno> {
        let last = len.checked_sub(1).and_then(|len| iova.checked_add(len));
        let last = last.ok_or(Errno::EINVAL)?;
        if self.sys.unmap(self.space()?, iova, len)? == 0 {
            return Err(Errno::EINVAL);
        }
        // The kernel takes back what lies in the range as a whole, and refuses to cut a mapping.
        self.mapped.retain(|(start, memory)| {
            let end = start.saturating_add(memory.len() as u64 - 1);
            *start < iova || end > last
        });
        Ok(())
    }

    /// Takes everything back, the last first. Memory that the kernel does not let go of stays in
    /// this process for ever: devices may still store into it.
    pub(crate) fn unmap_all(&mut self) {
        while let Some((iova, memory)) = self.mapped.pop() {
            let len = memory.len() as u64;
            let result = self
                .space()
                .and_then(|space| self.sys.unmap(space, iova, len));
            if result != Ok(len) {
                log::error!(target: "vfio_ccw::kernel", "unmap {len:#x} bytes at {iova:#x}: {result:?}");
                mem::forget(memory);
            }
        }
    }
}

impl Drop for Mappings {
    fn drop(&mut self) {
        self.unmap_all();
    }
}
