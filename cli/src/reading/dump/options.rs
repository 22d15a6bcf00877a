// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where in a dump the programs are.

use std::num::NonZeroUsize;
use std::sync::Arc;

use ccw::{ORB_SIZE, RawOrb};

use super::image::{Dump, Shape};
use super::scan::{self, Scan};
use super::source::{ADDRESS_LIMIT, Damage, Source};
use crate::analysis;
use crate::input::{Found, Input, Place, Refusal};
use crate::memory::{Memory, PAGE, Stored};

/// Heading of the options, in the help of every verb that reads programs.
const HEADING: &str = "Dumps of storage (addresses are hexadecimal; on standard input up to 64 MiB, larger ones as files)";

/// Where in a dump the programs are.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Options {
    /// The file is an image of storage from this address on. ELF cores and kdump files are recognised
    #[arg(help_heading = HEADING, long, value_name = "ADDR", value_parser = address)]
    base: Option<u64>,
    /// The 32 bytes there are the ORB
    #[arg(help_heading = HEADING, long, value_name = "ADDR", value_parser = address, conflicts_with_all = ["cpa", "scan"])]
    orb: Option<u64>,
    /// The program begins there, and an ORB is made for it
    #[arg(help_heading = HEADING, long, value_name = "ADDR", value_parser = address, conflicts_with = "scan")]
    cpa: Option<u64>,
    /// Word 1 of the ORB that --cpa makes: 00c28000 if its IDAWs have 8 bytes, 00408000 if it is of
    /// format 0
    #[arg(help_heading = HEADING, long, value_name = "WORD", value_parser = word, requires = "cpa")]
    control: Option<u32>,
    /// Look for ORBs, and for programs without one. So it is if neither --orb nor --cpa is given
    #[arg(help_heading = HEADING, long)]
    scan: bool,
    /// How many that are found are reported on, the most likely ones first. If left out, the likely
    /// ones, up to 10
    #[arg(help_heading = HEADING, long, value_name = "N", conflicts_with_all = ["orb", "cpa"])]
    most: Option<NonZeroUsize>,
}

impl Options {
    /// One for each kind of dump, and one for each way into it.
    pub(in crate::reading) fn every() -> impl Iterator<Item = Self> {
        let scan = |base| Self {
            base,
            ..Self::default()
        };
        let orb = Self {
            orb: Some(0x80),
            ..Self::default()
        };
        let cpa = Self {
            cpa: Some(0x1000),
            ..Self::default()
        };
        [scan(None), scan(Some(0)), orb, cpa].into_iter()
    }

    /// What `source` is, if it is a dump.
    ///
    /// `is_dump` says whether it is, if that is known.
    pub(in crate::reading) fn shape(
        &self,
        source: &Source,
        is_dump: Option<bool>,
    ) -> Result<Option<Shape>, Refusal> {
        if is_dump == Some(false) {
            return Ok(None);
        }
        let shape = match self.base {
            Some(base) => Some(Shape::Image(base)),
            None => Shape::recognized(source).map_err(refusal)?,
        };
        if shape.is_none()
            && (is_dump.is_some() || self.orb.is_some() || self.cpa.is_some() || self.scan)
        {
            let reason = "not a dump; an image of storage needs --base ADDR, where it begins";
            return Err((Place::Whole, reason.to_owned()));
        }
        Ok(shape)
    }

    /// The programs in the dump `source`, which is called `stem`.
    pub(in crate::reading) fn programs(
        &self,
        source: Source,
        shape: Shape,
        stem: &str,
    ) -> Result<Vec<Input>, Refusal> {
        let dump = Arc::new(Dump::open(source, shape).map_err(refusal)?);
        let storage = Storage::of(dump, shape);
        match (self.orb, self.cpa) {
            (Some(at), _) => storage.orb_at(at, stem),
            (None, Some(cpa)) => {
                storage.program_at(cpa, self.control.unwrap_or(scan::CONTROL), stem)
            }
            (None, None) => storage.scan(self.most.map(NonZeroUsize::get), stem),
        }
    }
}

/// A dump as the storage of programs.
struct Storage {
    dump: Arc<Dump>,
    memory: Memory,
}

impl Storage {
    fn of(dump: Arc<Dump>, shape: Shape) -> Self {
        let size = match shape {
            // What is behind an image is not known.
            Shape::Image(_) => ADDRESS_LIMIT,
            Shape::Elf | Shape::Kdump => dump.end().next_multiple_of(PAGE),
        };
        let whole = dump.is_whole() && dump.end() == size;
        let memory = Memory::stored(size, whole, Arc::clone(&dump) as Arc<dyn Stored>);
        Self { dump, memory }
    }

    fn orb_at(self, at: u64, stem: &str) -> Result<Vec<Input>, Refusal> {
        let mut raw = [0; ORB_SIZE];
        let there = self.dump.read(at, &mut raw);
        self.undamaged()?;
        if there < raw.len() {
            return self.lacks(at, "ORB");
        }
        let remarks = match at % 4 {
            0 => Vec::new(),
            _ => vec![format!("an ORB at {at:08x} is not on a word boundary")],
        };
        self.only(Input {
            name: format!("{stem}@{at:08x}"),
            orb: RawOrb(raw),
            orb_at: Some(at),
            remarks,
            ..Input::default()
        })
    }

    fn program_at(self, cpa: u64, control: u32, stem: &str) -> Result<Vec<Input>, Refusal> {
        let addr = u32::try_from(cpa).map_err(|_| {
            let reason = format!("--cpa {cpa:x}: an ORB has 32 bits for that address");
            (Place::Whole, reason)
        })?;
        let orb = RawOrb::from_words([0, control, addr]);
        let there = self.dump.read(cpa, &mut [0; 8]);
        self.undamaged()?;
        if there < 8 {
            return self.lacks(cpa, "CCW");
        }
        self.only(Input {
            name: format!("{stem}@{cpa:08x}"),
            orb,
            remarks: vec![format!(
                "the ORB was made for --cpa, with {control:08x} for word 1; --control gives it another"
            )],
            ..Input::default()
        })
    }

    fn scan(self, most: Option<usize>, stem: &str) -> Result<Vec<Input>, Refusal> {
        let Scan { found, dropped } = scan::scan(&self.dump, &self.memory, most);
        let damage = self.dump.damage();
        if found.is_empty() {
            return Err(damage.map_or_else(
                || {
                    let reason = "neither an ORB nor a channel program was found in this dump";
                    (Place::Whole, reason.to_owned())
                },
                refusal,
            ));
        }
        let mut remarks = Vec::new();
        if let Some(damage) = damage {
            remarks.push(format!("the dump cannot be read {damage}"));
        }
        if dropped > 0 {
            let text = format!("{dropped} other places in the dump were too many to be judged");
            remarks.push(text);
        }
        let input = |found: Found| Input {
            name: format!("{stem}@{:08x}", found.at),
            orb: found.raw,
            orb_at: found.is_orb.then_some(found.at),
            memory: self.memory.clone(),
            remarks: remarks.clone(),
            found: Some(found),
            ..Input::default()
        };
        let left_out = found.last().map(|last| (last.of - last.rank, last.of));
        let mut inputs: Vec<Input> = found.into_iter().map(input).collect();
        if let (None, Some((others @ 1.., of)), Some(last)) = (most, left_out, inputs.last_mut()) {
            last.remarks.push(format!(
                "{others} more that {} found {} less likely to be {}: --most {of} shows all",
                if others == 1 { "was" } else { "were" },
                if others == 1 { "is" } else { "are" },
                if others == 1 { "a program" } else { "programs" },
            ));
        }
        Ok(inputs)
    }

    /// `input` with this storage, if all that it needs of the dump can be read.
    fn only(self, input: Input) -> Result<Vec<Input>, Refusal> {
        let input = Input {
            memory: self.memory.clone(),
            ..input
        };
        let _ = analysis::judge(&input);
        self.undamaged()?;
        Ok(vec![input])
    }

    /// Nothing that was read so far was damaged.
    fn undamaged(&self) -> Result<(), Refusal> {
        self.dump
            .damage()
            .map_or(Ok(()), |damage| Err(refusal(damage)))
    }

    fn lacks<T>(&self, at: u64, what: &str) -> Result<T, Refusal> {
        let spans = self.dump.spans();
        let (first, last) = (spans.first(), spans.last());
        let (first, last) = (first.map_or(0, |it| it.start), last.map_or(0, |it| it.end));
        let reason = format!(
            "there is no {what} at {at:08x} in this dump, which has storage from {first:08x} to {:08x}",
            last.saturating_sub(1)
        );
        Err((Place::Whole, reason))
    }
}

fn refusal(damage: Damage) -> Refusal {
    (Place::Whole, damage.to_string())
}

/// An address in hex digits, with or without 0x.
fn address(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix("0x").or(text.strip_prefix("0X"));
    let digits = digits.unwrap_or(text);
    let number = u64::from_str_radix(digits, 16).ok();
    number
        .filter(|&addr| addr < ADDRESS_LIMIT && !digits.starts_with('+'))
        .ok_or_else(|| "not an address of storage, such as 1b4cc80".to_owned())
}

/// A word in hex digits.
fn word(text: &str) -> Result<u32, String> {
    let word = address(text).ok().and_then(|word| u32::try_from(word).ok());
    word.ok_or_else(|| "not a word of eight hex digits".to_owned())
}
