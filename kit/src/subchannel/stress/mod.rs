// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Many subchannels at once, in one window, while storage comes and goes and everything fails now and
//! then: nothing that a guest was promised is lost, nothing is left behind, and every status is one
//! that the architecture allows for that program.

mod counts;
mod device;
mod line;
mod program;
mod random;
mod storage;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use ccw::GuestAddr;
use pinning::Budget;
use vfio_ccw::HostMemory;
use vfio_ccw::mediator::{GuestRegion, ShadowWindow, WindowConfig};

pub use counts::{Counts, Kind};
use device::Space;
use line::{Line, Shared};
use storage::Regions;

/// Subchannels, each on a thread of its own.
pub const SUBCHANNELS: u16 = 16;
/// Slots, enough for a program that runs, one that waits, and some in quarantine each.
const SLOTS: u32 = 128;
/// Extents that the programs in flight may have: storage that comes and goes keeps most starts waiting,
/// so that few run at once.
const EXTENTS: u64 = 8;

/// What became of a stress.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How often each kind of thing happened.
    pub counts: Counts,
    /// I/O instructions, interrupts, and requests to map and unmap.
    pub operations: u64,
}

/// At least so many operations, on [`SUBCHANNELS`] threads; the same for the same `seed`, as far as
/// threads are.
///
/// # Panics
///
/// When something that must hold does not.
pub fn run(operations: u64, seed: u64) -> Outcome {
    let space = Space::default();
    let config = WindowConfig {
        slots: SLOTS,
        ccw_bytes: 4096,
        list_bytes: 4096,
        // Not enough when many programs run at once.
        budget: Budget {
            total_extents: EXTENTS,
            ..Budget::default()
        },
        ..WindowConfig::default()
    };
    let window = ShadowWindow::new(space.clone(), config).expect("an arena");
    let programs = HostMemory::anonymous(usize::from(SUBCHANNELS) << 12).expect("memory");
    let region = GuestRegion::new(GuestAddr::new(0), programs.clone());
    window.add(region).expect("a region");
    let shared = Arc::new(Shared {
        regions: Regions::new(window.clone()),
        window,
        space,
        programs,
    });

    let each = operations.div_ceil(SUBCHANNELS.into());
    let lines = (0..SUBCHANNELS).map(|number| {
        let seed = seed.wrapping_mul(0x1_0001).wrapping_add(number.into());
        Line::new(&shared, number, seed)
    });
    let lines = on_threads(lines.collect(), |line| line.run(each));

    // Each program that runs, waits, or is in quarantine has its place and its slot.
    let window = &shared.window;
    assert_eq!(window.in_flight(), window.slots_in_use());

    // Nothing is taken away and nothing fails any more, but for what was planned.
    let mut counts = Counts::default();
    let seen = Arc::clone(&shared.space.seen);
    seen.reliable.store(true, Ordering::Relaxed);
    shared.regions.come_to_rest(&mut counts);
    let lines = on_threads(lines, Line::come_to_rest);

    assert_eq!(
        window.in_quarantine(),
        [],
        "after resets that were acknowledged"
    );
    let held = (window.in_flight(), window.slots_in_use());
    assert_eq!(held, (0, 0), "pins and slots were lost");
    assert_eq!(seen.strays(), 0, "something was unmapped under a program");
    let mut outcome = Outcome {
        counts,
        operations: 0,
    };
    for line in lines {
        let (counts, operations) = line.finish();
        outcome.counts += &counts;
        outcome.operations += operations;
    }
    drop(shared);
    assert_eq!(seen.mapped(), 0, "mappings were lost");
    outcome
}

/// Does `work` with each line at the same time.
fn on_threads(mut lines: Vec<Line>, work: impl Fn(&mut Line) + Sync) -> Vec<Line> {
    thread::scope(|scope| {
        for line in &mut lines {
            scope.spawn(|| work(line));
        }
    });
    lines
}
