// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Why a program is not started, and what the guest is told then.

use alloc::boxed::Box;
use core::fmt;

use ccw::{FunctionControl, Guest, Irb, OrbBits, Scsw, StatusControl, SubchannelStatus};

use crate::{Blame, Buffers, Check, Code, Earlier, Finding, Severity, Site, transport};

/// A refusal: the program is not given to the host.
#[derive(Debug)]
pub struct Rejected {
    /// Why, and where.
    pub finding: Finding,
    pub(crate) work: Box<Buffers>,
}

/// What START SUBCHANNEL, or the subchannel afterwards, shows the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// A program interruption for an operand exception; nothing else happens.
    OperandException,
    /// A program interruption for a specification exception; nothing else happens.
    SpecificationException,
    /// This condition code; nothing else happens.
    ConditionCode(u8),
    /// Condition code 0, then this status.
    Status(Irb<Guest>),
}

impl Rejected {
    pub(crate) fn new(work: Box<Buffers>, code: Code, site: Site) -> Self {
        Self {
            finding: Finding {
                code,
                severity: Severity::Error,
                site,
            },
            work,
        }
    }

    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        self.finding.code.blame()
    }

    /// What the guest is told: exceptions and condition codes as the architecture says; for what
    /// the host cannot do a channel-control check, which blames the channel and not the program.
    pub fn response(&self) -> Response {
        match self.finding.code.check() {
            Check::OperandException => Response::OperandException,
            Check::SpecificationException => Response::SpecificationException,
            Check::Cc3 | Check::DeferredCc3 => Response::ConditionCode(3),
            Check::ProgramCheck | Check::ProtectionCheck | Check::UnitCheck | Check::None => {
                let mut irb = Irb::IDLE;
                irb.scsw = channel_control_check(OrbBits::from(&self.work.orb));
                if self.work.orb.transport {
                    irb.scsw = transport::unable(&self.work).carry();
                }
                Response::Status(irb)
            }
        }
    }

    /// Gives the buffers back.
    pub fn into_buffers(self) -> Box<Buffers> {
        self.work
    }

    /// Gives back the parts that the program comes [behind](crate::Program::plan_behind), and the
    /// buffers.
    pub fn into_earlier(mut self) -> (Earlier, Box<Buffers>) {
        (self.work.take_earlier(), self.work)
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.finding, f)
    }
}

impl core::error::Error for Rejected {}

/// The status of a start function that the channel could not carry out.
pub(crate) fn channel_control_check(orb: OrbBits) -> Scsw<Guest> {
    let mut scsw = Scsw::IDLE;
    scsw.orb = orb;
    scsw.function = FunctionControl::START;
    scsw.status = StatusControl::ALERT
        | StatusControl::PRIMARY
        | StatusControl::SECONDARY
        | StatusControl::PENDING;
    scsw.subchannel = SubchannelStatus::CHANNEL_CONTROL_CHECK;
    scsw
}
