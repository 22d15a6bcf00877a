// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Storage that is taken away from the guest, and given back.

use std::ops::Range;
use std::time::Duration;

use ccw::GuestAddr;
use vfio_ccw::mediator::{Discard, GuestRegion, Left, Unmap, UnmapPolicy, Withdrawal};

use super::World;
use crate::subchannel::stream::Stream;
use crate::subchannel::window::REGION;

/// How often programs that run are looked at.
pub(super) const WATCH: Duration = Duration::from_secs(5);

/// A region, or a page.
pub(super) enum Leaving {
    Region(Unmap),
    Page(Discard),
}

impl Leaving {
    pub(super) fn withdrawal(&self) -> &Withdrawal {
        match self {
            Self::Region(unmap) => unmap,
            Self::Page(discard) => discard,
        }
    }
}

impl World {
    pub(super) fn take_storage_away(&mut self, stream: &mut Stream<'_>) {
        match (self.leaving.take(), self.missing) {
            (Some(leaving), _) => self.end_taking_away(leaving, stream.flag()),
            (None, None) => {
                let choice = stream.byte();
                let (policy, hears) = [
                    (UnmapPolicy::Halt, false),
                    (UnmapPolicy::Wait(WATCH), true),
                    (UnmapPolicy::Refuse, true),
                    (UnmapPolicy::Halt, true),
                ][usize::from(choice >> 1 & 3)];
                let start = GuestAddr::new(REGION * u64::from(choice & 1));
                let window = self.guest.sch.window();
                let leaving = match choice & 8 {
                    0 => window.begin_unmap(start, policy).map(Leaving::Region),
                    _ => {
                        let range = page(start, choice >> 4);
                        window.begin_discard(range, policy).map(Leaving::Page)
                    }
                };
                if let Ok(leaving) = leaving {
                    let withdrawal = leaving.withdrawal();
                    let used = withdrawal.users().contains(&self.guest.sch.owner());
                    assert!(used || !self.guest.sch.uses(&withdrawal.ranges()[0]));
                    if hears {
                        self.guest.sch.make_way(withdrawal, &mut self.guest.events);
                    }
                    self.leaving = Some(leaving);
                }
            }
            (None, Some(_)) => self.bring_back(),
        }
    }

    pub(super) fn end_taking_away(&mut self, leaving: Leaving, flag: bool) {
        let uses = self.guest.sch.uses(&leaving.withdrawal().ranges()[0]);
        let left = match leaving {
            Leaving::Region(unmap) => {
                let start = unmap.range().start;
                unmap
                    .commit()
                    .map(|()| self.missing = Some(start))
                    .map_err(|(unmap, _)| Leaving::Region(unmap))
            }
            Leaving::Page(discard) => {
                let left = if flag { Left::Gone } else { Left::Usable };
                let result = discard.finish(left);
                result.map_err(|(discard, _)| Leaving::Page(discard))
            }
        };
        match left {
            Ok(()) => assert!(!uses, "taken away under a program"),
            // Begun again, or given up.
            Err(leaving) if flag => self.leaving = Some(leaving),
            Err(_) => {}
        }
    }

    pub(super) fn bring_back(&mut self) {
        if let Some(start) = self.missing.take() {
            let index = usize::from(start.get() != 0);
            let region = GuestRegion::new(start, self.guest.memory[index].clone());
            self.guest.sch.window().add(region).expect("as before");
        }
        let window = self.guest.sch.window();
        for range in window.gone() {
            window.give_back(range).expect("in storage");
        }
    }
}

/// Page `number` of the region at `start`.
fn page(start: GuestAddr, number: u8) -> Range<GuestAddr> {
    let at = |number| GuestAddr::new(start.get() + (u64::from(number) << 12));
    at(number)..at(number + 1)
}
