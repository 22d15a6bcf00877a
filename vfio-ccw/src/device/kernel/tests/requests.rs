// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The requests of an open device: one call each, and its errno as it is.

use std::collections::BTreeSet;

use ccw::{RawCrw, RawScsw};

use super::{WAYS, Way, device};
use crate::device::kernel::{IOCTLS_CLOSE, IOCTLS_RUN, KernelDevice, SYSCALLS_CLOSE, SYSCALLS_RUN};
use crate::sys::fake::Fake;
use crate::{Access, AsyncCommand, CcwDevice, DeviceError, DmaSpace, Errno, HostMemory, Source};

const ORB: [u8; 12] = [0, 0, 0, 1, 0, 0xc2, 0x80, 0, 0x40, 0, 0, 0];
const START: RawScsw = RawScsw([0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

fn start(device: &mut KernelDevice) -> Result<(), DeviceError> {
    device.start(&ORB, &START)
}

fn answers(fake: &Fake, answers: &[Result<usize, Errno>]) {
    fake.state().answers.extend(answers);
    fake.forget();
}

#[test]
fn a_start_is_one_write_in_front_of_the_last_status() {
    let (fake, mut device) = device(Way::Group);
    start(&mut device).unwrap();
    assert_eq!(fake.state().log, ["pwrite uuid 24 at 0x0"]);
    let mut expected = [0; 24];
    expected[..12].copy_from_slice(&ORB);
    expected[14] = 0x40;
    assert_eq!(fake.state().written, [(0, expected.to_vec())]);
}

#[test]
fn halt_and_clear() {
    let (fake, mut device) = device(Way::Group);
    device.async_command(AsyncCommand::Halt).unwrap();
    device.async_command(AsyncCommand::Clear).unwrap();
    let command = |code: u32| [code.to_ne_bytes(), [0; 4]].concat();
    let expected = [(0x400, command(1)), (0x400, command(2))];
    assert_eq!(fake.state().written, expected);
}

#[test]
fn every_errno_comes_through_at_the_first_try() {
    let errnos = [
        Errno::EBUSY,
        Errno::ENODEV,
        Errno::EACCES,
        Errno::EAGAIN,
        Errno::EINVAL,
        Errno::ENOENT,
        Errno::EFAULT,
        Errno::EOPNOTSUPP,
        Errno::ENOMEM,
        Errno::EIO,
        Errno(4095),
    ];
    for errno in errnos {
        let (fake, mut device) = device(Way::Cdev);
        answers(&fake, &[Err(errno); 5]);
        let expected = Err(DeviceError::Errno(errno));
        assert_eq!(start(&mut device), expected);
        assert_eq!(device.async_command(AsyncCommand::Halt), expected);
        assert_eq!(device.read_irb().map(drop), expected);
        assert_eq!(device.read_schib().map(drop), expected);
        assert_eq!(device.read_crw().map(drop), expected);
        assert_eq!(fake.state().log.len(), 5, "{errno}");
    }
}

#[test]
fn a_short_transfer_is_an_error_of_its_own() {
    let (fake, mut device) = device(Way::Cdev);
    answers(&fake, &[Ok(12), Ok(4), Ok(123), Ok(0), Ok(7)]);
    let short = |done, wanted| Err(DeviceError::Short { done, wanted });
    assert_eq!(start(&mut device), short(12, 24));
    assert_eq!(device.async_command(AsyncCommand::Clear), short(4, 8));
    assert_eq!(device.read_irb().map(drop), short(123, 124));
    assert_eq!(device.read_schib().map(drop), short(0, 52));
    assert_eq!(device.read_crw().map(drop), short(7, 8));
    assert_eq!(fake.state().log.len(), 5, "nothing is written again");
}

#[test]
fn an_interrupted_call_is_made_again_but_not_for_ever() {
    let (fake, mut device) = device(Way::Cdev);
    answers(&fake, &[Err(Errno::EINTR), Err(Errno::EINTR), Ok(24)]);
    assert_eq!(start(&mut device), Ok(()));
    assert_eq!(fake.state().log.len(), 3);
    answers(&fake, &[Err(Errno::EINTR); 100]);
    assert_eq!(start(&mut device), Err(Errno::EINTR.into()));
    assert_eq!(fake.state().log.len(), 16);
}

#[test]
fn what_is_read() {
    let (fake, mut device) = device(Way::Group);
    fake.state().content = (0..124).collect();
    let irb = device.read_irb().unwrap();
    assert_eq!((irb[0], irb[63], irb[64], irb[95]), (24, 87, 88, 119));
    let schib = device.read_schib().unwrap();
    assert_eq!((schib.0[0], schib.0[51]), (0, 51));
    assert_eq!(device.read_crw(), Ok(Some(RawCrw(0x0001_0203))));
    fake.state().content = vec![0; 8];
    assert_eq!(device.read_crw(), Ok(None));
}

#[test]
fn signals_are_counted() {
    let (fake, mut device) = device(Way::Group);
    answers(
        &fake,
        &[
            Ok(8),
            Err(Errno::EAGAIN),
            Err(Errno::EINTR),
            Err(Errno::EBADF),
        ],
    );
    assert_eq!(device.acknowledge(Source::Io), Ok(3));
    assert_eq!(device.acknowledge(Source::Crw), Ok(0));
    assert_eq!(device.acknowledge(Source::Request), Err(Errno::EBADF));
    assert_eq!(fake.state().log, ["read eventfd"; 4]);
}

#[test]
fn unmapping() {
    for way in WAYS {
        let (fake, device) = device(way);
        let mut space = device.space().mappings().unwrap();
        let memory = HostMemory::anonymous(0x1000).unwrap();
        let owner = memory.clone();
        fake.state().answers.extend([Err(Errno::ENOENT), Ok(0)]);
        space.map(0x1000, &memory, Access::Store).unwrap();
        assert_eq!(space.unmap(0x1000, 0x1000), Err(Errno::ENOENT));
        assert_eq!(
            space.unmap(0x1000, 0x1000),
            Err(Errno::EINVAL),
            "nothing was there"
        );
        assert_eq!(space.unmap(0x1000, 0), Err(Errno::EINVAL));
        assert_eq!(space.unmap(0x1000, u64::MAX), Err(Errno::EINVAL));
        assert_eq!(space.unmap(0x1000, 0x1000), Ok(()));
        fake.forget();
        drop((space, device));
        let state = fake.state();
        assert!(!state.log.iter().any(|step| step.starts_with("unmap")));
        drop(owner);
    }
}

/// Only one can unmap: a window that has the mappings knows of everything that is unmapped.
#[test]
fn the_mappings_are_one_at_a_time() {
    for way in WAYS {
        let (_fake, device) = device(way);
        let space = device.space().clone();
        let mut mappings = space.mappings().unwrap();
        assert_eq!(device.space().mappings().unwrap_err(), Errno::EBUSY);
        drop(mappings);
        mappings = space.mappings().unwrap();
        let memory = HostMemory::anonymous(0x1000).unwrap();
        mappings.map(0x1000, &memory, Access::Store).unwrap();
        drop(mappings);
        let left = space.mappings().unwrap_err();
        assert_eq!(left, Errno::EBUSY, "perhaps a program uses it");
    }
}

#[test]
fn a_mapping_that_failed_is_none() {
    let (fake, device) = device(Way::Cdev);
    let next = fake.state().calls + 1;
    fake.state().fail = Some((next, Errno::EEXIST));
    let memory = HostMemory::anonymous(0x1000).unwrap();
    let mut space = device.space().mappings().unwrap();
    let refused = space.map(0, &memory, Access::Store);
    assert_eq!(refused, Err(Errno::EEXIST));
    drop((space, device));
    assert!(
        !fake
            .state()
            .log
            .iter()
            .any(|step| step.starts_with("unmap"))
    );
}

/// The lists for a filter are what is used: no more, no less.
#[test]
fn system_calls_and_requests() {
    let (mut syscalls, mut ioctls) = (BTreeSet::new(), BTreeSet::new());
    let (mut closing, mut ioctls_closing) = (BTreeSet::new(), BTreeSet::new());
    for way in WAYS {
        let (fake, mut device) = device(way);
        let mut space = device.space().mappings().unwrap();
        let memory = HostMemory::anonymous(0x1000).unwrap();
        space.map(0, &memory, Access::Store).unwrap();
        space.map(0x1000, &memory, Access::Store).unwrap();
        space.unmap(0, 0x1000).unwrap();
        start(&mut device).unwrap();
        device.async_command(AsyncCommand::Halt).unwrap();
        device.read_irb().unwrap();
        device.read_schib().unwrap();
        device.read_crw().unwrap();
        device.acknowledge(Source::Io).unwrap();
        device.reset().unwrap();
        syscalls.extend(fake.state().syscalls.clone());
        ioctls.extend(fake.state().ioctls.clone());
        fake.forget();
        drop((space, device));
        closing.extend(fake.state().syscalls.clone());
        ioctls_closing.extend(fake.state().ioctls.clone());
    }
    assert!(syscalls.iter().eq(SYSCALLS_RUN), "{syscalls:?}");
    assert!(ioctls.iter().eq(IOCTLS_RUN), "{ioctls:x?}");
    // Memory goes back beside the seam.
    closing.insert("munmap");
    assert!(closing.iter().eq(SYSCALLS_CLOSE), "{closing:?}");
    assert!(
        ioctls_closing.iter().eq(IOCTLS_CLOSE),
        "{ioctls_closing:x?}"
    );
}
