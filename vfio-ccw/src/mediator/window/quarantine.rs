// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs whose device never said that it stopped.

use std::ops::Range;
use std::sync::atomic::Ordering;

use ccw::{GuestAddr, RawSubsystemId, SubsystemId};
use pinning::Owner;

use super::ShadowWindow;

/// A program whose device never said that it stopped: its storage is not unmapped, and its slot, its
/// place and its share of the budget are not given to another program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InQuarantine {
    /// Which mediator's it was.
    pub owner: Owner,
    /// Which subchannel's.
    pub subchannel: Option<SubsystemId>,
    /// The storage.
    pub ranges: Vec<Range<GuestAddr>>,
}

/// The statement that the device of this owner has acknowledged a reset after its last start: no
/// program of its runs any more.
///
/// A [`Mediator`](crate::mediator::Mediator) makes it itself of its own device. When the mediator is
/// dropped, it is for whoever opens the device anew, and has it reset, to say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetAcknowledged(pub Owner);

impl ShadowWindow {
    /// The programs in quarantine.
    pub fn in_quarantine(&self) -> Vec<InQuarantine> {
        let list = self.ledger().in_quarantine().into_iter();
        list.map(|it| InQuarantine {
            owner: it.owner,
            subchannel: subchannel(it.owner),
            ranges: it.ranges,
        })
        .collect()
    }

    /// Gives back what programs in quarantine hold whose device was reset, and says how many there
    /// were.
    pub fn release_quarantined(&self, statement: ResetAcknowledged) -> usize {
        let ResetAcknowledged(owner) = statement;
        self.arena().release_quarantined(owner);
        let released = self.ledger().release_quarantined_of(owner);
        if released > 0 {
            log::info!(target: "vfio_ccw::window", "{released} programs leave quarantine");
        }
        released
    }

    /// The same window for the programs of `subchannel`, under an owner of its own. A
    /// [`Mediator`](crate::mediator::Mediator) does that by itself.
    #[must_use]
    pub fn owned_by(&self, subchannel: SubsystemId) -> Self {
        let number = u64::from(subchannel.encode().0);
        let owners = self.inner.owners.fetch_add(1, Ordering::Relaxed) + 1;
        Self {
            owner: Owner((owners << 32) | number),
            ..self.clone()
        }
    }
}

fn subchannel(owner: Owner) -> Option<SubsystemId> {
    let word = u32::try_from(owner.0 & 0xffff_ffff).ok()?;
    SubsystemId::decode(RawSubsystemId(word))
}
