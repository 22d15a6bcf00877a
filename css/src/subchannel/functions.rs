// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The instructions, as far as they concern one operational subchannel. "PoP: I/O Instructions".

use ccw::orb::word1;
use ccw::{ActivityControl, FunctionControl, Orb, OrbBits, RawOrb, Scsw, Space, StatusControl};
use thiserror::Error;

use super::{Phase, Program, Subchannel};
use crate::channel::{Cursor, Reached};
use crate::device::Sense;

/// The condition code of an instruction.
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

/// Why an ORB is no operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum OperandException {
    /// Word 1 bits 26-30 are not zero (condition O02).
    #[error("reserved bits of ORB word 1 are not zero")]
    Reserved,
    /// Word 2 bit 0 is one (condition O03).
    #[error("bit 0 of the channel-program address is one")]
    ProgramAddress,
    /// Transport mode is not installed (condition O04).
    #[error("transport mode is not installed")]
    TransportMode,
    /// The MIDAW facility is not installed (condition O05).
    #[error("the MIDAW facility is not installed")]
    Midaw,
    /// Bits of word 1 that transport mode does not have are not zero (condition O11).
    #[error("bits of ORB word 1 that transport mode does not have are not zero")]
    TransportReserved,
    /// The TCW address is not on 64 bytes (condition O12).
    #[error("the TCW address is not on 64 bytes")]
    TcwAddress,
}

/// Why [`Subchannel::start`] started nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum CannotStart {
    /// The instruction ends with a program interruption.
    #[error("operand exception: {0}")]
    Operand(#[from] OperandException),
    /// The instruction ends with this condition code.
    #[error("condition code {}", *.0 as u8)]
    Condition(ConditionCode),
}

impl<S: Space> Subchannel<S> {
    /// START SUBCHANNEL with any 32 bytes.
    pub fn start_raw(&mut self, raw: &RawOrb) -> Result<(), CannotStart> {
        if raw.word(1) & word1::RESERVED != 0 {
            return Err(OperandException::Reserved.into());
        }
        if raw.word(2) & 0x8000_0000 != 0 {
            return Err(OperandException::ProgramAddress.into());
        }
        self.start(&Orb::decode(raw))
    }

    /// START SUBCHANNEL. Success is condition code 0; everything that is wrong with the program
    /// itself appears as status later.
    pub fn start(&mut self, orb: &Orb<S>) -> Result<(), CannotStart> {
        if orb.transport && !self.config.transport {
            return Err(OperandException::TransportMode.into());
        }
        if orb.midaw && !self.config.midaw {
            return Err(OperandException::Midaw.into());
        }
        if orb.transport {
            let raw = orb.encode();
            if raw.transport_reserved() != 0 {
                return Err(OperandException::TransportReserved.into());
            }
            if raw.tcw_offset() != 0 {
                return Err(OperandException::TcwAddress.into());
            }
        }
        if self.scsw.status.contains(StatusControl::PENDING) {
            return Err(CannotStart::Condition(ConditionCode::Cc1));
        }
        if !self.scsw.function.is_empty() {
            return Err(CannotStart::Condition(ConditionCode::Cc2));
        }
        let paths = orb.lpm & self.config.path_available;
        if paths == 0 {
            return Err(CannotStart::Condition(ConditionCode::Cc3));
        }
        self.lpum = 0x80 >> paths.leading_zeros();
        self.forget();
        self.transport_mode = orb.transport;
        self.scsw = Scsw::IDLE;
        match orb.transport {
            true => self.change(|scsw| {
                scsw.key = orb.key;
                scsw.irb_format = true;
            }),
            false => self.scsw.orb = OrbBits::from(orb),
        }
        self.scsw.function = FunctionControl::START;
        self.scsw.activity = ActivityControl::START_PENDING;
        self.scsw.cpa = orb.cpa.get();
        self.sense = Sense::new();
        self.check = None;
        self.program = Some(Program {
            orb: *orb,
            backward_tics: 0,
            retries: 0,
            accepted: false,
            chained: false,
        });
        self.phase = match orb.transport {
            true => Phase::Tcw,
            false => Phase::Ready(Cursor {
                at: orb.cpa.get(),
                reached: Reached::First,
            }),
        };
        Ok(())
    }

    /// RESUME SUBCHANNEL. Accepted also before the program has suspended itself: that suspension
    /// is then passed over.
    pub fn resume(&mut self) -> ConditionCode {
        if self.scsw.status.contains(StatusControl::PENDING) {
            return ConditionCode::Cc1;
        }
        let pending = ActivityControl::RESUME_PENDING;
        if self.scsw.function != FunctionControl::START
            || self.scsw.activity.contains(pending)
            || !self.scsw.orb.suspend
        {
            return ConditionCode::Cc2;
        }
        self.scsw.activity |= pending;
        ConditionCode::Cc0
    }

    /// HALT SUBCHANNEL. The next step carries it out.
    pub fn halt(&mut self) -> ConditionCode {
        let intermediate = StatusControl::INTERMEDIATE | StatusControl::PENDING;
        if self.scsw.status.contains(StatusControl::PENDING) && self.scsw.status != intermediate {
            return ConditionCode::Cc1;
        }
        let other = FunctionControl::HALT | FunctionControl::CLEAR;
        if self.scsw.function.intersects(other) {
            return ConditionCode::Cc2;
        }
        self.drop_intermediate();
        self.scsw.function |= FunctionControl::HALT;
        self.scsw.activity |= ActivityControl::HALT_PENDING;
        ConditionCode::Cc0
    }

    /// CLEAR SUBCHANNEL. Pending status is gone at once; the next step carries the function out.
    pub fn clear(&mut self) -> ConditionCode {
        self.scsw = Scsw::IDLE;
        self.scsw.function = FunctionControl::CLEAR;
        self.scsw.activity = ActivityControl::CLEAR_PENDING;
        self.sense = Sense::new();
        self.check = None;
        self.forget();
        ConditionCode::Cc0
    }

    /// CANCEL SUBCHANNEL: takes back a start or resume function that has not begun, or ends a
    /// suspended program, without an interruption.
    ///
    /// On a transport-mode program that runs and has an interrogate TCW it starts the interrogate
    /// function, which the next step carries out (condition code 0: model).
    pub fn cancel(&mut self) -> ConditionCode {
        let activity = self.scsw.activity;
        if self.scsw.status.contains(StatusControl::PENDING) {
            return ConditionCode::Cc1;
        }
        if self.can_interrogate() {
            self.interrogate = true;
            return ConditionCode::Cc0;
        }
        let idle = ActivityControl::START_PENDING
            | ActivityControl::RESUME_PENDING
            | ActivityControl::SUSPENDED;
        if self.scsw.function != FunctionControl::START
            || !activity.intersects(idle)
            || activity.contains(ActivityControl::SUBCHANNEL_ACTIVE)
        {
            return ConditionCode::Cc2;
        }
        self.scsw.function = FunctionControl::empty();
        self.scsw.activity.remove(idle);
        self.forget();
        ConditionCode::Cc0
    }

    /// No program runs.
    pub(super) fn forget(&mut self) {
        self.program = None;
        self.transport = None;
        self.interrogate = false;
        self.phase = Phase::Idle;
    }
}
