// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The contract between whoever runs channel programs and whatever keeps their pages in place.

use alloc::sync::Arc;
use core::{num::NonZeroU32, ops::Range};

use ccw::GuestAddr;
use thiserror::Error;

use crate::{Extent, Runs};

/// Pins guest storage and says where it lies.
///
/// Pins belong to programs: one [`pin`](Self::pin) takes everything that a program uses, and one
/// [`unpin`](Self::unpin) gives it back. Use [`Pins`](crate::Pins) rather than calling the two.
///
/// Storage leaves the guest in two steps, so that no page goes while a channel uses it:
/// [`begin_invalidate`](Self::begin_invalidate), wait until [`quiesced`](Self::quiesced) (or stop
/// the devices), withdraw the mapping, [`end_invalidate`](Self::end_invalidate).
pub trait Pinner {
    /// Everything that one call pinned. Neither `Copy` nor `Clone`: it is moved back by `unpin` or
    /// `quarantine`, so "exactly once" is a property of the type.
    type Token;

    /// What the addresses of the runs are, and what the promise is worth.
    fn caps(&self) -> Caps;

    /// Pins all of `extents`, or nothing.
    ///
    /// `runs` is cleared, then holds the host-contiguous pieces in the order of the extents; no run
    /// crosses from one extent into the next. On an error `runs` is empty.
    ///
    /// Host storage has the guest's pages: every host address equals its guest address modulo 4096,
    /// a page lies in the same place for every extent, and a run ends only with its extent or at
    /// the end of a page. [`Runs::fit`] tells whether an answer has this form.
    ///
    /// # Errors
    ///
    /// See [`PinError`].
    fn pin(&self, extents: &[Extent], runs: &mut Runs) -> Result<Self::Token, PinError>;

    /// Gives back what `token` holds. The device must have stopped using it.
    fn unpin(&self, token: Self::Token);

    /// Keeps what `token` holds pinned, because the device never acknowledged that it stopped. The
    /// back end counts such programs; only an acknowledged reset of the device releases them.
    fn quarantine(&self, token: Self::Token);

    /// Step 1 of withdrawing `range`: from now on pins that touch it fail with
    /// [`PinError::Busy`]. Several ranges may be under way at once and may overlap.
    ///
    /// # Errors
    ///
    /// See [`InvalidateError`]; nothing has changed then.
    fn begin_invalidate(&self, range: Range<GuestAddr>) -> Result<(), InvalidateError>;

    /// Step 2: whether no pin, quarantined ones included, touches `range`. Never true too early;
    /// may be false a little too long while other programs come and go, so ask again.
    fn quiesced(&self, range: Range<GuestAddr>) -> bool;

    /// Step 3: ends what [`begin_invalidate`](Self::begin_invalidate) began for exactly this
    /// range, and says how the range is left. If it is no longer mapped, pins that touch it fail
    /// with [`PinError::NotMapped`]; a later begin and end with `still_mapped` lifts that, unless the
    /// back end has given up the mapping, which then has to be made again.
    ///
    /// A range for which nothing was begun is ignored.
    fn end_invalidate(&self, range: Range<GuestAddr>, still_mapped: bool);
}

/// What the addresses are that a [`Pinner`] hands out. Never mixed in one channel program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddrSpace {
    /// Physical addresses of the host.
    HostPhys,
    /// I/O virtual addresses, as mapped through VFIO.
    Iova,
    /// Virtual addresses of this process, or of a software channel.
    Virtual,
}

/// What keeps the pages behind a run in place, the strongest promise first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stability {
    /// The frame cannot move and the mapping cannot be replaced.
    PinnedAndSealed,
    /// The frame cannot move; its owner may still detach it from the guest.
    Pinned,
    /// The kernel driver pins inside each start; we owe that the mapping outlives the program.
    KernelPins,
    /// Frames may move at any time.
    TranslationOnly,
}

/// What a [`Pinner`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Caps {
    /// What the addresses of its runs are.
    pub space: AddrSpace,
    /// What its promise is worth.
    pub stability: Stability,
    /// Whether [`DeviceReads`](crate::Access::DeviceReads) works on storage that must not be
    /// stored into.
    pub read_only_pins: bool,
    /// How many pins may be held at once, if that is bounded.
    pub max_pins: Option<NonZeroU32>,
    /// How many bytes one pin may hold.
    pub max_bytes_per_pin: u64,
}

impl Caps {
    /// Whether a real device may be given such addresses: they lead it somewhere, and the pages stay
    /// there.
    pub const fn fit_for_dma(&self) -> bool {
        let keeps = !matches!(self.stability, Stability::TranslationOnly);
        keeps && !matches!(self.space, AddrSpace::Virtual)
    }
}

/// The budget that a pin would have exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum Limit {
    /// Programs in flight.
    #[error("programs in flight")]
    Programs,
    /// Extents of one program.
    #[error("extents of one program")]
    Extents,
    /// Bytes of one program.
    #[error("bytes of one program")]
    Bytes,
    /// Extents of all programs in flight.
    #[error("extents of all programs")]
    TotalExtents,
    /// Bytes of all programs in flight.
    #[error("bytes of all programs")]
    TotalBytes,
}

/// Why nothing was pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum PinError {
    /// Guest: no storage there.
    #[error("no storage at {at:?}")]
    NotMapped {
        /// First address without storage.
        at: GuestAddr,
    },
    /// Guest: the device would store where it must not.
    #[error("storage at {at:?} is read-only")]
    Permission {
        /// First address that may not be stored into.
        at: GuestAddr,
    },
    /// Host resource: the guest holds, or asks for, more than it was given.
    #[error("limit of {0} reached")]
    Limit(Limit),
    /// Host: the storage is being withdrawn; try again after that.
    #[error("storage at {at:?} is being withdrawn")]
    Busy {
        /// First address of the extent that touches the withdrawn range.
        at: GuestAddr,
    },
    /// Host resource: no room for the runs.
    #[error("no room for the runs")]
    OutOfRuns,
    /// Caller: an extent that no storage can satisfy, such as one of 0 bytes.
    #[error("extent {index} is empty")]
    BadExtent {
        /// Its index.
        index: usize,
    },
    /// Host: the back end's own error number.
    #[error("back end failed with error {0}")]
    Backend(i32),
}

/// Why the withdrawal of a range did not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum InvalidateError {
    /// The range holds no byte.
    #[error("the range is empty")]
    EmptyRange,
    /// Too many ranges are being withdrawn, or were withdrawn for good.
    #[error("too many ranges are being withdrawn")]
    TooManyRanges,
    /// The back end's own error number.
    #[error("back end failed with error {0}")]
    Backend(i32),
}

macro_rules! forward {
    () => {
        type Token = P::Token;

        fn caps(&self) -> Caps {
            (**self).caps()
        }
        #[inline]
        fn pin(&self, extents: &[Extent], runs: &mut Runs) -> Result<Self::Token, PinError> {
            (**self).pin(extents, runs)
        }
        #[inline]
        fn unpin(&self, token: Self::Token) {
            (**self).unpin(token);
        }
        fn quarantine(&self, token: Self::Token) {
            (**self).quarantine(token);
        }
        fn begin_invalidate(&self, range: Range<GuestAddr>) -> Result<(), InvalidateError> {
            (**self).begin_invalidate(range)
        }
        fn quiesced(&self, range: Range<GuestAddr>) -> bool {
            (**self).quiesced(range)
        }
        fn end_invalidate(&self, range: Range<GuestAddr>, still_mapped: bool) {
            (**self).end_invalidate(range, still_mapped);
        }
    };
}

impl<P: Pinner + ?Sized> Pinner for &P {
    forward!();
}

impl<P: Pinner + ?Sized> Pinner for Arc<P> {
    forward!();
}
