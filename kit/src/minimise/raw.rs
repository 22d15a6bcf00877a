// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What can be left out of a program that lies in storage as bytes.

use ccw::{Ccw, CcwFlags, Format, Guest, Orb, RawCcw};

use super::Step;
use crate::{
    differential::judge,
    generator::{Case, Patch, Target},
};

/// Where programs usually lie.
const USUAL: u64 = 0x1000;

pub(super) const ALL: &[Step] = &[
    remove,
    settle,
    |case, n| each(case, n, 1, |ccw, _| no_list(ccw)),
    |case, n| {
        each(case, n, 8, |ccw, bit| {
            ccw.flags.remove(CcwFlags::from_bits_retain(1 << bit))
        })
    },
    |case, n| {
        each(case, n, 3, |ccw, way| {
            ccw.count = [ccw.count.min(1), ccw.count / 2, ccw.count.saturating_sub(1)][way];
        })
    },
    |case, n| {
        each(case, n, 2, |ccw, way| {
            ccw.command.0 &= [3, 0x0f][way];
        })
    },
    |case, n| {
        each(case, n, 2, |ccw, way| {
            ccw.addr = ccw::Addr31::truncate([0, 0x8000][way])
        })
    },
    zeros,
];

/// A CCW that begins in a patch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// Number of the patch, and of its byte.
    patch: usize,
    byte: usize,
    at: u64,
    raw: [u8; 8],
    ccw: Ccw<Guest>,
    first: u64,
    tic: bool,
    /// Whether it has a list.
    pub(super) listed: bool,
}

/// The CCWs that the translator reads out of patches, in the order of their addresses.
pub(super) fn ccws(case: &Case) -> Vec<Found> {
    if case.patches.is_empty() {
        return Vec::new();
    }
    let scene = case.build();
    let program = judge(&scene);
    let mut found: Vec<Found> = Vec::new();
    for step in program.steps() {
        let (at, Some(raw)) = (step.at.get(), step.raw) else {
            continue;
        };
        // The last patch over these bytes counts.
        let patches = case.patches.iter().enumerate().rev();
        let holds = |(_, patch): &(usize, &Patch)| {
            let behind = at.checked_sub(patch.at);
            behind.is_some_and(|behind| behind < patch.bytes.len() as u64)
        };
        let Some((n, patch)) = patches.clone().find(holds) else {
            continue;
        };
        let indirect = CcwFlags::INDIRECT | CcwFlags::MODIFIED_INDIRECT;
        found.push(Found {
            patch: n,
            byte: (at - patch.at) as usize,
            at,
            raw: raw.0,
            ccw: step.ccw,
            first: step
                .list
                .first()
                .map_or(0, |word| u64::from_be_bytes(*word)),
            tic: step.tic,
            listed: !step.tic && step.ccw.flags.intersects(indirect),
        });
    }
    found.sort_by_key(|found| found.at);
    found.dedup_by_key(|found| found.at);
    found
}

fn format(case: &Case) -> Format {
    Orb::<Guest>::decode(&case.build().orb).format
}

/// The CCW with another meaning, as bytes of its format; none if that has no room for it.
fn encode(ccw: Ccw<Guest>, format: Format) -> Option<[u8; 8]> {
    match format {
        Format::Zero => ccw.encode_format0().map(|raw: RawCcw| raw.0),
        Format::One => Some(ccw.encode().0),
    }
}

/// Puts other bytes in the place of a CCW, if its patch has all that change.
fn put(case: &mut Case, found: &Found, bytes: [u8; 8]) {
    let room = &mut case.patches[found.patch].bytes[found.byte..];
    let here = room.len().min(8);
    if bytes[here..] == found.raw[here..] {
        room[..here].copy_from_slice(&bytes[..here]);
    }
}

/// `case` with a change of one CCW, in each of some `ways`.
fn each(
    case: &Case,
    n: usize,
    ways: usize,
    change: impl FnOnce(&mut Wanted, usize),
) -> Option<Case> {
    let found = *ccws(case).get(n / ways)?;
    let mut wanted = Wanted {
        ccw: found.ccw,
        first: found.first,
    };
    change(&mut wanted, n % ways);
    let mut changed = case.clone();
    if let Some(bytes) = encode(wanted.ccw, format(case)) {
        put(&mut changed, &found, bytes);
    }
    Some(changed)
}

/// A CCW to be changed, and the first word of its list.
struct Wanted {
    ccw: Ccw<Guest>,
    first: u64,
}

impl std::ops::Deref for Wanted {
    type Target = Ccw<Guest>;

    fn deref(&self) -> &Self::Target {
        &self.ccw
    }
}

impl std::ops::DerefMut for Wanted {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.ccw
    }
}

/// The data where the list began.
fn no_list(wanted: &mut Wanted) {
    if wanted.flags.contains(CcwFlags::INDIRECT) {
        wanted.ccw.flags.remove(CcwFlags::INDIRECT);
        wanted.ccw.addr = ccw::Addr31::truncate(wanted.first as u32);
    }
}

/// Takes out a CCW: those behind it move up, and what leads to them goes on doing so.
fn remove(case: &Case, n: usize) -> Option<Case> {
    let found = ccws(case);
    let gone = *found.get(n)?;
    let format = format(case);
    let mut end = gone.at;
    let run: Vec<Found> = found
        .iter()
        .filter(|other| other.patch == gone.patch && other.at > gone.at)
        .take_while(|other| {
            let follows = other.at == end + 8;
            end = other.at;
            follows
        })
        .copied()
        .collect();
    let last = run.last().map_or(gone.at, |last| last.at);
    let mut changed = case.clone();
    let moved = |at: u64| {
        if at > gone.at && at <= last + 8 {
            at - 8
        } else {
            at
        }
    };
    // What leads into the run is put right first, then the run moves.
    for tic in found.iter().filter(|found| found.tic) {
        let to = moved(tic.ccw.addr.get().into());
        let ccw = Ccw {
            addr: ccw::Addr31::truncate(to as u32),
            ..tic.ccw
        };
        if let Some(bytes) = encode(ccw, format) {
            put(&mut changed, tic, bytes);
        }
    }
    let bytes = &mut changed.patches[gone.patch].bytes;
    let end = (gone.byte + 8 + 8 * run.len()).min(bytes.len());
    let next = (gone.byte + 8).min(end);
    bytes.copy_within(next..end, gone.byte);
    let left = gone.byte + (end - next);
    bytes[left..end].fill(0);
    // Nothing of the patch is needed behind its last byte that is not zero.
    let meant = bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |n| n + 1);
    bytes.truncate(meant.next_multiple_of(8));
    Some(changed)
}

/// Puts a patch with CCWs where programs usually lie, and what leads there.
fn settle(case: &Case, n: usize) -> Option<Case> {
    let patch = case.patches.get(n)?;
    let (from, len) = (patch.at, patch.bytes.len() as u64);
    let moved = |at: u64| match at.checked_sub(from) {
        Some(behind) if behind < len => USUAL + behind,
        _ => at,
    };
    let mut changed = case.clone();
    for tic in ccws(case).iter().filter(|found| found.tic) {
        let ccw = Ccw {
            addr: ccw::Addr31::truncate(moved(tic.ccw.addr.get().into()) as u32),
            ..tic.ccw
        };
        if let Some(bytes) = encode(ccw, format(case)) {
            put(&mut changed, tic, bytes);
        }
    }
    changed.patches[n].at = USUAL + from % 8;
    if let Target::Word(start) = &mut changed.orb.start {
        let at = moved(u64::from(*start));
        *start = at as u32 + (from % 8) as u32 * u32::from(at != u64::from(*start));
    }
    Some(changed)
}

/// A doubleword of a patch that becomes zero.
fn zeros(case: &Case, n: usize) -> Option<Case> {
    let mut left = n;
    for (at, patch) in case.patches.iter().enumerate() {
        let words = patch.bytes.len().div_ceil(8);
        if left < words {
            let mut changed = case.clone();
            let bytes = &mut changed.patches[at].bytes;
            let end = (8 * left + 8).min(bytes.len());
            bytes[8 * left..end].fill(0);
            return Some(changed);
        }
        left -= words;
    }
    None
}
