// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any bytes as a source of choices.

/// Bytes that are used up one after the other; zeros behind them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream<'a>(pub(super) &'a [u8]);

impl Stream<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.bytes::<1>()[0]
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: u8) -> u8 {
        self.byte() % limit
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 != 0
    }

    pub(super) fn half(&mut self) -> u16 {
        u16::from_be_bytes(self.bytes())
    }

    pub(super) fn word(&mut self) -> u32 {
        u32::from_be_bytes(self.bytes())
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            if let [first, rest @ ..] = self.0 {
                (*byte, self.0) = (*first, rest);
            }
        }
        bytes
    }
}
