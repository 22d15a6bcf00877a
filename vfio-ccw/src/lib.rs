// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A subchannel of the host, the device that Linux calls vfio-ccw, and a guest's subchannel on top of it.
//!
//! [`CcwDevice`] is such a subchannel as the kernel offers it, with the kernel's error numbers and
//! the kernel's gaps. [`DmaSpace`] is what its addresses lead to, and [`HostMemory`] what can be
//! mapped there. Devices:
//!
//! | device | what it is |
//! |---|---|
//! | [`KernelDevice`](device::kernel::KernelDevice) | the kernel's: by group and container, or by its own file and an iommufd |
//! | [`SoftDevice`](device::soft::SoftDevice) | a software channel with software devices; needs no privileges |
//! | [`FaultInjector`](device::fault::FaultInjector) | another device, with errors and disturbed interrupts at the n-th occasion |
//! | [`Recorder`](device::record::Recorder), [`Replayer`](device::record::Replayer) | another device, written down as text, and the text as a device |
//!
//! [`mediator`] makes of such a device the subchannel that a guest sees: it translates the guest's
//! programs, carries out its I/O instructions and repairs what the kernel loses. **Start there to pass
//! a subchannel through**; it has an example, and `examples/vmm_loop.rs` has the whole loop. Its settings
//! and answers have types of the crates [`ccw`], [`pinning`] (`Budget`, `Permission`, `Owner`) and
//! [`translator`] (`HostProfile`, `Policy`), on which a VMM depends as well.
//!
//! The kernel hands a subchannel to user space as a file of four regions:
//!
//! | region | type, subtype | what it is for |
//! |---|---|---|
//! | [`IoRegion`] | none, index 0 | start a program; read the status of an interrupt |
//! | [`AsyncRegion`] | 2, 1 | halt or clear |
//! | [`SchibRegion`] | 2, 2 | the subchannel as STORE SUBCHANNEL shows it |
//! | [`CrwRegion`] | 2, 3 | channel reports, one for each read |
//!
//! What channel I/O defines is big-endian in them, as everywhere. Return codes and commands are the
//! kernel's own and in the byte order of the machine; that machine is an s390, so on a real device
//! the two are the same.
//!
//! The layouts are those of Linux's user-space API (`linux/vfio_ccw.h`), the region types those of
//! `linux/vfio.h`.

pub mod device;
mod dma;
pub mod mediator;
mod region;
#[expect(unsafe_code, reason = "system calls")]
mod sys;

pub use device::{Capabilities, CcwDevice, DeviceError, Source};
pub use dma::{Access, DmaSpace};
pub use pinning::{Errno, HostMemory};
pub use region::{
    ASYNC_REGION_SIZE, AsyncCommand, AsyncRegion, CRW_REGION_SIZE, CrwRegion, IO_REGION_SIZE,
    IoRegion, ORB_AREA_SIZE, REGION_TYPE_CCW, SCHIB_REGION_SIZE, SUBTYPE_ASYNC, SUBTYPE_CRW,
    SUBTYPE_SCHIB, SchibRegion,
};
