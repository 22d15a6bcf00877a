// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What was found, the most likely programs first.

use std::collections::HashSet;

use crate::input::Found;

/// How many are listed if nobody says.
const MOST: usize = 10;

/// Points of what is likely a program.
const LIKELY: i32 = 60;

/// `found` from the most likely one on, without what is a part of another one.
///
/// At most `most` of them; if nobody says how many, those that are likely, and one at least.
pub(super) fn ranked(mut found: Vec<Found>, most: Option<usize>) -> Vec<Found> {
    found.sort_by_key(|it| (-it.points, it.at, !it.is_orb));
    let orbs = found.iter().filter(|it| it.is_orb);
    let mut parts: HashSet<u64> = orbs.flat_map(|it| it.ccws.iter().copied()).collect();
    found.retain(|it| {
        if it.is_orb {
            return true;
        }
        let is_new = !parts.contains(&it.at);
        parts.extend(it.ccws.iter().copied());
        is_new
    });
    let of = found.len();
    let likely = found.iter().filter(|it| it.points >= LIKELY).count();
    found.truncate(most.unwrap_or(likely.clamp(1, MOST)));
    for (rank, it) in (1..).zip(&mut found) {
        (it.rank, it.of) = (rank, of);
    }
    found
}
