// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The data of usual CCWs that have one area of it: most of most programs, so they are judged
//! together. What is not plain is left to the rules in `data`.

use alloc::vec::Vec;

use ccw::{CcwFlags, Guest, GuestAddr, IdawFormat, Orb};
use pinning::{Access, Extent, Lookup, Permission};

use crate::{chain::Op, node::Node};

/// Uses the storage of `nodes` as long as they are usual, name one area that is there as a whole,
/// and store nothing between the lowest and the highest control word. Returns how many are.
///
/// Neither keys nor an address limit are asked.
#[inline]
pub(crate) fn take(
    nodes: &mut [Node],
    words: &[[u8; 8]],
    orb: &Orb<Guest>,
    lookup: &mut Lookup<'_>,
    control: (u64, u64),
    extents: &mut Vec<Extent>,
) -> usize {
    let format = IdawFormat::of(orb);
    let (block, limit) = (format.block(), orb.format.limit());
    let control_len = control.1.saturating_sub(control.0);
    // Control words all over the address space are for the rules. So no sum below overflows.
    if control_len > u64::MAX >> 1 {
        return 0;
    }
    let mut done = 0;
    for node in nodes {
        if !node.usual {
            break;
        }
        let ccw = node.ccw();
        let len = u64::from(ccw.count);
        let first = if ccw.flags.contains(CcwFlags::INDIRECT) {
            let Some(word) = words.get(node.list as usize).filter(|_| node.list_len == 1) else {
                break;
            };
            let first = u64::from_be_bytes(*word);
            // Bit 0 of a format-1 IDAW must be zero.
            if (first & (block - 1)) + len > block
                || (format == IdawFormat::One && first >> 31 != 0)
            {
                break;
            }
            first
        } else {
            let first = u64::from(ccw.addr.get());
            if first + len > limit {
                break;
            }
            first
        };
        let stores = node.op == Op::Input;
        // From `len` below the lowest control word on.
        let near = first.wrapping_add(len).wrapping_sub(control.0) <= control_len + len;
        let Some((region, offset)) = lookup.locate(GuestAddr::new(first)) else {
            break;
        };
        let refused = stores && (near || region.permission != Permission::ReadWrite);
        if refused || region.len - offset < len {
            break;
        }
        let access = if stores {
            Access::DeviceWrites
        } else {
            Access::DeviceReads
        };
        node.good = ccw.count;
        node.offset = (first & 0xfff) as u16;
        add(extents, first, ccw.count, access);
        done += 1;
    }
    done
}

/// Adds an area: to the last extent, if it goes on there.
#[inline(always)]
pub(crate) fn add(extents: &mut Vec<Extent>, start: u64, len: u16, access: Access) {
    if let Some(last) = extents.last_mut()
        && last.start.get().wrapping_add(u64::from(last.len)) == start
        && last.access == access
        && let Some(sum) = last.len.checked_add(u32::from(len))
    {
        last.len = sum;
    } else {
        extents.push(Extent {
            start: GuestAddr::new(start),
            len: u32::from(len),
            access,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_goes_on_in_the_same_direction_is_one_extent() {
        let (reads, writes) = (Access::DeviceReads, Access::DeviceWrites);
        let mut extents = Vec::new();
        for (start, len, access) in [
            (0x1000, 0x800, reads),
            (0x1800, 0x800, reads),
            (0x2000, 0x10, writes),
            (0x2020, 0x10, writes),
            (0x2020, 0x10, writes),
        ] {
            add(&mut extents, start, len, access);
        }
        let extent = |start, len, access| Extent {
            start: GuestAddr::new(start),
            len,
            access,
        };
        let expected = [
            extent(0x1000, 0x1000, reads),
            extent(0x2000, 0x10, writes),
            extent(0x2020, 0x10, writes),
            extent(0x2020, 0x10, writes),
        ];
        assert_eq!(extents, expected);
    }
}
