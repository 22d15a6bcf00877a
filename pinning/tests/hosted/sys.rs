// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The system call that moves pages.

use std::io;

/// Asks the kernel to gather the pages of a mapping in huge pages, that is, to move them.
pub(crate) fn collapse(addr: usize, len: usize) -> io::Result<()> {
    const MADV_COLLAPSE: i32 = 25;
    let start = std::ptr::without_provenance_mut(addr);
    // SAFETY: pages come to lie in other frames, with the content that they have.
    match unsafe { libc::madvise(start, len, MADV_COLLAPSE) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
