// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A pinner that fails on demand and counts what is held, for tests.

use core::{
    ops::Range,
    sync::atomic::{AtomicUsize, Ordering},
};

use ccw::GuestAddr;

use crate::{Caps, Extent, InvalidateError, PinError, Pinner, Runs};

/// When a [`FaultyPinner`] fails, and with what. An address in the error is replaced by that of the
/// extent at which it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Fault {
    /// Never.
    #[default]
    Never,
    /// Each call.
    Always(PinError),
    /// Only the call with this index, counted from 0 over the life of the pinner.
    Call(usize, PinError),
    /// Each call whose index is a multiple of this number; never if it is 0.
    Every(usize, PinError),
    /// Each call that comes to the extent with this index. The ones before it have really been
    /// pinned by then, and are given back.
    Extent(usize, PinError),
}

/// Hands everything to another pinner, fails as told, and counts.
///
/// ```
/// use pinning::{Budget, Fault, FaultyPinner, PinError, Pins, PlainPinner, RegionMap, Runs};
/// let plain = PlainPinner::new(RegionMap::default(), Budget::default());
/// let pinner = FaultyPinner::new(plain, Fault::Call(1, PinError::OutOfRuns));
/// let mut runs = Runs::new();
/// let first = Pins::acquire(&pinner, &[], &mut runs)?;
/// assert_eq!(Pins::acquire(&pinner, &[], &mut runs).unwrap_err(), PinError::OutOfRuns);
/// assert_eq!(pinner.live(), 1);
/// drop(first);
/// assert_eq!((pinner.live(), pinner.calls()), (0, 2));
/// # Ok::<(), PinError>(())
/// ```
#[derive(Debug, Default)]
pub struct FaultyPinner<P> {
    inner: P,
    fault: Fault,
    calls: AtomicUsize,
    live: AtomicUsize,
    quarantined: AtomicUsize,
}

impl<P> FaultyPinner<P> {
    /// Pins with `inner`, fails as `fault` says.
    pub fn new(inner: P, fault: Fault) -> Self {
        Self {
            inner,
            fault,
            calls: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
            quarantined: AtomicUsize::new(0),
        }
    }

    /// Fails as `fault` says from now on.
    pub fn set_fault(&mut self, fault: Fault) {
        self.fault = fault;
    }

    /// Who really pins.
    pub fn inner(&self) -> &P {
        &self.inner
    }

    /// Calls of [`Pinner::pin`] so far, failed ones included.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Pins that were neither given back nor quarantined.
    pub fn live(&self) -> usize {
        self.live.load(Ordering::SeqCst)
    }

    /// Pins that were quarantined.
    pub fn quarantined(&self) -> usize {
        self.quarantined.load(Ordering::SeqCst)
    }
}

/// `error`, telling of the extent with this index.
fn at_extent(error: PinError, extents: &[Extent], index: usize) -> PinError {
    let Some(&Extent { start: at, .. }) = extents.get(index) else {
        return error;
    };
    match error {
        PinError::NotMapped { .. } => PinError::NotMapped { at },
        PinError::Permission { .. } => PinError::Permission { at },
        PinError::Busy { .. } => PinError::Busy { at },
        PinError::BadExtent { .. } => PinError::BadExtent { index },
        other => other,
    }
}

impl<P: Pinner> Pinner for FaultyPinner<P> {
    type Token = P::Token;

    fn caps(&self) -> Caps {
        self.inner.caps()
    }

    fn pin(&self, extents: &[Extent], runs: &mut Runs) -> Result<P::Token, PinError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let fails = match self.fault {
            Fault::Always(error) => Some(error),
            Fault::Call(nth, error) if call == nth => Some(error),
            Fault::Every(n, error) if call.checked_rem(n) == Some(0) => Some(error),
            _ => None,
        };
        if let Some(error) = fails {
            runs.clear();
            return Err(at_extent(error, extents, 0));
        }
        if let Fault::Extent(index, error) = self.fault
            && let Some((before, [_, ..])) = extents.split_at_checked(index)
        {
            let token = self.inner.pin(before, runs)?;
            self.inner.unpin(token);
            runs.clear();
            return Err(at_extent(error, extents, index));
        }
        let token = self.inner.pin(extents, runs)?;
        self.live.fetch_add(1, Ordering::SeqCst);
        Ok(token)
    }

    fn unpin(&self, token: P::Token) {
        self.live.fetch_sub(1, Ordering::SeqCst);
        self.inner.unpin(token);
    }

    fn quarantine(&self, token: P::Token) {
        self.live.fetch_sub(1, Ordering::SeqCst);
        self.quarantined.fetch_add(1, Ordering::SeqCst);
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
