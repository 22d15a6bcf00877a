// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the caller decides: which machine the guest sees, and what to do with programs that a
//! single copy does not carry exactly.

use ccw::{Command, DeviceClass};

use crate::limits;

/// Facilities of the machine that the guest sees. ORB bits of the others are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Facilities {
    /// Fibre-channel extensions: transport mode (ORB bit B).
    pub transport: bool,
    /// MIDAWs (ORB bit D).
    pub midaw: bool,
    /// Incorrect-length-indication suppression (ORB bit L).
    pub length_suppression: bool,
    /// ORB extension (ORB bit X).
    pub orb_extension: bool,
}

impl Facilities {
    /// What a z/Architecture machine has, but for transport mode.
    pub const Z: Self = Self {
        transport: false,
        midaw: true,
        length_suppression: true,
        orb_extension: true,
    };

    /// The same with transport mode.
    pub const FCX: Self = Self {
        transport: true,
        ..Self::Z
    };
}

/// Which commands may end with status modifier, so that the channel skips a CCW.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Skips {
    /// Search commands, as [`DeviceClass::may_skip`] knows them.
    Searches,
    /// Every command that chains commands.
    Any,
}

/// What to do with something that a copy taken at start cannot carry out exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stance {
    /// Carry it out all the same, and say so.
    Accept,
    /// Refuse it by name.
    Refuse,
    /// Carry it out exactly, in [parts](crate::Part): the host's program stops where the
    /// guest's must be fetched later, and [`Completion::arrived`](crate::Completion::arrived) says
    /// when control has come there.
    Parts,
}

/// What to do with programs that suspend themselves: no host is known to do that for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suspension {
    /// Refuse them by name.
    Refuse,
    /// Carry them out in [parts](crate::Part), of which one ends where the program is suspended.
    Parts,
}

/// How programs of one subchannel are read and judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// The machine that the guest sees.
    pub facilities: Facilities,
    /// The device behind the subchannel.
    pub device: DeviceClass,
    /// Which of its commands may skip.
    pub skips: Skips,
    /// Programs whose ORB forbids prefetching (E01).
    pub no_prefetch: Stance,
    /// Programs that read into themselves (E07).
    pub self_modifying: Stance,
    /// Programs that suspend themselves (E11).
    pub suspend: Suspension,
    /// Whether remarks (severity warning and note) are collected; a mediator has no use for them.
    pub remarks: bool,
    /// CCWs of one program that are read before it is refused as too long (E02). In transport mode TIDAWs
    /// of one list, and blocks of 4 KiB of data without one.
    pub max_ccws: u16,
}

impl Policy {
    /// For a validator: everything is read and remarked upon.
    pub const CHECK: Self = Self {
        facilities: Facilities::Z,
        device: DeviceClass::Unknown,
        skips: Skips::Searches,
        no_prefetch: Stance::Accept,
        self_modifying: Stance::Accept,
        suspend: Suspension::Refuse,
        remarks: true,
        max_ccws: u16::MAX,
    };

    /// For a mediator: what one copy cannot carry out exactly is carried out in parts.
    pub const MEDIATE: Self = Self {
        no_prefetch: Stance::Parts,
        self_modifying: Stance::Parts,
        suspend: Suspension::Parts,
        remarks: false,
        max_ccws: limits::MAX_CCWS,
        ..Self::CHECK
    };

    /// The same for a known kind of device.
    #[must_use]
    pub const fn for_device(self, device: DeviceClass) -> Self {
        Self { device, ..self }
    }

    /// Whether data chaining goes on behind a CCW of the command `head`. An immediate command is over
    /// under its first CCW.
    pub(crate) fn chains_data(&self, head: Command) -> bool {
        !self.device.is_immediate(head)
    }

    pub(crate) fn may_skip(&self, command: Command) -> bool {
        match self.skips {
            Skips::Searches => self.device.may_skip(command),
            Skips::Any => true,
        }
    }
}
