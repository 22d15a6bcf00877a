// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the exit code of `ccwtool` says.

use std::process::ExitCode;

/// How a call of `ccwtool` ended.
///
/// Of several inputs the worst decides: one that cannot be read, then an invalid one, then one
/// that cannot be decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// 0: every program is legal; the run ended normally.
    #[default]
    Fine,
    /// 3: whether a program is legal depends on the device, on bytes that it reads in itself, or on
    /// bytes that the input does not contain.
    Undecided,
    /// 1: a program breaks a rule or cannot be translated; the run ended with a check or a unit
    /// check, did not start, stands suspended or was given up; `run --compare` found a difference.
    Refused,
    /// 2: the command line is wrong, an input cannot be read, an output cannot be written.
    Unusable,
}

impl Exit {
    /// The exit code.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Refused => 1,
            Self::Unusable => 2,
            Self::Undecided => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_many_decides() {
        use Exit::{Fine, Refused, Undecided, Unusable};
        let worst = |all: &[Exit]| all.iter().copied().max().unwrap_or_default().code();
        assert_eq!(worst(&[]), 0);
        assert_eq!(worst(&[Fine, Undecided]), 3);
        assert_eq!(worst(&[Undecided, Refused, Fine]), 1);
        assert_eq!(worst(&[Refused, Unusable, Undecided]), 2);
    }
}
