// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What in a program implementations answer differently.

use translator::Code;

/// What a program has that an implementation may treat in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Feature {
    /// ORB bit B.
    Transport,
    /// ORB bit D.
    MidawOrb,
    /// ORB bit X.
    Extension,
    /// ORB bit A.
    LimitCheck,
    /// A key that is not 0.
    Key,
    /// ORB bit P is zero.
    NoPrefetch,
    /// ORB bit F is zero.
    Format0,
    /// The program is for a virtio-ccw device.
    VirtioDevice,
    /// The program is for a 3270 display.
    DisplayDevice,
    /// The program is for another device that has a name.
    OtherDevice,
    /// A run of more than 256 CCWs.
    LongSegment,
    /// More than 16 runs.
    ManySegments,
    /// A run that begins in the last 2 KiB of storage, or outside of it.
    FetchBeyond,
    /// A list outside of storage.
    ListUnmapped,
    /// Data outside of storage.
    DataUnmapped,
    /// A command that may skip has one CCW behind it in its run.
    SkipLeaves,
    /// A CCW at address 0.
    CcwAtZero,
    /// The first CCW is a TIC.
    TicFirst,
    /// A TIC to its own address or below.
    BackwardTic,
    /// A loop without a way out.
    EndlessLoop,
    /// Data chaining.
    DataChaining,
    /// SKIP.
    Skip,
    /// PCI.
    Pci,
    /// Data without SLI.
    LengthChecked,
    /// A list of 4-byte IDAWs.
    ShortIdaws,
    /// A list of two IDAWs or more.
    SeveralIdaws,
    /// MIDAWs.
    Midaws,
    /// Reading backward over a page boundary, without a list.
    BackwardPages,
    /// Reading backward by a list.
    BackwardList,
    /// The program reads into itself.
    ReadsItself,
    /// An S flag that suspends.
    Suspends,
    /// The condition that ends the program on a machine.
    Finds(Code),
    /// None of all that, or nothing that matters.
    Plain,
}

impl Feature {
    /// Those that are no conditions, in the order of the documentation's table.
    #[cfg(test)]
    pub(crate) const OTHERS: &'static [Self] = &[
        Self::Plain,
        Self::Transport,
        Self::MidawOrb,
        Self::Extension,
        Self::LimitCheck,
        Self::Key,
        Self::NoPrefetch,
        Self::Format0,
        Self::VirtioDevice,
        Self::DisplayDevice,
        Self::OtherDevice,
        Self::LongSegment,
        Self::ManySegments,
        Self::FetchBeyond,
        Self::ListUnmapped,
        Self::DataUnmapped,
        Self::SkipLeaves,
        Self::CcwAtZero,
        Self::TicFirst,
        Self::BackwardTic,
        Self::EndlessLoop,
        Self::DataChaining,
        Self::Skip,
        Self::Pci,
        Self::LengthChecked,
        Self::ShortIdaws,
        Self::SeveralIdaws,
        Self::Midaws,
        Self::BackwardPages,
        Self::BackwardList,
        Self::ReadsItself,
        Self::Suspends,
    ];

    /// The name used in JSON: that of the condition, or one of its own.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Finds(code) => code.name(),
            Self::Transport => "transport-mode",
            Self::MidawOrb => "orb-midaw",
            Self::Extension => "orb-extension",
            Self::LimitCheck => "limit-check",
            Self::Key => "key",
            Self::NoPrefetch => "no-prefetch",
            Self::Format0 => "format-0",
            Self::VirtioDevice => "virtio-device",
            Self::DisplayDevice => "display-device",
            Self::OtherDevice => "other-device",
            Self::LongSegment => "long-segment",
            Self::ManySegments => "many-segments",
            Self::FetchBeyond => "fetch-beyond",
            Self::ListUnmapped => "list-unmapped",
            Self::DataUnmapped => "data-unmapped",
            Self::SkipLeaves => "skip-leaves-segment",
            Self::CcwAtZero => "ccw-at-zero",
            Self::TicFirst => "tic-first",
            Self::BackwardTic => "backward-tic",
            Self::EndlessLoop => "endless-loop",
            Self::DataChaining => "data-chaining",
            Self::Skip => "skip",
            Self::Pci => "pci",
            Self::LengthChecked => "length-checked",
            Self::ShortIdaws => "format-1-idaws",
            Self::SeveralIdaws => "several-idaws",
            Self::Midaws => "midaws",
            Self::BackwardPages => "backward-over-pages",
            Self::BackwardList => "backward-list",
            Self::ReadsItself => "reads-itself",
            Self::Suspends => "suspends",
            Self::Plain => "plain",
        }
    }

    /// The same in words.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Finds(code) => code.rule(),
            Self::Transport => "transport mode (ORB bit B)",
            Self::MidawOrb => "MIDAWs allowed (ORB bit D)",
            Self::Extension => "an ORB extension (ORB bit X)",
            Self::LimitCheck => "address-limit checking (ORB bit A)",
            Self::Key => "a key other than 0",
            Self::NoPrefetch => "no prefetching (ORB bit P is zero)",
            Self::Format0 => "format-0 CCWs",
            Self::VirtioDevice => "a virtio-ccw device",
            Self::DisplayDevice => "a 3270 display",
            Self::OtherDevice => "a device of another type",
            Self::LongSegment => "more than 256 CCWs in a row",
            Self::ManySegments => "more than 16 runs of CCWs",
            Self::FetchBeyond => {
                "a run of CCWs with less than 2 KiB of storage from its head on, or none"
            }
            Self::ListUnmapped => "a list of IDAWs outside of storage",
            Self::DataUnmapped => {
                "an address of data outside of storage, whether it is reached or not"
            }
            Self::SkipLeaves => "a command that can skip, with only one more CCW in its run",
            Self::CcwAtZero => "a CCW at address 0",
            Self::TicFirst => "a TIC as first CCW",
            Self::BackwardTic => "a TIC that leads back",
            Self::EndlessLoop => "a loop of TICs without a way out",
            Self::DataChaining => "data chaining",
            Self::Skip => "SKIP",
            Self::Pci => "PCI",
            Self::LengthChecked => "data without SLI",
            Self::ShortIdaws => "4-byte IDAWs",
            Self::SeveralIdaws => "a list of several IDAWs",
            Self::Midaws => "MIDAWs",
            Self::BackwardPages => "reading backward over a page boundary, directly addressed",
            Self::BackwardList => "reading backward by a list",
            Self::ReadsItself => "a program that reads into its own CCWs or lists",
            Self::Suspends => "a program that suspends itself",
            Self::Plain => "a legal program with nothing that stands below",
        }
    }

    /// Another feature of the same program that is always met before this condition.
    pub(crate) fn under(self) -> Option<Self> {
        let Self::Finds(code) = self else {
            return None;
        };
        Some(match code {
            Code::CcwaCpaUnavail | Code::CcwaTicUnavail | Code::CcwaSeqUnavail => Self::FetchBeyond,
            Code::DataUnavail | Code::IdawDataUnavail => Self::DataUnmapped,
            Code::IdalUnavail => Self::ListUnmapped,
            Code::MidaDisabled | Code::MidaConflictIda | Code::MidaConflictSkip => Self::Midaws,
            Code::OrbTmRsvd | Code::TcwAlign => Self::Transport,
            _ if code.id().starts_with('M') => Self::Midaws,
            _ if code.id().starts_with('T') => Self::Transport,
            _ => return None,
        })
    }

    /// What a program has of which `code` tells.
    pub(crate) const fn of(code: Code) -> Self {
        match code {
            Code::OrbBUnsupported | Code::EnvTransport => Self::Transport,
            Code::OrbDUnsupported => Self::MidawOrb,
            Code::OrbXUnsupported => Self::Extension,
            Code::TicFirst => Self::TicFirst,
            Code::EnvNoprefetch => Self::NoPrefetch,
            Code::EnvTooLong => Self::LongSegment,
            Code::EnvOverlap => Self::ReadsItself,
            Code::EnvLoop => Self::EndlessLoop,
            Code::EnvSuspend => Self::Suspends,
            _ => Self::Finds(code),
        }
    }

    /// Whether only who copies a program before it runs can meet it.
    #[cfg(test)]
    pub(crate) const fn is_of_copy(self) -> bool {
        matches!(
            self,
            Self::LongSegment
                | Self::ManySegments
                | Self::FetchBeyond
                | Self::ListUnmapped
                | Self::DataUnmapped
                | Self::SkipLeaves
        )
    }
}
