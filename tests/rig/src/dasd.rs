// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A 3390: data, orientation, lengths, endings.

use ccw::orb::word1;

use crate::case::{Alone, Case, Refusal, START};
use crate::eckd::*;
use crate::guest::{
    CC, CD, HIGH, HIGHER, IDA, LOW_LEN, NOWHERE, SKIP, SLI, STANDARD, ccw, ccw0, tic,
};
use crate::line::Line;
use crate::report::Report;

/// The track that most of it is about.
pub(crate) const TRACK: (u16, u16) = (1, 0);
/// Where data goes.
const DATA: u32 = 0x20_0000;
/// What SENSE ID stores first: a 3990 with a 3390.
pub(crate) const SENSE_ID_HEAD: [u8; 7] = [0xff, 0x39, 0x90, 0xc2, 0x33, 0x90, 0x02];
/// Where lists are.
const LISTS: u32 = 0x8000;

/// SENSE ID, and a cylinder that is formatted, written and read.
pub(crate) fn data(line: &mut Line, report: &mut Report) {
    Case::new("SENSE ID across pages", "00c04007 00001008 0c0000f4")
        .ccws(&[sense_id(0, DATA - 4)])
        .holds(DATA - 4, &SENSE_ID_HEAD)
        .run(line, report);
    Case::new("READ DEVICE CHARACTERISTICS", "00c04007 00001008 0c000000")
        .ccws(&[ccw(READ_CHARACTERISTICS, 0, 64, DATA + 1)])
        .holds(DATA + 1, &[0x39, 0x90, 0xc2, 0x33, 0x90])
        .run(line, report);
    for head in 0..15 {
        format(head).run(line, report);
    }
    for (generation, form) in Form::ALL.into_iter().enumerate() {
        let generation = 16 + u32::try_from(generation).unwrap_or(0);
        form.transfer(true, generation).run(line, report);
        form.transfer(false, generation).run(line, report);
    }
    track_image(19).run(line, report);
}

/// Formats a track of cylinder 1: count fields and data from different places.
fn format(head: u16) -> Case {
    let track = (TRACK.0, head);
    let mut ccws = locating();
    let bytes = u16::from(RECORDS) * 8;
    let end = START + 8 * (2 + 2 * u32::from(RECORDS));
    let mut case = Case::new(
        format!("format cylinder 1, head {head}, by data chaining"),
        format!("00c04007 {end:08x} 0c000000"),
    )
    .store(EXTENT_AT, &extent(MASK_FORMAT, track))
    .store(
        LOCATE_AT,
        &locate(LOCATE_FORMAT, RECORDS, track, 0, RECORD + 8),
    );
    let counts: Vec<u8> = (1..=RECORDS).flat_map(|r| count(track, r)).collect();
    assert_eq!(counts.len(), usize::from(bytes));
    case = case.store(0x3000_u32, &counts);
    for record in 1..=RECORDS {
        let n = u32::from(record) - 1;
        let at = 0x10_0000 + n * 0x3345;
        let flags = if record == RECORDS { 0 } else { CC };
        ccws.push(ccw(WRITE_CKD, CD, 8, 0x3000 + 8 * n));
        ccws.push(ccw(0, flags, RECORD, at));
        case = case.store(at, &contents(u32::from(head), record));
    }
    case.ccws(&ccws)
}

/// How data is designated.
#[derive(Clone, Copy, Debug)]
enum Form {
    Direct,
    Idal4k,
    Idal2k,
    Idal1,
}

impl Form {
    const ALL: [Self; 4] = [Self::Direct, Self::Idal4k, Self::Idal2k, Self::Idal1];

    /// Writes or reads all records of the track, one CCW each.
    fn transfer(self, write: bool, generation: u32) -> Case {
        let (what, mask, operation, command) = match write {
            true => ("write", MASK_WRITE, LOCATE_WRITE, WRITE_DATA_MT),
            false => ("read", MASK_READ, LOCATE_READ, READ_DATA_MT),
        };
        let end = START + 8 * (2 + u32::from(RECORDS));
        let mut case = Case::new(
            format!("{what} 12 records, {self:?}"),
            format!("00c04007 {end:08x} 0c000000"),
        )
        .word1(match self {
            Self::Direct | Self::Idal4k => STANDARD,
            Self::Idal2k => STANDARD | word1::IDAW_2K,
            Self::Idal1 => STANDARD & !word1::FORMAT2_IDAWS,
        })
        .store(EXTENT_AT, &extent(mask, TRACK))
        .store(LOCATE_AT, &locate(operation, RECORDS, TRACK, 1, RECORD));
        let mut ccws = locating();
        let mut lists = Vec::new();
        for record in 1..=RECORDS {
            let bytes = contents(generation, record);
            let flags = if record == RECORDS { 0 } else { CC };
            let pieces = self.pieces(record);
            if let Self::Direct = self {
                let at = u32::try_from(pieces[0].0).unwrap_or(0);
                ccws.push(ccw(command, flags, RECORD, at));
            } else {
                lists.resize(lists.len().next_multiple_of(8), 0);
                let at = LISTS + u32::try_from(lists.len()).unwrap_or(0);
                ccws.push(ccw(command, flags | IDA, RECORD, at));
            }
            let mut done = 0;
            for (at, len) in pieces {
                match self {
                    Self::Direct => {}
                    Self::Idal4k | Self::Idal2k => lists.extend(at.to_be_bytes()),
                    Self::Idal1 => lists.extend(&at.to_be_bytes()[4..]),
                }
                let piece = &bytes[done..done + len];
                case = if write {
                    case.store(at, piece)
                } else {
                    case.holds(at, piece)
                };
                done += len;
            }
        }
        case.ccws(&ccws).store(LISTS, &lists)
    }

    /// Where a record's bytes go: pages in no order, from an odd address on, above 2 GiB where the
    /// words can say so.
    fn pieces(self, record: u8) -> Vec<(u64, usize)> {
        let n = u64::from(record - 1);
        let total = usize::from(RECORD);
        let (first, block, away) = match self {
            Self::Direct => return vec![(u64::from(DATA) + n * 0x8000 + 0x123, total)],
            Self::Idal4k => (HIGHER + n * 0x8000 + 0x7a1, 4096, HIGH),
            Self::Idal2k => (HIGH + n * 0x8000 + 0x7a1, 2048, HIGHER),
            Self::Idal1 => (u64::from(DATA) + n * 0x8000 + 0x7a1, 2048, 0x80_0000),
        };
        let mut pieces = Vec::new();
        let (mut at, mut left, mut word) = (first, total, 0);
        while left > 0 {
            let room = block - usize::try_from(at).unwrap_or(0) % block;
            let len = room.min(left);
            pieces.push((at, len));
            left -= len;
            // Further pieces lie downward, in blocks that do not adjoin.
            at = away
                + 0x10_0000
                + n * 0x1_0000
                + (3 - word) * 0x2000
                + u64::from(block == 2048 && word % 2 == 1) * 2048;
            word += 1;
        }
        pieces
    }
}

/// Reads a whole track with its largest count.
fn track_image(generation: u32) -> Case {
    let at = DATA + 0x123;
    // The records behind record 0, then the end of the track: 8 bytes of ones.
    let bytes = u32::from(RECORDS) * (8 + u32::from(RECORD)) + 8;
    let residual = 65535 - bytes;
    let mut case = Case::new(
        "READ TRACK of 65535 bytes",
        format!("00c04007 00001018 0c00{residual:04x}"),
    )
    .store(EXTENT_AT, &extent(MASK_READ, TRACK))
    .store(LOCATE_AT, &locate(LOCATE_READ_TRACK, 1, TRACK, 0, 0));
    let mut ccws = locating();
    ccws.push(ccw(READ_TRACK, SLI, 65535, at));
    let mut next = at;
    for record in 1..=RECORDS {
        case = case
            .holds(next, &count(TRACK, record))
            .holds(next + 8, &contents(generation, record));
        next += 8 + u32::from(RECORD);
    }
    case.ccws(&ccws).holds(next, &[0xff; 8])
}

/// What the track holds after [`data`].
pub(crate) fn record(record: u8) -> Vec<u8> {
    contents(19, record)
}

/// A program that searches for record 5, and goes on with `then`.
pub(crate) fn search(name: &str, statuses: impl Into<String>, then: &[[u8; 8]]) -> Case {
    let mut ccws = searching(START);
    ccws.extend(then);
    Case::new(name, statuses)
        .store(SEEK_AT, &seek(TRACK))
        .store(ID_AT, &id(TRACK, 5))
        .ccws(&ccws)
}

/// Orientation, lengths, data chaining.
pub(crate) fn search_and_length(line: &mut Line, report: &mut Report) {
    let whole = record(5);
    search(
        "SEEK, SEARCH, TIC *-8, READ",
        "00c04007 00001020 0c000000",
        &[ccw(READ_DATA, 0, RECORD, DATA)],
    )
    .holds(DATA, &whole)
    .run(line, report);
    let zero = [
        ccw0(SEEK, CC, 6, SEEK_AT),
        ccw0(SEARCH_ID_EQUAL, CC, 5, ID_AT),
        ccw0(8, 0, 0, START + 8),
        ccw0(READ_DATA, 0, RECORD, DATA),
    ];
    Case::new("the same in format 0", "00404007 00001020 0c000000")
        // It shows the format of its own copy.
        .alone(Alone::Wrong)
        .word1(STANDARD & !word1::FORMAT1)
        .store(SEEK_AT, &seek(TRACK))
        .store(ID_AT, &id(TRACK, 5))
        .ccws(&zero)
        .holds(DATA, &whole)
        .run(line, report);
    // "PoP: Channel Status", incorrect length; residual by the count of the CCW.
    for (name, count, flags, status, moved) in [
        (
            "short record, SLI",
            8192,
            SLI,
            "00c04007 00001020 0c001000",
            4096,
        ),
        ("short record", 8192, 0, "00c04017 00001020 0c401000", 4096),
        (
            "long record, SLI",
            100,
            SLI,
            "00c04007 00001020 0c000000",
            100,
        ),
        ("long record", 100, 0, "00c04017 00001020 0c400000", 100),
    ] {
        search(name, status, &[ccw(READ_DATA, flags, count, DATA)])
            .holds(DATA, &whole[..moved])
            .run(line, report);
    }
    for (name, at, alone) in [
        ("data chaining with SKIP", DATA + 0x1000, Alone::Same),
        (
            "the same, nothing at the skipped address",
            NOWHERE,
            Alone::Refused(Refusal::Unmapped),
        ),
    ] {
        let then = [
            ccw(READ_DATA, CD, 1000, DATA),
            ccw(0, CD | SKIP, 1000, at),
            ccw(0, 0, 2096, DATA + 0x2000),
        ];
        search(name, "00c04007 00001030 0c000000", &then)
            .holds(DATA, &whole[..1000])
            .holds(DATA + 0x2000, &whole[2000..])
            .store(DATA + 0x1000, &[0xaa; 1000])
            .alone(alone)
            .run(line, report);
        let untouched = line.guest.fetch((DATA + 0x1000).into(), 1000) == [0xaa; 1000];
        report.check(
            &format!("{name}: skipped storage"),
            untouched
                .then_some(())
                .ok_or_else(|| "was stored into".to_owned()),
        );
    }
    search(
        "TIC between data-chained CCWs",
        "00c04007 00005008 0c000000",
        &[ccw(READ_DATA, CD, 1000, DATA), tic(0x5000)],
    )
    .store(0x5000_u32, &ccw(0, 0, 3096, DATA + 0x2000))
    .holds(DATA, &whole[..1000])
    .holds(DATA + 0x2000, &whole[1000..])
    .run(line, report);
    let high = HIGHER + 0x7ffd;
    let pages = [high.to_be_bytes(), (HIGH + 0x1000).to_be_bytes()].concat();
    search(
        "READ to storage above 2 GiB",
        "00c04007 00001020 0c000000",
        &[ccw(READ_DATA, IDA, RECORD, LISTS)],
    )
    .store(LISTS, &pages)
    .holds(high, &whole[..3])
    .holds(HIGH + 0x1000, &whole[3..])
    .run(line, report);
    update(line, report);
}

/// A record is written from 2 KiB blocks and read back in the same program.
fn update(line: &mut Line, report: &mut Report) {
    let bytes = contents(20, 7);
    let pieces = [
        (0x50_07c0_u64, 64),
        (0x60_0800, 2048),
        (0x55_1000, 4096 - 64 - 2048),
    ];
    let mut ccws = locating();
    ccws.push(ccw(WRITE_DATA_MT, CC | IDA, RECORD, LISTS));
    ccws.push(ccw(SEEK, CC, 6, SEEK_AT));
    ccws.push(ccw(SEARCH_ID_EQUAL, CC, 5, ID_AT));
    ccws.push(tic(START + 0x20));
    ccws.push(ccw(READ_DATA, 0, RECORD, DATA));
    let mut case = Case::new(
        "write by 2 KiB blocks and read",
        "00c04007 00001038 0c000000",
    )
    .word1(STANDARD | word1::IDAW_2K)
    .store(EXTENT_AT, &extent(MASK_WRITE, TRACK))
    .store(LOCATE_AT, &locate(LOCATE_WRITE, 1, TRACK, 7, RECORD))
    .store(SEEK_AT, &seek(TRACK))
    .store(ID_AT, &id(TRACK, 7))
    .store(LISTS, &pieces.map(|(at, _)| at.to_be_bytes()).concat())
    .ccws(&ccws)
    .holds(DATA, &bytes);
    let mut done = 0;
    for (at, len) in pieces {
        case = case.store(at, &bytes[done..done + len]);
        done += len;
    }
    case.run(line, report);
}

/// Errors of the device and of the program.
pub(crate) fn endings(line: &mut Line, report: &mut Report) {
    search(
        "no such record",
        "00c24017 00001010 0e400005",
        &[ccw(READ_DATA, 0, RECORD, DATA)],
    )
    .store(ID_AT, &id(TRACK, 99))
    // No record found.
    .sense(&[0x00, 0x08])
    .run(line, report);
    Case::new(
        "invalid command in third place",
        "00c04017 00001018 0020....",
    )
    .ccws(&[
        sense_id(CC, DATA),
        ccw(READ_CHARACTERISTICS, CC, 64, DATA + 0x1000),
        ccw(0, CC, 64, DATA + 0x2000),
        sense_id(0, DATA + 0x3000),
    ])
    .holds(DATA, &SENSE_ID_HEAD)
    .holds(DATA + 0x1000, &[0x39, 0x90, 0xc2, 0x33, 0x90])
    .run(line, report);
    Case::new("data nowhere in third place", "00c04017 00001018 0020....")
        .ccws(&[
            sense_id(CC, DATA),
            ccw(READ_CHARACTERISTICS, CC, 64, DATA + 0x1000),
            ccw(SENSE_ID, SLI, 64, NOWHERE),
        ])
        .holds(DATA, &SENSE_ID_HEAD)
        .holds(DATA + 0x1000, &[0x39, 0x90, 0xc2, 0x33, 0x90])
        .alone(Alone::Refused(Refusal::Unmapped))
        .run(line, report);
    let last = u32::try_from(LOW_LEN - 8).unwrap_or(0);
    Case::new(
        "a program in the last 8 bytes",
        format!("00c04007 {:08x} 0c0000f4", last + 8),
    )
    .starts_at(last)
    .store(last, &sense_id(0, DATA))
    .holds(DATA, &SENSE_ID_HEAD)
    .alone(Alone::Refused(Refusal::Unmapped))
    .run(line, report);
}
