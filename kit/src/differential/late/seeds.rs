// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the fuzz target starts from.

use super::{LateCase, LateProgram, Line, Loader, Marked};
use crate::generator::Case;

/// READ of `count` CCWs to number `at` of the program.
const fn read(at: u8, count: u8) -> Line {
    Line {
        kind: 2,
        code: 0,
        at,
        count: count - 1,
        chains: 0,
        mark: 0,
    }
}

/// TIC to CCW number `at`.
const fn tic(at: u8) -> Line {
    Line {
        kind: 0,
        ..read(at, 1)
    }
}

/// Control, command number `code` of those that there are, with one of the flags.
const fn control(code: u8, mark: u8) -> Line {
    Line {
        kind: 8,
        code,
        mark,
        ..read(0, 1)
    }
}

/// The last CCW of a program.
const LAST: Line = Line {
    chains: 9,
    ..control(3, 0)
};

const PCI: u8 = 18;
const SUSPEND: u8 = 16;

/// Name, device, CCWs, and the input of commands by their number.
type Program = (
    &'static str,
    u8,
    &'static [Line],
    &'static [&'static [Line]],
);

/// Programs by name: CCWs that read CCWs, as decks and disks have them; a loop that reads what it goes
/// on with; and what the guest changes, told by a PCI and at a suspension.
const PROGRAMS: [Program; 5] = [
    (
        "cards",
        2,
        &[read(1, 2)],
        &[
            &[read(3, 2), read(5, 2)],
            &[control(3, 0), control(3, 0)],
            &[control(3, 0), LAST],
        ],
    ),
    (
        "disk",
        1,
        &[read(1, 2)],
        &[
            &[read(3, 4), tic(3)],
            &[control(0, 0), control(4, 0), read(7, 1), tic(7)],
            &[],
            &[],
            &[LAST],
        ],
    ),
    (
        "loop",
        2,
        &[read(1, 1), tic(0)],
        &[&[tic(0)], &[tic(0)], &[LAST]],
    ),
    (
        "told",
        1,
        &[control(0, PCI), control(3, PCI), control(3, 0), LAST],
        &[],
    ),
    (
        "suspended",
        1,
        &[read(1, 3), control(3, 0)],
        &[&[control(0, SUSPEND), control(3, PCI), LAST]],
    ),
];

/// The seeds of programs that were written by hand, by name.
pub fn late_seeds() -> Vec<(&'static str, Vec<u8>)> {
    let loader = |(name, device, ccws, inputs): Program| {
        let case = LateCase {
            changes: 0x9c5a_3b17,
            early: false,
            fails: None,
            program: LateProgram::Loader(Loader {
                device,
                prefetch: false,
                initial: false,
                ccws: ccws.to_vec(),
                inputs: inputs.iter().map(|lines| lines.to_vec()).collect(),
                answers: vec![3; 24],
            }),
        };
        (name, case.to_bytes())
    };
    PROGRAMS.map(loader).to_vec()
}

/// The seed that a program makes, some of its CCWs with S and PCI flags.
pub fn late_seed(case: Case) -> Vec<u8> {
    let marked = Marked {
        case,
        marks: 0x1234_5676,
        forbids: true,
        crowded: false,
        inputs: Vec::new(),
    };
    let case = LateCase {
        changes: 0x1b1b_1b1b,
        early: false,
        fails: None,
        program: LateProgram::Marked(marked),
    };
    case.to_bytes()
}
