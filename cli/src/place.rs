// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Places in a program: of its ORB, or of guest storage.

use translator::{Code, Finding};

/// Where bytes of a program stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// The ORB, from this byte of it on.
    Orb(u64),
    /// Guest storage, from this address on.
    Storage(u64),
}

impl Place {
    /// Where the word stands that decides `finding`.
    pub(crate) fn of(finding: &Finding) -> Self {
        match finding.site.at {
            Some(at) => Self::Storage(at.get()),
            None => Self::Orb(4 * orb_word(finding.code) as u64),
        }
    }

    /// `count` bytes further on.
    pub(crate) const fn plus(self, count: u64) -> Self {
        match self {
            Self::Orb(at) => Self::Orb(at.saturating_add(count)),
            Self::Storage(at) => Self::Storage(at.saturating_add(count)),
        }
    }

    /// How many bytes it lies behind `other`, if it does.
    pub(crate) fn behind(self, other: Self) -> Option<u64> {
        match (self, other) {
            (Self::Orb(a), Self::Orb(b)) | (Self::Storage(a), Self::Storage(b)) => a.checked_sub(b),
            _ => None,
        }
    }
}

/// The word of the ORB that a finding without an address is about.
pub(crate) const fn orb_word(code: Code) -> usize {
    match code {
        Code::OrbCpaBit0
        | Code::TcwAlign
        | Code::CcwaAlignCpa
        | Code::CcwaCpa16m
        | Code::CcwaCpaUnavail
        | Code::TcwUnavail
        | Code::TcwProt => 2,
        Code::OrbExtRsvd => 3,
        _ => 1,
    }
}
