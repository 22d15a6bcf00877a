// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How likely something found is a program, and why.

use std::collections::HashSet;

use ccw::{Command, DeviceClass, Format, RawOrb};
use serde::Serialize;
use translator::{Code, Outcome, Program, Severity};

use super::candidates::Candidate;
use super::filter::ORB_WORDS;
use crate::input::Input;
use crate::memory::Memory;
use crate::{analysis, json, undecided};

/// CCWs at least of a program without an ORB: two that fit together stand in every machine code.
const CCWS_ALONE: usize = 3;

/// CCWs of a program that are judged to rank it; what one has to say is said by then.
const CCWS_JUDGED: u16 = 256;

/// What a warning takes away: what nobody writes is no program.
const WARNING: i32 = -30;

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
    is_orb: bool,
    points: i32,
    /// The first is 1.
    rank: usize,
    /// Of how many.
    of: usize,
    why: Vec<String>,
    /// Addresses of its CCWs, to know again what is a part of it.
    ccws: Vec<u64>,
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
    /// What `candidate` is, judged as the program of an ORB; none if there is nothing to it.
    pub(super) fn of(candidate: &Candidate, memory: &Memory) -> Option<Self> {
        let found = Self::judged(candidate, memory)?;
        // Without an ORB nobody says which IDAWs are meant.
        let Some(raw) = other_idaws(candidate).filter(|_| found.lists(memory)) else {
            return Some(found);
        };
        let other = Self::judged(&Candidate { raw, ..*candidate }, memory);
        other
            .filter(|other| other.points > found.points)
            .or(Some(found))
    }

    fn judged(candidate: &Candidate, memory: &Memory) -> Option<Self> {
        let input = Input {
            orb: candidate.raw,
            memory: memory.clone(),
            ..Input::default()
        };
        let program = analysis::judge_within(&input, CCWS_JUDGED);
        let mut found = Self {
            at: candidate.at,
            raw: candidate.raw,
            is_orb: candidate.is_orb,
            points: 0,
            rank: 0,
            of: 0,
            why: Vec::new(),
            ccws: program.steps().map(|step| step.at.get()).collect(),
        };
        found.verdict(&input, &program)?;
        found.remarks(&program)?;
        found.commands(&program);
        found.orb(memory);
        Some(found)
    }

    fn add(&mut self, points: i32, why: impl Into<String>) {
        self.points += points;
        self.why.push(why.into());
    }

    /// What the rules say.
    fn verdict(&mut self, input: &Input, program: &Program) -> Option<()> {
        let steps = program.steps().filter(|step| step.raw.is_some()).count();
        let what = if program.transport().is_some() {
            let commands = program.transport()?.commands().count();
            format!("{commands} commands of transport mode")
        } else {
            count(steps, "CCW")
        };
        match undecided::outcome(input, program) {
            _ if program
                .findings()
                .iter()
                .any(|it| it.code == Code::EnvTooLong && it.severity == Severity::Error) =>
            {
                self.add(
                    30,
                    format!("more than {CCWS_JUDGED} CCWs, no error in these"),
                );
            }
            Outcome::Valid => self.add(50, format!("legal, {what}")),
            Outcome::Indeterminate => self.add(30, format!("undecided, {what}")),
            Outcome::Invalid => {
                let first = program
                    .findings()
                    .iter()
                    .find(|finding| finding.code.check() != translator::Check::None)?;
                // An error in the first CCW says that this is no program, and without an ORB any does.
                first.site.index.filter(|&index| index > 0 && self.is_orb)?;
                self.add(0, format!("illegal ({}), {what}", first.code.id()));
            }
        }
        if !self.is_orb && steps < CCWS_ALONE {
            return None;
        }
        let steps = i32::try_from(steps.min(8)).unwrap_or_default();
        self.points += 4 * steps;
        Some(())
    }

    /// What is legal, and written by nobody.
    fn remarks(&mut self, program: &Program) -> Option<()> {
        let findings = program.findings().iter();
        let odd = findings
            .filter(|it| it.severity == Severity::Warning)
            .count();
        if odd > 0 {
            // Of what has no ORB there is then too little that speaks for it.
            let odd = self.is_orb.then_some(odd)?;
            self.add(
                i32::try_from(odd.min(4)).map_or(0, |odd| WARNING * odd),
                count(odd, "warning"),
            );
        }
        Some(())
    }

    /// Whose commands these are.
    fn commands(&mut self, program: &Program) {
        const CLASSES: [DeviceClass; 7] = [
            DeviceClass::Eckd,
            DeviceClass::Fba,
            DeviceClass::Tape,
            DeviceClass::Terminal,
            DeviceClass::UnitRecord,
            DeviceClass::Ctc,
            DeviceClass::Virtio,
        ];
        let commands: Vec<Command> = program
            .steps()
            .filter(|step| !step.tic && !step.in_data_chain && step.raw.is_some())
            .map(|step| step.ccw.command)
            .collect();
        let known = |class: &DeviceClass| {
            let known = commands
                .iter()
                .filter(|command| is_known(**command, *class));
            known.count()
        };
        let class = CLASSES.into_iter().rev().max_by_key(known);
        if let Some(class) = class.filter(|_| !commands.is_empty()) {
            let known = known(&class);
            let share = i32::try_from(30 * known / commands.len()).unwrap_or_default();
            let kind = crate::verbs::show::kind(class);
            if known == commands.len() {
                self.add(share, format!("all commands are known to a {kind}"));
            } else if known > 0 {
                let all = commands.len();
                self.add(
                    share,
                    format!("{known} of {all} commands are known to a {kind}"),
                );
            }
        }
        let lists = program.steps().filter(|step| !step.list.is_empty()).count();
        if lists > 0 {
            self.add(10, count(lists, "list"));
        }
    }

    /// What the ORB looks like.
    fn orb(&mut self, memory: &Memory) {
        if !self.is_orb {
            let control = self.raw.word(1);
            self.add(
                -30,
                format!("no ORB, so one was made with {control:08x} for word 1"),
            );
            return;
        }
        if self.raw.0.iter().skip(ORB_WORDS).all(|byte| *byte == 0) {
            self.add(15, "words 3-7 are zero");
        }
        if matches!(self.raw.0[6], 0x80 | 0xff | 0xf0 | 0xc0) {
            self.add(5, format!("LPM {:02x}", self.raw.0[6]));
        }
        let intparm = u64::from(self.raw.word(0));
        if intparm > 0 && intparm % 4 == 0 && memory.read(intparm, &mut [0; 4]) == 4 {
            self.add(5, "the interruption parameter is an address in the dump");
        }
    }

    /// Whether some CCW of it has a list.
    fn lists(&self, memory: &Memory) -> bool {
        let format = self.format();
        self.ccws.iter().any(|&at| {
            let mut raw = ccw::RawCcw::STOP;
            memory.read(at, &mut raw.0);
            raw.flags(format).contains(ccw::CcwFlags::INDIRECT)
        })
    }

    fn format(&self) -> Format {
        ccw::Orb::<ccw::Guest>::decode(&self.raw).format
    }
}

impl Found {
    /// `found` from the most likely one on, without what is a part of another one.
    ///
    /// At most `most` of them; if nobody says how many, those that are likely, and one at least.
    pub(super) fn ranked(mut found: Vec<Self>, most: Option<usize>) -> Vec<Self> {
        found.sort_by_key(|it| (-it.points, it.at, !it.is_orb));
        let mut parts: HashSet<u64> = HashSet::new();
        let orbs = found.iter().filter(|it| it.is_orb);
        parts.extend(orbs.flat_map(|it| it.ccws.iter().copied()));
        found.retain(|it| {
            if it.is_orb {
                return true;
            }
            let news = !parts.contains(&it.at);
            parts.extend(it.ccws.iter().copied());
            news
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
            format!("ORB at {:08x}", self.at)
        } else {
            format!("channel program at {:08x}", self.at)
        };
        format!(
            "{what}, {} of {} found: {}",
            self.rank,
            self.of,
            self.why.join("; ")
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

/// The ORB with the other IDAWs that a program without one may have.
fn other_idaws(candidate: &Candidate) -> Option<RawOrb> {
    let mut raw = candidate.raw;
    raw.0[5] |= 0x02;
    (!candidate.is_orb).then_some(raw)
}

/// Whether `command` has a name of its own on such a device.
fn is_known(command: Command, class: DeviceClass) -> bool {
    let name = class.command_name(command);
    matches!(command, Command::NOP | Command::SENSE_ID | Command::SENSE)
        || name != DeviceClass::Unknown.command_name(command)
}

/// `1 CCW`, `2 CCWs`.
fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
