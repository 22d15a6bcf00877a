// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One line of what is known about an implementation.

use super::Implementation;
use super::feature::Feature;

/// What an implementation answers to a feature, and how that is known.
#[derive(Debug)]
pub(crate) struct Rule {
    /// What it is about.
    pub(crate) when: Feature,
    /// Whether it holds for Linux 7.1 as well, whose source was read and which was not run.
    pub(crate) in_7_1: bool,
    /// What becomes of the program.
    pub(crate) outcome: Outcome,
    /// The same as a clause.
    pub(crate) says: &'static str,
    /// Where that is to be read.
    pub(crate) source: &'static str,
    /// What was recorded of it.
    pub(crate) evidence: Evidence,
}

/// What becomes of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The region write that starts it fails: with a type1 container, and with iommufd.
    Errno(&'static str, &'static str),
    /// START SUBCHANNEL ends with an operand exception.
    OperandException,
    /// What a machine does.
    Machine,
    /// It ends with a program check, that a machine would not present, or not so.
    ProgramCheck(At),
    /// The condition is not seen: what a machine would do if there were no such rule.
    Unseen,
    /// What a machine does, or a program check.
    MayCheck,
    /// What a machine does, but for a detail.
    Detail,
    /// It ends in another way.
    Otherwise,
    /// It ends as on a machine, with other data.
    WrongData,
    /// There is no such device.
    NoDevice,
}

/// Which CCW address goes with a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// That of the CCW plus 8.
    Ccw,
    /// None that could be told.
    Open,
}

impl Outcome {
    /// The name used in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Errno(..) => "errno",
            Self::OperandException => "operand-exception",
            Self::Machine => "as-machine",
            Self::ProgramCheck(_) => "program-check",
            Self::Unseen => "not-seen",
            Self::MayCheck => "may-check",
            Self::Detail => "detail",
            Self::Otherwise => "otherwise",
            Self::WrongData => "wrong-data",
            Self::NoDevice => "no-device",
        }
    }

    /// The same in a few words.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Errno(errno, other) if errno == other => errno.to_owned(),
            Self::Errno(errno, other) => format!("{errno} / {other}"),
            Self::OperandException => "operand exception".to_owned(),
            Self::Machine => "as a machine".to_owned(),
            Self::ProgramCheck(_) => "program check".to_owned(),
            Self::Unseen => "not seen".to_owned(),
            Self::MayCheck => "may check".to_owned(),
            Self::Detail => "as a machine, but".to_owned(),
            Self::Otherwise => "ends otherwise".to_owned(),
            Self::WrongData => "wrong data".to_owned(),
            Self::NoDevice => "no such device".to_owned(),
        }
    }

    /// Whether the program goes on all the same, so that what comes later decides.
    pub(crate) const fn goes_on(self) -> bool {
        matches!(self, Self::Machine | Self::MayCheck | Self::Detail)
    }
}

/// What was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// The end of this program, in `tests/programs`.
    Program(&'static str),
    /// A case of this name in this file of `tests/rig/src`, where a real kernel is given the program as
    /// it is.
    Rig(&'static str, &'static str),
    /// It was seen on this, and is recorded nowhere here.
    Seen(&'static str),
    /// Nothing.
    Read,
}

impl Evidence {
    /// What was recorded, in words.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Program(name) => format!("tests/programs/{name}.json"),
            Self::Rig(file, case) => format!("tests/rig/src/{file}, \"{case}\""),
            Self::Seen(on) => on.to_owned(),
            Self::Read => "nothing".to_owned(),
        }
    }
}

impl Rule {
    /// Whether `implementation` was seen to do so, and not only its source read.
    pub(crate) fn is_observed(&self, implementation: Implementation) -> bool {
        self.evidence != Evidence::Read && implementation != Implementation::VfioCcw71
    }

    /// `observed` or `read`.
    pub(crate) fn known_by(&self, implementation: Implementation) -> &'static str {
        if self.is_observed(implementation) {
            "observed"
        } else {
            "read"
        }
    }
}
