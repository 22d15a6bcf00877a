// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What can be left out of what a case means.

use super::Step;
use crate::generator::{Amount, Answer, Case, Data, Guard, Index, Intent, Place, Recorded, Target};

/// The coarse ones first.
pub(super) const ALL: &[Step] = &[
    |case, n| {
        edit(case, n, case.segments.len(), |case, n| {
            remove_segment(case, n);
        })
    },
    |case, n| {
        edit(case, n, case.patches.len(), |case, n| {
            case.patches.remove(n);
        })
    },
    // Only the beginning of the script, then single answers.
    |case, n| {
        edit(case, n, case.script.len(), |case, n| {
            case.script.truncate(n)
        })
    },
    remove_ccw,
    |case, n| {
        edit(case, n, case.script.len(), |case, n| {
            case.script.remove(n);
        })
    },
    |case, n| {
        edit(case, n, case.memory.frames.len(), |case, n| {
            case.memory.frames.remove(n);
        })
    },
    |case, n| {
        edit(case, n, case.recorded.keys.len(), |case, n| {
            case.recorded.keys.remove(n);
        })
    },
    settings,
    orb,
    |case, n| each_ccw(case, n, 1, |ccw, _| no_list(ccw)),
    of_ccw_bits,
    |case, n| each_ccw(case, n, 3, |ccw, way| ccw.count = fewer(ccw.count, way)),
    |case, n| each_ccw(case, n, 1, |ccw, _| ccw.ignored = 0),
    |case, n| {
        each_ccw(case, n, 2, |ccw, way| {
            ccw.code = [ccw.code & 3, ccw.code & 0x0f][way]
        })
    },
    |case, n| each_ccw(case, n, 3, usual_address),
    |case, n| {
        edit(case, n, case.segments.len(), |case, n| {
            case.segments[n].at = USUAL
        })
    },
    answers,
    halves,
    |case, n| {
        edit(case, n, case.memory.frames.len(), |case, n| {
            let frame = &mut case.memory.frames[n];
            (frame.read_only, frame.key, frame.host) = (false, 0, frame.frame);
        })
    },
];

/// Where programs usually lie.
const USUAL: Place = Place {
    frame: 1,
    offset: 0,
};
/// And data.
const DATA: Place = Place {
    frame: 8,
    offset: 0,
};

/// `case` with a change at place `n` of `places`.
fn edit(
    case: &Case,
    n: usize,
    places: usize,
    change: impl FnOnce(&mut Case, usize),
) -> Option<Case> {
    (n < places).then(|| {
        let mut case = case.clone();
        change(&mut case, n);
        case
    })
}

/// The same for each CCW, in each of some `ways`.
fn each_ccw(
    case: &Case,
    n: usize,
    ways: usize,
    change: impl FnOnce(&mut Intent, usize),
) -> Option<Case> {
    let (at, way) = (n / ways, n % ways);
    let mut case = case.clone();
    let mut ccws = case
        .segments
        .iter_mut()
        .flat_map(|segment| &mut segment.ccws);
    change(ccws.nth(at)?, way);
    Some(case)
}

/// Half, one less, or one.
fn fewer(count: u16, way: usize) -> u16 {
    [count.min(1), count / 2, count.saturating_sub(1)][way]
}

/// Takes out a segment; what leads behind it goes on leading there.
fn remove_segment(case: &mut Case, n: usize) {
    case.segments.remove(n);
    let left = case.segments.len();
    let follow = |target: &mut Target| {
        if let Target::Ccw(index) = target {
            let segment = usize::from(index.segment) % (left + 1);
            if segment > n {
                index.segment = (segment - 1) as u8;
            }
        }
    };
    targets(case, follow);
}

/// Every place that a case goes to.
fn targets(case: &mut Case, mut change: impl FnMut(&mut Target)) {
    change(&mut case.orb.start);
    let ccws = case
        .segments
        .iter_mut()
        .flat_map(|segment| &mut segment.ccws);
    for ccw in ccws {
        if let Data::Go(target) = &mut ccw.data {
            change(target);
        }
    }
}

fn remove_ccw(case: &Case, n: usize) -> Option<Case> {
    let mut case = case.clone();
    let mut left = n;
    let segments = case.segments.len();
    for at in 0..segments {
        let ccws = &mut case.segments[at].ccws;
        if left >= ccws.len() {
            left -= ccws.len();
            continue;
        }
        ccws.remove(left);
        targets(&mut case, |target| {
            if let Target::Ccw(Index { segment, ccw }) = target
                && usize::from(*segment) % segments == at
                && usize::from(*ccw) > left
            {
                *ccw -= 1;
            }
        });
        return Some(case);
    }
    None
}

/// What surrounds the program.
fn settings(case: &Case, n: usize) -> Option<Case> {
    let changes: [fn(&mut Case); 10] = [
        |case| case.memory.guard = Guard::None,
        |case| case.terms.any_skips = false,
        |case| case.terms.refuse = false,
        |case| case.terms.concurrent_sense = false,
        |case| case.terms.device = 0,
        |case| case.recorded = Recorded::default(),
        |case| case.recorded.device = Vec::new(),
        |case| case.memory.linear = 0,
        |case| case.memory.linear = case.memory.linear.min(1),
        |case| case.memory.linear /= 2,
    ];
    edit(case, n, changes.len(), |case, n| changes[n](case))
}

/// The ORB: each bit of word 1, and the rest.
fn orb(case: &Case, n: usize) -> Option<Case> {
    edit(case, n, 36, |case, n| match n {
        0..32 => case.orb.word1 &= !(1 << n),
        32 => case.orb.intparm = 0,
        33 => case.orb.extension = Vec::new(),
        34 => case.orb.start = Target::Ccw(Index { segment: 0, ccw: 0 }),
        _ => drop(case.orb.extension.pop()),
    })
}

/// The data where the list began.
fn no_list(ccw: &mut Intent) {
    ccw.data = match &ccw.data {
        Data::List(list) => Data::At(list.first),
        Data::Midal(list) => Data::At(list.areas.first().map_or(DATA, |area| area.at)),
        other => other.clone(),
    };
}

fn of_ccw_bits(case: &Case, n: usize) -> Option<Case> {
    each_ccw(case, n, 8, |ccw, bit| ccw.flags &= !(1 << bit))
}

/// Data in the usual place, or where it was, on a boundary; lists without what is special.
fn usual_address(ccw: &mut Intent, way: usize) {
    match (&mut ccw.data, way) {
        (Data::At(place), 0) => *place = DATA,
        (Data::At(place), 1) => place.offset = 0,
        (Data::List(list), 0) => list.odd = None,
        (Data::List(list), 1) => list.at = None,
        (Data::List(list), _) => drop(list.blocks.pop()),
        (Data::Midal(list), 0) => list.odd = None,
        (Data::Midal(list), 1) => list.at = None,
        (Data::Midal(list), _) => drop(list.areas.pop()),
        (Data::Word(word), 0) => *word = 0,
        (Data::Go(target), 0) => *target = Target::Ccw(Index { segment: 0, ccw: 0 }),
        _ => {}
    }
}

/// Answers as usual devices give them.
fn answers(case: &Case, n: usize) -> Option<Case> {
    edit(case, n / 8, case.script.len(), |case, at| {
        let answer: &mut Answer = &mut case.script[at];
        match (n % 8, &mut answer.amount) {
            (0, _) => answer.later = 0,
            (1, _) => answer.sense = 0,
            (2, _) => answer.seed = 0,
            (3, amount) => *amount = Amount::Count(0),
            (4, _) => answer.status = 0x0c,
            (way, Amount::Bytes(len)) => *len = fewer(*len, way - 5),
            _ => {}
        }
    })
}

/// Half of a patch: the one, or the other.
fn halves(case: &Case, n: usize) -> Option<Case> {
    edit(case, n / 2, case.patches.len(), |case, at| {
        let patch = &mut case.patches[at];
        let half = patch.bytes.len() / 2;
        match n % 2 {
            0 => patch.bytes.truncate(half),
            _ => {
                patch.bytes.drain(..half);
                patch.at = patch.at.saturating_add(half as u64);
            }
        }
    })
}
