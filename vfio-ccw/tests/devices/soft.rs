// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The software device: error numbers, status and signals, as the kernel's.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::process::Command;

use ccw::{DeviceStatus, Host, HostAddr, IRB_EXTENDED_SIZE, Pmcw, RawCrw, RawScsw};
use css::device::scripted::{Response, Scripted};
use css::{Progress, Ram};
use vfio_ccw::device::soft::{SoftConfig, SoftDevice, Unread};
use vfio_ccw::{AsyncCommand, Capabilities, CcwDevice, Errno, Source};

use crate::common::*;

#[test]
fn a_program_at_once() {
    let mut device = two(SoftConfig::default());
    assert_eq!(device.acknowledge(Source::Io), Ok(0));
    assert_eq!(device.read_irb(), Ok([0; IRB_EXTENDED_SIZE]));
    device.start(&orb(0x80), &START).unwrap();
    assert_eq!(device.acknowledge(Source::Io), Ok(1));
    assert_eq!(device.acknowledge(Source::Io), Ok(0));
    assert_eq!(scsw(&mut device), "00c04007 00001010 0c000000");
    assert_eq!(scsw(&mut device), "00c04007 00001010 0c000000");
    let data = device.storage_mut().read(HostAddr::new(0x2000), 4);
    assert_eq!(data, [1, 2, 3, 4]);
    device.start(&orb(0), &START).unwrap();
    assert_eq!(device.acknowledge(Source::Io), Ok(1));
}

#[test]
fn a_program_step_by_step() {
    let mut device = two(stepped());
    device.start(&orb(0x80), &START).unwrap();
    assert_eq!(device.start(&orb(0x80), &START), BUSY);
    assert_eq!(device.run(1), Progress::Working);
    assert_eq!(device.acknowledge(Source::Io), Ok(0));
    assert_eq!(device.start(&orb(0x80), &START), BUSY);
    assert_eq!(device.run(1), Progress::Working);
    assert_eq!(device.acknowledge(Source::Io), Ok(1));
    assert_eq!(device.run(1), Progress::Idle);
    assert_eq!(device.start(&orb(0x80), &START), Ok(()));
}

#[test]
fn a_refused_request_starts_nothing() {
    let mut device = two(SoftConfig::default());
    let mut transport = orb(0x80);
    transport[5] |= 4;
    assert_eq!(
        device.start(&transport, &START),
        Err(errno(Errno::EOPNOTSUPP))
    );
    let mut reserved = orb(0x80);
    reserved[7] |= 2;
    assert_eq!(device.start(&reserved, &START), Err(errno(Errno::EIO)));
    for function in [0x20, 0x10] {
        let mut scsw = START;
        scsw.0[2] = function;
        let refused = device.start(&orb(0x80), &scsw);
        assert_eq!(refused, Err(errno(Errno::EOPNOTSUPP)));
    }
    assert_eq!(device.start(&orb(0x80), &RawScsw::default()), Ok(()));
    assert_eq!(device.acknowledge(Source::Io), Ok(0));
    assert!(device.model().sent().is_empty());
    device.start(&orb(0x80), &START).unwrap();
    assert_eq!(device.model().sent().len(), 2);
}

#[test]
fn an_endless_program_is_halted_and_cleared() {
    for (command, status) in [
        (AsyncCommand::Halt, "00c06001 00001008 00000000"),
        (AsyncCommand::Clear, "00001001 00000000 00000000"),
    ] {
        let config = SoftConfig {
            steps: 50,
            ..SoftConfig::default()
        };
        let mut device = device(&ENDLESS, &[], config);
        device.start(&orb(0x80), &START).unwrap();
        assert_eq!(device.model().sent().len(), 50);
        assert_eq!(device.run(10), Progress::Working);
        assert_eq!(device.start(&orb(0x80), &START), BUSY);
        device.async_command(command).unwrap();
        assert_eq!(device.acknowledge(Source::Io), Ok(1));
        assert_eq!(scsw(&mut device), status);
        assert_eq!(device.start(&orb(0x80), &START), Ok(()));
    }
}

#[test]
fn halt_does_not_wait_for_a_halt() {
    let mut device = device(&ENDLESS, &[], stepped());
    device.async_command(AsyncCommand::Halt).unwrap();
    assert_eq!(device.async_command(AsyncCommand::Halt), BUSY);
    device.async_command(AsyncCommand::Clear).unwrap();
    assert_eq!(device.async_command(AsyncCommand::Halt), BUSY);
    device.run(5);
    assert_eq!(scsw(&mut device), "00001001 00000000 00000000");
}

#[test]
fn an_unread_status_is_overwritten_and_the_signals_tell() {
    let mut device = two(SoftConfig::default());
    device.start(&orb(0x80), &START).unwrap();
    attention(&mut device);
    assert_eq!(device.acknowledge(Source::Io), Ok(2));
    assert_eq!(scsw(&mut device), "00000011 00000000 80000000");
    assert_eq!(device.start(&orb(0x80), &START), Ok(()));
}

#[test]
fn a_kept_status_waits_for_the_one_before() {
    let mut device = two(SoftConfig {
        unread: Unread::Kept,
        ..SoftConfig::default()
    });
    device.start(&orb(0x80), &START).unwrap();
    attention(&mut device);
    assert_eq!(device.acknowledge(Source::Io), Ok(1));
    assert_eq!(scsw(&mut device), "00c04007 00001010 0c000000");
    assert_eq!(device.acknowledge(Source::Io), Ok(1));
    assert_eq!(scsw(&mut device), "00000011 00000000 80000000");
    assert_eq!(device.acknowledge(Source::Io), Ok(0));
}

/// The final status is overwritten in the kernel before it was seen: one signal, the wrong IRB, and
/// the device busy until it is cleared.
#[test]
fn a_status_lost_in_the_kernel() {
    let mut device = two(SoftConfig::default());
    device.hold_interrupts(true);
    device.start(&orb(0x80), &START).unwrap();
    attention(&mut device);
    assert_eq!(device.acknowledge(Source::Io), Ok(0));
    device.hold_interrupts(false);
    assert_eq!(device.acknowledge(Source::Io), Ok(1));
    assert_eq!(scsw(&mut device), "00000011 00000000 80000000");
    assert_eq!(device.start(&orb(0x80), &START), BUSY);
    let schib = device.read_schib().unwrap();
    assert_eq!(schib.0[30..32], [0, 0], "and the subchannel is at rest");
    device.async_command(AsyncCommand::Clear).unwrap();
    assert_eq!(scsw(&mut device), "00001001 00000000 00000000");
    assert_eq!(device.start(&orb(0x80), &START), Ok(()));
}

#[test]
fn reset_ends_everything_without_an_interrupt() {
    let mut device = device(&ENDLESS, &[], stepped());
    device.start(&orb(0x80), &START).unwrap();
    device.run(5);
    device.reset().unwrap();
    assert_eq!(device.run(5), Progress::Idle);
    assert_eq!(device.acknowledge(Source::Io), Ok(0));
    assert_eq!(device.start(&orb(0x80), &START), Ok(()));
}

#[test]
fn reset_forgets_status() {
    let mut device = two(SoftConfig {
        unread: Unread::Kept,
        ..SoftConfig::default()
    });
    device.start(&orb(0x80), &START).unwrap();
    attention(&mut device);
    device.model_mut().present(DeviceStatus::ATTENTION);
    device.reset().unwrap();
    assert_eq!(device.run(10), Progress::Idle);
    assert_eq!(device.acknowledge(Source::Io), Ok(1), "from before");
    device.start(&orb(0x80), &START).unwrap();
    assert_eq!(device.acknowledge(Source::Io), Ok(1));
    assert_eq!(scsw(&mut device), "00c04007 00001010 0c000004");
}

#[test]
fn channel_end_and_device_end_apart() {
    let first = Response::immediate()
        .with_status(DeviceStatus::CHANNEL_END)
        .then(DeviceStatus::DEVICE_END);
    let nop = [3, 0x20, 0, 1, 0, 0, 0, 0];
    let config = SoftConfig {
        unread: Unread::Kept,
        ..SoftConfig::default()
    };
    let mut device = device(&nop, &[first], config);
    device.start(&orb(0x80), &START).unwrap();
    assert_eq!(scsw(&mut device), "00c04045 00001008 08000001");
    assert_eq!(scsw(&mut device)[..8], *"00c00003");
    assert_eq!(device.acknowledge(Source::Io), Ok(2));
    assert_eq!(device.start(&orb(0x80), &START), Ok(()));
}

#[test]
fn the_schib_is_the_hosts() {
    let mut device = two(SoftConfig {
        pmcw: Pmcw {
            device_number: Some(0x0a90),
            lpm: 0xc0,
            pim: 0xc0,
            pam: 0xc0,
            chpid: [0x21, 0x22, 0, 0, 0, 0, 0, 0],
            ..SoftConfig::default().pmcw
        },
        ..stepped()
    });
    device.start(&orb(0x40), &START).unwrap();
    let schib = device.read_schib().unwrap();
    let expected = "00000000 00810a90 c00000c0 0000ffc0 21220000";
    assert_eq!(words(&schib.0[..20]), expected);
    assert_eq!(words(&schib.0[28..40]), "00c04400 00001000 00000000");
    device.run(10);
    let schib = device.read_schib().unwrap();
    assert_eq!(words(&schib.0[8..12]), "c00040c0", "the path last used");
    assert_eq!(words(&schib.0[28..32]), "00c00000");
}

#[test]
fn paths_go_and_come_back() {
    let mut device = two(SoftConfig {
        pmcw: Pmcw {
            lpm: 0xc0,
            pim: 0xc0,
            pam: 0xc0,
            chpid: [0x21, 0x22, 0, 0, 0, 0, 0, 0],
            ..SoftConfig::default().pmcw
        },
        ..SoftConfig::default()
    });
    device.vary_paths(0x7f, false);
    assert_eq!(device.acknowledge(Source::Crw), Ok(1));
    assert_eq!(device.read_crw(), Ok(Some(RawCrw(0x0406_0022))));
    assert_eq!(device.read_crw(), Ok(None));
    let refused = device.start(&orb(0x40), &START);
    assert_eq!(refused, Err(errno(Errno::EACCES)));
    let schib = device.read_schib().unwrap();
    assert_eq!(words(&schib.0[8..16]), "804000c0 0000ff80");
    assert_eq!(device.start(&orb(0), &START), Ok(()), "by the path left");

    device.vary_paths(0x80, false);
    for lpm in [0x40, 0x80, 0] {
        let refused = device.start(&orb(lpm), &START);
        assert_eq!(refused, Err(errno(Errno::ENODEV)), "{lpm:x}");
    }
    device.vary_paths(0xff, true);
    assert_eq!(device.acknowledge(Source::Crw), Ok(3));
    let mut reports = Vec::new();
    while let Some(crw) = device.read_crw().unwrap() {
        reports.push(crw.0);
    }
    assert_eq!(reports, [0x0406_0021, 0x0402_0021, 0x0402_0022]);
    assert_eq!(
        device.acknowledge(Source::Crw),
        Ok(2),
        "again after each but the last"
    );
    let schib = device.read_schib().unwrap();
    assert_eq!(words(&schib.0[8..16]), "c00080c0 0000ffc0");
    device.vary_paths(0x80, false);
    assert_eq!(device.start(&orb(0xc0), &START), Ok(()));
    let schib = device.read_schib().unwrap();
    assert_eq!(
        words(&schib.0[8..12]),
        "400040c0",
        "not by the path that is gone"
    );
}

#[test]
fn the_host_takes_the_device_back() {
    let mut device = device(&ENDLESS, &[], stepped());
    device.start(&orb(0x80), &START).unwrap();
    device.request();
    assert_eq!(device.acknowledge(Source::Request), Ok(1));
    assert_eq!(device.run(3), Progress::Working, "which goes on working");
    device.unplug();
    assert_eq!(device.acknowledge(Source::Request), Ok(1));
    assert_eq!(device.run(3), Progress::Idle);
    let refused = device.start(&orb(0x80), &START);
    assert_eq!(refused, Err(errno(Errno::EIO)));
    let refused = device.async_command(AsyncCommand::Clear);
    assert_eq!(refused, Err(errno(Errno::EIO)));
    assert_eq!(device.read_schib(), Err(errno(Errno::ENODEV)));
    assert_eq!(device.reset(), Err(errno(Errno::EINVAL)));
    assert_eq!(device.acknowledge(Source::Io), Ok(0));
}

#[test]
fn what_a_device_lacks() {
    let mut device = two(SoftConfig {
        capabilities: Capabilities::default(),
        ..SoftConfig::default()
    });
    assert!(device.event_fd(Source::Io).is_some());
    assert!(device.event_fd(Source::Crw).is_none());
    assert!(device.event_fd(Source::Request).is_none());
    device.vary_paths(0x80, false);
    device.request();
    for source in Source::ALL {
        assert_eq!(device.acknowledge(source), Ok(0));
    }
    assert_eq!(device.read_crw(), Ok(None));
    let lacks = errno(Errno::EOPNOTSUPP);
    assert_eq!(device.async_command(AsyncCommand::Halt), Err(lacks));
    assert_eq!(device.read_schib(), Err(lacks));
    assert_eq!(device.reset(), Err(lacks));
}

/// The descriptor is a real one: whoever reads it takes the signals. (Not how many: an emulator of
/// user space may swap the bytes of a duplicate's count.)
#[test]
fn the_event_is_a_descriptor() {
    let mut device = two(SoftConfig::default());
    let fd = device.event_fd(Source::Io).unwrap();
    let mut file = File::from(fd.try_clone_to_owned().unwrap());
    let mut count = [0; 8];
    let nothing = file.read(&mut count).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
    device.start(&orb(0x80), &START).unwrap();
    attention(&mut device);
    file.read_exact(&mut count).unwrap();
    assert_ne!(count, [0; 8]);
    assert_eq!(device.acknowledge(Source::Io), Ok(0));
}

#[test]
fn any_model_in_a_box() {
    let model: Box<dyn css::Device + Send> = Box::new(Scripted::default());
    let mut storage = Ram::<Host>::new(0x1_0000);
    storage.write(HostAddr::new(0x1000), &TWO);
    let mut device = SoftDevice::new(model, storage, SoftConfig::default()).unwrap();
    device.start(&orb(0x80), &START).unwrap();
    assert_eq!(device.acknowledge(Source::Io), Ok(1));
    fn is_send(_: impl Send) {}
    is_send(device);
}

/// Whoever starts programs, as a VMM may, does not hand the guest's devices on.
#[test]
fn a_program_that_is_executed_gets_no_descriptor() {
    let device = two(SoftConfig::default());
    let listed = Command::new("ls").args(["-l", "/proc/self/fd"]).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    assert!(listed.contains("->"), "{listed}");
    assert!(!listed.contains("eventfd"), "{listed}");
    drop(device);
}
