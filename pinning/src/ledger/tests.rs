// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

use super::*;
use crate::Access;

pub(super) const BUDGET: Budget = Budget {
    programs: 3,
    extents: 8,
    bytes: 0x8000,
    total_extents: u64::MAX,
    total_bytes: 0x1_0000,
};

pub(super) fn extents(list: &[(u64, u32)]) -> Vec<Extent> {
    let extent = |&(start, len)| Extent {
        start: GuestAddr::new(start),
        len,
        access: Access::DeviceReads,
    };
    list.iter().map(extent).collect()
}

pub(super) fn quiesced(ledger: &Ledger, start: u64, end: u64) -> bool {
    ledger.quiesced(&(GuestAddr::new(start)..GuestAddr::new(end)))
}

#[test]
fn only_what_a_program_uses_is_in_use() {
    let ledger = Ledger::new(BUDGET, 8);
    let list = [(0x1000, 0x10), (0x3000, 0x1000), (0x4000, 1), (0x3000, 4)];
    let program = ledger.open(&extents(&list)).unwrap();
    assert_eq!(ledger.in_flight(), 1);
    for (start, end, expected) in [
        (0, 0x1000, true),
        (0, 0x1001, false),
        (0x100f, 0x1010, false),
        (0x1010, 0x3000, true),
        (0x3fff, 0x4000, false),
        (0x4000, 0x4001, false),
        (0x4001, u64::MAX, true),
    ] {
        assert_eq!(quiesced(&ledger, start, end), expected, "{start:#x}");
    }
    ledger.close(program);
    assert!(quiesced(&ledger, 0, u64::MAX));
    assert_eq!(ledger.in_flight(), 0);
}

#[test]
fn too_many_spans_are_widened_and_never_forgotten() {
    let ledger = Ledger::new(BUDGET, 2);
    let list = [(0x9000, 1), (0x5000, 1), (0x2000, 1), (0x7000, 0x1000)];
    let program = ledger.open(&extents(&list)).unwrap();
    for (start, end, expected) in [
        (0, 0x2000, true),
        (0x2000, 0x2001, false),
        (0x3000, 0x3001, false), // nobody uses it: the second span covers the rest
        (0x7fff, 0x8000, false),
        (0x8000, 0x9000, true),
        (0x9000, 0x9001, false),
    ] {
        assert_eq!(quiesced(&ledger, start, end), expected, "{start:#x}");
    }
    ledger.close(program);
    // The next user of the place does not inherit them.
    let next = ledger.open(&extents(&[(0, 1)])).unwrap();
    assert!(quiesced(&ledger, 1, u64::MAX));
    ledger.close(next);
    let nothing = ledger.open(&[]).unwrap();
    assert!(quiesced(&ledger, 0, u64::MAX));
    ledger.close(nothing);
}

#[test]
fn a_span_for_each_extent_is_enough() {
    let ledger = Ledger::new(BUDGET, 3);
    let program = ledger.open(&extents(&[(0x1000, 1), (0x3000, 1), (0x5000, 1)]));
    for hole in [0, 0x1001, 0x3001] {
        assert!(quiesced(&ledger, hole, hole + 0xfff), "{hole:#x}");
    }
    ledger.close(program.unwrap());
}

#[test]
fn a_pin_that_is_being_made_counts_as_using_everything() {
    let ledger = Ledger::new(BUDGET, 8);
    assert!(ledger.places[1].take());
    assert!(!ledger.places[1].take());
    assert!(!quiesced(&ledger, 0x1000, 0x1001));
    assert_eq!(ledger.in_flight(), 1);
}

#[test]
fn places_are_counted_and_used_again() {
    let ledger = Ledger::new(BUDGET, 1);
    let full = PinError::Limit(Limit::Programs);
    for closed_first in [0, 1, 2] {
        let mut programs: Vec<_> = (0..3).map(|_| ledger.open(&[]).unwrap()).collect();
        assert_eq!(ledger.open(&[]).unwrap_err(), full);
        ledger.close(programs.remove(closed_first));
        programs.push(ledger.open(&[]).unwrap());
        assert_eq!(ledger.open(&[]).unwrap_err(), full);
        programs
            .into_iter()
            .for_each(|program| ledger.close(program));
        assert_eq!(ledger.in_flight(), 0);
    }
}

#[test]
fn a_refused_program_leaves_no_trace() {
    let ledger = Ledger::new(BUDGET, 8);
    let page = GuestAddr::new(0x1000)..GuestAddr::new(0x2000);
    ledger.begin_invalidate(&page).unwrap();
    assert!(ledger.withdrawals().eq([page]));
    for (list, error) in [
        (&[(0, 1); 9][..], PinError::Limit(Limit::Extents)),
        (&[(0x2000, 0x8001)], PinError::Limit(Limit::Bytes)),
        (
            &[(0, 0x1000), (0x1fff, 1)],
            PinError::Busy {
                at: GuestAddr::new(0x1fff),
            },
        ),
    ] {
        for _ in 0..4 {
            assert_eq!(ledger.open(&extents(list)).unwrap_err(), error);
            assert_eq!(ledger.in_flight(), 0);
        }
    }
    assert!(quiesced(&ledger, 0, u64::MAX));
}

#[test]
fn a_program_of_another_ledger_is_left_alone() {
    let [own, other] = [(); 2].map(|()| Ledger::new(BUDGET, 8));
    let list = extents(&[(0x1000, 1)]);
    let first = own.open(&list).unwrap();
    other.close(other.open(&list).unwrap());
    let foreign = other.open(&list).unwrap();
    own.close(foreign);
    own.quarantine(other.open(&list).unwrap());
    assert_eq!((own.in_flight(), own.quarantined()), (1, 0));
    assert_eq!((other.in_flight(), other.quarantined()), (2, 0));
    own.close(first);
    assert_eq!(own.in_flight(), 0);
}
