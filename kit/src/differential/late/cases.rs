// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What property tests draw and fuzzers read: programs that read themselves in, and any others with S
//! and PCI flags, with what the guest and the device do meanwhile.

use std::collections::BTreeMap;

use ccw::{CcwFlags, orb::word1};

use super::{Course, Late, check_late, own::OwnRun};
use crate::{
    differential::Difference,
    generator::{
        Amount, Answer, Case, Guard, Memory, OrbWords, Patch, Recorded, Target, Terms,
        wire::{Reader, Wire, wire},
    },
};

/// A program, and what happens while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateCase {
    /// What the guest changes.
    pub changes: u32,
    /// RESUME SUBCHANNEL comes before the program is suspended for the first time.
    pub early: bool,
    /// The pin of this number, in the last six bits, fails; the first two say in which way.
    pub fails: Option<u8>,
    /// The program.
    pub program: LateProgram,
}

/// A program, and what its device has for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LateProgram {
    /// One that reads itself in.
    Loader(Loader),
    /// Any.
    Marked(Marked),
}

/// A program that reads itself in, as those that load a system do. It has room for [`ROOM`] CCWs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loader {
    /// As in [`Terms::device`].
    pub device: u8,
    /// Prefetching is allowed.
    pub prefetch: bool,
    /// Initial status is asked for.
    pub initial: bool,
    /// What stands there in the beginning.
    pub ccws: Vec<Line>,
    /// The input of commands, by their number; none is what the device always has.
    pub inputs: Vec<Vec<Line>>,
    /// How many doublewords the device moves for each command, and how it ends it.
    pub answers: Vec<u8>,
}

/// A case with flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The case.
    pub case: Case,
    /// See [`Case::marked`].
    pub marks: u32,
    /// Prefetching is forbidden.
    pub forbids: bool,
    /// See [`Case::crowded`].
    pub crowded: bool,
    /// The input of commands, by their number; none is what the device always has.
    pub inputs: Vec<Vec<u8>>,
}

/// A CCW of format 1 that may stand in a program which reads itself in, by numbers that choose among
/// what such a program has use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is for: TIC, READ into the program, other input, control, output.
    pub kind: u8,
    /// Which command of these.
    pub code: u8,
    /// Which of the places for that.
    pub at: u8,
    /// Which of the counts.
    pub count: u8,
    /// Command chaining and SLI, seldom not.
    pub chains: u8,
    /// Seldom one flag more.
    pub mark: u8,
}

wire!(struct LateCase { changes, early, fails, program });
wire!(enum LateProgram { 0 => Loader(loader), 1 => Marked(marked) });
wire!(struct Loader { device, prefetch, initial, ccws, inputs, answers });
wire!(struct Marked { marks, forbids, crowded, inputs, case });
wire!(struct Line { kind, code, at, count, chains, mark });

/// Where a [`Loader`] lies.
const HERE: u32 = 0x1000;
/// How many CCWs it has room for.
pub const ROOM: u8 = 8;

impl Line {
    /// The CCW.
    pub fn bytes(self) -> [u8; 8] {
        let of = |values: &[u8]| values[usize::from(self.code) % values.len()];
        let path = HERE + 8 * u32::from(self.at % ROOM);
        let data = 0x1_0000 + 0x84 * u32::from(self.at % 32);
        let small = [5, 8, 24][usize::from(self.count) % 3];
        let (code, at, count) = match self.kind % 12 {
            0 | 1 => (0x08, path, 0),
            2..=5 => (of(&[0x02, 0x06]), path, 8 * (1 + self.count % 4)),
            6 | 7 => (of(&[0x02, 0x06, 0x04, 0x0c]), data, small),
            8..=10 => (of(&[0x07, 0x1f, 0x63, 0x03, 0x31]), data, small),
            _ => (of(&[0x01, 0x05]), data, small),
        };
        let mut flags = CcwFlags::empty();
        if code != 0x08 {
            flags.set(CcwFlags::CHAIN_COMMAND, self.chains % 10 != 9);
            flags.set(CcwFlags::SUPPRESS_LENGTH, self.chains / 10 % 5 != 4);
            flags |= match self.mark % 20 {
                19 | 18 => CcwFlags::PCI,
                17 => CcwFlags::CHAIN_DATA,
                16 => CcwFlags::SUSPEND,
                15 => CcwFlags::SUSPEND | CcwFlags::PCI,
                _ => CcwFlags::empty(),
            };
        }
        let [a, b, c, d] = at.to_be_bytes();
        [code, flags.bits(), 0, count, a, b, c, d]
    }
}

fn ccws(lines: &[Line]) -> Vec<u8> {
    lines.iter().flat_map(|line| line.bytes()).collect()
}

impl Loader {
    fn case(&self) -> Case {
        let chosen = |mask: u32, on: bool| if on { mask } else { 0 };
        let word1 = 0x0882_8000
            | chosen(word1::PREFETCH, self.prefetch)
            | chosen(word1::INITIAL_STATUS, self.initial);
        let answer = |byte: &u8| Answer {
            amount: Amount::Bytes(8 * (1 + u16::from(byte % 6))),
            seed: 0,
            status: match byte / 6 % 12 {
                11 => 0x0e,
                9 | 10 => 0x4c,
                _ => 0x0c,
            },
            later: 0,
            sense: 2,
        };
        Case {
            terms: Terms {
                any_skips: false,
                refuse: false,
                concurrent_sense: false,
                device: self.device % 3,
            },
            memory: Memory {
                linear: 1,
                frames: Vec::new(),
                guard: Guard::None,
            },
            orb: OrbWords {
                intparm: 0,
                word1,
                start: Target::Word(HERE),
                extension: Vec::new(),
            },
            segments: Vec::new(),
            patches: vec![Patch {
                at: HERE.into(),
                bytes: ccws(&self.ccws),
            }],
            script: self.answers.iter().map(answer).collect(),
            recorded: Recorded::default(),
        }
    }
}

impl LateCase {
    /// The one that any bytes stand for.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut reader = Reader::new(bytes);
        let mut case = Self::read(&mut reader);
        if let LateProgram::Marked(marked) = &mut case.program {
            marked.case.recorded = Recorded::read_last(&mut reader);
        }
        case
    }

    /// Bytes that stand for this one.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        if let LateProgram::Marked(marked) = &self.program {
            marked.case.recorded.write_last(&mut bytes);
        }
        bytes
    }

    /// The program, and the rest.
    fn parts(&self) -> (Case, Late) {
        let (case, inputs) = match &self.program {
            LateProgram::Loader(loader) => {
                let inputs = loader.inputs.iter().map(|lines| ccws(lines));
                (loader.case(), inputs.collect())
            }
            LateProgram::Marked(marked) => {
                let case = marked.case.clone();
                let mut case = case.marked(marked.marks, marked.forbids).scattered(7);
                case.terms.device %= 3;
                case.script.retain(|answer| !answer.retries());
                let case = if marked.crowded { case.crowded() } else { case };
                (case, marked.inputs.clone())
            }
        };
        let inputs = inputs.into_iter().enumerate();
        let late = Late {
            contents: inputs.filter(|(_, bytes)| !bytes.is_empty()).collect(),
            early: self.early,
            changes: self.changes,
            fails: self.fails.map(usize::from),
        };
        (case, late)
    }

    /// With this input of commands, by their number.
    pub(crate) fn set_inputs(&mut self, contents: BTreeMap<usize, Vec<u8>>) -> Result<(), String> {
        let LateProgram::Marked(marked) = &mut self.program else {
            return Err("a program that reads itself in by lines has no other input".to_owned());
        };
        let most = contents.last_key_value().map_or(0, |(n, _)| n + 1);
        if let Some((n, _)) = contents.iter().find(|(_, bytes)| bytes.len() > 0xffff) {
            return Err(format!(
                "the input of answer {n} is longer than 65535 bytes"
            ));
        }
        marked.inputs = vec![Vec::new(); most];
        for (n, bytes) in contents {
            marked.inputs[n] = bytes;
        }
        Ok(())
    }

    /// The program as it is started, and what happens besides.
    ///
    /// # Errors
    ///
    /// When what its guest does meanwhile has an effect.
    pub(crate) fn as_started(&self) -> Result<(Case, Late), String> {
        let (case, late) = self.parts();
        let scene = case.build();
        let alone = Late {
            contents: late.contents.clone(),
            ..Late::default()
        };
        let (run, other) = (OwnRun::new(&scene, &late), OwnRun::new(&scene, &alone));
        let ram = |run: &OwnRun| -> Vec<_> {
            let pages = run.view.ram().touched();
            pages.map(|(at, page)| (at, page.to_vec())).collect()
        };
        if run.sent != other.sent || run.statuses != other.statuses || ram(&run) != ram(&other) {
            return Err(
                "what its guest changes while it runs, which a program file cannot hold".to_owned(),
            );
        }
        Ok((case, late))
    }

    /// Runs it both ways, on a host that takes the translation as it is and on one that copies it once
    /// more, and compares.
    ///
    /// # Errors
    ///
    /// What differs, in words.
    pub fn check(&self) -> Result<[Course; 2], Difference> {
        let (case, late) = self.parts();
        Ok([
            check_late(&case, &late, false)?,
            check_late(&case, &late, true)?,
        ])
    }
}

impl Case {
    /// The same with S and PCI flags in commands, as `marks` says, and an ORB that lets them have an
    /// effect; prefetching is forbidden if `late`.
    pub fn marked(mut self, marks: u32, late: bool) -> Self {
        self.orb.word1 |= word1::SUSPEND;
        if late {
            self.orb.word1 &= !word1::PREFETCH;
        }
        let ccws = self
            .segments
            .iter_mut()
            .flat_map(|segment| &mut segment.ccws);
        for (n, ccw) in (0..).zip(ccws) {
            let bits = marks.rotate_right(n * 3) & 7;
            let chains_data = ccw.flags & CcwFlags::CHAIN_DATA.bits() != 0;
            if bits & 3 == 3 && !chains_data && ccw.code != 8 {
                ccw.flags |= CcwFlags::SUSPEND.bits();
            }
            if bits & 4 != 0 && late && ccw.code != 8 {
                ccw.flags |= CcwFlags::PCI.bits();
            }
        }
        self
    }
}
