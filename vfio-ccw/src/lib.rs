// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The regions of a vfio-ccw device, as bytes.
//!
//! The kernel hands a subchannel to user space as a file of four regions. This crate says what lies
//! where in them, and no more so far: the device itself (by VFIO group and by iommufd), the software
//! device and the mediator that is the guest's virtual subchannel come with their own releases.
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

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod region;

pub use region::{
    ASYNC_REGION_SIZE, AsyncCommand, AsyncRegion, CRW_REGION_SIZE, CrwRegion, IO_REGION_SIZE,
    IoRegion, REGION_TYPE_CCW, SCHIB_REGION_SIZE, SUBTYPE_ASYNC, SUBTYPE_CRW, SUBTYPE_SCHIB,
    SchibRegion,
};
