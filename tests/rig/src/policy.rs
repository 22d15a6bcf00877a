// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A part of a volume, for reading only: commands that are denied are placed like any other error, and
//! those before them have run.

use translator::{CommandPolicy, Track, Tracks};

use crate::case::{Alone, Case};
use crate::dasd::{SENSE_ID_HEAD, TRACK, record, search};
use crate::eckd::*;
use crate::guest::{CC, SLI, ccw};
use crate::line::Line;
use crate::report::Report;

const DATA: u32 = 0x20_0000;
/// Sense bytes 0 and 1: file protected, write inhibited, command reject.
const PROTECTED: [u8; 2] = [0x00, 0x04];
const INHIBITED: [u8; 2] = [0x80, 0x02];
const REJECTED: [u8; 2] = [0x80, 0x00];

/// Cylinder 1, without what writes.
pub(crate) fn minidisk() -> CommandPolicy {
    let first = Track::new(1, 0);
    let tracks = Tracks::new(first, Track::new(1, 14)).expect("in this order");
    CommandPolicy::read_only(tracks)
}

/// A program behind SENSE ID, which is denied at the CCW at `cpa` minus 8.
fn denied(name: &str, cpa: u32, count: u16, sense: [u8; 2], ccws: &[[u8; 8]]) -> Case {
    let all = [&[sense_id(CC, DATA)], ccws].concat();
    Case::new(name, format!("00c24017 {cpa:08x} 0e00{count:04x}"))
        .ccws(&all)
        .holds(DATA, &SENSE_ID_HEAD)
        .sense(&sense)
        .store(EXTENT_AT, &extent(MASK_WRITE, TRACK))
        .store(LOCATE_AT, &locate(LOCATE_WRITE, 1, TRACK, 5, RECORD))
        .store(SEEK_AT, &seek((2, 0)))
        .alone(Alone::Unknown)
}

/// Everything that the guest asks for behind `minidisk`.
pub(crate) fn policy(line: &mut Line, report: &mut Report) {
    let read = search(
        "read within the part",
        "00c04007 00001020 0c000000",
        &[ccw(READ_DATA, 0, RECORD, DATA)],
    );
    let read = read.holds(DATA, &record(5)).alone(Alone::Unknown);
    read.run(line, report);
    let seek = [ccw(SEEK, CC, 6, SEEK_AT), ccw(NOP, SLI, 1, 0)];
    denied("seek to another cylinder", 0x1010, 0, PROTECTED, &seek).run(line, report);
    let mut ccws = locating();
    ccws.push(ccw(WRITE_DATA_MT, SLI, RECORD, DATA));
    denied("locate for writing", 0x1018, 0, INHIBITED, &ccws).run(line, report);
    denied("an extent elsewhere", 0x1010, 0, PROTECTED, &ccws)
        .store(EXTENT_AT, &extent(MASK_READ, (0, 14)))
        .run(line, report);
    denied(
        "write behind a location for reading",
        0x1020,
        RECORD,
        INHIBITED,
        &ccws,
    )
    .store(LOCATE_AT, &locate(LOCATE_READ, 1, TRACK, 5, RECORD))
    .run(line, report);
    // UNCONDITIONAL RESERVE takes the disk from somebody else.
    let reserve = [ccw(0x14, SLI, 32, DATA + 0x1000)];
    denied("reserve", 0x1010, 32, REJECTED, &reserve).run(line, report);
    read.run(line, report);
}
