// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that changes its program while it is being read.
//!
//! Every word is read once, so there is one program that was read, whatever the guest does
//! meanwhile: the verdict is on that program and the translation is of it.

use std::collections::HashSet;

use std::cell::RefCell;

use ccw::{CcwFlags, GuestAddr, Host, HostAddr, IdawFormat, Orb, RawOrb, orb::word1};
use ccw_kit::{
    differential::{Arena, check_scene},
    generator::{Case, Scene, cases, config},
    storage::Storage,
};
use pinning::{Budget, PlainPinner};
use proptest::prelude::*;
use translator::{
    Buffers, Finding, Guards, GuestStorage, HostProfile, Outcome, Planned, Policy, Program, fetch,
    validate,
};

/// Storage that another takes the place of after some fetches.
struct Shifting<'a> {
    before: &'a Scene,
    after: &'a Scene,
    switch: usize,
    log: RefCell<Vec<Fetch>>,
}

/// One fetch, and what it was answered.
#[derive(Clone, Debug)]
struct Fetch {
    at: u64,
    asked: usize,
    bytes: Vec<u8>,
}

impl Fetch {
    /// Whether there was less storage than asked for.
    fn is_vain(&self) -> bool {
        self.bytes.len() < self.asked
    }
}

impl GuestStorage for Shifting<'_> {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        let mut log = self.log.borrow_mut();
        let now = if log.len() < self.switch {
            self.before
        } else {
            self.after
        };
        let bytes = now.peek(at, buf.len());
        buf[..bytes.len()].copy_from_slice(&bytes);
        let read = bytes.len();
        log.push(Fetch {
            at: at.get(),
            asked: buf.len(),
            bytes,
        });
        read
    }
}

/// Everything that is made of a program: the verdict, the host's ORB and bytes, or the refusal.
#[derive(Debug, PartialEq)]
struct Made {
    outcome: Outcome,
    findings: Vec<Finding>,
    emitted: Result<Emitted, String>,
}

/// A host program: the ORB, the CCWs, the lists.
type Emitted = (Orb<Host>, Vec<u8>, Vec<u8>);

fn make(scene: &Scene, program: Program) -> Made {
    let pinner = PlainPinner::new(scene.regions.clone(), Budget::default());
    Made {
        outcome: program.outcome(),
        findings: program.findings().to_vec(),
        emitted: match program.plan(&HostProfile::SOFTWARE) {
            Err(rejected) => Err(rejected.to_string()),
            Ok(Planned::Ended(ended)) => Err(format!("{:?}", ended.irb())),
            Ok(Planned::Arrived(arrived)) => Err(format!("{:?}", arrived.arrival())),
            Ok(Planned::Run(plan)) => {
                let mut arena = Arena::for_plan(&plan);
                let translated = plan.pin(&pinner).unwrap().emit(arena.slot()).unwrap();
                let orb = *translated.orb();
                drop(translated.release());
                Ok((orb, arena.ccws, arena.lists))
            }
        },
    }
}

fn read(scene: &Scene, storage: &impl GuestStorage) -> Program {
    let guards = scene.guards();
    let snapshot = fetch(&scene.orb, storage, &scene.policy, &guards, Buffers::new());
    validate(snapshot, &scene.regions, &guards)
}

/// `scene` with the storage that was read; none if a byte was read with two values, which takes
/// two lists that overlap, or a list and a CCW.
fn frozen(scene: &Scene, log: &[Fetch]) -> Option<Scene> {
    let mut frozen = scene.clone();
    for fetch in log {
        for (at, byte) in (fetch.at..).zip(&fetch.bytes) {
            let region = scene.regions.find(GuestAddr::new(at)).expect("it was read");
            let host = HostAddr::new(region.host.get() + at - region.guest.get());
            frozen.ram.write(host, std::slice::from_ref(byte));
        }
    }
    let holds =
        |fetch: &Fetch| frozen.peek(GuestAddr::new(fetch.at), fetch.bytes.len()) == fetch.bytes;
    log.iter().all(holds).then_some(frozen)
}

/// What was read is what the program names, in its order: each CCW once, and behind it its list
/// once, in one word and the rest.
fn each_word_once(program: &Program, log: &[Fetch]) -> Result<(), TestCaseError> {
    let format = IdawFormat::of(program.orb());
    let size = usize::try_from(format.size()).expect("4 or 8");
    let mut log = log.iter().peekable();
    let mut seen = HashSet::new();
    for step in program.steps() {
        let at = step.at.get();
        let list = u64::from(step.ccw.addr.get());
        if !seen.insert(at) {
            // The same bytes, judged in another state; only a list that the first one did not
            // read, or read to another length, is read for it.
            let of_list = |fetch: &&Fetch| [list, list + size as u64].contains(&fetch.at);
            while log.next_if(of_list).is_some() {}
            continue;
        }
        // A TIC led to where there is no storage.
        while log
            .next_if(|fetch| fetch.is_vain() && fetch.at != at)
            .is_some()
        {}
        let ccw = log.next_if(|fetch| (fetch.at, fetch.asked) == (at, 8));
        if step.raw.is_none() {
            continue;
        }
        prop_assert!(ccw.is_some_and(|ccw| !ccw.is_vain()), "the CCW at {at:x}");
        let Some(first) = step.list.first() else {
            // Perhaps a list was looked for in vain.
            let _ = log.next_if(|fetch| fetch.at == list && fetch.is_vain());
            continue;
        };
        let mut next = |at, asked| log.next_if(|fetch| (fetch.at, fetch.asked) == (at, asked));
        if step.ccw.flags.contains(CcwFlags::MODIFIED_INDIRECT) {
            let whole = step.list.len() as u64 / 2;
            let mut words = (0..whole).map(|k| next(list + 16 * k, 16));
            prop_assert!(words.all(|word| word.is_some()), "the MIDAL at {list:x}");
            let _ = next(list + 16 * whole, 16);
            continue;
        }
        prop_assert!(next(list, size).is_some(), "the list at {list:x}");
        let rest = step.list.len() - 1;
        let rest_at = list + size as u64;
        let read = log.next_if(|fetch| fetch.at == rest_at && fetch.bytes.len() / size == rest);
        prop_assert!(
            rest == 0 || read.is_some(),
            "the rest of the list at {list:x}"
        );
        let first = GuestAddr::new(u64::from_be_bytes(*first));
        let words =
            [false, true].map(|down| usize::from(format.words(first, step.ccw.count, down)));
        let needed = |asked: usize| words.iter().any(|words| (words - 1) * size >= asked);
        let asked = read.map_or(0, |read| read.asked);
        prop_assert!(
            needed(asked),
            "{asked} bytes behind the first of the list at {list:x}"
        );
    }
    let left: Vec<_> = log.filter(|fetch| !fetch.is_vain()).collect();
    prop_assert!(left.is_empty(), "read for nothing: {left:x?}");
    Ok(())
}

proptest! {
    #![proptest_config(config(16))]

    /// Another program takes the place of the first after any number of fetches.
    #[test]
    fn the_program_that_was_read_is_the_one_that_runs(case in cases(), other in cases()) {
        let before = case.build();
        let after = Case { segments: other.segments, ..case.clone() }.build();
        for switch in 0.. {
            let storage = Shifting {
                before: &before,
                after: &after,
                switch,
                log: RefCell::default(),
            };
            let program = read(&before, &storage);
            let log = storage.log.into_inner();
            each_word_once(&program, &log)?;
            let made = make(&before, program);
            if let Some(frozen) = frozen(&before, &log) {
                prop_assert_eq!(&made, &make(&frozen, read(&frozen, &frozen)));
                if let Err(difference) = check_scene(&frozen, case.has_aliases()) {
                    prop_assert!(false, "{} fetches before the change: {}", switch, difference);
                }
            }
            if switch >= log.len() || switch == 40 {
                break;
            }
        }
    }
}

/// Format-1 CCWs, 4 KiB format-2 IDAWs, a program at 1000.
const F1: u32 = word1::FORMAT1 | word1::PREFETCH | word1::FORMAT2_IDAWS | 0x8000;

/// Storage of 64 KiB with words at addresses.
fn storage(words: &[(u64, &[u32])]) -> Storage {
    let mut storage = Storage::new(0x1_0000);
    for (at, words) in words {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        storage.write(*at, &bytes);
    }
    storage
}

/// What is fetched of the program at 1000, in order.
fn fetches(word1: u32, storage: &Storage) -> Vec<(u64, usize)> {
    let orb = RawOrb::from_words([0, word1, 0x1000]);
    let (policy, guards) = (Policy::CHECK, Guards::default());
    let snapshot = fetch(&orb, storage, &policy, &guards, Buffers::new());
    let _ = validate(snapshot, &storage.map(0), &guards);
    storage.fetches()
}

#[test]
fn a_loop_is_read_once() {
    // SEARCH ID EQUAL, TIC *-8, READ: the search and the TIC are gone through again and again.
    let search = storage(&[(
        0x1000,
        &[
            0x3140_0005,
            0x2000,
            0x0800_0000,
            0x1000,
            0x0600_0100,
            0x3000,
        ],
    )]);
    assert_eq!(
        fetches(F1, &search),
        [(0x1000, 8), (0x1008, 8), (0x1010, 8)]
    );
    // NOP, TIC *-8.
    let endless = storage(&[(0x1000, &[0x0360_0001, 0, 0x0800_0000, 0x1000])]);
    assert_eq!(fetches(F1, &endless), [(0x1000, 8), (0x1008, 8)]);
}

#[test]
fn of_a_list_only_the_words_that_bytes_need_are_read() {
    // 2000 bytes from 3800: three blocks. The word behind the third is not read.
    let list: &[u32] = &[0, 0x3800, 0, 0x5000, 0, 0x6000, 0xffff_ffff, 0xffff_ffff];
    let program = storage(&[(0x1000, &[0x0204_2000, 0x2000]), (0x2000, list)]);
    assert_eq!(
        fetches(F1, &program),
        [(0x1000, 8), (0x2000, 8), (0x2008, 16)]
    );
    // One byte less than a block: one word.
    let program = storage(&[(0x1000, &[0x0204_07ff, 0x2000]), (0x2000, list)]);
    assert_eq!(fetches(F1, &program), [(0x1000, 8), (0x2000, 8)]);
    // Backward from 3800: 801 bytes in the first block, then one block of the rest.
    let program = storage(&[(0x1000, &[0x0c04_0802, 0x2000]), (0x2000, list)]);
    assert_eq!(
        fetches(F1, &program),
        [(0x1000, 8), (0x2000, 8), (0x2008, 8)]
    );
    // Format 1, on 2 KiB: from 3801 on 7FF bytes, 800, and one.
    let list: &[u32] = &[0x3801, 0x5000, 0x5800, 0xffff_ffff];
    let program = storage(&[(0x1000, &[0x0204_1000, 0x2000]), (0x2000, list)]);
    let format1 = F1 & !word1::FORMAT2_IDAWS;
    assert_eq!(
        fetches(format1, &program),
        [(0x1000, 8), (0x2000, 4), (0x2004, 8)]
    );
}

#[test]
fn a_list_is_read_once_for_each_ccw_that_names_it() {
    let list: &[u32] = &[0, 0x3000, 0, 0x5000];
    let program = storage(&[
        (
            0x1000,
            &[
                0x0264_2000,
                0x2000,
                0x0644_2000,
                0x2000,
                0x0304_0001,
                0x2000,
            ],
        ),
        (0x2000, list),
    ]);
    let twice = [(0x2000, 8), (0x2008, 8)];
    let ccws = [(0x1000, 8), (0x1008, 8), (0x1010, 8)];
    let expected = [
        ccws[0], twice[0], twice[1], ccws[1], twice[0], twice[1], ccws[2],
    ];
    assert_eq!(fetches(F1, &program), expected);
}

#[test]
fn what_no_byte_needs_is_not_read() {
    // NOP; a count of zero; skipped input: none of the three lists is looked at.
    let program: &[u32] = &[
        0x0364_0010,
        0x2000,
        0x0164_0000,
        0x2000,
        0x0274_0010,
        0x2000,
        0x0320_0001,
        0,
    ];
    let ccws = [(0x1000, 8), (0x1008, 8), (0x1010, 8), (0x1018, 8)];
    assert_eq!(fetches(F1, &storage(&[(0x1000, program)])), ccws);
    // A list off its boundary, and the CCW behind, which is not reached.
    let off = storage(&[(0x1000, &[0x0244_0010, 0x2004, 0x0320_0001, 0])]);
    assert_eq!(fetches(F1, &off), [(0x1000, 8)]);
}

#[test]
fn midaws_are_read_up_to_the_count() {
    // 30 bytes: 10 and 20. The third MIDAW is not read, whatever it is.
    let midal: &[u32] = &[
        0,
        0x10,
        0,
        0x3000,
        0,
        0x20,
        0,
        0x5000,
        0xffff_ffff,
        0xffff_ffff,
    ];
    let program = storage(&[(0x1000, &[0x0201_0030, 0x2000]), (0x2000, midal)]);
    let fetched = fetches(F1 | word1::MIDAW, &program);
    assert_eq!(fetched, [(0x1000, 8), (0x2000, 16), (0x2010, 16)]);
}
