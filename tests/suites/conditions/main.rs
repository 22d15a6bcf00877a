// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Every condition of the groups O, A, C, D, I and M, each in a program of its own.
//!
//! For each condition: the verdict with its place to the bit, the status that the guest sees, and
//! the repair; the software channel stops at the same CCW with the same check, and so does the
//! translated program. Beside each stand its neighbours, programs that just keep the rule.

mod address;
mod command;
mod data;
mod environment;
mod fault;
mod idal;
mod midal;
mod orb;
mod order;
mod reserved;
mod run;

use translator::Code;

/// The instruction's own conditions, which a program cannot meet.
const OF_THE_INSTRUCTION: [Code; 3] = [Code::OrbAlign, Code::OrbSid, Code::OrbLpmNone];

/// The source of the tests for a group of conditions.
fn tests_of(code: Code) -> Option<&'static str> {
    Some(match code.id().as_bytes()[0] {
        b'O' => include_str!("orb.rs"),
        b'A' => include_str!("address.rs"),
        b'C' => include_str!("command.rs"),
        b'D' => include_str!("data.rs"),
        b'I' => include_str!("idal.rs"),
        b'M' => include_str!("midal.rs"),
        _ => return None,
    })
}

/// Whether a test in `source` is named after `code`, and is about it.
fn is_tested(code: Code, source: &str) -> bool {
    let name = format!("{}_{}", code.id(), code.name().replace('-', "_"));
    let start = format!("#[test]\nfn {}(", name.to_lowercase());
    let body = source.split_once(&start).map(|(_, rest)| rest);
    let body = body.and_then(|rest| rest.split_once("\n}\n"));
    body.is_some_and(|(body, _)| body.contains(&format!("Code::{code:?}")))
}

#[test]
fn every_condition_has_a_test_of_its_name() {
    let missing: Vec<String> = Code::ALL
        .iter()
        .filter(|code| !OF_THE_INSTRUCTION.contains(code))
        .filter(|&&code| tests_of(code).is_some_and(|source| !is_tested(code, source)))
        .map(ToString::to_string)
        .collect();
    assert!(missing.is_empty(), "without a test: {missing:?}");
}
