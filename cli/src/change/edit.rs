// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Bytes to write into a program, and the program with them.

use ccw::{GuestAddr, ORB_SIZE, RawOrb};
use translator::{GuestStorage, Program};

use crate::analysis;
use crate::input::Input;
use crate::memory::Memory;
use crate::place::Place;

/// Bytes to write into a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Where the first of them stands.
    pub(crate) at: Place,
    /// What stands there.
    pub(crate) old: Vec<u8>,
    /// What is to stand there; as many.
    pub(crate) new: Vec<u8>,
    /// What that does, as in "it clears the bits".
    pub(crate) does: &'static str,
}

impl Change {
    /// `00010004: 80 -> 00`, or `ORB byte 4: 60 -> 00`.
    pub(crate) fn text(&self) -> String {
        let bytes = |bytes: &[u8]| crate::json::digits(bytes);
        let (old, new) = (bytes(&self.old), bytes(&self.new));
        let plural = if self.old.len() == 1 { "" } else { "s" };
        match self.at {
            Place::Orb(at) => format!("ORB byte{plural} {at}: {old} -> {new}"),
            Place::Storage(at) => format!("byte{plural} {at:08x}: {old} -> {new}"),
        }
    }

    /// Without the bytes at both ends that stay; none if all do.
    pub(super) fn trimmed(mut self) -> Option<Self> {
        let differs = |(old, new): (&u8, &u8)| old != new;
        let pairs = || self.old.iter().zip(&self.new);
        let first = pairs().position(differs)?;
        let last = pairs().rposition(differs)?;
        self.old = self.old.get(first..=last)?.to_vec();
        self.new = self.new.get(first..=last)?.to_vec();
        self.at = self.at.plus(first as u64);
        Some(self)
    }

    /// The program with the change.
    pub(crate) fn judge(&self, input: &Input) -> Program {
        let mut orb = input.orb;
        let mut storage = Changed {
            memory: &input.memory,
            at: 0,
            new: &[],
        };
        match self.at {
            Place::Orb(at) => orb = changed_orb(&orb, at, &self.new),
            Place::Storage(at) => (storage.at, storage.new) = (at, &self.new),
        }
        analysis::judge_as(input, &orb, &storage)
    }
}

/// `orb` with these bytes from byte `at` on.
fn changed_orb(orb: &RawOrb, at: u64, new: &[u8]) -> RawOrb {
    let mut bytes: [u8; ORB_SIZE] = orb.0;
    let from = usize::try_from(at).unwrap_or(ORB_SIZE);
    for (to, byte) in bytes.iter_mut().skip(from).zip(new) {
        *to = *byte;
    }
    RawOrb(bytes)
}

/// Storage with other bytes in one place.
struct Changed<'a> {
    memory: &'a Memory,
    at: u64,
    new: &'a [u8],
}

impl GuestStorage for Changed<'_> {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        let there = self.memory.read(at.get(), buf);
        for (n, byte) in (0..).zip(self.new) {
            let offset = self.at.saturating_add(n).checked_sub(at.get());
            let offset = offset.and_then(|offset| usize::try_from(offset).ok());
            if let Some(to) = offset.and_then(|offset| buf.get_mut(offset)) {
                *to = *byte;
            }
        }
        there
    }
}
