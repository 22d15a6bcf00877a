// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs that were found in a dump, the most likely ones first.

use std::collections::HashSet;

use ccw::RawOrb;
use serde::Serialize;

use crate::json;

/// How many are listed if nobody says.
const MOST: usize = 10;

/// Points of what is likely a program.
const LIKELY: i32 = 60;

/// A program that was found in a dump.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Address of the ORB, or of the program.
    pub(crate) at: u64,
    /// The ORB, or one that was made.
    pub(crate) raw: RawOrb,
    /// Whether the ORB is in the dump.
    pub(super) is_orb: bool,
    /// How likely it is a program.
    pub(super) points: i32,
    /// Why.
    pub(super) why: Vec<String>,
    /// Addresses of its CCWs, to know again what is a part of it.
    pub(super) ccws: Vec<u64>,
    /// Whether some CCW has a list.
    pub(super) has_list: bool,
    /// The first is 1.
    pub(super) rank: usize,
    /// Of how many.
    pub(super) of: usize,
}

/// What was found, as JSON.
#[derive(Serialize)]
pub(crate) struct Entry {
    orb: Option<String>,
    cpa: String,
    rank: usize,
    of: usize,
    points: i32,
    why: Vec<String>,
}

impl Found {
    /// `found` from the most likely one on, without what is a part of another one.
    ///
    /// At most `most` of them; if nobody says how many, those that are likely, and one at least.
    pub(super) fn ranked(mut found: Vec<Self>, most: Option<usize>) -> Vec<Self> {
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

    /// For people.
    pub(crate) fn text(&self) -> String {
        let what = if self.is_orb {
            "ORB"
        } else {
            "channel program"
        };
        let why = self.why.join("; ");
        format!(
            "{what} at {:08x}, {} of {} found: {why}",
            self.at, self.rank, self.of
        )
    }

    /// As JSON.
    pub(crate) fn entry(&self) -> Entry {
        Entry {
            orb: self.is_orb.then(|| json::hex(self.at)),
            cpa: json::hex(u64::from(self.raw.word(2))),
            rank: self.rank,
            of: self.of,
            points: self.points,
            why: self.why.clone(),
        }
    }
}
