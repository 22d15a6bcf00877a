// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What other implementations of the channel do with a program, by what is known about them.
//!
//! A [`Rule`] says what one implementation does with one [`Feature`], where that is to be read and what was
//! recorded of it. A program is predicted by the first of its features that decides; where one has no rule,
//! nothing is predicted.

mod condition;
mod copy;
mod feature;
mod find;
#[cfg(test)]
mod page;
mod profile;
mod report;
mod rule;
mod rules;
#[cfg(test)]
mod tests;

use ccw::SubchannelStatus;
use translator::{Outcome as Verdict, Program};

pub(crate) use condition::{Treatment, treatments};
use copy::Copied;
use feature::Feature;
use find::{Features, Found};
pub(crate) use profile::Profile;
pub(crate) use report::{Entry, entries, entry, text};
use rule::{Outcome, Rule};

use crate::analysis;
use crate::input::Input;

/// An implementation of the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Implementation {
    /// vfio-ccw of Linux 7.1, given the guest's program as it is.
    VfioCcw71,
    /// The same of Linux 6.12 and 7.2.
    VfioCcw,
    /// The virtual channel subsystem of QEMU.
    Qemu,
    /// SDL Hercules Hyperion.
    Hyperion,
}

impl Implementation {
    /// Every one.
    pub(crate) const ALL: [Self; 4] = [Self::VfioCcw71, Self::VfioCcw, Self::Qemu, Self::Hyperion];

    /// Its name, as an option and in reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::VfioCcw71 => "vfio-ccw-7.1",
            Self::VfioCcw => "vfio-ccw",
            Self::Qemu => "qemu",
            Self::Hyperion => "hyperion",
        }
    }

    /// Whether it copies a program before it starts it.
    const fn copies(self) -> bool {
        matches!(self, Self::VfioCcw71 | Self::VfioCcw)
    }

    /// What it does with `feature`, if that is known.
    fn rule(self, feature: Feature) -> Option<&'static Rule> {
        self.rules().find(|rule| rule.when == feature)
    }

    /// All that is known of it.
    fn rules(self) -> impl Iterator<Item = &'static Rule> {
        let rules = match self {
            Self::VfioCcw71 | Self::VfioCcw => rules::VFIO_CCW,
            Self::Qemu => rules::QEMU,
            Self::Hyperion => rules::HYPERION,
        };
        let holds = move |rule: &&Rule| self != Self::VfioCcw71 || rule.in_7_1;
        rules.iter().filter(holds)
    }
}

/// What an implementation does with a program.
pub(crate) struct Prediction {
    /// Which implementation.
    pub(crate) implementation: Implementation,
    /// What it does.
    pub(crate) answer: Answer,
    /// What it may do before, or beside it.
    pub(crate) also: Vec<Reason>,
}

/// What it does.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// This.
    Known(Reason),
    /// Nobody knows.
    Unknown(Gap),
}

/// Why it does so.
#[derive(Clone, Copy)]
pub(crate) struct Reason {
    /// What is known about it.
    rule: &'static Rule,
    /// The CCW that it is about.
    ccw: Option<u64>,
    /// The status that it ends the program with, and its CCW address, if they are known.
    end: Option<(SubchannelStatus, u32)>,
}

/// Why nothing is predicted.
#[derive(Clone, Copy)]
pub(crate) enum Gap {
    /// It is not known what it does with this.
    NoRule(Found),
    /// Only a skip leads to what would decide.
    Possible(Found),
    /// What it does depends on the device, or on bytes still to be read.
    Undecided,
    /// The input does not hold the word at this address.
    Missing(u64),
}

/// What `implementations` do with `program`, which is that of `input`. They know nothing of a policy.
pub(crate) fn predict(
    input: &Input,
    program: &Program,
    implementations: &[Implementation],
) -> Vec<Prediction> {
    if implementations.is_empty() {
        return Vec::new();
    }
    let features = if input.commands.is_some() {
        Features::of(input, &analysis::unconfined(input))
    } else {
        Features::of(input, program)
    };
    let of = |implementation: &Implementation| one(*implementation, &features);
    implementations.iter().map(of).collect()
}

fn one(implementation: Implementation, features: &Features) -> Prediction {
    let mut also = Vec::new();
    let answer = decide(implementation, features, &mut also);
    Prediction {
        implementation,
        answer,
        also,
    }
}

fn decide(implementation: Implementation, features: &Features, also: &mut Vec<Reason>) -> Answer {
    let mut found = features.orb.clone();
    let mut missing = None;
    match features.copied {
        _ if !implementation.copies() => {}
        Copied::Whole => {}
        Copied::Stops(feature, ccw) => found.push(Found {
            feature,
            ccw: Some(ccw),
            possible: false,
        }),
        Copied::Unknown(at) => missing = Some(at),
    }
    for (n, &found) in found.iter().chain(&features.ccws).enumerate() {
        if let Some(at) = missing.filter(|_| n >= features.orb.len()) {
            return Answer::Unknown(Gap::Missing(at));
        }
        let Some(rule) = implementation.rule(found.feature) else {
            return Answer::Unknown(Gap::NoRule(found));
        };
        let condition = matches!(found.feature, Feature::Finds(_));
        let reason = reason(rule, found.ccw, features, condition);
        match rule.outcome {
            Outcome::Machine if !condition => {}
            outcome if outcome.goes_on() && !condition => also.push(reason),
            _ if found.possible => return Answer::Unknown(Gap::Possible(found)),
            _ => return Answer::Known(reason),
        }
    }
    if let Some(at) = missing {
        return Answer::Unknown(Gap::Missing(at));
    }
    if features.outcome != Verdict::Valid {
        return Answer::Unknown(Gap::Undecided);
    }
    // What may keep it from its end, or makes a difference, is the answer.
    let checks = |reason: &Reason| reason.rule.outcome == Outcome::MayCheck;
    let last = also.iter().rposition(checks).or(also.len().checked_sub(1));
    if let Some(n) = last {
        return Answer::Known(also.remove(n));
    }
    implementation
        .rule(Feature::Plain)
        .map_or(Answer::Unknown(Gap::Undecided), |rule| {
            Answer::Known(reason(rule, None, features, false))
        })
}

fn reason(rule: &'static Rule, ccw: Option<u64>, features: &Features, condition: bool) -> Reason {
    let end = match rule.outcome {
        Outcome::Machine if condition => features.end,
        Outcome::ProgramCheck(rule::At::Ccw) => ccw
            .and_then(|ccw| u32::try_from(ccw).ok())
            .map(|ccw| (SubchannelStatus::PROGRAM_CHECK, ccw.wrapping_add(8))),
        _ => None,
    };
    Reason { rule, ccw, end }
}
