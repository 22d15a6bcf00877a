// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The guest's storage in a stress, which comes and goes.
//!
//! What no device may store into is full of [`CANARY`]: a region that is unmapped, a page that was
//! discarded. It is looked at before the guest has it back.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ccw::GuestAddr;
use vfio_ccw::HostMemory;
use vfio_ccw::mediator::{
    Discard, GuestRegion, Left, ShadowWindow, Unmap, UnmapPolicy, WindowError, Withdrawal,
};

use super::counts::{Counts, Kind};
use super::random::Random;

/// Regions for data. The last two are the same memory.
pub(super) const REGIONS: usize = 8;
/// A page for each subchannel.
pub(super) const LEN: u64 = 0x1_0000;
const PAGE: u64 = 0x1000;
/// As much of each page as programs use.
const USED: usize = 0x100;
const CANARY: [u8; USED] = [0xa5; USED];

/// How often it is looked whether a withdrawal can go on before it halts what is in its way, and
/// before it is given up.
const PATIENCE: u32 = 16;
const HOPE: u32 = 200;

/// First address of a region.
pub(super) fn start(region: usize) -> u64 {
    (region as u64 + 1) * 0x10_0000
}

/// All regions.
pub(super) struct Regions {
    window: ShadowWindow,
    all: Vec<Region>,
    /// How many withdrawals have begun, or have become stricter.
    begun: AtomicU64,
}

struct Region {
    memory: HostMemory,
    /// How often it was taken away or discarded from.
    changes: AtomicU64,
    slot: Mutex<Slot>,
}

#[derive(Debug)]
struct Slot {
    state: State,
    tries: u32,
}

#[derive(Debug)]
enum State {
    Mapped,
    Unmapping(Unmap),
    Unmapped,
    Discarding(Discard),
    Gone(Range<GuestAddr>),
}

impl State {
    fn withdrawal(&self) -> Option<&Withdrawal> {
        match self {
            Self::Unmapping(unmap) => Some(unmap),
            Self::Discarding(discard) => Some(discard),
            Self::Mapped | Self::Unmapped | Self::Gone(_) => None,
        }
    }
}

impl Region {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fill(&self, bytes: Range<u64>) {
        for at in offsets(bytes) {
            self.memory.write(at, &CANARY).expect("in the region");
        }
    }

    fn check(&self, bytes: Range<u64>) {
        for at in offsets(bytes) {
            let mut found = [0; USED];
            self.memory.read(at, &mut found).expect("in the region");
            assert!(found == CANARY, "a device stored where nothing is: {at:x}");
        }
    }
}

/// Where the pages of some bytes of a region begin.
fn offsets(bytes: Range<u64>) -> impl Iterator<Item = usize> {
    let pages = bytes.start / PAGE..bytes.end / PAGE;
    pages.map(|page| usize::try_from(page * PAGE).expect("small"))
}

impl Regions {
    pub(super) fn new(window: ShadowWindow) -> Self {
        let len = usize::try_from(LEN).expect("small");
        let mut memory: Vec<_> = (1..REGIONS)
            .map(|_| HostMemory::memfd(len).expect("memory"))
            .collect();
        let last = memory[REGIONS - 2].share(0, len).expect("memory");
        memory.push(last);
        let all = memory.into_iter().enumerate().map(|(n, memory)| {
            let at = GuestAddr::new(start(n));
            let region = GuestRegion::new(at, memory.clone());
            window.add(region).expect("a region");
            Region {
                memory,
                changes: AtomicU64::new(0),
                slot: Mutex::new(Slot {
                    state: State::Mapped,
                    tries: 0,
                }),
            }
        });
        Self {
            all: all.collect(),
            window,
            begun: AtomicU64::new(0),
        }
    }

    /// How often the region has changed: what was true of it before may not be true any more if this
    /// is another number.
    pub(super) fn changes(&self, region: usize) -> u64 {
        self.all[region].changes.load(Ordering::SeqCst)
    }

    /// Whether programs have all of a region now.
    pub(super) fn is_there(&self, region: usize) -> bool {
        // The other addresses of the last two share what is gone.
        let gone = |n: usize| !matches!(self.all[n].lock().state, State::Mapped);
        match region {
            6 | 7 => !gone(6) && !gone(7),
            n => !gone(n),
        }
    }

    /// Stores as the guest's processor does, unless there is no storage.
    pub(super) fn store(&self, region: usize, offset: u64, bytes: &[u8]) {
        let names = if region < 6 { region..region + 1 } else { 6..8 };
        let slots: Vec<_> = self.all[names].iter().map(Region::lock).collect();
        if slots.iter().all(|slot| matches!(slot.state, State::Mapped)) {
            let at = usize::try_from(offset).expect("small");
            self.all[region]
                .memory
                .write(at, bytes)
                .expect("in the region");
        }
    }

    /// What is stored there, if the region is as it was when it had changed so often.
    pub(super) fn fetch(&self, region: usize, offset: u64, changes: u64) -> Option<[u8; 4]> {
        let _slot = self.all[region].lock();
        if self.changes(region) != changes {
            return None;
        }
        let mut bytes = [0; 4];
        let at = usize::try_from(offset).expect("small");
        self.all[region]
            .memory
            .read(at, &mut bytes)
            .expect("in the region");
        Some(bytes)
    }

    /// How many withdrawals there were, for those that have to make way.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    /// Shows each withdrawal that goes on.
    pub(super) fn withdrawals(&self, mut show: impl FnMut(&Withdrawal)) {
        for region in &self.all {
            if let Some(withdrawal) = region.lock().state.withdrawal() {
                show(withdrawal);
            }
        }
    }

    fn begin_again(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
    }

    /// Something happens to a region. Says how many requests to map, unmap or discard that were.
    pub(super) fn change(&self, random: &mut Random, counts: &mut Counts) -> u64 {
        let number = random.index(REGIONS);
        let region = &self.all[number];
        let mut slot = region.lock();
        match std::mem::replace(&mut slot.state, State::Mapped) {
            // It is there for most of the time.
            State::Mapped if random.one_in(8) => self.begin(number, &mut slot, random, counts),
            State::Mapped => 0,
            State::Unmapped => self.map_again(number, &mut slot, counts),
            State::Gone(range) => {
                let first = range.start.get() - start(number);
                region.check(first..first + (range.end.get() - range.start.get()));
                self.window.give_back(range).expect("it was in storage");
                counts.count(Kind::GivenBack);
                1
            }
            leaving => self.go_on(number, &mut slot, leaving, random, counts),
        }
    }

    fn begin(
        &self,
        number: usize,
        slot: &mut Slot,
        random: &mut Random,
        counts: &mut Counts,
    ) -> u64 {
        let at = start(number);
        let policy = match random.index(3) {
            0 => UnmapPolicy::Wait(Duration::from_millis(1)),
            1 => UnmapPolicy::Halt,
            _ => UnmapPolicy::Refuse,
        };
        // One owner for the memory that is there twice.
        let result = if random.one_in(2) || number == 7 {
            let unmap = self.window.begin_unmap(GuestAddr::new(at), policy);
            unmap.map(State::Unmapping)
        } else {
            let first = at + PAGE * random.below(LEN / PAGE);
            let end = (first + PAGE * (1 + random.below(3))).min(at + LEN);
            let range = GuestAddr::new(first)..GuestAddr::new(end);
            let discard = self.window.begin_discard(range, policy);
            discard.map(State::Discarding)
        };
        match result {
            Ok(state) => {
                slot.state = state;
                slot.tries = 0;
                self.begin_again();
            }
            Err(WindowError::InUse) => counts.count(Kind::Refused),
            // The other address of the memory is missing; or too many are under way.
            Err(WindowError::Invalidate(_)) => {}
            Err(error) => panic!("{error}"),
        }
        1
    }

    fn go_on(
        &self,
        number: usize,
        slot: &mut Slot,
        mut leaving: State,
        random: &mut Random,
        counts: &mut Counts,
    ) -> u64 {
        let quiet = leaving.withdrawal().is_some_and(Withdrawal::is_quiet);
        // Who does not look first is refused.
        let looks = matches!(leaving, State::Discarding(_)) || random.one_in(2);
        if !quiet && (looks || slot.tries >= PATIENCE) {
            slot.tries += 1;
            let withdrawal: &mut Withdrawal = match &mut leaving {
                State::Unmapping(unmap) => unmap,
                State::Discarding(discard) => discard,
                State::Mapped | State::Unmapped | State::Gone(_) => return 0,
            };
            if slot.tries >= PATIENCE
                && let Some(timer) = withdrawal.timer()
            {
                withdrawal.expired(timer.id);
                assert!(withdrawal.is_overdue());
                withdrawal.halt();
                counts.count(Kind::Overdue);
                self.begin_again();
            }
            if slot.tries >= HOPE {
                // A program in quarantine, which no policy helps against.
                counts.count(Kind::GivenUp);
            } else {
                slot.state = leaving;
            }
            return 0;
        }
        let region = &self.all[number];
        // Before anybody can find it changed.
        region.changes.fetch_add(1, Ordering::SeqCst);
        match leaving {
            State::Unmapping(unmap) => match unmap.commit() {
                Ok(()) => {
                    if number < 6 {
                        region.fill(0..LEN);
                    }
                    slot.state = State::Unmapped;
                    counts.count(Kind::Unmapped);
                }
                Err((unmap, WindowError::Map(_))) => {
                    counts.count(Kind::SpaceFailed);
                    if random.one_in(2) {
                        slot.state = State::Unmapping(unmap);
                    }
                }
                // It is, but for programs that are just being made.
                Err((unmap, WindowError::InUse)) => slot.state = State::Unmapping(unmap),
                Err((_, error)) => panic!("{error}"),
            },
            State::Discarding(discard) => {
                let range = discard
                    .ranges()
                    .iter()
                    .find(|range| range.start.get() >= start(number))
                    .expect("its own addresses")
                    .clone();
                let first = range.start.get() - start(number);
                let bytes = first..first + (range.end.get() - range.start.get());
                // The other address of the memory changes with it.
                if number == 6 {
                    self.all[7].changes.fetch_add(1, Ordering::SeqCst);
                }
                region.fill(bytes.clone());
                let left = [Left::Gone, Left::Usable][random.index(2)];
                let mut discard = discard;
                loop {
                    std::thread::yield_now();
                    region.check(bytes.clone());
                    match discard.finish(left) {
                        Ok(()) => break,
                        Err((again, WindowError::InUse)) => discard = again,
                        Err((_, error)) => panic!("{error}"),
                    }
                }
                if left == Left::Gone {
                    slot.state = State::Gone(range);
                    counts.count(Kind::Gone);
                } else {
                    counts.count(Kind::Usable);
                }
            }
            State::Mapped | State::Unmapped | State::Gone(_) => {}
        }
        1
    }

    fn map_again(&self, number: usize, slot: &mut Slot, counts: &mut Counts) -> u64 {
        let region = &self.all[number];
        if number < 6 {
            region.check(0..LEN);
        }
        let at = GuestAddr::new(start(number));
        match self.window.add(GuestRegion::new(at, region.memory.clone())) {
            Ok(()) => {
                region.changes.fetch_add(1, Ordering::SeqCst);
                counts.count(Kind::Mapped);
            }
            Err(WindowError::Map(_)) => {
                counts.count(Kind::SpaceFailed);
                slot.state = State::Unmapped;
            }
            // Its memory, at the other address.
            Err(WindowError::Leaving) => slot.state = State::Unmapped,
            Err(error) => panic!("{error}"),
        }
        1
    }

    /// Nothing is withdrawn any more, and everything is back.
    pub(super) fn come_to_rest(&self, counts: &mut Counts) {
        for (number, region) in self.all.iter().enumerate() {
            let mut slot = region.lock();
            match std::mem::replace(&mut slot.state, State::Mapped) {
                State::Unmapped => {
                    self.map_again(number, &mut slot, counts);
                }
                State::Gone(range) => self.window.give_back(range).expect("it was in storage"),
                leaving => drop(leaving),
            }
        }
    }
}
