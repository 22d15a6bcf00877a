// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! The interruption-response block, result of TEST SUBCHANNEL. "PoP: Interruption-Response Block".
//!
//! SCSW (12 bytes), ESW (20), ECW (32); with the extended-I/O-measurement-word mode of the
//! subchannel 32 bytes of EMW follow, which are opaque here.

use crate::bytes::{field, put};
use crate::{ESW_SIZE, Esw, RawEsw, RawScsw, SCSW_SIZE, Scsw, Space};

/// Bytes of an IRB.
pub const IRB_SIZE: usize = 64;
/// Bytes of an extended-control word.
pub const ECW_SIZE: usize = 32;
/// Bytes of an extended-measurement word.
pub const EMW_SIZE: usize = 32;
/// Bytes of an IRB that an extended-measurement word follows.
pub const IRB_EXTENDED_SIZE: usize = IRB_SIZE + EMW_SIZE;

const ESW_OFFSET: usize = SCSW_SIZE;
const ECW_OFFSET: usize = ESW_OFFSET + ESW_SIZE;

/// The 64 bytes of an IRB, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct RawIrb(pub [u8; IRB_SIZE]);

impl RawIrb {
    /// Bytes 0-11.
    pub fn scsw(&self) -> RawScsw {
        RawScsw(field(&self.0, 0))
    }

    /// Bytes 12-31.
    pub fn esw(&self) -> RawEsw {
        RawEsw(field(&self.0, ESW_OFFSET))
    }

    /// Bytes 32-63; meaningful if the SCSW's E bit is one.
    pub fn ecw(&self) -> [u8; ECW_SIZE] {
        field(&self.0, ECW_OFFSET)
    }

    /// Takes an extended-measurement word off the end.
    pub fn split_extended(bytes: &[u8; IRB_EXTENDED_SIZE]) -> (Self, [u8; EMW_SIZE]) {
        (Self(field(bytes, 0)), field(bytes, IRB_SIZE))
    }

    /// Puts an extended-measurement word behind.
    pub fn extend(&self, emw: &[u8; EMW_SIZE]) -> [u8; IRB_EXTENDED_SIZE] {
        let mut bytes = [0; IRB_EXTENDED_SIZE];
        put(&mut bytes, 0, &self.0);
        put(&mut bytes, IRB_SIZE, emw);
        bytes
    }
}

impl Default for RawIrb {
    fn default() -> Self {
        Self([0; IRB_SIZE])
    }
}

/// An IRB whose addresses name storage of the space `S`.
///
/// ```
/// use ccw::{DeviceStatus, Guest, Irb, RawIrb};
///
/// let mut raw = RawIrb::default();
/// // Unit check with one byte of concurrent sense: command reject.
/// raw.0[..12].copy_from_slice(&[0, 0xc2, 0x40, 0x17, 0, 0, 0x21, 8, 0x0e, 0, 0, 0]);
/// raw.0[16..20].copy_from_slice(&[0x01, 0x01, 0, 0]);
/// raw.0[32] = 0x80;
/// let irb = Irb::<Guest>::decode(&raw);
/// assert!(irb.scsw.device.contains(DeviceStatus::UNIT_CHECK));
/// assert_eq!(irb.concurrent_sense(), Some(&[0x80][..]));
/// assert_eq!(irb.encode(), raw);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Irb<S: Space> {
    /// Subchannel-status word.
    pub scsw: Scsw<S>,
    /// Extended-status word.
    pub esw: Esw<S>,
    /// Extended-control word: sense data, or model-dependent.
    pub ecw: [u8; ECW_SIZE],
}

impl<S: Space> Irb<S> {
    /// The IRB of a subchannel at rest.
    pub const IDLE: Self = Self {
        scsw: Scsw::IDLE,
        esw: Esw::NONE,
        ecw: [0; ECW_SIZE],
    };

    /// What `raw` says; the SCSW's L bit decides the format of the ESW.
    pub fn decode(raw: &RawIrb) -> Self {
        let scsw = Scsw::decode(&raw.scsw());
        Self {
            scsw,
            esw: Esw::decode(&raw.esw(), scsw.extended_status_word),
            ecw: raw.ecw(),
        }
    }

    /// The 64 bytes. The SCSW's L bit becomes what the format of the ESW makes it.
    pub fn encode(&self) -> RawIrb {
        let mut scsw = self.scsw;
        scsw.extended_status_word = self.esw.is_format0();
        let mut bytes = [0; IRB_SIZE];
        put(&mut bytes, 0, &scsw.encode().0);
        put(&mut bytes, ESW_OFFSET, &self.esw.encode().0);
        put(&mut bytes, ECW_OFFSET, &self.ecw);
        RawIrb(bytes)
    }

    /// The sense bytes that came with the status, at most 32.
    pub fn concurrent_sense(&self) -> Option<&[u8]> {
        let count = self.esw.erw().concurrent_sense?;
        if !self.scsw.extended_control {
            return None;
        }
        Some(self.ecw.get(..usize::from(count)).unwrap_or(&self.ecw))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Guest;

    fn numbered() -> RawIrb {
        RawIrb(core::array::from_fn(|i| u8::try_from(i).unwrap()))
    }

    #[test]
    fn offsets() {
        let raw = numbered();
        assert_eq!((raw.scsw().0[0], raw.scsw().0[11]), (0, 11));
        assert_eq!((raw.esw().0[0], raw.esw().0[19]), (12, 31));
        assert_eq!((raw.ecw()[0], raw.ecw()[31]), (32, 63));
        assert_eq!(raw.esw().erw().0, 0x1011_1213);
        assert_eq!((IRB_SIZE, IRB_EXTENDED_SIZE), (64, 96));
    }

    #[test]
    fn an_extended_measurement_word_goes_behind() {
        let bytes = numbered().extend(&[0xee; EMW_SIZE]);
        assert_eq!((bytes[63], bytes[64], bytes[95]), (63, 0xee, 0xee));
        assert_eq!(
            RawIrb::split_extended(&bytes),
            (numbered(), [0xee; EMW_SIZE])
        );
    }

    #[test]
    fn the_l_bit_follows_the_format() {
        let mut raw = RawIrb::default();
        raw.0[0] = 0x04;
        raw.0[12] = 0x04;
        let irb = Irb::<Guest>::decode(&raw);
        assert!(irb.esw.is_format0());
        assert_eq!(irb.encode(), raw);
        let plain = Irb {
            esw: Esw::NONE,
            ..irb
        };
        assert_eq!(plain.encode(), RawIrb::default());
        assert_eq!(Irb::<Guest>::IDLE.encode(), RawIrb::default());
    }

    #[test]
    fn concurrent_sense_needs_e_and_the_erw() {
        let mut raw = RawIrb::default();
        raw.0[32..].copy_from_slice(&[0xa5; 32]);
        let sense = |raw: &RawIrb| {
            Irb::<Guest>::decode(raw)
                .concurrent_sense()
                .map(<[u8]>::len)
        };
        assert_eq!(sense(&raw), None);
        raw.0[16..18].copy_from_slice(&[0x01, 24]);
        assert_eq!(sense(&raw), None);
        raw.0[1] = 0x02;
        assert_eq!(sense(&raw), Some(24));
        raw.0[17] = 63;
        assert_eq!(sense(&raw), Some(32));
        raw.0[16] = 0;
        assert_eq!(sense(&raw), None);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: [[u8; 16]; 4]) {
            let raw = RawIrb(bytes.concat().try_into().unwrap());
            let irb = Irb::<Guest>::decode(&raw);
            prop_assert_eq!(Irb::decode(&irb.encode()), irb);
            prop_assert_eq!(irb.encode().ecw(), raw.ecw());
            irb.concurrent_sense();
        }
    }
}
