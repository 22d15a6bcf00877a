// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What validation finds out.

use crate::Code;

/// Whether a program is legal, as far as it can be told without running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It runs to its end if the device takes part.
    Valid,
    /// It ends with a check, or is refused at once.
    Invalid,
    /// The word that decides is read in by the program itself, or the device decides whether it
    /// is reached.
    Indeterminate,
}

impl Outcome {
    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Indeterminate => "indeterminate",
        }
    }
}

/// What validation found out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    /// The first certain error: its code and the node it is placed at.
    pub(crate) error: Option<(Code, u16)>,
    /// A MIDAW list is in use, first at this node.
    pub(crate) midaw: Option<u16>,
    /// An S flag would suspend, first at this node.
    pub(crate) suspend: Option<u16>,
    /// A CCW is used in two ways, first at this node.
    pub(crate) two_ways: Option<u16>,
    /// The program reads into itself, first into this node.
    pub(crate) modified: Option<u16>,
    /// A break is needed where there can be none.
    pub(crate) unbroken: bool,
    /// Each CCW is a usual one with plain data, and the first span has them all.
    pub(crate) plain: bool,
}

impl Verdict {
    /// Nothing is wrong.
    pub(crate) const CLEAN: Self = Self {
        outcome: Outcome::Valid,
        error: None,
        midaw: None,
        suspend: None,
        two_ways: None,
        modified: None,
        unbroken: false,
        plain: false,
    };
}
