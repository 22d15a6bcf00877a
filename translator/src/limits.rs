// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Every bound of this crate, with its unit and its reason.

/// CCWs of one program that are read unless a [`Policy`](crate::Policy) says otherwise.
///
/// vfio-ccw takes 16 segments of 256 CCWs; no known driver writes more than a few hundred.
pub const MAX_CCWS: u16 = 4096;

/// CCWs in a row that vfio-ccw takes: its limit for one segment.
pub const KERNEL_SEGMENT_CCWS: u16 = 256;

/// Segments of one program that vfio-ccw takes.
pub const KERNEL_SEGMENTS: u16 = 16;

/// MIDAWs of one list: it must lie in one 4 KiB page.
pub const MAX_MIDAWS: usize = 256;

/// Breaks of one part. A program in which control may come to a place behind none of them, where there
/// must be one, is refused: it would be fetched as often.
pub const MAX_BREAKS: usize = 32;

/// CCWs that are looked at along data chains to find the breaks of one snapshot. Each command that reads
/// into control words has its own chain gone through; a program that needs more is refused.
pub const MAX_CHAIN_STEPS: u32 = 1 << 16;

/// Bytes of the parameters of one command, where a
/// [`CommandPolicy`](crate::CommandPolicy) looks at them. The longest known ones, of PREFIX, have 64
/// and a bit for each record or track of what the command is about.
pub const MAX_PARAMETERS: usize = 256;

/// Areas of storage of which it is known, from part to part, that a program has stored into
/// them. One that stores into more, apart from each other, cannot be repeated any more.
pub const MAX_STORED: usize = 1 << 16;

/// Findings that are kept for one program; the rest is counted. A listing of more helps nobody,
/// and a hostile program could ask for one with every CCW.
pub const MAX_FINDINGS: usize = 64;

/// How often a program is gone through to find out which of its CCWs may come before another. One
/// pass does for a program without TICs back, one more for each that leads into the part before
/// another; a program that takes more is taken to have executed everything.
pub const REACH_PASSES: usize = 8;
