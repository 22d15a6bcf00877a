// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The capabilities that the kernel hangs on its description of a region.
//!
//! Each begins with id (2 bytes), version (2) and the offset of the next (4), in the byte order of
//! the machine; offsets count from the beginning of the description, and 0 ends the chain.

use thiserror::Error;

/// Id of the capability that tells type and subtype (`linux/vfio.h`).
const TYPE: u16 = 2;
/// Bytes of a capability's header.
const HEADER: usize = 8;

/// Type and subtype of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RegionType {
    /// The type, such as [`REGION_TYPE_CCW`](crate::REGION_TYPE_CCW).
    pub kind: u32,
    /// The subtype, such as [`SUBTYPE_ASYNC`](crate::SUBTYPE_ASYNC).
    pub subtype: u32,
}

/// Why capabilities cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum BadChain {
    /// A capability, or part of it, lies outside the description.
    #[error("a capability at {0:#x} lies outside the description")]
    Outside(u32),
    /// The offsets lead in a circle.
    #[error("the capabilities lead in a circle")]
    Circle,
}

/// Finds the type in a region's description, which begins with a `head` of so many bytes; the
/// first capability lies at `first`. Capabilities that are not known are skipped.
///
/// ```
/// use vfio_ccw::device::kernel::capability::{RegionType, find_type};
///
/// let mut description = [0; 48];
/// description[32..34].copy_from_slice(&2u16.to_ne_bytes());
/// description[40..44].copy_from_slice(&2u32.to_ne_bytes());
/// description[44..48].copy_from_slice(&3u32.to_ne_bytes());
/// let found = find_type(&description, 32, 32).unwrap();
/// assert_eq!(found, Some(RegionType { kind: 2, subtype: 3 }));
/// ```
///
/// # Errors
///
/// [`BadChain`]; whatever the bytes are, nothing panics, and the walk ends.
pub fn find_type(
    description: &[u8],
    head: usize,
    first: u32,
) -> Result<Option<RegionType>, BadChain> {
    let mut at = first;
    // More steps than headers fit mean that one was visited twice.
    for _ in 0..=description.len() / HEADER {
        if at == 0 {
            return Ok(None);
        }
        let capability = usize::try_from(at)
            .ok()
            .filter(|start| *start >= head)
            .and_then(|start| description.get(start..))
            .ok_or(BadChain::Outside(at))?;
        let word = |at: usize| {
            let bytes = capability.get(at..)?.first_chunk()?;
            Some(u32::from_ne_bytes(*bytes))
        };
        let outside = || BadChain::Outside(at);
        let id = *capability.first_chunk::<2>().ok_or_else(outside)?;
        if u16::from_ne_bytes(id) == TYPE {
            let kind = word(HEADER).ok_or_else(outside)?;
            let subtype = word(HEADER + 4).ok_or_else(outside)?;
            return Ok(Some(RegionType { kind, subtype }));
        }
        at = word(4).ok_or_else(outside)?;
    }
    Err(BadChain::Circle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: usize = 32;

    /// A capability with four bytes behind its header.
    fn put(bytes: &mut [u8], at: usize, id: u16, next: u32, data: [u32; 2]) {
        bytes[at..at + 2].copy_from_slice(&id.to_ne_bytes());
        bytes[at + 4..at + 8].copy_from_slice(&next.to_ne_bytes());
        bytes[at + 8..at + 12].copy_from_slice(&data[0].to_ne_bytes());
        bytes[at + 12..at + 16].copy_from_slice(&data[1].to_ne_bytes());
    }

    #[test]
    fn others_are_skipped_in_any_order() {
        let mut bytes = [0; 96];
        put(&mut bytes, 64, 7, 32, [2, 1]);
        put(&mut bytes, 32, 0xffff, 80, [2, 1]);
        put(&mut bytes, 80, 2, 0, [2, 3]);
        let expected = RegionType {
            kind: 2,
            subtype: 3,
        };
        assert_eq!(find_type(&bytes, HEAD, 64), Ok(Some(expected)));
        assert_eq!(find_type(&bytes, HEAD, 0), Ok(None));
        put(&mut bytes, 32, 3, 0, [0, 0]);
        assert_eq!(find_type(&bytes, HEAD, 64), Ok(None));
    }

    #[test]
    fn a_circle() {
        let mut bytes = [0; 64];
        put(&mut bytes, 32, 1, 48, [0, 0]);
        put(&mut bytes, 48, 1, 32, [0, 0]);
        assert_eq!(find_type(&bytes, HEAD, 32), Err(BadChain::Circle));
        put(&mut bytes, 48, 1, 48, [0, 0]);
        assert_eq!(find_type(&bytes, HEAD, 32), Err(BadChain::Circle));
    }

    #[test]
    fn outside() {
        let mut bytes = [0; 48];
        put(&mut bytes, 32, 2, 0, [2, 1]);
        for at in [1, 31, 48, 0xffff_ffff] {
            assert_eq!(find_type(&bytes, HEAD, at), Err(BadChain::Outside(at)));
        }
        for len in 32..48 {
            let cut = find_type(&bytes[..len], HEAD, 32);
            assert_eq!(cut, Err(BadChain::Outside(32)), "{len}");
        }
        put(&mut bytes, 32, 1, 47, [0, 0]);
        assert_eq!(find_type(&bytes, HEAD, 32), Err(BadChain::Outside(47)));
    }
}
