// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A program that was found in a dump, and why it is taken for one.

use ccw::RawOrb;
use serde::Serialize;

use crate::json;

/// A program that was found in a dump.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Address of the ORB, or of the program.
    pub(crate) at: u64,
    /// The ORB, or one that was made.
    pub(crate) raw: RawOrb,
    /// Whether the ORB is in the dump.
    pub(crate) is_orb: bool,
    /// How likely it is a program.
    pub(crate) points: i32,
    /// Why.
    pub(crate) why: Vec<String>,
    /// Addresses of its CCWs, to know again what is a part of it.
    pub(crate) ccws: Vec<u64>,
    /// Whether some CCW has a list.
    pub(crate) has_list: bool,
    /// The first is 1.
    pub(crate) rank: usize,
    /// Of how many.
    pub(crate) of: usize,
}

/// What was found, as JSON.
#[derive(Serialize)]
pub(crate) struct FoundEntry {
    orb: Option<String>,
    cpa: String,
    rank: usize,
    of: usize,
    points: i32,
    why: Vec<String>,
}

impl Found {
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
    pub(crate) fn entry(&self) -> FoundEntry {
        FoundEntry {
            orb: self.is_orb.then(|| json::hex(self.at)),
            cpa: json::hex(u64::from(self.raw.word(2))),
            rank: self.rank,
            of: self.of,
            points: self.points,
            why: self.why.clone(),
        }
    }
}
