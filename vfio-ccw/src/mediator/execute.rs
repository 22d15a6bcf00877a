// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Instructions as they are intercepted: register, operand address and operand.

use ccw::{EMW_SIZE, IRB_EXTENDED_SIZE, IRB_SIZE, RawOrb, RawSchib, RawSubsystemId, SubsystemId};

use super::{ConditionCode, Event, Exception, Mediator};
use crate::CcwDevice;

/// An I/O instruction with its operand. "PoP: I/O Instructions".
///
/// The addresses are those of the instruction's operand, whatever translation they are subject to:
/// only the boundary is looked at (condition O01). A VMM that reads the operand itself must do that
/// after [`Instruction::check_operand`], whose exception comes before that of an operand that is not
/// there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// START SUBCHANNEL with the ORB at `at`.
    Ssch {
        /// Where it is.
        at: u64,
        /// What it is: 12 bytes, 32 if bit X is one.
        orb: RawOrb,
    },
    /// RESUME SUBCHANNEL.
    Rsch,
    /// HALT SUBCHANNEL.
    Hsch,
    /// CLEAR SUBCHANNEL.
    Csch,
    /// CANCEL SUBCHANNEL.
    Xsch,
    /// STORE SUBCHANNEL to `at`.
    Stsch {
        /// Where it goes.
        at: u64,
    },
    /// MODIFY SUBCHANNEL with the SCHIB at `at`.
    Msch {
        /// Where it is.
        at: u64,
        /// What it is.
        schib: RawSchib,
    },
    /// TEST SUBCHANNEL with the IRB to go to `at`.
    Tsch {
        /// Where it goes.
        at: u64,
    },
}

/// What is to be stored at the operand's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Nothing.
    Nothing,
    /// An IRB of the first `len` bytes: 64, or 96 with the extended-measurement word.
    Irb {
        /// The bytes.
        bytes: [u8; IRB_EXTENDED_SIZE],
        /// How many of them.
        len: usize,
    },
    /// A SCHIB.
    Schib(RawSchib),
}

/// How an instruction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The condition code.
    pub code: ConditionCode,
    /// What to store.
    pub stored: Stored,
}

impl Instruction {
    /// Condition O01, and its like for the other instructions: the operand must be on a word
    /// boundary.
    ///
    /// # Errors
    ///
    /// [`Exception::Specification`].
    pub const fn check_operand(at: u64) -> Result<(), Exception> {
        match at & 3 {
            0 => Ok(()),
            _ => Err(Exception::Specification),
        }
    }

    const fn operand(&self) -> Option<u64> {
        match *self {
            Self::Ssch { at, .. }
            | Self::Stsch { at }
            | Self::Msch { at, .. }
            | Self::Tsch { at } => Some(at),
            Self::Rsch | Self::Hsch | Self::Csch | Self::Xsch => None,
        }
    }
}

impl<D: CcwDevice> Mediator<D> {
    /// Carries out `instruction` with `register`, bits 32-63 of general register 1.
    ///
    /// # Errors
    ///
    /// The program interruption with which the instruction ends: [`Exception::Specification`] for an
    /// operand that is not on a word boundary (condition O01), [`Exception::Operand`] for a register
    /// that names no subchannel (O08), then those of the instruction. A register that names another
    /// subchannel is condition code 3.
    pub fn execute(
        &mut self,
        register: RawSubsystemId,
        instruction: &Instruction,
        out: &mut Vec<Event>,
    ) -> Result<Completion, Exception> {
        if let Some(at) = instruction.operand() {
            Instruction::check_operand(at)?;
        }
        let subchannel = SubsystemId::decode(register).ok_or(Exception::Operand)?;
        if !self.is_named(subchannel) {
            return Ok(ConditionCode::Cc3.into());
        }
        Ok(match instruction {
            Instruction::Ssch { orb, .. } => self.ssch(orb, out)?.into(),
            Instruction::Rsch => self.rsch(out).into(),
            Instruction::Hsch => self.hsch(out).into(),
            Instruction::Csch => self.csch(out).into(),
            Instruction::Xsch => self.xsch(out).into(),
            Instruction::Msch { schib, .. } => self.msch(schib)?.into(),
            Instruction::Stsch { .. } => Completion {
                code: ConditionCode::Cc0,
                stored: Stored::Schib(self.stsch(out)),
            },
            Instruction::Tsch { .. } => {
                let (code, irb) = self.tsch(out);
                let stored = irb.map_or(Stored::Nothing, |irb| Stored::Irb {
                    bytes: irb.extend(&[0; EMW_SIZE]),
                    len: match self.subchannel.pmcw().extended_measurement {
                        true => IRB_EXTENDED_SIZE,
                        false => IRB_SIZE,
                    },
                });
                Completion { code, stored }
            }
        })
    }

    /// Whether the guest means this subchannel. Without a CSSID it means the default one.
    fn is_named(&self, by: SubsystemId) -> bool {
        let own = self.config.subchannel;
        let same_css = by.cssid.is_none() || own.cssid.is_none() || by.cssid == own.cssid;
        same_css && by.ssid() == own.ssid() && by.number == own.number
    }
}

impl From<ConditionCode> for Completion {
    fn from(code: ConditionCode) -> Self {
        Self {
            code,
            stored: Stored::Nothing,
        }
    }
}
