// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a subchannel does when storage is withdrawn.

use std::ops::Range;

use ccw::GuestAddr;
use pinning::{Extent, Owner};

use super::flight::Flight;
use super::window::overlaps;
use super::{Event, Mediator, UnmapPolicy, Withdrawal};
use crate::CcwDevice;

impl<D: CcwDevice> Mediator<D> {
    /// What the subchannel's programs are called in the window: [`Withdrawal::users`],
    /// [`ShadowWindow::in_quarantine`](super::ShadowWindow::in_quarantine).
    pub fn owner(&self) -> Owner {
        self.window.owner()
    }

    /// Whether a program of this subchannel uses guest storage in `range`.
    pub fn uses(&self, range: &Range<GuestAddr>) -> bool {
        let mut extents = [self.running(), self.waiting()].into_iter().flatten();
        extents.any(|extent| overlaps(extent, range))
    }

    /// Makes way for a withdrawal of storage.
    ///
    /// A program that the device was not given yet is taken back: its start stays pending, and
    /// `Patience::retries` times it is looked whether it can go on, and then the guest is told that it
    /// ended in a channel-control check. One that runs ends by itself, or,
    /// if the policy is [`UnmapPolicy::Halt`], is stopped, and the guest is told that it ended in a
    /// channel-control check. In neither case is the device reset.
    pub fn make_way(&mut self, withdrawal: &Withdrawal, out: &mut Vec<Event>) {
        let halts = withdrawal.policy() == UnmapPolicy::Halt;
        let touched = withdrawal.touches(self.waiting());
        if let Some(waiting) = &mut self.waiting {
            let once = waiting.ready.as_ref().is_some_and(|ready| ready.once);
            if touched && once {
                // It is under way, and as good as one that runs.
                if halts {
                    self.metrics.made_way += 1;
                    self.stop(out);
                }
            } else if touched && let Some(ready) = waiting.ready.take() {
                // There is a timer already: this is a start that was put off.
                self.metrics.withheld += 1;
                self.unmake(ready);
            }
        }
        if halts && matches!(self.flight, Flight::Running(_)) && withdrawal.touches(self.running())
        {
            self.metrics.made_way += 1;
            let then = self.after_breaking_off();
            self.clear_host(then, out);
        }
    }

    fn running(&self) -> &[Extent] {
        let job = self.flight.job();
        job.map_or(&[], |job| job.program.extents())
    }

    fn waiting(&self) -> &[Extent] {
        let ready = self.waiting.as_ref().and_then(|it| it.ready.as_ref());
        ready.map_or(&[], |ready| ready.program.extents())
    }
}
