// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The guest's own program, on a channel that fetches each CCW when it takes control.

use ccw::{Addr, Guest, SubchannelStatus};
use css::{CannotStart, Condition, Progress, Subchannel};

use super::{Due, INTERMEDIATE, Late, SUSPENSIONS, changes::Changes};
use crate::{
    differential::{GuestView, Player, STEPS, Sent, Statuses, guest_config},
    generator::Scene,
};

/// The guest's own program.
pub(super) struct OwnRun {
    pub(super) started: Result<(), CannotStart>,
    pub(super) statuses: Statuses<Guest>,
    pub(super) sent: Vec<Sent>,
    pub(super) view: GuestView,
    pub(super) condition: Option<Condition>,
}

impl OwnRun {
    pub(super) fn new(scene: &Scene, late: &Late) -> Self {
        let mut subchannel = Subchannel::<Guest>::new(guest_config(scene));
        let mut view = GuestView::new(scene);
        let mut device = Player::new(&scene.script, &scene.policy).with_contents(&late.contents);
        let started = subchannel.start_raw(&scene.orb);
        let mut statuses = Vec::new();
        if started.is_ok() {
            if late.early {
                subchannel.resume();
            }
            let mut changes = Changes::new(scene, late);
            statuses = Self::go(&mut subchannel, &mut view, &mut device, &mut changes);
        }
        Self {
            started,
            statuses,
            sent: device.sent().to_vec(),
            condition: subchannel.check().map(|check| check.condition),
            view,
        }
    }

    fn go(
        subchannel: &mut Subchannel<Guest>,
        view: &mut GuestView,
        device: &mut Player,
        changes: &mut Changes<'_>,
    ) -> Statuses<Guest> {
        let mut statuses = Vec::new();
        let mut due = Due::default();
        let mut suspended = 0;
        for _ in 0..STEPS {
            let progress = subchannel.step(view, device);
            match progress {
                Progress::Working => {
                    if subchannel.scsw().status != INTERMEDIATE {
                        continue;
                    }
                    let (_, irb) = subchannel.test();
                    due.note(&irb);
                    if irb.scsw.subchannel.contains(SubchannelStatus::PCI) {
                        changes.at_pci(view.ram_mut());
                    }
                }
                Progress::Suspended => {
                    let (_, irb) = subchannel.test();
                    let at = Addr::new(u64::from(irb.scsw.cpa.wrapping_sub(8)));
                    statuses.push(due.shown(irb, progress));
                    suspended += 1;
                    if suspended > SUSPENSIONS {
                        break;
                    }
                    changes.at_suspension(view.ram_mut(), at);
                    subchannel.resume();
                }
                _ => {
                    let (_, irb) = subchannel.test();
                    statuses.push(due.shown(irb, progress));
                    break;
                }
            }
        }
        statuses
    }
}
