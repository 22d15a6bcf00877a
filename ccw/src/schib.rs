// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! The subchannel-information block, operand of STORE and MODIFY SUBCHANNEL.
//! "PoP: Subchannel-Information Block".

use crate::bytes::{field, put};
use crate::{Addr, PMCW_SIZE, Pmcw, RawPmcw, RawScsw, SCSW_SIZE, Scsw, Space};

/// Bytes of a SCHIB: PMCW 28, SCSW 12, measurement-block address 8, model-dependent 4.
pub const SCHIB_SIZE: usize = 52;

const SCSW_OFFSET: usize = PMCW_SIZE;
const MBA_OFFSET: usize = SCSW_OFFSET + SCSW_SIZE;
const MODEL_OFFSET: usize = MBA_OFFSET + 8;

/// The 52 bytes of a SCHIB, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct RawSchib(pub [u8; SCHIB_SIZE]);

impl RawSchib {
    /// Bytes 0-27.
    pub fn pmcw(&self) -> RawPmcw {
        RawPmcw(field(&self.0, 0))
    }

    /// Bytes 28-39.
    pub fn scsw(&self) -> RawScsw {
        RawScsw(field(&self.0, SCSW_OFFSET))
    }

    /// The block after MODIFY SUBCHANNEL with `operand`: the fields that the program may change
    /// come from there. Without a device (V zero) nothing changes.
    ///
    /// Whether the operand is acceptable at all, [`RawPmcw::is_modify_operand`] tells.
    pub fn modified_by(&self, operand: &Self) -> Self {
        if !self.pmcw().has_device() {
            return *self;
        }
        let mut changed = *self;
        let fields = changed.0.iter_mut().zip(operand.0);
        for ((to, from), mask) in fields.zip(RawPmcw::CHANGEABLE) {
            *to = (*to & !mask) | (from & mask);
        }
        put(
            &mut changed.0,
            MBA_OFFSET,
            &field::<8>(&operand.0, MBA_OFFSET),
        );
        changed
    }
}

impl Default for RawSchib {
    fn default() -> Self {
        Self([0; SCHIB_SIZE])
    }
}

/// A SCHIB whose addresses name storage of the space `S`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Schib<S: Space> {
    /// Bytes 0-27: what the subchannel is and may do.
    pub pmcw: Pmcw,
    /// Bytes 28-39: its status.
    pub scsw: Scsw<S>,
    /// Bytes 40-47: measurement-block address, of format-1 measurement blocks.
    pub measurement_block: Addr<S>,
    /// Bytes 48-51: model-dependent.
    pub model: [u8; 4],
}

impl<S: Space> Schib<S> {
    /// What `raw` says; reserved bits are dropped.
    pub fn decode(raw: &RawSchib) -> Self {
        Self {
            pmcw: Pmcw::decode(&raw.pmcw()),
            scsw: Scsw::decode(&raw.scsw()),
            measurement_block: Addr::new(u64::from_be_bytes(field(&raw.0, MBA_OFFSET))),
            model: field(&raw.0, MODEL_OFFSET),
        }
    }

    /// The 52 bytes.
    pub fn encode(&self) -> RawSchib {
        let mut bytes = [0; SCHIB_SIZE];
        put(&mut bytes, 0, &self.pmcw.encode().0);
        put(&mut bytes, SCSW_OFFSET, &self.scsw.encode().0);
        put(
            &mut bytes,
            MBA_OFFSET,
            &self.measurement_block.get().to_be_bytes(),
        );
        put(&mut bytes, MODEL_OFFSET, &self.model);
        RawSchib(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Guest, StatusControl};

    #[test]
    fn offsets() {
        let raw = RawSchib(core::array::from_fn(|i| u8::try_from(i).unwrap()));
        assert_eq!((raw.pmcw().0[0], raw.pmcw().0[27]), (0, 27));
        assert_eq!((raw.scsw().0[0], raw.scsw().0[11]), (28, 39));
        let schib = Schib::<Guest>::decode(&raw);
        assert_eq!(schib.measurement_block.get(), 0x2829_2a2b_2c2d_2e2f);
        assert_eq!(schib.model, [48, 49, 50, 51]);
        assert_eq!(SCHIB_SIZE, 52);
    }

    #[test]
    fn by_hand() {
        let mut raw = RawSchib::default();
        raw.0[4..12].copy_from_slice(&[0x18, 0x81, 0x0a, 0x90, 0x80, 0, 0x80, 0x80]);
        raw.0[31] = 0x01;
        raw.0[47] = 0x40;
        raw.0[51] = 0x5a;
        let schib = Schib::<Guest>::decode(&raw);
        assert_eq!(
            (schib.pmcw.isc, schib.pmcw.device_number),
            (3, Some(0x0a90))
        );
        assert_eq!(
            (schib.pmcw.lpm, schib.pmcw.lpum, schib.pmcw.pim),
            (0x80, 0x80, 0x80)
        );
        assert_eq!(schib.scsw.status, StatusControl::PENDING);
        assert_eq!(schib.measurement_block.get(), 0x40);
        assert_eq!(schib.model, [0, 0, 0, 0x5a]);
        assert_eq!(schib.encode(), raw);
    }

    #[test]
    fn modify_takes_what_the_program_may_change() {
        let mut before = RawSchib([0; SCHIB_SIZE]);
        before.0[5] = 0x03;
        let after = before.modified_by(&RawSchib([0xff; SCHIB_SIZE]));
        assert_eq!(after.0[..8], [0xff, 0xff, 0xff, 0xff, 0x38, 0xff, 0, 0]);
        assert_eq!(after.0[8..16], [0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0]);
        assert_eq!(after.0[16..27], [0; 11]);
        assert_eq!(after.0[27], 0x07);
        assert_eq!(after.0[28..40], [0; 12], "the status is the subchannel's");
        assert_eq!(after.0[40..48], [0xff; 8]);
        assert_eq!(after.0[48..], [0; 4]);

        let cleared = after.modified_by(&RawSchib::default());
        assert_eq!(cleared, before, "T and V stay");
    }

    #[test]
    fn without_a_device_nothing_changes() {
        let before = RawSchib::default();
        assert_eq!(before.modified_by(&RawSchib([0xff; SCHIB_SIZE])), before);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: [[u8; 26]; 2]) {
            let raw = RawSchib(bytes.concat().try_into().unwrap());
            let schib = Schib::<Guest>::decode(&raw);
            prop_assert_eq!(Schib::decode(&schib.encode()), schib);
        }
    }
}
