// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! The channel-report word, result of STORE CHANNEL REPORT WORD. "PoP: Channel-Report Word".

use crate::bytes::bit32;

/// Bytes of a CRW.
pub const CRW_SIZE: usize = 4;

/// A CRW, whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawCrw(pub u32);

impl RawCrw {
    /// Bits 0 and 9, which are reserved.
    pub const fn reserved(self) -> u32 {
        self.0 & 0x8040_0000
    }
}

/// Reporting-source code, 0-15: what the report is about. Unknown codes survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReportingSource(pub u8);

impl ReportingSource {
    /// The monitoring facility.
    pub const MONITORING: Self = Self(0x2);
    /// A subchannel.
    pub const SUBCHANNEL: Self = Self(0x3);
    /// A channel path.
    pub const CHANNEL_PATH: Self = Self(0x4);
    /// The configuration-alert facility.
    pub const CONFIGURATION_ALERT: Self = Self(0x9);
    /// The channel subsystem.
    pub const CHANNEL_SUBSYSTEM: Self = Self(0xb);
}

/// Error-recovery code, 0-63: what state the source is in. Unknown codes survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorRecovery(pub u8);

impl ErrorRecovery {
    /// Event information is pending.
    pub const EVENT: Self = Self(0x0);
    /// Available.
    pub const AVAILABLE: Self = Self(0x1);
    /// Initialized.
    pub const INITIALIZED: Self = Self(0x2);
    /// Temporary error.
    pub const TEMPORARY: Self = Self(0x3);
    /// Installed parameters initialized.
    pub const PARAMETERS_INITIALIZED: Self = Self(0x4);
    /// Terminal.
    pub const TERMINAL: Self = Self(0x5);
    /// Permanent error, not initialized.
    pub const PERMANENT_NOT_INITIALIZED: Self = Self(0x6);
    /// Permanent error, initialized.
    pub const PERMANENT_INITIALIZED: Self = Self(0x7);
    /// Installed parameters modified.
    pub const PARAMETERS_MODIFIED: Self = Self(0x8);
    /// Installed parameters restored.
    pub const PARAMETERS_RESTORED: Self = Self(0xa);
}

/// A channel report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Crw {
    /// Bit 1: a program asked for it.
    pub solicited: bool,
    /// Bit 2: reports before this one were lost.
    pub overflow: bool,
    /// Bit 3: the next report belongs to this one.
    pub chained: bool,
    /// Bits 4-7: what the report is about.
    pub source: ReportingSource,
    /// Bit 8: ancillary report.
    pub ancillary: bool,
    /// Bits 10-15: state of the source.
    pub recovery: ErrorRecovery,
    /// Bits 16-31: which one; a subchannel number, a channel path.
    pub source_id: u16,
}

impl Crw {
    /// What `raw` says; reserved bits are dropped.
    pub const fn decode(raw: RawCrw) -> Self {
        let w = raw.0;
        Self {
            solicited: w & 0x4000_0000 != 0,
            overflow: w & 0x2000_0000 != 0,
            chained: w & 0x1000_0000 != 0,
            source: ReportingSource(((w >> 24) & 0x0f) as u8),
            ancillary: w & 0x0080_0000 != 0,
            recovery: ErrorRecovery(((w >> 16) & 0x3f) as u8),
            source_id: (w & 0xffff) as u16,
        }
    }

    /// The word.
    pub const fn encode(self) -> RawCrw {
        RawCrw(
            bit32(self.solicited, 0x4000_0000)
                | bit32(self.overflow, 0x2000_0000)
                | bit32(self.chained, 0x1000_0000)
                | (((self.source.0 & 0x0f) as u32) << 24)
                | bit32(self.ancillary, 0x0080_0000)
                | (((self.recovery.0 & 0x3f) as u32) << 16)
                | self.source_id as u32,
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A bit of the word, and what sets the field expected of it.
    type Row = (u32, fn(&mut Crw));

    #[test]
    fn every_bit_alone() {
        let rows: [Row; 18] = [
            (0x8000_0000, |_| {}),
            (0x4000_0000, |c| c.solicited = true),
            (0x2000_0000, |c| c.overflow = true),
            (0x1000_0000, |c| c.chained = true),
            (0x0800_0000, |c| c.source = ReportingSource(8)),
            (0x0400_0000, |c| c.source = ReportingSource::CHANNEL_PATH),
            (0x0200_0000, |c| c.source = ReportingSource::MONITORING),
            (0x0100_0000, |c| c.source = ReportingSource(1)),
            (0x0080_0000, |c| c.ancillary = true),
            (0x0040_0000, |_| {}),
            (0x0020_0000, |c| c.recovery = ErrorRecovery(0x20)),
            (0x0010_0000, |c| c.recovery = ErrorRecovery(0x10)),
            (0x0008_0000, |c| {
                c.recovery = ErrorRecovery::PARAMETERS_MODIFIED
            }),
            (0x0004_0000, |c| {
                c.recovery = ErrorRecovery::PARAMETERS_INITIALIZED
            }),
            (0x0002_0000, |c| c.recovery = ErrorRecovery::INITIALIZED),
            (0x0001_0000, |c| c.recovery = ErrorRecovery::AVAILABLE),
            (0x0000_8000, |c| c.source_id = 0x8000),
            (0x0000_0001, |c| c.source_id = 1),
        ];
        for (word, field) in rows {
            let mut expected = Crw::decode(RawCrw(0));
            field(&mut expected);
            assert_eq!(Crw::decode(RawCrw(word)), expected, "{word:08x}");
            assert_eq!(expected.encode().0, word & !RawCrw(word).reserved());
            let reserved = matches!(word, 0x8000_0000 | 0x0040_0000);
            assert_eq!(RawCrw(word).reserved() != 0, reserved);
        }
    }

    /// A subchannel whose device came back.
    #[test]
    fn by_hand() {
        let crw = Crw::decode(RawCrw(0x0301_0042));
        assert_eq!(crw.source, ReportingSource::SUBCHANNEL);
        assert_eq!(
            (crw.recovery, crw.source_id),
            (ErrorRecovery::AVAILABLE, 0x42)
        );
        let codes = [
            (ReportingSource::CONFIGURATION_ALERT, 0x9),
            (ReportingSource::CHANNEL_SUBSYSTEM, 0xb),
        ];
        for (source, code) in codes {
            assert_eq!(source.0, code);
        }
        let codes = [
            (ErrorRecovery::EVENT, 0x0),
            (ErrorRecovery::TEMPORARY, 0x3),
            (ErrorRecovery::TERMINAL, 0x5),
            (ErrorRecovery::PERMANENT_NOT_INITIALIZED, 0x6),
            (ErrorRecovery::PERMANENT_INITIALIZED, 0x7),
            (ErrorRecovery::PARAMETERS_RESTORED, 0xa),
        ];
        for (recovery, code) in codes {
            assert_eq!(recovery.0, code);
        }
    }

    proptest! {
        #[test]
        fn any_word(word: u32) {
            let crw = Crw::decode(RawCrw(word));
            prop_assert_eq!(crw.encode().0, word & 0x7fbf_ffff);
            prop_assert_eq!(Crw::decode(crw.encode()), crw);
        }
    }
}
