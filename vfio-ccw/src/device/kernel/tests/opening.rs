// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The order of opening and closing, and a fault at every step of it.

use std::sync::Arc;

use super::{WAYS, Way, device, error_of, open, opener};
use crate::device::kernel::{KernelOpener, KernelSpace, OpenError};
use crate::sys::Sys;
use crate::sys::fake::Fake;
use crate::{Access, CcwDevice, DmaSpace, Errno, HostMemory, Source};

const GROUP: [&str; 23] = [
    "open /dev/vfio/vfio",
    "API_VERSION /dev/vfio/vfio",
    "open /dev/vfio/9",
    "GROUP_STATUS /dev/vfio/9",
    "KVM_ADD /dev/vfio/9 kvm",
    "SET_CONTAINER /dev/vfio/9",
    "CHECK_EXTENSION 3 /dev/vfio/vfio",
    "SET_IOMMU 3 /dev/vfio/vfio",
    "open uuid",
    "DEVICE_INFO uuid",
    "REGION_INFO 0 uuid",
    "REGION_INFO 1 uuid",
    "REGION_INFO 2 uuid",
    "REGION_INFO 3 uuid",
    "IRQ_INFO 0 uuid",
    "open eventfd",
    "SET_IRQS 0 uuid",
    "IRQ_INFO 1 uuid",
    "open eventfd",
    "SET_IRQS 1 uuid",
    "IRQ_INFO 2 uuid",
    "open eventfd",
    "SET_IRQS 2 uuid",
];

const CDEV: [&str; 20] = [
    "open /dev/vfio/devices/vfio0",
    "KVM_ADD /dev/vfio/devices/vfio0 kvm",
    "open /dev/iommu",
    "IOAS_ALLOC /dev/iommu",
    "BIND /dev/vfio/devices/vfio0",
    "ATTACH_PT 7 /dev/vfio/devices/vfio0",
    "DEVICE_INFO /dev/vfio/devices/vfio0",
    "REGION_INFO 0 /dev/vfio/devices/vfio0",
    "REGION_INFO 1 /dev/vfio/devices/vfio0",
    "REGION_INFO 2 /dev/vfio/devices/vfio0",
    "REGION_INFO 3 /dev/vfio/devices/vfio0",
    "IRQ_INFO 0 /dev/vfio/devices/vfio0",
    "open eventfd",
    "SET_IRQS 0 /dev/vfio/devices/vfio0",
    "IRQ_INFO 1 /dev/vfio/devices/vfio0",
    "open eventfd",
    "SET_IRQS 1 /dev/vfio/devices/vfio0",
    "IRQ_INFO 2 /dev/vfio/devices/vfio0",
    "open eventfd",
    "SET_IRQS 2 /dev/vfio/devices/vfio0",
];

fn steps(way: Way) -> &'static [&'static str] {
    match way {
        Way::Group => &GROUP,
        Way::Cdev => &CDEV,
    }
}

/// What undoes a step; nothing does if it only asked.
fn undone(step: &str) -> Option<String> {
    let pairs = [
        ("open ", "close "),
        ("KVM_ADD ", "KVM_DEL "),
        ("SET_CONTAINER ", "UNSET_CONTAINER "),
        ("IOAS_ALLOC ", "DESTROY "),
        ("ATTACH_PT ", "DETACH_PT "),
        ("SET_IRQS ", "UNSET_IRQS "),
        ("map ", "unmap "),
    ];
    pairs
        .iter()
        .find_map(|(done, undone)| Some(format!("{undone}{}", step.strip_prefix(done)?)))
}

fn reverse<S: AsRef<str>>(steps: &[S]) -> Vec<String> {
    let steps = steps.iter().rev();
    steps.filter_map(|step| undone(step.as_ref())).collect()
}

/// The log but for the file that was handed in, which is closed right after its last use.
fn log(fake: &Fake) -> Vec<String> {
    let state = fake.state();
    let log = state.log.iter().filter(|what| *what != "close kvm");
    log.cloned().collect()
}

#[test]
fn every_step_and_back() {
    for way in WAYS {
        let fake = Arc::new(Fake::new());
        let device = open(&fake, opener(&fake, way)).unwrap();
        assert_eq!(log(&fake), steps(way));
        let everything = device.capabilities();
        assert!(everything.async_command && everything.schib && everything.crw);
        assert!(everything.request && everything.reset);
        fake.forget();
        drop(device);
        assert_eq!(log(&fake), reverse(steps(way)), "{way:?}");
        assert_eq!(fake.state().files.len(), 0, "nothing stays open");
    }
}

#[test]
fn a_fault_at_every_step_undoes_those_before() {
    for way in WAYS {
        let steps = steps(way);
        for failing in 0..steps.len() {
            let fake = Arc::new(Fake::new());
            let opener = opener(&fake, way);
            fake.state().fail = Some((failing + 1, Errno::EMFILE));
            let error = error_of(open(&fake, opener));
            assert!(
                matches!(&error, OpenError::Call { errno, .. } if *errno == Errno::EMFILE),
                "{way:?} {failing}: {error}"
            );
            let done = steps[..failing].iter().map(|step| (*step).to_owned());
            let expected: Vec<_> = done.chain(reverse(&steps[..failing])).collect();
            assert_eq!(log(&fake), expected, "{way:?}, fault at {}", steps[failing]);
            assert_eq!(fake.state().files.len(), 0, "{way:?} {failing}");
        }
    }
}

/// The kernel has several words for it: a group opens once, and has one container; a device is bound
/// once.
#[test]
fn what_somebody_else_has() {
    for (way, step, errno, in_use) in [
        (Way::Group, "open /dev/vfio/9", Errno::EBUSY, true),
        (Way::Group, "open /dev/vfio/9", Errno::EINVAL, false),
        (Way::Group, "SET_CONTAINER", Errno::EBUSY, true),
        (Way::Group, "SET_CONTAINER", Errno::EINVAL, true),
        (Way::Group, "SET_CONTAINER", Errno::EPERM, false),
        (Way::Group, "SET_IOMMU", Errno::EBUSY, false),
        (Way::Cdev, "open /dev/vfio/devices", Errno::EBUSY, true),
        (Way::Cdev, "BIND", Errno::EBUSY, true),
        (Way::Cdev, "BIND", Errno::EINVAL, true),
        (Way::Cdev, "BIND", Errno::ENOMEM, false),
        (Way::Cdev, "ATTACH_PT", Errno::EBUSY, false),
    ] {
        let fake = Arc::new(Fake::new());
        let opener = opener(&fake, way);
        let steps = steps(way).iter();
        let nth = steps.take_while(|at| !at.starts_with(step)).count() + 1;
        fake.state().fail = Some((nth, errno));
        let error = error_of(open(&fake, opener));
        let found = matches!(error, OpenError::InUse { errno: found, .. } if found == errno);
        assert_eq!(found, in_use, "{step} {errno}: {error}");
    }
}

/// KVM knows the device before it is bound, and until it is closed. With a group that is the
/// closing of the device; a device with a file of its own is closed by closing that file, by which
/// KVM knows it.
#[test]
fn kvm_knows_the_device_as_long_as_it_is_bound() {
    for (way, bound, closed) in [
        (Way::Group, "open uuid", "close uuid"),
        (
            Way::Cdev,
            "BIND /dev/vfio/devices/vfio0",
            "DETACH_PT 7 /dev/vfio/devices/vfio0",
        ),
    ] {
        let fake = Arc::new(Fake::new());
        drop(open(&fake, opener(&fake, way)).unwrap());
        let state = fake.state();
        let at = |what: &str| state.log.iter().position(|step| step.starts_with(what));
        let order =
            ["KVM_ADD", bound, closed, "KVM_DEL", "close kvm"].map(|step| at(step).unwrap());
        assert!(order.is_sorted(), "{way:?} {order:?}");
    }
}

#[test]
fn what_is_mapped_goes_before_the_address_space() {
    for (way, file, left) in [
        (Way::Group, "/dev/vfio/vfio", "UNSET_CONTAINER /dev/vfio/9"),
        (Way::Cdev, "/dev/iommu", "DESTROY /dev/iommu"),
    ] {
        let (fake, device) = device(way);
        let mut space = device.space().mappings().unwrap();
        for iova in [0x4000_0000, 0x1000] {
            let memory = HostMemory::anonymous(0x2000).unwrap();
            space.map(iova, &memory, Access::Store).unwrap();
        }
        drop(space);
        let mapped = [
            format!("map 0x40000000 0x2000 {file}"),
            format!("map 0x1000 0x2000 {file}"),
        ];
        assert_eq!(log(&fake), mapped);
        fake.forget();
        drop(device);
        let log = log(&fake);
        let unmap = log.iter().position(|step| step.starts_with("unmap"));
        let unmap = unmap.unwrap();
        assert_eq!(log[unmap..unmap + 2], reverse(&mapped));
        assert_eq!(log[unmap + 2], left);
    }
}

#[test]
fn an_address_space_outlives_its_device() {
    let (fake, device) = device(Way::Cdev);
    let mut space = device.space().mappings().unwrap();
    drop(device);
    fake.forget();
    let memory = HostMemory::anonymous(0x1000).unwrap();
    space.map(0, &memory, Access::Store).unwrap();
    drop(space);
    let expected = [
        "map 0x0 0x1000 /dev/iommu",
        "unmap 0x0 0x1000 /dev/iommu",
        "DESTROY /dev/iommu",
        "close /dev/iommu",
    ];
    assert_eq!(log(&fake), expected);
}

#[test]
fn two_devices_in_one_container() {
    let (fake, first) = device(Way::Group);
    let other = KernelOpener::group("/dev/vfio/8", "other").space(first.space().clone());
    let second = open(&fake, other).unwrap();
    let done = log(&fake);
    assert_eq!(
        done[..4],
        [
            "open /dev/vfio/8",
            "GROUP_STATUS /dev/vfio/8",
            "SET_CONTAINER /dev/vfio/8",
            "open other"
        ],
        "the container is open, and has its IOMMU"
    );
    let memory = HostMemory::anonymous(0x1000).unwrap();
    let mut space = second.space().mappings().unwrap();
    space.map(0, &memory, Access::Store).unwrap();
    fake.forget();
    drop(first);
    assert!(!log(&fake).iter().any(|step| step.starts_with("unmap")));
    fake.forget();
    drop(second);
    let unmap = "unmap 0x0 0x1000 /dev/vfio/vfio".to_owned();
    assert!(log(&fake).contains(&unmap), "with the last device");
    fake.forget();
    drop(space);
    assert_eq!(log(&fake), ["close /dev/vfio/vfio"]);
}

#[test]
fn files_that_were_handed_in() {
    let fake = Arc::new(Fake::new());
    let sys: Arc<dyn Sys> = fake.clone();
    let space = KernelSpace::new_container(&sys, fake.file("container").into()).unwrap();
    let group = KernelOpener::group(fake.file("group"), "uuid").space(space);
    drop(open(&fake, group).unwrap());
    let space = KernelSpace::new_iommufd(&sys, fake.file("iommufd").into()).unwrap();
    let cdev = KernelOpener::cdev(fake.file("cdev")).space(space);
    drop(open(&fake, cdev).unwrap());
    let log = log(&fake);
    let opened: Vec<_> = log.iter().filter(|step| step.starts_with("open")).collect();
    let events = ["open eventfd"; 3];
    assert_eq!(opened, [&["open uuid"][..], &events, &events].concat());
    assert_eq!(fake.state().files.len(), 0);
}

#[test]
fn a_device_that_is_open_already() {
    let fake = Arc::new(Fake::new());
    let sys: Arc<dyn Sys> = fake.clone();
    let space = KernelSpace::new_iommufd(&sys, fake.file("iommufd").into()).unwrap();
    fake.forget();
    let device = open(&fake, KernelOpener::opened(fake.file("device"), space)).unwrap();
    assert_eq!(fake.state().log[0], "DEVICE_INFO device");
    assert!(device.event_fd(Source::Io).is_some());
    fake.forget();
    drop(device);
    let expected = [
        "UNSET_IRQS 2 device",
        "close eventfd",
        "UNSET_IRQS 1 device",
        "close eventfd",
        "UNSET_IRQS 0 device",
        "close eventfd",
        "DESTROY iommufd",
        "close iommufd",
        "close device",
    ];
    assert_eq!(log(&fake), expected);
}

#[test]
fn an_address_space_of_the_other_kind() {
    for (way, other, wanted) in [
        (Way::Group, Way::Cdev, "a container"),
        (Way::Cdev, Way::Group, "an iommufd"),
    ] {
        let (fake, device) = device(other);
        let opener = opener(&fake, way).space(device.space().clone());
        let error = error_of(open(&fake, opener));
        assert_eq!(error, OpenError::OtherSpace { wanted });
    }
}
