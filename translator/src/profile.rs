// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a host channel takes and how it takes it, as data.

use ccw::HostAddr;

use crate::limits;

/// How host CCWs are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arrangement {
    /// In the order of their guest addresses, gaps closed: every jump and skip of the guest's
    /// program has its exact image.
    Exact,
    /// In segments, for a host that copies the program once more: TICs are straightened, and a
    /// segment ends where that host stops copying.
    Segments {
        /// CCWs of one segment, the TIC that leaves it included.
        ccws: u16,
        /// Segments of one program.
        segments: u16,
        /// Bytes from the head of a segment on that must be mapped, because the host reads that
        /// many whatever the segment's length.
        over_read: u16,
    },
}

/// How a program is made to stop at its first byte of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FirstByteFault {
    /// By an IDAW that designates this address, at which the host has no storage: the device is
    /// started, as it is by a machine.
    Nowhere(HostAddr),
    /// By a stop CCW: the host would refuse an address that is not mapped.
    Stop,
}

/// What a host channel takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HostProfile {
    /// Name, for reports and options.
    pub name: &'static str,
    /// How CCWs are arranged.
    pub arrangement: Arrangement,
    /// How data that cannot be used from its first byte on is expressed.
    pub first_byte_fault: FirstByteFault,
    /// Whether the host builds its own list from the first address and the count, always upward:
    /// lists need as many words as it will read, and reading backward needs room below.
    pub rebuilds_lists: bool,
    /// Whether the host looks at the command code of a CCW that is reached by data chaining.
    pub reads_chained_codes: bool,
    /// Whether the host takes an ORB extension.
    pub orb_extension: bool,
    /// Whether the host takes lists of MIDAWs.
    pub midaws: bool,
    /// Whether the host takes transport-mode programs. For another one their commands become CCWs.
    pub transport: bool,
}

impl HostProfile {
    /// A channel that executes exactly what it is given, as the software channel subsystem does.
    pub const SOFTWARE: Self = Self {
        name: "software",
        arrangement: Arrangement::Exact,
        first_byte_fault: FirstByteFault::Nowhere(HostAddr::new(0xffff_ffff_ffff_f000)),
        rebuilds_lists: false,
        reads_chained_codes: false,
        orb_extension: true,
        midaws: true,
        transport: true,
    };

    /// vfio-ccw as in Linux 6.12 and 7.2, given programs in a shadow window.
    pub const VFIO_CCW: Self = Self {
        name: "vfio-ccw",
        arrangement: Arrangement::Segments {
            ccws: limits::KERNEL_SEGMENT_CCWS,
            segments: limits::KERNEL_SEGMENTS,
            over_read: 2048,
        },
        first_byte_fault: FirstByteFault::Stop,
        rebuilds_lists: true,
        reads_chained_codes: true,
        orb_extension: false,
        midaws: false,
        transport: false,
    };

    /// Every profile.
    pub const ALL: &'static [Self] = &[Self::SOFTWARE, Self::VFIO_CCW];

    /// The profile of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|profile| profile.name == name)
            .copied()
    }
}
