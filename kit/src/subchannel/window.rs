// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest's storage, and a host's window on it.

use ccw::GuestAddr;
use vfio_ccw::mediator::{GuestRegion, ShadowWindow, WindowConfig};
use vfio_ccw::{DmaSpace, HostMemory};

/// Bytes of each of two regions of guest storage, one behind the other from 0 on.
pub(super) const REGION: u64 = 0x1_0000;
/// Where the arena is, which no guest address of these tests comes near.
pub(super) const ARENA: u32 = 0x4000_0000;

/// A window on both regions, which are zero.
pub(super) fn window(space: impl DmaSpace + 'static) -> (ShadowWindow, [HostMemory; 2]) {
    let config = WindowConfig {
        arena: ARENA,
        slots: 3,
        ccw_bytes: 4096,
        list_bytes: 4096,
        ..WindowConfig::default()
    };
    let window = ShadowWindow::new(space, config).expect("an arena");
    let memory = [0, REGION].map(|start| {
        let len = usize::try_from(REGION).expect("small");
        let memory = HostMemory::anonymous(len).expect("memory");
        let region = GuestRegion::new(GuestAddr::new(start), memory.clone());
        window.add(region).expect("a region");
        memory
    });
    (window, memory)
}
