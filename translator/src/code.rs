// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Every reason for which a program is refused or remarked upon, each with a permanent name.
//!
//! The ids (`C01`) and names (`cmd-zero`) never change their meaning: tests, goldens, the tool's
//! `explain` and change logs use them. Groups: O the ORB, A addresses of CCWs, C the CCW itself,
//! D data addresses, I lists of IDAWs, M lists of MIDAWs, T transport mode, P what a command policy
//! forbids, E what depends on the environment, H what the host lacks.
//!
//! Not found any more: E04 and E05, since transport mode and MIDAWs are carried out on every host, or what
//! of them is not has a name of its own.

use core::fmt;

/// How a machine reports a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// Subchannel status 0x20.
    ProgramCheck,
    /// Subchannel status 0x10.
    ProtectionCheck,
    /// Program interruption at START SUBCHANNEL; nothing is started.
    OperandException,
    /// Program interruption at START SUBCHANNEL: the ORB is not on a word boundary.
    SpecificationException,
    /// START SUBCHANNEL ends with condition code 3.
    Cc3,
    /// Status with deferred condition code 3.
    DeferredCc3,
    /// Unit check: the device refuses the command.
    UnitCheck,
    /// Not at all.
    None,
}

impl Check {
    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProgramCheck => "program-check",
            Self::ProtectionCheck => "protection-check",
            Self::OperandException => "operand-exception",
            Self::SpecificationException => "specification-exception",
            Self::Cc3 => "cc3",
            Self::DeferredCc3 => "deferred-cc3",
            Self::UnitCheck => "unit-check",
            Self::None => "none",
        }
    }
}

/// Whose fault a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The guest's program breaks a rule of the architecture.
    Guest,
    /// The program is legal; this library or this host cannot carry it out.
    Unsupported,
    /// The program is legal; the host has run out of something.
    HostResource,
    /// The library was called in a way that its documentation forbids.
    Caller,
}

/// When a condition is certain to be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sure {
    /// Whenever the CCW takes control.
    Always,
    /// Only when the byte or list word is reached, which a device that ends early prevents.
    Reached,
    /// Never an error: a remark.
    Remark,
}

macro_rules! codes {
    ($($variant:ident $id:literal $name:literal $check:ident $blame:ident $sure:ident
        $rule:literal; $fix:literal)*) => {
        /// A reason, see the module documentation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $rule] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the ids.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The permanent id, such as `C01`.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// The permanent name, such as `cmd-zero`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// How a machine reports it.
            pub const fn check(self) -> Check {
                match self { $(Self::$variant => Check::$check,)* }
            }

            /// Whose fault it is.
            pub const fn blame(self) -> Blame {
                match self { $(Self::$variant => Blame::$blame,)* }
            }

            /// When it is certain.
            pub const fn sure(self) -> Sure {
                match self { $(Self::$variant => Sure::$sure,)* }
            }

            /// The rule, as a sentence without full stop.
            pub const fn rule(self) -> &'static str {
                match self { $(Self::$variant => $rule,)* }
            }

            /// What would satisfy the rule, as a sentence without full stop.
            pub const fn fix(self) -> &'static str {
                match self { $(Self::$variant => $fix,)* }
            }
        }
    };
}

codes! {
    OrbAlign "O01" "orb-align" SpecificationException Guest Always
        "an ORB begins on a word boundary"; "move the ORB to an address that is a multiple of 4"
    OrbRsvd "O02" "orb-rsvd" OperandException Guest Always
        "bits 26-30 of ORB word 1 are zero"; "clear bits 26-30 of word 1"
    OrbCpaBit0 "O03" "orb-cpa-bit0" OperandException Guest Always
        "bit 0 of ORB word 2 is zero"; "clear bit 0 of word 2: a channel program lies below 2 GiB"
    OrbBUnsupported "O04" "orb-b-unsupported" OperandException Unsupported Always
        "transport mode (ORB bit B) needs the FCX facility, which is not offered";
        "clear bit 13 of word 1 and start a command-mode program"
    OrbDUnsupported "O05" "orb-d-unsupported" OperandException Unsupported Always
        "MIDAWs (ORB bit D) need the MIDAW facility, which is not offered";
        "clear bit 25 of word 1 and use IDAWs"
    OrbLUnsupported "O06" "orb-l-unsupported" OperandException Unsupported Always
        "ORB bit L needs the incorrect-length-indication-suppression facility, which is not offered";
        "clear bit 24 of word 1"
    OrbXUnsupported "O07" "orb-x-unsupported" OperandException Unsupported Always
        "ORB bit X needs the ORB-extension facility, which is not offered"; "clear bit 31 of word 1"
    OrbSid "O08" "orb-sid" OperandException Guest Always
        "general register 1 holds a valid subsystem-identification word"; "set bit 47 of register 1 to one"
    OrbLpmNone "O09" "orb-lpm-none" Cc3 Guest Always
        "at least one path of the logical-path mask is available"; "choose a path that is available"
    OrbExtRsvd "O10" "orb-ext-rsvd" None Guest Remark
        "the reserved bytes of the ORB extension (13, 15 and 16-31) should be zero"; "clear them"
    OrbTmRsvd "O11" "orb-tm-rsvd" OperandException Guest Always
        "bits 4-12, 14-15 and 24-30 of word 1 of a transport-mode ORB are zero"; "clear them"
    TcwAlign "O12" "tcw-align" OperandException Guest Always
        "a TCW begins on a 64-byte boundary"; "move the TCW to an address that is a multiple of 64"

    CcwaAlignCpa "A01" "ccwa-align-cpa" ProgramCheck Guest Always
        "the first CCW is on a doubleword boundary: bits 29-31 of ORB word 2 are zero";
        "move the program to an address that is a multiple of 8"
    CcwaCpa16m "A02" "ccwa-cpa-16m" ProgramCheck Guest Always
        "a program of format-0 CCWs begins below 16 MiB: bits 1-7 of ORB word 2 are zero";
        "move the program below 16 MiB, or use format-1 CCWs (ORB bit F)"
    CcwaCpaUnavail "A03" "ccwa-cpa-unavail" ProgramCheck Guest Always
        "the first CCW lies in storage that exists"; "point ORB word 2 at a program in storage"
    CcwaAlignTic "A04" "ccwa-align-tic" ProgramCheck Guest Always
        "the target of a TIC is on a doubleword boundary"; "make the low three bits of the TIC's address zero"
    CcwaTicUnavail "A05" "ccwa-tic-unavail" ProgramCheck Guest Always
        "the target of a TIC lies in storage that exists"; "point the TIC at a CCW in storage"
    CcwaSeqUnavail "A06" "ccwa-seq-unavail" ProgramCheck Guest Always
        "the CCW behind one that chains lies in storage that exists";
        "end the chain (CC and CD zero) in the last CCW, or continue it with a TIC"
    CcwaWrap "A07" "ccwa-wrap" ProgramCheck Guest Always
        "a chain does not run over the end of the addresses of its CCW format (16 MiB or 2 GiB)";
        "end the chain in the last CCW below the limit, or continue it with a TIC"
    CcwaProt "A08" "ccwa-prot" ProtectionCheck Guest Always
        "the key of the ORB allows fetching from the storage of every CCW";
        "start the program with the key of its storage, or take fetch protection off"

    CmdZero "C01" "cmd-zero" ProgramCheck Guest Always
        "the low four bits of a command code are not zero"; "put a valid command code into byte 0"
    CmdTicModifier "C02" "cmd-tic-modifier" ProgramCheck Guest Always
        "of the codes xxxx1000 only 08 is a command in format 1"; "write a TIC as 08"
    Tic1Flags "C03" "tic1-flags" ProgramCheck Guest Always
        "flags and count (bits 8-31) of a format-1 TIC are zero"; "clear bytes 1-3"
    Tic1Bit32 "C04" "tic1-bit32" ProgramCheck Guest Always
        "bit 32 of a format-1 TIC is zero"; "clear the high bit of byte 4"
    SeqTicTic "C05" "seq-tic-tic" ProgramCheck Guest Always
        "a TIC does not lead to another TIC"; "point the first TIC at the second one's target"
    SeqNodataLimit "C06" "seq-nodata-limit" ProgramCheck Guest Reached
        "no more than 256 backward TICs are taken without data moving in between";
        "let the loop end, or move data in it"
    TicFirst "C07" "w-tic-first" None Guest Remark
        "the first CCW should not be a TIC, which System/370 refused"; "point ORB word 2 at the TIC's target"
    Cnt0Zero "C08" "cnt0-zero" ProgramCheck Guest Always
        "the count of a format-0 CCW other than a TIC is not zero"; "give bytes 6-7 a count of at least 1"
    Cnt1ZeroCd "C09" "cnt1-zero-cd" ProgramCheck Guest Always
        "the count of a CCW that chains data is not zero"; "give bytes 2-3 a count of at least 1, or clear CD"
    Cnt1ZeroInCd "C10" "cnt1-zero-in-cd" ProgramCheck Guest Always
        "the count of a CCW reached by data chaining is not zero";
        "give bytes 2-3 a count of at least 1, or clear CD in the CCW before"
    Fmt1Bit32 "C11" "fmt1-bit32" ProgramCheck Guest Always
        "bit 32 of a format-1 CCW is zero: addresses have 31 bits"; "clear the high bit of byte 4"
    MidaDisabled "C12" "mida-disabled" ProgramCheck Guest Always
        "the MIDA flag is allowed only when the ORB has bit D"; "clear the MIDA flag, or set bit 25 of ORB word 1"
    MidaConflictIda "C13" "mida-conflict-ida" ProgramCheck Guest Always
        "a CCW does not have both MIDA and IDA"; "clear one of the two flags"
    MidaConflictSkip "C14" "mida-conflict-skip" ProgramCheck Guest Always
        "a CCW does not have both MIDA and SKIP"; "clear SKIP and set the skip flag of the MIDAWs"
    SuspNotAllowed "C15" "susp-not-allowed" ProgramCheck Guest Always
        "the S flag is allowed only when the ORB has bit S"; "clear the S flag, or set bit 4 of ORB word 1"
    SuspInCd "C16" "susp-in-cd" ProgramCheck Guest Always
        "a CCW reached by data chaining does not have the S flag"; "move the S flag to the first CCW of the data chain"
    SuspWithCd "C17" "susp-with-cd" ProgramCheck Guest Always
        "a CCW does not have both the S and the CD flag"; "clear one of the two flags"
    CdFlags "C18" "w-cd-flags" None Guest Remark
        "CC and SLI have no effect in a CCW that chains data"; "clear CC and SLI"
    SkipOutput "C19" "w-skip-output" None Guest Remark
        "SKIP has no effect on output"; "clear SKIP"
    F0Byte5 "C20" "w-f0-byte5" None Guest Remark
        "byte 5 of a format-0 CCW should be zero"; "clear byte 5"
    ChainOpen "C21" "w-chain-open" None Guest Remark
        "the last CCW of storage should not chain"; "clear CC and CD"

    DataWrap "D01" "data-wrap" ProgramCheck Guest Reached
        "directly addressed data ends below 16 MiB (format 0) or 2 GiB (format 1)";
        "move the data, shorten the count, or use an IDAL"
    DataRbUnderflow "D02" "data-rb-underflow" ProgramCheck Guest Reached
        "data read backward does not run below address 0"; "move the data up, or shorten the count"
    DataUnavail "D03" "data-unavail" ProgramCheck Guest Reached
        "data lies in storage that exists"; "move the data into storage, or shorten the count"
    DataProtStore "D04" "data-prot-store" ProtectionCheck Guest Reached
        "the key of the ORB allows storing where input goes";
        "start the program with the key of the storage, or with key 0"
    DataProtFetch "D05" "data-prot-fetch" ProtectionCheck Guest Reached
        "the key of the ORB allows fetching where output comes from";
        "start the program with the key of the storage, or with key 0"
    DataLimit "D06" "data-limit" ProgramCheck Guest Reached
        "with address-limit checking (ORB bit A) data lies on the allowed side of the limit";
        "move the data to the allowed side of the limit"

    IdalAlign "I01" "idal-align" ProgramCheck Guest Always
        "a list of IDAWs begins on a boundary of one IDAW: 4 bytes in format 1, 8 in format 2";
        "move the list to such a boundary"
    IdalWrap "I02" "idal-wrap" ProgramCheck Guest Reached
        "a list of IDAWs lies below 16 MiB (format-0 CCWs) or 2 GiB (format-1 CCWs)"; "move the list down"
    IdalUnavail "I03" "idal-unavail" ProgramCheck Guest Reached
        "a list of IDAWs lies in storage that exists, as far as it is needed"; "move the list, or shorten the count"
    IdalProt "I04" "idal-prot" ProtectionCheck Guest Reached
        "the key of the ORB allows fetching from the storage of the list";
        "start the program with the key of the list's storage, or take fetch protection off"
    Idaw1Bit0 "I05" "idaw1-bit0" ProgramCheck Guest Reached
        "bit 0 of a format-1 IDAW is zero"; "clear the high bit of the IDAW, or use format-2 IDAWs (ORB bit H)"
    IdawAlign "I06" "idaw-align" ProgramCheck Guest Reached
        "the second and later IDAWs designate the first byte of a block"; "make the IDAW a multiple of the block size"
    IdawAlignRb "I07" "idaw-align-rb" ProgramCheck Guest Reached
        "when reading backward, the second and later IDAWs designate the last byte of a block";
        "make the IDAW one less than a multiple of the block size"
    IdawDataUnavail "I08" "idaw-data-unavail" ProgramCheck Guest Reached
        "an IDAW designates storage that exists"; "point the IDAW at storage, or shorten the count"

    MidalAlign "M01" "midal-align" ProgramCheck Guest Always
        "a list of MIDAWs begins on a quadword boundary"; "move the list to a multiple of 16"
    MidalUnavail "M02" "midal-unavail" ProgramCheck Guest Reached
        "a list of MIDAWs lies in storage that exists, below 16 MiB (format-0 CCWs) or 2 GiB (format-1 CCWs)";
        "move the list"
    MidalProt "M03" "midal-prot" ProtectionCheck Guest Reached
        "the key of the ORB allows fetching from the storage of the list";
        "start the program with the key of the list's storage, or take fetch protection off"
    MidalPage "M04" "midal-page" ProgramCheck Guest Reached
        "a list of MIDAWs does not cross a 4 KiB boundary"; "move the list so that it lies in one 4 KiB page"
    MidawRsvd "M05" "midaw-rsvd" ProgramCheck Guest Reached
        "bits 0-39 of a MIDAW are zero"; "clear bytes 0-4"
    MidawFlagRsvd "M06" "midaw-flag-rsvd" ProgramCheck Guest Reached
        "bits 43-47 of a MIDAW are zero"; "clear the low five bits of byte 5"
    MidawDti "M07" "midaw-dti" ProgramCheck Guest Reached
        "the data-transfer-interruption flag of a MIDAW needs a facility that is not offered"; "clear bit 42"
    MidawCountZero "M08" "midaw-count-zero" ProgramCheck Guest Reached
        "the count of a MIDAW is not zero"; "give bytes 6-7 a count of at least 1"
    MidawCountOver "M09" "midaw-count-over" ProgramCheck Guest Reached
        "the counts of the MIDAWs add up to no more than the CCW's count"; "make the counts add up to the CCW's count"
    MidawSumUnder "M10" "midaw-sum-under" ProgramCheck Guest Reached
        "the last MIDAW does not come before the CCW's count is used up"; "make the counts add up to the CCW's count"
    MidawNolast "M11" "w-midaw-nolast" None Guest Remark
        "the MIDAW that uses up the CCW's count should have the last flag"; "set bit 40 of that MIDAW"
    MidawPage "M12" "midaw-page" ProgramCheck Guest Reached
        "the area of one MIDAW does not cross a 4 KiB boundary"; "divide the area into two MIDAWs at the boundary"
    MidawDataUnavail "M13" "midaw-data-unavail" ProgramCheck Guest Reached
        "a MIDAW designates storage that exists"; "point the MIDAW at storage"

    TcwUnavail "T01" "tcw-unavail" ProgramCheck Guest Always
        "a TCW, its TCCB and its TSB lie in storage that exists"; "point the ORB, or the TCW, at blocks in storage"
    TcwFormat "T02" "tcw-format" ProgramCheck Guest Always
        "format and reserved bits of a TCW are zero"; "clear the bits that are marked"
    TcwTidawFormat "T03" "tcw-tidaw-format" ProgramCheck Guest Always
        "the TIDAW format of a TCW is zero"; "clear bits 16-17 of TCW word 0"
    TcwRw "T04" "tcw-rw" ProgramCheck Guest Always
        "a TCW reads or writes, but not both: bidirectional operation is a facility that is not offered";
        "clear bit R or bit W of the TCW"
    TcwTccbl "T05" "tcw-tccbl" ProgramCheck Guest Always
        "the TCCB length of a TCW is one of 12-244, so that the TCCB has 32-264 bytes";
        "make byte 5, but for its last two bits (R and W), the number of bytes of the TCCB less 20"
    TcwTsbAlign "T06" "tcw-tsb-align" ProgramCheck Guest Always
        "a TSB begins on a doubleword boundary"; "move the TSB to a multiple of 8"
    TccbAlign "T07" "tccb-align" ProgramCheck Guest Always
        "a TCCB begins on a doubleword boundary"; "move the TCCB to a multiple of 8"
    TcahFormat "T08" "tcah-format" ProgramCheck Guest Always
        "a TCCB begins with the format 7F, and its service-action code is 1FFE or 1FFF"; "write 7F into byte 0 and 1FFE into bytes 8-9"
    TcahTcal "T09" "tcah-tcal" ProgramCheck Guest Always
        "the TCA length of a TCCB agrees with the TCCB length of the TCW";
        "make byte 7 of the TCCB the bytes of its TCA plus 12, or correct the TCCB length in byte 5 of the TCW"
    TcatCount "T10" "tcat-count" ProgramCheck Guest Always
        "the transport count behind the TCA is the count of the TCW, rounded up to a multiple of 4, plus 4";
        "correct the last word of the TCCB, or the count of the TCW"
    DcwOverrun "T11" "dcw-overrun" ProgramCheck Guest Always
        "every DCW lies in the TCA with its control data"; "end the chain (bit 9 zero) in the last DCW, or correct the control-data count"
    DcwCountSum "T12" "dcw-count-sum" ProgramCheck Guest Always
        "the data counts of the DCWs add up to the count of the TCW"; "correct the data counts, or the count of the TCW"
    TidalAlign "T13" "tidal-align" ProgramCheck Guest Reached
        "a list of TIDAWs begins on a quadword boundary"; "move the list to a multiple of 16"
    TidalPage "T14" "tidal-page" ProgramCheck Guest Reached
        "a list of TIDAWs crosses a 4 KiB boundary only by a T-TIC"; "end the page with a TIDAW that has the T-TIC flag"
    TidawRsvd "T15" "tidaw-rsvd" ProgramCheck Guest Reached
        "reserved bits of a TIDAW are zero, and a T-TIC has no other flag"; "clear the bits that are marked"
    TidawCount "T16" "tidaw-count" ProgramCheck Guest Reached
        "a TIDAW designates 1 to 4096 bytes of one 4 KiB block, and a T-TIC none";
        "divide the area into two TIDAWs at the boundary"
    TidawTticSeq "T17" "tidaw-ttic-seq" ProgramCheck Guest Reached
        "a T-TIC does not lead to another T-TIC"; "point the first T-TIC at the second one's target"
    TidawSum "T18" "tidaw-sum" ProgramCheck Guest Reached
        "the counts of the TIDAWs up to the last one add up to the count of the TCW"; "correct the counts, or the place of the last flag"
    TidawData "T19" "tidaw-data" ProgramCheck Guest Reached
        "the data of a TCW, and TIDAWs with what they designate, lie in storage that exists"; "point the TIDAW or the TCW at storage"
    TcwIntrg "T20" "tcw-intrg" ProgramCheck Guest Reached
        "an interrogate TCW begins on a 64-byte boundary below 2 GiB"; "move it to a multiple of 64, or clear the last word of the TCW"
    TcwProt "T21" "tcw-prot" ProtectionCheck Guest Always
        "the key of the ORB allows fetching TCW, TCCB and TIDAWs, and storing the TSB";
        "start the program with the key of its storage"

    PolicyCommand "P01" "policy-command" UnitCheck Guest Always
        "the guest may give its device this command"; "use a command that the policy allows, or allow this one"
    PolicyReadOnly "P02" "policy-read-only" UnitCheck Guest Always
        "nothing is written to a volume that the guest may only read"; "write to another volume"
    PolicyExtent "P03" "policy-extent" UnitCheck Guest Always
        "a command leads to tracks or blocks of the guest's own part of the volume";
        "name tracks or blocks within the extent of the policy"
    PolicyUnconfined "P04" "policy-unconfined" UnitCheck Guest Always
        "a command whose way something decides: an extent that the program defines, or for one track a SEEK";
        "put a DEFINE EXTENT and a LOCATE, or a PREFIX, before it"
    PolicyParameters "P05" "policy-parameters" UnitCheck Guest Always
        "the parameters of a command say where it leads, in one way: all there, of known operations, with normal authorization";
        "give the command its own parameters, in full and no more than 256 bytes"

    EnvNoprefetch "E01" "env-noprefetch" None Unsupported Remark
        "a mediator that translates a program in one piece reads it once, before it runs, which the ORB forbids (bit P is zero); a machine has no such limit";
        "if such a mediator is to take it, and the program does not change while it runs, set bit 9 of ORB word 1"
    EnvTooLong "E02" "env-too-long" None Unsupported Remark
        "a program fits the limits of the host: vfio-ccw takes 256 CCWs in a row and 16 such segments";
        "divide the program into several starts"
    EnvUnmapped "E03" "env-unmapped" ProgramCheck HostResource Reached
        "every page of the guest is backed by the host"; "map the page before the program is started"
    EnvTransport "E04" "env-transport" OperandException Unsupported Always
        "the host takes programs of transport mode, or they are carried out in another way"; "use a command-mode program"
    EnvMidaw "E05" "env-midaw" OperandException Unsupported Always
        "the host takes MIDAWs, or they are carried out in another way"; "use IDAWs"
    EnvReadonly "E06" "env-readonly" ProtectionCheck Guest Reached
        "input does not go to storage that the guest may not write"; "read into storage that is not read-only"
    EnvOverlap "E07" "env-overlap" None Unsupported Remark
        "a program does not read into its own CCWs or lists"; "read to other storage, or run the parts one by one"
    EnvLoop "E08" "env-loop" None Guest Remark
        "a loop of CCWs has a way out: a command that can present status modifier, with which the channel passes over the next CCW, or one that moves data, which can end at less than its count";
        "take the CC flag out of the last command of the loop, or let its TIC lead to a CCW that is not part of it"
    EnvTwoWays "E09" "env-two-ways" None Unsupported Always
        "a CCW means the same whichever way one program comes to it: as a new command, or by data chaining"; "write the CCW twice"
    EnvSkipLayout "E10" "env-skip-layout" None Unsupported Always
        "behind a command that can present status modifier the host must see the next two CCWs in one segment";
        "let the TIC behind the search lead back into the same run of CCWs, as SEARCH, TIC *-8 does"
    EnvSuspend "E11" "env-suspend" None Unsupported Always
        "a program that is translated in one piece does not suspend itself";
        "clear the S flag, or have the program carried out part by part, as a guest's subchannel does"
    EnvReadBackward "E12" "env-read-backward" None Unsupported Always
        "a host that builds ascending lists can stop reading backward only where it would read that word of the list";
        "let the area lie in storage that exists"
    EnvTransportLowering "E13" "env-transport-lowering" None Unsupported Always
        "a transport-mode program for a host without that mode uses only what CCWs can say: commands that mean the same in a CCW, and in each DCW either control data or at most 65535 bytes of data";
        "use a command-mode program, or a host with transport mode"
    EnvNotRepeatable "E14" "env-not-repeatable" None Unsupported Always
        "what comes before a place where the program must be fetched again can be carried out twice, on a device that keeps state in a chain";
        "read into the program before anything is written, or divide the program there"
    EnvSharedCopy "E15" "env-shared-copy" None Unsupported Always
        "where the data of a CCW has to go by way of a copy, no other CCW of the program stores into the same storage, or fetches what was stored";
        "give each CCW storage of its own, or let MIDAWs end at block boundaries so that no copy is needed"

    HostBusy "H01" "host-busy" None HostResource Always
        "the storage of the program is not just being unmapped"; "start again when the change of the memory map is over"
    HostMap "H02" "host-map" None HostResource Always
        "the memory map does not change between the check and the start"; "start again"
    HostBudget "H03" "host-budget" None HostResource Always
        "the program stays within the storage that the guest may hold for I/O"; "raise the budget, or divide the program"
    HostArena "H04" "host-arena" None HostResource Always
        "the translated program fits the storage set aside for it"; "give the subchannel a larger arena slot"
    HostPin "H05" "host-pin" None HostResource Always
        "the host can pin the program's pages"; "see the error of the host"
}

impl Code {
    /// The code that has this id or name.
    ///
    /// ```
    /// use translator::Code;
    /// assert_eq!(Code::parse("C01"), Some(Code::CmdZero));
    /// assert_eq!(Code::parse("cmd-zero"), Some(Code::CmdZero));
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| {
            text.eq_ignore_ascii_case(code.id()) || text.eq_ignore_ascii_case(code.name())
        })
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id(), self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_are_unique_and_parse_back() {
        for (n, &code) in Code::ALL.iter().enumerate() {
            assert_eq!(Code::parse(code.id()), Some(code));
            assert_eq!(Code::parse(code.name()), Some(code));
            for &other in &Code::ALL[n + 1..] {
                assert!(code.id() != other.id() && code.name() != other.name());
            }
        }
    }
}
