// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The features that a program has.

use std::collections::BTreeMap;

use ccw::{CcwFlags, Class, Command, DeviceClass, Guest, Orb, SubchannelStatus};
use translator::{Code, Outcome, Program, Severity, Step};

use super::copy::{Copied, copy};
use super::feature::Feature;
use crate::input::Input;
use crate::undecided;

/// A feature, where a program has it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Which.
    pub(crate) feature: Feature,
    /// Address of the CCW; none for what the ORB says.
    pub(crate) ccw: Option<u64>,
    /// Whether only a skip leads there.
    pub(crate) possible: bool,
}

/// What a program has.
pub(crate) struct Features {
    /// What is known before a CCW is fetched.
    pub(crate) orb: Vec<Found>,
    /// What becomes of a copy.
    pub(crate) copied: Copied,
    /// What CCWs have, in the order in which they are read.
    pub(crate) ccws: Vec<Found>,
    /// The verdict.
    pub(crate) outcome: Outcome,
    /// The status of a machine that ends the program, and its CCW address.
    pub(crate) end: Option<(SubchannelStatus, u32)>,
}

impl Features {
    /// Those of `program`, which is that of `input`.
    pub(crate) fn of(input: &Input, program: &Program) -> Self {
        let orb = program.orb();
        let outcome = undecided::outcome(input, program);
        let invalid = outcome == Outcome::Invalid;
        let mut all = Places::default();
        let mut head = Command::NOP;
        for step in program.steps() {
            if !step.in_data_chain && !step.tic {
                head = step.ccw.command;
            }
            of_ccw(&step, orb, head, &mut all);
        }
        for finding in program.findings() {
            let feature = match finding.code {
                Code::EnvOverlap => Feature::ReadsItself,
                Code::EnvLoop => Feature::EndlessLoop,
                _ => continue,
            };
            let ccw = finding.site.ccw.map(ccw::GuestAddr::get);
            all.add(feature, finding.site.index.unwrap_or(0), ccw, false);
        }
        let errors = program.findings().iter();
        let error = errors
            .filter(|_| invalid)
            .find(|finding| finding.severity == Severity::Error);
        let mut heads = of_orb(orb, input.device_class());
        if let Some(error) = error {
            let feature = Feature::Finds(error.code);
            let ccw = error.site.ccw.map(ccw::GuestAddr::get);
            // The first CCW may be none that can be read.
            match error.site.index.or(ccw.map(|_| 0)) {
                Some(index) => {
                    // Nothing comes behind it.
                    all.0.retain(|_, (at, _)| *at <= index);
                    all.add(feature, index, ccw, false);
                }
                None => heads.push(Found {
                    feature,
                    ccw,
                    possible: false,
                }),
            }
        }
        let copied = match orb.transport {
            true => Copied::Whole,
            false => copy(input, orb),
        };
        Self {
            orb: heads,
            copied,
            ccws: all.in_order(),
            outcome,
            end: program
                .scsw()
                .filter(|_| invalid)
                .map(|scsw| (scsw.subchannel, scsw.cpa)),
        }
    }
}

/// Where each feature was met first.
#[derive(Default)]
struct Places(BTreeMap<Feature, (u16, Found)>);

impl Places {
    fn add(&mut self, feature: Feature, index: u16, ccw: Option<u64>, possible: bool) {
        let found = Found {
            feature,
            ccw,
            possible,
        };
        let (at, before) = self.0.entry(feature).or_insert((index, found));
        if index < *at {
            (*at, *before) = (index, found);
        }
    }

    /// In the order of CCWs; of one CCW the condition comes last.
    fn in_order(self) -> Vec<Found> {
        let mut all: Vec<_> = self.0.into_values().collect();
        all.sort_by_key(|(index, found)| (*index, found.feature));
        all.into_iter().map(|(_, found)| found).collect()
    }
}

fn of_orb(orb: &Orb<Guest>, class: DeviceClass) -> Vec<Found> {
    let device = match class {
        DeviceClass::Unknown => None,
        DeviceClass::Virtio => Some(Feature::VirtioDevice),
        DeviceClass::Terminal => Some(Feature::DisplayDevice),
        _ => Some(Feature::OtherDevice),
    };
    let command_mode = !orb.transport;
    let all = [
        (orb.transport, Feature::Transport),
        (command_mode && orb.midaw, Feature::MidawOrb),
        (command_mode && orb.extension, Feature::Extension),
        (command_mode && orb.limit_check, Feature::LimitCheck),
        (orb.key != 0, Feature::Key),
        (command_mode && !orb.prefetch, Feature::NoPrefetch),
        (
            command_mode && orb.format == ccw::Format::Zero,
            Feature::Format0,
        ),
    ];
    let has = all.iter().filter(|(has, _)| *has);
    has.map(|(_, feature)| *feature)
        .chain(device)
        .map(|feature| Found {
            feature,
            ccw: None,
            possible: false,
        })
        .collect()
}

fn of_ccw(step: &Step<'_>, orb: &Orb<Guest>, head: Command, all: &mut Places) {
    if step.raw.is_none() {
        return;
    }
    let at = step.at.get();
    let (ccw, flags) = (step.ccw, step.ccw.flags);
    let addr = u64::from(ccw.addr.get());
    let mut add = |has: bool, feature| {
        if has {
            all.add(feature, step.index, Some(at), step.possible);
        }
    };
    add(at == 0, Feature::CcwAtZero);
    if step.tic {
        add(step.index == 0, Feature::TicFirst);
        add(addr <= at, Feature::BackwardTic);
        return;
    }
    let listed = flags.contains(CcwFlags::INDIRECT);
    let midaws = flags.contains(CcwFlags::MODIFIED_INDIRECT);
    let backward = head.class() == Class::ReadBackward && ccw.count > 0;
    let below = u64::from(ccw.count) > addr % 4096 + 1;
    let checked = ccw.count > 0 && !flags.contains(CcwFlags::SUPPRESS_LENGTH);
    add(ccw.chains_data(), Feature::DataChaining);
    add(flags.contains(CcwFlags::SKIP), Feature::Skip);
    add(flags.contains(CcwFlags::PCI), Feature::Pci);
    add(checked && head != Command::NOP, Feature::LengthChecked);
    add(listed && !orb.format2_idaws, Feature::ShortIdaws);
    add(listed && step.list.len() > 1, Feature::SeveralIdaws);
    add(midaws, Feature::Midaws);
    add(
        backward && !listed && !midaws && below,
        Feature::BackwardPages,
    );
    add(backward && listed, Feature::BackwardList);
    add(
        orb.suspend && flags.contains(CcwFlags::SUSPEND),
        Feature::Suspends,
    );
}
