// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Devices that are not what they must be, and devices that lack something.

use std::sync::Arc;

use super::{WAYS, Way, call, error_of, open, opener};
use crate::device::kernel::capability::BadChain;
use crate::device::kernel::{KernelDevice, KernelOpener, OpenError};
use crate::sys::fake::{Fake, Model, Region};
use crate::{Capabilities, CcwDevice, DeviceError, Errno, Source};

/// What becomes of opening a device that is so.
fn opened(
    way: Way,
    change: impl FnOnce(&mut Model),
) -> (Arc<Fake>, Result<KernelDevice, OpenError>) {
    let fake = Arc::new(Fake::new());
    change(&mut fake.state().device);
    let result = open(&fake, opener(&fake, way));
    (fake, result)
}

fn refused(way: Way, change: impl FnOnce(&mut Model)) -> OpenError {
    let (fake, result) = opened(way, change);
    let error = error_of(result);
    assert_eq!(fake.state().files.len(), 0, "{error}");
    error
}

#[test]
fn containers_and_groups() {
    let error = refused(Way::Group, |model| model.api = 1);
    assert_eq!(error, OpenError::ApiVersion(1));
    let error = refused(Way::Group, |model| model.type1v2 = 0);
    assert_eq!(error, OpenError::NoType1v2);
    let error = refused(Way::Group, |model| model.group_flags = 2);
    assert_eq!(error, OpenError::NotViable);
    let fake = Arc::new(Fake::new());
    let error = error_of(open(&fake, KernelOpener::group("/dev/vfio/9", "a\0b")));
    assert_eq!((error, fake.state().log.len()), (OpenError::Name, 0));
}

#[test]
fn devices_of_another_kind() {
    for way in WAYS {
        let error = refused(way, |model| model.flags = 0x3);
        assert_eq!(error, OpenError::NotCcw { flags: 3 });
        let error = refused(way, |model| model.regions.clear());
        assert_eq!(error, OpenError::NoIoRegion);
        let error = refused(way, |model| model.argsz = 15);
        let what = "VFIO_DEVICE_GET_INFO";
        assert_eq!(error, OpenError::Answer { what, argsz: 15 });
        let error = refused(way, |model| model.regions[0].argsz = 24);
        let what = "VFIO_DEVICE_GET_REGION_INFO";
        assert_eq!(error, OpenError::Answer { what, argsz: 24 });
    }
}

#[test]
fn regions_of_another_size() {
    let rows = [
        (0, "I/O", 124),
        (1, "async", 8),
        (2, "SCHIB", 52),
        (3, "CRW", 8),
    ];
    for (index, region, wanted) in rows {
        for found in [wanted - 1, wanted + 1] {
            let error = refused(Way::Cdev, |model| model.regions[index].size = found);
            let expected = OpenError::RegionSize {
                region,
                wanted,
                found,
            };
            assert_eq!(error, expected);
        }
    }
}

#[test]
fn regions_that_cannot_be_used() {
    let rows = [
        (0, "I/O", 0b0001),
        (1, "async", 0b1010),
        (2, "SCHIB", 0b1010),
        (3, "CRW", 0b1000),
    ];
    for (index, region, flags) in rows {
        let error = refused(Way::Cdev, |model| model.regions[index].flags = flags);
        assert_eq!(error, OpenError::RegionFlags { region, flags });
    }
}

#[test]
fn capabilities_that_cannot_be_read() {
    // The type lies at 64 and has 16 bytes.
    let error = refused(Way::Cdev, |model| model.regions[2].argsz = 79);
    let expected = OpenError::Capabilities {
        index: 2,
        why: BadChain::Outside(64),
    };
    assert_eq!(error, expected);
    // There are more than there is room for.
    let error = refused(Way::Cdev, |model| model.regions[1].argsz = 513);
    let expected = OpenError::Capabilities {
        index: 1,
        why: BadChain::Outside(513),
    };
    assert_eq!(error, expected);
}

#[test]
fn regions_are_known_by_type_wherever_they_stand() {
    let (fake, device) = opened(Way::Cdev, |model| {
        let [io, commands, schib, crw] = model.regions[..] else {
            panic!("four regions")
        };
        let strange = Region::new((9, 1), 77, 0b1011);
        let later = Region::new((2, 99), 5, 0b1011);
        let untyped = Region::new((2, 1), 5, 0b0011);
        model.regions = vec![io, strange, crw, untyped, schib, later, commands, schib];
    });
    let mut device = device.unwrap();
    fake.forget();
    device.read_schib().unwrap();
    device.read_crw().unwrap();
    device.async_command(crate::AsyncCommand::Halt).unwrap();
    let expected = [
        "pread /dev/vfio/devices/vfio0 52 at 0x1000",
        "pread /dev/vfio/devices/vfio0 8 at 0x800",
        "pwrite /dev/vfio/devices/vfio0 8 at 0x1800",
    ];
    assert_eq!(fake.state().log, expected);
}

#[test]
fn a_device_with_nothing_but_its_io_region() {
    let (fake, device) = opened(Way::Group, |model| {
        model.flags = 0x10;
        model.regions.truncate(1);
        model.irqs.truncate(1);
    });
    let mut device = device.unwrap();
    fake.forget();
    assert_eq!(device.capabilities(), Capabilities::default());
    let lacks = DeviceError::Errno(Errno::EOPNOTSUPP);
    assert_eq!(device.read_schib(), Err(lacks));
    assert_eq!(device.reset(), Err(lacks));
    let halt = device.async_command(crate::AsyncCommand::Halt);
    assert_eq!(halt, Err(lacks));
    assert_eq!(device.read_crw(), Ok(None));
    for source in [Source::Crw, Source::Request] {
        assert!(device.event_fd(source).is_none());
        assert_eq!(device.acknowledge(source), Ok(0));
    }
    assert!(fake.state().log.is_empty(), "the kernel is not asked");
}

#[test]
fn interrupts() {
    for irqs in [vec![], vec![(0, 1)], vec![(1, 0)]] {
        let error = refused(Way::Group, |model| model.irqs = irqs);
        assert_eq!(error, OpenError::NoIoInterrupt);
    }
    // Others may be missing: the region of reports can be read all the same.
    let (_, device) = opened(Way::Cdev, |model| model.irqs = vec![(1, 1), (0, 1), (1, 0)]);
    let device = device.unwrap();
    assert!(device.event_fd(Source::Crw).is_none());
    assert!(device.capabilities().crw);
    assert!(!device.capabilities().request);
}

#[test]
fn the_failing_step_is_named() {
    let fake = Arc::new(Fake::new());
    fake.state().fail = Some((1, Errno::EACCES));
    let error = error_of(open(&fake, KernelOpener::cdev("/dev/vfio/devices/vfio0")));
    assert_eq!(error, call("open /dev/vfio/devices/vfio0", Errno::EACCES));
    assert_eq!(error.to_string(), "open /dev/vfio/devices/vfio0: EACCES");
    fake.state().fail = Some((5, Errno::EBUSY));
    let error = error_of(open(&fake, KernelOpener::cdev("/dev/vfio/devices/vfio0")));
    assert_eq!(
        error.to_string(),
        "VFIO_DEVICE_BIND_IOMMUFD: EBUSY: somebody else has it"
    );
}
