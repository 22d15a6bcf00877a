// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Pin and unpin in a shadow window, which is the same for both front ends of the kernel's: mapping pins
//! nothing, and what a start costs is the ledger and the addresses. `harness` says how it is measured.
//!
//! `cargo bench -p vfio-ccw --bench pin`; with `-- --test` everything runs once.

#[path = "../../pinning/benches/harness/mod.rs"]
mod harness;

use ccw::{GuestAddr, SubsystemId};
use vfio_ccw::HostMemory;
use vfio_ccw::device::soft::SoftSpace;
use vfio_ccw::mediator::{GuestRegion, ShadowWindow, WindowConfig};

use harness::{BYTES, Ours, START, Way};

fn window() -> ShadowWindow {
    let window = ShadowWindow::new(SoftSpace::new(), WindowConfig::default()).unwrap();
    let memory = HostMemory::anonymous(BYTES).unwrap();
    let region = GuestRegion::new(GuestAddr::new(START), memory);
    window.add(region).unwrap();
    window
}

fn main() {
    let window: Box<dyn Way> = Box::new(Ours {
        whole: window(),
        own: |window, thread| {
            let number = u16::try_from(thread).unwrap();
            window.owned_by(SubsystemId::new(0, number).unwrap())
        },
    });
    harness::run(vec![("shadow window", window)]);
}
