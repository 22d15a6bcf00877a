// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is to be pinned, and where it was found.

use alloc::{vec, vec::Vec};
use core::fmt;

use ccw::{GuestAddr, HostAddr};

use crate::{PAGE_SIZE, PinError};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
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
#[derive(Clone, Default)]
pub struct Runs {
    /// Only ever grows, so that filling it needs no check for room at each run.
    room: Vec<Run>,
    /// How many runs of `room` count.
    len: usize,
}

impl Runs {
    /// An empty buffer without storage.
    pub const fn new() -> Self {
        Self {
            room: Vec::new(),
            len: 0,
        }
    }

    /// An empty buffer with room for `runs` runs.
    pub fn with_capacity(runs: usize) -> Self {
        let room = vec![Run::default(); runs];
        Self { room, len: 0 }
    }

    /// Forgets the runs, keeps the storage.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Makes room for `additional` more runs. For callers that chose the number themselves.
    pub fn reserve(&mut self, additional: usize) {
        let wanted = self.len.saturating_add(additional);
        if wanted > self.room.len() {
            self.room.resize(wanted, Run::default());
        }
    }

    /// Makes room for `additional` more runs.
    ///
    /// # Errors
    ///
    /// [`PinError::OutOfRuns`] if there is no memory for them.
    #[inline]
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), PinError> {
        let missing = additional.saturating_sub(self.room.len().saturating_sub(self.len));
        if missing > 0 {
            self.room
                .try_reserve(missing)
                .map_err(|_| PinError::OutOfRuns)?;
            self.reserve(additional);
        }
        Ok(())
    }

    /// Appends `len` bytes at `host`. With `join`, they extend the previous run if they follow it
    /// and their sum fits.
    pub fn push(&mut self, host: HostAddr, len: u32, join: bool) {
        let last = self.len.checked_sub(1).filter(|_| join);
        if let Some(last) = last.and_then(|last| self.room.get_mut(last))
            && last.host.checked_add(u64::from(last.len)) == Some(host)
            && let Some(sum) = last.len.checked_add(len)
        {
            last.len = sum;
            return;
        }
        let run = Run { host, len };
        match self.room.get_mut(self.len) {
            Some(free) => *free = run,
            None => self.room.push(run),
        }
        self.len = self.len.saturating_add(1);
    }

    /// Appends runs until one is `None`, and says how many it appended. Also ends when the room is
    /// full: the fast way for those who [reserved](Self::try_reserve) it.
    #[inline]
    pub fn extend_while_some(&mut self, runs: impl Iterator<Item = Option<Run>>) -> usize {
        let free = self.room.get_mut(self.len..).unwrap_or_default();
        let mut appended = 0_usize;
        for (free, run) in free.iter_mut().zip(runs) {
            let Some(run) = run else { break };
            *free = run;
            appended = appended.wrapping_add(1);
        }
        self.len = self.len.saturating_add(appended);
        appended
    }

    /// Whether they have the form of an answer to a pin of `extents`, which
    /// [`Pinner::pin`](crate::Pinner::pin) promises. For the tests of back ends.
    pub fn fit(&self, extents: &[Extent]) -> bool {
        let mut runs = self.as_slice().iter();
        let is_covered = |extent: &Extent| {
            let (mut at, mut left) = (extent.start.get(), extent.len);
            while left > 0 {
                let Some(&Run { host, len }) = runs.next() else {
                    return false;
                };
                let Some(rest) = left.checked_sub(len) else {
                    return false;
                };
                let end = at.wrapping_add(u64::from(len));
                let in_place = (at ^ host.get()).is_multiple_of(PAGE_SIZE);
                let ends_well = rest == 0 || end.is_multiple_of(PAGE_SIZE);
                if len == 0 || !in_place || !ends_well {
                    return false;
                }
                (at, left) = (end, rest);
            }
            true
        };
        extents.iter().all(is_covered) && runs.next().is_none()
    }

    /// The runs, in the order of the extents.
    #[inline]
    pub fn as_slice(&self) -> &[Run] {
        self.room.get(..self.len).unwrap_or_default()
    }
}

impl PartialEq for Runs {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Runs {}

impl fmt::Debug for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.as_slice()).finish()
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
    fn an_answer_covers_the_extents_page_by_page() {
        let extent = |start, len| Extent {
            start: GuestAddr::new(start),
            len,
            access: Access::DeviceReads,
        };
        let extents = [extent(0x1ffc, 0x1008), extent(0x5123, 8)];
        let fit = |answer: &[(u64, u32)]| {
            let mut runs = Runs::new();
            for &(host, len) in answer {
                runs.push(HostAddr::new(host), len, false);
            }
            runs.fit(&extents)
        };
        let second = (0x7_0123, 8);
        assert!(fit(&[(0x9ffc, 0x1008), second]));
        assert!(fit(&[(0x9ffc, 4), (0x3000, 0x1004), second]));
        assert!(fit(&[(0x9ffc, 4), (0x3000, 0x1000), (0x8000, 4), second]));
        for wrong in [
            // Not all, and too much.
            &[(0x9ffc, 0x1008)][..],
            &[(0x9ffc, 0x1007), second],
            &[(0x9ffc, 0x1008), (0x7_0123, 9)],
            &[(0x9ffc, 0x1008), second, second],
            &[(0x9ffc, 0x1010)],
            &[(0x9ffc, 0x1008), (0x7_0123, 0), second],
            // Elsewhere in the page.
            &[(0x9ffb, 0x1008), second],
            &[(0x9ffc, 0x1008), (0x7_0923, 8)],
            &[(0x9ffc, 4), (0x3800, 0x1004), second],
            // Apart within a page.
            &[(0x9ffc, 8), (0x3004, 0x1000), second],
            &[(0x9ffc, 0x1008), (0x7_0123, 4), (0x7_0127, 4)],
        ] {
            assert!(!fit(wrong), "{wrong:x?}");
        }
        assert!(Runs::new().fit(&[]));
    }

    #[test]
    fn clear_keeps_the_storage() {
        let mut runs = Runs::with_capacity(4);
        runs.reserve(4);
        let room = runs.room.capacity();
        for host in 0..4 {
            runs.push(HostAddr::new(host << 16), 1, false);
        }
        runs.clear();
        assert!(runs.as_slice().is_empty());
        assert_eq!(runs.room.capacity(), room);
    }

    #[test]
    fn too_many_runs_is_an_error() {
        assert_eq!(
            Runs::new().try_reserve(usize::MAX),
            Err(PinError::OutOfRuns)
        );
    }
}
