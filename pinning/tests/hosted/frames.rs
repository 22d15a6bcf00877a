// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where pages really are: frames of locked pages move, those of pinned pages do not.

use std::fs;

use pinning::{Budget, HostMemory, LockedPinner, Permission, Pinner, Pins, Runs, UringPinner};

use crate::common::*;
use crate::sys;

const HUGE: usize = 2 << 20;
/// Room for whole huge pages wherever the mapping begins.
const LEN: usize = 4 * HUGE;

/// Memory with a frame of its own for each page, and its page's number in each.
fn memory(kind: &str) -> HostMemory {
    let memory = match kind {
        "sealed" => sealed(),
        _ => sys::private(LEN),
    };
    for page in 0..LEN / PAGE {
        memory.write(page * PAGE, &page.to_be_bytes()).unwrap();
    }
    memory
}

/// Sealed memory whose huge pages lie at multiples of their size in the process as in the file.
fn sealed() -> HostMemory {
    let whole = HostMemory::sealed(LEN + HUGE).unwrap();
    let mut offset = 0;
    let mut tries = Vec::new();
    loop {
        let memory = whole.share(offset, LEN).unwrap();
        let place = memory.addr() % HUGE;
        if place == offset || tries.len() == 20 {
            return memory;
        }
        offset = place;
        // The next one lies where this one was, or before it.
        if tries.len() % 2 == 0 {
            drop(memory);
            tries.push(None);
        } else {
            tries.push(Some(memory));
        }
    }
}

fn is_intact(memory: &HostMemory) -> bool {
    (0..LEN / PAGE).all(|page| {
        let mut bytes = [0; 8];
        memory.read(page * PAGE, &mut bytes).unwrap();
        bytes == page.to_be_bytes()
    })
}

/// Tries to move the pages, and says how.
fn force(memory: &HostMemory) -> String {
    let start = memory.addr().next_multiple_of(HUGE);
    let collapsed = sys::collapse(start, LEN - HUGE);
    let compacted = fs::write("/proc/sys/vm/compact_memory", "1");
    format!("MADV_COLLAPSE: {collapsed:?}, compact_memory: {compacted:?}")
}

/// All of it as one program that runs.
fn pin<P: Pinner>(pinner: &P) -> (Pins<&P>, Vec<u64>) {
    let mut runs = Runs::new();
    let whole = extent(0, u32::try_from(LEN).unwrap());
    let pins = Pins::acquire(pinner, &[whole], &mut runs).unwrap();
    assert!(runs.fit(&[whole]));
    let pages = runs.as_slice().iter().flat_map(|run| {
        let start = run.host.get();
        (0..u64::from(run.len) / PAGE as u64).map(move |page| start + page * PAGE as u64)
    });
    (pins, pages.collect())
}

#[test]
fn frames_of_locked_pages_move_and_those_of_pinned_pages_do_not() {
    let _alone = alone();
    let what = "frames that move";
    if physical(what).is_none() {
        return;
    }
    for kind in ["private", "sealed"] {
        let memory = memory(kind);
        let pinner = LockedPinner::new(Budget::default()).unwrap();
        if let Err(error) = pinner.add(at(0), &memory, Permission::ReadWrite) {
            left_out(what, error);
            continue;
        }
        let before = frames_of(&memory);
        let how = force(&memory);
        let after = frames_of(&memory);
        let moved = before.iter().zip(&after).filter(|(old, new)| old != new);
        let moved = moved.count();
        assert!(is_intact(&memory));
        if moved == 0 {
            left_out(what, format!("no {kind} page moved by {how}"));
            continue;
        }
        // What a device would store by the old frames, the guest would not find.
        let lost = before.iter().filter(|frame| !after.contains(frame));
        assert!(lost.count() > 0, "{moved} pages moved");

        let memory = self::memory(kind);
        let pinner = UringPinner::new(Budget::default()).unwrap();
        pinner.add(at(0), &memory, Permission::ReadWrite).unwrap();
        let (_pins, pinned) = pin(&pinner);
        assert_eq!(pinned, frames_of(&memory), "{kind}: addresses are frames");
        let how = force(&memory);
        assert_eq!(pinned, frames_of(&memory), "{kind}: {how}");
        assert!(is_intact(&memory));
    }
}

/// A device that knows nothing but frames: it finds them through a mapping of its own.
struct Device {
    storage: HostMemory,
}

impl Device {
    fn store(&self, address: u64, bytes: &[u8]) {
        let frames = frames_of(&self.storage);
        let frame = address & !0xfff;
        let page = frames.iter().position(|&found| found == frame);
        let page = page.expect("the frame is the guest's");
        let offset = page * PAGE + (address & 0xfff) as usize;
        self.storage.write(offset, bytes).unwrap();
    }
}

#[test]
fn what_a_device_stores_by_frames_is_where_the_guest_reads_it() {
    let _alone = alone();
    let Some(pinner) = physical("a device that stores by frames") else {
        return;
    };
    let guest = memory("sealed");
    let device = Device {
        storage: guest.share(0, LEN).unwrap(),
    };
    // Every page of the second mapping has to be there to be found.
    for page in 0..LEN / PAGE {
        device.storage.read(page * PAGE, &mut [0]).unwrap();
    }
    pinner.add(at(0), &guest, Permission::ReadWrite).unwrap();
    let extents = [
        extent(0x1ff8, 16),
        extent(0x40_0123, 5),
        extent(LEN as u64 - 4, 4),
    ];
    let mut runs = Runs::new();
    let pins = Pins::acquire(&pinner, &extents, &mut runs).unwrap();
    force(&guest);
    for (run, byte) in runs.as_slice().iter().zip(b'a'..) {
        device.store(run.host.get(), &vec![byte; run.len as usize]);
    }
    drop(pins);
    let read = |offset, len| {
        let mut bytes = vec![0; len];
        guest.read(offset, &mut bytes).unwrap();
        bytes
    };
    let first = read(0x1ff8, 16);
    assert!(
        first == *b"aaaaaaaabbbbbbbb" || first == [b'a'; 16],
        "{first:?}"
    );
    let next = first[15] + 1;
    assert_eq!(read(0x40_0123, 5), vec![next; 5]);
    assert_eq!(read(LEN - 4, 4), vec![next + 1; 4]);
}

/// Frames are read once the pages are pinned: before that, these pages have none.
#[test]
fn pages_that_were_never_used_have_frames_once_they_are_pinned() {
    let _alone = alone();
    let Some(pinner) = physical("frames of pages that were never used") else {
        return;
    };
    let memory = HostMemory::sealed(64 * PAGE).unwrap();
    pinner.add(at(0), &memory, Permission::ReadWrite).unwrap();
    let start = runs(&pinner, 0x5008, 8).unwrap();
    assert_eq!(start[0].host.get(), frames_of(&memory)[5] + 8);
}

/// Parts of a region keep their frames when a hole is made, huge or not.
#[test]
fn a_hole_moves_nothing() {
    let _alone = alone();
    for huge in [false, true] {
        let Some(pinner) = physical("frames beside a hole") else {
            return;
        };
        let memory = HostMemory::sealed(LEN).unwrap();
        if huge && memory.prefer_huge_pages().is_err() {
            return left_out("frames beside a hole in huge pages", "there are none");
        }
        pinner.add(at(0), &memory, Permission::ReadWrite).unwrap();
        for page in 0..LEN / PAGE {
            memory.write(page * PAGE, &page.to_be_bytes()).unwrap();
        }
        let frames = frames_of(&memory);
        withdraw(&pinner, range(0x3000, 0x5000));
        withdraw(&pinner, range(0x20_0000, 0x20_1000));
        force(&memory);
        let mut found = Runs::new();
        for page in (0..LEN / PAGE).filter(|page| ![3, 4, 512].contains(page)) {
            let extent = extent((page * PAGE) as u64, 4096);
            let _pins = Pins::acquire(&pinner, &[extent], &mut found).unwrap();
            assert_eq!(found.as_slice()[0].host.get(), frames[page], "{page}");
        }
        assert_eq!(frames_of(&memory)[5..512], frames[5..512]);
        assert!(is_intact(&memory));
    }
}
