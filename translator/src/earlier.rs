// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The segments of a program that were carried out before the next one.
//!
//! The end of a segment is the end of a chain for the device. Where a device keeps what commands set
//! for those that follow in their chain, what was carried out is carried out again in front of the
//! next segment, with nothing stored and nobody told.

use alloc::boxed::Box;

use pinning::Pinner;

use crate::{Arrival, Buffers, Rejected, Running, Translated};

/// Earlier segments of a program, of which the host has stopped executing the last: as much of them as
/// must be repeated in front of the next one, which may be nothing.
///
/// Their storage stays pinned until the whole program ends.
#[derive(Debug)]
#[must_use = "dropping it gives the pins back"]
pub struct Earlier<P: Pinner> {
    last: Option<Box<Translated<P>>>,
}

impl<P: Pinner> Earlier<P> {
    /// Of a program that has only just begun.
    pub const NONE: Self = Self { last: None };

    /// Whether nothing is repeated: the next segment is a chain of its own for the device.
    pub fn is_empty(&self) -> bool {
        self.last.is_none()
    }
}

impl<P: Pinner> Running<P> {
    /// The host has stopped at `arrival`, which [`complete`](Self::complete) has told of: gives back
    /// what must be repeated, and buffers to fetch the next segment into.
    ///
    /// After a suspension nothing is: resuming begins a new chain on a machine as well.
    ///
    /// # Errors
    ///
    /// A refusal by name, if a command would have to be repeated that cannot be.
    pub fn go_on(self, arrival: &Arrival) -> Result<(Earlier<P>, Box<Buffers>), Rejected> {
        let _ = arrival;
        Ok((Earlier::NONE, self.end()))
    }
}
