// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any sequence of pins, unpins and withdrawals behaves like a list of programs and a list of
//! ranges.

use std::ops::Range;

use ccw::{GuestAddr, HostAddr};
use pinning::{
    Access, Budget, Extent, InFlight, InvalidateError, Limit, MAX_WITHDRAWALS, Permission,
    PinError, Pinner, PlainPinner, Region, RegionMap, Run, Runs,
};
use proptest::{collection::vec, prelude::*, sample::Index};

const PAGE: u64 = 4096;
/// First guest page, pages, first host page, whether a device may store there. Pages 0 to 9 have
/// no hole, and 4 to 9 none on the host either; 12 to 13 share host pages with 0 and 1.
const REGIONS: [(u64, u64, u64, bool); 4] = [
    (0, 4, 40, true),
    (4, 3, 60, true),
    (7, 3, 63, false),
    (12, 2, 40, true),
];
const BUDGET: Budget = Budget {
    programs: 5,
    extents: 4,
    bytes: 5 * PAGE,
    total_extents: 12,
    total_bytes: 14 * PAGE,
};

#[derive(Clone, Debug)]
enum Op {
    Pin(Vec<Extent>),
    Unpin(Index),
    Quarantine(Index),
    ReleaseQuarantined,
    Begin(Range<u64>),
    /// Ends one that was begun, if any, else one that was not.
    End(Index, bool),
    Look(Range<u64>),
}

fn an_extent() -> impl Strategy<Value = Extent> {
    let start = (0..15_u64, prop_oneof![Just(0), 0..PAGE]);
    let pages = prop_oneof![3 => Just(1_u32), 1 => Just(2), 1 => Just(0)];
    let len = (pages, prop_oneof![Just(0_u32), 0..200_u32]);
    (start, len, any::<bool>()).prop_map(|((page, byte), (pages, bytes), stores)| Extent {
        start: GuestAddr::new(page * PAGE + byte),
        len: pages * 4096 + bytes,
        access: match stores {
            true => Access::DeviceWrites,
            false => Access::DeviceReads,
        },
    })
}

fn a_range() -> impl Strategy<Value = Range<u64>> {
    (0..15_u64, 1..4_u64).prop_map(|(page, pages)| page * PAGE..(page + pages) * PAGE)
}

fn an_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => vec(an_extent(), 0..6).prop_map(Op::Pin),
        4 => any::<Index>().prop_map(Op::Unpin),
        1 => any::<Index>().prop_map(Op::Quarantine),
        1 => Just(Op::ReleaseQuarantined),
        2 => a_range().prop_map(Op::Begin),
        3 => (any::<Index>(), any::<bool>()).prop_map(|(i, mapped)| Op::End(i, mapped)),
        4 => a_range().prop_map(Op::Look),
    ]
}

/// Guest bytes of an extent.
fn bytes_of(extent: &Extent) -> Range<u64> {
    let start = extent.start.get();
    start..start + u64::from(extent.len)
}

fn overlap(a: &Range<u64>, b: &Range<u64>) -> bool {
    a.start < b.end && b.start < a.end
}

fn guest(range: &Range<u64>) -> Range<GuestAddr> {
    GuestAddr::new(range.start)..GuestAddr::new(range.end)
}

/// Host address of one guest byte, and whether a device may store there.
fn byte_at(guest: u64) -> Option<(u64, bool)> {
    let page = guest / PAGE;
    REGIONS.iter().find_map(|&(first, pages, host, writable)| {
        let inside = first <= page && page < first + pages;
        inside.then(|| ((host + page - first) * PAGE + guest % PAGE, writable))
    })
}

/// The runs of the extents, or the error of the first one that has none.
fn translate(extents: &[Extent]) -> Result<Vec<Run>, PinError> {
    let mut runs: Vec<Run> = Vec::new();
    for (index, extent) in extents.iter().enumerate() {
        if byte_at(extent.start.get()).is_some() && extent.len == 0 {
            return Err(PinError::BadExtent { index });
        }
        let bytes = bytes_of(extent);
        let mut at = bytes.start;
        while at < bytes.end || at == bytes.start {
            let here = GuestAddr::new(at);
            let Some((host, writable)) = byte_at(at) else {
                // An empty extent is wrong wherever it lies.
                return Err(match extent.len {
                    0 => PinError::BadExtent { index },
                    _ => PinError::NotMapped { at: here },
                });
            };
            if extent.access == Access::DeviceWrites && !writable {
                return Err(PinError::Permission { at: here });
            }
            let len = (PAGE - at % PAGE).min(bytes.end - at);
            match runs.last_mut() {
                Some(last)
                    if at != bytes.start && last.host.get() + u64::from(last.len) == host =>
                {
                    last.len += u32::try_from(len).unwrap();
                }
                _ => runs.push(Run {
                    host: HostAddr::new(host),
                    len: u32::try_from(len).unwrap(),
                }),
            }
            at += len;
        }
    }
    Ok(runs)
}

#[derive(Default)]
struct Model {
    live: Vec<(InFlight, Vec<Extent>)>,
    quarantined: Vec<Vec<Extent>>,
    leaving: Vec<Range<u64>>,
    gone: Vec<Range<u64>>,
}

impl Model {
    fn held(&self) -> impl Iterator<Item = &Extent> {
        let live = self.live.iter().map(|(_, extents)| extents);
        live.chain(&self.quarantined).flatten()
    }

    /// What a pin must answer: any one of these, or `Ok` with exactly these runs.
    fn expect(&self, extents: &[Extent]) -> Result<Vec<Run>, Vec<PinError>> {
        let limit = |limit| Err(vec![PinError::Limit(limit)]);
        if extents.len() > 4 {
            return limit(Limit::Extents);
        }
        if self.live.len() + self.quarantined.len() == 5 {
            return limit(Limit::Programs);
        }
        for extent in extents {
            let at = extent.start;
            let touches =
                |range: &&Range<u64>| extent.len != 0 && overlap(range, &bytes_of(extent));
            let leaving = self.leaving.iter().filter(touches);
            let gone = self.gone.iter().filter(touches);
            let errors: Vec<_> = leaving
                .map(|_| PinError::Busy { at })
                .chain(gone.map(|_| PinError::NotMapped { at }))
                .collect();
            if !errors.is_empty() {
                return Err(errors);
            }
        }
        let sum = |extents: &mut dyn Iterator<Item = &Extent>| -> u64 {
            extents.map(|extent| u64::from(extent.len)).sum()
        };
        let bytes = sum(&mut extents.iter());
        if bytes > BUDGET.bytes {
            return limit(Limit::Bytes);
        }
        if self.held().count() + extents.len() > 12 {
            return limit(Limit::TotalExtents);
        }
        if sum(&mut self.held()) + bytes > BUDGET.total_bytes {
            return limit(Limit::TotalBytes);
        }
        translate(extents).map_err(|error| vec![error])
    }
}

fn run_op(pinner: &PlainPinner, model: &mut Model, runs: &mut Runs, op: Op) {
    match op {
        Op::Pin(extents) => {
            let expected = model.expect(&extents);
            match (pinner.pin(&extents, runs), expected) {
                (Ok(token), Ok(expected)) => {
                    assert_eq!(runs.as_slice(), expected);
                    model.live.push((token, extents));
                }
                (Err(error), Err(allowed)) => {
                    assert!(allowed.contains(&error), "{error:?} is not {allowed:?}");
                    assert!(runs.as_slice().is_empty());
                }
                (found, expected) => panic!("{found:?} instead of {expected:?}"),
            }
        }
        Op::Unpin(_) | Op::Quarantine(_) if model.live.is_empty() => {}
        Op::Unpin(index) => {
            let (token, _) = model.live.swap_remove(index.index(model.live.len()));
            pinner.unpin(token);
        }
        Op::Quarantine(index) => {
            let (token, extents) = model.live.swap_remove(index.index(model.live.len()));
            pinner.quarantine(token);
            model.quarantined.push(extents);
        }
        Op::ReleaseQuarantined => {
            let released = pinner.ledger().release_quarantined();
            assert_eq!(released, model.quarantined.len());
            model.quarantined.clear();
        }
        Op::Begin(range) => {
            let full = model.leaving.len() + model.gone.len() == MAX_WITHDRAWALS;
            let expected = match full {
                true => Err(InvalidateError::TooManyRanges),
                false => Ok(()),
            };
            assert_eq!(pinner.begin_invalidate(guest(&range)), expected);
            if !full {
                model.leaving.push(range);
            }
        }
        Op::End(_, mapped) if model.leaving.is_empty() => {
            pinner.end_invalidate(guest(&(0..PAGE)), mapped);
        }
        Op::End(index, mapped) => {
            let range = model.leaving.swap_remove(index.index(model.leaving.len()));
            pinner.end_invalidate(guest(&range), mapped);
            model.gone.retain(|gone| *gone != range);
            if !mapped {
                model.gone.push(range);
            }
        }
        Op::Look(range) => {
            let held = model
                .held()
                .any(|extent| overlap(&range, &bytes_of(extent)));
            assert_eq!(pinner.quiesced(guest(&range)), !held, "{range:x?}");
        }
    }
    let ledger = pinner.ledger();
    assert_eq!(ledger.quarantined(), model.quarantined.len());
    let in_flight = model.live.len() + model.quarantined.len();
    assert_eq!(ledger.in_flight(), in_flight);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pins_and_withdrawals_behave_like_lists(ops in vec(an_op(), 1..80)) {
        let regions = REGIONS.map(|(first, pages, host, writable)| Region {
            guest: GuestAddr::new(first * PAGE),
            len: pages * PAGE,
            host: HostAddr::new(host * PAGE),
            permission: match writable {
                true => Permission::ReadWrite,
                false => Permission::ReadOnly,
            },
        });
        let pinner = PlainPinner::new(RegionMap::new(&regions).unwrap(), BUDGET);
        let mut model = Model::default();
        let mut runs = Runs::new();
        for op in ops {
            run_op(&pinner, &mut model, &mut runs, op);
        }
        for (token, _) in model.live.drain(..) {
            pinner.unpin(token);
        }
        pinner.ledger().release_quarantined();
        prop_assert!(pinner.quiesced(guest(&(0..u64::MAX))));
    }
}
