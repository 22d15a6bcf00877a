// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Long programs, jumps, and CCW addresses of all lengths.

use crate::case::{Alone, Case, Refusal, START, matches, text};
use crate::dasd::{SENSE_ID_HEAD, search};
use crate::eckd::*;
use crate::guest::{CC, CD, SLI, STANDARD, ccw, orb, tic};
use crate::line::Line;
use crate::report::Report;

const DATA: u32 = 0x20_0000;

/// Programs that are longer than the kernel takes.
pub(crate) fn long(line: &mut Line, report: &mut Report) {
    for n in [256_u32, 257, 600, 2000] {
        let mut ccws = nops(n - 1);
        ccws.push(sense_id(0, DATA));
        let end = START + 8 * n;
        Case::new(format!("{n} CCWs"), format!("00c04007 {end:08x} 0c0000f4"))
            .ccws(&ccws)
            .holds(DATA, &SENSE_ID_HEAD)
            .alone(if n <= 256 {
                Alone::Same
            } else {
                Alone::Refused(Refusal::TooLong)
            })
            .run(line, report);
    }
    for segments in [16_u32, 17, 60] {
        let last = START + 0x100 * (segments - 1);
        let mut case = Case::new(
            format!("{segments} segments"),
            format!("00c04007 {:08x} 0c0000f4", last + 8),
        );
        for n in 0..segments - 1 {
            let at = START + 0x100 * n;
            case = case.store(at, [ccw(NOP, CC, 1, 0), tic(at + 0x100)].as_flattened());
        }
        case.store(last, &sense_id(0, DATA))
            .holds(DATA, &SENSE_ID_HEAD)
            .alone(if segments <= 16 {
                Alone::Same
            } else {
                Alone::MayRefuse(Refusal::TooLong)
            })
            .run(line, report);
    }
    let mut ccws = nops(5000);
    ccws.push(sense_id(0, DATA));
    Case::new("5001 CCWs", "E02")
        .ccws(&ccws)
        .alone(Alone::Refused(Refusal::TooLong))
        .run(line, report);
    // No two of these can be parted.
    let mut ccws = searching(START);
    ccws.truncate(1);
    ccws.extend(vec![ccw(SEARCH_ID_EQUAL, CC, 5, ID_AT); 300]);
    ccws.push(sense_id(0, DATA));
    Case::new("300 searches in a row", "E10")
        .store(SEEK_AT, &seek((1, 0)))
        .store(ID_AT, &id((1, 0), 99))
        .ccws(&ccws)
        .alone(Alone::Refused(Refusal::TooLong))
        .run(line, report);
}

fn nops(n: u32) -> Vec<[u8; 8]> {
    (0..n).map(|_| ccw(NOP, CC | SLI, 1, 0)).collect()
}

/// A command that may skip the CCW behind it, and a jump there: exactly right, or refused by name.
pub(crate) fn skips(line: &mut Line, report: &mut Report) {
    for (name, wanted, exact) in [
        (
            "no match before a forward TIC",
            99,
            "00c24017 00001010 0e......",
        ),
        (
            "a match before a forward TIC",
            5,
            "00c04007 00001020 0c000000",
        ),
    ] {
        let ccws = [
            ccw(SEEK, CC, 6, SEEK_AT),
            ccw(SEARCH_ID_EQUAL, CC, 5, ID_AT),
            tic(0x3000),
            ccw(READ_DATA, SLI, RECORD, DATA),
        ];
        line.guest.store(SEEK_AT.into(), &seek((1, 0)));
        line.guest.store(ID_AT.into(), &id((1, 0), wanted));
        line.guest.store(0x3000, &ccw(NOP, 0, 1, 0));
        line.guest.store(START.into(), ccws.as_flattened());
        let found = text(&line.mediated(&orb(STANDARD, START)));
        let jumped = "00c04007 00003008 0c00....";
        let right =
            found == "E10" || matches(&found, exact) || wanted == 99 && matches(&found, jumped);
        report.check(name, right.then_some(()).ok_or(found));
    }
    // The skip leads over a CCW that is not a jump: no reason to refuse.
    search(
        "a match that skips nothing but the TIC",
        "00c04007 00001020 0c000000",
        &[ccw(READ_DATA, 0, RECORD, DATA)],
    )
    .run(line, report);
}

/// The CCW address in the status, for programs and segments of each length.
pub(crate) fn addresses(line: &mut Line, report: &mut Report) {
    let around = [96_u32, 128, 192, 256, 512, 768, 1024];
    let lengths = (1..=70).chain(around.iter().flat_map(|n| n - 2..=n + 2));
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for n in lengths {
        let mut ccws = nops(n);
        let last = usize::try_from(n - 1).unwrap_or(0);
        ccws[last] = ccw(NOP, SLI, 1, 0);
        line.guest.store(START.into(), ccws.as_flattened());
        let found = text(&line.mediated(&orb(STANDARD, START)));
        let wanted = format!("00c04007 {:08x} 0c000001", START + 8 * n);
        tried += 1;
        if found != wanted {
            wrong.push(format!("{n} CCWs: {found}"));
        }
        for k in [n / 3, n / 2, n - 1] {
            let at = START + 8 * k;
            let sound = line.guest.fetch(at.into(), 8);
            line.guest.store(at.into(), &ccw(0, CC, 1, DATA));
            let found = text(&line.mediated(&orb(STANDARD, START)));
            let wanted = format!("00c04017 {:08x} 0020....", at + 8);
            tried += 1;
            if !matches(&found, &wanted) {
                wrong.push(format!("{n} CCWs, number {k} invalid: {found}"));
            }
            line.guest.store(at.into(), &sound);
        }
    }
    report.check(
        &format!("CCW addresses of {tried} endings"),
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join("; "))
        },
    );
    // The same in guest segments, which end otherwise than the host's.
    let mut wrong = Vec::new();
    for len in 1..=33_u32 {
        let segments = 9;
        let stride = 8 * len + 0x48;
        for n in 0..segments {
            let at = START + stride * n;
            let mut ccws = nops(len);
            ccws.push(tic(at + stride));
            line.guest.store(at.into(), ccws.as_flattened());
        }
        for n in 0..segments {
            let at = START + stride * n + 8 * (len - 1);
            let sound = line.guest.fetch(at.into(), 8);
            line.guest.store(at.into(), &ccw(NOP, SLI, 1, 0));
            let found = text(&line.mediated(&orb(STANDARD, START)));
            let wanted = format!("00c04007 {:08x} 0c000001", at + 8);
            if found != wanted {
                wrong.push(format!("segments of {len}, end in {n}: {found}"));
            }
            line.guest.store(at.into(), &sound);
        }
    }
    report.check(
        "CCW addresses of 297 endings in segments",
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join("; "))
        },
    );
    // Data chaining by TICs.
    let whole = crate::dasd::record(5);
    let mut case = search(
        "seven data-chained CCWs, a TIC behind each",
        "00c04007 00005608 0c000000",
        &[ccw(READ_DATA, CD, 500, DATA), tic(0x5000)],
    )
    .holds(DATA, &whole);
    for n in 0..7_u32 {
        let at = 0x5000 + 0x100 * n;
        let to = DATA + 500 * (n + 1);
        case = match n {
            6 => case.store(at, &ccw(0, 0, RECORD - 3500, to)),
            _ => case.store(at, [ccw(0, CD, 500, to), tic(at + 0x100)].as_flattened()),
        };
    }
    case.run(line, report);
}
