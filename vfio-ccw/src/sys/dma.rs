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
        let fd = self.fd.own()?;
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
        if self.fd.is_inherited() {
            // A child's copy: the mappings are its parent's.
            self.mapped.clear();
        }
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

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;

    #[test]
    fn a_child_takes_no_mapping_of_its_parent_back() {
        let fake = Arc::new(Fake::new());
        let sys: Arc<dyn Sys> = fake.clone();
        for (ioas, name) in [(None, "container"), (Some(7), "iommufd")] {
            let memory = HostMemory::anonymous(0x1000).unwrap();
            let fd = Arc::new(Fd::new(&sys, fake.file(name)));
            let mut copy = Mappings::new(&sys, &fd, ioas);
            copy.map(0x1000, &memory, Access::Store).unwrap();
            fake.forget();
            fake.state().process += 1;
            let mapped = copy.map(0x2000, &memory, Access::Store);
            assert_eq!(mapped, Err(Errno::EPERM));
            assert_eq!(copy.unmap(0x1000, 0x1000), Err(Errno::EPERM));
            drop(copy);
            assert!(fake.state().log.is_empty(), "{:?}", fake.state().log);
            drop(fd);
            fake.forget();
        }
    }
}
