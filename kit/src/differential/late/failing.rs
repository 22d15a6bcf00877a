// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A pinner of which one pin fails.

use ccw::GuestAddr;
use pinning::{Extent, Limit, PinError, Pinner, Runs};

/// Hands everything to another pinner, until it comes to that pin.
pub(super) struct Failing<P> {
    pub(super) inner: P,
    pub(super) left: std::cell::Cell<Option<usize>>,
    /// Which way it fails.
    pub(super) way: usize,
}

impl<P: Pinner> Pinner for Failing<P> {
    type Token = P::Token;

    fn caps(&self) -> pinning::Caps {
        self.inner.caps()
    }

    fn pin(&self, extents: &[Extent], runs: &mut Runs) -> Result<P::Token, PinError> {
        let left = self.left.get();
        self.left.set(left.and_then(|left| left.checked_sub(1)));
        let at = GuestAddr::new(0);
        match left {
            // Of each way to fail.
            Some(0) => Err(match self.way % 4 {
                0 => PinError::Busy { at },
                1 => PinError::Backend(12),
                2 => PinError::Limit(Limit::Bytes),
                _ => PinError::NotMapped { at },
            }),
            _ => self.inner.pin(extents, runs),
        }
    }

    fn unpin(&self, token: P::Token) {
        self.inner.unpin(token);
    }

    fn quarantine(&self, token: P::Token) {
        self.inner.quarantine(token);
    }

    fn begin_invalidate(
        &self,
        range: std::ops::Range<GuestAddr>,
    ) -> Result<(), pinning::InvalidateError> {
        self.inner.begin_invalidate(range)
    }

    fn quiesced(&self, range: std::ops::Range<GuestAddr>) -> bool {
        self.inner.quiesced(range)
    }

    fn end_invalidate(&self, range: std::ops::Range<GuestAddr>, still_mapped: bool) {
        self.inner.end_invalidate(range, still_mapped);
    }
}
