// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How a command ended, and what follows. "PoP: Incorrect Length", "Command Chaining", "Command
//! Retry".

use ccw::{CcwFlags, Command, DeviceStatus, Format, Orb, Space, SubchannelStatus};

use super::path::Outcome;
use crate::Reply;

/// What follows a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Next {
    /// The program ends.
    End,
    /// After device end the next CCW is a new command.
    ChainCommand,
    /// After device end the command is issued again.
    Retry,
}

/// The ending of a command up to channel end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    pub(crate) subchannel: SubchannelStatus,
    pub(crate) next: Next,
}

impl Ending {
    /// Judges `outcome` and the device's `reply` to the command `head`.
    pub(crate) fn of<S: Space>(
        orb: &Orb<S>,
        head: Command,
        outcome: &Outcome<S>,
        reply: Reply,
    ) -> Self {
        let end = |subchannel| Self {
            subchannel,
            next: Next::End,
        };
        let status = reply.status();
        if let Some(check) = outcome.check {
            return end(check.condition.status());
        }
        let channel_end = status.contains(DeviceStatus::CHANNEL_END);
        let initial = matches!(reply, Reply::Initial(_)) && !outcome.moved;
        if outcome.misbehaved || !(initial || channel_end) {
            return end(SubchannelStatus::INTERFACE_CONTROL_CHECK);
        }
        if !channel_end {
            // The device did not accept the command.
            return end(SubchannelStatus::empty());
        }
        if is_retry(status) {
            return Self {
                subchannel: SubchannelStatus::empty(),
                next: Next::Retry,
            };
        }
        let flags = outcome.control.ccw.flags;
        let immediate = initial || head == Command::NOP;
        if incorrect_length(orb, flags, immediate, outcome) {
            return end(SubchannelStatus::INCORRECT_LENGTH);
        }
        let chains = outcome.control.ccw.chains_command() && allows_chaining(status);
        Self {
            subchannel: SubchannelStatus::empty(),
            next: if chains {
                Next::ChainCommand
            } else {
                Next::End
            },
        }
    }
}

/// Whether command chaining may go on with the status presented so far.
pub(crate) fn allows_chaining(status: DeviceStatus) -> bool {
    let good = DeviceStatus::CHANNEL_END
        | DeviceStatus::DEVICE_END
        | DeviceStatus::STATUS_MODIFIER
        | DeviceStatus::CONTROL_UNIT_END;
    good.contains(status)
}

/// Channel end, unit check and status modifier, with or without device end.
fn is_retry(status: DeviceStatus) -> bool {
    status | DeviceStatus::DEVICE_END
        == DeviceStatus::CHANNEL_END
            | DeviceStatus::UNIT_CHECK
            | DeviceStatus::STATUS_MODIFIER
            | DeviceStatus::DEVICE_END
}

/// The table of "PoP: Incorrect Length", condition by condition.
fn incorrect_length<S: Space>(
    orb: &Orb<S>,
    flags: CcwFlags,
    immediate: bool,
    outcome: &Outcome<S>,
) -> bool {
    let chains_data = flags.contains(CcwFlags::CHAIN_DATA);
    let suppressed = flags.contains(CcwFlags::SUPPRESS_LENGTH) && !chains_data;
    let short = outcome.residual > 0;
    if immediate {
        let exempt = orb.format == Format::Zero || orb.length_suppression;
        return short && !exempt && !suppressed;
    }
    (short || outcome.wanted_more) && !suppressed
}
