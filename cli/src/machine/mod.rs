// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The machine that `run` is: storage, a software channel, a device with a record of its traffic.

mod device;
mod execute;
mod recorder;
mod view;

use execute::start;

use ccw::{Guest, Host, RawOrb, Space};
use css::{Access, Granted, Storage};

pub(crate) use device::{Attached, Spec};
#[cfg(test)]
pub(crate) use recorder::tests::Endless;

pub(crate) use execute::{Ended, GivenUp, Metered};
pub(crate) use recorder::{Dropped, Exchange, Recorder};
pub(crate) use view::{GuestView, HostView};

use crate::memory::Working;
use crate::translation::{COPIES_AT, Ready};

/// A run, with everything that it left behind.
pub(crate) struct Ran<S: Space> {
    /// How it ended.
    pub(crate) ended: Ended<S>,
    /// What passed between channel and device.
    pub(crate) exchanges: Vec<Exchange>,
    /// Exchanges that were not kept.
    pub(crate) dropped: Dropped,
    /// The device afterwards.
    pub(crate) device: Attached,
    /// First byte of each access outside what was granted.
    pub(crate) violations: Vec<u64>,
    /// The area for copies afterwards, if there is one.
    pub(crate) copies: Vec<u8>,
}

/// Runs the guest's own program on guest storage.
pub(crate) fn run_guest(orb: &RawOrb, storage: &mut Working<'_>, device: Attached) -> Ran<Guest> {
    ran(orb, &mut GuestView(storage), device)
}

fn ran<S: Space>(orb: &RawOrb, storage: &mut dyn Storage<S>, device: Attached) -> Ran<S> {
    let mut recorder = Recorder::new(device);
    let ended = start(orb, storage, &mut recorder);
    let (device, exchanges, dropped) = recorder.into_record();
    Ran {
        ended,
        exchanges,
        dropped,
        device,
        violations: Vec::new(),
        copies: Vec::new(),
    }
}

/// Runs the translated program on host storage, of which it may touch only what it was planned
/// to touch.
pub(crate) fn run_host(ready: &Ready, storage: &mut Working<'_>, device: Attached) -> Ran<Host> {
    let view = HostView {
        guest: storage,
        areas: ready.areas.clone(),
    };
    let mut granted = Granted::new(view);
    for area in &ready.areas {
        let access = if area.scratch {
            Access::Store
        } else {
            Access::Fetch
        };
        granted.grant(area.at, area.bytes.len() as u64, access);
    }
    for extent in &ready.extents {
        let access = match extent.access {
            pinning::Access::DeviceReads => Access::Fetch,
            pinning::Access::DeviceWrites => Access::Store,
        };
        granted.grant(extent.host, extent.len.into(), access);
    }
    let mut ran = ran(&ready.orb().encode(), &mut granted, device);
    let violations = granted.violations().iter();
    ran.violations = violations.map(|violation| violation.at.get()).collect();
    let mut areas = granted.into_inner().areas.into_iter();
    let copies = areas.find(|area| area.at.get() == COPIES_AT);
    ran.copies = copies.map_or_else(Vec::new, |area| area.bytes);
    ran
}
