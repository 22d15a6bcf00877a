// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The TSB with which a program ends. "PoP: TSB".

use ccw::{IoTimes, TSB_SENSE_SIZE, Tsa, Tsb, TsbFlags};

use crate::Condition;
use crate::device::Sense;

/// Bytes of a TSB without sense bytes, and with them.
const LENGTH: u8 = 32;
const LENGTH_WITH_SENSE: u8 = 64;

/// Reasons of a program check that the device detects (model): something is wrong with a DCW, or
/// with the counts.
const REASON_DCW: u8 = 5;
const REASON_COUNT: u8 = 7;

/// How the last DCW of a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DcwEnd {
    /// With status of the device.
    Device,
    /// The control unit found it wrong.
    Refused(Condition),
}

/// The TSB of a program that ended in the DCW at `offset`, with `residual` bytes of its data not
/// moved: of all that the TCW counts, check bytes included (model; z/VM's name for the field, "DCW
/// residual count", would go with the bytes of that DCW alone). The sense bytes of a unit check come
/// along, filled up with zeros. Times are not measured.
pub(crate) fn block(end: DcwEnd, offset: u16, residual: u32, sense: &Sense) -> Tsb {
    let mut area = [0; TSB_SENSE_SIZE];
    for (to, from) in area.iter_mut().zip(sense) {
        *to = *from;
    }
    Tsb {
        length: match sense.is_empty() {
            true => LENGTH,
            false => LENGTH_WITH_SENSE,
        },
        flags: TsbFlags::DCW_OFFSET_VALID | TsbFlags::COUNT_VALID,
        dcw_offset: offset,
        residual,
        area: match end {
            DcwEnd::Device => Tsa::IoStatus {
                times: IoTimes::default(),
                sense: area,
            },
            DcwEnd::Refused(condition) => Tsa::ProgramCheck {
                reason: match condition {
                    Condition::T12 => REASON_COUNT,
                    _ => REASON_DCW,
                },
                qualifier: [0; 16],
                sense: area,
            },
        },
    }
}
