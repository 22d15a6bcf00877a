// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Pins against withdrawals on two threads: no program ever holds storage that is gone.

use std::{
    hint,
    ops::Range,
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use ccw::{GuestAddr, HostAddr};
use pinning::{
    Access, Budget, Extent, Permission, PinError, Pinner, Pins, PlainPinner, Region, RegionMap,
    Runs,
};

const PAGE: u64 = 4096;
/// Pages that are taken away in turn.
const PAGES: usize = 4;
/// Pages behind them that are never taken away. Programs use every other one, so that pinning
/// takes a while.
const MORE: usize = 400;
const ROUNDS: usize = 10_000;

fn page(index: usize) -> Range<GuestAddr> {
    let start = index as u64 * PAGE;
    GuestAddr::new(start)..GuestAddr::new(start + PAGE)
}

fn pinner() -> PlainPinner {
    let region = Region {
        guest: GuestAddr::new(0),
        len: (PAGES + MORE) as u64 * PAGE,
        host: HostAddr::new(0),
        permission: Permission::ReadWrite,
    };
    let budget = Budget {
        programs: 2,
        total_bytes: 2 * (2 + MORE as u64 / 2) * PAGE,
        ..Budget::default()
    };
    PlainPinner::new(RegionMap::new(&[region]).unwrap(), budget)
}

/// A page that programs use while it is there, and that is taken away meanwhile. Relaxed on
/// purpose: it is the ledger that must order these accesses.
#[derive(Default)]
struct Page {
    gone: AtomicBool,
    users: AtomicUsize,
}

/// Pins two of the pages and all that stay, uses the two as a device would, gives all back.
/// Returns whether it got them.
fn program(pinner: &PlainPinner, pages: &[Page; PAGES], runs: &mut Runs, round: usize) -> bool {
    let used = [round % PAGES, (round / PAGES + round) % PAGES];
    let stay = (PAGES..).step_by(2).take(MORE / 2);
    let extents: Vec<Extent> = stay
        .chain(used)
        .map(|index| Extent {
            start: page(index).start,
            len: 4096,
            access: Access::DeviceWrites,
        })
        .collect();
    let pins = match Pins::acquire(pinner, &extents, runs) {
        Ok(pins) => pins,
        Err(PinError::Busy { .. }) => return false,
        Err(error) => panic!("{error}"),
    };
    for index in used {
        pages[index].users.fetch_add(1, Ordering::Relaxed);
        assert!(!pinner.quiesced(page(index)), "page {index} is not held");
    }
    for index in used {
        let gone = pages[index].gone.load(Ordering::Relaxed);
        assert!(!gone, "page {index} is pinned, and gone");
        pages[index].users.fetch_sub(1, Ordering::Relaxed);
    }
    drop(pins);
    true
}

/// Takes one page away and gives it back.
fn withdraw(pinner: &PlainPinner, pages: &[Page; PAGES], round: usize) {
    let index = round % PAGES;
    pinner.begin_invalidate(page(index)).unwrap();
    while !pinner.quiesced(page(index)) {
        thread::yield_now();
    }
    pages[index].gone.store(true, Ordering::Relaxed);
    for _ in 0..50 {
        let users = pages[index].users.load(Ordering::Relaxed);
        assert_eq!(users, 0, "page {index} is gone, and pinned");
        hint::spin_loop();
    }
    pages[index].gone.store(false, Ordering::Relaxed);
    pinner.end_invalidate(page(index), true);
}

#[test]
fn no_program_holds_what_is_gone() {
    let pinner = pinner();
    let pages: [Page; PAGES] = Default::default();
    let together = Barrier::new(2);
    let pinned = thread::scope(|scope| {
        let programs = scope.spawn(|| {
            let mut runs = Runs::with_capacity(2);
            together.wait();
            (0..ROUNDS)
                .filter(|&round| program(&pinner, &pages, &mut runs, round))
                .count()
        });
        together.wait();
        let mut round = 0;
        while !programs.is_finished() {
            withdraw(&pinner, &pages, round);
            round += 1;
        }
        programs.join().unwrap()
    });
    assert!(pinned > 0);
    assert_eq!(pinner.ledger().in_flight(), 0);
    assert!(pinner.quiesced(page(0).start..page(PAGES - 1).end));
}

#[test]
fn two_threads_share_places_and_budget() {
    let pinner = pinner();
    let pages: [Page; PAGES] = Default::default();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut runs = Runs::with_capacity(2);
                for round in 0..ROUNDS {
                    assert!(program(&pinner, &pages, &mut runs, round));
                }
            });
        }
    });
    assert_eq!(pinner.ledger().in_flight(), 0);
}

/// Lets two threads go on together.
fn meet(arrived: &AtomicUsize, meeting: usize) {
    arrived.fetch_add(1, Ordering::SeqCst);
    let mut patience = 0..1000;
    while arrived.load(Ordering::SeqCst) < 2 * meeting {
        match patience.next() {
            Some(_) => hint::spin_loop(),
            None => thread::yield_now(),
        }
    }
}

#[test]
fn a_pin_and_a_withdrawal_never_both_miss_the_other() {
    let pinner = pinner();
    let extent = Extent {
        start: page(0).start,
        len: 4096,
        access: Access::DeviceWrites,
    };
    let arrived = AtomicUsize::new(0);
    let quiesced = AtomicBool::new(false);
    let missed = AtomicUsize::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut runs = Runs::with_capacity(1);
            for round in 0..ROUNDS {
                meet(&arrived, 3 * round + 1);
                let pins = Pins::acquire(&pinner, &[extent], &mut runs);
                meet(&arrived, 3 * round + 2);
                if pins.is_ok() && quiesced.load(Ordering::SeqCst) {
                    missed.fetch_add(1, Ordering::SeqCst);
                }
                drop(pins);
                meet(&arrived, 3 * round + 3);
            }
        });
        for round in 0..ROUNDS {
            meet(&arrived, 3 * round + 1);
            pinner.begin_invalidate(page(0)).unwrap();
            quiesced.store(pinner.quiesced(page(0)), Ordering::SeqCst);
            meet(&arrived, 3 * round + 2);
            pinner.end_invalidate(page(0), true);
            meet(&arrived, 3 * round + 3);
        }
    });
    assert_eq!(missed.into_inner(), 0, "pinned in spite of a withdrawal");
    assert_eq!(pinner.ledger().in_flight(), 0);
}
