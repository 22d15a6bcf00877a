// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What to change so that a rule is kept: bytes of the program, tried out before they are suggested.
//!
//! For each condition [`candidates`] names what may be meant. Each is carried out on a view of the
//! input and judged again; suggested is the first that makes the program legal, or else the first
//! that leaves nothing wrong up to the place in question.

mod candidates;
mod edit;
mod made;
mod word;

use translator::{Finding, Outcome, Program, Severity};

pub(crate) use edit::Change;

use crate::input::Input;

/// Findings of one program for which changes are looked for; each costs several judgements.
const MOST: usize = 16;

impl Change {
    /// What satisfies the rule that `finding` about `program` is about, if bytes of one place do.
    pub(crate) fn of(finding: &Finding, input: &Input, program: &Program) -> Option<Self> {
        let mut findings = program.findings().iter().take(MOST);
        findings.find(|other| *other == finding)?;
        let mut second = None;
        for change in candidates::of(finding, input, program) {
            let Some(change) = change.trimmed() else {
                continue;
            };
            match change.effect(finding, input, program) {
                Effect::Legal => return Some(change),
                Effect::Further => second = second.or(Some(change)),
                Effect::None => {}
            }
        }
        second
    }

    /// What becomes of `program` by it.
    fn effect(&self, finding: &Finding, input: &Input, program: &Program) -> Effect {
        let changed = self.judge(input);
        let gone = !changed
            .findings()
            .iter()
            .any(|other| other.code == finding.code && other.site.at == finding.site.at);
        let error = |program: &Program| {
            let mut findings = program.findings().iter();
            findings
                .find(|other| other.severity == Severity::Error)
                .copied()
        };
        match error(&changed) {
            _ if !gone => Effect::None,
            None if changed.outcome() == Outcome::Valid => Effect::Legal,
            None if program.outcome() == Outcome::Invalid => Effect::Further,
            Some(next) if next.site.index > finding.site.index.or(Some(0)) => Effect::Further,
            Some(next) if error(program) == Some(next) => Effect::Legal,
            _ => Effect::None,
        }
    }
}

/// What a change does for the program as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// No error is left, or only what has nothing to do with it.
    Legal,
    /// The program goes on further, but not to its end.
    Further,
    /// None that is wanted.
    None,
}
