// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guest storage for tests.

use alloc::collections::BTreeMap;

use ccw::GuestAddr;

use crate::GuestStorage;

/// Doublewords by address; elsewhere zeros.
pub(crate) struct Words(pub(crate) BTreeMap<u64, u64>);

impl GuestStorage for Words {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        for (at, byte) in (at.get()..).zip(buf.iter_mut()) {
            let word = self.0.get(&(at & !7)).copied().unwrap_or(0);
            *byte = word.to_be_bytes()[(at & 7) as usize];
        }
        buf.len()
    }
}
