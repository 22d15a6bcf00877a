// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any bytes as a source of choices.

/// Bytes that are used up one after the other; zeros behind them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream<'a>(pub(crate) &'a [u8]);

impl Stream<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.bytes::<1>()[0]
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u8) -> u8 {
        self.byte() % limit
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 != 0
    }

    pub(crate) fn half(&mut self) -> u16 {
        u16::from_be_bytes(self.bytes())
    }

    pub(crate) fn word(&mut self) -> u32 {
        u32::from_be_bytes(self.bytes())
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            if let [first, rest @ ..] = self.0 {
                (*byte, self.0) = (*first, rest);
            }
        }
        bytes
    }
}
