// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Pages that stay resident, and how many a process may hold.

use super::Piece;
use crate::Errno;

/// Makes the pages of `piece` resident and keeps them so. They may still be moved to other frames.
pub(crate) fn lock(piece: Piece) -> Result<(), Errno> {
    let start = std::ptr::without_provenance(piece.addr);
    // SAFETY: reads and writes no byte of ours: pages become resident, with the content they have.
    match unsafe { libc::mlock(start, piece.len) } {
        0 => Ok(()),
        _ => Err(Errno::last()),
    }
}

/// Lets the pages go. Locks do not add up: one call undoes them all.
pub(crate) fn unlock(piece: Piece) -> Result<(), Errno> {
    let start = std::ptr::without_provenance(piece.addr);
    // SAFETY: reads and writes no byte of ours.
    match unsafe { libc::munlock(start, piece.len) } {
        0 => Ok(()),
        _ => Err(Errno::last()),
    }
}

/// `RLIMIT_MEMLOCK` in bytes; `None` if there is no limit.
pub(crate) fn memlock_limit() -> Option<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: writes to `limit`, and nothing else of ours.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit) };
    let finite = result == 0 && limit.rlim_cur != libc::RLIM_INFINITY;
    finite.then_some(limit.rlim_cur)
}
