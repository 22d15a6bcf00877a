// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Regions come and go while programs run.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ccw::HostAddr;
use pinning::{
    AddError, AddrSpace, Budget, Errno, HostMemory, KeepError, KernelFaults, LockedPinner, Owner,
    Permission, PinError, Pinner, Pins, RegionError, Run, Runs, Stability, UringPinner,
};

use crate::common::*;
use crate::sys::in_a_child;

const WRITABLE: Permission = Permission::ReadWrite;

fn not_mapped(addr: u64) -> Result<Vec<Run>, PinError> {
    Err(PinError::NotMapped { at: at(addr) })
}

fn host(memory: &HostMemory, offset: usize, len: u32) -> Run {
    Run {
        host: HostAddr::new((memory.addr() + offset) as u64),
        len,
    }
}

/// The same for each kind of pinner: `$pinner` has virtual addresses, `$kept` counts kept pages.
macro_rules! each {
    ($($name:ident: $pinner:expr, $kept:expr;)*) => { $(
        mod $name {
            use super::*;

            #[test]
            fn regions_are_kept_and_found() {
                let _alone = alone();
                let open = files();
                let Some(pinner) = $pinner else { return };
                let kept: fn() -> u64 = $kept;
                let before = kept();
                let low = HostMemory::sealed(4 * PAGE).unwrap();
                let high = HostMemory::anonymous(2 * PAGE).unwrap();
                pinner.add(at(0x1_0000), &low, WRITABLE).unwrap();
                pinner.add(at(0x1_4000), &high, Permission::ReadOnly).unwrap();
                assert_eq!(kept() - before, 6);

                assert_eq!(runs(&pinner, 0x1_0ffe, 0x2001), Ok(vec![host(&low, 0xffe, 0x2001)]));
                assert_eq!(runs(&pinner, 0xffff, 1), not_mapped(0xffff));
                assert_eq!(runs(&pinner, 0x1_6000, 1), not_mapped(0x1_6000));
                let denied = PinError::Permission { at: at(0x1_4000) };
                assert_eq!(runs(&pinner, 0x1_3ff0, 0x20), Err(denied));
                drop((low, high));
                runs(&pinner, 0x1_0000, 0x4000).unwrap();
                drop(pinner);
                assert_eq!(kept(), before);
                assert_eq!(files(), open, "rings and memfds");
            }

            #[test]
            fn a_hole_in_a_region_is_no_storage_and_its_neighbours_are() {
                let _alone = alone();
                let Some(pinner) = $pinner else { return };
                let kept: fn() -> u64 = $kept;
                let before = kept();
                let memory = HostMemory::sealed(8 * PAGE).unwrap();
                pinner.add(at(0), &memory, WRITABLE).unwrap();
                for (hole, left) in [(0x2000..0x3000, 7), (0x6000..0x8000, 5), (0..0x1000, 4)] {
                    withdraw(&pinner, range(hole.start, hole.end));
                    assert_eq!(kept() - before, left, "{hole:x?}");
                    assert_eq!(runs(&pinner, hole.start, 1), not_mapped(hole.start));
                    assert_eq!(runs(&pinner, hole.end - 1, 1), not_mapped(hole.end - 1));
                }
                assert_eq!(runs(&pinner, 0x1000, 0x1000), Ok(vec![host(&memory, 0x1000, 0x1000)]));
                assert_eq!(runs(&pinner, 0x3000, 0x3000), Ok(vec![host(&memory, 0x3000, 0x3000)]));
                assert_eq!(runs(&pinner, 0x1fff, 2), not_mapped(0x2000));
                assert_eq!(runs(&pinner, 0x5fff, 2), not_mapped(0x6000));

                // A hole is filled with other storage.
                let other = HostMemory::anonymous(PAGE).unwrap();
                pinner.add(at(0x2000), &other, WRITABLE).unwrap();
                assert_eq!(runs(&pinner, 0x2010, 8), Ok(vec![host(&other, 0x10, 8)]));
                withdraw(&pinner, range(0, u64::MAX));
                assert_eq!((kept(), pinner.settle()), (before, 0));
                // What is gone leaves nothing behind: more often than there are entries, and slots.
                let open = files();
                for _ in 0..100 {
                    pinner.add(at(0), &memory, WRITABLE).unwrap();
                    withdraw(&pinner, range(0, 0x8000));
                }
                assert_eq!((kept(), files()), (before, open));
            }

            #[test]
            fn a_withdrawal_that_is_called_off_changes_nothing() {
                let _alone = alone();
                let Some(pinner) = $pinner else { return };
                let kept: fn() -> u64 = $kept;
                let before = kept();
                let memory = HostMemory::sealed(2 * PAGE).unwrap();
                pinner.add(at(0), &memory, WRITABLE).unwrap();
                pinner.begin_invalidate(range(0, 0x1000)).unwrap();
                assert_eq!(runs(&pinner, 0x800, 1), Err(PinError::Busy { at: at(0x800) }));
                pinner.end_invalidate(range(0, 0x1000), true);
                runs(&pinner, 0, 0x2000).unwrap();
                // And an end without a beginning withdraws nothing.
                pinner.end_invalidate(range(0, 0x1000), false);
                runs(&pinner, 0, 0x2000).unwrap();
                assert_eq!(kept() - before, 2);
            }

            #[test]
            fn half_a_page_is_withdrawn_by_the_byte() {
                let _alone = alone();
                let Some(pinner) = $pinner else { return };
                let kept: fn() -> u64 = $kept;
                let before = kept();
                let memory = HostMemory::sealed(4 * PAGE).unwrap();
                pinner.add(at(0), &memory, WRITABLE).unwrap();
                withdraw(&pinner, range(0x800, 0x2800));
                runs(&pinner, 0, 0x800).unwrap();
                assert_eq!(runs(&pinner, 0x7ff, 2), not_mapped(0x7ff));
                assert_eq!(runs(&pinner, 0x27ff, 1), not_mapped(0x27ff));
                runs(&pinner, 0x2800, 0x800).unwrap();
                assert_eq!(kept() - before, 3, "the page that went whole");
            }

            #[test]
            fn what_a_program_holds_is_kept_until_it_ends() {
                let _alone = alone();
                let Some(pinner) = $pinner else { return };
                let kept: fn() -> u64 = $kept;
                let before = kept();
                let memory = HostMemory::sealed(4 * PAGE).unwrap();
                pinner.add(at(0), &memory, WRITABLE).unwrap();
                let mut found = Runs::new();
                let stuck = Pins::acquire(&pinner, &[extent(0x1000, 8)], &mut found).unwrap();
                let fine = Pins::acquire(&pinner, &[extent(0x3000, 8)], &mut found).unwrap();
                stuck.quarantine();
                withdraw(&pinner, range(0x1000, 0x2000));
                assert_eq!(runs(&pinner, 0x1000, 1), not_mapped(0x1000));
                assert_eq!((kept() - before, pinner.settle()), (4, 0x1000));
                withdraw(&pinner, range(0x3000, 0x4000));
                assert_eq!((kept() - before, pinner.settle()), (4, 0x2000));
                drop(fine);
                assert_eq!((kept() - before, pinner.settle()), (4, 0x2000), "one piece");
                pinner.ledger().release_quarantined();
                assert_eq!((pinner.settle(), kept() - before), (0, 2));
            }

            #[test]
            fn programs_have_owners() {
                let _alone = alone();
                let Some(pinner) = $pinner else { return };
                let pinner = Arc::new(pinner);
                let memory = HostMemory::sealed(2 * PAGE).unwrap();
                pinner.add(at(0), &memory, WRITABLE).unwrap();
                let [first, second] = [1, 2].map(|owner| pinner.of_owner(Owner(owner)));
                let mut found = Runs::new();
                let one = Pins::acquire(&first, &[extent(0, 8)], &mut found).unwrap();
                let two = Pins::acquire(&second, &[extent(0x1000, 8)], &mut found).unwrap();
                let ledger = pinner.ledger();
                assert_eq!(ledger.users(&range(0, 0x1000)), [Owner(1)]);
                assert_eq!(ledger.users(&range(0, 0x2000)), [Owner(1), Owner(2)]);
                one.quarantine();
                two.quarantine();
                assert_eq!(ledger.release_quarantined_of(second.owner()), 1);
                assert_eq!(ledger.users(&range(0, 0x2000)), [Owner(1)]);
                assert_eq!(ledger.release_quarantined(), 1);
            }

            #[test]
            fn regions_that_make_no_map_are_refused() {
                let _alone = alone();
                let Some(pinner) = $pinner else { return };
                let kept: fn() -> u64 = $kept;
                let before = kept();
                let memory = HostMemory::sealed(2 * PAGE).unwrap();
                pinner.add(at(0x1000), &memory, WRITABLE).unwrap();
                for (guest, error) in [
                    (0x2000, RegionError::Overlap { guest: at(0x2000) }),
                    (0, RegionError::Overlap { guest: at(0x1000) }),
                    (0x800, RegionError::Misaligned { guest: at(0x800) }),
                    (u64::MAX - 0xfff, RegionError::Wraps { guest: at(u64::MAX - 0xfff) }),
                ] {
                    let refused = pinner.add(at(guest), &memory, WRITABLE);
                    assert_eq!(refused, Err(AddError::Region(error)));
                    assert_eq!(kept() - before, 2);
                }
            }
        }
    )* };
}

each! {
    locked: Some(LockedPinner::new(Budget::default()).unwrap()), locked;
    uring: virtual_uring(), pinned;
}

fn virtual_uring() -> Option<UringPinner> {
    uring("regions by io_uring")?;
    Some(UringPinner::with_virtual_addresses(Budget::default()).unwrap())
}

/// A child has a copy of the pinner and the same rings: whatever it does, its parent's pages stay.
#[test]
fn a_child_lets_no_page_of_its_parent_go() {
    let _alone = alone();
    let Some(pinner) = virtual_uring() else {
        return;
    };
    let before = pinned();
    let (low, high) = (HostMemory::sealed(4 * PAGE), HostMemory::sealed(4 * PAGE));
    let (low, high) = (low.unwrap(), high.unwrap());
    pinner.add(at(0), &low, WRITABLE).unwrap();
    pinner.add(at(0x8000), &high, WRITABLE).unwrap();
    // A page that went while a program held it, which is over: the next to look lets it go.
    let program = pinner.pin(&[extent(0x9000, 8)], &mut Runs::new()).unwrap();
    withdraw(&pinner, range(0x9000, 0xa000));
    pinner.unpin(program);
    assert_eq!(pinned() - before, 8);
    let mut pinner = Some(pinner);
    let well = in_a_child(|| {
        let Some(pinner) = pinner.take() else {
            return false;
        };
        let added = pinner.add(at(0x2_0000), &low, WRITABLE);
        let error = KeepError::Child;
        let refused = Err(AddError::Keep {
            at: at(0x2_0000),
            error,
        });
        pinner.settle();
        withdraw(&pinner, range(0, 0x4000));
        drop(pinner);
        added == refused
    });
    assert!(well);
    assert!(pinner.is_some(), "the child had a copy");
    assert_eq!(pinned() - before, 8);
    assert_eq!(pinner.as_ref().map(|pinner| pinner.settle()), Some(0));
    assert_eq!(pinned() - before, 7);
    drop(pinner);
    assert_eq!(pinned(), before);
}

#[test]
fn what_each_promises() {
    let _alone = alone();
    let locked = LockedPinner::new(Budget::default()).unwrap();
    let sealed = HostMemory::sealed(PAGE).unwrap();
    let anonymous = HostMemory::anonymous(PAGE).unwrap();
    locked.add(at(0), &sealed, WRITABLE).unwrap();
    let caps = locked.caps();
    assert_eq!(caps.space, AddrSpace::Virtual);
    assert_eq!(caps.stability, Stability::TranslationOnly);
    assert!(!caps.fit_for_dma() && caps.read_only_pins);

    let Some(pinner) = virtual_uring() else {
        return;
    };
    assert_eq!(pinner.caps().stability, Stability::Pinned, "of nothing");
    pinner.add(at(0), &sealed, WRITABLE).unwrap();
    let caps = pinner.caps();
    assert_eq!(caps.space, AddrSpace::Virtual);
    assert_eq!(caps.stability, Stability::PinnedAndSealed);
    assert!(!caps.fit_for_dma(), "no device knows virtual addresses");
    assert!(!caps.read_only_pins);
    pinner.add(at(0x1000), &anonymous, WRITABLE).unwrap();
    assert_eq!(pinner.caps().stability, Stability::Pinned);
    withdraw(&pinner, range(0x1000, 0x2000));
    assert_eq!(pinner.caps().stability, Stability::PinnedAndSealed);
}

/// Locks do not add up, so one pinner could undo those of another.
#[test]
fn two_pinners_may_lock_the_same_pages() {
    let _alone = alone();
    let before = locked();
    let [one, other] = [(), ()].map(|()| LockedPinner::new(Budget::default()).unwrap());
    let memory = HostMemory::anonymous(4 * PAGE).unwrap();
    one.add(at(0), &memory, WRITABLE).unwrap();
    other.add(at(0), &memory, WRITABLE).unwrap();
    other.add(at(0x4000), &memory, WRITABLE).unwrap();
    assert_eq!(locked() - before, 4);
    withdraw(&other, range(0, 0x4000));
    withdraw(&one, range(0, 0x2000));
    assert_eq!(locked() - before, 4);
    withdraw(&other, range(0x4000, 0x5000));
    assert_eq!(locked() - before, 3);
    drop(other);
    assert_eq!(locked() - before, 2);
    drop(one);
    assert_eq!(locked(), before);
}

/// More than a slot holds, and the second piece fails: the first one goes back.
#[test]
fn a_large_region_is_all_or_nothing() {
    let _alone = alone();
    let Some(pinner) = physical("a region of two slots") else {
        return;
    };
    drop(pinner);
    let faults = KernelFaults::new();
    let pinner = UringPinner::with_faults(Budget::default(), &faults).unwrap();
    let before = pinned();
    let memory = HostMemory::anonymous((1 << 30) + 2 * PAGE).unwrap();
    if memory.prefer_huge_pages().is_err() {
        return left_out("a region of two slots", "no huge pages");
    }
    // The slot, and its frames in one reading.
    faults.fail(2, Errno::ENOMEM);
    let failed = pinner.add(at(0), &memory, WRITABLE).unwrap_err();
    let AddError::Keep { at: place, error } = failed else {
        panic!("{failed}");
    };
    assert_eq!(place, at(1 << 30));
    assert!(matches!(
        error,
        KeepError::Kernel {
            errno: Errno::ENOMEM,
            ..
        } | KeepError::MemoryLock { .. }
    ));
    assert_eq!(pinned(), before);
    assert_eq!(runs(&pinner, 0, 1), not_mapped(0));

    if let Err(error) = pinner.add(at(0), &memory, WRITABLE) {
        return left_out("a region of two slots", error);
    }
    assert_eq!(pinned() - before, (1 << 18) + 2);
    let end = (1 << 30) - 0x10;
    let found: u32 = runs(&pinner, end, 0x20)
        .unwrap()
        .iter()
        .map(|run| run.len)
        .sum();
    assert_eq!(found, 0x20);
    drop(pinner);
    assert_eq!(pinned(), before);
}

/// Memory that is too fragmented for one table gets more of them.
#[test]
fn more_regions_than_a_table_has_slots() {
    let _alone = alone();
    let Some(pinner) = virtual_uring() else {
        return;
    };
    let before = pinned();
    let memory = HostMemory::sealed(400 * PAGE).unwrap();
    pinner.add(at(0), &memory, WRITABLE).unwrap();
    for page in (1..300).step_by(2) {
        let start = page * PAGE as u64;
        withdraw(&pinner, range(start, start + PAGE as u64));
    }
    assert_eq!((pinned() - before, pinner.settle()), (250, 0));
    runs(&pinner, 0x2000, 0x1000).unwrap();
    drop(pinner);
    assert_eq!(pinned(), before);
}

#[test]
fn a_pinner_that_goes_before_its_programs_keeps_their_pages() {
    let _alone = alone();
    let Some(pinner) = virtual_uring() else {
        return;
    };
    let before = pinned();
    let [held, free] = [(), ()].map(|()| HostMemory::sealed(3 * PAGE).unwrap());
    pinner.add(at(0), &held, WRITABLE).unwrap();
    pinner.add(at(0x3000), &free, WRITABLE).unwrap();
    let mut found = Runs::new();
    let pins = Pins::acquire(&pinner, &[extent(0x1000, 1)], &mut found).unwrap();
    pins.quarantine();
    drop((pinner, held, free));
    // Closing a ring would let them go some time later.
    thread::sleep(Duration::from_millis(200));
    assert_eq!(pinned() - before, 3, "for ever");
}
