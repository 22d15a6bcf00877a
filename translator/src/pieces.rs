// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The areas of guest storage that one CCW uses.

use ccw::{CcwFlags, GuestAddr, IdawFormat, Midaw, MidawFlags, RawMidaw};

use crate::{Buffers, chain::Op, work::Node};

/// Calls `f` with the first byte and the length of each area that `node` uses as far as its data
/// is good, in the order of the transfer.
#[inline]
pub(crate) fn each(work: &Buffers, node: &Node, mut f: impl FnMut(GuestAddr, u64)) {
    let ccw = node.ccw(work.orb.format);
    let backward = node.op == Op::Backward;
    let mut left = u64::from(node.good);
    let mut area = |first: u64, len: u64| {
        if len > 0 {
            f(
                GuestAddr::new(if backward { first + 1 - len } else { first }),
                len,
            );
        }
    };
    if ccw.flags.contains(CcwFlags::MODIFIED_INDIRECT) {
        let (pairs, _) = work.list(node).as_chunks::<2>();
        for &[high, low] in pairs {
            let raw = RawMidaw(((u128::from(high) << 64) | u128::from(low)).to_be_bytes());
            let midaw = Midaw::<ccw::Guest>::decode(raw);
            let len = u64::from(midaw.count).min(left);
            if !midaw.flags.contains(MidawFlags::SKIP) {
                area(midaw.addr.get(), len);
            }
            left -= len;
        }
    } else if ccw.flags.contains(CcwFlags::INDIRECT) {
        let block = IdawFormat::of(&work.orb).block();
        let mask = block - 1;
        for &word in work.list(node) {
            let len = if backward {
                (word & mask) + 1
            } else {
                block - (word & mask)
            };
            let len = len.min(left);
            area(word, len);
            left -= len;
        }
    } else {
        area(u64::from(ccw.addr.get()), left);
    }
}
