// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Each fault, on the software device.

use ccw::{RawCrw, RawSchib};
use vfio_ccw::device::fault::{Call, Fault, FaultInjector, InterruptFault};
use vfio_ccw::device::soft::{SoftConfig, Unread};
use vfio_ccw::{AsyncCommand, CcwDevice, DeviceError, Errno, Source};

use crate::common::*;

const ENDED: &str = "00c04007 00001010 0c000000";
const ATTENTION: &str = "00000011 00000000 80000000";

fn injector(config: SoftConfig) -> FaultInjector<Soft> {
    FaultInjector::new(two(config)).unwrap()
}

fn disturbed(fault: InterruptFault) -> FaultInjector<Soft> {
    let mut device = injector(SoftConfig::default());
    device.disturb(1, fault);
    device.start(&orb(0x80), &START).unwrap();
    device
}

/// One call of the kind, without its result.
fn make(call: Call, device: &mut impl CcwDevice) -> Result<(), DeviceError> {
    match call {
        Call::Acknowledge => device.acknowledge(Source::Io).map(drop)?,
        Call::Start => device.start(&orb(0x80), &START)?,
        Call::Halt => device.async_command(AsyncCommand::Halt)?,
        Call::Clear => device.async_command(AsyncCommand::Clear)?,
        Call::ReadIrb => device.read_irb().map(drop)?,
        Call::ReadSchib => device.read_schib().map(drop)?,
        Call::ReadCrw => device.read_crw().map(drop)?,
        Call::Reset => device.reset()?,
    }
    Ok(())
}

#[test]
fn without_a_plan_it_is_the_device_inside() {
    let mut device = injector(SoftConfig::default());
    device.start(&orb(0x80), &START).unwrap();
    assert_eq!(device.acknowledge(Source::Io), Ok(1));
    assert_eq!(scsw(&mut device), ENDED);
    device.with(attention);
    assert_eq!(device.acknowledge(Source::Io), Ok(1));
    assert_eq!(scsw(&mut device), ATTENTION);
    device.with(|soft| soft.vary_paths(0x80, false));
    assert_eq!(device.acknowledge(Source::Crw), Ok(1));
    assert_eq!(device.read_crw(), Ok(Some(RawCrw(0x0406_0000))));
    device.with(Soft::request);
    assert_eq!(device.acknowledge(Source::Request), Ok(1));
    let refused = device.start(&orb(0x80), &START);
    assert_eq!(refused, Err(errno(Errno::ENODEV)));
}

#[test]
fn the_nth_call_of_each_kind_fails() {
    for call in Call::ALL {
        for nth in 1..=3 {
            let mut device = injector(SoftConfig::default());
            device.fail(call, nth, Fault::Refused(errno(Errno::ENOMEM)));
            for n in 1..=4 {
                let expected = match n == nth {
                    true => Err(errno(Errno::ENOMEM)),
                    false => Ok(()),
                };
                assert_eq!(make(call, &mut device), expected, "{call:?} {nth} {n}");
            }
            assert_eq!(device.made(call), 4);
            assert_eq!(
                Call::ALL.map(|call| device.made(call)).iter().sum::<u32>(),
                4
            );
        }
    }
}

#[test]
fn a_refused_start_is_no_start_and_one_done_is() {
    let short = DeviceError::Short {
        done: 12,
        wanted: 124,
    };
    let mut device = injector(SoftConfig::default());
    device.fail(Call::Start, 1, Fault::Refused(errno(Errno::EAGAIN)));
    device.fail(Call::Start, 2, Fault::Done(short));
    let refused = device.start(&orb(0x80), &START);
    assert_eq!(refused, Err(errno(Errno::EAGAIN)));
    assert_eq!(device.acknowledge(Source::Io), Ok(0));
    assert_eq!(device.start(&orb(0x80), &START), Err(short));
    assert_eq!(device.acknowledge(Source::Io), Ok(1));
    assert_eq!(scsw(&mut device), ENDED);
}

#[test]
fn late() {
    let mut device = disturbed(InterruptFault::Late);
    device.with(attention);
    assert_eq!(device.acknowledge(Source::Io), Ok(0));
    assert_eq!(scsw(&mut device), "00000000 00000000 00000000");
    device.release();
    assert_eq!(device.acknowledge(Source::Io), Ok(2));
    assert_eq!(scsw(&mut device), ATTENTION);
    device.start(&orb(0x80), &START).unwrap();
    assert_eq!(device.acknowledge(Source::Io), Ok(1), "in time again");
}

#[test]
fn doubled() {
    let mut device = disturbed(InterruptFault::Doubled);
    assert_eq!(device.acknowledge(Source::Io), Ok(2));
    assert_eq!(scsw(&mut device), ENDED);
    device.spurious();
    assert_eq!(device.acknowledge(Source::Io), Ok(1));
    assert_eq!(scsw(&mut device), ENDED);
}

#[test]
fn lost() {
    let mut device = disturbed(InterruptFault::Lost);
    assert_eq!(device.acknowledge(Source::Io), Ok(0));
    assert_eq!(device.start(&orb(0x80), &START), BUSY);
    let schib = device.read_schib().unwrap();
    assert_eq!(words(&schib.0[28..32]), "00c00000", "at rest all the same");
    device.async_command(AsyncCommand::Clear).unwrap();
    assert_eq!(device.acknowledge(Source::Io), Ok(1));
    assert_eq!(scsw(&mut device), "00001001 00000000 00000000");
    assert_eq!(device.start(&orb(0x80), &START), Ok(()));
}

#[test]
fn overwritten() {
    let mut device = disturbed(InterruptFault::Overwritten);
    assert_eq!(device.acknowledge(Source::Io), Ok(1));
    assert_eq!(scsw(&mut device), ATTENTION);
    assert_eq!(device.start(&orb(0x80), &START), BUSY);
    device.reset().unwrap();
    assert_eq!(device.acknowledge(Source::Io), Ok(0));
    assert_eq!(device.start(&orb(0x80), &START), Ok(()));
}

#[test]
fn followed() {
    let mut device = disturbed(InterruptFault::Followed);
    assert_eq!(device.acknowledge(Source::Io), Ok(2));
    assert_eq!(scsw(&mut device), ATTENTION);
    assert_eq!(device.start(&orb(0x80), &START), Ok(()));
}

#[test]
fn with_attention() {
    let mut device = disturbed(InterruptFault::WithAttention);
    assert_eq!(device.acknowledge(Source::Io), Ok(1));
    assert_eq!(scsw(&mut device), "00c04017 00001010 8c000000");
}

#[test]
fn odd_data() {
    let mut device = disturbed(InterruptFault::Replaced([0xa5; 96]));
    assert_eq!(device.read_irb(), Ok([0xa5; 96]));
    device.interrupt([0x5a; 96]);
    assert_eq!(device.acknowledge(Source::Io), Ok(2));
    assert_eq!(device.read_irb(), Ok([0x5a; 96]));
    device.show_schib(Some(RawSchib([0xff; 52])));
    assert_eq!(device.read_schib(), Ok(RawSchib([0xff; 52])));
    device.show_schib(None);
    assert_eq!(words(&device.read_schib().unwrap().0[4..8]), "00810000");
}

/// A device inside that keeps its status is asked until it has no more.
#[test]
fn no_interrupt_is_missed() {
    let mut device = injector(SoftConfig {
        unread: Unread::Kept,
        ..SoftConfig::default()
    });
    device.disturb(2, InterruptFault::Lost);
    device.with(|soft| {
        soft.start(&orb(0x80), &START).unwrap();
        attention(soft);
    });
    assert_eq!(device.acknowledge(Source::Io), Ok(1));
    assert_eq!(scsw(&mut device), ENDED);
    assert_eq!(
        device.start(&orb(0x80), &START),
        Ok(()),
        "nobody waits for it"
    );
}

#[test]
fn as_many_signals_as_the_device_inside_gave() {
    let mut device = injector(SoftConfig::default());
    device.with(|soft| {
        soft.start(&orb(0x80), &START).unwrap();
        attention(soft);
    });
    assert_eq!(device.acknowledge(Source::Io), Ok(2));
    assert_eq!(scsw(&mut device), ATTENTION);
}

#[test]
fn lost_paths() {
    let mut config = SoftConfig::default();
    (config.pmcw.pim, config.pmcw.pam, config.pmcw.lpm) = (0xe0, 0xe0, 0xe0);
    config.pmcw.chpid = [0x21, 0x22, 0x23, 0, 0, 0, 0, 0];
    let mut device = injector(config);
    device.lose_paths(0x4f);
    assert_eq!(device.acknowledge(Source::Crw), Ok(1));
    assert_eq!(device.read_crw(), Ok(Some(RawCrw(0x0406_0022))));
    assert_eq!(device.read_crw(), Ok(None));
    assert_eq!(
        words(&device.read_schib().unwrap().0[8..16]),
        "a00000e0 0000ffa0"
    );
    let refused = device.start(&orb(0x40), &START);
    assert_eq!(refused, Err(errno(Errno::EACCES)));
    assert_eq!(device.start(&orb(0xc0), &START), Ok(()));

    device.lose_paths(0xff);
    assert_eq!(device.acknowledge(Source::Crw), Ok(2));
    assert_eq!(device.read_crw(), Ok(Some(RawCrw(0x0406_0021))));
    assert_eq!(device.acknowledge(Source::Crw), Ok(1), "there are more");
    assert_eq!(device.read_crw(), Ok(Some(RawCrw(0x0406_0023))));
    for lpm in [0, 0x80, 0xe0] {
        let refused = device.start(&orb(lpm), &START);
        assert_eq!(refused, Err(errno(Errno::ENODEV)), "{lpm:x}");
    }
    device.restore_paths(0x20);
    assert_eq!(device.read_crw(), Ok(Some(RawCrw(0x0402_0023))));
    assert_eq!(device.start(&orb(0), &START), Ok(()));
}

#[test]
fn unplugged() {
    let mut device = disturbed(InterruptFault::Late);
    device.request();
    device.unplug();
    assert_eq!(device.acknowledge(Source::Request), Ok(2));
    device.release();
    device.with(attention);
    assert_eq!(device.acknowledge(Source::Io), Ok(0));
    let expected = |call| match call {
        Call::Start | Call::Halt | Call::Clear => Err(errno(Errno::EIO)),
        Call::ReadSchib => Err(errno(Errno::ENODEV)),
        Call::Reset => Err(errno(Errno::EINVAL)),
        Call::Acknowledge | Call::ReadIrb | Call::ReadCrw => Ok(()),
    };
    for call in Call::ALL {
        assert_eq!(make(call, &mut device), expected(call), "{call:?}");
    }
}
