// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs that a machine is loaded with: they read in what they go on with, and forbid that they be
//! prefetched. PoP: Initial Program Loading.
//!
//! Each is run in three ways, and comes to the same end: as it stands on `css`; in parts, laid out
//! for every host; and through the guest's subchannel, laid out for vfio-ccw.

mod chains;
mod mediated;

use std::env;
use std::path::Path;

use ccw::{DeviceClass, Guest, GuestAddr};
use ccw_kit::{
    corpus::{self, Case},
    in_parts::{self, CCWS},
    program::{GuestProgram, hex},
    volume::volume,
};
use css::{Config, Device, Progress, Subchannel, device::unit_record::Reader};
use translator::{HostProfile, Policy};

use chains::{Chain, blocks};

/// How a chain was run in parts: the host programs, for each of [`HostProfile::ALL`].
type Starts = Vec<Vec<Vec<u8>>>;

/// Runs `chain` in each way, and holds its status and what it loads against what they must be.
fn check(chain: &Chain) -> Starts {
    let expected = hex(&chain.scsw);
    let Chain { program, .. } = chain;

    let mut ram = program.ram();
    let mut subchannel = Subchannel::<Guest>::new(Config::default());
    let started = subchannel.start_raw(&program.orb());
    started.expect("condition code 0");
    let progress = subchannel.run(&mut ram, &mut *(chain.device)(), 10_000);
    assert_eq!(progress, Progress::Pending);
    assert_eq!(
        subchannel.irb().scsw.encode().0[..],
        expected,
        "as it stands"
    );
    for (at, bytes) in &chain.loaded {
        let found = ram.read(GuestAddr::new(*at), bytes.len());
        assert_eq!(found, *bytes, "at {at:x}, as it stands");
    }

    let mut starts = Starts::new();
    for profile in HostProfile::ALL {
        let name = profile.name;
        let course = in_parts::run(program, profile, &mut *(chain.device)(), |_, _, _| {});
        let course = course.unwrap_or_else(|code| panic!("{name}: {code}"));
        assert_eq!(course.scsw.encode().0[..], expected, "{name}");
        for (at, bytes) in &chain.loaded {
            let found = course.ram.bytes(*at, bytes.len());
            assert_eq!(found, *bytes, "at {at:x}, {name}");
        }
        starts.push(course.starts);
    }

    let mediated = mediated::run(program, (chain.device)());
    assert_eq!(mediated.scsw[..], expected, "mediated");
    for (at, bytes) in &chain.loaded {
        let found = mediated.bytes(*at, bytes.len());
        assert_eq!(found, *bytes, "at {at:x}, mediated");
    }
    // The guest has started one program.
    let parts = starts.last().map_or(0, |starts| starts.len() as u64);
    let counts = (mediated.metrics.starts, mediated.metrics.parts);
    assert_eq!(counts, (1, parts - 1), "mediated");
    starts
}

/// The chain of 24 bytes: the first record's two CCWs read the second record, which is a program of its
/// own and finds the rest by a search. The READ behind the first record goes by where the one before has
/// left the arm, and the search by the file mask and the seek before it: so what has run is repeated in
/// front of each part.
#[test]
fn the_read_chain_of_24_bytes() {
    let starts = check(&chains::disk());
    for starts in &starts {
        assert_eq!(starts.len(), 3);
    }
    // On the exact host: what has run, skipping; a TIC to what comes behind; then the new CCWs.
    let [one, two, _] = &starts[0][..] else {
        panic!("three starts")
    };
    let ccw = |program: &[u8], n: usize| program[8 * n..8 * n + 8].to_vec();
    assert_eq!(one.len(), 4 * 8);
    assert_eq!(ccw(one, 0), hex("02640018 40100000"));
    assert_eq!(ccw(one, 1), [0; 8]);
    assert_eq!(ccw(two, 0), hex("02740018 40100000"));
    assert_eq!(ccw(two, 1), hex("08000000 40000020"));
    assert_eq!(ccw(two, 4), hex("06640090 40100008"));
    assert_eq!(CCWS + 0x20, 0x4000_0020);
}

/// zipl's chain: behind the 24 bytes come a program that finds a block of CCWs, and these CCWs, which
/// find the boot loader's blocks.
#[test]
fn zipls_boot_chain() {
    for starts in check(&chains::zipl()) {
        // From 0; behind the 24 bytes; behind the second record; behind the block of CCWs.
        assert_eq!(starts.len(), 4);
    }
}

/// What zipl's boot loader starts afterwards: a search, and READs of the blocks behind.
#[test]
fn zipls_list_of_blocks() {
    for starts in check(&chains::list_of_blocks()) {
        assert_eq!(starts.len(), 1);
    }
}

/// The cards with which Linux for s390 begins: the first ones hold CCWs alone, which read the next
/// cards.
#[test]
fn the_card_reader_ipl() {
    for starts in check(&chains::cards()) {
        // From 0, and behind each of the first three cards: every part is a chain of its own.
        assert_eq!(starts.len(), 4);
    }
}

/// Recorded loads, which may not be copied here: `CCW_CORPUS` names their folder. They end as they did.
#[test]
fn recorded_loads() {
    let Some(folder) = env::var_os("CCW_CORPUS") else {
        eprintln!("LEFT OUT: CCW_CORPUS names no folder with recorded loads (ipl-*.json)");
        return;
    };
    let cases = corpus::load(Path::new(&folder)).expect("programs");
    let loads = cases.iter().filter(|case| case.name.starts_with("ipl-"));
    let mut count = 0;
    for case in loads {
        println!("{}", case.name);
        check(&recorded(case));
        count += 1;
    }
    assert!(count > 0, "no recorded loads in that folder");
}

/// The program of `case`, with what it needs to find: what was on the cards and on the volume is not
/// recorded, but where its records were follows from the program.
fn recorded(case: &Case) -> Chain {
    let orb = case.orb();
    let ranges: Vec<_> = case.ranges().collect();
    let class = case.device_class();
    let mut program = GuestProgram::format0("")
        .size(0x100_0000)
        // A machine loads by the path that there is.
        .orb_word(1, orb.word(1) | 0x8000)
        .cpa(orb.word(2))
        .policy(Policy::MEDIATE)
        .device(class);
    for (at, bytes) in &ranges {
        program = program.put_bytes(*at, bytes);
    }
    let device: Box<dyn Fn() -> Box<dyn Device + Send>> = if class == DeviceClass::UnitRecord {
        Box::new(|| Box::new(Reader::from_cards(chains::deck())))
    } else {
        let seek = ranges.iter().find(|(_, bytes)| bytes.len() == 6);
        let (_, seek) = seek.expect("where it seeks to");
        let half = |n: usize| u16::from_be_bytes([seek[n], seek[n + 1]]);
        let track = (half(2), half(4));
        Box::new(move || Box::new(volume(&[(track, blocks(track))])))
    };
    let ended = case.ended.as_ref().expect("it was recorded");
    Chain {
        program,
        device,
        scsw: ended.scsw.clone(),
        loaded: Vec::new(),
    }
}
