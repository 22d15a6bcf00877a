// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What taking a region away and taking pages out of one have in common: the first phase, and how
//! the programs in flight end.

use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use ccw::GuestAddr;
use pinning::{Extent, Owner};

use super::{GuestRegion, Layout, ShadowWindow, WindowError};
use crate::mediator::Timer;

/// What becomes of programs in flight that use storage which is to be withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnmapPolicy {
    /// They are waited for, so long at most; then it is for the VMM to choose: to give up, or
    /// [`Withdrawal::halt`].
    Wait(Duration),
    /// They are stopped: the guest is told that they ended in a channel-control check.
    Halt,
    /// If there is one, nothing is withdrawn.
    Refuse,
}

/// Storage that is being withdrawn. From the moment this is made until it is dropped no program gets
/// storage of it: a start that wants some stays pending, which the guest cannot tell from a busy
/// channel, and is looked at again when this is over ([`Patience`](crate::mediator::Patience) says for
/// how long).
///
/// ```text
/// begin_unmap, begin_discard ----> Mediator::make_way of every subchannel in the window
///                                        |
///             programs end, or are ------+-----> is_quiet: commit, finish
///             stopped, as the policy says
/// ```
///
/// Each subchannel may be used by another thread; the order does not matter, and a subchannel that is
/// not asked to make way still ends its programs by itself. Whether it [is quiet](Self::is_quiet)
/// changes only when a subchannel has been called, so that is when to look.
#[derive(Debug)]
#[must_use = "dropping it leaves the storage as it is"]
pub struct Withdrawal {
    window: ShadowWindow,
    /// Which of those in force it is.
    id: u64,
    ranges: Vec<Range<GuestAddr>>,
    policy: UnmapPolicy,
    /// The number of the timer that runs.
    timer: Option<NonZeroU64>,
    overdue: bool,
}

/// What a withdrawal in force withdraws.
pub(super) struct Leaving {
    id: u64,
    ranges: Vec<Range<GuestAddr>>,
    /// Where storage lay when it began.
    layout: Arc<Layout>,
}

impl ShadowWindow {
    /// Whether `region` has memory that is being withdrawn, and has it where nobody withdraws it.
    pub(super) fn is_leaving(&self, region: &GuestRegion) -> bool {
        let is_elsewhere = |it: &Leaving| it.layout.has_elsewhere(&it.ranges, region);
        self.leaving().iter().any(is_elsewhere)
    }

    fn leaving(&self) -> MutexGuard<'_, Vec<Leaving>> {
        let leaving = self.inner.leaving.lock();
        leaving.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Withdrawal {
    /// Puts the withdrawal of `ranges` in force. To be called with the space locked.
    pub(super) fn begin(
        window: &ShadowWindow,
        ranges: Vec<Range<GuestAddr>>,
        policy: UnmapPolicy,
    ) -> Result<Self, WindowError> {
        let mut withdrawal = Self {
            window: window.clone(),
            id: window.serial(),
            ranges: Vec::with_capacity(ranges.len()),
            policy,
            timer: None,
            overdue: false,
        };
        for range in ranges {
            // What was begun before is ended by the drop.
            window.ledger().begin_invalidate(&range)?;
            withdrawal.ranges.push(range);
        }
        window.leaving().push(Leaving {
            id: withdrawal.id,
            ranges: withdrawal.ranges.clone(),
            layout: window.layout(),
        });
        match policy {
            UnmapPolicy::Refuse if !withdrawal.is_quiet() => return Err(WindowError::InUse),
            UnmapPolicy::Wait(_) => withdrawal.timer = NonZeroU64::new(window.serial()),
            UnmapPolicy::Refuse | UnmapPolicy::Halt => {}
        }
        Ok(withdrawal)
    }

    /// The guest storage, other addresses of the same memory included.
    pub fn ranges(&self) -> &[Range<GuestAddr>] {
        &self.ranges
    }

    /// What becomes of programs that use it.
    pub fn policy(&self) -> UnmapPolicy {
        self.policy
    }

    /// Whether no program uses it, quarantined ones included: then none will. It may be denied for a
    /// moment while another start, of whatever storage, is being made.
    pub fn is_quiet(&self) -> bool {
        let ledger = self.window.ledger();
        self.ranges.iter().all(|range| ledger.quiesced(range))
    }

    /// Whose programs use it: [`Mediator::owner`](crate::mediator::Mediator::owner). One that is in
    /// quarantine will use it until its device is reset.
    pub fn users(&self) -> Vec<Owner> {
        let ledger = self.window.ledger();
        let ranges = self.ranges.iter();
        let mut owners: Vec<_> = ranges.flat_map(|range| ledger.users(range)).collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    }

    /// How long to wait, by the VMM's clock, before [`Self::expired`] is to be called.
    pub fn timer(&self) -> Option<Timer> {
        match self.policy {
            UnmapPolicy::Wait(after) => self.timer.map(|id| Timer {
                id: id.get(),
                after,
            }),
            UnmapPolicy::Halt | UnmapPolicy::Refuse => None,
        }
    }

    /// The time of the timer `id` has come: the withdrawal [is overdue](Self::is_overdue).
    pub fn expired(&mut self, id: u64) {
        if self.timer.is_some_and(|timer| timer.get() == id) {
            self.timer = None;
            self.overdue = true;
        }
    }

    /// Whether programs were waited for as long as the policy says.
    pub fn is_overdue(&self) -> bool {
        self.overdue
    }

    /// Programs that use it are stopped from now on, when their subchannels
    /// [make way](crate::mediator::Mediator::make_way).
    pub fn halt(&mut self) {
        self.policy = UnmapPolicy::Halt;
        self.timer = None;
    }

    /// Whether one of `extents` touches it.
    pub(in crate::mediator) fn touches(&self, extents: &[Extent]) -> bool {
        self.ranges
            .iter()
            .any(|range| extents.iter().any(|extent| overlaps(extent, range)))
    }

    pub(super) fn window(&self) -> &ShadowWindow {
        &self.window
    }
}

/// Whether some byte of `extent` lies in `range`.
pub(in crate::mediator) fn overlaps(extent: &Extent, range: &Range<GuestAddr>) -> bool {
    let end = extent.start.get().saturating_add(u64::from(extent.len));
    extent.start < range.end && range.start.get() < end
}

impl Drop for Withdrawal {
    fn drop(&mut self) {
        // What is gone, the layout does not have any more, which is all that a start asks then.
        for range in &self.ranges {
            self.window.ledger().end_invalidate(range, true);
        }
        self.window.leaving().retain(|it| it.id != self.id);
    }
}
