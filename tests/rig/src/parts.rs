// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs that one snapshot cannot hold: suspended, forbidden to be prefetched, or read in by
//! themselves. The kernel alone knows no RESUME SUBCHANNEL, and copies every program once.

use std::time::Duration;

use ccw::orb::word1;
use vfio_ccw::mediator::ConditionCode::{Cc0, Cc2};

use crate::case::{Alone, Case, START, matches, scsw};
use crate::control::{code, one};
use crate::dasd::{SENSE_ID_HEAD, TRACK, record, search};
use crate::eckd::*;
use crate::guest::{CC, PCI, S, SLI, STANDARD, ccw, ccw0, orb, tic};
use crate::line::Line;
use crate::report::Report;

const DATA: u32 = 0x20_0000;
/// Word 1 of an ORB whose program may suspend itself.
const SUSPEND: u32 = STANDARD | word1::SUSPEND;
/// Word 1 of an ORB whose program must not be prefetched.
const NO_PREFETCH: u32 = STANDARD & !word1::PREFETCH;
/// Format 0 and nothing else: initial program loading.
const IPL: u32 = 0x8000;

/// Suspended, resumed, and suspended for good.
pub(crate) fn suspend(line: &mut Line, report: &mut Report) {
    let ccws = [
        sense_id(CC, DATA),
        ccw(NOP, CC | SLI | S, 1, 0),
        sense_id(0, DATA + 0x1000),
    ];
    let suspended = "08c04029 00001010 0000....";
    let name = "suspended, resumed with the S flag, suspended again, and resumed without";
    let result = start(line, &ccws, SUSPEND).and_then(|()| {
        next(line, suspended)?;
        holds(line, DATA, &SENSE_ID_HEAD)?;
        resume(line, Cc0)?;
        next(line, suspended)?;
        nothing_more(line)?;
        // The guest clears the flag, and rewrites what follows.
        line.guest
            .store(u64::from(START) + 8, &ccw(NOP, CC | SLI, 1, 0));
        line.guest
            .store(u64::from(START) + 16, &sense_id(0, DATA + 0x2000));
        resume(line, Cc0)?;
        one(line, "08c04007 00001018 0c0000f4")?;
        holds(line, DATA + 0x2000, &SENSE_ID_HEAD)?;
        // Nothing is left to be resumed.
        resume(line, Cc2)
    });
    report.check(name, result);

    // What is resumed is a chain of its own for the device: orientation begins anew.
    let searching = searching(START + 8);
    let mut ccws = vec![sense_id(CC, DATA)];
    ccws.extend(&searching);
    ccws[1][1] |= S;
    ccws.push(ccw(READ_DATA, 0, RECORD, DATA + 0x1000));
    line.guest.store(SEEK_AT.into(), &seek(TRACK));
    line.guest.store(ID_AT.into(), &id(TRACK, 5));
    let result = start(line, &ccws, SUSPEND).and_then(|()| {
        next(line, suspended)?;
        line.guest.store(u64::from(START) + 8, &searching[0]);
        resume(line, Cc0)?;
        one(line, "08c04007 00001028 0c000000")?;
        holds(line, DATA + 0x1000, &record(5))
    });
    report.check("suspended before a search", result);

    let ccws = [sense_id(CC, DATA), ccw(NOP, SLI | S, 1, 0)];
    let result = start(line, &ccws, SUSPEND).and_then(|()| {
        next(line, "08c04029 00001010 0000....")?;
        match line.mediator.hsch(&mut line.events) {
            Cc0 => one(line, "08c06001 ........ ........"),
            other => Err(format!("HALT SUBCHANNEL: {other}")),
        }
    });
    report.check("suspended and halted", result);
    let result = start(line, &ccws, SUSPEND).and_then(|()| {
        next(line, "08c04029 00001010 0000....")?;
        match line.mediator.csch(&mut line.events) {
            Cc0 => one(line, "00001001 00000000 00000000"),
            other => Err(format!("CLEAR SUBCHANNEL: {other}")),
        }
    });
    report.check("suspended and cleared", result);
    // Without suspend control it is a program check, and no host is asked.
    Case::new(
        "an S flag that is not allowed",
        "00c04017 00001010 0020....",
    )
    .ccws(&ccws)
    .holds(DATA, &SENSE_ID_HEAD)
    .alone(Alone::Unknown)
    .run(line, report);
}

/// PCI of a program that goes on, and of one that ends soon: by itself, or in what ends the program.
pub(crate) fn interrupted(line: &mut Line, report: &mut Report) {
    let running = [
        ccw(NOP, CC | SLI | PCI, 1, 0),
        sense_id(CC, DATA),
        tic(START + 8),
    ];
    let result = start(line, &running, STANDARD).and_then(|()| {
        next(line, "00c040c. 000010.. 0080....")?;
        match line.mediator.hsch(&mut line.events) {
            Cc0 => one(line, "00c0600. ........ ........"),
            other => Err(format!("HALT SUBCHANNEL: {other}")),
        }
    });
    report.check("program-controlled interruption, and on it goes", result);
    let ccws = [
        sense_id(CC, DATA),
        ccw(NOP, CC | SLI | PCI, 1, 0),
        sense_id(0, DATA + 0x1000),
    ];
    for (name, word1, orb) in [
        ("prefetched", STANDARD, "00c0"),
        ("not prefetched", NO_PREFETCH, "0080"),
    ] {
        let result = start(line, &ccws, word1).and_then(|()| {
            let first = line.status(Duration::from_secs(5)).ok_or("silence")?;
            let first = scsw(&first.scsw().0);
            if matches(&first, &format!("{orb}4007 00001018 0c8000f4")) {
                return Ok(());
            }
            if !matches(&first, &format!("{orb}40c. 000010.. 0080....")) {
                return Err(format!("{first}, not PCI"));
            }
            one(line, &format!("{orb}4007 00001018 0c0000f4"))
        });
        report.check(&format!("program-controlled interruption, {name}"), result);
    }
}

fn start(line: &mut Line, ccws: &[[u8; 8]], word1: u32) -> Result<(), String> {
    line.guest.store(START.into(), ccws.as_flattened());
    line.guest.store(DATA.into(), &[0; 0x3000]);
    let orb = orb(word1, START);
    code(line.mediator.ssch(&orb, &mut line.events), Cc0)
}

/// The next interruption has this status.
fn next(line: &mut Line, wanted: &str) -> Result<(), String> {
    let found = line.status(Duration::from_secs(5)).ok_or("silence")?;
    let found = scsw(&found.scsw().0);
    match matches(&found, wanted) {
        true => Ok(()),
        false => Err(format!("{found}, not {wanted}")),
    }
}

fn nothing_more(line: &mut Line) -> Result<(), String> {
    match line.status(Duration::from_millis(50)) {
        None => Ok(()),
        Some(irb) => Err(format!("another one: {}", scsw(&irb.scsw().0))),
    }
}

fn resume(line: &mut Line, wanted: vfio_ccw::mediator::ConditionCode) -> Result<(), String> {
    let found = line.mediator.rsch(&mut line.events);
    match found == wanted {
        true => Ok(()),
        false => Err(format!("RESUME SUBCHANNEL: {found}, not {wanted}")),
    }
}

fn holds(line: &Line, at: u32, bytes: &[u8]) -> Result<(), String> {
    match line.guest.fetch(at.into(), bytes.len()) == bytes {
        true => Ok(()),
        false => Err(format!("wrong bytes at {at:x}")),
    }
}

/// Initial program loading from a 3390, and programs that read what they run.
pub(crate) fn modified(line: &mut Line, report: &mut Report) {
    loader(line, report);
    Case::new("not prefetched", "00804007 00001020 0c000000")
        .ccws(&searching(START))
        .store(START + 0x18, &ccw(READ_DATA, 0, RECORD, DATA))
        .store(SEEK_AT, &seek(TRACK))
        .store(ID_AT, &id(TRACK, 5))
        .word1(NO_PREFETCH)
        .holds(DATA, &record(5))
        .alone(Alone::Unknown)
        .run(line, report);
    // Record 9 begins with what replaces the CCW behind the one that reads it.
    let mut bytes = contents(22, 9);
    bytes[..8].copy_from_slice(&ccw(READ_DATA, 0, RECORD, DATA));
    let mut ccws = locating();
    ccws.push(ccw(WRITE_DATA_MT, 0, RECORD, DATA));
    Case::new("write a CCW to the disk", "00c04007 00001018 0c000000")
        .store(EXTENT_AT, &extent(MASK_WRITE, TRACK))
        .store(LOCATE_AT, &locate(LOCATE_WRITE, 1, TRACK, 9, RECORD))
        .store(DATA, &bytes)
        .ccws(&ccws)
        .alone(Alone::Unknown)
        .run(line, report);
    for (name, word1, status) in [
        (
            "and read it, not prefetched",
            NO_PREFETCH,
            "00804007 00001028 0c000000",
        ),
        (
            "and read it, prefetched if need be",
            STANDARD,
            "00c04007 00001028 0c000000",
        ),
    ] {
        let behind = [ccw(READ_DATA, CC | SLI, 8, START + 0x20), [0; 8]];
        search(name, status, &behind)
            .store(ID_AT, &id(TRACK, 9))
            .word1(word1)
            .holds(DATA, &record(10))
            .alone(match word1 {
                NO_PREFETCH => Alone::Wrong,
                _ => Alone::Unknown,
            })
            .run(line, report);
    }
}

/// Where the second record of the loader goes.
const SECOND: u32 = 0x3000;

/// The loader's first record: a PSW, and two CCWs that read and run the second one.
fn first_record() -> [u8; 24] {
    let psw = [0, 0x08, 0, 0, 0x80, 0, 0x30, 0];
    let read = ccw0(READ_DATA, CC | SLI, 144, SECOND);
    let jump = ccw0(8, 0, 0, SECOND);
    let mut record = [0; 24];
    record.copy_from_slice([psw, read, jump].as_flattened());
    record
}

/// The second one: CCWs that find a record and read it.
fn second_record() -> [u8; 144] {
    let mut record = [0; 144];
    let ccws = [
        ccw0(SEEK, CC, 6, SECOND + 0x20),
        ccw0(SEARCH_ID_EQUAL, CC, 5, SECOND + 0x22),
        ccw0(8, 0, 0, SECOND + 8),
        ccw0(READ_DATA, 0, RECORD, DATA),
    ];
    record[..32].copy_from_slice(ccws.as_flattened());
    record[0x20..0x26].copy_from_slice(&seek(TRACK));
    record[0x26] = 5;
    record
}

/// The 24 bytes that READ IPL reads over itself, which read on: the status is that of the last CCW
/// that was read in.
fn loader(line: &mut Line, report: &mut Report) {
    let track = (0, 0);
    for (n, bytes) in [(1, &first_record()[..]), (2, &second_record()[..])] {
        let mut ccws = locating();
        let len = u16::try_from(bytes.len()).unwrap_or(0);
        ccws.push(ccw(WRITE_DATA_MT, 0, len, DATA));
        Case::new(
            format!("write record {n} of the loader"),
            "00c04007 00001018 0c000000",
        )
        .store(EXTENT_AT, &extent(MASK_WRITE, track))
        .store(LOCATE_AT, &locate(LOCATE_WRITE, 1, track, n, len))
        .store(DATA, bytes)
        .ccws(&ccws)
        .alone(Alone::Unknown)
        .run(line, report);
    }
    let ccw = ccw0(READ_IPL, CC | SLI, 24, 0);
    Case::new("initial program loading", "00004007 00003020 0c000000")
        .word1(IPL)
        .starts_at(0)
        .store(0_u32, &[ccw, [0; 8], [0; 8]].concat())
        .store(SECOND, &[0; 144])
        .holds(DATA, &record(5))
        .alone(Alone::Wrong)
        .run(line, report);
}

/// Initial program loading from the deck of `run`: two cards of loader and two of data. No card can be
/// read twice.
pub(crate) fn cards(line: &mut Line, report: &mut Report) {
    let ccw = ccw0(READ_IPL, CC | SLI, 24, 0);
    Case::new(
        "initial program loading from cards",
        "00004007 00003010 0c000000",
    )
    .word1(IPL)
    .starts_at(0)
    .store(0_u32, &[ccw, [0; 8], [0; 8]].concat())
    .store(SECOND, &[0; 80])
    .holds(DATA, &[0xc3; 80])
    .holds(DATA + 80, &[0xc4; 80])
    .alone(Alone::Unknown)
    .run(line, report);
}
