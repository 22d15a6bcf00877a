// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Handing a device of this machine to vfio-ccw, by `/sys`.

use std::fs;
use std::io;
use std::path::Path;

use vfio_ccw::device::kernel::find::{self, Files};

/// A mediated device.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    /// Its UUID.
    pub(crate) uuid: String,
    /// Its files.
    pub(crate) files: Files,
}

/// Gives the subchannel of the device with this number (such as 0120) to vfio-ccw, if it has not been
/// given yet.
pub(crate) fn bind(number: &str) -> io::Result<Bound> {
    let uuid = format!("c0c0c0c0-0000-4000-8000-00000000{number}");
    if !Path::new("/sys/bus/mdev/devices").join(&uuid).exists() {
        give(number, &uuid)?;
    }
    let files = find::files(&uuid)?;
    Ok(Bound { uuid, files })
}

fn give(number: &str, uuid: &str) -> io::Result<()> {
    let device = Path::new("/sys/bus/ccw/devices").join(format!("0.0.{number}"));
    let device = fs::canonicalize(device)?;
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    let subchannel = device.parent().ok_or_else(missing)?;
    let bus_id = name(subchannel).ok_or_else(missing)?;
    fs::write(subchannel.join("driver_override"), "vfio_ccw")?;
    fs::write(subchannel.join("driver/unbind"), &bus_id)?;
    fs::write("/sys/bus/css/drivers/vfio_ccw/bind", &bus_id)?;
    let create = subchannel.join("mdev_supported_types/vfio_ccw-io/create");
    fs::write(create, uuid)
}

fn name(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_str()?.to_owned())
}
