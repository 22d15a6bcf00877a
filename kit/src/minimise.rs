// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The smallest program that still fails, in terms of channel programs: fewer CCWs, no lists, smaller
//! counts, no flags, less storage, usual addresses.
//!
//! Each step makes a case simpler by its `weight`, so that there is an end; the steps come in a fixed
//! order, so that the answer is always the same.

mod raw;
mod steps;

use crate::generator::{Case, Data};

/// How much there is in a case: the less the better, the first number above all.
type Weight = (usize, usize, usize, u64, Vec<u8>);

/// What came of it.
#[derive(Clone, Debug)]
pub struct Minimised {
    /// The smallest case that was found.
    pub case: Case,
    /// How often it was asked whether a case fails.
    pub asked: usize,
    /// Whether nothing more can be left out, or asking has ended before.
    pub complete: bool,
}

/// Makes `case` smaller as long as it `fails`, which is asked `most` times at most. A case that does not
/// fail is handed back as it is.
pub fn minimise(case: &Case, most: usize, mut fails: impl FnMut(&Case) -> bool) -> Minimised {
    let mut best = case.clone();
    let mut asked = 1;
    if !fails(&best) {
        return Minimised {
            case: best,
            asked,
            complete: true,
        };
    }
    loop {
        let mut smaller = false;
        for step in steps::ALL.iter().chain(raw::ALL) {
            let mut n = 0;
            // Each step has some number of places, and fewer where it was taken.
            while let Some(candidate) = step(&best, n) {
                if weight(&candidate) >= weight(&best) {
                    n += 1;
                    continue;
                }
                if asked == most {
                    return Minimised {
                        case: best,
                        asked,
                        complete: false,
                    };
                }
                asked += 1;
                if fails(&candidate) {
                    best = candidate;
                    smaller = true;
                } else {
                    n += 1;
                }
            }
        }
        if !smaller {
            return Minimised {
                case: best,
                asked,
                complete: true,
            };
        }
    }
}

/// A way to make a case simpler: at place `n`, or `None` where there are no more.
type Step = fn(&Case, usize) -> Option<Case>;

/// CCWs, lists, bytes that stand for the case, the sum of its numbers, and those bytes.
fn weight(case: &Case) -> Weight {
    let ccws = case.segments.iter().flat_map(|segment| &segment.ccws);
    let list = |data: &Data| matches!(data, Data::List(_) | Data::Midal(_));
    let lists = ccws.clone().filter(|ccw| list(&ccw.data)).count();
    let raw = raw::ccws(case);
    let bytes = case.to_bytes();
    let numbers = bytes.iter().map(|byte| u64::from(byte.count_ones())).sum();
    let listed = raw.iter().filter(|ccw| ccw.listed).count();
    (
        ccws.count() + raw.len(),
        lists + listed,
        bytes.len(),
        numbers,
        bytes,
    )
}

#[cfg(test)]
mod tests;
