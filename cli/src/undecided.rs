// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What cannot be told, because the storage that decides is not in the input.

use ccw::{Format, GuestAddr, IdawFormat};
use serde::Serialize;
use translator::{Code, Finding, Outcome, Program, Severity};

use crate::input::Input;
use crate::json;

/// Storage that is needed and not in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// The word that is not there, or not wholly.
    pub(crate) at: u64,
    what: &'static str,
    /// A part of it is there.
    partly: bool,
}

impl Missing {
    /// What is said instead of a finding.
    pub(crate) fn text(&self) -> String {
        let not = if self.partly { "not wholly" } else { "not" };
        format!(
            "the {} at {:08x} is {not} in this input",
            self.what, self.at
        )
    }
}

/// What keeps `finding` about `program` from being one: the storage that it rests on is not in the input.
pub(crate) fn missing(finding: &Finding, input: &Input, program: &Program) -> Option<Missing> {
    if input.memory.is_whole() {
        return None;
    }
    let site = &finding.site;
    let zero = program.orb().format == Format::Zero;
    let (what, at, len) = match finding.code {
        Code::CcwaCpaUnavail => ("CCW", Some(program.orb().cpa.widen().get()), 8),
        Code::CcwaSeqUnavail => ("CCW", site.at.or(site.ccw).map(GuestAddr::get), 8),
        Code::CcwaTicUnavail => {
            let word = site.word.as_bytes().first_chunk::<8>()?;
            let word = u64::from_be_bytes(*word);
            let target = if zero {
                word >> 32 & 0xff_ffff
            } else {
                word & 0x7fff_ffff
            };
            ("CCW", Some(target), 8)
        }
        Code::IdalUnavail => {
            let size = IdawFormat::of(program.orb()).size();
            ("list", site.at.map(GuestAddr::get), size)
        }
        Code::MidalUnavail => ("list", site.at.map(GuestAddr::get), 16),
        Code::TcwUnavail => ("TCW", Some(program.orb().cpa.widen().get()), 64),
        _ => ("storage", site.data.or(site.at).map(GuestAddr::get), 1),
    };
    let at = at?;
    let all = at..at.saturating_add(len);
    let lacking = all.filter(|byte| input.memory.lacks(*byte)).count() as u64;
    let partly = lacking < len;
    (lacking > 0).then_some(Missing { at, what, partly })
}

/// Whether `finding` is only about the end of what is in the input.
pub(crate) fn is_void(finding: &Finding, input: &Input) -> bool {
    let behind = finding.site.ccw.and_then(|ccw| ccw.get().checked_add(8));
    let lacks = |at: u64| (at..at.saturating_add(8)).any(|byte| input.memory.lacks(byte));
    finding.code == Code::ChainOpen && behind.is_some_and(lacks)
}

/// The first storage that the verdict on `program` depends on and that is not in the input.
pub(crate) fn first(input: &Input, program: &Program) -> Option<Missing> {
    let mut findings = program.findings().iter();
    findings.find_map(|finding| missing(finding, input, program))
}

/// Whether `program` is legal, as far as it can be told from `input`.
pub(crate) fn outcome(input: &Input, program: &Program) -> Outcome {
    let findings = program.findings();
    let certain = findings
        .iter()
        .take_while(|finding| missing(finding, input, program).is_none())
        .any(|finding| finding.severity == Severity::Error);
    match program.outcome() {
        _ if !certain && first(input, program).is_some() => Outcome::Indeterminate,
        outcome => outcome,
    }
}

/// Storage that is missing, as JSON.
#[derive(Serialize)]
pub(crate) struct Entry {
    ccw: Option<String>,
    index: Option<u16>,
    at: String,
    message: String,
}

/// All that is missing to judge `program`, as JSON.
pub(crate) fn entries(input: &Input, program: &Program) -> Vec<Entry> {
    let entry = |finding: &Finding| {
        let missing = missing(finding, input, program)?;
        Some(Entry {
            ccw: finding.site.ccw.map(|ccw| json::hex(ccw.get())),
            index: finding.site.index,
            at: json::hex(missing.at),
            message: missing.text(),
        })
    };
    program.findings().iter().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analysis, reading};

    /// What is missing in a listing, and the outcome.
    fn of(listing: &str) -> (Option<String>, Outcome) {
        let mut readings = reading::every(listing.as_bytes());
        // The last one is that of what the text looks like.
        let input = readings.pop().unwrap().remove(0);
        let program = analysis::judge(&input);
        let missing = first(&input, &program);
        let void = program.findings().iter().filter(|it| is_void(it, &input));
        assert!(void.count() < 2);
        (missing.map(|it| it.text()), outcome(&input, &program))
    }

    #[test]
    fn each_word_that_is_not_there_is_named() {
        for (listing, missing) in [
            ("9000: 00", "CCW at 00002000 is not"),
            ("2000: 03400001 00000000", "CCW at 00002008 is not"),
            (
                "2000: 03400001 00000000\n2008: 03",
                "CCW at 00002008 is not wholly",
            ),
            (
                "2000: 03400001 00000000\n2008: 08000000 00004000",
                "CCW at 00004000 is not",
            ),
            ("2000: 02040010 00003000", "list at 00003000 is not"),
            (
                "2000: 02042000 00003000\n3000: 00000000 00004000",
                "list at 00003008 is not",
            ),
            (
                "orb: 00000000 00c2ff40 00002000\n2000: 02010010 00003000\n3000: 00000000 00800010",
                "list at 00003000 is not wholly",
            ),
        ] {
            let orb = "orb: 00000000 00c2ff00 00002000\n";
            let listing = match listing.starts_with("orb") {
                true => listing.to_owned(),
                false => format!("{orb}{listing}"),
            };
            let expected = format!("the {missing} in this input");
            assert_eq!(
                of(&listing),
                (Some(expected), Outcome::Indeterminate),
                "{listing}"
            );
        }
    }

    #[test]
    fn what_comes_first_decides() {
        let orb = "orb: 00000000 00c2ff00 00002000\n";
        // A misaligned IDAW, and behind it a CCW that is not there.
        let list = "3000: 00000000 00004000 00000000 00005004";
        let wrong = format!("{orb}2000: 02442000 00003000\n{list}");
        assert!(of(&wrong).0.is_some());
        assert_eq!(of(&wrong).1, Outcome::Invalid);
        // A list that is not there, and behind it an error.
        let open = format!("{orb}2000: 02440010 00003000\n2008: 00000001 00000000");
        assert_eq!(of(&open).1, Outcome::Indeterminate);
        // Data that is not there says nothing against a program.
        let data = format!("{orb}2000: 01000010 00003000");
        assert_eq!(of(&data), (None, Outcome::Valid));
    }
}
