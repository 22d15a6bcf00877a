// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What of a device is a guest's.

use core::fmt;

use ccw::DeviceClass;

/// What of a device a guest may use: all of it, or a part of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volume {
    /// All of a device of this class.
    Whole(DeviceClass),
    /// A part of a count-key-data disk.
    Tracks(Tracks),
    /// A part of a fixed-block disk.
    Blocks(Blocks),
}

impl Volume {
    /// The class of the device.
    pub const fn class(&self) -> DeviceClass {
        match self {
            Self::Whole(class) => *class,
            Self::Tracks(_) => DeviceClass::Eckd,
            Self::Blocks(_) => DeviceClass::Fba,
        }
    }
}

impl From<DeviceClass> for Volume {
    fn from(class: DeviceClass) -> Self {
        Self::Whole(class)
    }
}

impl From<Tracks> for Volume {
    fn from(tracks: Tracks) -> Self {
        Self::Tracks(tracks)
    }
}

impl From<Blocks> for Volume {
    fn from(blocks: Blocks) -> Self {
        Self::Blocks(blocks)
    }
}

/// A track of a count-key-data disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Track {
    pub(super) cylinder: u32,
    pub(super) head: u16,
}

impl Track {
    /// Head `head` of cylinder `cylinder`.
    pub const fn new(cylinder: u32, head: u16) -> Self {
        Self { cylinder, head }
    }
}

/// Consecutive tracks of a disk with 15 tracks a cylinder (3380, 3390, 9345), such as a minidisk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracks {
    pub(super) first: Track,
    pub(super) last: Track,
}

impl Tracks {
    /// From `first` to `last`, both included; `None` if they are not in this order.
    pub fn new(first: Track, last: Track) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    pub(super) fn contains(&self, track: Track) -> bool {
        (self.first..=self.last).contains(&track)
    }
}

/// Consecutive blocks of a fixed-block disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Blocks {
    /// From `first` to `last`, both included; `None` if they are not in this order.
    pub fn new(first: u32, last: u32) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }
}

/// Cylinder and head, such as `10.0`.
impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.cylinder, self.head)
    }
}

/// Such as `10.0-19.14`.
impl fmt::Display for Tracks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// Such as `0-999`.
impl fmt::Display for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}
