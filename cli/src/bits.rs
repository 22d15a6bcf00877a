// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Bits of a word, counted from the left.

/// `bit 9 PLACE is 0`: what the bits of a word from the first to the last are.
pub(crate) fn text(word: &[u8], (first, last): (u8, u8), place: &str) -> Option<String> {
    let value = field(word, first, last)?;
    let digits = (usize::from(last - first) + 4) / 4;
    Some(match last - first + 1 {
        1 => format!("bit {first} {place} is {value}"),
        // Not a digit of its own: written as manuals write it.
        width @ 2..=3 => {
            let width = usize::from(width);
            format!("bits {first}-{last} {place} are B'{value:0width$b}'")
        }
        _ => format!("bits {first}-{last} {place} are {value:0digits$x}"),
    })
}

/// Bits `first` to `last` of `bytes`, unless they are more than 64 or not there.
fn field(bytes: &[u8], first: u8, last: u8) -> Option<u64> {
    let width = u32::from(last.checked_sub(first)?) + 1;
    let mut wide = [0; 16];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    if width > 64 || usize::from(last) >= bytes.len() * 8 {
        return None;
    }
    let value = u128::from_be_bytes(wide) << first >> (128 - width);
    u64::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_count_bits_from_the_left() {
        let word = [0x12, 0x34, 0x56, 0x78];
        assert_eq!(field(&word, 0, 3), Some(1));
        assert_eq!(field(&word, 12, 19), Some(0x45));
        assert_eq!(field(&word, 31, 31), Some(0));
        assert_eq!(field(&word, 0, 31), Some(0x1234_5678));
        assert_eq!(field(&word, 24, 32), None);
        assert_eq!(field(&word, 5, 4), None);
        assert_eq!(field(&[0xff; 16], 64, 127), Some(u64::MAX));
        assert_eq!(field(&[0xff; 16], 0, 127), None);
        assert_eq!(field(&[], 0, 0), None);
    }
}
