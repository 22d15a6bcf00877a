// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The guest's own program.

use ccw::{Addr, Guest};
use css::{CannotStart, Condition, Progress, Subchannel};

use super::{
    Difference, GuestView, Player, Sent, Statuses, canonical, differ, guest_config, host::HostRun,
    run, same, same_storage,
};
use crate::generator::Scene;

/// What it came to.
pub(super) struct GuestRun {
    pub(super) started: Result<(), CannotStart>,
    pub(super) statuses: Statuses<Guest>,
    pub(super) sent: Vec<Sent>,
    pub(super) view: GuestView,
    pub(super) condition: Option<Condition>,
    /// CCWs as they were when they took control.
    pub(super) fetched: Vec<(Addr<Guest>, [u8; 8])>,
}

impl GuestRun {
    pub(super) fn new(scene: &Scene) -> Self {
        let mut subchannel = Subchannel::new(guest_config(scene));
        subchannel.record_fetches();
        let mut view = GuestView::new(scene);
        let mut device = Player::new(&scene.script, &scene.policy);
        let started = subchannel.start_raw(&scene.orb);
        let mut statuses = Vec::new();
        if started.is_ok() {
            statuses = run(&mut subchannel, &mut view, &mut device);
        }
        Self {
            started,
            statuses,
            sent: device.sent().to_vec(),
            ..Self::of(&subchannel, view)
        }
    }

    /// What is left of a run on `view`, as far as the subchannel tells.
    pub(super) fn of(subchannel: &Subchannel<Guest>, view: GuestView) -> Self {
        let fetches = subchannel.fetches().iter();
        Self {
            started: Ok(()),
            statuses: Vec::new(),
            sent: Vec::new(),
            view,
            condition: subchannel.check().map(|check| check.condition),
            fetched: fetches.map(|&(at, raw)| (at, raw.0)).collect(),
        }
    }

    pub(super) fn compare(&self, host: &HostRun) -> Result<(), Difference> {
        same("START SUBCHANNEL", &self.started, &host.started)?;
        same("traffic", &self.sent, &host.sent)?;
        let progress = |statuses: &[Progress]| statuses.to_vec();
        let guest: Vec<Progress> = self
            .statuses
            .iter()
            .map(|(progress, _)| *progress)
            .collect();
        same("progress", &guest, &progress(&host.progress))?;
        for ((_, guest), host) in self.statuses.iter().zip(&host.completions) {
            same("status", &canonical(guest), &canonical(&host.irb))?;
            if host.unmapped || host.unexplained {
                return differ(format_args!("a status that should be clear: {host:x?}"));
            }
        }
        same_storage(self.view.ram(), &host.ram)
    }
}
