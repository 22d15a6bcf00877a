// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! The I/O-interruption code, at real 184-195 and from TEST PENDING INTERRUPTION.
//! "PoP: I/O-Interruption Code".

use crate::bytes::{bit32, field, put};
use crate::{RawSubsystemId, SubsystemId};

/// Bytes of an I/O-interruption code.
pub const INTERRUPTION_CODE_SIZE: usize = 12;

/// The twelve bytes of an I/O-interruption code, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawInterruptionCode(pub [u8; INTERRUPTION_CODE_SIZE]);

/// What an I/O interruption says: word 0 names the subchannel, word 1 is the parameter, word 2
/// identifies the interruption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InterruptionCode {
    /// The subchannel; of an adapter interruption there is none.
    pub subchannel: Option<SubsystemId>,
    /// Interruption parameter of the ORB or the PMCW.
    pub intparm: u32,
    /// Word 2 bit 0: the interruption is an adapter's.
    pub adapter: bool,
    /// Word 2 bits 2-4: interruption subclass, 0-7.
    pub isc: u8,
}

impl InterruptionCode {
    /// What `raw` says; reserved bits, and a word 0 that names no subchannel, are dropped.
    pub fn decode(raw: &RawInterruptionCode) -> Self {
        let word = |at| u32::from_be_bytes(field(&raw.0, at));
        Self {
            subchannel: SubsystemId::decode(RawSubsystemId(word(0))),
            intparm: word(4),
            adapter: word(8) & 0x8000_0000 != 0,
            isc: ((word(8) >> 27) & 0x7) as u8,
        }
    }

    /// The twelve bytes.
    pub fn encode(&self) -> RawInterruptionCode {
        let mut bytes = [0; INTERRUPTION_CODE_SIZE];
        let subchannel = self.subchannel.map_or(0, |id| id.encode().0);
        let identification = bit32(self.adapter, 0x8000_0000) | (u32::from(self.isc & 0x7) << 27);
        put(&mut bytes, 0, &subchannel.to_be_bytes());
        put(&mut bytes, 4, &self.intparm.to_be_bytes());
        put(&mut bytes, 8, &identification.to_be_bytes());
        RawInterruptionCode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let raw = RawInterruptionCode([0, 1, 0, 0x0e, 0xde, 0xad, 0xbe, 0xef, 0x18, 0, 0, 0]);
        let code = InterruptionCode::decode(&raw);
        assert_eq!(code.subchannel, SubsystemId::new(0, 0x0e));
        assert_eq!(code.intparm, 0xdead_beef);
        assert!(!code.adapter);
        assert_eq!(code.isc, 3);
        assert_eq!(code.encode(), raw);
    }

    #[test]
    fn an_adapter_interruption_names_no_subchannel() {
        let raw = RawInterruptionCode([0, 0, 0, 0, 0, 0, 0, 0, 0xb8, 0, 0, 0]);
        let code = InterruptionCode::decode(&raw);
        assert_eq!((code.subchannel, code.adapter, code.isc), (None, true, 7));
        assert_eq!(code.encode(), raw);
    }

    #[test]
    fn reserved_bits_are_dropped() {
        let code = InterruptionCode::decode(&RawInterruptionCode([0xff; 12]));
        let mut expected = [0; 12];
        expected[4..8].fill(0xff);
        expected[8] = 0xb8;
        assert_eq!(code.encode().0, expected);
    }
}
