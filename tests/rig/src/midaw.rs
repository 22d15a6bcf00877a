// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! MIDAWs on a 3390, through a kernel that knows nothing of them: alone, it takes the list for data.

use ccw::orb::word1;

use crate::case::{Alone, Case, START};
use crate::dasd::{TRACK, record, search};
use crate::eckd::*;
use crate::guest::{CC, HIGH, HIGHER, MIDA, NOWHERE, SLI, STANDARD, ccw};
use crate::line::Line;
use crate::report::Report;

const DATA: u32 = 0x20_0000;
const LIST: u32 = 0x8000;
const D: u64 = DATA as u64;

/// Flags of a MIDAW.
const LAST: u8 = 0x80;
const SKIP: u8 = 0x40;

/// An area: flags, count, address.
type Area = (u8, u16, u64);

/// A list of MIDAWs; the last one has the flag.
fn list(areas: &[Area]) -> Vec<u8> {
    let word = |(n, &(flags, count, at)): (usize, &Area)| {
        let last = if n + 1 == areas.len() { LAST } else { 0 };
        let head = u64::from(flags | last) << 16 | u64::from(count);
        [head.to_be_bytes(), at.to_be_bytes()].concat()
    };
    areas.iter().enumerate().flat_map(word).collect()
}

/// Each area holds its bytes of `bytes`, and what is skipped is not touched.
fn holds(mut case: Case, areas: &[Area], mut bytes: &[u8]) -> Case {
    for &(flags, count, at) in areas {
        let (here, rest) = bytes.split_at(bytes.len().min(count.into()));
        if flags & SKIP == 0 && !here.is_empty() {
            case = case.holds(at, here);
        }
        bytes = rest;
    }
    case
}

/// Areas in no order, above and below 2 and 4 GiB, at odd addresses: 4096 bytes.
const ODD: [Area; 5] = [
    (0, 1000, D + 0x123),
    (0, 3, HIGHER + 0x1ffd),
    (SKIP, 500, NOWHERE as u64),
    (0, 1, HIGH + 0x7001),
    (0, 2592, D + 0x1_0501),
];

/// A first one that ends with its page, and a last one that begins with its own: what IDAWs can say.
const PAGES: [Area; 2] = [(0, 0x85f, HIGHER + 0x7a1), (0, 0x7a1, HIGH + 0x3000)];

/// SEEK, SEARCH, TIC *-8, READ by MIDAWs, and what follows.
fn read(name: &str, status: &str, flags: u8, areas: &[Area], then: &[[u8; 8]]) -> Case {
    let count = areas.iter().map(|(_, count, _)| count).sum();
    let mut ccws = vec![ccw(READ_DATA, flags | MIDA, count, LIST)];
    ccws.extend(then);
    search(name, status, &ccws)
        .word1(STANDARD | word1::MIDAW)
        .store(LIST, &list(areas))
        .alone(Alone::Wrong)
}

pub(crate) fn midaws(line: &mut Line, report: &mut Report) {
    let whole = record(5);
    let next = record(6);
    let good = "00c04007 00001020 0c000000";
    let further = "00c04007 00001028 0c000000";
    let behind = [ccw(READ_DATA, 0, RECORD, DATA + 0x2_0000)];
    for (name, areas) in [("odd areas", &ODD[..]), ("pages", &PAGES[..])] {
        // A wrong length ends the program; it is passed over at its end, and between two commands.
        for flags in [0, SLI, CC, SLI | CC] {
            let name = format!("MIDAWs, {name}, flags {flags:02x}");
            let (status, then) = match flags & CC {
                0 => (good, &[][..]),
                _ => (further, &behind[..]),
            };
            let mut case = holds(read(&name, status, flags, areas, then), areas, &whole);
            if flags & CC != 0 {
                case = case.holds(DATA + 0x2_0000, &next);
            }
            case.run(line, report);
        }
    }
    lengths(line, report, &whole, &next);
    others(line, report, &whole);
    long(line, report);
}

/// Records that are shorter and longer than the areas.
fn lengths(line: &mut Line, report: &mut Report, whole: &[u8], next: &[u8]) {
    let behind = [ccw(READ_DATA, 0, RECORD, DATA + 0x2_0000)];
    let mut long = ODD.to_vec();
    long.extend([(0, 900, D + 0x1_2000), (0, 100, HIGHER + 0x6000)]);
    for (flags, status) in [
        (0, "00c04017 00001020 0c4003e8"),
        (SLI, "00c04007 00001020 0c0003e8"),
        (CC, "00c04017 00001020 0c4003e8"),
        (SLI | CC, "00c04007 00001028 0c000000"),
    ] {
        let name = format!("1000 bytes too many by MIDAWs, flags {flags:02x}");
        let goes_on = flags == SLI | CC;
        let case = read(
            &name,
            status,
            flags,
            &long,
            if flags & CC != 0 { &behind } else { &[] },
        );
        let case = holds(case, &ODD, whole);
        match goes_on {
            true => case.holds(DATA + 0x2_0000, next),
            false => case,
        }
        .run(line, report);
    }
    for (flags, status) in [
        (0, "00c04017 00001020 0c400000"),
        (SLI, "00c04007 00001020 0c000000"),
        (SLI | CC, "00c04007 00001028 0c000000"),
    ] {
        let name = format!("too few bytes by MIDAWs, flags {flags:02x}");
        let case = read(
            &name,
            status,
            flags,
            &ODD[..2],
            if flags & CC != 0 { &behind } else { &[] },
        );
        holds(case, &ODD[..2], whole).run(line, report);
    }
}

/// Output, a command that can skip, many words, and words that are wrong.
fn others(line: &mut Line, report: &mut Report, whole: &[u8]) {
    let bytes = contents(21, 8);
    let areas = [
        (0, 0x85f, HIGHER + 0x17a1),
        (0, 1, D + 0x77),
        (0, 0x7a0, HIGH + 0x5003),
    ];
    let mut ccws = locating();
    ccws.push(ccw(WRITE_DATA_MT, CC | MIDA, RECORD, LIST));
    ccws.push(ccw(SEEK, CC, 6, SEEK_AT));
    ccws.push(ccw(SEARCH_ID_EQUAL, CC | MIDA, 5, LIST + 0x100));
    ccws.push(crate::guest::tic(START + 0x20));
    ccws.push(ccw(READ_DATA, 0, RECORD, DATA + 0x1000));
    let [a, b, c, d, e] = id(TRACK, 8);
    let mut case = Case::new(
        "write by MIDAWs, search by MIDAWs, and read",
        "00c04007 00001038 0c000000",
    )
    .word1(STANDARD | word1::MIDAW)
    .store(EXTENT_AT, &extent(MASK_WRITE, TRACK))
    .store(LOCATE_AT, &locate(LOCATE_WRITE, 1, TRACK, 8, RECORD))
    .store(SEEK_AT, &seek(TRACK))
    .store(LIST, &list(&areas))
    .store(
        LIST + 0x100,
        &list(&[(0, 2, D + 0x500), (0, 3, HIGH + 0x9ffd)]),
    )
    .store(D + 0x500, &[a, b])
    .store(HIGH + 0x9ffd, &[c, d, e])
    .ccws(&ccws)
    .holds(DATA + 0x1000, &bytes)
    .alone(Alone::Wrong);
    let mut left = &bytes[..];
    for (_, count, at) in areas {
        let (here, rest) = left.split_at(count.into());
        case = case.store(at, here);
        left = rest;
    }
    case.run(line, report);
    // As many areas as a list may have words on its page; sixteen bytes each.
    let areas: Vec<Area> = (0..256)
        .map(|n| (0, 16, HIGHER + 0x1_0000 + 0x123 * (255 - n)))
        .collect();
    for flags in [0, SLI | CC] {
        let status = if flags == 0 {
            "00c04007 00001020 0c000000"
        } else {
            "00c04007 00001028 0c000000"
        };
        let behind = [ccw(READ_DATA, 0, RECORD, DATA + 0x2_0000)];
        let then = if flags == 0 { &[][..] } else { &behind[..] };
        let name = format!("256 MIDAWs, flags {flags:02x}");
        holds(read(&name, status, flags, &areas, then), &areas, whole).run(line, report);
    }
    for (name, second) in [
        ("a MIDAW without a count", (0, 0, D)),
        ("a MIDAW across a page", (0, 100, D + 0xfff)),
        ("a MIDAW that leads nowhere", (0, 100, NOWHERE.into())),
    ] {
        let areas = [(0, 1000, D + 0x123), second, (0, 2996, D + 0x3000)];
        let case = read(name, "00c04017 00001020 0c20....", 0, &areas, &[]);
        case.holds(D + 0x123, &whole[..1000]).run(line, report);
    }
}

/// Seven records, each into 256 areas: many more CCWs than the guest has written, if it is one for each
/// area. Without LOCATE RECORD, whose domain is over for this emulator at a CCW that chains data.
fn long(line: &mut Line, report: &mut Report) {
    const READS: u8 = 7;
    for flags in [CC, SLI | CC] {
        let end = START + 8 * (3 + u32::from(READS));
        let mut case = Case::new(
            format!("7 reads by 256 MIDAWs each, flags {flags:02x}"),
            format!("00c04007 {end:08x} 0c000000"),
        )
        .word1(STANDARD | word1::MIDAW)
        .store(SEEK_AT, &seek(TRACK))
        .store(ID_AT, &id(TRACK, 1))
        .alone(Alone::Wrong);
        let mut ccws = searching(START);
        for n in 1..=READS {
            let last = if n == READS { CC } else { 0 };
            let at = LIST + 0x1000 * u32::from(n);
            ccws.push(ccw(READ_DATA, (flags & !last) | MIDA, RECORD, at));
            let from = HIGHER + 0x1_0000 + 0x2_0000 * u64::from(n);
            let areas: Vec<Area> = (0..256)
                .map(|k| (0, 16, from + 0x123 * (255 - k)))
                .collect();
            case = holds(case.store(at, &list(&areas)), &areas, &record(n));
        }
        case.ccws(&ccws).run(line, report);
    }
}
