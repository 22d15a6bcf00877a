// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A software device with a program at 1000, and ways to look at it.

use ccw::{DeviceStatus, Host, HostAddr, RawScsw};
use css::Ram;
use css::device::scripted::{Response, Scripted};
use vfio_ccw::device::soft::{SoftConfig, SoftDevice};
use vfio_ccw::{CcwDevice, DeviceError, Errno};

pub(crate) type Soft = SoftDevice<Scripted, Ram<Host>>;

pub(crate) const START: RawScsw = RawScsw([0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
pub(crate) const BUSY: Result<(), DeviceError> = Err(DeviceError::Errno(Errno::EBUSY));

/// Words 0-2 of an ORB: format 1, prefetch, format-2 IDAWs, the path mask, program at 1000.
pub(crate) fn orb(lpm: u8) -> [u8; 12] {
    [0, 0, 0, 1, 0, 0xc2, lpm, 0, 0, 0, 0x10, 0]
}

/// NOP, READ of 4 bytes to 2000, at address 1000.
pub(crate) const TWO: [u8; 16] = [3, 0x60, 0, 1, 0, 0, 0, 0, 2, 0x20, 0, 4, 0, 0, 0x20, 0];
/// NOP, TIC *-8: runs for ever.
pub(crate) const ENDLESS: [u8; 16] = [3, 0x60, 0, 1, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0x10, 0];

pub(crate) fn device(program: &[u8], responses: &[Response], config: SoftConfig) -> Soft {
    let mut storage = Ram::new(0x1_0000);
    storage.write(HostAddr::new(0x1000), program);
    let model = Scripted::new(responses.iter().cloned());
    SoftDevice::new(model, storage, config).unwrap()
}

pub(crate) fn two(config: SoftConfig) -> Soft {
    let responses = [Response::immediate(), Response::input(&[1, 2, 3, 4])];
    device(&TWO, &responses, config)
}

/// Work only by [`SoftDevice::run`].
pub(crate) fn stepped() -> SoftConfig {
    SoftConfig {
        steps: 0,
        ..SoftConfig::default()
    }
}

pub(crate) fn attention(device: &mut Soft) {
    device.model_mut().present(DeviceStatus::ATTENTION);
    device.run(10);
}

pub(crate) fn errno(errno: Errno) -> DeviceError {
    errno.into()
}

/// The SCSW of the IRB, in hexadecimal words.
pub(crate) fn scsw(device: &mut impl CcwDevice) -> String {
    words(&device.read_irb().unwrap()[..12])
}

pub(crate) fn words(bytes: &[u8]) -> String {
    let words = bytes.as_chunks::<4>().0.iter();
    let words: Vec<_> = words
        .map(|word| format!("{:08x}", u32::from_be_bytes(*word)))
        .collect();
    words.join(" ")
}
