// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where in a program a condition was met.

use alloc::vec::Vec;
use core::fmt;

use ccw::GuestAddr;

use crate::{Code, limits};

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The program ends here with a check, or is refused at once.
    Error,
    /// Legal but suspect, or an error that only some device's behaviour leads to.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// The word that decided, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Site {
    /// The CCW at fault: the one whose address plus 8 the status shows.
    pub ccw: Option<GuestAddr>,
    /// Its number in the order in which CCWs were read.
    pub index: Option<u16>,
    /// Number of the list word, if one decided.
    pub list_word: Option<u16>,
    /// Where the deciding word stands: in the ORB (then none), the CCW or a list.
    pub at: Option<GuestAddr>,
    /// The deciding word.
    pub word: Word,
    /// First and last deciding bit in that word, IBM numbering.
    pub bits: Option<(u8, u8)>,
    /// The byte of data that could not be used, if that is what decided.
    pub data: Option<GuestAddr>,
    /// Another CCW that has a part in it.
    pub other: Option<GuestAddr>,
}

/// Up to sixteen bytes of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Word {
    bytes: [u8; 16],
    len: u8,
}

impl Word {
    /// The first sixteen of `bytes`.
    pub fn new(bytes: &[u8]) -> Self {
        let mut word = Self::default();
        for (to, from) in word.bytes.iter_mut().zip(bytes) {
            *to = *from;
            word.len += 1;
        }
        word
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&[])
    }
}

/// A condition met at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Finding {
    /// Which.
    pub code: Code,
    /// How much it weighs here.
    pub severity: Severity,
    /// Where.
    pub site: Site,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(ccw) = self.site.ccw {
            write!(f, " at the CCW {ccw:?}")?;
        }
        if let Some(word) = self.site.list_word {
            write!(f, ", list word {word}")?;
        }
        write!(f, ": {}", self.code.rule())
    }
}

/// The findings of one program, up to a bound.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    kept: Vec<Finding>,
    dropped: u32,
}

impl Findings {
    pub(crate) fn clear(&mut self) {
        self.kept.clear();
        self.dropped = 0;
    }

    /// Keeps `finding`; past the bound an error still replaces the last remark.
    pub(crate) fn push(&mut self, finding: Finding) {
        if self.kept.len() < limits::MAX_FINDINGS {
            self.kept.push(finding);
            return;
        }
        self.dropped = self.dropped.saturating_add(1);
        if finding.severity == Severity::Error
            && let Some(last) = self
                .kept
                .iter_mut()
                .rev()
                .find(|f| f.severity != Severity::Error)
        {
            *last = finding;
        }
    }

    pub(crate) fn as_slice(&self) -> &[Finding] {
        &self.kept
    }

    pub(crate) fn dropped(&self) -> u32 {
        self.dropped
    }
}
