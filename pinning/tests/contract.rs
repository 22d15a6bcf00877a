// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What every user of a pinner relies on, shown with the plain one.

use std::{ops::Range, sync::Arc};

use ccw::{GuestAddr, HostAddr};
use pinning::{
    Access, AddrSpace, Budget, Caps, Extent, Fault, FaultyPinner, Limit, Permission, PinError,
    Pinner, Pins, PlainPinner, Region, RegionMap, Run, Runs, Stability,
};

/// Guest [0x1_0000, 0x3_0000) in two regions that follow each other on the host as well,
/// [0x3_0000, 0x4_0000) elsewhere on the host, a hole, and a read-only region at 0x8_0000.
fn plain() -> PlainPinner {
    let region = |guest, len, host, permission| Region {
        guest: GuestAddr::new(guest),
        len,
        host: HostAddr::new(host),
        permission,
    };
    let regions = RegionMap::new(&[
        region(0x1_0000, 0x8000, 0x70_0000, Permission::ReadWrite),
        region(0x1_8000, 0x1_8000, 0x70_8000, Permission::ReadWrite),
        region(0x3_0000, 0x1_0000, 0x20_0000, Permission::ReadWrite),
        region(0x8_0000, 0x1000, 0x30_0000, Permission::ReadOnly),
    ]);
    let budget = Budget {
        bytes: u64::MAX,
        ..Budget::default()
    };
    PlainPinner::new(regions.unwrap(), budget)
}

fn extent(start: u64, len: u32, access: Access) -> Extent {
    Extent {
        start: GuestAddr::new(start),
        len,
        access,
    }
}

fn reads(start: u64, len: u32) -> Extent {
    extent(start, len, Access::DeviceReads)
}

fn run(host: u64, len: u32) -> Run {
    Run {
        host: HostAddr::new(host),
        len,
    }
}

fn range(start: u64, end: u64) -> Range<GuestAddr> {
    GuestAddr::new(start)..GuestAddr::new(end)
}

fn pin_error(pinner: &PlainPinner, extents: &[Extent]) -> PinError {
    let mut runs = Runs::new();
    runs.push(HostAddr::new(1), 1, false);
    let error = Pins::acquire(pinner, extents, &mut runs).unwrap_err();
    assert!(runs.as_slice().is_empty(), "{error}");
    assert_eq!(pinner.ledger().in_flight(), 0, "{error}");
    error
}

#[test]
fn contiguous_pages_are_one_run() {
    let pinner = plain();
    let mut runs = Runs::new();
    // 17 pages, from the first region into the second.
    let _pins = Pins::acquire(&pinner, &[reads(0x1_0fff, 65535)], &mut runs).unwrap();
    assert_eq!(runs.as_slice(), [run(0x70_0fff, 65535)]);
}

#[test]
fn runs_follow_the_extents_and_never_cross_them() {
    let pinner = plain();
    let mut runs = Runs::new();
    runs.push(HostAddr::new(1), 1, false); // of an earlier program
    let extents = [
        reads(0x2_f000, 0x2000), // into a region that lies elsewhere
        reads(0x1_7fff, 2),      // into one that follows on the host
        reads(0x1_1000, 0x1000),
        reads(0x1_2000, 0x1000), // follows, but is another extent
        extent(0x8_0ffe, 2, Access::DeviceReads),
    ];
    let pins = Pins::acquire(&pinner, &extents, &mut runs).unwrap();
    let expected = [
        run(0x71_f000, 0x1000),
        run(0x20_0000, 0x1000),
        run(0x70_7fff, 2),
        run(0x70_1000, 0x1000),
        run(0x70_2000, 0x1000),
        run(0x30_0ffe, 2),
    ];
    assert_eq!(runs.as_slice(), expected);
    drop(pins);
    assert_eq!(pinner.ledger().in_flight(), 0);
}

/// What `pinner` answers has the promised form, wherever extents begin and end.
fn answers_fit(pinner: &impl Pinner) {
    let ends: [u32; 12] = [
        0x1_0000, 0x1_0001, 0x1_07ff, 0x1_0fff, 0x1_1000, 0x1_7ffd, 0x1_8000, 0x2_ffff, 0x3_0000,
        0x3_0800, 0x3_ffff, 0x4_0000,
    ];
    let mut runs = Runs::new();
    for start in ends {
        for end in ends.into_iter().filter(|&end| end > start) {
            let extents = [
                reads(start.into(), end - start),
                reads(start.into(), 1),
                extent((end - 1).into(), 1, Access::DeviceWrites),
            ];
            let pins = Pins::acquire(pinner, &extents, &mut runs);
            assert!(
                pins.is_ok() && runs.fit(&extents),
                "{extents:x?}: {runs:x?}"
            );
        }
    }
}

#[test]
fn every_answer_has_the_promised_form() {
    answers_fit(&plain());
    answers_fit(&Arc::new(plain()));
    answers_fit(&FaultyPinner::new(plain(), Fault::Never));
}

#[test]
fn what_cannot_be_pinned_is_named() {
    let pinner = plain();
    let good = reads(0x1_0000, 0x1000);
    let not_mapped = |at| PinError::NotMapped {
        at: GuestAddr::new(at),
    };
    let permission = |at| PinError::Permission {
        at: GuestAddr::new(at),
    };
    let writes = |start, len| extent(start, len, Access::DeviceWrites);
    for (bad, error) in [
        (reads(0xffff, 1), not_mapped(0xffff)),
        (reads(0xffff, 2), not_mapped(0xffff)),
        (reads(0x3_ffff, 2), not_mapped(0x4_0000)),
        (reads(0x1_0000, u32::MAX), not_mapped(0x4_0000)),
        (reads(u64::MAX, u32::MAX), not_mapped(u64::MAX)),
        (reads(0x8_1000, 1), not_mapped(0x8_1000)),
        (writes(0x8_0010, 1), permission(0x8_0010)),
        (writes(0x3_f000, 0x4_1010), not_mapped(0x4_0000)),
        (reads(0x1_0000, 0), PinError::BadExtent { index: 1 }),
    ] {
        assert_eq!(pin_error(&pinner, &[good, bad, good]), error);
    }
}

#[test]
fn read_only_storage_can_be_fetched_but_not_stored_into() {
    let region = |guest, permission| Region {
        guest: GuestAddr::new(guest),
        len: 0x1000,
        host: HostAddr::new(guest),
        permission,
    };
    let regions = [
        region(0, Permission::ReadWrite),
        region(0x1000, Permission::ReadOnly),
    ];
    let pinner = PlainPinner::new(RegionMap::new(&regions).unwrap(), Budget::default());
    let mut runs = Runs::new();
    let fetched = Pins::acquire(&pinner, &[reads(0xff0, 0x20)], &mut runs).unwrap();
    assert_eq!(runs.as_slice(), [run(0xff0, 0x20)]);
    drop(fetched);
    let stored = extent(0xff0, 0x20, Access::DeviceWrites);
    let at = GuestAddr::new(0x1000);
    assert_eq!(pin_error(&pinner, &[stored]), PinError::Permission { at });
}

#[test]
fn budgets_are_named() {
    let regions = plain().regions().clone();
    let budget = Budget {
        programs: 2,
        extents: 3,
        bytes: 0x2000,
        total_extents: 5,
        total_bytes: 0x3000,
    };
    let pinner = PlainPinner::new(regions, budget);
    let page = reads(0x1_0000, 0x1000);
    let byte = reads(0x1_0000, 1);
    let limit = PinError::Limit;
    assert_eq!(pin_error(&pinner, &[byte; 4]), limit(Limit::Extents));
    assert_eq!(pin_error(&pinner, &[page, page, byte]), limit(Limit::Bytes));
    let mut runs = Runs::new();
    let first = Pins::acquire(&pinner, &[page, page], &mut runs).unwrap();
    for (extents, error) in [
        (&[page, byte][..], Some(Limit::TotalBytes)),
        (&[page], None),
        (&[byte; 3], None),
    ] {
        let second = Pins::acquire(&pinner, extents, &mut runs);
        assert_eq!(second.as_ref().err().copied(), error.map(limit));
        if second.is_ok() {
            let third = Pins::acquire(&pinner, &[], &mut runs);
            assert_eq!(third.unwrap_err(), limit(Limit::Programs));
        }
    }
    drop(first);
    assert_eq!(pinner.ledger().in_flight(), 0);
}

#[test]
fn storage_leaves_in_two_steps() {
    let pinner = Arc::new(plain());
    let mut runs = Runs::new();
    let inside = reads(0x1_1000, 0x1000);
    let beside = reads(0x1_2000, 0x1000);
    let leaving = || range(0x1_1000, 0x1_2000);
    let at = inside.start;

    let first = Pins::acquire(pinner.clone(), &[inside], &mut runs).unwrap();
    let second = Pins::acquire(pinner.clone(), &[beside, inside], &mut runs).unwrap();
    pinner.begin_invalidate(leaving()).unwrap();
    let refused = Pins::acquire(pinner.clone(), &[beside, inside], &mut runs);
    assert_eq!(refused.unwrap_err(), PinError::Busy { at });
    assert!(runs.as_slice().is_empty());
    let third = Pins::acquire(pinner.clone(), &[beside], &mut runs).unwrap();

    assert!(!pinner.quiesced(leaving()));
    drop(first);
    assert!(!pinner.quiesced(leaving()));
    drop(second);
    assert!(pinner.quiesced(leaving()));
    assert!(!pinner.quiesced(range(0x1_1000, 0x1_2001)));

    pinner.end_invalidate(leaving(), false);
    let refused = Pins::acquire(pinner.clone(), &[inside], &mut runs);
    assert_eq!(refused.unwrap_err(), PinError::NotMapped { at });
    pinner.begin_invalidate(leaving()).unwrap();
    pinner.end_invalidate(leaving(), true);
    assert!(Pins::acquire(pinner.clone(), &[inside], &mut runs).is_ok());
    drop(third);
    assert!(pinner.quiesced(range(0, u64::MAX)));
}

#[test]
fn quarantine_outlives_its_pins() {
    let pinner = FaultyPinner::new(plain(), Fault::Never);
    let pins = Pins::acquire(&pinner, &[reads(0x1_0000, 8)], &mut Runs::new()).unwrap();
    pins.quarantine();
    assert_eq!((pinner.live(), pinner.quarantined()), (0, 1));
    assert_eq!(pinner.inner().ledger().quarantined(), 1);
    assert!(!pinner.quiesced(range(0x1_0007, 0x1_0008)));
    assert_eq!(pinner.inner().ledger().release_quarantined(), 1);
    assert!(pinner.quiesced(range(0, u64::MAX)));
}

#[test]
fn a_fault_at_any_extent_leaves_nothing() {
    let extents: Vec<Extent> = (0..17)
        .map(|page| reads(0x1_0000 + page * 0x2000, 0x1000))
        .collect();
    for (index, failing) in extents.iter().enumerate() {
        let at = failing.start;
        let error = PinError::Permission {
            at: GuestAddr::new(0),
        };
        let pinner = FaultyPinner::new(plain(), Fault::Extent(index, error));
        let mut runs = Runs::new();
        runs.push(HostAddr::new(1), 1, false);
        let result = Pins::acquire(&pinner, &extents, &mut runs);
        assert_eq!(result.unwrap_err(), PinError::Permission { at });
        assert!(runs.as_slice().is_empty());
        assert_eq!((pinner.live(), pinner.calls()), (0, 1));
        assert!(pinner.quiesced(range(0, u64::MAX)));
        // Programs that end before that extent are not disturbed.
        let shorter = Pins::acquire(&pinner, &extents[..index], &mut runs).unwrap();
        assert_eq!((runs.as_slice().len(), pinner.live()), (index, 1));
        drop(shorter);
    }
}

#[test]
fn an_extent_without_storage_leaves_nothing() {
    for index in 0..17 {
        let pinner = plain();
        let mut extents = [reads(0x1_0000, 0x1000); 17];
        let at = GuestAddr::new(0x5_0000);
        extents[index].start = at;
        assert_eq!(pin_error(&pinner, &extents), PinError::NotMapped { at });
    }
}

#[test]
fn faults_come_when_told() {
    let error = PinError::Backend(12);
    let outcomes = |fault| {
        let pinner = FaultyPinner::new(plain(), fault);
        let pin = || Pins::acquire(&pinner, &[reads(0x1_0000, 1)], &mut Runs::new()).is_ok();
        [pin(), pin(), pin(), pin(), pin()]
    };
    assert_eq!(outcomes(Fault::Never), [true; 5]);
    assert_eq!(outcomes(Fault::Always(error)), [false; 5]);
    let second = [true, false, true, true, true];
    assert_eq!(outcomes(Fault::Call(1, error)), second);
    let even = [false, true, false, true, false];
    assert_eq!(outcomes(Fault::Every(2, error)), even);
    assert_eq!(outcomes(Fault::Every(0, error)), [true; 5]);
    let mut pinner = FaultyPinner::new(plain(), Fault::Always(error));
    pinner.set_fault(Fault::Never);
    assert!(Pins::acquire(&pinner, &[], &mut Runs::new()).is_ok());
}

#[test]
fn a_plain_pinner_is_not_fit_for_dma() {
    let caps = Pinner::caps(&&plain());
    assert_eq!(caps.space, AddrSpace::Virtual);
    assert_eq!(caps.max_pins.map(u32::from), Some(64));
    assert!(!caps.fit_for_dma());
    for (stability, keeps) in [
        (Stability::PinnedAndSealed, true),
        (Stability::Pinned, true),
        (Stability::KernelPins, true),
        (Stability::TranslationOnly, false),
    ] {
        for (space, leads) in [
            (AddrSpace::HostPhys, true),
            (AddrSpace::Iova, true),
            (AddrSpace::Virtual, false),
        ] {
            let caps = Caps {
                stability,
                space,
                ..caps
            };
            assert_eq!(caps.fit_for_dma(), keeps && leads, "{caps:?}");
        }
    }
}
