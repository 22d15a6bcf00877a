// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Cases for property tests: mostly sound programs for a device that mostly takes part, with every
//! rule broken now and then.
//!
//! A program is drawn as drafts that know nothing of where they will stand (`draft`), and assembled
//! then (`assembly`), so that shrinking leaves a program that still hangs together.

mod assembly;
mod draft;

use std::env;

use ccw::{Format, orb::word1};
use proptest::{
    collection::vec,
    option::weighted,
    prelude::*,
    sample::select,
    strategy::ValueTree,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

use assembly::Assembly;
use draft::draft;

use super::{Amount, Answer, Case, FRAMES, Frame, Guard, Index, Memory, OrbWords, Target, Terms};

/// How a property test runs: with one `part`-th of `PROPTEST_CASES`, or of a number of cases that
/// takes some seconds.
pub fn config(part: u32) -> ProptestConfig {
    let wished = env::var("PROPTEST_CASES").ok();
    let cases = wished.and_then(|n| n.parse().ok()).unwrap_or(4000);
    ProptestConfig {
        cases: (cases / part).max(1),
        // What failed once is kept by name, see the suite `replay`.
        failure_persistence: None,
        // The default generator takes longer than the cases themselves.
        rng_algorithm: RngAlgorithm::XorShift,
        ..ProptestConfig::default()
    }
}

/// Cases of all kinds.
pub fn cases() -> impl Strategy<Value = Case> {
    let parts = (terms(), memory(), orb(), vec(draft(), 1..4), script());
    let settings = (weighted(0.5, Just(())), any::<bool>(), forms());
    (parts, settings).prop_map(
        |((terms, memory, orb, drafts, script), (odd, format1, form))| {
            Assembly {
                odd: odd.is_some(),
                format: if format1 { Format::One } else { Format::Zero },
                form,
                midaws: orb.word1 & word1::MIDAW != 0,
            }
            .case(terms, memory, orb, &drafts, script)
        },
    )
}

/// Cases of all kinds, the same for the same `seed`.
pub fn random_cases(seed: u64) -> impl Iterator<Item = Case> {
    // The generator takes sixteen bytes that are not all zero.
    let mut bytes = [0x5a; 16];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::XorShift, &bytes);
    let mut runner = TestRunner::new_with_rng(config(1), rng);
    std::iter::repeat_with(move || {
        let tree = cases().new_tree(&mut runner);
        // No part of a case is ever refused.
        tree.expect("a case").current()
    })
}

/// Bits H and T of the ORB.
fn forms() -> impl Strategy<Value = u32> {
    let both = word1::FORMAT2_IDAWS | word1::IDAW_2K;
    prop_oneof![
        3 => Just(word1::FORMAT2_IDAWS),
        3 => Just(0),
        2 => Just(both),
        1 => Just(word1::IDAW_2K),
    ]
}

fn terms() -> impl Strategy<Value = Terms> {
    let device = prop_oneof![4 => Just(0_u8), 1 => Just(1), 1 => Just(2)];
    let rare = prop::bool::weighted(0.3);
    (any::<bool>(), rare, any::<bool>(), device).prop_map(
        |(any_skips, refuse, concurrent_sense, device)| Terms {
            any_skips,
            refuse,
            concurrent_sense,
            device,
        },
    )
}

fn memory() -> impl Strategy<Value = Memory> {
    #[derive(Clone, Copy, Debug)]
    enum Placement {
        Linear,
        Scattered,
        Aliased,
    }
    let placement = prop_oneof![
        1 => Just(Placement::Linear),
        2 => Just(Placement::Scattered),
        1 => Just(Placement::Aliased),
    ];
    let guard = prop_oneof![
        16 => Just(Guard::None),
        3 => Just(Guard::Keys),
        1 => select(vec![0, 1, 0x100, 0x7fff]).prop_map(Guard::AtLeast),
        1 => select(vec![1, 0x100, 0x7fff]).prop_map(Guard::Below),
    ];
    let frame = (
        prop::bool::weighted(0.05),
        any::<u8>(),
        prop::bool::weighted(0.03),
        select(vec![0_u8, 0x30, 0x30, 0x30, 0x38, 0x50, 0x58]),
    );
    (placement, guard, vec(frame, FRAMES.len())).prop_map(|(placement, guard, frames)| {
        let frames = (0..).zip(frames);
        let frames = frames.filter(|(n, (hole, ..))| !hole || (1..4).contains(n));
        let frames = frames.map(|(n, (_, host, read_only, key))| Frame {
            frame: n,
            host: match placement {
                Placement::Linear => n,
                Placement::Scattered => host,
                // Programs and lists each have their own page; data may share.
                Placement::Aliased if n < 8 => n,
                Placement::Aliased => 64 + host % 8,
            },
            read_only,
            key,
        });
        Memory {
            linear: 0,
            frames: frames.collect(),
            guard,
        }
    })
}

/// In the place of a bit that stands for itself: those that a transport-mode ORB does not have are zero.
const CLEAR: u32 = 0x20;

/// An ORB whose format and form of lists are chosen elsewhere.
fn orb() -> impl Strategy<Value = OrbWords> {
    let bit =
        |weight, mask| prop::bool::weighted(weight).prop_map(move |on| if on { mask } else { 0 });
    let control = (
        select(vec![0_u32, 0x3000_0000, 0x3000_0000, 0x5000_0000]),
        bit(0.25, word1::SUSPEND),
        bit(0.1, word1::STREAMING | word1::MODIFICATION),
        bit(0.1, word1::SYNCHRONIZE),
        bit(0.9, word1::PREFETCH),
        bit(0.1, word1::INITIAL_STATUS),
        bit(0.7, word1::LIMIT_CHECK),
        bit(0.1, word1::SUPPRESS_SUSPENDED),
    );
    let rest = (
        select(vec![0x8000_u32, 0xff00, 0x4100]),
        bit(0.3, word1::LENGTH_SUPPRESSION),
        bit(0.25, word1::MIDAW),
        bit(0.1, word1::EXTENSION),
        prop_oneof![
            97 => Just(0),
            1 => Just(word1::TRANSPORT),
            // With nothing that is not to be there.
            2 => Just(word1::TRANSPORT | CLEAR),
        ],
        bit(0.01, 0x10),
    );
    let start = prop_oneof![
        50 => Just(Target::Ccw(Index { segment: 0, ccw: 0 })),
        2 => (0_u8..3, 0_u8..4).prop_map(|(segment, ccw)| Target::Ccw(Index { segment, ccw })),
        3 => word().prop_map(Target::Word),
    ];
    (any::<u32>(), control, rest, start, vec(any::<u8>(), 0..8)).prop_map(
        |(intparm, (a, b, c, d, e, f, g, h), (i, j, k, l, m, n), start, extension)| OrbWords {
            intparm,
            word1: match m & CLEAR {
                0 => a | b | c | d | e | f | g | h | i | j | k | l | m | n,
                _ => (a | i | m) & !word1::TRANSPORT_RESERVED,
            },
            start,
            extension: if l == 0 { Vec::new() } else { extension },
        },
    )
}

/// Addresses beside every boundary, and others that no CCW should have.
fn word() -> impl Strategy<Value = u32> {
    let edges: Vec<u32> = vec![
        0,
        0x8,
        0x1004,
        0x1001,
        0x2000,
        0x0005_0000,
        0x00ff_fff8,
        0x0100_0000,
        0x0100_0008,
        0x7fff_fff8,
        0x7fff_f000,
        0x8000_1000,
        0xffff_fff8,
    ];
    prop_oneof![4 => select(edges), 1 => any::<u32>()]
}

fn script() -> impl Strategy<Value = Vec<Answer>> {
    let amount = prop_oneof![
        30 => Just(Amount::Count(0)),
        4 => (-20_i16..0).prop_map(Amount::Count),
        2 => (-4200_i16..0).prop_map(Amount::Count),
        4 => (1_i16..20).prop_map(Amount::Count),
        2 => (0_u16..5000).prop_map(Amount::Bytes),
        3 => Just(Amount::Variable),
    ];
    let data = prop_oneof![
        30 => Just((0x0c_u8, 0_u8)),
        4 => Just((0x4c, 0)),
        1 => Just((0x0e, 0)),
        1 => Just((0x0d, 0)),
        1 => Just((0x2c, 0)),
        1 => Just((0x4e, 0)),
        3 => select(vec![0x04_u8, 0x04, 0x44, 0x06, 0x05, 0]).prop_map(|later| (0x08, later)),
        // No channel end behind a data phase.
        1 => Just((0x04, 0)),
    ];
    let at_once = prop_oneof![
        6 => Just((0x0c_u8, 0_u8)),
        2 => Just((0x4c, 0)),
        1 => Just((0x08, 4)),
        1 => select(vec![(0x02_u8, 0_u8), (0x10, 0), (0x50, 0), (0x80, 0), (0x0e, 0), (0, 0)]),
    ];
    let answer = prop_oneof![
        9 => (amount, data),
        1 => (Just(Amount::Immediate), at_once),
    ];
    let answer =
        (answer, any::<u8>(), 0_u8..33).prop_map(|((amount, (status, later)), seed, sense)| {
            Answer {
                amount,
                seed,
                status,
                later,
                sense,
            }
        });
    vec(answer, 0..14)
}
