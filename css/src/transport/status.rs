// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The TSB with which a program ends. "PoP: TSB".

use ccw::{IoTimes, TSB_SENSE_SIZE, Tsa, Tsb, TsbFlags};

use crate::Condition;
use crate::device::Sense;

/// Bytes of a TSB without sense bytes, and with them.
const LENGTH: u8 = 32;
const LENGTH_WITH_SENSE: u8 = 64;

/// What the control unit finds wrong with the commands. The number is the reason that its TSB gives
/// (model).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A DCW, or its control data, beyond the TCA.
    Dcw = 5,
    /// Data the other way than those of the TCW.
    Direction = 6,
    /// Other counts than that of the TCW.
    Counts = 7,
}

impl Refusal {
    pub(crate) fn condition(self) -> Condition {
        match self {
            Self::Dcw => Condition::T11,
            Self::Direction | Self::Counts => Condition::T12,
        }
    }
}

/// How the last DCW of a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DcwEnd {
    /// With status of the device.
    Device,
    /// The control unit found it wrong.
    Refused(Refusal),
}

/// The DCW with which a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) end: DcwEnd,
    /// Offset in the transport-command area.
    pub(crate) offset: u16,
    /// Bytes of its data that did not move; none of a DCW that was not executed.
    pub(crate) residual: Option<u32>,
}

/// The TSB of a program that ended with `ended`. The count is that of this DCW alone, as the offset
/// before it is. The sense bytes of a unit check come along, filled up with zeros. Times are not
/// measured.
pub(crate) fn block(ended: &Ended, sense: &Sense) -> Tsb {
    let mut area = [0; TSB_SENSE_SIZE];
    for (to, from) in area.iter_mut().zip(sense) {
        *to = *from;
    }
    let mut flags = TsbFlags::DCW_OFFSET_VALID;
    flags.set(TsbFlags::COUNT_VALID, ended.residual.is_some());
    Tsb {
        length: match sense.is_empty() {
            true => LENGTH,
            false => LENGTH_WITH_SENSE,
        },
        flags,
        dcw_offset: ended.offset,
        residual: ended.residual.unwrap_or(0),
        area: match ended.end {
            DcwEnd::Device => Tsa::IoStatus {
                times: IoTimes::default(),
                sense: area,
            },
            DcwEnd::Refused(refusal) => Tsa::ProgramCheck {
                reason: refusal as u8,
                qualifier: [0; 16],
                sense: area,
            },
        },
    }
}
