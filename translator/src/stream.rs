// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The pinned storage, in the order in which the program uses it.

use pinning::Run;

/// The pinned storage as one stream of bytes, in the order of the extents.
#[derive(Clone)]
pub(crate) struct Stream<'a> {
    runs: core::slice::Iter<'a, Run>,
    /// What is left of the run at hand.
    host: u64,
    left: u64,
}

impl<'a> Stream<'a> {
    pub(crate) fn new(runs: &'a [Run]) -> Self {
        Self {
            runs: runs.iter(),
            host: 0,
            left: 0,
        }
    }

    /// Host address and length of what follows in one piece.
    #[inline]
    pub(crate) fn rest(&mut self) -> Option<(u64, u64)> {
        if self.left == 0 {
            let run = self.runs.next()?;
            self.host = run.host.get();
            self.left = u64::from(run.len);
        }
        (self.left > 0).then_some((self.host, self.left))
    }

    /// Host address of the next `bytes`, which are passed if they lie in one piece.
    #[inline]
    pub(crate) fn piece(&mut self, bytes: u64) -> Option<u64> {
        if self.left == 0 {
            let run = self.runs.next()?;
            self.host = run.host.get();
            self.left = u64::from(run.len);
        }
        let host = self.host;
        self.left = self.left.checked_sub(bytes)?;
        self.host = host.wrapping_add(bytes);
        Some(host)
    }

    /// Passes the next `bytes`, in however many pieces.
    pub(crate) fn pass(&mut self, mut bytes: u64) {
        while let (1.., Some((_, room))) = (bytes, self.rest()) {
            self.advance(room.min(bytes));
            bytes = bytes.saturating_sub(room);
        }
    }

    /// Passes `bytes`, no more than are left in one piece.
    #[inline]
    pub(crate) fn advance(&mut self, bytes: u64) {
        self.host = self.host.wrapping_add(bytes);
        self.left = self.left.saturating_sub(bytes);
    }
}
