// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The frames behind the pages of a piece.

use std::fs::File;
use std::sync::Arc;
use std::vec;

use super::frames::Word;
use super::kernel::Kernel;
use crate::sys::Piece;
use crate::{Errno, PAGE_SIZE};

/// Why frames are not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoFrames {
    /// The kernel did not say.
    Kernel(Errno),
    /// A page has no frame, or a hidden one.
    Page,
}

/// The words for the pages of `piece`, which are pinned: a frame that is read before may change.
pub(super) fn frames(
    kernel: &dyn Kernel,
    pagemap: &File,
    piece: Piece,
) -> Result<Arc<[Word]>, NoFrames> {
    let page = usize::try_from(PAGE_SIZE).unwrap_or(usize::MAX);
    let mut entries = vec![0; piece.len.div_ceil(page)];
    let read = kernel.entries(pagemap, piece.addr, &mut entries);
    read.map_err(NoFrames::Kernel)?;
    let mut next = None;
    let words = entries.into_iter().rev().map(|entry| {
        next = Some(Word::new(frame_address(entry)?, next));
        next
    });
    let words: Option<vec::Vec<_>> = words.collect();
    let mut words = words.ok_or(NoFrames::Page)?;
    words.reverse();
    Ok(words.into())
}

/// What an entry of the pagemap says. Frame 0 is what the kernel shows without `CAP_SYS_ADMIN`.
fn frame_address(entry: u64) -> Option<u64> {
    const PRESENT: u64 = 1 << 63;
    const FRAME: u64 = (1 << 55) - 1;
    let address = (entry & FRAME).checked_mul(PAGE_SIZE)?;
    (entry & PRESENT != 0 && address != 0).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::super::layout::{Framed, Frames, Layout};
    use super::*;
    use crate::{Access, Extent, Permission, Region, Run, Runs};
    use ccw::{GuestAddr, HostAddr};
    use std::vec::Vec;

    /// Says what it was told, for any process.
    #[derive(Debug)]
    struct Told(Vec<u64>);

    impl Kernel for Told {
        fn table(&self, _: u32) -> Result<crate::sys::BufferTable, Errno> {
            Err(Errno::ENOSYS)
        }
        fn fill(&self, _: &crate::sys::BufferTable, _: u32, _: Piece) -> Result<(), Errno> {
            Err(Errno::ENOSYS)
        }
        fn empty(&self, _: &crate::sys::BufferTable, _: u32) -> Result<(), Errno> {
            Err(Errno::ENOSYS)
        }
        fn pagemap(&self) -> Result<File, Errno> {
            Err(Errno::ENOSYS)
        }
        fn entries(&self, _: &File, _: usize, entries: &mut [u64]) -> Result<(), Errno> {
            entries.copy_from_slice(&self.0);
            Ok(())
        }
        fn lock(&self, _: Piece) -> Result<(), Errno> {
            Err(Errno::ENOSYS)
        }
        fn unlock(&self, _: Piece) -> Result<(), Errno> {
            Err(Errno::ENOSYS)
        }
    }

    const PRESENT: u64 = 1 << 63;

    fn words(entries: Vec<u64>) -> Result<Arc<[Word]>, NoFrames> {
        let len = entries.len() * 4096;
        let nothing = File::open("/dev/null").unwrap();
        frames(&Told(entries), &nothing, Piece { addr: 0, len })
    }

    /// The runs of `len` bytes from `start` on of a region whose pages have these frames.
    fn runs(frames: &[u64], start: u64, len: u32) -> Vec<(u64, u32)> {
        let entries = frames.iter().map(|frame| PRESENT | frame).collect();
        let region = Region {
            guest: GuestAddr::new(0x1000),
            len: frames.len() as u64 * 4096,
            host: HostAddr::new(0),
            permission: Permission::ReadWrite,
        };
        let frames = Frames {
            words: words(entries).unwrap(),
            first: 0,
        };
        let layout = Layout::Physical([Framed { region, frames }].into());
        let extent = Extent {
            start: GuestAddr::new(start),
            len,
            access: Access::DeviceWrites,
        };
        let mut runs = Runs::new();
        layout.translate(&[extent], &mut runs).unwrap();
        assert!(runs.fit(&[extent]));
        let runs = runs.as_slice().iter();
        runs.map(|&Run { host, len }| (host.get(), len)).collect()
    }

    #[test]
    fn consecutive_frames_are_one_run() {
        let frames = [7, 8, 9, 3, 20, 21, 5, 4];
        assert_eq!(runs(&frames, 0x1000, 0x3000), [(0x7000, 0x3000)]);
        assert_eq!(runs(&frames, 0x1ffc, 8), [(0x7ffc, 8)]);
        assert_eq!(
            runs(&frames, 0x2800, 0x6000),
            [
                (0x8800, 0x1800),
                (0x3000, 0x1000),
                (0x1_4000, 0x2000),
                (0x5000, 0x1000),
                (0x4000, 0x800)
            ]
        );
        assert_eq!(runs(&frames, 0x8fff, 1), [(0x4fff, 1)]);
        let apart = runs(&[9, 7, 5, 3], 0x1001, 0x3ffe);
        assert_eq!(
            apart,
            [
                (0x9001, 0xfff),
                (0x7000, 0x1000),
                (0x5000, 0x1000),
                (0x3000, 0xfff)
            ]
        );
    }

    /// A word counts 4095 pages; more of them are one run all the same.
    #[test]
    fn more_consecutive_frames_than_a_word_counts() {
        for pages in [4094, 4095, 4096, 4097, 8190, 8191, 9000] {
            let mut frames: Vec<u64> = (100..100 + pages).collect();
            frames.push(7);
            let len = u32::try_from(pages * 4096).unwrap();
            let expected = [(100 << 12, len), (0x7000, 0x1000)];
            assert_eq!(runs(&frames, 0x1000, len + 0x1000), expected, "{pages}");
        }
    }

    #[test]
    fn entries_without_a_frame() {
        assert!(words([PRESENT | 1].into()).is_ok());
        // Not present, hidden, beyond the addresses; flags above the frame do not matter.
        for entry in [1, 0, PRESENT, PRESENT | (1 << 52)] {
            let found = words([PRESENT | 1, entry].into());
            assert_eq!(found, Err(NoFrames::Page), "{entry:#x}");
        }
        assert!(words([PRESENT | (0xff << 55) | 1].into()).is_ok());
    }
}
