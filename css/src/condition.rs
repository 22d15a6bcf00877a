// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Why the channel ended a program: the numbered conditions.

use ccw::SubchannelStatus;

macro_rules! conditions {
    ($($id:ident $(($shown:ident))? $status:ident $text:literal,)*) => {
        /// A condition of a program that the channel detects. The name is the condition's id; one
        /// that can be a program check and a protection check has two.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Condition {
            $(#[doc = $text] $id,)*
        }

        impl Condition {
            /// The id, such as `C05`.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$id => conditions!(@id $id $($shown)?),)* }
            }

            /// One line of explanation.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$id => $text,)* }
            }

            /// The subchannel status that reports it.
            pub const fn status(self) -> SubchannelStatus {
                match self { $(Self::$id => SubchannelStatus::$status,)* }
            }
        }
    };
    (@id $id:ident) => { stringify!($id) };
    (@id $id:ident $shown:ident) => { stringify!($shown) };
}

conditions! {
    A01 PROGRAM_CHECK "channel-program address not on a doubleword",
    A02 PROGRAM_CHECK "channel-program address above the format's limit",
    A03 PROGRAM_CHECK "first CCW not available",
    A04 PROGRAM_CHECK "TIC target not on a doubleword",
    A05 PROGRAM_CHECK "TIC target not available",
    A06 PROGRAM_CHECK "next CCW not available",
    A07 PROGRAM_CHECK "next CCW above the format's limit",
    A08 PROTECTION_CHECK "CCW fetch-protected",
    C01 PROGRAM_CHECK "invalid command code",
    C02 PROGRAM_CHECK "format-1 TIC code with modifier bits",
    C03 PROGRAM_CHECK "format-1 TIC with flags or count",
    C04 PROGRAM_CHECK "format-1 TIC with bit 32",
    C05 PROGRAM_CHECK "TIC designates a TIC",
    C06 PROGRAM_CHECK "too many backward TICs without data",
    C08 PROGRAM_CHECK "format-0 count zero",
    C09 PROGRAM_CHECK "count zero with chain data",
    C10 PROGRAM_CHECK "count zero in a CCW reached by data chaining",
    C11 PROGRAM_CHECK "format-1 bit 32 one",
    C12 PROGRAM_CHECK "MIDA flag not allowed by the ORB",
    C13 PROGRAM_CHECK "MIDA and IDA flags together",
    C14 PROGRAM_CHECK "MIDA and skip flags together",
    C15 PROGRAM_CHECK "suspend flag not allowed by the ORB",
    C16 PROGRAM_CHECK "suspend flag in a CCW reached by data chaining",
    C17 PROGRAM_CHECK "suspend and chain-data flags together",
    D01 PROGRAM_CHECK "data address above the format's limit",
    D02 PROGRAM_CHECK "read backward below address zero",
    D03 PROGRAM_CHECK "data location not available",
    D04 PROTECTION_CHECK "data location protected against storing",
    D05 PROTECTION_CHECK "data location protected against fetching",
    D06 PROGRAM_CHECK "data address outside the address limit",
    I01 PROGRAM_CHECK "list of IDAWs misaligned",
    I02 PROGRAM_CHECK "IDAW above the format's limit",
    I03 PROGRAM_CHECK "IDAW not available",
    I04 PROTECTION_CHECK "IDAW fetch-protected",
    I05 PROGRAM_CHECK "format-1 IDAW with bit 0",
    I06 PROGRAM_CHECK "later IDAW not at the first byte of a block",
    I07 PROGRAM_CHECK "later IDAW not at the last byte of a block, reading backward",
    I08 PROGRAM_CHECK "location that an IDAW designates not available",
    M01 PROGRAM_CHECK "list of MIDAWs not on a quadword",
    M02 PROGRAM_CHECK "MIDAW not available or above the format's limit",
    M03 PROTECTION_CHECK "MIDAW fetch-protected",
    M04 PROGRAM_CHECK "list of MIDAWs crosses a 4 KiB boundary",
    M05 PROGRAM_CHECK "MIDAW bits 0-39 not zero",
    M06 PROGRAM_CHECK "MIDAW bits 43-47 not zero",
    M07 PROGRAM_CHECK "MIDAW data-transfer interruption not supported",
    M08 PROGRAM_CHECK "MIDAW count zero",
    M09 PROGRAM_CHECK "MIDAW count larger than what is left of the CCW count",
    M10 PROGRAM_CHECK "last MIDAW used up before the CCW count",
    M12 PROGRAM_CHECK "area of a MIDAW crosses a 4 KiB boundary",
    M13 PROGRAM_CHECK "location that a MIDAW designates not available",
    N02 CHAINING_CHECK "input came faster than the next CCW of the data chain",
    N03 CHANNEL_DATA_CHECK "data with an error that cannot be corrected",
    N04 CHANNEL_CONTROL_CHECK "CCW or word of a list with an error that cannot be corrected",
    T01 PROGRAM_CHECK "TCW, TCCB or TSB not available",
    T02 PROGRAM_CHECK "TCW format or reserved bits not zero",
    T03 PROGRAM_CHECK "TIDAW format of the TCW not zero",
    T04 PROGRAM_CHECK "TCW both reads and writes",
    T05 PROGRAM_CHECK "TCCB length of the TCW not 12 to 244",
    T06 PROGRAM_CHECK "TSB not on a doubleword",
    T07 PROGRAM_CHECK "TCCB not on a doubleword",
    T08 PROGRAM_CHECK "TCCB header with another format or service action",
    T09 PROGRAM_CHECK "TCA length disagrees with the TCCB length",
    T10 PROGRAM_CHECK "transport count disagrees with the count of the TCW",
    T11 PROGRAM_CHECK "DCW or control data beyond the TCA",
    T12 PROGRAM_CHECK "data counts of the DCWs disagree with the count of the TCW",
    T13 PROGRAM_CHECK "list of TIDAWs not on a quadword",
    T14 PROGRAM_CHECK "list of TIDAWs crosses a 4 KiB boundary",
    T15 PROGRAM_CHECK "TIDAW with reserved bits, or T-TIC with other flags",
    T16 PROGRAM_CHECK "TIDAW count zero or beyond a 4 KiB block, or of a T-TIC",
    T17 PROGRAM_CHECK "T-TIC designates a T-TIC",
    T18 PROGRAM_CHECK "counts of the TIDAWs disagree with the count of the TCW",
    T19 PROGRAM_CHECK "TIDAW, or location that it or the TCW designates, not available",
    T20 PROGRAM_CHECK "interrogate-TCW address not on 64 bytes, or with bit 0",
    T21 PROTECTION_CHECK "TCW, TCCB, TSB or TIDAW protected",
}

/// A condition, and the CCW address that the status names with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Check {
    /// What is wrong.
    pub condition: Condition,
    /// CCW address for the SCSW: that of the CCW in error plus 8; in transport mode that of the
    /// TCW.
    pub cpa: u32,
}
