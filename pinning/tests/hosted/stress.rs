// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs on 15 threads while a 16th takes regions away and brings others: no program ever has an
//! address that is not the guest's any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use pinning::{
    Budget, Extent, HostMemory, LockedPinner, Owner, Permission, PinError, Pinner, Pins, Runs,
    UringPinner,
};

use crate::common::*;

const THREADS: u64 = 15;
const REGIONS: usize = 4;
const PAGES: usize = 8;
/// Regions that go and come, for each pinner.
const ROUNDS: usize = 3_000;

/// What is true of a region while it is there. Relaxed on purpose: it is the pinner that must order
/// these accesses.
#[derive(Default)]
struct Place {
    /// Where its first byte is; 0 while there is none.
    host: AtomicU64,
    users: AtomicUsize,
}

fn start(region: usize) -> u64 {
    (region * PAGES * PAGE) as u64
}

fn programs<P: Pinner>(pinner: &P, seed: u64, places: &[Place], over: &AtomicBool) -> u64 {
    let (mut runs, mut state, mut pinned) = (Runs::new(), seed, 0);
    while !over.load(Ordering::Relaxed) {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(99);
        let region = (state >> 33) as usize % REGIONS;
        let offset = (state >> 40) % (PAGES as u64 - 1) * PAGE as u64 + (state >> 53);
        let extents: [Extent; 2] = [
            extent(start(region) + offset, 0x800),
            extent(start(region), 8),
        ];
        match Pins::acquire(pinner, &extents, &mut runs) {
            Ok(pins) => {
                let place = &places[region];
                place.users.fetch_add(1, Ordering::Relaxed);
                let host = place.host.load(Ordering::Relaxed);
                assert_ne!(host, 0, "region {region} is pinned, and gone");
                assert_eq!(runs.as_slice()[0].host.get(), host + offset);
                assert_eq!(runs.as_slice()[1].host.get(), host);
                place.users.fetch_sub(1, Ordering::Relaxed);
                drop(pins);
                pinned += 1;
            }
            Err(PinError::Busy { .. } | PinError::NotMapped { .. }) => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
    pinned
}

macro_rules! stress {
    ($pinner:expr, $kept:expr) => {{
        let pinner = Arc::new($pinner);
        let kept: fn() -> u64 = $kept;
        let before = kept();
        let places: [Place; REGIONS] = Default::default();
        let over = AtomicBool::new(false);
        let pinned: u64 = thread::scope(|scope| {
            let threads: Vec<_> = (1..=THREADS)
                .map(|owner| {
                    let (pinner, places, over) = (pinner.of_owner(Owner(owner)), &places, &over);
                    scope.spawn(move || programs(&pinner, owner, places, over))
                })
                .collect();
            for round in 0..ROUNDS {
                let region = round % REGIONS;
                let (place, first) = (&places[region], start(region));
                if place.host.load(Ordering::Relaxed) != 0 {
                    let whole = range(first, first + (PAGES * PAGE) as u64);
                    pinner.begin_invalidate(whole.clone()).unwrap();
                    while !pinner.quiesced(whole.clone()) {
                        thread::yield_now();
                    }
                    place.host.store(0, Ordering::Relaxed);
                    assert_eq!(place.users.load(Ordering::Relaxed), 0, "{region} is used");
                    pinner.end_invalidate(whole, false);
                }
                let memory = HostMemory::anonymous(PAGES * PAGE).unwrap();
                place.host.store(memory.addr() as u64, Ordering::Relaxed);
                pinner
                    .add(at(first), &memory, Permission::ReadWrite)
                    .unwrap();
            }
            over.store(true, Ordering::Relaxed);
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert!(pinned > 0);
        assert_eq!(pinner.ledger().in_flight(), 0);
        assert_eq!(pinner.settle(), 0);
        assert_eq!(kept() - before, (REGIONS * PAGES) as u64);
        drop(pinner);
        assert_eq!(kept(), before);
    }};
}

#[test]
fn locked_regions_under_load() {
    let _alone = alone();
    stress!(LockedPinner::new(Budget::default()).unwrap(), locked);
}

#[test]
fn pinned_regions_under_load() {
    let _alone = alone();
    if uring("pinned regions under load").is_some() {
        stress!(
            UringPinner::with_virtual_addresses(Budget::default()).unwrap(),
            pinned
        );
    }
}
