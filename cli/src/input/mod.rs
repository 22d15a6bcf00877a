// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A channel program as it is given to the tool, whatever it was read from.

mod error;
mod found;
mod recorded;

use std::sync::Arc;

use ccw::{DeviceClass, RawOrb};
use translator::CommandPolicy;

pub(crate) use error::{InputError, Place, Refusal};
pub(crate) use found::{Found, FoundEntry};
pub(crate) use recorded::Recorded;

use crate::memory::Memory;
use crate::source::Sources;

/// A channel program with the storage it lies in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Input {
    /// Its name.
    pub(crate) name: String,
    /// The file that it is in, as that was named.
    pub(crate) file: Arc<str>,
    /// Type of the device, such as `3390`, as the input names it.
    pub(crate) device: String,
    /// What kind of device it is, if the input says that and no type.
    pub(crate) class: DeviceClass,
    /// The 32 bytes that the guest stored as ORB.
    pub(crate) orb: RawOrb,
    /// Where in storage they are, if that is known.
    pub(crate) orb_at: Option<u64>,
    /// Guest storage, as far as it is known.
    pub(crate) memory: Memory,
    /// What the guest may do with the device, if not everything.
    pub(crate) commands: Option<CommandPolicy>,
    /// How it ended when it was recorded.
    pub(crate) recorded: Option<Recorded>,
    /// What the input does not say, and what was taken for granted instead.
    pub(crate) remarks: Vec<String>,
    /// Why it is taken for a program, if it was found in a dump.
    pub(crate) found: Option<Found>,
    /// Where in its file the bytes stand, if its format shows them as digits.
    pub(crate) sources: Sources,
}

impl Input {
    /// What the device's type says about the meaning of commands.
    pub(crate) fn device_class(&self) -> DeviceClass {
        match DeviceClass::from_type(&self.device) {
            DeviceClass::Unknown => self.class,
            class => class,
        }
    }
}
