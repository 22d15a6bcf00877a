// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Pins as a value.

use core::fmt;

use crate::{Extent, PinError, Pinner, Runs};

/// What one program holds pinned. Dropping it gives the pins back, on every path.
#[must_use = "dropping the pins gives them back at once"]
pub struct Pins<P: Pinner> {
    pinner: P,
    /// `None` only while the token is being given away.
    token: Option<P::Token>,
}

impl<P: Pinner> Pins<P> {
    /// Pins all of `extents`, or nothing; `runs` then holds where they lie, and is empty after an
    /// error.
    ///
    /// # Errors
    ///
    /// Those of [`Pinner::pin`].
    #[inline]
    pub fn acquire(pinner: P, extents: &[Extent], runs: &mut Runs) -> Result<Self, PinError> {
        let token = Some(pinner.pin(extents, runs)?);
        Ok(Self { pinner, token })
    }

    /// Keeps the pages pinned, because the device never acknowledged that it stopped.
    pub fn quarantine(mut self) {
        if let Some(token) = self.token.take() {
            self.pinner.quarantine(token);
        }
    }

    /// Who pinned.
    pub fn pinner(&self) -> &P {
        &self.pinner
    }
}

impl<P: Pinner> Drop for Pins<P> {
    #[inline]
    fn drop(&mut self) {
        if let Some(token) = self.token.take() {
            self.pinner.unpin(token);
        }
    }
}

impl<P: Pinner> fmt::Debug for Pins<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pins").finish_non_exhaustive()
    }
}
