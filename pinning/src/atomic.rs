// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Atomics: those of the machine, or those of loom, which tries every order of their accesses.

#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

/// Stands between two sequentially consistent accesses of one thread. The machine needs nothing there;
/// loom orders such accesses no better than released and acquired ones, but it does order such fences.
#[inline(always)]
pub(crate) fn in_one_order() {
    #[cfg(loom)]
    fence(Ordering::SeqCst);
}
