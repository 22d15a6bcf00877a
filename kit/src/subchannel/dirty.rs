// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What changed in a guest's storage, against what its subchannel said is dirty.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use ccw::GuestAddr;
use vfio_ccw::HostMemory;
use vfio_ccw::mediator::DirtySink;

use super::window::REGION;

/// Everything that was said to be dirty.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Arc<Mutex<Vec<Range<u64>>>>);

impl DirtySink for Log {
    fn dirty(&self, range: Range<GuestAddr>) {
        self.note(range.start.get()..range.end.get());
    }
}

impl Log {
    /// The guest itself stores there.
    pub(super) fn note(&self, range: Range<u64>) {
        assert!(range.start < range.end && range.end <= 2 * REGION);
        self.0.lock().expect("no panic before").push(range);
    }

    /// Holds what is there against zeros, with which all began.
    pub(super) fn check(&self, memory: &[HostMemory; 2]) {
        let mut bytes = vec![0; memory[0].len()];
        let log = self.0.lock().expect("no panic before");
        for (memory, start) in memory.iter().zip([0, REGION]) {
            memory.read(0, &mut bytes).expect("storage");
            for (byte, at) in bytes.iter().zip(start..) {
                let told = || log.iter().any(|range| range.contains(&at));
                assert!(*byte == 0 || told(), "{at:x} was stored into: {log:x?}");
            }
        }
    }
}
