// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that rewrites its program while it is started, again and again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crate::case::{START, matches, text};
use crate::eckd::sense_id;
use crate::guest::{CC, HIGH, IDA, NOWHERE, SLI, STANDARD, ccw, orb};
use crate::line::Line;
use crate::report::Report;

/// Starts that are made.
const STARTS: u64 = 10_000;
/// Where all data goes, and where none may.
const DATA: u64 = 0x20_0000;
const GUARD: u64 = 0x30_0000;
const LIST: u32 = 0x8000;

/// What the two CCWs and the list word are in turn.
const FIRST: [[u8; 8]; 3] = [
    [0xe4, CC | SLI, 1, 0, 0, 0x20, 0, 0],
    [0xe4, SLI, 1, 0, 0, 0x20, 0, 0],
    [0; 8],
];
fn second() -> [[u8; 8]; 4] {
    [
        sense_id(0, 0x20_1000),
        ccw(0xe4, SLI | IDA, 256, LIST),
        ccw(0xe4, SLI, 256, NOWHERE),
        ccw(0x10, SLI, 256, 0x20_2000),
    ]
}
const WORDS: [u64; 3] = [DATA + 0x3000, HIGH + 0x10, 0x0fff_ffff_0000_0000];

/// What any of these programs can end with.
const LEGAL: [&str; 5] = [
    // The first CCW is the last, or the second is.
    "00c04007 00001008 0c0000f4",
    "00c04007 00001010 0c0000f4",
    // The first is invalid; the second, its list or its data is, before or after it was begun.
    "00c04017 00001008 0020....",
    "00c04017 00001010 0020....",
    "00c04017 00001010 0c20....",
];
/// The device does not know a command.
const REJECTED: &str = "00c24017 00001010 ..00....";

/// Nothing but legal endings, and no byte where none may go.
pub(crate) fn rewrite(line: &mut Line, report: &mut Report) {
    let guard = vec![0x5a; 0x1_0000];
    line.guest.store(GUARD, &guard);
    line.guest.store(HIGH + 0x1000, &guard);
    let (stop, rewrites) = (AtomicBool::new(false), AtomicU64::new(0));
    let writer = line.guest.clone();
    let mut endings = BTreeMap::<String, u64>::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 0_usize;
            while !stop.load(Ordering::Relaxed) {
                // No pattern that the starts could fall in step with.
                n = n.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                let pick = n >> 16;
                writer.store(START.into(), &FIRST[pick % 3]);
                writer.store(u64::from(START) + 8, &second()[pick / 3 % 4]);
                writer.store(LIST.into(), &WORDS[pick / 12 % 3].to_be_bytes());
                rewrites.fetch_add(1, Ordering::Relaxed);
                if pick.is_multiple_of(64) {
                    thread::yield_now();
                }
            }
        });
        for _ in 0..STARTS {
            // There may be one processor.
            thread::yield_now();
            let found = text(&line.mediated(&orb(STANDARD, START)));
            *endings.entry(found).or_default() += 1;
        }
        stop.store(true, Ordering::Relaxed);
    });
    println!("        {} rewrites", rewrites.into_inner());
    let mut wrong = Vec::new();
    for (ending, times) in &endings {
        println!("        {times:6} times {ending}");
        let patterns = LEGAL.iter().chain([&REJECTED]);
        if !patterns.into_iter().any(|legal| matches(ending, legal)) {
            wrong.push(format!("{times} times {ending}"));
        }
    }
    if endings.len() < 2 {
        wrong.push("always the same: was anything rewritten?".to_owned());
    }
    let result = if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("; "))
    };
    report.check(
        &format!("{STARTS} starts of a program that is rewritten"),
        result,
    );
    let untouched = line.guest.fetch(GUARD, guard.len()) == guard
        && line.guest.fetch(HIGH + 0x1000, guard.len()) == guard;
    let result = untouched
        .then_some(())
        .ok_or_else(|| "was stored into".to_owned());
    report.check("storage that none of them names", result);
}
