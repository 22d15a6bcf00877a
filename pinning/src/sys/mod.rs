// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! System calls, and memory that others write to: everything here that needs `unsafe`.

mod backing;
mod current;
#[cfg(test)]
mod fork;
mod map;
mod memory;
#[cfg(feature = "vm-memory")]
mod vm_memory;

pub use backing::{Backing, Object};
pub use current::Current;
pub use memory::HostMemory;
