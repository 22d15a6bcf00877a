// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Members that are right by themselves, and do not fit each other.

use std::fmt;

use crate::dump::count;
use crate::memory::{BadExtent, PAGE};

use super::KeyRange;

/// A member that does not fit, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// Such as `memory.ranges[3]`.
    pub(super) member: String,
    pub(super) reason: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.member, self.reason)
    }
}

impl Misfit {
    /// Ranges, by address and length, that do not make a storage of `size` bytes.
    pub(super) fn ranges(bad: BadExtent, size: u64, ranges: &[(u64, usize)]) -> Self {
        let span = |n: usize| {
            let (addr, len) = ranges.get(n).copied().unwrap_or_default();
            format!("{} from {addr:#x} on", count(len as u64))
        };
        let (n, reason) = match bad {
            BadExtent::Outside(n) => {
                let reason = format!(
                    "{} do not lie in the {size:#x} bytes of memory.size",
                    span(n)
                );
                (n, reason)
            }
            BadExtent::Overlap(a, b) => (
                b,
                format!("{} overlap memory.ranges[{a}], {}", span(b), span(a)),
            ),
        };
        Self {
            member: format!("memory.ranges[{n}]"),
            reason,
        }
    }

    /// Whether `key`, which has number `n`, is one of blocks in a storage of `size` bytes.
    pub(super) fn check_key(n: usize, key: &KeyRange, size: u64) -> Result<(), Self> {
        let (addr, len) = (key.addr, key.len);
        let reason = if addr.checked_add(len).is_none_or(|end| end > size) {
            format!(
                "{len:#x} bytes from {addr:#x} on do not lie in the {size:#x} bytes of memory.size"
            )
        } else if addr % PAGE != 0 || len % PAGE != 0 {
            format!(
                "a storage key belongs to a block of 4 KiB: {addr:#x} and {len:#x} must be multiples \
                 of 0x1000"
            )
        } else {
            return Ok(());
        };
        Err(Self {
            member: format!("memory.storage_keys[{n}]"),
            reason,
        })
    }
}
