// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The option that names implementations.

use clap::ValueEnum;
use translator::HostProfile;

use super::Implementation;

/// Whose treatment of a program is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// The channel of `run`: what keeps it from carrying the program out
    Software,
    /// Linux 6.12 and 7.2: what keeps `submit` from carrying it out there, and what the kernel does with it
    /// as it is
    VfioCcw,
    /// The same kernel interface in Linux 7.1, with the program as it is
    #[value(name = "vfio-ccw-7.1")]
    VfioCcw71,
    /// QEMU's virtual channel
    Qemu,
    /// SDL Hercules Hyperion
    Hyperion,
    /// What every implementation does with it, side by side
    All,
}

impl Profile {
    /// The host of this project's own translation.
    pub(crate) const fn host(self) -> Option<HostProfile> {
        match self {
            Self::Software => Some(HostProfile::SOFTWARE),
            Self::VfioCcw => Some(HostProfile::VFIO_CCW),
            _ => None,
        }
    }

    /// The implementations that are given the program as it is.
    pub(crate) const fn implementations(self) -> &'static [Implementation] {
        match self {
            Self::Software => &[],
            Self::VfioCcw => &[Implementation::VfioCcw],
            Self::VfioCcw71 => &[Implementation::VfioCcw71],
            Self::Qemu => &[Implementation::Qemu],
            Self::Hyperion => &[Implementation::Hyperion],
            Self::All => &Implementation::ALL,
        }
    }
}
