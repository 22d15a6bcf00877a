// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What in a dump may be an ORB, or a channel program without one: looked for by the shape of its
//! words, then judged as a program.

mod candidates;
mod filter;
mod found;
mod rank;

use ccw::orb::word1;
use rayon::prelude::*;

use candidates::{BLOCK, Most, Walker};

use super::image::Dump;
use crate::input::Found;
use crate::memory::Memory;
use crate::progress;

/// Word 1 of the ORB that is made for a program of format 1 without one: prefetch, path 0.
pub(super) const CONTROL: u32 = word1::FORMAT1 | word1::PREFETCH | 0x8000;

/// What a scan comes to.
pub(super) struct Scan {
    /// The most likely programs.
    pub(super) found: Vec<Found>,
    /// How many other places were too many to be judged.
    pub(super) dropped: u64,
}

/// Looks for the most likely programs in `dump`, at most `most` of them; `memory` is the same storage.
pub(super) fn scan(dump: &Dump, memory: &Memory, most: Option<usize>) -> Scan {
    let spans = dump.spans();
    let bytes = spans.iter().map(|span| span.end - span.start).sum();
    let bar = progress::bytes(bytes, "looked through");
    let mut found = Most::default();
    for span in spans {
        let blocks = (span.end - span.start).div_ceil(BLOCK);
        let here = (0..blocks)
            .into_par_iter()
            .fold(
                || (Walker::new(dump, dump.end()), Most::default()),
                |(mut walker, mut found), n| {
                    let from = span.start + n * BLOCK;
                    let len = (span.end - from).min(BLOCK);
                    walker.block(from, len, &mut found);
                    bar.inc(len);
                    (walker, found)
                },
            )
            .map(|(_, found)| found)
            .reduce(Most::default, Most::and);
        found = found.and(here);
    }
    bar.finish_and_clear();
    let (candidates, dropped) = found.into_list();
    let bar = progress::items(candidates.len() as u64, "judged");
    let found: Vec<Found> = candidates
        .par_iter()
        .filter_map(|candidate| {
            let found = rank::rank(candidate, memory);
            bar.inc(1);
            found
        })
        .collect();
    bar.finish_and_clear();
    let found = found::ranked(found, most);
    Scan { found, dropped }
}
