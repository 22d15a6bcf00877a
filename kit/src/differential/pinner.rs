// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A pinner that tells what it was asked for and what it answered.

use std::{cell::RefCell, ops::Range};

use ccw::GuestAddr;
use pinning::{Access, Caps, Extent, InvalidateError, PinError, Pinner, Run, Runs};

/// Hands everything to another pinner and remembers the runs of the last pin.
#[derive(Debug)]
pub struct Recorder<P> {
    inner: P,
    granted: RefCell<Vec<(Run, Access)>>,
}

impl<P> Recorder<P> {
    /// Pins with `inner`.
    pub fn new(inner: P) -> Self {
        Self {
            inner,
            granted: RefCell::default(),
        }
    }

    /// Who really pins.
    pub fn inner(&self) -> &P {
        &self.inner
    }

    /// What the last pin answered: host storage, and what the device may do there.
    pub fn granted(&self) -> Vec<(Run, Access)> {
        self.granted.borrow().clone()
    }
}

impl<P: Pinner> Pinner for Recorder<P> {
    type Token = P::Token;

    fn caps(&self) -> Caps {
        self.inner.caps()
    }

    fn pin(&self, extents: &[Extent], runs: &mut Runs) -> Result<P::Token, PinError> {
        let token = self.inner.pin(extents, runs)?;
        assert!(runs.fit(extents), "{extents:x?}: {runs:x?}");
        let mut granted = self.granted.borrow_mut();
        granted.clear();
        let mut runs = runs.as_slice().iter();
        for extent in extents {
            let mut left = extent.len;
            while left > 0
                && let Some(run) = runs.next()
            {
                left -= run.len;
                granted.push((*run, extent.access));
            }
        }
        Ok(token)
    }

    fn unpin(&self, token: P::Token) {
        self.inner.unpin(token);
    }

    fn quarantine(&self, token: P::Token) {
        self.inner.quarantine(token);
    }

    fn begin_invalidate(&self, range: Range<GuestAddr>) -> Result<(), InvalidateError> {
        self.inner.begin_invalidate(range)
    }

    fn quiesced(&self, range: Range<GuestAddr>) -> bool {
        self.inner.quiesced(range)
    }

    fn end_invalidate(&self, range: Range<GuestAddr>, still_mapped: bool) {
        self.inner.end_invalidate(range, still_mapped);
    }
}
