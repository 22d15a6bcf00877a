// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A subchannel in its steady state allocates nothing, whatever becomes of its programs.

#[path = "../../tests/requests.rs"]
mod requests;

use ccw::{GuestAddr, HostAddr, Irb, RawIrb, RawOrb};
use pinning::{Budget, Permission, PlainPinner, Region, RegionMap};
use requests::requests;
use translator::{
    Area, Buffers, Guards, GuestStorage, HostProfile, Planned, Policy, Slot, fetch, validate,
};

/// Guest storage from address 0 on; data lies behind it, where nobody looks.
struct Ram(Vec<u8>);

impl GuestStorage for Ram {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        let from = usize::try_from(at.get()).unwrap_or(usize::MAX);
        let bytes = self.0.get(from..).unwrap_or(&[]);
        for (to, from) in buf.iter_mut().zip(bytes) {
            *to = *from;
        }
        buf.len().min(bytes.len())
    }
}

const DATA: u64 = 0x10_0000;

impl Ram {
    fn new() -> Self {
        Self(vec![0; 0x4_0000])
    }

    fn set(&mut self, at: u64, word: u64) {
        let at = usize::try_from(at).unwrap();
        self.0[at..at + 8].copy_from_slice(&word.to_be_bytes());
    }

    /// `ccws` reads of `pages` pages each from address 0 on, chained by command chaining; with
    /// `idal` by lists from 0x8000 on, of scattered pages.
    fn reads(mut self, ccws: u64, pages: u64, idal: bool) -> Self {
        for n in 0..ccws {
            let chain = if n + 1 < ccws { 0x40 } else { 0 };
            let (flags, addr) = if idal {
                (chain | 0x04, 0x8000 + n * pages * 8)
            } else {
                (chain, DATA + n * 0x2000)
            };
            self.set(
                n * 8,
                0x86 << 56 | flags << 48 | (pages * 4096) << 32 | addr,
            );
            for page in 0..if idal { pages } else { 0 } {
                self.set(addr + page * 8, DATA + (n * pages + page) * 0x2000);
            }
        }
        self
    }

    fn with(mut self, at: u64, word: u64) -> Self {
        self.set(at, word);
        self
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Run,
    Ended,
    Rejected,
}

struct Host {
    pinner: PlainPinner,
    ccws: Vec<u8>,
    lists: Vec<u8>,
}

impl Host {
    fn new() -> Self {
        let region = Region {
            guest: GuestAddr::new(0),
            len: 0x1000_0000,
            host: HostAddr::new(0x1_0000_0000),
            permission: Permission::ReadWrite,
        };
        Self {
            pinner: PlainPinner::new(RegionMap::new(&[region]).unwrap(), Budget::default()),
            ccws: vec![0; 0x2000],
            lists: vec![0; 0x1_0000],
        }
    }

    /// One start, and its end.
    fn start(
        &mut self,
        orb: &RawOrb,
        ram: &Ram,
        profile: &HostProfile,
        work: Box<Buffers>,
    ) -> (Fate, Box<Buffers>) {
        let guards = Guards::default();
        let snapshot = fetch(orb, ram, &Policy::MEDIATE, &guards, work);
        let plan = match validate(snapshot, self.pinner.regions(), &guards).plan(profile) {
            Ok(Planned::Run(plan)) => plan,
            Ok(Planned::Ended(ended)) => return (Fate::Ended, ended.into_buffers()),
            Ok(Planned::Arrived(arrived)) => return (Fate::Ended, arrived.go_on().1),
            Err(rejected) => return (Fate::Rejected, rejected.into_buffers()),
        };
        let slot = Slot::new(
            Area::new(HostAddr::new(0x10_0000), &mut self.ccws).unwrap(),
            Area::new(HostAddr::new(0x20_0000), &mut self.lists).unwrap(),
            HostAddr::new(0x40_0000),
        );
        let translated = plan
            .pin(&self.pinner)
            .and_then(|pinned| pinned.emit(slot.unwrap()));
        match translated {
            Ok(translated) => {
                let mut running = translated.start();
                // As if it had ended behind its first CCW, and as if nobody knew.
                let mut irb = RawIrb([0; 64]);
                irb.0[..8].copy_from_slice(&[0, 0xc0, 0x40, 7, 0, 0x10, 0, 8]);
                let dirty = running.dirty(&Irb::decode(&irb)).count();
                assert!(running.dirty_at_most().count() >= dirty);
                (Fate::Run, running.end())
            }
            Err(rejected) => (Fate::Rejected, rejected.into_buffers()),
        }
    }
}

#[test]
fn the_steady_state_allocates_nothing() {
    const FORMAT1: u32 = 0x00c2_8000;
    let orb = |word1| RawOrb::from_words([0, word1, 0]);
    let programs = [
        (
            "1x4k-direct",
            Ram::new().reads(1, 1, false),
            FORMAT1,
            Fate::Run,
        ),
        (
            "14-dasd-idal",
            Ram::new().reads(14, 1, true),
            FORMAT1,
            Fate::Run,
        ),
        (
            "64x60k-idal",
            Ram::new().reads(64, 15, true),
            FORMAT1,
            Fate::Run,
        ),
        (
            "256-direct",
            Ram::new().reads(256, 1, false),
            FORMAT1,
            Fate::Run,
        ),
        (
            "a bad third IDAW of the second CCW",
            Ram::new()
                .reads(4, 15, true)
                .with(0x8000 + 17 * 8, DATA + 1),
            FORMAT1,
            Fate::Run,
        ),
        (
            "a search that may skip, a TIC back to it, and a code that is none",
            Ram::new()
                .with(0, 0x3140_0005_0010_0000)
                .with(8, 0x0800_0000_0000_0000)
                .with(16, 0x0640_1000_0011_0000)
                .with(24, 0x0000_0001_0000_0000),
            FORMAT1,
            Fate::Run,
        ),
        ("no command", Ram::new(), FORMAT1, Fate::Ended),
        (
            "no prefetch",
            Ram::new().reads(1, 1, false),
            0x0082_8000,
            Fate::Rejected,
        ),
        (
            "a reserved bit",
            Ram::new().reads(1, 1, false),
            0x00c2_8002,
            Fate::Rejected,
        ),
        (
            "data that the host does not have",
            Ram::new().with(0, 0x0200_1000_7000_0000),
            FORMAT1,
            Fate::Run,
        ),
    ];
    let mut host = Host::new();
    let mut work = Buffers::new();
    for round in 0..4 {
        for profile in HostProfile::ALL {
            for (name, ram, word1, expected) in &programs {
                let before = requests();
                let (fate, back) = host.start(&orb(*word1), ram, profile, work);
                work = back;
                let made = requests() - before;
                let first_byte = name.starts_with("data") && profile.name == "vfio-ccw";
                let expected = if first_byte { &Fate::Ended } else { expected };
                assert_eq!(&fate, expected, "{name} on {}", profile.name);
                assert!(round < 2 || made == 0, "{name} on {}: {made}", profile.name);
            }
        }
    }
    assert!(requests() > 0, "the counter counts");
}
