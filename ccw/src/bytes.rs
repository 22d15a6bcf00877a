// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! Fields of byte arrays, without a way to panic.

/// The `N` bytes at offset `at`; zeros where `bytes` ends.
pub(crate) fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut field = [0; N];
    for (to, from) in field.iter_mut().zip(bytes.iter().skip(at)) {
        *to = *from;
    }
    field
}

/// Stores `field` at offset `at`; what would lie beyond the end is dropped.
pub(crate) fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    for (to, from) in bytes.iter_mut().skip(at).zip(field) {
        *to = *from;
    }
}

/// `mask` if `on`, else no bit.
pub(crate) const fn bit(on: bool, mask: u8) -> u8 {
    if on { mask } else { 0 }
}

/// `mask` if `on`, else no bit.
pub(crate) const fn bit32(on: bool, mask: u32) -> u32 {
    if on { mask } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_past_the_end_is_zero_and_a_store_there_is_lost() {
        assert_eq!(field::<4>(&[1, 2, 3], 1), [2, 3, 0, 0]);
        assert_eq!(field::<2>(&[1], 9), [0, 0]);
        let mut bytes = [0; 3];
        put(&mut bytes, 2, &[7, 8]);
        put(&mut bytes, 5, &[9]);
        assert_eq!(bytes, [0, 0, 7]);
    }
}
