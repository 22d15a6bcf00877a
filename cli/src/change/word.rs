// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A CCW as bytes that can be changed one field at a time.

use ccw::{CcwFlags, Format};
use translator::{Program, Step};

/// A CCW as it stands in storage.
#[derive(Clone, Copy)]
pub(super) struct CcwWord {
    pub(super) at: u64,
    pub(super) raw: [u8; 8],
    zero: bool,
}

impl CcwWord {
    pub(super) fn of(step: &Step<'_>, program: &Program) -> Option<Self> {
        Some(Self {
            at: step.at.get(),
            raw: step.raw?.0,
            zero: program.orb().format == Format::Zero,
        })
    }

    pub(super) fn addr(self) -> u32 {
        let [_, a, b, c, ..] = self.raw;
        if self.zero {
            u32::from_be_bytes([0, a, b, c])
        } else {
            let [.., a, b, c, d] = self.raw;
            u32::from_be_bytes([a, b, c, d])
        }
    }

    pub(super) fn with_addr(mut self, addr: u32) -> Self {
        let [_, a, b, c] = addr.to_be_bytes();
        if self.zero {
            self.raw[1..4].copy_from_slice(&[a, b, c]);
        } else {
            self.raw[4..8].copy_from_slice(&addr.to_be_bytes());
        }
        self
    }

    pub(super) fn count(self) -> u16 {
        let at = if self.zero { 6 } else { 2 };
        u16::from_be_bytes([self.raw[at], self.raw[at + 1]])
    }

    pub(super) fn with_count(mut self, count: u16) -> Self {
        let at = if self.zero { 6 } else { 2 };
        self.raw[at..at + 2].copy_from_slice(&count.to_be_bytes());
        self
    }

    pub(super) fn command(mut self, command: u8) -> Self {
        self.raw[0] = command;
        self
    }

    pub(super) fn without(mut self, flags: CcwFlags) -> Self {
        self.raw[if self.zero { 4 } else { 1 }] &= !flags.bits();
        self
    }
}
