// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What each fuzz target does with its input. It panics with what is wrong.

use crate::{
    confined, decode,
    differential::{LateCase, check, check_copied, check_dirty, check_listed, check_verdict},
    generator::Case,
    subchannel, transport, walk,
};

/// A target's check.
pub type Target = fn(&[u8]);

/// Name and check of each target of this crate; `text` and `dump` are the tool's.
pub const ALL: [(&str, Target); 8] = [
    ("decode", decode::check),
    ("walk", |bytes| walk::check(&Case::from_bytes(bytes))),
    ("equivalence", equivalence),
    ("late", late),
    ("device", subchannel::device::check),
    ("region", subchannel::region::check),
    ("confined", confined::check),
    ("transport", transport::check_bytes),
];

/// The check of the target with this name.
pub fn named(name: &str) -> Option<Target> {
    let target = ALL.iter().find(|(known, _)| *known == name);
    target.map(|(_, target)| *target)
}

/// Any program, and its translation, on any device: they do the same, and it is known what they stored.
///
/// # Panics
///
/// With what differs.
pub fn equivalence(bytes: &[u8]) {
    let case = Case::from_bytes(bytes);
    let each = [
        check(&case).err(),
        check_copied(&case).err(),
        check_verdict(&case).err(),
        check_dirty(&case, true).err(),
        check_listed(&case, bytes).err(),
    ];
    if let Some(difference) = each.into_iter().flatten().next() {
        panic!("{difference}\n{case:?}");
    }
}

/// Any program that reads itself in, suspends itself or is changed by its guest, and its translation in
/// parts: they do the same.
///
/// # Panics
///
/// With what differs.
pub fn late(bytes: &[u8]) {
    let case = LateCase::from_bytes(bytes);
    if let Err(difference) = case.check() {
        panic!("{difference}\n{case:?}");
    }
}
