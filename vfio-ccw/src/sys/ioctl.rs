// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The requests to the kernel's files, each paired with its structure.

use std::ffi::{CStr, c_int, c_void};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use vfio_bindings::bindings::vfio::{
    VFIO_DMA_MAP_FLAG_READ, VFIO_DMA_MAP_FLAG_WRITE, VFIO_IRQ_SET_ACTION_TRIGGER,
    VFIO_IRQ_SET_DATA_EVENTFD, vfio_device_attach_iommufd_pt, vfio_device_bind_iommufd,
    vfio_device_detach_iommufd_pt, vfio_device_info, vfio_group_status, vfio_iommu_type1_dma_map,
    vfio_iommu_type1_dma_unmap, vfio_irq_info, vfio_irq_set,
};

use super::Space;
use super::uapi::{
    Destroy, IoasAlloc, IoasMap, IoasUnmap, IrqSet, KvmDeviceAttr, RegionInfo, number,
};
use crate::{Access, Errno, HostMemory};

/// A request that passes numbers and structures only.
#[derive(Debug)]
pub(crate) enum Ioctl<'a> {
    ApiVersion,
    CheckExtension(u32),
    SetIommu(u32),
    GroupStatus(&'a mut vfio_group_status),
    SetContainer(BorrowedFd<'a>),
    UnsetContainer,
    DeviceInfo(&'a mut vfio_device_info),
    RegionInfo(&'a mut RegionInfo),
    IrqInfo(&'a mut vfio_irq_info),
    /// Signals the interrupt `index` by `event` from now on, or not at all.
    SetIrq {
        index: u32,
        event: Option<BorrowedFd<'a>>,
    },
    Reset,
    Bind(&'a mut vfio_device_bind_iommufd),
    Attach(&'a mut vfio_device_attach_iommufd_pt),
    Detach(&'a mut vfio_device_detach_iommufd_pt),
    /// Makes an address space; its id is put here.
    IoasAlloc(&'a mut u32),
    /// Destroys the object of that id.
    Destroy(u32),
    /// Tells KVM of a VFIO file.
    KvmFile(KvmFile, BorrowedFd<'a>),
}

/// What KVM's VFIO device is to do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KvmFile {
    Add,
    Delete,
}

impl Ioctl<'_> {
    /// The number of the request.
    pub(crate) fn number(&self) -> u32 {
        match self {
            Self::ApiVersion => number::API_VERSION,
            Self::CheckExtension(_) => number::CHECK_EXTENSION,
            Self::SetIommu(_) => number::SET_IOMMU,
            Self::GroupStatus(_) => number::GROUP_STATUS,
            Self::SetContainer(_) => number::SET_CONTAINER,
            Self::UnsetContainer => number::UNSET_CONTAINER,
            Self::DeviceInfo(_) => number::DEVICE_INFO,
            Self::RegionInfo(_) => number::REGION_INFO,
            Self::IrqInfo(_) => number::IRQ_INFO,
            Self::SetIrq { .. } => number::SET_IRQS,
            Self::Reset => number::RESET,
            Self::Bind(_) => number::BIND_IOMMUFD,
            Self::Attach(_) => number::ATTACH_PT,
            Self::Detach(_) => number::DETACH_PT,
            Self::IoasAlloc(_) => number::IOAS_ALLOC,
            Self::Destroy(_) => number::IOMMUFD_DESTROY,
            Self::KvmFile(..) => number::KVM_SET_DEVICE_ATTR,
        }
    }
}

/// Makes the request.
pub(super) fn perform(fd: BorrowedFd<'_>, request: Ioctl<'_>) -> Result<i32, Errno> {
    let number = request.number();
    match request {
        Ioctl::ApiVersion | Ioctl::UnsetContainer | Ioctl::Reset => value(fd, number, 0),
        Ioctl::CheckExtension(which) | Ioctl::SetIommu(which) => value(fd, number, which),
        Ioctl::GroupStatus(status) => {
            status.argsz = size(status);
            structure(fd, number, status)
        }
        Ioctl::SetContainer(container) => structure(fd, number, &mut container.as_raw_fd()),
        Ioctl::DeviceInfo(info) => {
            info.argsz = size(info);
            structure(fd, number, info)
        }
        Ioctl::RegionInfo(info) => {
            info.head.argsz = size(info);
            structure(fd, number, info)
        }
        Ioctl::IrqInfo(info) => {
            info.argsz = size(info);
            structure(fd, number, info)
        }
        Ioctl::SetIrq { index, event } => {
            let mut set = IrqSet {
                head: vfio_irq_set {
                    flags: VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
                    index,
                    start: 0,
                    count: 1,
                    ..vfio_irq_set::default()
                },
                event: event.map_or(-1, |event| event.as_raw_fd()),
            };
            set.head.argsz = size(&set);
            structure(fd, number, &mut set)
        }
        Ioctl::Bind(bind) => {
            bind.argsz = size(bind);
            structure(fd, number, bind)
        }
        Ioctl::Attach(attach) => {
            attach.argsz = size(attach);
            structure(fd, number, attach)
        }
        Ioctl::Detach(detach) => {
            detach.argsz = size(detach);
            structure(fd, number, detach)
        }
        Ioctl::IoasAlloc(id) => {
            let mut alloc = IoasAlloc {
                size: 0,
                flags: 0,
                out_ioas_id: 0,
            };
            alloc.size = size(&alloc);
            let result = structure(fd, number, &mut alloc)?;
            *id = alloc.out_ioas_id;
            Ok(result)
        }
        Ioctl::Destroy(id) => {
            let mut destroy = Destroy { size: 0, id };
            destroy.size = size(&destroy);
            structure(fd, number, &mut destroy)
        }
        Ioctl::KvmFile(what, file) => {
            let file = file.as_raw_fd();
            let mut attr = KvmDeviceAttr {
                flags: 0,
                group: KvmDeviceAttr::VFIO_FILE,
                attr: match what {
                    KvmFile::Add => 1,
                    KvmFile::Delete => 2,
                },
                addr: (&raw const file).addr() as u64,
            };
            structure(fd, number, &mut attr)
        }
    }
}

/// The device called `name` of a group.
pub(super) fn device(group: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let request = libc::Ioctl::from(number::GET_DEVICE_FD);
    // SAFETY: the request reads a string that ends with zero, which `name` is.
    let fd = unsafe { libc::ioctl(group.as_raw_fd(), request, name.as_ptr()) };
    if fd < 0 {
        return Err(Errno::last());
    }
    // SAFETY: the kernel has just opened it for us, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// # Safety
///
/// As [`super::Sys::map`].
pub(super) unsafe fn map(
    space: Space<'_>,
    iova: u64,
    memory: &HostMemory,
    access: Access,
) -> Result<(), Errno> {
    let (vaddr, len) = (memory.addr() as u64, memory.len() as u64);
    let store = access == Access::Store;
    match space {
        Space::Container(fd) => {
            let mut map = vfio_iommu_type1_dma_map {
                argsz: 0,
                flags: VFIO_DMA_MAP_FLAG_READ | if store { VFIO_DMA_MAP_FLAG_WRITE } else { 0 },
                vaddr,
                iova,
                size: len,
            };
            map.argsz = size(&map);
            structure(fd, number::MAP_DMA, &mut map)?;
        }
        Space::Ioas(fd, ioas_id) => {
            let mut map = IoasMap {
                size: 0,
                flags: IoasMap::FIXED_IOVA
                    | IoasMap::READABLE
                    | if store { IoasMap::WRITEABLE } else { 0 },
                ioas_id,
                reserved: 0,
                user_va: vaddr,
                length: len,
                iova,
            };
            map.size = size(&map);
            structure(fd, number::IOAS_MAP, &mut map)?;
        }
    }
    Ok(())
}

/// See [`super::Sys::unmap`].
pub(super) fn unmap(space: Space<'_>, iova: u64, len: u64) -> Result<u64, Errno> {
    match space {
        Space::Container(fd) => {
            let mut unmap = vfio_iommu_type1_dma_unmap {
                iova,
                size: len,
                ..vfio_iommu_type1_dma_unmap::default()
            };
            unmap.argsz = size(&unmap);
            structure(fd, number::UNMAP_DMA, &mut unmap)?;
            Ok(unmap.size)
        }
        Space::Ioas(fd, ioas_id) => {
            let mut unmap = IoasUnmap {
                size: 0,
                ioas_id,
                iova,
                length: len,
            };
            unmap.size = size(&unmap);
            structure(fd, number::IOAS_UNMAP, &mut unmap)?;
            Ok(unmap.length)
        }
    }
}

/// Bytes of a structure, for its size field.
fn size<T>(_: &T) -> u32 {
    u32::try_from(size_of::<T>()).unwrap_or(u32::MAX)
}

/// A request with a number.
fn value(fd: BorrowedFd<'_>, number: u32, value: u32) -> Result<i32, Errno> {
    let value = libc::c_ulong::from(value);
    // SAFETY: the requests made so (`perform`) take a number, and touch no memory of ours.
    result(unsafe { libc::ioctl(fd.as_raw_fd(), libc::Ioctl::from(number), value) })
}

/// A request with a structure.
fn structure<T>(fd: BorrowedFd<'_>, number: u32, structure: &mut T) -> Result<i32, Errno> {
    let pointer: *mut c_void = (&raw mut *structure).cast();
    // SAFETY:
    // 1. The kernel reads and writes the structure that the number stands for, which is `T` (each
    //    call above pairs the two), or a longer one of a later kernel, of which it touches no more
    //    than the size field says, and that is the size of `T`.
    // 2. `T` consists of integers, so whatever the kernel writes is a value of it.
    // 3. What the addresses in it lead to: to a descriptor that outlives the call (`KvmFile`), or to
    //    memory that its owner keeps mapped (`map`, whose caller promises that).
    result(unsafe { libc::ioctl(fd.as_raw_fd(), libc::Ioctl::from(number), pointer) })
}

fn result(result: c_int) -> Result<i32, Errno> {
    match result {
        0.. => Ok(result),
        _ => Err(Errno::last()),
    }
}
