// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A 3480 tape, and reading backward; a 1403 printer.

use crate::case::{Alone, Case, START};
use crate::eckd::noise;
use crate::guest::{CC, CD, HIGH, HIGHER, IDA, SLI, ccw};
use crate::line::Line;
use crate::report::Report;

const WRITE: u8 = 0x01;
const READ: u8 = 0x02;
const REWIND: u8 = 0x07;
const READ_BACKWARD: u8 = 0x0c;
const WRITE_TAPE_MARK: u8 = 0x1f;
const FORWARD_SPACE: u8 = 0x37;

const DATA: u32 = 0x20_0000;
const LISTS: u32 = 0x8000;

/// All is well, with the last CCW the `n`-th and nothing left of it.
fn good(n: u32) -> String {
    format!("00c04007 {:08x} 0c000000", START + 8 * n)
}

/// The tape holds a block of 20000 bytes, one of 3000, and a tape mark.
pub(crate) fn tape(line: &mut Line, report: &mut Report) {
    let block = noise(1, 20_000);
    let from = u64::from(DATA) + 0x123;
    // The last one is immediate: its count stays.
    let status = "00c04007 00001030 0c000001";
    Case::new("WRITE, WRITE by data chaining, tape mark, REWIND", status)
        .store(from, &block)
        .ccws(&[
            ccw(REWIND, CC | SLI, 1, DATA),
            ccw(WRITE, CC, 20_000, DATA + 0x123),
            ccw(WRITE, CD, 100, DATA + 0x123),
            ccw(0, CC, 2900, DATA + 0x123 + 100),
            ccw(WRITE_TAPE_MARK, CC | SLI, 1, DATA),
            ccw(REWIND, SLI, 1, DATA),
        ])
        .run(line, report);
    Case::new("READ of a shorter block, SLI", "00c04007 00001008 0c0031e0")
        .ccws(&[ccw(READ, SLI, 32_768, DATA + 0x45)])
        .holds(DATA + 0x45, &block)
        .alone(Alone::Unknown)
        .run(line, report);
    Case::new("READ", good(1))
        .ccws(&[ccw(READ, 0, 3000, DATA + 0x45)])
        .holds(DATA + 0x45, &block[..3000])
        .alone(Alone::Unknown)
        .run(line, report);
    Case::new("READ at the tape mark", "00c04017 00001008 0d......")
        .ccws(&[ccw(READ, SLI, 3000, DATA)])
        .alone(Alone::Unknown)
        .run(line, report);
    backward(line, report, &block);
}

/// Reading backward: each program first goes to the end of the long block, reads it backward, and
/// the data address is that of the last byte.
fn backward(line: &mut Line, report: &mut Report, block: &[u8]) {
    // The last byte's offset in its page decides how the kernel counts pages.
    for offset in [0, 1, 100, 1500, 2047, 2048, 2500, 3000, 4095_u32] {
        let last = DATA + 0x8000 + offset;
        Case::new(
            format!("READ BACKWARD over pages, to offset {offset}"),
            good(3),
        )
        .ccws(&to_end(ccw(READ_BACKWARD, 0, 20_000, last)))
        .holds(last + 1 - 20_000, block)
        .alone(Alone::Wrong)
        .run(line, report);
    }
    Case::new("READ BACKWARD inside a page", "00c04017 00001018 0c400000")
        .ccws(&to_end(ccw(READ_BACKWARD, 0, 3000, DATA + 3500)))
        .holds(DATA + 501, &block[17_000..])
        .run(line, report);
    Case::new(
        "READ BACKWARD, more than there is, SLI",
        "00c04007 00001018 0c004e20",
    )
    .ccws(&to_end(ccw(READ_BACKWARD, SLI, 40_000, DATA + 0x1_0000)))
    .holds(DATA + 0x1_0001 - 20_000, block)
    .alone(Alone::Wrong)
    .run(line, report);
    for offset in [100, 2500, 4095_u64] {
        let mut list = Vec::new();
        let mut case = Case::new(
            format!("READ BACKWARD by IDAWs from offset {offset}"),
            good(3),
        );
        let (mut left, mut page) = (block.len(), 0);
        while left > 0 {
            let len = if page == 0 {
                usize::try_from(offset).unwrap_or(0) + 1
            } else {
                4096
            };
            let len = len.min(left);
            let base = if page % 2 == 0 { HIGH } else { HIGHER } + 0x4_0000 - page * 0x3000;
            let last = if page == 0 {
                base + offset
            } else {
                base + 4095
            };
            list.extend(last.to_be_bytes());
            case = case.holds(last + 1 - len as u64, &block[left - len..left]);
            left -= len;
            page += 1;
        }
        case.store(LISTS, &list)
            .ccws(&to_end(ccw(READ_BACKWARD, IDA, 20_000, LISTS)))
            .alone(Alone::Unknown)
            .run(line, report);
    }
}

/// To the start of the tape and over the first block; then `read`.
fn to_end(read: [u8; 8]) -> [[u8; 8]; 3] {
    [
        ccw(REWIND, CC | SLI, 1, DATA),
        ccw(FORWARD_SPACE, CC | SLI, 1, DATA),
        read,
    ]
}

/// Lines of a printer; what arrives there is looked at by whoever has the printer.
pub(crate) fn printer(line: &mut Line, report: &mut Report) {
    // HELLO, in two places.
    let hello = [0xc8, 0xc5, 0xd3, 0xd3, 0xd6];
    Case::new("a line, and a line by data chaining", good(3))
        .store(DATA, &hello)
        .store(HIGH, &hello[2..])
        .store(LISTS, &HIGH.to_be_bytes())
        .ccws(&[
            ccw(0x09, CC, 5, DATA),
            ccw(0x09, CD, 2, DATA),
            ccw(0, IDA, 3, LISTS),
        ])
        .run(line, report);
}
