// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Why a device of the kernel's cannot be opened, and what would have to be done.

use vfio_ccw::Errno;
use vfio_ccw::device::kernel::OpenError;

use super::{Target, at};
use crate::input::InputError;

/// How a device becomes one that can be opened.
const SET_UP: &str = "to have one, give the subchannel to the driver vfio_ccw and write a UUID to \
                      its mdev_supported_types/vfio_ccw-io/create";

/// `error` with the file that it is about, its cause, and a way out if one is known.
pub(super) fn explain(error: &OpenError, target: &Target) -> InputError {
    let (file, mut reason) = match error {
        OpenError::Call { what, errno } => call(what, *errno, target),
        OpenError::InUse { what, .. } => match what.strip_prefix("open ") {
            Some(path) => (Some(path), "busy: another process has it open".to_owned()),
            None => (None, "busy: another process uses the device".to_owned()),
        },
        OpenError::NotCcw { .. } => (None, format!("{error}; {SET_UP}")),
        OpenError::NotViable => (
            None,
            "the group also has devices that a driver of the host works with; give these to vfio too"
                .to_owned(),
        ),
        OpenError::NoType1v2 => (
            Some("/dev/vfio/vfio"),
            "has no TYPE1v2 IOMMU: load vfio_iommu_type1".to_owned(),
        ),
        OpenError::NoIoRegion
        | OpenError::NoIoInterrupt
        | OpenError::RegionSize { .. }
        | OpenError::RegionFlags { .. }
        | OpenError::Capabilities { .. } => {
            (None, format!("not the vfio-ccw that is known here: {error}"))
        }
        _ => (None, error.to_string()),
    };
    if cfg!(not(target_arch = "s390x")) {
        reason.push_str(
            "; and this is no s390, so its kernel has no vfio-ccw: --soft works anywhere",
        );
    }
    match file {
        Some(file) => at(file.to_owned(), reason),
        None => target.trouble(reason),
    }
}

/// The system call `what` failed: the file, if it is not the device's own, and the reason.
fn call<'a>(what: &'a str, errno: Errno, target: &Target) -> (Option<&'a str>, String) {
    if let Some(path) = what.strip_prefix("open ") {
        return (Some(path), opening(path, errno));
    }
    // What is no file of VFIO's does not know its requests.
    let unknown = matches!(errno, Errno::ENOTTY | Errno::ENOSYS);
    let reason = match (what, errno) {
        ("VFIO_GROUP_GET_STATUS", _) if unknown => format!("is no group of VFIO's; {SET_UP}"),
        ("VFIO_DEVICE_BIND_IOMMUFD", _) if unknown => format!("is no device of VFIO's; {SET_UP}"),
        ("VFIO_GROUP_GET_DEVICE_FD", Errno::ENODEV) => {
            let uuid = target.uuid.as_deref().unwrap_or_default();
            format!(
                "the group has no device {uuid}; /sys/bus/mdev/devices/UUID/iommu_group says which \
                 group a device is in"
            )
        }
        _ => format!("{what}: {errno}"),
    };
    (None, reason)
}

fn opening(path: &str, errno: Errno) -> String {
    match (path, errno) {
        ("/dev/vfio/vfio", Errno::ENOENT | Errno::ENODEV) => {
            "no such file: load vfio_iommu_type1, or use --cdev".to_owned()
        }
        ("/dev/iommu", Errno::ENOENT | Errno::ENODEV) => {
            "no such file: load iommufd, or use --group".to_owned()
        }
        (_, Errno::ENOENT | Errno::ENODEV | Errno::ENXIO) => format!("no such device; {SET_UP}"),
        (_, Errno::EACCES | Errno::EPERM) => {
            "permission denied: it must be open to this user for reading and writing".to_owned()
        }
        _ => format!("cannot be opened: {}", std::io::Error::from(errno)),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        target: Target,
    }

    fn told(error: &OpenError) -> String {
        let line = ["", "--group", "/dev/vfio/9", "--uuid", "c0c0"];
        explain(error, &Line::parse_from(line).target).to_string()
    }

    #[test]
    fn every_cause_has_its_file_and_its_words() {
        let call = |what: &str, errno| {
            told(&OpenError::Call {
                what: what.to_owned(),
                errno,
            })
        };
        let in_use = |what: &str| {
            told(&OpenError::InUse {
                what: what.to_owned(),
                errno: Errno::EBUSY,
            })
        };
        let group = "open /dev/vfio/9";
        for (text, begins) in [
            (
                call(group, Errno::ENOENT),
                "/dev/vfio/9: no such device; to have one, give",
            ),
            (
                call(group, Errno::EACCES),
                "/dev/vfio/9: permission denied: ",
            ),
            (
                in_use(group),
                "/dev/vfio/9: busy: another process has it open",
            ),
            (
                call(group, Errno::EMFILE),
                "/dev/vfio/9: cannot be opened: ",
            ),
            (
                call("open /dev/vfio/vfio", Errno::ENOENT),
                "/dev/vfio/vfio: no such file: load",
            ),
            (
                call("open /dev/vfio/vfio", Errno::EPERM),
                "/dev/vfio/vfio: permission denied: ",
            ),
            (
                call("open /dev/iommu", Errno::ENOENT),
                "/dev/iommu: no such file: load iommufd",
            ),
            (
                call("VFIO_GROUP_GET_STATUS", Errno::ENOTTY),
                "/dev/vfio/9: is no group of VFIO's; ",
            ),
            (
                call("VFIO_DEVICE_BIND_IOMMUFD", Errno::ENOTTY),
                "/dev/vfio/9: is no device of VFIO's; ",
            ),
            (
                in_use("VFIO_DEVICE_BIND_IOMMUFD"),
                "/dev/vfio/9: busy: another process uses the device",
            ),
            (
                call("VFIO_GROUP_GET_DEVICE_FD", Errno::ENODEV),
                "/dev/vfio/9: the group has no device c0c0; /sys/bus/mdev/",
            ),
            (
                call("VFIO_SET_IOMMU", Errno::EPERM),
                "/dev/vfio/9: VFIO_SET_IOMMU: EPERM",
            ),
            (
                told(&OpenError::NotCcw { flags: 2 }),
                "/dev/vfio/9: not a vfio-ccw device: device flags 0x2; to have one, give",
            ),
            (
                told(&OpenError::NotViable),
                "/dev/vfio/9: the group also has devices that ",
            ),
            (
                told(&OpenError::NoType1v2),
                "/dev/vfio/vfio: has no TYPE1v2 IOMMU: load ",
            ),
            (
                told(&OpenError::NoIoRegion),
                "/dev/vfio/9: not the vfio-ccw that is known here: the device has no I/O region",
            ),
        ] {
            assert!(text.starts_with(begins), "{text}");
            let elsewhere = text.ends_with("--soft works anywhere");
            assert_eq!(elsewhere, cfg!(not(target_arch = "s390x")), "{text}");
        }
    }
}
