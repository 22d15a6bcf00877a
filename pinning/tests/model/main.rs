// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any sequence of pins, unpins, regions that come and ranges that go, with system calls that fail,
//! behaves like a list of programs, a list of pages and a list of ranges: for each back end.

mod subject;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use ccw::{GuestAddr, HostAddr};
use pinning::{
    Access, AddError, AddrSpace, Budget, Errno, Extent, InFlight, InvalidateError, Limit,
    MAX_WITHDRAWALS, PinError, RegionError, Run, Runs,
};
use proptest::{collection::vec, prelude::*, sample::Index};

use subject::{Hosted, Plain, Subject};

const PAGE: u64 = 4096;
/// First guest page, pages, first host page, whether a device may store there. Pages 0 to 9 have
/// no hole, and 4 to 9 none on a host that takes the numbers as they are either; 12 to 13 share host
/// pages with 0 and 1.
const REGIONS: [(u64, u64, u64, bool); 4] = [
    (0, 4, 40, true),
    (4, 3, 60, true),
    (7, 3, 63, false),
    (12, 2, 40, true),
];
/// Guest pages that the model knows; there is nothing behind them.
const PAGES: usize = 16;
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
    Add(usize),
    Begin(Range<u64>),
    /// Ends one that was begun, if any, else one that was not.
    End(Index, bool),
    Look(Range<u64>),
    /// Lets the system call fail that comes after so many others.
    Fault(usize),
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

/// Whole pages, but for a few.
fn a_range() -> impl Strategy<Value = Range<u64>> {
    let bytes = prop_oneof![9 => Just(0), 1 => 0..PAGE];
    (0..15_u64, 1..4_u64, bytes.clone(), bytes).prop_map(|(page, pages, before, behind)| {
        page * PAGE + before..(page + pages) * PAGE + behind
    })
}

fn an_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => vec(an_extent(), 0..6).prop_map(Op::Pin),
        4 => any::<Index>().prop_map(Op::Unpin),
        1 => any::<Index>().prop_map(Op::Quarantine),
        1 => Just(Op::ReleaseQuarantined),
        3 => (0..REGIONS.len()).prop_map(Op::Add),
        2 => a_range().prop_map(Op::Begin),
        3 => (any::<Index>(), any::<bool>()).prop_map(|(i, mapped)| Op::End(i, mapped)),
        4 => a_range().prop_map(Op::Look),
        1 => (0..4_usize).prop_map(Op::Fault),
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

/// The numbers of the pages that an extent touches.
fn pages_of(extent: &Extent) -> Range<usize> {
    let bytes = bytes_of(extent);
    let page = |at: u64| usize::try_from(at / PAGE).unwrap();
    page(bytes.start)..page(bytes.end.saturating_sub(1).max(bytes.start)) + 1
}

/// A page of the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Page {
    host: u64,
    writable: bool,
    /// Which addition of a region it comes from.
    added: usize,
}

/// A program in flight, and the pages that it got.
struct Program {
    extents: Vec<Extent>,
    pages: BTreeSet<(usize, Page)>,
}

/// What must be so, in the plainest terms.
#[derive(Default)]
struct Model {
    pages: [Option<Page>; PAGES],
    live: Vec<(InFlight, Program)>,
    quarantined: Vec<Program>,
    /// Ranges that are being withdrawn; some may be equal.
    leaving: Vec<Range<u64>>,
    /// Ranges that are withdrawn without being taken from the pages.
    gone: Vec<Range<u64>>,
    additions: usize,
}

impl Model {
    /// The programs that hold something.
    fn programs(&self) -> impl Iterator<Item = &Program> {
        let live = self.live.iter().map(|(_, program)| program);
        live.chain(&self.quarantined)
    }

    fn held(&self) -> impl Iterator<Item = &Extent> {
        self.programs().flat_map(|program| &program.extents)
    }

    /// Pages that have to be kept: those of regions, and those that programs hold.
    fn must_be_kept(&self, adds_up: bool) -> u64 {
        let mapped = self.pages.iter().enumerate();
        let mapped = mapped.filter_map(|(number, page)| Some((number, (*page)?)));
        let held = self.programs().flat_map(|program| &program.pages);
        let all = mapped.chain(held.copied());
        let all = all.map(|(number, page)| match adds_up {
            true => (number, page),
            false => (number, Page { added: 0, ..page }),
        });
        all.collect::<BTreeSet<_>>().len() as u64
    }

    fn mapped(&self) -> u64 {
        self.pages.iter().flatten().count() as u64
    }

    fn page_at(&self, at: u64) -> Option<Page> {
        let page = usize::try_from(at / PAGE).unwrap();
        self.pages.get(page).copied().flatten()
    }

    /// The runs of the extents, or the error of the first one that has none.
    fn translate(&self, extents: &[Extent]) -> Result<Vec<Run>, PinError> {
        let mut runs: Vec<Run> = Vec::new();
        for (index, extent) in extents.iter().enumerate() {
            if extent.len == 0 {
                // Wrong wherever it lies.
                return Err(PinError::BadExtent { index });
            }
            let bytes = bytes_of(extent);
            let mut at = bytes.start;
            while at < bytes.end {
                let here = GuestAddr::new(at);
                let page = self.page_at(at).ok_or(PinError::NotMapped { at: here })?;
                if !page.writable && extent.access == Access::DeviceWrites {
                    return Err(PinError::Permission { at: here });
                }
                let len = (PAGE - at % PAGE).min(bytes.end - at);
                let host = page.host + at % PAGE;
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
        self.translate(extents).map_err(|error| vec![error])
    }

    /// What a program with these extents holds.
    fn program(&self, extents: Vec<Extent>) -> Program {
        let touched = extents.iter().flat_map(pages_of);
        let pages = touched.map(|number| (number, self.pages[number].unwrap()));
        let pages = pages.collect();
        Program { extents, pages }
    }

    /// The pages of a new region are there.
    fn add(&mut self, region: usize, hosts: &[u64]) {
        let (first, _, _, writable) = REGIONS[region];
        self.additions += 1;
        for (number, &host) in (usize::try_from(first).unwrap()..).zip(hosts) {
            self.pages[number] = Some(Page {
                host,
                writable,
                added: self.additions,
            });
        }
    }
}

fn run_op<S: Subject>(subject: &S, model: &mut Model, runs: &mut Runs, op: Op) {
    match op {
        Op::Pin(extents) => {
            let expected = model.expect(&extents);
            match (subject.pin(&extents, runs), expected) {
                (Ok(token), Ok(expected)) => {
                    assert_eq!(runs.as_slice(), expected);
                    let program = model.program(extents);
                    model.live.push((token, program));
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
            subject.unpin(token);
        }
        Op::Quarantine(index) => {
            let (token, program) = model.live.swap_remove(index.index(model.live.len()));
            subject.quarantine(token);
            model.quarantined.push(program);
        }
        Op::ReleaseQuarantined => {
            let released = subject.ledger().release_quarantined();
            assert_eq!(released, model.quarantined.len());
            model.quarantined.clear();
            subject.settle();
        }
        Op::Add(_) if !subject.is_dynamic() => {}
        Op::Add(region) => add(subject, model, region),
        Op::Begin(range) => {
            let full = model.leaving.len() + model.gone.len() == MAX_WITHDRAWALS;
            let expected = match full {
                true => Err(InvalidateError::TooManyRanges),
                false => Ok(()),
            };
            assert_eq!(subject.begin_invalidate(guest(&range)), expected);
            if !full {
                model.leaving.push(range);
            }
        }
        Op::End(_, mapped) if model.leaving.is_empty() => {
            subject.end_invalidate(guest(&(0..PAGE)), mapped);
        }
        Op::End(index, mapped) => {
            let range = model.leaving.swap_remove(index.index(model.leaving.len()));
            subject.end_invalidate(guest(&range), mapped);
            model.gone.retain(|gone| *gone != range);
            if !mapped && subject.is_dynamic() {
                for (number, page) in (0..).zip(&mut model.pages) {
                    if range.start <= number * PAGE && (number + 1) * PAGE <= range.end {
                        *page = None;
                    }
                }
            }
            let is_whole = (range.start | range.end).is_multiple_of(PAGE);
            let is_cut_out = subject.is_dynamic() && is_whole;
            if !mapped && !is_cut_out {
                model.gone.push(range);
            }
        }
        Op::Look(range) => {
            let held = model
                .held()
                .any(|extent| overlap(&range, &bytes_of(extent)));
            assert_eq!(subject.quiesced(guest(&range)), !held, "{range:x?}");
        }
        Op::Fault(skip) => subject.faults().fail(skip, Errno::ENOMEM),
    }
    let ledger = subject.ledger();
    assert_eq!(ledger.quarantined(), model.quarantined.len());
    let in_flight = model.live.len() + model.quarantined.len();
    assert_eq!(ledger.in_flight(), in_flight);
}

fn add<S: Subject>(subject: &S, model: &mut Model, region: usize) {
    let (first, pages, _, _) = REGIONS[region];
    let first = usize::try_from(first).unwrap();
    let mut wanted = model.pages.iter().skip(first);
    let wanted = wanted.by_ref().take(usize::try_from(pages).unwrap());
    let is_free = wanted.flatten().next().is_none();
    let before = S::kept();
    match subject.add(region) {
        Ok(hosts) => {
            assert!(is_free, "two regions at one place");
            model.add(region, &hosts);
        }
        Err(AddError::Region(error)) => {
            assert!(matches!(error, RegionError::Overlap { .. }) && !is_free);
        }
        // A system call that was told to fail: what was kept for this goes again, unless that fails.
        Err(AddError::Keep { .. }) => assert!(is_free && S::kept() <= before),
        Err(error) => panic!("{error}"),
    }
}

/// One after another: they look at what the process holds.
static ALONE: Mutex<()> = Mutex::new(());

fn files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Goes through `ops`; false if the subject does not exist here.
fn check<S: Subject>(make: impl FnOnce() -> Option<S>, ops: Vec<Op>) -> bool {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (base, open) = (S::kept(), files());
    let Some(subject) = make() else { return false };
    let mut model = Model::default();
    for region in 0..REGIONS.len() {
        model.add(region, &subject.add(region).unwrap());
    }
    let mut runs = Runs::new();
    let has_kept = subject.is_dynamic();
    for op in ops {
        run_op(&subject, &mut model, &mut runs, op);
        let kept = S::kept() - base;
        let must = model.must_be_kept(S::ADDS_UP);
        assert!(!has_kept || kept >= must, "{kept} pages of {must} are kept");
    }
    for (token, _) in model.live.drain(..) {
        subject.unpin(token);
    }
    subject.ledger().release_quarantined();
    assert!(subject.quiesced(guest(&(0..u64::MAX))));
    subject.faults().heal();
    assert_eq!(subject.settle(), 0);
    assert!(!has_kept || S::kept() - base == model.mapped());
    drop(subject);
    assert_eq!((S::kept(), files()), (base, open));
    true
}

fn left_out(what: &str) {
    let text = format!("LEFT OUT: {what} against a model: there is none here\n");
    io::stderr().write_all(text.as_bytes()).unwrap();
}

macro_rules! like_lists {
    ($($name:ident: $make:expr;)*) => { $(
        #[test]
        fn $name() {
            let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
            let is_there = ($make)().is_some();
            drop(alone);
            if !is_there {
                return left_out(stringify!($name));
            }
            let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
            proptest!(config, |(ops in vec(an_op(), 1..80))| {
                prop_assert!(check($make, ops));
            });
        }
    )* };
}

like_lists! {
    plain: || Some(Plain::new());
    locked: || Some(Hosted::locked());
    io_uring_with_virtual_addresses: || Hosted::uring(AddrSpace::Virtual);
    io_uring_with_physical_addresses: || Hosted::uring(AddrSpace::HostPhys);
}
