// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the mediator answers: condition codes, exceptions and events.

use std::fmt;
use std::time::Duration;

use ccw::InterruptionCode;

/// The condition code of an I/O instruction. "PoP: I/O Instructions".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConditionCode {
    /// Function initiated, or status stored.
    Cc0 = 0,
    /// Status pending; for TEST SUBCHANNEL: not pending.
    Cc1 = 1,
    /// Busy, or not applicable.
    Cc2 = 2,
    /// Not operational.
    Cc3 = 3,
}

impl ConditionCode {
    /// The two bits of the PSW.
    pub const fn bits(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for ConditionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cc {}", self.bits())
    }
}

/// The program interruption with which an instruction ends instead of a condition code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Exception {
    /// Specification exception: the operand is not on its boundary.
    #[error("specification exception")]
    Specification,
    /// Operand exception.
    #[error("operand exception")]
    Operand,
    /// Addressing exception: the operand is not there. Whoever reads operands raises it; the
    /// mediator never does.
    #[error("addressing exception")]
    Addressing,
}

impl Exception {
    /// The program-interruption code. "PoP: Program Interruption Conditions".
    pub const fn code(self) -> u16 {
        match self {
            Self::Addressing => 0x05,
            Self::Specification => 0x06,
            Self::Operand => 0x15,
        }
    }
}

/// Something that the guest, or the VMM, has to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Make this I/O interruption pending, in the place of one of the same subchannel that the
    /// guest has not taken yet.
    Interrupt(InterruptionCode),
    /// The interruption that is pending, if it still is, must not be taken any more: its status is
    /// gone.
    Withdrawn,
    /// Make a machine check for a channel report pending:
    /// [`Mediator::stcrw`](super::Mediator::stcrw) has one.
    ChannelReport,
    /// The host wants the device back. Until it gets it the host asks again, every few seconds.
    UnplugRequested,
    /// The device is gone: the guest was told by a channel report, and every instruction but STORE
    /// SUBCHANNEL finds the subchannel not operational.
    Gone,
}

/// A moment at which the mediator wants to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// To be handed to [`Mediator::expired`](super::Mediator::expired). A timer with another number
    /// replaces this one.
    pub id: u64,
    /// How long after the timer appeared.
    pub after: Duration,
}
