// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Parts of byte arrays, without a way to panic.

/// Stores `part` at offset `at`; what would lie beyond the end is dropped.
pub(crate) fn put(bytes: &mut [u8], at: usize, part: &[u8]) {
    let place = bytes.get_mut(at..).unwrap_or_default();
    for (to, from) in place.iter_mut().zip(part) {
        *to = *from;
    }
}
