// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The kernel's device over a kernel that writes down what it is asked.

mod opening;
mod refusals;
mod requests;

use std::sync::Arc;

use super::{KernelDevice, KernelOpener, OpenError};
use crate::Errno;
use crate::sys::Sys;
use crate::sys::fake::Fake;

/// The two ways to open a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Group,
    Cdev,
}

const WAYS: [Way; 2] = [Way::Group, Way::Cdev];

/// An opener with KVM's device, and without an address space.
fn opener(fake: &Fake, way: Way) -> KernelOpener {
    let opener = match way {
        Way::Group => KernelOpener::group("/dev/vfio/9", "uuid"),
        Way::Cdev => KernelOpener::cdev("/dev/vfio/devices/vfio0"),
    };
    opener.kvm(fake.file("kvm"))
}

fn open(fake: &Arc<Fake>, opener: KernelOpener) -> Result<KernelDevice, OpenError> {
    let sys: Arc<dyn Sys> = fake.clone();
    opener.open_by(&sys)
}

/// An open device, and its kernel, which has forgotten how it was opened.
fn device(way: Way) -> (Arc<Fake>, KernelDevice) {
    let fake = Arc::new(Fake::new());
    let device = open(&fake, opener(&fake, way)).unwrap();
    fake.forget();
    (fake, device)
}

fn error_of(result: Result<KernelDevice, OpenError>) -> OpenError {
    result.map(drop).unwrap_err()
}

fn call(what: &str, errno: Errno) -> OpenError {
    let what = what.to_owned();
    OpenError::Call { what, errno }
}
