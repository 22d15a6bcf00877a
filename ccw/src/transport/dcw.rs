// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! Device-command words, the commands of a TCCB. "PoP: DCW".

use crate::Command;
use crate::bytes::{bit, field, put};

/// Bytes of a DCW without its control data; DCWs are aligned to words.
pub const DCW_SIZE: usize = 8;

/// Most DCWs that a transport-command area holds.
pub const MAX_DCWS: usize = super::TCA_MAX / DCW_SIZE;

/// Flag of byte 1: another DCW follows.
const CHAIN_COMMAND: u8 = 0x40;

/// The eight bytes of a DCW, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawDcw(pub [u8; DCW_SIZE]);

impl RawDcw {
    /// Whether byte 1, but for its chain-command flag, and byte 2 are zero.
    pub const fn reserved_is_zero(self) -> bool {
        self.0[1] & !CHAIN_COMMAND | self.0[2] == 0
    }

    /// Byte 3: bytes of control data that follow.
    pub const fn control_count(self) -> u8 {
        self.0[3]
    }
}

/// A DCW with its control data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dcw<'a> {
    /// Command code.
    pub command: Command,
    /// Another DCW follows.
    pub chain_command: bool,
    /// Bytes of data that the command moves.
    pub data_count: u32,
    /// Control data: the parameters of the command. At most 255 bytes can be encoded.
    pub control: &'a [u8],
}

impl<'a> Dcw<'a> {
    /// What `raw` says, with the `control` data behind it; reserved bits are dropped.
    pub fn decode(raw: RawDcw, control: &'a [u8]) -> Self {
        let [command, flags, _, _, ..] = raw.0;
        Self {
            command: Command(command),
            chain_command: flags & CHAIN_COMMAND != 0,
            data_count: u32::from_be_bytes(field(&raw.0, 4)),
            control,
        }
    }

    /// The eight bytes.
    pub fn encode(&self) -> RawDcw {
        #[expect(clippy::cast_possible_truncation, reason = "what is too wide is lost")]
        let control = self.control.len() as u8;
        let mut bytes = [
            self.command.0,
            bit(self.chain_command, CHAIN_COMMAND),
            0,
            control,
            0,
            0,
            0,
            0,
        ];
        put(&mut bytes, 4, &self.data_count.to_be_bytes());
        RawDcw(bytes)
    }

    /// Bytes with control data, and zeros up to the next word.
    pub fn size(&self) -> usize {
        DCW_SIZE + self.control.len().next_multiple_of(4)
    }

    /// Writes the DCW to the beginning of `into`, with its control data and the zeros behind them.
    /// Returns how many bytes; `None` if there is no room for them, or more than 255 bytes of
    /// control data.
    pub fn write(&self, into: &mut [u8]) -> Option<usize> {
        u8::try_from(self.control.len()).ok()?;
        let size = self.size();
        let into = into.get_mut(..size)?;
        into.fill(0);
        put(into, 0, &self.encode().0);
        put(into, DCW_SIZE, self.control);
        Some(size)
    }
}

/// A DCW that reaches beyond its transport-command area, or is missing there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DcwOverrun {
    /// Offset of the DCW in the area.
    pub offset: usize,
}

/// The DCWs of a transport-command area, each with its offset: up to the first that does not chain,
/// or that the area does not hold.
#[derive(Clone, Debug)]
pub struct Dcws<'a> {
    tca: &'a [u8],
    offset: usize,
    more: bool,
}

impl<'a> Dcws<'a> {
    /// The DCWs of the area `tca`.
    pub const fn new(tca: &'a [u8]) -> Self {
        Self {
            tca,
            offset: 0,
            more: true,
        }
    }
}

impl<'a> Iterator for Dcws<'a> {
    type Item = Result<(usize, Dcw<'a>), DcwOverrun>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.more {
            return None;
        }
        let offset = self.offset;
        self.more = false;
        let rest = self.tca.get(offset..).unwrap_or_default();
        let Some((word, rest)) = rest.split_first_chunk() else {
            return Some(Err(DcwOverrun { offset }));
        };
        let raw = RawDcw(*word);
        let Some(control) = rest.get(..usize::from(raw.control_count())) else {
            return Some(Err(DcwOverrun { offset }));
        };
        let dcw = Dcw::decode(raw, control);
        self.offset = offset + dcw.size();
        self.more = dcw.chain_command;
        Some(Ok((offset, dcw)))
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_bit_alone() {
        type Row = (usize, u8, fn(&mut Dcw<'_>));
        let rows: [Row; 8] = [
            (0, 0x80, |d| d.command = Command(0x80)),
            (0, 0x01, |d| d.command = Command(0x01)),
            (1, 0x40, |d| d.chain_command = true),
            (3, 0x80, |d| d.control = &[0; 0x80]),
            (3, 0x01, |d| d.control = &[0; 1]),
            (4, 0x80, |d| d.data_count = 1 << 31),
            (6, 0x01, |d| d.data_count = 1 << 8),
            (7, 0x01, |d| d.data_count = 1),
        ];
        let zeros = [0; 255];
        for (byte, mask, field) in rows {
            let mut bytes = [0; DCW_SIZE];
            bytes[byte] = mask;
            let raw = RawDcw(bytes);
            let mut expected = Dcw::decode(RawDcw::default(), &[]);
            field(&mut expected);
            let control = &zeros[..usize::from(raw.control_count())];
            assert_eq!(Dcw::decode(raw, control), expected, "{byte}.{mask:02x}");
            assert_eq!(expected.encode(), raw, "{byte}.{mask:02x}");
            assert!(raw.reserved_is_zero());
        }
        for (byte, bits) in [(1, 0xbf_u8), (2, 0xff)] {
            for mask in (0..8)
                .map(|bit| 0x80 >> bit)
                .filter(|mask| bits & mask != 0)
            {
                let mut bytes = [0; DCW_SIZE];
                bytes[byte] = mask;
                assert!(!RawDcw(bytes).reserved_is_zero(), "{byte}.{mask:02x}");
                assert_eq!(Dcw::decode(RawDcw(bytes), &[]).encode(), RawDcw::default());
            }
        }
    }

    /// PREFIX with five bytes of control data and three of padding, then READ TRACK DATA.
    const TCA: [u8; 24] = [
        0xe7, 0x40, 0, 5, 0, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0, //
        0xa6, 0x00, 0, 0, 0, 1, 0, 0,
    ];

    #[test]
    fn one_after_the_other() {
        let dcws: Vec<_> = Dcws::new(&TCA).collect::<Result<_, _>>().unwrap();
        let prefix = Dcw {
            command: Command(0xe7),
            chain_command: true,
            data_count: 0,
            control: &[1, 2, 3, 4, 5],
        };
        let read = Dcw {
            command: Command(0xa6),
            chain_command: false,
            data_count: 0x1_0000,
            control: &[],
        };
        assert_eq!(dcws, [(0, prefix), (16, read)]);
        let mut again = [0xff; 24];
        assert_eq!(prefix.write(&mut again), Some(16));
        assert_eq!(read.write(&mut again[16..]), Some(8));
        assert_eq!(again, TCA);
    }

    #[test]
    fn beyond_the_area() {
        let ends = |tca| {
            Dcws::new(tca)
                .map(|dcw| dcw.map(|_| ()))
                .collect::<Vec<_>>()
        };
        let overrun = |offset| Err(DcwOverrun { offset });
        // The area ends before the second DCW, inside it, and inside the control data of the first.
        assert_eq!(ends(&TCA[..16]), [Ok(()), overrun(16)]);
        assert_eq!(ends(&TCA[..23]), [Ok(()), overrun(16)]);
        assert_eq!(ends(&TCA[..13]), [Ok(()), overrun(16)]);
        assert_eq!(ends(&TCA[..12]), [overrun(0)]);
        assert_eq!(ends(&TCA[..7]), [overrun(0)]);
        assert_eq!(ends(&[]), [overrun(0)]);
        // What lies behind the last DCW is nobody's.
        assert_eq!(ends(&[0; 240]), [Ok(())]);
    }

    #[test]
    fn no_room() {
        let dcw = Dcw {
            command: Command(0x47),
            chain_command: false,
            data_count: 0,
            control: &[0; 16],
        };
        assert_eq!(dcw.write(&mut [0; 23]), None);
        assert_eq!(dcw.write(&mut [0; 24]), Some(24));
        let control = &[0; 256];
        assert_eq!(Dcw { control, ..dcw }.write(&mut [0; 512]), None);
    }

    proptest! {
        #[test]
        fn any_area(tca in prop::collection::vec(any::<u8>(), 0..300)) {
            let dcws: Vec<_> = Dcws::new(&tca).collect();
            prop_assert!(dcws.len() <= tca.len() / DCW_SIZE + 1);
            for (offset, dcw) in dcws.into_iter().flatten() {
                let mut written = [0; 300];
                let size = dcw.write(&mut written).unwrap();
                let again: Vec<_> = Dcws::new(&written[..size]).flatten().collect();
                prop_assert_eq!(again, [(0, dcw)]);
                prop_assert!(offset + DCW_SIZE + dcw.control.len() <= tca.len());
            }
        }
    }
}
