// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Each row of the table in `mediator/errno.rs`.

use vfio_ccw::device::fault::{Call, Fault};
use vfio_ccw::{DeviceError, Errno};

use crate::common::*;

/// A start that the host refuses: its condition code, the status behind it, the events.
fn refused(errno: Errno) -> (Machine, String) {
    let mut machine = machine();
    machine.refuse(Call::Start, 1, errno);
    let code = machine.ssch();
    let (test, scsw) = machine.tsch();
    let events = machine.events();
    let status = if test == Cc0 { scsw } else { "-".into() };
    let result = format!("{code}; {status}; {}", events.join(", "));
    (machine, result)
}

fn status(scsw: &str) -> String {
    format!("cc 0; {scsw}; {INTERRUPT}, withdrawn")
}

#[test]
fn ssch_0() {
    let mut machine = machine();
    assert_eq!(machine.ssch(), Cc0);
    assert_eq!(machine.held(), (1, 0));
    machine.io();
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    assert_eq!(machine.data(4), [1, 2, 3, 4]);
    assert_eq!(machine.held(), (0, 0));
}

#[test]
fn ssch_ebusy_is_cc_2_after_a_second_try() {
    let mut machine = machine();
    machine.refuse(Call::Start, 2, Errno::EBUSY);
    assert_eq!(machine.ssch(), Cc2);
    assert_eq!(machine.made(Call::Start), 2);
    assert_eq!(machine.tsch().0, Cc1, "and nothing has happened");
    assert_eq!(machine.metrics().busy, 2);
    // Its subchannel was idle: the device is made to forget what it waits for.
    assert_eq!(machine.made(Call::Clear), 1);
    machine.io();
    assert_eq!(machine.events(), [""; 0]);
    machine.works();
}

#[test]
fn ssch_ebusy_once_is_cc_0() {
    let (mut machine, result) = refused(Errno::EBUSY);
    assert_eq!(result, "cc 0; -; ");
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
}

#[test]
fn ssch_ebusy_with_status_is_cc_1() {
    let mut machine = machine();
    machine.attention();
    machine.refuse(Call::Start, 1, Errno::EBUSY);
    assert_eq!(machine.ssch(), Cc1);
    assert_eq!(machine.made(Call::Start), 1);
    // The interruption parameter is the PMCW's, which no start has set.
    assert_eq!(machine.events(), ["interrupt 0 isc 3"]);
    assert_eq!(machine.tsch(), (Cc0, ATTENTION.into()));
    machine.works();
}

#[test]
fn ssch_enodev_is_cc_3() {
    let (mut machine, result) = refused(Errno::ENODEV);
    assert_eq!(result, "cc 3; -; ");
    assert_eq!(machine.made(Call::ReadSchib), 3, "made, enabled, and again");
    machine.works();
}

#[test]
fn ssch_enodev_of_a_device_that_is_gone() {
    let mut machine = machine();
    machine.refuse(Call::Start, 1, Errno::ENODEV);
    machine.refuse(Call::ReadSchib, 1, Errno::ENODEV);
    assert_eq!(machine.ssch(), Cc3);
    assert_eq!(machine.events(), ["channelreport", "gone"]);
    // Subchannel 12: installed parameters initialized.
    assert_eq!(machine.sch.stcrw().unwrap().0, 0x0304_0012);
    assert_eq!(machine.ssch(), Cc3);
    assert_eq!(machine.made(Call::Start), 1);
}

#[test]
fn ssch_eacces_is_cc_3_and_reads_the_paths() {
    let mut machine = machine();
    machine.device().lose_paths(0);
    machine.refuse(Call::Start, 1, Errno::EACCES);
    let before = machine.made(Call::ReadSchib);
    assert_eq!(machine.ssch(), Cc3);
    assert_eq!(machine.made(Call::ReadSchib), before + 1);
    assert_eq!(machine.events(), [""; 0]);
    machine.works();
}

#[test]
fn ssch_eagain_is_tried_at_once() {
    let (mut machine, result) = refused(Errno::EAGAIN);
    assert_eq!(result, "cc 0; -; ");
    assert_eq!(machine.made(Call::Start), 2);
    assert_eq!(machine.metrics().put_off, 1);
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
}

#[test]
fn ssch_eagain_is_start_pending_until_it_works() {
    let mut machine = machine();
    machine.refuse(Call::Start, 4, Errno::EAGAIN);
    assert_eq!(machine.ssch(), Cc0);
    assert_eq!(machine.made(Call::Start), 3);
    assert_eq!(
        machine.scsw(),
        "00c04400 00002000 00000000",
        "start pending"
    );
    assert_eq!(machine.ssch(), Cc2);
    machine.time(RETRY);
    assert_eq!(machine.made(Call::Start), 5);
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
}

#[test]
fn ssch_eagain_for_ever_is_an_interface_control_check() {
    let mut machine = machine();
    machine.refuse(Call::Start, 99, Errno::EAGAIN);
    assert_eq!(machine.ssch(), Cc0);
    for _ in 0..3 {
        machine.time(RETRY);
        assert_eq!(machine.tsch().0, Cc1);
    }
    machine.time(RETRY);
    assert_eq!(machine.tsch(), (Cc0, IFCC.into()));
    assert_eq!(machine.timer(), None);
    assert_eq!((machine.held(), machine.sent()), ((0, 0), 0));
}

/// What the kernel refuses although it was checked is not the guest's fault. An address that is not
/// mapped is ENOENT with an iommufd and EINVAL with a container.
#[test]
fn ssch_refused_by_the_host_is_a_channel_control_check() {
    for errno in [
        Errno::EINVAL,
        Errno::ENOENT,
        Errno::EFAULT,
        Errno::EPERM,
        Errno::EOPNOTSUPP,
        Errno::ENOMEM,
        Errno::E2BIG,
        Errno::ENOSPC,
    ] {
        let (mut machine, result) = refused(errno);
        assert_eq!(result, status(CCC), "{errno}");
        assert_eq!(machine.held(), (0, 0));
        assert_eq!(machine.metrics().failed, 1);
        machine.works();
    }
}

/// What the guest did wrong, it is told without asking the host: at the CCW that is wrong.
#[test]
fn ssch_of_a_wrong_program_is_a_program_check_at_the_ccw() {
    let mut machine = machine();
    machine.program(&[[0; 8]]);
    assert_eq!(machine.ssch(), Cc0);
    assert_eq!(machine.tsch(), (Cc0, "00c04017 00002008 00200000".into()));
    assert_eq!(machine.made(Call::Start), 0);
    assert_eq!(machine.metrics().ended_at_once, 1);
    // In third place: the first two run.
    let (nop, read) = ([3, 0x60, 0, 1, 0, 0, 0, 0], [2, 0x40, 0, 4, 0, 0, 0x30, 0]);
    machine.program(&[nop, read, [0, 0, 0, 1, 0, 0, 0, 0]]);
    assert_eq!(machine.ssch(), Cc0);
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, "00c04017 00002018 00200000".into()));
    assert_eq!(machine.sent(), 2);
}

#[test]
fn ssch_eio_is_an_interface_control_check() {
    for errno in [Errno::EIO, Errno(4095)] {
        let (mut machine, result) = refused(errno);
        assert_eq!(result, status(IFCC), "{errno}");
        machine.works();
    }
}

#[test]
fn ssch_eio_of_a_device_that_is_gone_is_cc_3() {
    let mut machine = machine();
    machine.device().unplug();
    assert_eq!(machine.ssch(), Cc3);
    assert_eq!(machine.events(), ["channelreport", "gone"]);
}

/// Whether the device runs it nobody can tell, so it is stopped before the guest is told.
#[test]
fn ssch_short_is_cleared() {
    let mut machine = Setup::default().stepped().machine();
    let short = DeviceError::Short {
        done: 12,
        wanted: 124,
    };
    machine.device().fail(Call::Start, 1, Fault::Done(short));
    assert_eq!(machine.ssch(), Cc0);
    assert_eq!(machine.made(Call::Clear), 1);
    assert_eq!((machine.tsch().0, machine.held()), (Cc1, (1, 0)));
    machine.run(1);
    assert_eq!(machine.tsch(), (Cc0, CCC.into()));
    machine.works();
}

#[test]
fn hsch_ebusy_is_cc_2_after_a_second_try() {
    let mut machine = endless();
    machine.ssch();
    machine.refuse(Call::Halt, 2, Errno::EBUSY);
    assert_eq!(machine.hsch(), Cc2);
    assert_eq!(machine.made(Call::Halt), 2);
    assert_eq!(machine.scsw(), "00c040c0 00002000 00000000");
    assert_eq!(machine.hsch(), Cc0);
}

#[test]
fn hsch_ebusy_with_status_is_cc_1() {
    let mut machine = machine();
    machine.ssch();
    // The program has ended; the guest was not told yet.
    machine.refuse(Call::Halt, 1, Errno::EBUSY);
    assert_eq!(machine.hsch(), Cc1);
    assert_eq!(machine.made(Call::Halt), 1);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
}

#[test]
fn hsch_eagain_is_halt_pending_until_it_works() {
    let mut machine = endless();
    machine.ssch();
    machine.run(1);
    machine.refuse(Call::Halt, 4, Errno::EAGAIN);
    assert_eq!(machine.hsch(), Cc0);
    assert_eq!(machine.scsw(), "00c062c0 00002000 00000000");
    assert_eq!(machine.hsch(), Cc2);
    machine.time(RETRY);
    machine.run(1);
    assert_eq!(machine.tsch(), (Cc0, "00c06001 00002008 00000000".into()));
}

#[test]
fn hsch_enodev_and_eio() {
    let mut machine = endless();
    machine.ssch();
    machine.refuse(Call::Halt, 1, Errno::ENODEV);
    assert_eq!(machine.hsch(), Cc3);
    machine.refuse(Call::Halt, 1, Errno::EACCES);
    assert_eq!(machine.hsch(), Cc3);
    machine.device().unplug();
    assert_eq!(machine.hsch(), Cc3);
    // Nobody will say what became of the program.
    assert_eq!(machine.events(), ["channelreport", "gone"]);
    assert_eq!((machine.held(), machine.metrics().quarantined), ((1, 1), 1));
}

/// A halt that the device cannot do is done by a clear.
#[test]
fn hsch_refused_by_the_host_is_a_clear() {
    for errno in [Errno::EINVAL, Errno::EOPNOTSUPP, Errno::EIO, Errno::ENOMEM] {
        let mut machine = endless();
        machine.ssch();
        machine.refuse(Call::Halt, 1, errno);
        assert_eq!(machine.hsch(), Cc0, "{errno}");
        assert_eq!(machine.made(Call::Clear), 1);
        machine.run(1);
        assert_eq!(machine.events(), [INTERRUPT]);
        assert_eq!(
            machine.tsch(),
            (Cc0, "00c06001 00002000 00000000".into()),
            "{errno}"
        );
        assert_eq!(machine.held(), (0, 0));
    }
}

#[test]
fn csch_eagain_and_ebusy_are_clear_pending_until_it_works() {
    for (errno, times) in [(Errno::EAGAIN, 4), (Errno::EBUSY, 3)] {
        let mut machine = endless();
        machine.ssch();
        machine.refuse(Call::Clear, times, errno);
        assert_eq!(machine.csch(), Cc0);
        assert_eq!(machine.scsw(), "00001100 00000000 00000000");
        while machine.made(Call::Clear) <= times {
            machine.time(RETRY);
        }
        machine.run(1);
        assert_eq!(machine.tsch(), (Cc0, CLEARED.into()), "{errno}");
        assert_eq!(machine.held(), (0, 0));
    }
}

#[test]
fn csch_enodev_is_cc_3() {
    let mut machine = machine();
    machine.refuse(Call::Clear, 1, Errno::ENODEV);
    assert_eq!(machine.csch(), Cc3);
    machine.works();
    machine.device().unplug();
    assert_eq!(machine.csch(), Cc3);
    assert_eq!(machine.events(), ["withdrawn", "channelreport", "gone"]);
}

/// What went on goes on to its end.
#[test]
fn csch_enodev_while_something_goes_on() {
    for halt in [false, true] {
        let mut machine = endless();
        let expected = if halt {
            machine.hsch();
            "00002001 00000000 00000000"
        } else {
            machine.ssch();
            CCC
        };
        machine.refuse(Call::Clear, 1, Errno::ENODEV);
        assert_eq!(machine.csch(), Cc3);
        assert_eq!(machine.tsch().0, Cc1);
        machine.time(STOP);
        machine.run(1);
        assert_eq!(machine.tsch(), (Cc0, expected.into()));
        assert_eq!(machine.held(), (0, 0));
    }
}

/// A device that answers every request with EIO, and can say no more of itself.
#[test]
fn csch_eio_for_ever_is_the_end() {
    let setup = Setup::responding([]).without(|can| (can.schib, can.reset) = (false, false));
    let mut machine = setup.stepped().machine();
    machine.program(&ENDLESS);
    machine.ssch();
    machine.device().unplug();
    assert_eq!(machine.csch(), Cc0);
    machine.time(STOP);
    assert_eq!(machine.events(), [""; 0]);
    machine.time(STOP);
    assert_eq!(machine.events(), ["channelreport", "gone"]);
    assert_eq!((machine.held(), machine.timer()), ((1, 1), None));
}

#[test]
fn csch_refused_by_the_host_is_tried_again_and_then_a_reset() {
    for errno in [Errno::EINVAL, Errno::EOPNOTSUPP, Errno::EIO, Errno::ENOMEM] {
        let mut machine = endless();
        machine.ssch();
        machine.refuse(Call::Clear, 2, errno);
        assert_eq!(machine.csch(), Cc0, "{errno}");
        machine.time(STOP);
        assert_eq!(machine.made(Call::Clear), 2);
        machine.time(STOP);
        assert_eq!(machine.made(Call::Reset), 1);
        assert_eq!(machine.tsch(), (Cc0, CLEARED.into()));
        assert_eq!(machine.held(), (0, 0));
        machine.works();
    }
}
