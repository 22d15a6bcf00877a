// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! The transport-command-control block: header, commands, trailer. "PoP: TCCB".

use super::Dcws;
use crate::bytes::{field, put};

/// Bytes of the header (TCAH).
pub const TCAH_SIZE: usize = 16;
/// Most bytes of the transport-command area (TCA), which begins behind the header.
pub const TCA_MAX: usize = 240;
/// Fewest bytes of a TCCB.
pub const TCCB_MIN: usize = 32;
/// Most bytes of a TCCB.
pub const TCCB_MAX: usize = 264;

/// Bytes of the trailer (TCAT): with one count, and with two.
const TCAT_SIZE: [usize; 2] = [8, 12];
/// What TCAL says more than the area has.
const TCAL_BIAS: usize = 12;

/// What the control unit is asked to do with a TCCB. Unknown codes survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServiceAction(pub u16);

impl ServiceAction {
    /// Execute the commands.
    pub const DEVICE_IO: Self = Self(0x1ffe);
    /// Tell what another program of the device is at.
    pub const INTERROGATE: Self = Self(0x1fff);
}

/// The sixteen bytes of a header, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawTcah(pub [u8; TCAH_SIZE]);

impl RawTcah {
    /// Whether bytes 1-6, 10 and 12-15 are zero.
    pub fn reserved_is_zero(&self) -> bool {
        field::<6>(&self.0, 1) == [0; 6] && self.0[10] == 0 && field::<4>(&self.0, 12) == [0; 4]
    }
}

/// The header of a TCCB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tcah {
    /// Byte 0; there is only [`Self::FORMAT`].
    pub format: u8,
    /// Byte 7, TCAL: bytes of the area plus 12.
    pub tcal: u8,
    /// Bytes 8-9.
    pub service_action: ServiceAction,
    /// Byte 11: priority at the control unit.
    pub priority: u8,
}

impl Tcah {
    /// The format that there is.
    pub const FORMAT: u8 = 0x7f;

    /// What `raw` says; reserved bytes are dropped.
    pub const fn decode(raw: RawTcah) -> Self {
        let b = raw.0;
        Self {
            format: b[0],
            tcal: b[7],
            service_action: ServiceAction(u16::from_be_bytes([b[8], b[9]])),
            priority: b[11],
        }
    }

    /// The sixteen bytes.
    pub fn encode(&self) -> RawTcah {
        let mut b = [0; TCAH_SIZE];
        put(&mut b, 0, &[self.format]);
        put(&mut b, 7, &[self.tcal]);
        put(&mut b, 8, &self.service_action.0.to_be_bytes());
        put(&mut b, 11, &[self.priority]);
        RawTcah(b)
    }

    /// The TCAL of an area of `size` bytes, if it fits the byte.
    pub fn tcal_of(size: usize) -> Option<u8> {
        u8::try_from(size.checked_add(TCAL_BIAS)?).ok()
    }
}

/// The trailer of a TCCB: how many bytes cross the link. Each count is that of the data, rounded up
/// to a multiple of 4, plus 4 check bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tcat {
    /// Word 1: bytes of the only direction, or of the output.
    pub transport_count: u32,
    /// Word 2: bytes of the input, only of a program that has both.
    pub read_count: Option<u32>,
}

/// The bytes of a TCCB, whatever and however many they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawTccb<'a>(pub &'a [u8]);

impl<'a> RawTccb<'a> {
    /// Bytes 0-15, zeros where the block ends.
    pub fn header(self) -> RawTcah {
        RawTcah(field(self.0, 0))
    }

    /// What lies between header and trailer; the trailer of a `bidirectional` program is longer.
    pub fn tca(self, bidirectional: bool) -> &'a [u8] {
        let end = self.trailer_offset(bidirectional);
        self.0.get(TCAH_SIZE..end).unwrap_or_default()
    }

    /// Whether word 0 of the trailer is zero.
    pub fn trailer_reserved_is_zero(self, bidirectional: bool) -> bool {
        field::<4>(self.0, self.trailer_offset(bidirectional)) == [0; 4]
    }

    /// Where the trailer begins.
    fn trailer_offset(self, bidirectional: bool) -> usize {
        let [one, two] = TCAT_SIZE;
        let size = if bidirectional { two } else { one };
        self.0.len().saturating_sub(size).max(TCAH_SIZE)
    }
}

/// A TCCB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tccb<'a> {
    /// Header.
    pub header: Tcah,
    /// Transport-command area: the DCWs and their control data.
    pub tca: &'a [u8],
    /// Trailer.
    pub trailer: Tcat,
}

impl<'a> Tccb<'a> {
    /// What `raw` says, as the block of a program that is `bidirectional` or not. Its size decides
    /// where the trailer lies; reserved bytes are dropped.
    pub fn decode(raw: RawTccb<'a>, bidirectional: bool) -> Self {
        let trailer = raw.trailer_offset(bidirectional);
        let word = |at| u32::from_be_bytes(field(raw.0, trailer + at));
        Self {
            header: Tcah::decode(raw.header()),
            tca: raw.tca(bidirectional),
            trailer: Tcat {
                transport_count: word(4),
                read_count: bidirectional.then(|| word(8)),
            },
        }
    }

    /// Bytes of the block.
    pub fn size(&self) -> usize {
        let [one, two] = TCAT_SIZE;
        let trailer = match self.trailer.read_count {
            None => one,
            Some(_) => two,
        };
        TCAH_SIZE + self.tca.len() + trailer
    }

    /// Writes the block to the beginning of `into`. Returns how many bytes; `None` if there is no
    /// room for them.
    pub fn write(&self, into: &mut [u8]) -> Option<usize> {
        let size = self.size();
        let into = into.get_mut(..size)?;
        into.fill(0);
        put(into, 0, &self.header.encode().0);
        put(into, TCAH_SIZE, self.tca);
        let trailer = TCAH_SIZE + self.tca.len();
        put(
            into,
            trailer + 4,
            &self.trailer.transport_count.to_be_bytes(),
        );
        if let Some(count) = self.trailer.read_count {
            put(into, trailer + 8, &count.to_be_bytes());
        }
        Some(size)
    }

    /// The commands.
    pub const fn dcws(&self) -> Dcws<'a> {
        Dcws::new(self.tca)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_bit_of_the_header_alone() {
        type Row = (usize, u8, fn(&mut Tcah));
        let rows: [Row; 8] = [
            (0, 0x80, |h| h.format = 0x80),
            (0, 0x01, |h| h.format = 1),
            (7, 0x80, |h| h.tcal = 0x80),
            (7, 0x01, |h| h.tcal = 1),
            (8, 0x80, |h| h.service_action = ServiceAction(0x8000)),
            (9, 0x01, |h| h.service_action = ServiceAction(1)),
            (11, 0x80, |h| h.priority = 0x80),
            (11, 0x01, |h| h.priority = 1),
        ];
        for (byte, mask, field) in rows {
            let mut bytes = [0; TCAH_SIZE];
            bytes[byte] = mask;
            let mut expected = Tcah::decode(RawTcah::default());
            field(&mut expected);
            assert_eq!(Tcah::decode(RawTcah(bytes)), expected, "{byte}.{mask:02x}");
            assert_eq!(expected.encode(), RawTcah(bytes), "{byte}.{mask:02x}");
        }
        for byte in 0..TCAH_SIZE {
            let mut bytes = [0; TCAH_SIZE];
            bytes[byte] = 0x10;
            let reserved = matches!(byte, 1..=6 | 10 | 12..=15);
            assert_eq!(RawTcah(bytes).reserved_is_zero(), !reserved, "{byte}");
            if reserved {
                assert_eq!(Tcah::decode(RawTcah(bytes)).encode(), RawTcah::default());
            }
        }
    }

    #[test]
    fn lengths() {
        assert_eq!(
            (Tcah::tcal_of(8), Tcah::tcal_of(240)),
            (Some(20), Some(252))
        );
        assert_eq!(
            (Tcah::tcal_of(244), Tcah::tcal_of(usize::MAX)),
            (None, None)
        );
        for (size, bidirectional, tca) in [
            (32, false, 8),
            (264, false, 240),
            (264, true, 236),
            (28, true, 0),
            (27, true, 0),
            (0, false, 0),
        ] {
            let bytes = [0; TCCB_MAX];
            let raw = RawTccb(&bytes[..size]);
            assert_eq!(raw.tca(bidirectional).len(), tca, "{size}");
        }
    }

    /// Two bytes of the area, and a trailer with two counts.
    #[test]
    fn both_counts() {
        let mut bytes = [0; 36];
        bytes[..12].copy_from_slice(&[0x7f, 0, 0, 0, 0, 0, 0, 20, 0x1f, 0xfe, 0, 9]);
        bytes[16] = 0xe7;
        bytes[30..].copy_from_slice(&[0x12, 0x34, 0, 0, 0x56, 0x78]);
        let both = Tccb::decode(RawTccb(&bytes), true);
        assert_eq!(both.header.service_action, ServiceAction::DEVICE_IO);
        assert_eq!((both.header.tcal, both.header.priority), (20, 9));
        assert_eq!(both.tca, [0xe7, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(both.trailer.transport_count, 0x1234);
        assert_eq!(both.trailer.read_count, Some(0x5678));
        let mut again = [0xff; 36];
        assert_eq!(both.write(&mut again), Some(36));
        assert_eq!(again, bytes);
        assert_eq!(both.write(&mut again[..35]), None);
        assert!(RawTccb(&bytes).trailer_reserved_is_zero(true));
        bytes[24] = 1;
        assert!(!RawTccb(&bytes).trailer_reserved_is_zero(true));
        // The same bytes of a program with one direction.
        let one = Tccb::decode(RawTccb(&bytes), false);
        assert_eq!(one.tca.len(), 12);
        assert_eq!(one.trailer.transport_count, 0x5678);
        assert_eq!(one.trailer.read_count, None);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300), bidirectional: bool) {
            let tccb = Tccb::decode(RawTccb(&bytes), bidirectional);
            let mut written = [0; 320];
            let size = tccb.write(&mut written).unwrap();
            prop_assert_eq!(Tccb::decode(RawTccb(&written[..size]), bidirectional), tccb);
            if bytes.len() >= TCCB_MIN {
                prop_assert_eq!(size, bytes.len());
                for at in 0..size {
                    let trailer = size - if bidirectional { 12 } else { 8 };
                    let reserved = matches!(at, 1..=6 | 10 | 12..=15)
                        || (trailer..trailer + 4).contains(&at);
                    prop_assert_eq!(written[at], if reserved { 0 } else { bytes[at] });
                }
            }
        }
    }
}
