// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! The extended-report word, word 1 of the extended-status word. "PoP: Extended-Report Word".

use crate::bytes::bit32;

/// The extended-report word, whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawErw(pub u32);

impl RawErw {
    /// Bit 6: words 2-3 of the ESW hold a failing-storage address.
    pub const FAILING_STORAGE: u32 = 0x0200_0000;
    /// Bit 8: word 4 of the ESW holds a secondary-CCW address.
    pub const SECONDARY_CCW: u32 = 0x0080_0000;
    /// Bit 9: the failing-storage address is 64 bits wide, in words 2 and 3.
    pub const FAILING_STORAGE_64: u32 = 0x0040_0000;

    const REQUEST_LOGGING: u32 = 0x4000_0000;
    const LOGOUT_PENDING: u32 = 0x2000_0000;
    const AUTHORIZATION_CHECK: u32 = 0x1000_0000;
    const PATH_VERIFICATION: u32 = 0x0800_0000;
    const PATH_TIMEOUT: u32 = 0x0400_0000;
    const CONCURRENT_SENSE: u32 = 0x0100_0000;
    const SENSE_COUNT: u32 = 0x003f_0000;

    /// Bit 0 and bits 16-31, which are reserved.
    pub const fn reserved(self) -> u32 {
        self.0 & 0x8000_ffff
    }

    /// Bits 10-15: bytes of sense in the ECW, meaningful with concurrent sense.
    pub const fn sense_count(self) -> u8 {
        ((self.0 & Self::SENSE_COUNT) >> 16) as u8
    }
}

/// What an extended-report word says of the ending.
///
/// The three bits that say which addresses are valid are not here: [`Esw::Logout`](crate::Esw::Logout) has the
/// addresses themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Erw {
    /// Bit 1: the condition is reported for logging only.
    pub request_logging: bool,
    /// Bit 2: an extended subchannel logout is pending.
    pub logout_pending: bool,
    /// Bit 3: authorization check.
    pub authorization_check: bool,
    /// Bit 4: the path must be verified.
    pub path_verification: bool,
    /// Bit 5: the channel path timed out.
    pub path_timeout: bool,
    /// Bits 7 and 10-15: the ECW holds this many bytes of sense, 0-63 as stored.
    pub concurrent_sense: Option<u8>,
}

impl Erw {
    /// What `raw` says, but for its address-validity bits.
    pub const fn decode(raw: RawErw) -> Self {
        let w = raw.0;
        Self {
            request_logging: w & RawErw::REQUEST_LOGGING != 0,
            logout_pending: w & RawErw::LOGOUT_PENDING != 0,
            authorization_check: w & RawErw::AUTHORIZATION_CHECK != 0,
            path_verification: w & RawErw::PATH_VERIFICATION != 0,
            path_timeout: w & RawErw::PATH_TIMEOUT != 0,
            concurrent_sense: if w & RawErw::CONCURRENT_SENSE != 0 {
                Some(raw.sense_count())
            } else {
                None
            },
        }
    }

    /// The word, with no address valid.
    pub const fn encode(self) -> RawErw {
        let sense = match self.concurrent_sense {
            Some(count) => {
                RawErw::CONCURRENT_SENSE | (((count as u32) << 16) & RawErw::SENSE_COUNT)
            }
            None => 0,
        };
        RawErw(
            bit32(self.request_logging, RawErw::REQUEST_LOGGING)
                | bit32(self.logout_pending, RawErw::LOGOUT_PENDING)
                | bit32(self.authorization_check, RawErw::AUTHORIZATION_CHECK)
                | bit32(self.path_verification, RawErw::PATH_VERIFICATION)
                | bit32(self.path_timeout, RawErw::PATH_TIMEOUT)
                | sense,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets the field that a bit is expected to set.
    type Expect = fn(&mut Erw);

    #[test]
    fn every_bit_alone() {
        let rows: [(u32, Expect); 6] = [
            (0x4000_0000, |e| e.request_logging = true),
            (0x2000_0000, |e| e.logout_pending = true),
            (0x1000_0000, |e| e.authorization_check = true),
            (0x0800_0000, |e| e.path_verification = true),
            (0x0400_0000, |e| e.path_timeout = true),
            (0x0100_0000, |e| e.concurrent_sense = Some(0)),
        ];
        for (mask, field) in rows {
            let mut expected = Erw::default();
            field(&mut expected);
            assert_eq!(Erw::decode(RawErw(mask)), expected, "{mask:08x}");
            assert_eq!(expected.encode(), RawErw(mask));
        }
        // Reserved, address validity, and a sense count that nothing makes valid.
        for mask in [
            0x8000_ffff,
            0x0200_0000,
            0x0080_0000,
            0x0040_0000,
            0x003f_0000,
        ] {
            assert_eq!(Erw::decode(RawErw(mask)), Erw::default(), "{mask:08x}");
        }
        assert_eq!(RawErw(0xffff_ffff).reserved(), 0x8000_ffff);
        let sense = Erw::decode(RawErw(0x0120_0000));
        assert_eq!(sense.concurrent_sense, Some(32));
        assert_eq!(sense.encode(), RawErw(0x0120_0000));
        let too_many = Erw {
            concurrent_sense: Some(0xff),
            ..Erw::default()
        };
        assert_eq!(too_many.encode(), RawErw(0x013f_0000));
    }
}
