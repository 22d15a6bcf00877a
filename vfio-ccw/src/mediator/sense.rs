// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The sense of commands that the [policy](super::MediatorConfig::commands) has refused, of which the
//! device knows nothing. "PoP: Concurrent Sense", "3990 Storage Control Reference: Sense".

use ccw::{ECW_SIZE, Guest, Irb, StatusControl};
use translator::{Code, Ended, Pinned};

use super::Mediator;
use super::window::{Layout, ShadowWindow};
use crate::CcwDevice;

/// Sense bytes that the guest has not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sense {
    bytes: [u8; ECW_SIZE],
    len: usize,
}

impl Sense {
    /// What `irb` shows with concurrent sense.
    fn of(irb: &Irb<Guest>) -> Self {
        let len = irb.esw.erw().concurrent_sense.map_or(0, usize::from);
        Self {
            bytes: irb.ecw,
            len: len.min(ECW_SIZE),
        }
    }

    /// Sense of so many bytes, if there can be so many.
    #[cfg(feature = "serde")]
    pub(super) fn from_parts(bytes: [u8; ECW_SIZE], len: u8) -> Option<Self> {
        let len = usize::from(len);
        (len <= ECW_SIZE).then_some(Self { bytes, len })
    }

    /// What [`Self::from_parts`] takes.
    #[cfg(feature = "serde")]
    pub(super) fn parts(&self) -> ([u8; ECW_SIZE], u8) {
        (self.bytes, u8::try_from(self.len).unwrap_or(0))
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl<D: CcwDevice> Mediator<D> {
    /// A command was `refused` by the policy, with the status `irb`: keeps the sense for a guest to which
    /// the subchannel does not show it.
    pub(super) fn keep_sense(&mut self, refused: Option<Code>, irb: &Irb<Guest>) {
        let Some(code) = refused.filter(|_| irb.scsw.status.contains(StatusControl::PRIMARY))
        else {
            return;
        };
        self.metrics.forbidden += 1;
        let level = self.level(self.metrics.forbidden);
        log::log!(
            target: "vfio_ccw::mediator::start", level,
            "{}: {code} at the CCW before {:x}", self.name(), irb.scsw.cpa
        );
        // That of a program of transport mode is in its TSB.
        if !self.subchannel.pmcw().concurrent_sense && irb.concurrent_sense().is_some() {
            self.sense = Some(Sense::of(irb));
        }
    }

    /// Answers `program`, which was read in `layout`, with the sense that was kept, if that is all it asks
    /// for. Any other command clears it.
    pub(super) fn answer_sense(
        &mut self,
        program: Pinned<ShadowWindow>,
        layout: &Layout,
    ) -> Result<Ended, Pinned<ShadowWindow>> {
        let Some(sense) = self.sense.take() else {
            return Err(program);
        };
        program.answer_sense(sense.bytes(), |at, bytes| {
            // It is pinned, so it is there.
            self.store(layout, at, bytes);
        })
    }
}
