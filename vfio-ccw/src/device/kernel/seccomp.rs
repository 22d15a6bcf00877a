// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a process must be allowed to do, for a filter of system calls.
//!
//! Opening a device needs more; do it before the filter is in place. A memory allocator, logging
//! and the loop that polls the event file descriptors have needs of their own.

use crate::sys::number;

/// System calls of an open device and its address space.
pub const SYSCALLS_RUN: &[&str] = &["getpid", "ioctl", "pread64", "pwrite64", "read"];

/// Requests (the second argument of `ioctl`) of an open device and its address space: reset, and
/// map and unmap by container and by iommufd.
pub const IOCTLS_RUN: &[u32] = &[
    number::RESET,
    number::MAP_DMA,
    number::UNMAP_DMA,
    number::IOAS_MAP,
    number::IOAS_UNMAP,
];

/// System calls of closing a device and its address space, and of giving anonymous memory back.
pub const SYSCALLS_CLOSE: &[&str] = &["close", "getpid", "ioctl", "munmap"];

/// Requests of closing a device and its address space: interrupts off, unmap, leave the address
/// space, and have KVM forget.
pub const IOCTLS_CLOSE: &[u32] = &[
    number::UNSET_CONTAINER,
    number::SET_IRQS,
    number::UNMAP_DMA,
    number::DETACH_PT,
    number::IOMMUFD_DESTROY,
    number::IOAS_UNMAP,
    number::KVM_SET_DEVICE_ATTR,
];
