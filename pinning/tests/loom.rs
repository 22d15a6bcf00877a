// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The ledger in every order of its accesses that a machine may choose, up to a number of preemptions:
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p pinning --test loom --release`
//!
//! Storage is a cell that loom watches: a program reads it while it is entered, whoever withdraws it
//! writes it. An access that is not ordered before or behind the other fails the test.

#![cfg(loom)]

use ccw::GuestAddr;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use pinning::{Access, Budget, Extent, Ledger, Owner};

/// As many places as two programs need.
fn ledger(programs: u32) -> Ledger {
    let budget = Budget {
        programs,
        ..Budget::default()
    };
    Ledger::new(budget, 1)
}

fn range() -> std::ops::Range<GuestAddr> {
    GuestAddr::new(0x1000)..GuestAddr::new(0x2000)
}

fn extent(start: u64) -> Extent {
    Extent {
        start: GuestAddr::new(start),
        len: 8,
        access: Access::DeviceWrites,
    }
}

struct Shared {
    ledger: Ledger,
    storage: UnsafeCell<()>,
    /// What a program looks at once it is entered: 1 when the storage is gone.
    layout: AtomicUsize,
    /// The same, told in no order: nothing but the ledger keeps a program from finding it.
    gone: AtomicUsize,
}

fn check(programs: u32, test: fn(&Shared, usize), threads: usize) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        let shared = Arc::new(Shared {
            ledger: ledger(programs),
            storage: UnsafeCell::new(()),
            layout: AtomicUsize::new(0),
            gone: AtomicUsize::new(0),
        });
        let others: Vec<_> = (1..threads)
            .map(|number| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || test(&shared, number))
            })
            .collect();
        test(&shared, 0);
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(shared.ledger.in_flight(), 0);
        assert!(shared.ledger.quiesced(&range()));
    });
}

/// A program that uses the storage, if it gets it.
fn program(shared: &Shared) {
    if let Ok(program) = shared.ledger.open(&[extent(0x1000)]) {
        shared.storage.with(|_| ());
        shared.ledger.close(program);
    }
}

/// Takes the storage if it is free, and gives it back.
fn withdraw(shared: &Shared) {
    shared.ledger.begin_invalidate(&range()).unwrap();
    if shared.ledger.quiesced(&range()) {
        shared.storage.with_mut(|_| ());
    }
    shared.ledger.end_invalidate(&range(), true);
}

#[test]
fn a_program_and_a_withdrawal() {
    let test = |shared: &Shared, number| match number {
        0 => withdraw(shared),
        _ => program(shared),
    };
    check(1, test, 2);
}

/// The second one may take the place of the first, or be refused; spans of both may be read at once.
#[test]
fn two_programs_and_a_withdrawal() {
    let test = |shared: &Shared, number| match number {
        0 => withdraw(shared),
        1 => program(shared),
        _ => {
            // Elsewhere: never in the way, never mistaken for the other one.
            if let Ok(program) = shared.ledger.open(&[extent(0x3000)]) {
                shared.ledger.close(program);
            }
        }
    };
    check(1, test, 3);
}

/// The storage is gone for good when the withdrawal ends, which only the layout says.
#[test]
fn a_program_that_looks_at_the_layout_once_it_is_entered() {
    let test = |shared: &Shared, number| {
        if number == 0 {
            shared.ledger.begin_invalidate(&range()).unwrap();
            if shared.ledger.quiesced(&range()) {
                shared.layout.store(1, Ordering::Release);
                shared.storage.with_mut(|_| ());
                shared.gone.store(1, Ordering::Relaxed);
            }
            shared.ledger.end_invalidate(&range(), true);
        } else if let Ok(program) = shared.ledger.open(&[extent(0x1000)]) {
            if shared.layout.load(Ordering::Acquire) == 0 {
                shared.storage.with(|_| ());
                assert_eq!(shared.gone.load(Ordering::Relaxed), 0);
            }
            shared.ledger.close(program);
        }
    };
    check(1, test, 2);
}

/// The entry of a withdrawal that is over is used for the next one, elsewhere, while a program looks at it.
#[test]
fn an_entry_that_is_used_again_while_a_program_looks_at_it() {
    let test = |shared: &Shared, number| {
        if number == 0 {
            shared.ledger.begin_invalidate(&range()).unwrap();
            if shared.ledger.quiesced(&range()) {
                shared.layout.store(1, Ordering::Release);
                shared.storage.with_mut(|_| ());
            }
            shared.ledger.end_invalidate(&range(), true);
            let elsewhere = GuestAddr::new(0x3000)..GuestAddr::new(0x4000);
            shared.ledger.begin_invalidate(&elsewhere).unwrap();
            shared.ledger.end_invalidate(&elsewhere, true);
        } else if let Ok(program) = shared.ledger.open(&[extent(0x1000)]) {
            if shared.layout.load(Ordering::Acquire) == 0 {
                shared.storage.with(|_| ());
            }
            shared.ledger.close(program);
        }
    };
    check(1, test, 2);
}

/// Who holds a place has it alone, as whoever keeps something for each place relies upon.
#[test]
fn a_place_is_handed_on() {
    let test = |shared: &Shared, _| {
        if let Ok(program) = shared.ledger.open(&[extent(0x1000)]) {
            shared.storage.with_mut(|_| ());
            shared.ledger.close(program);
        }
    };
    check(1, test, 3);
}

/// Devices are reset at the same moment: each owner finds all of its own programs in quarantine.
#[test]
fn owners_that_release_their_quarantine_at_once() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let ledger = Arc::new(ledger(2));
        for owner in [1, 2] {
            let program = ledger.open_for(Owner(owner), &[extent(0x1000)]).unwrap();
            ledger.quarantine(program);
        }
        let other = Arc::clone(&ledger);
        let other = thread::spawn(move || other.release_quarantined_of(Owner(1)));
        assert_eq!(ledger.release_quarantined_of(Owner(2)), 1);
        assert_eq!(other.join().unwrap(), 1);
        assert_eq!(ledger.in_flight(), 0);
    });
}
