// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What happened, and how often.

use std::fmt;
use std::ops::AddAssign;

macro_rules! kinds {
    ($($kind:ident $name:literal)*) => {
        /// A kind of thing that happens in a stress.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $(#[doc = $name] $kind),*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// What it is.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name),*
                }
            }
        }
    };
}

kinds! {
    Started "SSCH: cc 0"
    Pending "SSCH: cc 1"
    Busy "SSCH: cc 2"
    NotOperational "SSCH: cc 3"
    Exception "SSCH: operand exception"
    Ended "program ended well"
    Verified "its data was where it should be"
    IncorrectLength "program ended with incorrect length"
    ChannelEnd "channel end"
    DeviceEnd "device end by itself"
    UnitCheck "unit check with sense"
    Interruption "program-controlled interruption"
    Suspended "program suspended"
    Resumed "RSCH of a suspended program: cc 0"
    Parts "program fetched again on its way"
    ProgramCheck "program check"
    NoStorage "program check: storage gone"
    ChannelControlCheck "channel-control check"
    InterfaceControlCheck "interface-control check"
    DeferredCc1 "deferred cc 1"
    DeferredCc3 "deferred cc 3"
    Halted "halted"
    Cleared "cleared"
    Cancelled "XSCH: cc 0"
    NotCancelled "XSCH: cc 2"
    Attention "attention"
    OverBudget "start refused: over the budget"
    Withheld "start waited for storage"
    MadeWay "program stopped for a withdrawal"
    Refused "withdrawal refused: in use"
    Overdue "withdrawal overdue, then halts"
    GivenUp "withdrawal given up"
    Unmapped "region unmapped"
    Mapped "region mapped again"
    Usable "pages discarded, usable"
    Gone "pages discarded, gone"
    GivenBack "pages given back"
    SpaceFailed "map or unmap refused by the host"
    PutOff "request put off by the host"
    HostBusy "host busy"
    HostFailed "request failed on the host"
    Lost "final status lost"
    Stale "late status of what is over"
    DeviceLost "device lost"
    Quarantined "program in quarantine"
    Released "program released by a reset"
    Reopened "mediator dropped, device opened anew"
    Reset "subchannel reset"
}

/// How often each kind happened.
#[derive(Clone, Debug)]
pub struct Counts([u64; Kind::ALL.len()]);

impl Default for Counts {
    fn default() -> Self {
        Self([0; Kind::ALL.len()])
    }
}

impl Counts {
    /// One more.
    pub fn count(&mut self, kind: Kind) {
        self.add(kind, 1);
    }

    /// So many more.
    pub fn add(&mut self, kind: Kind, times: u64) {
        self.0[kind as usize] += times;
    }

    /// How often it happened.
    pub fn of(&self, kind: Kind) -> u64 {
        self.0[kind as usize]
    }

    /// What never happened.
    pub fn missing(&self) -> Vec<&'static str> {
        let all = Kind::ALL.iter().copied();
        all.filter(|kind| self.of(*kind) == 0)
            .map(Kind::name)
            .collect()
    }
}

impl AddAssign<&Self> for Counts {
    fn add_assign(&mut self, other: &Self) {
        for (to, from) in self.0.iter_mut().zip(other.0) {
            *to += from;
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kind in Kind::ALL {
            writeln!(f, "{:>10}  {}", self.of(*kind), kind.name())?;
        }
        Ok(())
    }
}
