// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! Which subchannel: the subsystem-identification word. "PoP: Subsystem-Identification Word".

use core::fmt;

/// A subsystem-identification word (bits 32-63 of general register 1), whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawSubsystemId(pub u32);

/// The subchannel that an I/O instruction names.
///
/// ```
/// use ccw::{RawSubsystemId, SubsystemId};
///
/// let id = SubsystemId::decode(RawSubsystemId(0x0001_0042)).unwrap();
/// assert_eq!((id.ssid(), id.number), (0, 0x42));
/// assert_eq!(id.to_string(), "0.0.0042");
/// assert_eq!(SubsystemId::decode(RawSubsystemId(0x42)), None); // operand exception
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubsystemId {
    /// Channel-subsystem id; given only if the M bit is one.
    pub cssid: Option<u8>,
    ssid: u8,
    /// Subchannel number.
    pub number: u16,
}

impl SubsystemId {
    const MULTIPLE_CSS: u32 = 0x0008_0000;
    const ONE: u32 = 0x0001_0000;
    const ZERO: u32 = 0x00f0_0000;

    /// The subchannel `number` of the subchannel set `ssid` (0-3) of the default subsystem.
    pub const fn new(ssid: u8, number: u16) -> Option<Self> {
        if ssid > 3 {
            return None;
        }
        Some(Self {
            cssid: None,
            ssid,
            number,
        })
    }

    /// Subchannel-set id, 0-3.
    pub const fn ssid(self) -> u8 {
        self.ssid
    }

    /// What `raw` names, unless it is a word that ends an instruction with an operand exception:
    /// bit 47 zero, bits 40-43 not zero, or a subsystem id without the M bit.
    pub const fn decode(raw: RawSubsystemId) -> Option<Self> {
        let w = raw.0;
        let cssid = (w >> 24) as u8;
        let multiple = w & Self::MULTIPLE_CSS != 0;
        if w & Self::ONE == 0 || w & Self::ZERO != 0 || (!multiple && cssid != 0) {
            return None;
        }
        Some(Self {
            cssid: if multiple { Some(cssid) } else { None },
            ssid: ((w >> 17) & 0x3) as u8,
            number: (w & 0xffff) as u16,
        })
    }

    /// The word.
    pub const fn encode(self) -> RawSubsystemId {
        let css = match self.cssid {
            Some(cssid) => ((cssid as u32) << 24) | Self::MULTIPLE_CSS,
            None => 0,
        };
        RawSubsystemId(css | ((self.ssid as u32) << 17) | Self::ONE | self.number as u32)
    }
}

impl fmt::Display for SubsystemId {
    /// Subsystem, set and number in hexadecimal, as `0.0.0042`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cssid = self.cssid.unwrap_or(0);
        write!(f, "{cssid:x}.{:x}.{:04x}", self.ssid, self.number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_field_alone() {
        let rows = [
            (0x0001_0000, None, 0, 0),
            (0x0003_0000, None, 1, 0),
            (0x0005_0000, None, 2, 0),
            (0x0007_abcd, None, 3, 0xabcd),
            (0x0009_0001, Some(0), 0, 1),
            (0xfe09_0000, Some(0xfe), 0, 0),
        ];
        for (word, cssid, ssid, number) in rows {
            let id = SubsystemId::decode(RawSubsystemId(word)).unwrap();
            assert_eq!((id.cssid, id.ssid(), id.number), (cssid, ssid, number));
            assert_eq!(id.encode(), RawSubsystemId(word));
        }
    }

    #[test]
    fn words_that_name_nothing() {
        for word in [
            0,
            0x0000_0001,
            0x000e_0000, // bit 47 zero
            0x0011_0000,
            0x0081_0000, // bits 40-43
            0x0101_0000, // CSSID without M
        ] {
            assert_eq!(
                SubsystemId::decode(RawSubsystemId(word)),
                None,
                "{word:08x}"
            );
        }
        assert_eq!(SubsystemId::new(4, 0), None);
        assert_eq!(SubsystemId::new(3, 1).unwrap().encode().0, 0x0007_0001);
    }

    proptest! {
        #[test]
        fn a_word_that_decodes_is_kept(word: u32) {
            for word in [word, word & 0xff0f_ffff | 0x0009_0000] {
                if let Some(id) = SubsystemId::decode(RawSubsystemId(word)) {
                    prop_assert_eq!(id.encode(), RawSubsystemId(word));
                }
            }
        }
    }
}
