// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What differs from one software device to the next.

use ccw::Pmcw;

use crate::Capabilities;

/// What becomes of the status of an interrupt when another interrupt follows before it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Unread {
    /// As in the kernel: it is overwritten, and the signals add up.
    #[default]
    Overwritten,
    /// It is kept: the next interrupt waits until the IRB of the one before was read.
    Kept,
}

/// The settings of a [`SoftDevice`](super::SoftDevice).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SoftConfig {
    /// The channel. Its paths are taken from `pmcw`.
    pub channel: css::Config,
    /// The subchannel as it is at first: device number, paths, path ids.
    pub pmcw: Pmcw,
    /// Steps (commands with their data chains) that a request does before it returns. With 0 only
    /// [`SoftDevice::run`](super::SoftDevice::run) does any.
    pub steps: u32,
    /// What becomes of status that was not read in time.
    pub unread: Unread,
    /// What the device can do; the rest is answered as by a kernel that lacks it.
    pub capabilities: Capabilities,
}

impl Default for SoftConfig {
    /// A device with one path that can do everything, and does it at once.
    fn default() -> Self {
        Self {
            channel: css::Config::default(),
            pmcw: Pmcw {
                enabled: true,
                device_number: Some(0),
                lpm: 0x80,
                pim: 0x80,
                pom: 0xff,
                pam: 0x80,
                concurrent_sense: true,
                ..Pmcw::default()
            },
            steps: 100_000,
            unread: Unread::Overwritten,
            capabilities: Capabilities {
                async_command: true,
                schib: true,
                crw: true,
                request: true,
                reset: true,
            },
        }
    }
}
