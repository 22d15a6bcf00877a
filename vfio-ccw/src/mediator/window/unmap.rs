// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Taking guest storage away, in two phases.

use std::ops::Range;

use ccw::GuestAddr;
use pinning::Pinner;

use super::{GuestRegion, ShadowWindow, WindowError};

/// A region that is being taken away: new starts that use it are refused, those in flight go on.
///
/// ```text
/// begin_unmap -> is_quiet? -- no: wait, or Mediator::stop the subchannels that use it
///                          -- yes: commit
/// ```
///
/// Dropping it before [`commit`](Self::commit) leaves the region mapped.
#[derive(Debug)]
#[must_use = "dropping it leaves the region mapped"]
pub struct Unmap {
    window: ShadowWindow,
    region: GuestRegion,
    range: Range<GuestAddr>,
}

impl ShadowWindow {
    /// First phase: from now on no start gets storage of the region that begins at `start`.
    ///
    /// # Errors
    ///
    /// [`WindowError::NotARegion`]; [`WindowError::Invalidate`] while too many are being taken away.
    pub fn begin_unmap(&self, start: GuestAddr) -> Result<Unmap, WindowError> {
        let layout = self.layout();
        let region = layout.region(start).ok_or(WindowError::NotARegion)?.clone();
        let end = start.checked_add(region.len());
        let range = start..end.ok_or(WindowError::NotARegion)?;
        self.begin_invalidate(range.clone())?;
        Ok(Unmap {
            window: self.clone(),
            region,
            range,
        })
    }
}

impl Unmap {
    /// The guest storage.
    pub fn range(&self) -> &Range<GuestAddr> {
        &self.range
    }

    /// Whether no program uses the region, quarantined ones included.
    pub fn is_quiet(&self) -> bool {
        self.window.quiesced(self.range.clone())
    }

    /// Second phase: the device loses the region.
    ///
    /// # Errors
    ///
    /// [`WindowError::InUse`] while it is not quiet, and [`WindowError::Map`] if it could not be
    /// unmapped; the region is then as [`ShadowWindow::begin_unmap`] left it.
    pub fn commit(self) -> Result<(), (Self, WindowError)> {
        if !self.is_quiet() {
            return Err((self, WindowError::InUse));
        }
        match self.window.remove(&self.region) {
            Ok(()) => Ok(()),
            Err(error) => Err((self, error)),
        }
    }
}

impl Drop for Unmap {
    fn drop(&mut self) {
        // If it is gone, the layout does not have it any more, which is all that a start asks.
        self.window.end_invalidate(self.range.clone(), true);
    }
}
