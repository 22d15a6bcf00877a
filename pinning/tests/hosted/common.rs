// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the tests share.

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ccw::GuestAddr;
use pinning::{
    Access, Budget, Extent, HostMemory, KeepError, PinError, Pinner, Pins, Run, Runs, UringPinner,
};

pub(crate) const PAGE: usize = 4096;

/// One test at a time: they count what the whole process holds.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says what could not be shown here, and why; not through the test harness, which swallows it.
pub(crate) fn left_out(what: &str, why: impl std::fmt::Display) {
    let text = format!("LEFT OUT: {what}: {why}\n");
    io::stderr().write_all(text.as_bytes()).unwrap();
}

/// A pinner of real pins, if there can be one.
pub(crate) fn uring(what: &str) -> Option<UringPinner> {
    match UringPinner::new(Budget::default()) {
        Ok(pinner) => Some(pinner),
        Err(error) => {
            assert!(matches!(error, KeepError::Kernel { .. }), "{error}");
            left_out(what, error);
            None
        }
    }
}

/// The same, if its addresses are physical.
pub(crate) fn physical(what: &str) -> Option<UringPinner> {
    let pinner = uring(what)?;
    if let Some(why) = pinner.why_virtual() {
        left_out(what, why);
        return None;
    }
    Some(pinner)
}

/// Kibibytes in a line of the status of this process.
pub(crate) fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.unwrap_or_default().trim_start_matches(':').trim();
    number.trim_end_matches("kB").trim().parse().unwrap_or(0)
}

/// Pages that are pinned.
pub(crate) fn pinned() -> u64 {
    status("VmPin") / 4
}

/// Pages that are locked.
pub(crate) fn locked() -> u64 {
    status("VmLck") / 4
}

/// Files that this process has open.
pub(crate) fn files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Addresses of the frames of a memory's pages, by a reading of their own.
pub(crate) fn frames_of(memory: &HostMemory) -> Vec<u64> {
    let pagemap = File::open("/proc/self/pagemap").unwrap();
    let mut bytes = vec![0; memory.len() / PAGE * 8];
    let at = memory.addr() / PAGE * 8;
    pagemap.read_exact_at(&mut bytes, at as u64).unwrap();
    let (entries, _) = bytes.as_chunks();
    let entries = entries.iter().map(|entry| u64::from_ne_bytes(*entry));
    entries
        .map(|entry| {
            assert!(entry >> 63 == 1, "a page without a frame");
            (entry & ((1 << 55) - 1)) << 12
        })
        .collect()
}

pub(crate) fn at(addr: u64) -> GuestAddr {
    GuestAddr::new(addr)
}

pub(crate) fn range(start: u64, end: u64) -> Range<GuestAddr> {
    at(start)..at(end)
}

pub(crate) fn extent(start: u64, len: u32) -> Extent {
    Extent {
        start: at(start),
        len,
        access: Access::DeviceWrites,
    }
}

/// The runs of one program with one extent, which ends at once.
pub(crate) fn runs(pinner: &impl Pinner, start: u64, len: u32) -> Result<Vec<Run>, PinError> {
    let mut runs = Runs::new();
    let extent = extent(start, len);
    let pins = Pins::acquire(pinner, &[extent], &mut runs)?;
    assert!(runs.fit(&[extent]), "{runs:x?}");
    drop(pins);
    Ok(runs.as_slice().to_vec())
}

/// Takes a range away whatever holds it.
pub(crate) fn withdraw(pinner: &impl Pinner, range: Range<GuestAddr>) {
    pinner.begin_invalidate(range.clone()).unwrap();
    pinner.end_invalidate(range, false);
}
