// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The host's program, CCW by CCW, before it is written.

pub(crate) mod exact;
pub(crate) mod links;
pub(crate) mod segments;

use alloc::vec::Vec;

/// Stop CCWs behind each run of CCWs.
pub(crate) const STOPS: usize = 2;

/// One CCW of the host's program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostSlot {
    /// The image of this node, or the last link of it.
    Node(u16),
    /// A link of the data chain that stands for this node, with others behind it.
    Link {
        node: u16,
        /// Bytes of the guest's count in the links behind.
        left: u16,
    },
    /// A TIC to the image of this node, which the guest's program does not have.
    Jump(u16),
    /// A TIC to the head of the next segment, behind the stop CCWs.
    Cut,
    /// This node is a TIC to which another TIC leads: the channel stops.
    SecondTic(u16),
    /// The channel stops here.
    Stop,
}

/// Where the program was laid.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Laid {
    /// Bytes of the blocks of all lists; smaller than asked for where reading backward needs it.
    pub(crate) block: u64,
    /// Number of the host CCW at the head of the last segment.
    pub(crate) last_head: usize,
}

/// The line and what is known of it; kept from program to program for its storage.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) line: Vec<HostSlot>,
    /// Places of TICs that may be skipped, behind those of their targets: the two must lie in one
    /// segment.
    pub(crate) loops: Vec<(usize, usize)>,
    /// Places at which segments begin.
    pub(crate) cuts: Vec<usize>,
    /// First byte, end and node of the storage that the program uses.
    pub(crate) areas: Vec<(u64, u64, u16)>,
}
