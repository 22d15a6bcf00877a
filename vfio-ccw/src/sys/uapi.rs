// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Numbers and structures of the requests to the kernel's files.
//!
//! They are those of `linux/vfio.h`, `linux/iommufd.h` and `linux/kvm.h`, and the same on all
//! machines that number requests as s390 and x86 do.

use vfio_bindings::bindings::vfio::{vfio_irq_set, vfio_region_info};

/// Numbers of the requests.
pub(crate) mod number {
    pub(crate) const API_VERSION: u32 = 0x3b64;
    pub(crate) const CHECK_EXTENSION: u32 = 0x3b65;
    pub(crate) const SET_IOMMU: u32 = 0x3b66;
    pub(crate) const GROUP_STATUS: u32 = 0x3b67;
    pub(crate) const SET_CONTAINER: u32 = 0x3b68;
    pub(crate) const UNSET_CONTAINER: u32 = 0x3b69;
    pub(crate) const GET_DEVICE_FD: u32 = 0x3b6a;
    pub(crate) const DEVICE_INFO: u32 = 0x3b6b;
    pub(crate) const REGION_INFO: u32 = 0x3b6c;
    pub(crate) const IRQ_INFO: u32 = 0x3b6d;
    pub(crate) const SET_IRQS: u32 = 0x3b6e;
    pub(crate) const RESET: u32 = 0x3b6f;
    pub(crate) const MAP_DMA: u32 = 0x3b71;
    pub(crate) const UNMAP_DMA: u32 = 0x3b72;
    pub(crate) const BIND_IOMMUFD: u32 = 0x3b76;
    pub(crate) const ATTACH_PT: u32 = 0x3b77;
    pub(crate) const DETACH_PT: u32 = 0x3b78;
    pub(crate) const IOMMUFD_DESTROY: u32 = 0x3b80;
    pub(crate) const IOAS_ALLOC: u32 = 0x3b81;
    pub(crate) const IOAS_MAP: u32 = 0x3b85;
    pub(crate) const IOAS_UNMAP: u32 = 0x3b86;
    pub(crate) const KVM_SET_DEVICE_ATTR: u32 = 0x4018_aee1;
}

/// What is known of a region: a head, and capabilities that its offsets lead to.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegionInfo {
    pub(crate) head: vfio_region_info,
    pub(crate) capabilities: [u8; RegionInfo::CAPABILITIES],
}

impl RegionInfo {
    /// Bytes of the head.
    pub(crate) const HEAD: usize = size_of::<vfio_region_info>();
    const CAPABILITIES: usize = 480;

    /// The question for region `index`.
    pub(crate) fn of(index: u32) -> Self {
        Self {
            head: vfio_region_info {
                index,
                ..vfio_region_info::default()
            },
            capabilities: [0; Self::CAPABILITIES],
        }
    }
}

/// `iommu_destroy`.
#[repr(C)]
pub(super) struct Destroy {
    pub(super) size: u32,
    pub(super) id: u32,
}

/// `iommu_ioas_alloc`.
#[repr(C)]
pub(super) struct IoasAlloc {
    pub(super) size: u32,
    pub(super) flags: u32,
    pub(super) out_ioas_id: u32,
}

/// `iommu_ioas_map`.
#[repr(C)]
pub(super) struct IoasMap {
    pub(super) size: u32,
    pub(super) flags: u32,
    pub(super) ioas_id: u32,
    pub(super) reserved: u32,
    pub(super) user_va: u64,
    pub(super) length: u64,
    pub(super) iova: u64,
}

impl IoasMap {
    pub(super) const FIXED_IOVA: u32 = 1;
    pub(super) const WRITEABLE: u32 = 2;
    pub(super) const READABLE: u32 = 4;
}

/// `iommu_ioas_unmap`.
#[repr(C)]
pub(super) struct IoasUnmap {
    pub(super) size: u32,
    pub(super) ioas_id: u32,
    pub(super) iova: u64,
    pub(super) length: u64,
}

/// `kvm_device_attr`.
#[repr(C)]
pub(super) struct KvmDeviceAttr {
    pub(super) flags: u32,
    pub(super) group: u32,
    pub(super) attr: u64,
    pub(super) addr: u64,
}

impl KvmDeviceAttr {
    pub(super) const VFIO_FILE: u32 = 1;
}

/// `vfio_irq_set` with one event file descriptor.
#[repr(C)]
pub(super) struct IrqSet {
    pub(super) head: vfio_irq_set,
    pub(super) event: i32,
}

const _: () = {
    assert!(size_of::<RegionInfo>() == 512);
    assert!(size_of::<Destroy>() == 8);
    assert!(size_of::<IoasAlloc>() == 12);
    assert!(size_of::<IoasMap>() == 40);
    assert!(size_of::<IoasUnmap>() == 24);
    assert!(size_of::<KvmDeviceAttr>() == 24);
    assert!(size_of::<IrqSet>() == 24);
};

#[cfg(test)]
mod tests {
    use vfio_bindings::bindings::vfio::{VFIO_BASE, VFIO_TYPE};

    use super::number::*;

    /// As the headers write them: a type and a number, and for KVM direction and size too.
    #[test]
    fn numbers() {
        let vfio = [
            (API_VERSION, 0),
            (CHECK_EXTENSION, 1),
            (SET_IOMMU, 2),
            (GROUP_STATUS, 3),
            (SET_CONTAINER, 4),
            (UNSET_CONTAINER, 5),
            (GET_DEVICE_FD, 6),
            (DEVICE_INFO, 7),
            (REGION_INFO, 8),
            (IRQ_INFO, 9),
            (SET_IRQS, 10),
            (RESET, 11),
            (MAP_DMA, 13),
            (UNMAP_DMA, 14),
            (BIND_IOMMUFD, 18),
            (ATTACH_PT, 19),
            (DETACH_PT, 20),
        ];
        for (number, n) in vfio {
            assert_eq!(number, u32::from(VFIO_TYPE) << 8 | (VFIO_BASE + n));
        }
        let iommufd = [
            (IOMMUFD_DESTROY, 0x80),
            (IOAS_ALLOC, 0x81),
            (IOAS_MAP, 0x85),
            (IOAS_UNMAP, 0x86),
        ];
        for (number, n) in iommufd {
            assert_eq!(number, u32::from(b';') << 8 | n);
        }
        let write = 1 << 30;
        let size = 24;
        assert_eq!(KVM_SET_DEVICE_ATTR, write | size << 16 | 0xae << 8 | 0xe1);
    }
}
