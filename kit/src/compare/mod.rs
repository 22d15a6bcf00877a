// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any number of implementations on the same machines, up to the first difference.
//!
//! Equal is what the architecture determines. Left out of each status is what it leaves open or does not
//! define: the residual count where it counts nothing, the CCW address where it names no CCW, PCI beside
//! a check, and whether the device end, or intermediate status, was shown by itself or with what came
//! next ([`Settled`]). Two implementations that differ as the software channel may differ from itself
//! ([`Left::Open`]) are not at fault, nor is one that differs about a program that changes itself while
//! the channel may prefetch it ([`Left::Prefetched`]).

mod counts;
mod difference;
mod settled;
mod shown;

use ccw::{Guest, Orb};

use crate::implementation::{Failure, Implementation, Ran, Reference, Report, reference};
use crate::machine::Machine;

pub use counts::Counts;
pub use difference::{Difference, FIELDS, Field};
pub use settled::Settled;
pub use shown::{text, without_report};

/// Implementations that are held against each other.
pub struct Comparison {
    implementations: Vec<Box<dyn Implementation>>,
    counts: Counts,
}

/// What came of one machine.
#[derive(Clone, Debug)]
pub enum Compared {
    /// Everybody who can run it says the same, as far as they tell.
    Same,
    /// Fewer than two can run it.
    Alone,
    /// They differ, and may.
    Left(Left),
    /// They differ.
    Differs(Box<Difference>),
    /// One has no report: its number, and why.
    Failed(usize, Failure),
}

/// Why a difference is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// Machines differ there: lists of input that is skipped are looked at, or not.
    Open,
    /// The program changes itself, and its ORB allows prefetching.
    Prefetched,
}

impl Left {
    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Open => "whether lists of input that is skipped are looked at is left open",
            Self::Prefetched => "the program changes itself, and may be prefetched",
        }
    }
}

impl Comparison {
    /// Of these.
    pub fn new(implementations: Vec<Box<dyn Implementation>>) -> Self {
        let names = implementations.iter().map(|it| it.name().to_owned());
        Self {
            counts: Counts::new(names.collect()),
            implementations,
        }
    }

    /// What implementation `n` is called.
    pub fn name(&self, n: usize) -> &str {
        self.implementations[n].name()
    }

    /// What was compared so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Runs the program of `machine` on all, and compares each with the first that can run it.
    pub fn run(&mut self, machine: &Machine) -> Compared {
        let compared = self.compare(machine);
        self.counts.count(&compared);
        compared
    }

    fn compare(&mut self, machine: &Machine) -> Compared {
        let mut base: Option<(usize, Report)> = None;
        let mut others = 0;
        for n in 0..self.implementations.len() {
            let report = match self.implementations[n]
                .run(machine)
                .and_then(|it| sane(it, machine))
            {
                Ok(report) => report,
                Err(failure) => return Compared::Failed(n, failure),
            };
            self.counts.report(n, &report);
            if matches!(report, Report::Unsupported(_)) {
                continue;
            }
            let Some((first, base)) = &base else {
                base = Some((n, report));
                continue;
            };
            others += 1;
            self.counts.pair(base, &report);
            let fields = difference::fields(base, &report);
            if fields.iter().any(Field::differs) {
                if let Some(left) = left(machine, base, &report) {
                    return Compared::Left(left);
                }
                let names = [*first, n].map(|n| self.implementations[n].name().to_owned());
                return Compared::Differs(Box::new(Difference::new(
                    machine, names, base, &report, fields,
                )));
            }
        }
        match others {
            0 => Compared::Alone,
            _ => Compared::Same,
        }
    }
}

/// `report`, unless it tells of storage that does not exist.
fn sane(report: Report, machine: &Machine) -> Result<Report, Failure> {
    let stored = match &report {
        Report::Ran(Ran { stored, .. }) => stored.as_ref(),
        Report::Unsupported(_) | Report::OperandException => None,
    };
    let last = stored.and_then(|stored| stored.last_key_value());
    match last {
        Some((&at, _)) if at >= machine.file.size => Err(Failure(format!(
            "told of a byte that was stored at {at:#x}, where there is no storage"
        ))),
        _ => Ok(report.normal(machine)),
    }
}

impl Report {
    /// The same without bytes that are as they were.
    fn normal(mut self, machine: &Machine) -> Self {
        if let Self::Ran(Ran {
            stored: Some(stored),
            ..
        }) = &mut self
        {
            let mut ranges: Vec<_> = machine.file.ranges.iter().collect();
            ranges.sort_unstable_by_key(|(start, _)| *start);
            stored.retain(|at, byte| {
                let behind = ranges.partition_point(|(start, _)| start <= at);
                let put = ranges[..behind].last().and_then(|(start, bytes)| {
                    let offset = usize::try_from(at - start).ok()?;
                    bytes.get(offset)
                });
                put.unwrap_or(&machine.file.fill) != byte
            });
        }
        self
    }
}

/// Why these two may differ, if they may.
fn left(machine: &Machine, one: &Report, other: &Report) -> Option<Left> {
    let ways = [false, true].map(|examine_skipped| {
        let report = Reference { examine_skipped }.run(machine);
        report.map(|it| it.normal(machine))
    });
    let as_some_way = |report: &Report| {
        let same = |way: &Report| !difference::fields(way, report).iter().any(Field::differs);
        ways.iter().flatten().any(same)
    };
    if as_some_way(one) && as_some_way(other) {
        return Some(Left::Open);
    }
    let prefetch = Orb::<Guest>::decode(&machine.file.orb).prefetch;
    let mut device = machine.scripted();
    let changes_itself =
        prefetch && reference::execute(machine, &mut device, reference::STEPS).changes_itself();
    changes_itself.then_some(Left::Prefetched)
}
