// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The channel on which either program runs.

use ccw::{Irb, Space, StatusControl};
use css::{Config, Device, Progress, Storage, Subchannel};

use super::STEPS;
use crate::generator::Scene;

/// What the channel showed: how far it is, and its status, in the order in which it was tested.
pub(super) type Statuses<S> = Vec<(Progress, Irb<S>)>;

/// Runs a started program to its end; the device end that follows a channel end included.
pub(super) fn run<S: Space>(
    subchannel: &mut Subchannel<S>,
    storage: &mut dyn Storage<S>,
    device: &mut dyn Device,
) -> Statuses<S> {
    let mut statuses = Vec::new();
    for _ in 0..2 {
        let progress = subchannel.run(storage, device, STEPS);
        let (_, irb) = subchannel.test();
        let over = irb.scsw.status.contains(StatusControl::SECONDARY);
        statuses.push((progress, irb));
        if over || progress != Progress::Pending {
            break;
        }
    }
    statuses
}

pub(super) fn config(scene: &Scene) -> Config {
    Config {
        path_available: 0xff,
        concurrent_sense: scene.concurrent_sense,
        ..Config::default()
    }
}

/// The settings of the guest's subchannel.
pub(crate) fn guest_config(scene: &Scene) -> Config {
    let address_limit = match scene.limit {
        None => css::AddressLimit::None,
        Some(translator::AddressLimit::AtLeast(at)) => css::AddressLimit::AtLeast(at.get().get()),
        Some(translator::AddressLimit::Below(at)) => css::AddressLimit::Below(at.get().get()),
    };
    Config {
        address_limit,
        ..config(scene)
    }
}
