// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs whose device never said that they stopped.

use ccw::{GuestAddr, SubsystemId};
use vfio_ccw::Errno;
use vfio_ccw::device::fault::{Call, Fault, InterruptFault};
use vfio_ccw::mediator::{Mediator, MediatorConfig, ResetAcknowledged, WindowConfig};

use super::*;

/// A device that acknowledges nothing, until it does: the guest's next reset brings all of it back.
#[test]
fn a_reset_that_is_acknowledged_ends_the_quarantine() {
    let mut machine = endless();
    machine.ssch();
    let refused = Fault::Refused(Errno::EINVAL.into());
    machine.device().fail(Call::Reset, 1, refused);
    machine.device().fail(Call::Reset, 2, refused);
    machine.sch.reset(&mut machine.events);
    assert_eq!(machine.events(), ["channelreport", "gone"]);
    let window = machine.window();
    let list = window.in_quarantine();
    assert_eq!((list.len(), list[0].owner), (1, machine.sch.owner()));
    assert_eq!(list[0].subchannel, SubsystemId::new(0, 0x12));
    machine.sch.reset(&mut machine.events);
    assert_eq!(machine.held(), (1, 1), "not acknowledged");
    assert_eq!(machine.events(), [""; 0], "and the guest knows already");

    machine.sch.reset(&mut machine.events);
    assert_eq!(machine.held(), (0, 0));
    let metrics = machine.metrics();
    assert_eq!((metrics.quarantined, metrics.released), (1, 1));
    machine.enable();
    machine.works();
}

#[test]
fn a_device_that_was_unplugged_stays_away() {
    let mut machine = endless();
    machine.sch.unplug(&mut machine.events);
    machine.sch.reset(&mut machine.events);
    assert_eq!(machine.made(Call::Reset), 0);
    assert_eq!(machine.ssch(), Cc3);
}

/// One device that was reset says nothing about another.
#[test]
fn a_reset_releases_the_programs_of_that_device_only() {
    let mut setup = Setup::responding([]).stepped();
    setup.window.slots = 2;
    let mut machine = setup.machine();
    machine.program(&[[3, 0x60, 0, 1, 0, 0, 0, 0], [2, 0x60, 0, 1, 0, 0, 0x30, 0]]);
    let window = machine.window();
    machine.ssch();
    let stuck = machine.sch.owner();
    let Machine { sch, ram, .. } = machine;
    drop(sch);
    assert_eq!((window.in_flight(), window.quarantined()), (1, 1));
    assert_eq!(window.in_quarantine()[0].ranges, [range(0x3000, 0x3001)]);

    // The same subchannel, the device opened anew: another owner.
    let space = vfio_ccw::device::soft::SoftSpace::new();
    let model = css::device::scripted::Scripted::new([]);
    let config = vfio_ccw::device::soft::SoftConfig::default();
    let soft = vfio_ccw::device::soft::SoftDevice::new(model, space, config).unwrap();
    let id = SubsystemId::new(0, 0x12).unwrap();
    let mut again = Mediator::attach(soft, window.clone(), MediatorConfig::new(id, 0x190)).unwrap();
    assert_ne!(again.owner(), stuck);
    again.reset(&mut Vec::new());
    assert_eq!(
        window.quarantined(),
        1,
        "not its own: perhaps another device"
    );
    assert_eq!(
        window.release_quarantined(ResetAcknowledged(again.owner())),
        0
    );
    // The VMM knows that it is the same one.
    assert_eq!(window.release_quarantined(ResetAcknowledged(stuck)), 1);
    assert_eq!((window.in_flight(), window.in_quarantine()), (0, vec![]));
    drop(ram);
}

/// A program in quarantine counts: its place, its bytes and its slot are not there for others.
#[test]
fn quarantine_counts_against_the_budget() {
    let mut setup = Setup::default().stepped();
    setup.window = WindowConfig {
        slots: 3,
        budget: pinning::Budget {
            total_bytes: 6,
            ..pinning::Budget::default()
        },
        ..WindowConfig::default()
    };
    let mut machine = setup.machine();
    machine.ssch();
    machine.disturb(InterruptFault::Lost);
    let refused = Fault::Refused(Errno::EINVAL.into());
    machine.device().fail(Call::Reset, 1, refused);
    machine.sch.reset(&mut machine.events);
    assert_eq!(machine.held(), (1, 1));
    let window = machine.window();
    let pin = |len| {
        let access = pinning::Access::DeviceReads;
        let start = GuestAddr::new(0x8000);
        let extent = pinning::Extent { start, len, access };
        pinning::Pins::acquire(&window, &[extent], &mut pinning::Runs::new()).map(drop)
    };
    assert_eq!(pin(2), Ok(()));
    let limit = pinning::PinError::Limit(pinning::Limit::TotalBytes);
    assert_eq!(pin(3), Err(limit), "4 are in quarantine");
    machine.sch.reset(&mut machine.events);
    assert_eq!(pin(6), Ok(()));
}
