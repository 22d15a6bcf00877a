// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How likely something found is a program, and why.

use ccw::orb::word1;
use ccw::{Command, DeviceClass, RawOrb};
use translator::{Code, Outcome, Program, Severity};

use super::candidates::Candidate;
use super::filter::ORB_WORDS;
use crate::input::Found;
use crate::input::Input;
use crate::kind::kind;
use crate::memory::Memory;
use crate::{analysis, undecided};

/// CCWs at least of a program without an ORB: two that fit together stand in every machine code.
const CCWS_ALONE: usize = 3;

/// CCWs of a program that are judged to rank it; what one has to say is said by then.
const CCWS_JUDGED: u16 = 256;

/// What speaks for a program, and against one.
mod points {
    pub(super) const LEGAL: i32 = 50;
    pub(super) const UNDECIDED: i32 = 30;
    /// Each CCW, up to eight, or to four of what is illegal: noise goes on until it is.
    pub(super) const CCW: i32 = 4;
    /// All commands are known to one kind of device.
    pub(super) const COMMANDS: i32 = 30;
    pub(super) const LISTS: i32 = 10;
    /// Each thing that is legal and that nobody writes, up to four.
    pub(super) const WARNING: i32 = -30;
    pub(super) const NO_ORB: i32 = -30;
    /// Words of the ORB that mean nothing without an extension are zero all the same.
    pub(super) const ZERO_WORDS: i32 = 15;
    pub(super) const PATHS: i32 = 5;
    /// The interruption parameter is an address: drivers look up the device by it.
    pub(super) const PARAMETER: i32 = 5;
}

/// What `candidate` is; none if there is nothing to it.
pub(super) fn rank(candidate: &Candidate, memory: &Memory) -> Option<Found> {
    let plain = judged(candidate, memory);
    if candidate.is_orb {
        return plain;
    }
    // Without an ORB nobody says which IDAWs are meant. Four bytes are hardly ever taken for eight.
    let mut raw = candidate.raw;
    raw.0[5] |= word1::FORMAT2_IDAWS.to_be_bytes()[1];
    let wide = judged(&Candidate { raw, ..*candidate }, memory);
    let wide = wide.filter(|wide| {
        let best = plain.as_ref().map_or(i32::MIN, |plain| plain.points);
        wide.has_list && wide.points >= best
    });
    wide.or(plain)
}

fn judged(candidate: &Candidate, memory: &Memory) -> Option<Found> {
    let input = Input {
        orb: candidate.raw,
        memory: memory.clone(),
        ..Input::default()
    };
    let program = analysis::judge_within(&input, CCWS_JUDGED);
    let mut found = Found {
        at: candidate.at,
        raw: candidate.raw,
        is_orb: candidate.is_orb,
        points: 0,
        why: Vec::new(),
        ccws: program.steps().map(|step| step.at.get()).collect(),
        has_list: program.steps().any(|step| !step.list.is_empty()),
        rank: 0,
        of: 0,
    };
    let read = program.steps().filter(|step| step.raw.is_some()).count();
    let odd = warnings(&program);
    // For what has no ORB more must speak.
    if !found.is_orb && (read < CCWS_ALONE || odd > 0) {
        return None;
    }
    let (points, verdict) = verdict(&input, &program, candidate.is_orb)?;
    let what = match program.transport() {
        Some(transport) => format!(
            "{} of transport mode",
            count(transport.commands().count(), "command")
        ),
        None => count(read, "CCW"),
    };
    let most = if points > 0 { 8 } else { 4 };
    found.add(
        points + points::CCW * small(read, most),
        format!("{verdict}, {what}"),
    );
    if odd > 0 {
        found.add(points::WARNING * small(odd, 4), count(odd, "warning"));
    }
    if let Some((points, why)) = commands(&program) {
        found.add(points, why);
    }
    if found.has_list {
        let lists = program.steps().filter(|step| !step.list.is_empty()).count();
        found.add(points::LISTS, count(lists, "list"));
    }
    found.orb(memory);
    Some(found)
}

impl Found {
    fn add(&mut self, points: i32, why: impl Into<String>) {
        self.points += points;
        self.why.push(why.into());
    }

    /// What the ORB looks like.
    fn orb(&mut self, memory: &Memory) {
        let raw: RawOrb = self.raw;
        if !self.is_orb {
            let why = format!(
                "no ORB, so one was made with {:08x} for word 1",
                raw.word(1)
            );
            self.add(points::NO_ORB, why);
            return;
        }
        if raw.0.iter().skip(ORB_WORDS).all(|byte| *byte == 0) {
            self.add(points::ZERO_WORDS, "words 3-7 are zero");
        }
        let [.., lpm, _] = raw.word(1).to_be_bytes();
        if matches!(lpm, 0x80 | 0xc0 | 0xf0 | 0xff) {
            self.add(points::PATHS, format!("LPM {lpm:02x}"));
        }
        let parameter = u64::from(raw.word(0));
        if parameter > 0 && parameter % 4 == 0 && memory.read(parameter, &mut [0; 4]) == 4 {
            let why = "the interruption parameter is an address in the dump";
            self.add(points::PARAMETER, why);
        }
    }
}

/// What the rules say of `program`; none if it is no program at all.
fn verdict(input: &Input, program: &Program, is_orb: bool) -> Option<(i32, String)> {
    let findings = program.findings();
    let is_cut = findings.iter().any(|it| it.code == Code::EnvTooLong);
    Some(match undecided::outcome(input, program) {
        Outcome::Valid => (points::LEGAL, "legal".to_owned()),
        Outcome::Indeterminate if is_cut => {
            let verdict = "legal as far as it was read".to_owned();
            (points::UNDECIDED, verdict)
        }
        Outcome::Indeterminate => (points::UNDECIDED, "undecided".to_owned()),
        Outcome::Invalid => {
            let error = findings.iter().find(|it| it.severity == Severity::Error)?;
            // An error in the first CCW says that this is no program, and without an ORB any does.
            error.site.index.filter(|&index| index > 0 && is_orb)?;
            (0, format!("illegal ({})", error.code.id()))
        }
    })
}

/// How much in `program` is legal, and written by nobody.
fn warnings(program: &Program) -> usize {
    let findings = program.findings().iter();
    findings
        .filter(|it| it.severity == Severity::Warning && it.code != Code::EnvTooLong)
        .count()
}

/// Whose commands those of `program` are.
fn commands(program: &Program) -> Option<(i32, String)> {
    let commands: Vec<Command> = program
        .steps()
        .filter(|step| !step.tic && !step.in_data_chain && step.raw.is_some())
        .map(|step| step.ccw.command)
        .collect();
    let of = |class: DeviceClass| commands.iter().filter(|it| is_known(**it, class)).count();
    let classes = DeviceClass::ALL.into_iter();
    let classes = classes.filter(|class| *class != DeviceClass::Unknown);
    let known = classes.clone().map(of).max().filter(|&known| known > 0)?;
    let all = commands.len();
    let points = points::COMMANDS * small(known, 256) / small(all, 256).max(1);
    // The same codes are commands of several kinds of device.
    let classes = classes.filter(|class| of(*class) == known);
    let kinds: Vec<&str> = classes.map(kind).collect();
    let kinds = match kinds.len() {
        ..4 => kinds.join(" or "),
        many => format!("{many} kinds of device"),
    };
    let share = if known == all {
        "all".to_owned()
    } else {
        format!("{known} of {all}")
    };
    Some((points, format!("{share} commands are known ({kinds})")))
}

/// Whether `command` has a name of its own on such a device.
fn is_known(command: Command, class: DeviceClass) -> bool {
    matches!(command, Command::NOP | Command::SENSE_ID | Command::SENSE)
        || class.command_name(command) != DeviceClass::Unknown.command_name(command)
}

/// `n`, or `most` if that is less.
fn small(n: usize, most: usize) -> i32 {
    i32::try_from(n.min(most)).unwrap_or(i32::MAX)
}

/// `1 CCW`, `2 CCWs`.
fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
