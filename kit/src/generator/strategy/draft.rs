// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Parts of a program that know nothing of where they will stand.

use proptest::{collection::vec, option::weighted, prelude::*, sample::select};

use super::word;
use crate::generator::{Area, Index, Odd, Oddity, Place, Target};

/// A segment to be.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) at: Place,
    /// It ends with a chaining flag, with nothing of its own behind.
    pub(super) open: bool,
    pub(super) parts: Vec<Part>,
}

/// Some CCWs that belong together.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// A command with its data chain.
    Command(u8, Vec<Link>),
    /// A search and its TIC back.
    Search(Link),
    /// A TIC.
    Go(Jump),
}

/// Where a TIC leads.
#[derive(Clone, Copy, Debug)]
pub(super) enum Jump {
    /// So many CCWs on, or back.
    Near(i8),
    Far(Target),
    Odd(u32),
}

/// One CCW of a data chain.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) flags: u8,
    pub(super) count: u16,
    pub(super) ignored: u8,
    pub(super) form: Form,
    /// What is wrong, if something is to be.
    pub(super) odd: Option<Wrong>,
    /// A TIC to the next CCW of the chain comes behind.
    pub(super) tic: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Form {
    Direct(Place),
    List(Place, Vec<Place>, Option<Place>),
    /// If the program may have MIDAWs; a list otherwise.
    Midal(Vec<Area>, Option<Place>),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Wrong {
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
    /// The flags of the first MIDAW, its count kept or not.
    Midaw(u8, bool),
}

pub(super) fn draft() -> impl Strategy<Value = Draft> {
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
    let at = || weighted(0.1, list_place());
    prop_oneof![
        2 => data_place().prop_map(Form::Direct),
        2 => (data_place(), blocks, at()).prop_map(|(first, blocks, at)| Form::List(first, blocks, at)),
        1 => (vec(area(), 1..5), at()).prop_map(|(areas, at)| Form::Midal(areas, at)),
    ]
}

fn area() -> impl Strategy<Value = Area> {
    let count = prop_oneof![3 => 1_u16..65, 2 => 65_u16..5000];
    let skip = prop::bool::weighted(0.2);
    (data_place(), count, skip).prop_map(|(at, count, skip)| Area { at, count, skip })
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
        // Data-transfer interruption, none of them though it is the last, reserved ones.
        6 => (select(vec![0x20_u8, 0xa0, 0, 0, 0x90]), any::<bool>())
            .prop_map(|(flags, keep)| Wrong::Midaw(flags, keep)),
    ]
}
