// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is to be pinned, and where it was found.

use alloc::vec::Vec;

use ccw::{GuestAddr, HostAddr};

use crate::PinError;

/// What the device does with the storage, and therefore how the pages are pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// The device only fetches (write, control: storage to device).
    DeviceReads,
    /// The device stores (read, read backward, sense: device to storage).
    DeviceWrites,
}

/// A piece of guest storage that a channel program uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// First byte; any alignment.
    pub start: GuestAddr,
    /// Bytes; not 0.
    pub len: u32,
    /// What the device does there.
    pub access: Access,
}

/// A host-contiguous piece of one extent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    /// First byte, as the executing channel addresses it.
    pub host: HostAddr,
    /// Bytes.
    pub len: u32,
}

/// The runs that a [`Pinner`](crate::Pinner) answers with: a buffer to use again and again.
///
/// ```
/// use ccw::HostAddr;
/// use pinning::Runs;
/// let mut runs = Runs::new();
/// runs.push(HostAddr::new(0x1000), 0x1000, false);
/// runs.push(HostAddr::new(0x2000), 0x800, true); // continues the run before
/// runs.push(HostAddr::new(0x2800), 0x800, false); // next extent: never joined
/// assert_eq!(runs.as_slice().len(), 2);
/// assert_eq!(runs.as_slice()[0].len, 0x1800);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs(Vec<Run>);

impl Runs {
    /// An empty buffer without storage.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// An empty buffer with room for `runs` runs.
    pub fn with_capacity(runs: usize) -> Self {
        Self(Vec::with_capacity(runs))
    }

    /// Forgets the runs, keeps the storage.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Makes room for `additional` more runs. For callers that chose the number themselves.
    pub fn reserve(&mut self, additional: usize) {
        self.0.reserve(additional);
    }

    /// Makes room for `additional` more runs.
    ///
    /// # Errors
    ///
    /// [`PinError::OutOfRuns`] if there is no memory for them.
    #[inline]
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), PinError> {
        self.0
            .try_reserve(additional)
            .map_err(|_| PinError::OutOfRuns)
    }

    /// Appends `len` bytes at `host`. With `join`, they extend the previous run if they follow it
    /// and their sum fits.
    #[inline]
    pub fn push(&mut self, host: HostAddr, len: u32, join: bool) {
        if join
            && let Some(last) = self.0.last_mut()
            && last.host.checked_add(u64::from(last.len)) == Some(host)
            && let Some(sum) = last.len.checked_add(len)
        {
            last.len = sum;
        } else {
            self.0.push(Run { host, len });
        }
    }

    /// The runs, in the order of the extents.
    #[inline]
    pub fn as_slice(&self) -> &[Run] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(host: u64, len: u32) -> Run {
        Run {
            host: HostAddr::new(host),
            len,
        }
    }

    #[test]
    fn extent_is_sixteen_bytes() {
        assert_eq!(size_of::<Extent>(), 16);
    }

    #[test]
    fn joins_only_what_follows_and_fits() {
        let mut runs = Runs::new();
        for (host, len, join) in [
            (0x1000, 0x1000, true),      // nothing before it
            (0x2000, 0x1000, true),      // follows
            (0x3000, 0x1000, false),     // follows, but is another extent
            (0x5000, 0x1000, true),      // gap
            (0x5000, 0x1000, true),      // the same again
            (0x6000, 0xffff_f000, true), // the sum is 2^32
            (0, 1, true),                // goes back
        ] {
            runs.push(HostAddr::new(host), len, join);
        }
        assert_eq!(
            runs.as_slice(),
            [
                run(0x1000, 0x2000),
                run(0x3000, 0x1000),
                run(0x5000, 0x1000),
                run(0x5000, 0x1000),
                run(0x6000, 0xffff_f000),
                run(0, 1),
            ]
        );
    }

    #[test]
    fn clear_keeps_the_storage() {
        let mut runs = Runs::with_capacity(4);
        runs.reserve(4);
        let room = runs.0.capacity();
        for host in 0..4 {
            runs.push(HostAddr::new(host << 16), 1, false);
        }
        runs.clear();
        assert!(runs.as_slice().is_empty());
        assert_eq!(runs.0.capacity(), room);
    }

    #[test]
    fn too_many_runs_is_an_error() {
        assert_eq!(
            Runs::new().try_reserve(usize::MAX),
            Err(PinError::OutOfRuns)
        );
    }
}
