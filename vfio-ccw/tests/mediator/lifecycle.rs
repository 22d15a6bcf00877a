// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Paths, reports, resets, unplugging.

use ccw::{GuestAddr, RawCrw};
use vfio_ccw::device::fault::{Call, Fault, InterruptFault};
use vfio_ccw::mediator::{GuestRegion, ResetAcknowledged};
use vfio_ccw::{Errno, HostMemory, Source};

use crate::common::*;

fn two_paths() -> Machine {
    let mut setup = Setup::default();
    setup.soft.pmcw.pim = 0xc0;
    setup.soft.pmcw.pam = 0xc0;
    setup.soft.pmcw.lpm = 0xc0;
    setup.soft.pmcw.chpid = [0x21, 0x22, 0, 0, 0, 0, 0, 0];
    setup.machine()
}

#[test]
fn paths_are_those_of_the_host() {
    let mut machine = two_paths();
    let schib = machine.sch.stsch(&mut machine.events);
    // LPM, PNOM, LPUM, PIM; MBI, POM, PAM; path ids.
    assert_eq!(words(&schib.0[8..20]), "c00000c0 0000ffc0 21220000");
}

#[test]
fn a_path_that_goes_and_comes_is_reported() {
    let mut machine = two_paths();
    machine.device().lose_paths(0x80);
    machine.sch.ready(Source::Crw, &mut machine.events);
    assert_eq!(machine.events(), ["channelreport"]);
    // Channel path 21, permanent error, not initialized.
    assert_eq!(machine.sch.stcrw(), Some(RawCrw(0x0406_0021)));
    assert_eq!(machine.sch.stcrw(), None);
    // Only by that path: not operational, without asking the host.
    assert_eq!(machine.ssch(), Cc3);
    assert_eq!(machine.made(Call::Start), 0);
    assert_eq!(machine.ssch_orb([INTPARM, 0x00c2_c000, PROGRAM]), Ok(Cc0));
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    machine.device().restore_paths(0x80);
    machine.sch.ready(Source::Crw, &mut machine.events);
    assert_eq!(machine.sch.stcrw(), Some(RawCrw(0x0402_0021)));
    machine.works();
}

/// A path is lost and the report is not here yet: the host says so.
#[test]
fn a_start_by_a_path_that_was_just_lost() {
    let mut machine = two_paths();
    machine.device().lose_paths(0x80);
    assert_eq!(machine.ssch(), Cc3);
    assert_eq!(machine.made(Call::Start), 1);
    let schib = machine.sch.stsch(&mut machine.events);
    assert_eq!(schib.0[15], 0x40, "PAM");
}

/// The same when the guest has its condition code already.
#[test]
fn a_start_pending_by_a_path_that_was_lost() {
    let mut machine = two_paths();
    machine.refuse(Call::Start, 3, Errno::EAGAIN);
    assert_eq!(machine.ssch(), Cc0);
    machine.device().lose_paths(0x80);
    machine.time(RETRY);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, DEFERRED_CC3.into()));
    assert_eq!(machine.scsw(), "00c00000 00000000 00000000");
    assert_eq!(machine.held(), (0, 0));
}

#[test]
fn the_host_wants_the_device_back() {
    let mut machine = machine();
    machine.device().request();
    machine.sch.ready(Source::Request, &mut machine.events);
    assert_eq!(machine.events(), ["unplugrequested"]);
    machine.works();
    machine.sch.unplug(&mut machine.events);
    assert_eq!(machine.events(), ["withdrawn", "channelreport", "gone"]);
    assert_eq!(machine.ssch(), Cc3);
    let schib = machine.sch.stsch(&mut machine.events);
    assert_eq!(schib.0[5] & 0x81, 0, "neither enabled nor a device");
    assert!(machine.sch.into_device().is_ok());
}

#[test]
fn unplugging_stops_what_runs() {
    let mut machine = endless();
    machine.ssch();
    machine.sch.unplug(&mut machine.events);
    assert_eq!(machine.made(Call::Reset), 1);
    assert_eq!(machine.held(), (0, 0), "as the device has acknowledged");
}

#[test]
fn a_reset_leaves_nothing() {
    let mut machine = endless();
    machine.ssch();
    machine.run(1);
    machine.device().lose_paths(0x80);
    machine.device().restore_paths(0x80);
    machine.sch.ready(Source::Crw, &mut machine.events);
    machine.events.clear();
    machine.sch.reset(&mut machine.events);
    assert_eq!(machine.made(Call::Reset), 1);
    assert_eq!((machine.held(), machine.timer()), ((0, 0), None));
    assert_eq!(machine.sch.stcrw(), None);
    let schib = machine.sch.stsch(&mut machine.events);
    assert_eq!(words(&schib.0[..12]), "00000000 00010190 80000080");
    assert_eq!(schib.0[28..40], [0; 12]);
    assert_eq!(machine.ssch(), Cc3, "disabled");
    machine.enable();
    machine.works();
}

#[test]
fn a_reset_withdraws_status() {
    let mut machine = machine();
    machine.ssch();
    machine.io();
    machine.attention();
    machine.io();
    machine.sch.reset(&mut machine.events);
    assert_eq!(machine.events(), [INTERRUPT, "withdrawn"]);
    machine.enable();
    assert_eq!(machine.tsch().0, Cc1);
}

/// An interrupt from before a reset is about what is over.
#[test]
fn a_status_that_a_reset_overtakes() {
    let mut machine = machine();
    machine.ssch();
    machine.sch.reset(&mut machine.events);
    machine.enable();
    machine.io();
    assert_eq!(machine.events(), [""; 0]);
    assert_eq!(machine.metrics().stale, 1);
    machine.works();
}

#[test]
fn a_status_from_before_a_reset_does_not_end_the_next_program() {
    let mut machine = Setup::default().stepped().machine();
    machine.ssch();
    machine.device().with(|soft| soft.run(8));
    machine.sch.reset(&mut machine.events);
    machine.enable();
    machine.ssch();
    machine.io();
    assert_eq!(
        (machine.metrics().stale, machine.metrics().spurious),
        (1, 1)
    );
    assert_eq!((machine.events(), machine.held()), (vec![], (1, 0)));
    machine.run(8);
    assert_eq!(machine.tsch().0, Cc0);
}

#[test]
fn a_reset_that_fails_loses_the_device() {
    let mut machine = endless();
    machine.ssch();
    machine
        .device()
        .fail(Call::Reset, 1, Fault::Refused(Errno::EINVAL.into()));
    machine.sch.reset(&mut machine.events);
    assert_eq!(machine.events(), ["channelreport", "gone"]);
    assert_eq!(machine.held(), (1, 1));
}

#[test]
fn a_device_without_a_reset_is_cleared() {
    let setup = Setup::responding([]).without(|can| can.reset = false);
    let mut machine = setup.stepped().machine();
    machine.program(&ENDLESS);
    machine.ssch();
    machine.sch.reset(&mut machine.events);
    assert!(!machine.sch.is_quiet());
    machine.enable();
    machine.run(1);
    assert!(machine.sch.is_quiet());
    assert_eq!(machine.events(), [""; 0], "the guest knows of no clear");
    machine.works();
}

#[test]
fn stop_ends_a_start_that_is_pending() {
    let mut machine = machine();
    machine.refuse(Call::Start, 3, Errno::EAGAIN);
    machine.ssch();
    machine.sch.stop(&mut machine.events);
    assert_eq!(machine.tsch(), (Cc0, CCC.into()));
    assert!(machine.sch.is_quiet());
    assert_eq!((machine.held(), machine.sent()), ((0, 0), 0));
}

/// A program of which only the device end is to come.
fn channel_end_tested(responses: Vec<css::device::scripted::Response>) -> Machine {
    use ccw::DeviceStatus;
    let late = read()
        .with_status(DeviceStatus::CHANNEL_END)
        .then(DeviceStatus::DEVICE_END);
    let all = [late].into_iter().chain(responses);
    let mut machine = Setup::responding(all).stepped().machine();
    machine.ssch();
    machine.run(1);
    assert_eq!(machine.tsch().0, Cc0);
    machine.events.clear();
    machine
}

/// Status of a program whose first CCW is zero.
const WRONG: &str = "00c04017 00002008 00200000";
/// A device end that nobody waits for.
const DEVICE_END: &str = "00000011 00000000 04000000";

/// What is stopped has had its channel end tested: a start behind that is not told of the other's end.
#[test]
fn a_start_while_the_program_before_is_stopped() {
    let mut machine = channel_end_tested(vec![read()]);
    machine.sch.stop(&mut machine.events);
    assert_eq!(machine.made(Call::Clear), 1);
    assert_eq!(machine.ssch(), Cc0);
    machine.run(1);
    assert_eq!(machine.events(), [""; 0], "it was only started");
    machine.run(8);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
}

/// The same of a start that ends at once.
#[test]
fn a_start_that_ends_at_once_while_the_program_before_is_stopped() {
    for tested in [false, true] {
        let mut machine = channel_end_tested(vec![read()]);
        machine.sch.stop(&mut machine.events);
        machine.program(&[[0; 8]]);
        assert_eq!(machine.ssch(), Cc0);
        let status = (Cc0, WRONG.into());
        if tested {
            assert_eq!(machine.tsch(), status);
        }
        machine.run(8);
        let seen = machine.tsch();
        assert!(
            if tested {
                seen.0 == Cc1
            } else {
                seen == status
            },
            "{seen:?}"
        );
        machine.works();
    }
}

/// Its device end comes by itself, and is none of the start's.
#[test]
fn a_start_that_ends_at_once_behind_a_channel_end() {
    for tested in [false, true] {
        let mut machine = channel_end_tested(vec![read()]);
        machine.program(&[[0; 8]]);
        assert_eq!(machine.ssch(), Cc0);
        let status = (Cc0, WRONG.into());
        if tested {
            assert_eq!(machine.tsch(), status);
        }
        machine.run(8);
        if !tested {
            assert_eq!(machine.tsch(), status);
        }
        assert_eq!(machine.tsch(), (Cc0, DEVICE_END.into()));
        machine.works();
    }
}

/// Nor of one that was taken back.
#[test]
fn a_start_that_is_cancelled_behind_a_channel_end() {
    let mut machine = channel_end_tested(vec![read()]);
    assert_eq!((machine.ssch(), machine.xsch()), (Cc0, Cc0));
    machine.run(8);
    assert_eq!(machine.tsch(), (Cc0, DEVICE_END.into()));
    machine.works();
}

/// The same when its device end is lost.
#[test]
fn a_start_while_the_program_before_is_lost() {
    let mut machine = channel_end_tested(vec![read()]);
    assert_eq!(machine.ssch(), Cc0);
    machine.disturb(InterruptFault::Lost);
    machine.run(1);
    machine.time(WATCH);
    machine.time(SETTLE);
    assert_eq!((machine.metrics().lost, machine.made(Call::Clear)), (1, 1));
    machine.run(1);
    assert_eq!(machine.events(), [""; 0]);
    machine.run(8);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
}

/// Channel end is overwritten by device end: where the program stood is not known.
#[test]
fn device_end_without_channel_end() {
    use ccw::DeviceStatus;
    let late = read()
        .with_status(DeviceStatus::CHANNEL_END)
        .then(DeviceStatus::DEVICE_END);
    let mut machine = Setup::responding([late, read()]).stepped().machine();
    machine.ssch();
    machine.disturb(InterruptFault::Lost);
    machine.run(1);
    machine.run(8);
    assert_eq!(machine.tsch(), (Cc0, CCC.into()));
    assert_eq!((machine.metrics().lost, machine.held()), (1, (0, 0)));
    machine.works();
}

/// The IRB of a device end is still there when the next program runs, and is signalled once more.
#[test]
fn a_device_end_that_comes_once_more() {
    let mut machine = channel_end_tested(vec![read()]);
    machine.run(1);
    assert_eq!(machine.tsch().0, Cc0);
    machine.ssch();
    machine.device().spurious();
    machine.io();
    assert_eq!((machine.metrics().stale, machine.held()), (1, (1, 0)));
    machine.run(8);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
}

/// The same while that is being halted.
#[test]
fn a_final_status_that_comes_once_more_while_halting() {
    let mut machine = Setup::responding([read(), read()]).stepped().machine();
    machine.ssch();
    machine.run(8);
    assert_eq!(machine.tsch().0, Cc0);
    machine.program(&ENDLESS);
    machine.ssch();
    machine.events.clear();
    machine.refuse(Call::Halt, 3, Errno::EAGAIN);
    assert_eq!(machine.hsch(), Cc0);
    machine.device().spurious();
    machine.io();
    assert_eq!((machine.metrics().stale, machine.held()), (1, (1, 0)));
    assert_eq!(machine.events(), [""; 0]);
}

/// The guest's own halt is complete, however the device was stopped.
#[test]
fn stop_while_halting() {
    let mut machine = endless();
    machine.ssch();
    machine.hsch();
    machine.sch.stop(&mut machine.events);
    assert_eq!(machine.made(Call::Clear), 1);
    machine.run(1);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, "00c06001 00002000 00000000".into()));
    assert!(machine.sch.is_quiet());
}

#[test]
fn a_device_in_use_is_not_given_back() {
    let mut machine = endless();
    machine.ssch();
    let back = machine.sch.into_device();
    let mut sch = *back.unwrap_err();
    assert_eq!(sch.csch(&mut machine.events), Cc0);
    sch.device_mut().with(|soft| soft.run(1));
    sch.ready(Source::Io, &mut machine.events);
    assert!(sch.into_device().is_ok());
}

/// Dropping a mediator closes its device, of whose program nobody knows whether it stopped.
#[test]
fn dropped_while_a_program_runs() {
    let mut machine = endless();
    machine.ssch();
    let window = machine.sch.window().clone();
    let owner = machine.sch.owner();
    drop(machine);
    assert_eq!((window.in_flight(), window.quarantined()), (1, 1));
    assert_eq!(window.release_quarantined(ResetAcknowledged(owner)), 1);
}

#[test]
fn two_subchannels_in_one_window() {
    use ccw::SubsystemId;
    use css::device::scripted::Scripted;
    use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace};
    use vfio_ccw::mediator::{Mediator, MediatorConfig, ShadowWindow, WindowConfig};

    let space = SoftSpace::new();
    let window = ShadowWindow::new(space.clone(), WindowConfig::default()).unwrap();
    let ram = HostMemory::anonymous(RAM).unwrap();
    window
        .add(GuestRegion::new(GuestAddr::new(0), ram.clone()))
        .unwrap();
    ram.write(PROGRAM as usize, &READ).unwrap();
    let mut events = Vec::new();
    let stepped = SoftConfig {
        steps: 0,
        ..SoftConfig::default()
    };
    let mut subchannel = |number| {
        let soft = SoftDevice::new(Scripted::new([read()]), space.clone(), stepped).unwrap();
        let id = SubsystemId::new(0, number).unwrap();
        let mut sch =
            Mediator::attach(soft, window.clone(), MediatorConfig::new(id, number)).unwrap();
        let mut schib = sch.stsch(&mut events);
        schib.0[5] |= 0x80;
        sch.msch(&schib).unwrap();
        sch
    };
    let mut both = [subchannel(1), subchannel(2)];
    let orb = ccw::RawOrb::from_words([0, 0x00c2_8000, PROGRAM]);
    for sch in &mut both {
        assert_eq!(sch.ssch(&orb, &mut events), Ok(Cc0));
    }
    assert_eq!(window.in_flight(), 2);
    for sch in &mut both {
        sch.device_mut().run(4);
        sch.ready(Source::Io, &mut events);
        let (code, irb) = sch.tsch(&mut events);
        assert_eq!((code, words(&irb.unwrap().0[..12])), (Cc0, ENDED.into()));
    }
    assert_eq!(window.in_flight(), 0);
}
