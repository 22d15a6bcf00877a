// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! System calls and memory that others write to: everything here that needs `unsafe`.

mod eventfd;
mod memory;

use crate::Errno;

pub(crate) use eventfd::EventFd;
pub use memory::HostMemory;

/// Why the last system call failed.
fn last_errno() -> Errno {
    Errno::of(&std::io::Error::last_os_error())
}
