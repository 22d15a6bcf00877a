// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Storage that leaves the guest while programs run: unmapping, ballooning, quarantine.

mod aliases;
mod discard;
mod pending;
mod quarantine;
mod unmap;

use std::ops::Range;
use std::time::Duration;

use ccw::GuestAddr;
use vfio_ccw::mediator::{ShadowWindow, Unmap, UnmapPolicy, WindowError};

use crate::common::*;

const START: GuestAddr = GuestAddr::new(0);
const DEADLINE: Duration = Duration::from_millis(500);
/// A [`READ`] whose data has no storage: invalid address, the CCW behind.
const NO_STORAGE: &str = "00c04017 00002008 00200000";
/// SCSW while a start is pending, and while the device has it.
const START_PENDING: &str = "00c04400 00002000 00000000";
const ACTIVE: &str = "00c040c0 00002000 00000000";

fn range(start: u64, end: u64) -> Range<GuestAddr> {
    GuestAddr::new(start)..GuestAddr::new(end)
}

impl Machine {
    fn window(&self) -> ShadowWindow {
        self.sch.window().clone()
    }

    /// A program runs, and the storage that it uses is to be taken away.
    fn unmap_under_a_program(policy: UnmapPolicy) -> (Self, Result<Unmap, WindowError>) {
        let mut machine = Setup::default().stepped().machine();
        assert_eq!(machine.ssch(), Cc0);
        let unmap = machine.window().begin_unmap(START, policy);
        (machine, unmap)
    }

    fn make_way(&mut self, unmap: &Unmap) {
        self.sch.make_way(unmap, &mut self.events);
    }
}
