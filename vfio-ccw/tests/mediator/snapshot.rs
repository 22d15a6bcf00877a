// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Coming to rest, and going on elsewhere.

use std::time::Duration;

use ccw::{Command, DeviceClass, GuestAddr, RawCrw, SubsystemId};
use css::device::scripted::Scripted;
use translator::{CommandPolicy, LimitAddr, Track, Tracks};
use vfio_ccw::device::fault::{Call, FaultInjector};
use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace};
use vfio_ccw::mediator::{
    DeviceIdentity, Event, GuestProfile, GuestRegion, Mediator, MediatorConfig, Misfit,
    NotQuiescent, Paths, RestoreError, ShadowWindow, Snapshot, WindowConfig,
};
use vfio_ccw::{Capabilities, Errno, Source};

use crate::common::*;

type Change = fn(&mut MediatorConfig);

const SECOND: Duration = Duration::from_secs(1);

/// A host for a machine like [`machine`], with the guest's storage of `here`.
fn elsewhere(
    here: &Machine,
    snapshot: &Snapshot,
    soft: SoftConfig,
    change: impl FnOnce(&mut MediatorConfig),
) -> Result<Machine, RestoreError> {
    let space = SoftSpace::new();
    let soft = SoftDevice::new(Scripted::new(vec![read(); 4]), space.clone(), soft).unwrap();
    let window = ShadowWindow::new(space, WindowConfig::default()).unwrap();
    let region = GuestRegion::new(GuestAddr::new(0), here.ram.clone());
    window.add(region).unwrap();
    let mut config = MediatorConfig::new(SubsystemId::new(0, 0x12).unwrap(), 0x0190);
    config.guest = *here.sch.snapshot().unwrap().guest();
    change(&mut config);
    let mut events = Vec::new();
    let device = FaultInjector::new(soft).unwrap();
    let sch = Mediator::restore(snapshot, device, window, config, &mut events)?;
    Ok(Machine {
        sch,
        ram: here.ram.clone(),
        events,
    })
}

/// A machine whose guest sees nothing of the host's paths.
fn fixed(responses: usize) -> Setup {
    let mut setup = Setup::responding(vec![read(); responses]);
    setup.guest.paths = Paths::ONE;
    setup
}

fn fixed_endless() -> Machine {
    let mut machine = fixed(0).stepped().machine();
    machine.program(&ENDLESS);
    machine
}

fn same(here: &Machine) -> Machine {
    let snapshot = here.sch.snapshot().unwrap();
    let there = elsewhere(here, &snapshot, SoftConfig::default(), |_| {}).unwrap();
    assert_eq!(there.sch.snapshot(), Ok(snapshot));
    there
}

#[test]
fn status_that_is_pending_and_what_comes_next() {
    let mut here = fixed(4).machine();
    here.ssch();
    here.io();
    here.attention();
    here.io();
    here.events.clear();
    let mut there = same(&here);
    assert_eq!(there.events(), [INTERRUPT]);
    assert_eq!(there.tsch(), (Cc0, ENDED.into()));
    assert_eq!(there.events(), ["withdrawn", INTERRUPT]);
    assert_eq!(there.tsch(), (Cc0, ATTENTION.into()));
    assert_eq!(there.events(), ["withdrawn"]);
    there.works();
}

/// A program stands suspended, with its status pending or tested: it is resumed elsewhere.
#[test]
fn a_program_that_stands_suspended() {
    for tested in [false, true] {
        let mut here = fixed(1).machine();
        here.program(&[
            [2, 0x40, 0, 4, 0, 0, 0x30, 0],
            [2, 0x02, 0, 4, 0, 0, 0x30, 4],
        ]);
        let orb = [INTPARM, 0x08c2_8000, PROGRAM];
        assert_eq!(here.ssch_orb(orb), Ok(Cc0));
        here.io();
        if tested {
            assert_eq!(here.tsch().0, Cc0);
        }
        here.events();
        assert_eq!(here.sch.quiesce(SECOND, &mut here.events), None);
        let mut there = same(&here);
        if !tested {
            assert_eq!(there.events(), [INTERRUPT]);
            let status = "08c04029 00002010 00000004";
            assert_eq!(there.tsch(), (Cc0, status.into()));
        }
        there.events();
        assert_eq!(there.scsw(), "08c04020 00002010 00000004");
        there.ram.write(PROGRAM as usize + 9, &[0]).unwrap();
        assert_eq!(there.rsch(), Cc0);
        there.io();
        assert_eq!(there.tsch(), (Cc0, "08c04007 00002010 0c000000".into()));
        assert_eq!(there.data(8), [1, 2, 3, 4, 1, 2, 3, 4]);
        there.works();
    }
}

/// A program that is to go on is not at rest, although the device has nothing of it.
#[test]
fn not_between_two_parts() {
    let mut setup = Setup::responding([css::device::scripted::Response::input(&READ), read()]);
    setup.guest.policy = setup.guest.policy.for_device(DeviceClass::Tape);
    let mut machine = setup.machine();
    machine.program(&[[2, 0x40, 0, 8, 0, 0, 0x20, 8]]);
    for nth in 2..5 {
        let fault = vfio_ccw::device::fault::Fault::Refused(Errno::EAGAIN.into());
        machine.device().fail(Call::Start, nth, fault);
    }
    machine.ssch();
    machine.io();
    assert!(machine.sch.is_quiet());
    assert_eq!(machine.sch.snapshot(), Err(NotQuiescent::GoingOn));
    let timer = machine.sch.quiesce(SECOND, &mut machine.events).unwrap();
    machine.sch.expired(timer.id, &mut machine.events);
    assert!(machine.sch.snapshot().is_ok());
    assert_eq!(machine.tsch(), (Cc0, "00c04017 00002010 00040000".into()));
}

#[test]
fn reports_and_the_address_limit() {
    let mut setup = Setup::default();
    setup.soft.pmcw.pim = 0xc0;
    setup.soft.pmcw.pam = 0xc0;
    setup.soft.pmcw.chpid = [0x21, 0x22, 0, 0, 0, 0, 0, 0];
    let mut here = setup.machine();
    here.device().lose_paths(0x40);
    here.sch.ready(Source::Crw, &mut here.events);
    here.sch
        .set_address_limit(LimitAddr::new(GuestAddr::new(0x1_0000)).unwrap());
    let snapshot = here.sch.snapshot().unwrap();
    let mut there = elsewhere(&here, &snapshot, SoftConfig::default(), |_| {}).unwrap();
    assert_eq!(there.events(), ["channelreport"]);
    assert_eq!(there.sch.stcrw(), Some(RawCrw(0x0406_0022)));
    assert_eq!(there.sch.stcrw(), None);
    assert_eq!(
        there.sch.snapshot().unwrap().address_limit(),
        Some(GuestAddr::new(0x1_0000))
    );
    // The paths are those of the other host; which of them to use is the guest's choice.
    let schib = there.sch.stsch(&mut there.events);
    assert_eq!(words(&schib.0[8..20]), "c0000080 0000ff80 00000000");
}

#[test]
fn what_is_in_flight_is_no_snapshot() {
    let mut machine = endless();
    assert!(machine.sch.snapshot().is_ok());
    machine.ssch();
    assert_eq!(machine.sch.snapshot(), Err(NotQuiescent::Program));
    machine.hsch();
    assert_eq!(machine.sch.snapshot(), Err(NotQuiescent::Halting));
    machine.csch();
    assert_eq!(machine.sch.snapshot(), Err(NotQuiescent::Clearing));
    machine.run(1);
    assert!(machine.sch.snapshot().is_ok());
    machine.tsch();
    machine.refuse(Call::Start, 3, Errno::EAGAIN);
    machine.ssch();
    assert_eq!(machine.sch.snapshot(), Err(NotQuiescent::StartPending));
    machine.xsch();
    machine.sch.unplug(&mut machine.events);
    assert_eq!(machine.sch.snapshot(), Err(NotQuiescent::Gone));
}

#[test]
fn what_is_signalled_is_taken_first() {
    let mut machine = fixed(4).machine();
    machine.ssch();
    assert_eq!(machine.sch.snapshot(), Err(NotQuiescent::Program));
    assert_eq!(machine.sch.quiesce(SECOND, &mut machine.events), None);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert!(machine.sch.snapshot().is_ok());
    machine.attention();
    assert_eq!(machine.sch.quiesce(SECOND, &mut machine.events), None);
    assert_eq!(same(&machine).tsch(), (Cc0, ENDED.into()));
}

#[test]
fn a_program_that_ends_in_time_ends_as_it_does() {
    let mut machine = Setup::default().stepped().machine();
    machine.ssch();
    let timer = machine.sch.quiesce(SECOND, &mut machine.events).unwrap();
    assert_eq!(timer.after, SECOND);
    assert_ne!(machine.sch.timer().map(|watch| watch.id), Some(timer.id));
    machine.run(8);
    assert!(machine.sch.snapshot().is_ok());
    // Nothing is left to be stopped.
    machine.sch.expired(timer.id, &mut machine.events);
    assert_eq!(
        (machine.made(Call::Clear), machine.made(Call::Halt)),
        (0, 0)
    );
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
}

#[test]
fn a_program_that_does_not_is_stopped() {
    let mut machine = fixed_endless();
    machine.ssch();
    let timer = machine.sch.quiesce(SECOND, &mut machine.events).unwrap();
    machine.run(10);
    assert_eq!(machine.sch.snapshot(), Err(NotQuiescent::Program));
    machine.sch.expired(timer.id, &mut machine.events);
    assert_eq!(machine.sch.snapshot(), Err(NotQuiescent::Clearing));
    machine.run(1);
    let mut there = same(&machine);
    assert_eq!(there.tsch(), (Cc0, CCC.into()));
    there.works();
}

#[test]
fn a_start_that_is_pending_is_given_up_at_the_deadline() {
    let mut machine = fixed(4).machine();
    machine.refuse(Call::Start, 8, Errno::EAGAIN);
    machine.ssch();
    let timer = machine.sch.quiesce(SECOND, &mut machine.events).unwrap();
    machine.sch.expired(timer.id, &mut machine.events);
    assert_eq!(same(&machine).tsch(), (Cc0, CCC.into()));
}

/// Each thing that is not as it was, by itself.
#[test]
fn another_host_that_does_not_fit() {
    let here = machine();
    let snapshot = here.sch.snapshot().unwrap();
    let tried = |soft: SoftConfig, change: fn(&mut MediatorConfig)| {
        elsewhere(&here, &snapshot, soft, change).map(|_| ()).err()
    };
    let soft = SoftConfig::default();
    assert_eq!(tried(soft, |_| {}), None);
    assert_eq!(tried(soft, |it| it.guest.policy.remarks = true), None);
    let lesser = |lack: fn(&mut Capabilities)| {
        let mut lesser = soft;
        lack(&mut lesser.capabilities);
        lesser
    };
    for (host, misfit) in [
        (lesser(|can| can.async_command = false), Misfit::Halt),
        (lesser(|can| can.schib = false), Misfit::Paths),
        (lesser(|can| can.crw = false), Misfit::Paths),
    ] {
        let refused = tried(host, |_| {});
        assert_eq!(refused, Some(RestoreError::Misfit(misfit)));
    }
    assert_eq!(tried(lesser(|can| can.reset = false), |_| {}), None);
    let another: [(Change, RestoreError); 10] = [
        (
            |it| it.subchannel = SubsystemId::new(0, 0x13).unwrap(),
            RestoreError::Subchannel {
                snapshot: Setup::default().subchannel,
                settings: SubsystemId::new(0, 0x13).unwrap(),
            },
        ),
        (
            |it| it.device_number = 0x0191,
            RestoreError::DeviceNumber {
                snapshot: 0x0190,
                settings: 0x0191,
            },
        ),
        (|it| it.guest.halt = false, RestoreError::Profile),
        (|it| it.guest.stop = false, RestoreError::Profile),
        (
            |it| it.guest.policy.suspend = translator::Suspension::Refuse,
            RestoreError::Profile,
        ),
        (|it| it.guest.paths = Paths::ONE, RestoreError::Profile),
        (
            |it| it.guest.policy.facilities.midaw = false,
            RestoreError::Profile,
        ),
        (|it| it.guest.policy.max_ccws -= 1, RestoreError::Profile),
        (
            |it| it.commands = Some(CommandPolicy::read_only(DeviceClass::Eckd)),
            RestoreError::Commands,
        ),
        (
            |it| it.identity.node_element = Some([1; 32]),
            RestoreError::Identity,
        ),
    ];
    for (change, refused) in another {
        assert_eq!(tried(soft, change), Some(refused));
    }
}

#[test]
fn the_device_must_be_the_same() {
    let identity = |serial| DeviceIdentity {
        node_element: Some([serial; 32]),
        characteristics: Some([0x33; 64]),
    };
    let here = machine();
    let first = here.sch.snapshot().unwrap();
    let known = |serial| move |config: &mut MediatorConfig| config.identity = identity(serial);
    let soft = SoftConfig::default();
    // One of which nothing is known is not known to be the same.
    let tried = elsewhere(&here, &first, soft, known(7)).map(|_| ());
    assert_eq!(tried, Err(RestoreError::Identity));

    let space = SoftSpace::new();
    let device = SoftDevice::new(Scripted::new([]), space.clone(), soft).unwrap();
    let window = ShadowWindow::new(space, WindowConfig::default()).unwrap();
    let mut config = MediatorConfig::new(SubsystemId::new(0, 0x12).unwrap(), 0x0190);
    config.identity = identity(7);
    let there = Mediator::attach(device, window, config).unwrap();
    let second = there.snapshot().unwrap();
    assert_eq!(second.identity(), &identity(7));
    let tried = elsewhere(&here, &second, soft, known(8)).map(|_| ());
    assert_eq!(tried, Err(RestoreError::Identity));
    assert!(elsewhere(&here, &second, soft, known(7)).is_ok());
}

#[test]
fn a_device_that_goes_away_meanwhile() {
    let here = machine();
    let snapshot = here.sch.snapshot().unwrap();
    let space = SoftSpace::new();
    let soft = SoftDevice::new(Scripted::new([]), space.clone(), SoftConfig::default()).unwrap();
    let mut device = FaultInjector::new(soft).unwrap();
    device.unplug();
    let window = ShadowWindow::new(space, WindowConfig::default()).unwrap();
    let config = MediatorConfig::new(SubsystemId::new(0, 0x12).unwrap(), 0x0190);
    let mut events: Vec<Event> = Vec::new();
    let restored = Mediator::restore(&snapshot, device, window, config, &mut events);
    assert_eq!(restored.map(|_| ()).err(), Some(RestoreError::Gone));
    assert_eq!(events, []);
}

#[test]
fn fixed_paths_stay_what_they_were() {
    let guest = GuestProfile {
        paths: Paths::Fixed {
            mask: 0xa0,
            chpid: [0x11, 0, 0x13, 0, 0, 0, 0, 0],
        },
        ..GuestProfile::default()
    };
    let setup = Setup {
        guest,
        ..Setup::default()
    };
    let mut here = setup.machine();
    here.works();
    let snapshot = here.sch.snapshot().unwrap();
    let lesser = SoftConfig {
        capabilities: Capabilities {
            async_command: true,
            ..Capabilities::default()
        },
        ..SoftConfig::default()
    };
    let mut there = elsewhere(&here, &snapshot, lesser, |it| it.guest = guest).unwrap();
    let before = here.sch.stsch(&mut here.events);
    assert_eq!(there.sch.stsch(&mut there.events), before);
    assert_eq!(words(&before.0[8..20]), "a00080a0 0000ffa0 11001300");
    there.works();
}

#[test]
fn the_guest_stays_as_confined_as_it_was() {
    let part = |last| {
        let tracks = Tracks::new(Track::new(10, 0), Track::new(last, 14)).unwrap();
        CommandPolicy::read_only(tracks)
    };
    let known = |commands| move |config: &mut MediatorConfig| config.commands = commands;
    let here = machine();
    let soft = SoftConfig::default();
    let space = SoftSpace::new();
    let device = SoftDevice::new(Scripted::new([]), space.clone(), soft).unwrap();
    let window = ShadowWindow::new(space, WindowConfig::default()).unwrap();
    let mut config = MediatorConfig::new(SubsystemId::new(0, 0x12).unwrap(), 0x0190);
    config.commands = Some(part(19));
    let there = Mediator::attach(device, window, config).unwrap();
    let snapshot = there.snapshot().unwrap();
    let read_only = CommandPolicy::read_only(DeviceClass::Eckd);
    let everything = CommandPolicy::everything(DeviceClass::Eckd);
    for other in [
        None,
        Some(everything),
        Some(read_only),
        Some(part(20)),
        Some(part(19).deny(Command(0x86))),
    ] {
        let tried = elsewhere(&here, &snapshot, soft, known(other)).map(|_| ());
        assert_eq!(tried, Err(RestoreError::Commands), "{other:x?}");
    }
    assert!(elsewhere(&here, &snapshot, soft, known(Some(part(19)))).is_ok());
}
