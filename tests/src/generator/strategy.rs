// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Cases for property tests: mostly sound programs for a device that mostly takes part, with every
//! rule broken now and then.
//!
//! A program is drawn as drafts that know nothing of where they will stand, and assembled then, so
//! that shrinking leaves a program that still hangs together.

use std::env;

use ccw::{Class, Command, Format, orb::word1};
use proptest::{
    collection::vec, option::weighted, prelude::*, sample::select, test_runner::RngAlgorithm,
};

use super::{
    Amount, Answer, Case, Data, FRAMES, Frame, Guard, Index, Intent, List, Memory, Odd, Oddity,
    OrbWords, Place, Segment, Target, Terms,
};

const CHAIN_DATA: u8 = 0x80;
const CHAIN_COMMAND: u8 = 0x40;

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
            }
            .case(terms, memory, orb, &drafts, script)
        },
    )
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
        bit(0.1, word1::MIDAW),
        bit(0.1, word1::EXTENSION),
        bit(0.01, word1::TRANSPORT),
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
            word1: a | b | c | d | e | f | g | h | i | j | k | l | m | n,
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

/// A segment to be.
#[derive(Clone, Debug)]
struct Draft {
    at: Place,
    /// It ends with a chaining flag, with nothing of its own behind.
    open: bool,
    parts: Vec<Part>,
}

/// Some CCWs that belong together.
#[derive(Clone, Debug)]
enum Part {
    /// A command with its data chain.
    Command(u8, Vec<Link>),
    /// A search and its TIC back.
    Search(Link),
    /// A TIC.
    Go(Jump),
}

/// Where a TIC leads.
#[derive(Clone, Copy, Debug)]
enum Jump {
    /// So many CCWs on, or back.
    Near(i8),
    Far(Target),
    Odd(u32),
}

/// One CCW of a data chain.
#[derive(Clone, Debug)]
struct Link {
    flags: u8,
    count: u16,
    ignored: u8,
    form: Form,
    /// What is wrong, if something is to be.
    odd: Option<Wrong>,
    /// A TIC to the next CCW of the chain comes behind.
    tic: bool,
}

#[derive(Clone, Debug)]
enum Form {
    Direct(Place),
    List(Place, Vec<Place>, Option<Place>),
}

#[derive(Clone, Copy, Debug)]
enum Wrong {
    /// Command code.
    Code(u8),
    /// These flags as well.
    Flags(u8),
    Count(u16),
    /// The whole address word.
    Word(u32),
    /// In a list.
    Idaw(Odd),
    /// Where the list lies.
    ListAt(Place),
}

fn draft() -> impl Strategy<Value = Draft> {
    let home = (0_u16..0x1e0).prop_map(|n| 8 * n);
    let edge = (0_u16..6).prop_map(|n| 4096 - 8 * n);
    let at = prop_oneof![
        12 => (1_u8..5, home).prop_map(|(frame, offset)| Place { frame, offset }),
        3 => (1_u8..5, edge.clone()).prop_map(|(frame, offset)| Place { frame, offset }),
        1 => (0_u16..4).prop_map(|n| Place { frame: 0, offset: 8 * n }),
        2 => (select(vec![17_u8, 19, 21]), edge).prop_map(|(frame, offset)| Place { frame, offset }),
    ];
    let open = prop::bool::weighted(0.08);
    (at, open, vec(part(), 1..5)).prop_map(|(at, open, parts)| Draft { at, open, parts })
}

fn part() -> impl Strategy<Value = Part> {
    let links = prop_oneof![
        7 => vec(link(), 1),
        3 => vec(link(), 2..5),
    ];
    prop_oneof![
        12 => (code(), links).prop_map(|(code, links)| Part::Command(code, links)),
        2 => link().prop_map(Part::Search),
        1 => jump().prop_map(Part::Go),
    ]
}

fn code() -> impl Strategy<Value = u8> {
    prop_oneof![
        4 => select(vec![0x01_u8, 0x05, 0x8d]),
        5 => select(vec![0x02_u8, 0x06, 0x86]),
        2 => select(vec![0x07_u8, 0x0b, 0x1f, 0x47, 0x63]),
        1 => Just(0x03),
        2 => select(vec![0x04_u8, 0xe4, 0x64]),
        3 => select(vec![0x0c_u8, 0x1c]),
        1 => Just(0x31),
    ]
}

fn jump() -> impl Strategy<Value = Jump> {
    prop_oneof![
        4 => (-3_i8..4).prop_map(Jump::Near),
        2 => (0_u8..3, 0_u8..6).prop_map(|(segment, ccw)| Jump::Far(Target::Ccw(Index { segment, ccw }))),
        2 => word().prop_map(Jump::Odd),
    ]
}

fn link() -> impl Strategy<Value = Link> {
    let flags = (
        any::<bool>(),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.08),
    )
        .prop_map(|(sli, skip, pci)| u8::from(sli) << 5 | u8::from(skip) << 4 | u8::from(pci) << 3);
    let ignored = prop_oneof![4 => Just(0_u8), 1 => any::<u8>()];
    let odd = weighted(0.15, wrong());
    let tic = prop::bool::weighted(0.1);
    (flags, count(), ignored, form(), odd, tic).prop_map(
        |(flags, count, ignored, form, odd, tic)| Link {
            flags,
            count,
            ignored,
            form,
            odd,
            tic,
        },
    )
}

fn count() -> impl Strategy<Value = u16> {
    prop_oneof![
        40 => 1_u16..65,
        20 => 65_u16..700,
        12 => select(vec![2047_u16, 2048, 2049, 4095, 4096, 4097]),
        10 => 4098_u16..12_000,
        1 => Just(65535),
    ]
}

fn form() -> impl Strategy<Value = Form> {
    let blocks = vec(data_place(), 0..4);
    let at = weighted(0.1, list_place());
    prop_oneof![
        1 => data_place().prop_map(Form::Direct),
        1 => (data_place(), blocks, at).prop_map(|(first, blocks, at)| Form::List(first, blocks, at)),
    ]
}

/// Storage for lists other than where they are put by themselves.
fn list_place() -> impl Strategy<Value = Place> {
    let offset = prop_oneof![
        2 => (0_u16..512).prop_map(|n| 8 * n),
        1 => Just(4092_u16),
        2 => (1_u16..4).prop_map(|n| 4096 - 8 * n),
    ];
    (select(vec![5_u8, 7, 12, 17, 17, 21, 21]), offset)
        .prop_map(|(frame, offset)| Place { frame, offset })
}

fn data_place() -> impl Strategy<Value = Place> {
    let frame = prop_oneof![28 => 8_u8..16, 10 => 16_u8..26, 2 => Just(0_u8), 3 => 1_u8..8];
    let offset = prop_oneof![
        3 => 0_u16..4096,
        1 => Just(0_u16),
        1 => select(vec![1_u16, 24, 2046, 2047, 2048, 2049, 4080, 4094, 4095]),
    ];
    (frame, offset).prop_map(|(frame, offset)| Place { frame, offset })
}

fn wrong() -> impl Strategy<Value = Wrong> {
    let idaw = (
        0_u8..4,
        prop_oneof![
            2 => (1_u16..2048).prop_map(Oddity::Off),
            1 => Just(Oddity::High),
            1 => word().prop_map(Oddity::Word),
        ],
    );
    let at = (select(vec![5_u8, 7, 17, 21, 25]), 0_u16..4096);
    prop_oneof![
        2 => select(vec![0x00_u8, 0x10, 0xf0, 0x18, 0xf8, 0x08]).prop_map(Wrong::Code),
        // S, MIDA, both, MIDA with IDA or SKIP.
        2 => select(vec![0x02_u8, 0x02, 0x01, 0x03, 0x11]).prop_map(Wrong::Flags),
        2 => Just(Wrong::Count(0)),
        3 => word().prop_map(Wrong::Word),
        8 => idaw.prop_map(|(word, how)| Wrong::Idaw(Odd { word, how })),
        2 => at.prop_map(|(frame, offset)| Wrong::ListAt(Place { frame, offset })),
    ]
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

/// What is chosen for a program as a whole.
struct Assembly {
    /// Things may be wrong.
    odd: bool,
    format: Format,
    form: u32,
}

impl Assembly {
    fn case(
        &self,
        terms: Terms,
        memory: Memory,
        mut orb: OrbWords,
        drafts: &[Draft],
        script: Vec<Answer>,
    ) -> Case {
        orb.word1 |= self.form;
        if self.format == Format::One {
            orb.word1 |= word1::FORMAT1;
        }
        if !self.odd {
            orb.start = Target::Ccw(Index { segment: 0, ccw: 0 });
            orb.word1 &= !(word1::TRANSPORT | word1::RESERVED);
        }
        let segments = (0..).zip(drafts).map(|(n, draft)| self.segment(n, draft));
        Case {
            terms,
            memory,
            orb,
            segments: segments.collect(),
            patches: Vec::new(),
            script,
        }
    }

    fn segment(&self, number: u8, draft: &Draft) -> Segment {
        let mut ccws = Vec::new();
        for part in &draft.parts {
            match part {
                Part::Command(code, links) => self.command(number, *code, links, &mut ccws),
                Part::Search(link) => {
                    self.command(number, 0x31, std::slice::from_ref(link), &mut ccws);
                    ccws.push(self.tic(number, ccws.len(), Jump::Near(-1), link));
                }
                Part::Go(jump) => {
                    let plain = Link {
                        flags: 0x60,
                        count: 1,
                        ignored: 0,
                        form: Form::Direct(Place {
                            frame: 8,
                            offset: 0,
                        }),
                        odd: None,
                        tic: false,
                    };
                    ccws.push(self.tic(number, ccws.len(), *jump, &plain));
                }
            }
        }
        let open = draft.open && self.odd;
        if let Some(last) = ccws.last_mut()
            && !matches!(last.data, Data::Go(_))
            && !open
        {
            last.flags &= !(CHAIN_DATA | CHAIN_COMMAND);
        }
        Segment {
            at: self.reachable(draft.at),
            ccws,
        }
    }

    /// `place`, or in place of a frame whose addresses are too long for a CCW, one for data.
    fn reachable(&self, place: Place) -> Place {
        let most = if self.format == Format::Zero { 18 } else { 22 };
        within(place, most)
    }

    fn command(&self, number: u8, code: u8, links: &[Link], ccws: &mut Vec<Intent>) {
        for (n, link) in links.iter().enumerate() {
            let chained = n + 1 < links.len();
            let mut intent = Intent {
                // Codes of later CCWs of a data chain mean nothing.
                code: if n == 0 { code } else { link.ignored & 0xf7 },
                flags: link.flags | if chained { CHAIN_DATA } else { CHAIN_COMMAND },
                count: link.count,
                ignored: link.ignored,
                data: self.data(code, link),
            };
            if self.odd
                && let Some(wrong) = link.odd
            {
                spoil(&mut intent, wrong);
            }
            ccws.push(intent);
            if link.tic && chained {
                ccws.push(self.tic(number, ccws.len(), Jump::Near(1), link));
            }
        }
    }

    fn data(&self, code: u8, link: &Link) -> Data {
        let listed = if self.form & word1::FORMAT2_IDAWS == 0 {
            22
        } else {
            26
        };
        match &link.form {
            Form::Direct(place) => Data::At(self.reachable(*place)),
            Form::List(first, blocks, at) => Data::List(List {
                at: at.map(|place| self.reachable(place)),
                backward: Command(code).class() == Class::ReadBackward,
                first: within(*first, listed),
                blocks: blocks.iter().map(|block| within(*block, listed)).collect(),
                odd: None,
            }),
        }
    }

    /// A TIC as CCW number `at` of segment `number`. In format 0 its other fields mean nothing,
    /// and hold what `link` has.
    fn tic(&self, number: u8, at: usize, jump: Jump, link: &Link) -> Intent {
        let near = |by: i8| {
            Target::Ccw(Index {
                segment: number,
                ccw: (at as u8).wrapping_add_signed(by),
            })
        };
        let target = match jump {
            Jump::Near(by) => near(by),
            Jump::Far(target) => target,
            Jump::Odd(word) if self.odd => Target::Word(word),
            Jump::Odd(_) => near(1),
        };
        let zero = self.format == Format::Zero;
        Intent {
            code: if zero { link.ignored & 0xf0 | 8 } else { 8 },
            flags: if zero { link.flags } else { 0 },
            count: if zero { link.count } else { 0 },
            ignored: link.ignored,
            data: Data::Go(target),
        }
    }
}

fn within(place: Place, frames: u8) -> Place {
    let frame = if place.frame < frames {
        place.frame
    } else {
        8 + place.frame % 8
    };
    Place { frame, ..place }
}

fn spoil(intent: &mut Intent, wrong: Wrong) {
    match wrong {
        Wrong::Code(code) => intent.code = code,
        Wrong::Flags(flags) => intent.flags |= flags,
        Wrong::Count(count) => intent.count = count,
        Wrong::Word(word) => intent.data = Data::Word(word),
        Wrong::Idaw(odd) => {
            if let Data::List(list) = &mut intent.data {
                list.odd = Some(odd);
            }
        }
        Wrong::ListAt(place) => {
            if let Data::List(list) = &mut intent.data {
                list.at = Some(place);
            }
        }
    }
}
