// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is known of each implementation.

mod hyperion;
mod qemu;
mod vfio_ccw;

pub(super) use hyperion::RULES as HYPERION;
pub(super) use qemu::RULES as QEMU;
pub(super) use vfio_ccw::RULES as VFIO_CCW;
