// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A set of command codes.

use ccw::Command;

/// A bit for each of the 256 codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CommandSet([u64; 4]);

impl CommandSet {
    pub(super) const ALL: Self = Self([u64::MAX; 4]);
    const NONE: Self = Self([0; 4]);

    /// These codes.
    pub(super) fn of(codes: &[u8]) -> Self {
        Self::by(|command| codes.contains(&command.0))
    }

    /// The codes that `is_member` says yes to.
    pub(super) fn by(is_member: impl Fn(Command) -> bool) -> Self {
        let mut set = Self::NONE;
        for command in (0..=u8::MAX).map(Command) {
            if is_member(command) {
                set.insert(command);
            }
        }
        set
    }

    pub(super) fn insert(&mut self, command: Command) {
        if let Some(word) = self.0.get_mut(usize::from(command.0 >> 6)) {
            *word |= 1 << (command.0 & 0x3f);
        }
    }

    pub(super) fn remove(&mut self, command: Command) {
        if let Some(word) = self.0.get_mut(usize::from(command.0 >> 6)) {
            *word &= !(1 << (command.0 & 0x3f));
        }
    }

    pub(super) fn contains(&self, command: Command) -> bool {
        let word = self.0.get(usize::from(command.0 >> 6));
        word.is_some_and(|word| word >> (command.0 & 0x3f) & 1 != 0)
    }

    /// The bits, code 0 first.
    pub(super) fn words(self) -> [u64; 4] {
        self.0
    }

    /// What is in either.
    pub(super) fn union(self, other: Self) -> Self {
        Self::by(|command| self.contains(command) || other.contains(command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_bit_of_its_own() {
        for one in (0..=u8::MAX).map(Command) {
            let mut set = CommandSet::of(&[one.0]);
            let mut others = CommandSet::ALL;
            others.remove(one);
            for other in (0..=u8::MAX).map(Command) {
                assert_eq!(set.contains(other), one == other);
                assert_eq!(others.contains(other), one != other);
            }
            assert_eq!(others.union(set), CommandSet::ALL);
            set.remove(one);
            assert_eq!(set, CommandSet::NONE);
        }
    }
}
