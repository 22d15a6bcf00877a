// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where channel programs come from: one file per format, all of them ending in [`Input`]s.
//!
//! A format is a function from the bytes of a file to its [`Input`]s, one at least, or a [`Refusal`]
//! with the place that made it give up; [`Reading`] chooses it.

mod assembler;
mod ccwprog;
mod cp_trace;
mod draft;
mod dump;
mod fields;
mod gtf;
mod hercules;
mod lines;
mod linux_dasd;
mod listing;
mod qemu;
mod shown;
mod traced;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::path::Path;

use ccw::{DeviceClass, RawOrb};
use clap::ValueEnum;
use translator::CommandPolicy;

pub(crate) use dump::{Entry as FoundEntry, Found};
pub(crate) use fields::{Hex, Number};

use dump::Source;

use crate::memory::Memory;
use crate::recorded::Recorded;
use crate::source::Sources;

/// Largest file read. The programs on record take up to 14 KB.
pub(crate) const FILE_LIMIT: u64 = 64 << 20;

/// Programs of one file at most: what belongs to them is kept until they are judged.
const MOST_PROGRAMS: usize = 1 << 16;

/// A channel program with the storage it lies in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Input {
    /// Its name.
    pub(crate) name: String,
    /// Type of the device, such as `3390`, as the input names it.
    pub(crate) device: String,
    /// What kind of device it is, if the input says that and no type.
    pub(crate) class: DeviceClass,
    /// The 32 bytes that the guest stored as ORB.
    pub(crate) orb: RawOrb,
    /// Guest storage, as far as it is known.
    pub(crate) memory: Memory,
    /// What the guest may do with the device, if not everything.
    pub(crate) commands: Option<CommandPolicy>,
    /// How it ended when it was recorded.
    pub(crate) recorded: Option<Recorded>,
    /// What the input does not say, and what was taken for granted instead.
    pub(crate) remarks: Vec<String>,
    /// Why it is taken for a program, if it was found in a dump.
    pub(crate) found: Option<Found>,
    /// Where in its file the bytes stand, if its format shows them as digits.
    pub(crate) sources: Sources,
}

impl Input {
    /// What the device's type says about the meaning of commands.
    pub(crate) fn device_class(&self) -> DeviceClass {
        match DeviceClass::from_type(&self.device) {
            DeviceClass::Unknown => self.class,
            class => class,
        }
    }
}

/// Where in an input its reader gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nowhere in particular.
    Whole,
    /// At a character, both counted from 1, in a member if it is known.
    At {
        line: usize,
        column: usize,
        member: Option<String>,
    },
    /// In a member, written like `memory.ranges[3].addr`.
    Member(String),
}

/// Why a program cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InputError {
    /// The file as it was named, or `<stdin>`.
    pub(crate) file: String,
    /// Where in it.
    pub(crate) place: Place,
    /// The cause.
    pub(crate) reason: String,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.file))?;
        match &self.place {
            Place::Whole => {}
            Place::At {
                line,
                column,
                member: None,
            } => write!(f, ":{line}:{column}")?,
            Place::At {
                line,
                column,
                member: Some(member),
            } => {
                write!(f, ":{line}:{column}: {}", printable(member))?;
            }
            Place::Member(member) => write!(f, ": {}", printable(member))?,
        }
        write!(f, ": {}", printable(&self.reason))
    }
}

/// What a format's reader says; the file is added by [`Reading::all`].
type Refusal = (Place, String);

/// What files are, and which of their programs are wanted.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Reading {
    /// What the files are; if left out, it is recognised from what is in them
    #[arg(long = "input", value_name = "KIND", value_enum)]
    kind: Option<Kind>,
    /// Of the programs in a file only this one; the first is 1
    #[arg(long, value_name = "N")]
    number: Option<NonZeroUsize>,
    #[command(flatten)]
    dump: dump::Options,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Programs of this project's: JSON, ccwprog/1
    Ccwprog,
    /// Hercules' trace of a device (t+, o+), of releases 3 and 4
    Hercules,
    /// The error report of Linux's disk drivers
    LinuxDasd,
    /// QEMU's trace events
    Qemu,
    /// CP of z/VM: TRSOURCE of type I/O, TRACE I/O CCW
    CpTrace,
    /// GTF of z/OS with CCWP, formatted by IPCS
    Gtf,
    /// Lines of an address, a colon and bytes
    Listing,
    /// Statements CCW, CCW0 and CCW1
    Assembler,
    /// A dump of storage: an ELF core, a kdump file, or with --base an image
    Dump,
}

/// Whether a text is of one kind.
type Recognises = fn(&str) -> bool;

impl Kind {
    /// What `bytes` look like.
    fn of(bytes: &[u8], text: &str) -> Option<Self> {
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        if matches!(first, None | Some(b'{')) {
            return Some(Self::Ccwprog);
        }
        let kinds: [(Self, Recognises); 7] = [
            (Self::Hercules, hercules::recognises),
            (Self::LinuxDasd, linux_dasd::recognises),
            (Self::Qemu, qemu::recognises),
            (Self::Gtf, gtf::recognises),
            (Self::CpTrace, cp_trace::recognises),
            (Self::Listing, listing::recognises),
            (Self::Assembler, assembler::recognises),
        ];
        let kind = kinds.into_iter().find(|(_, recognises)| recognises(text));
        kind.map(|(kind, _)| kind)
    }
}

impl Reading {
    /// Reads the programs in `file`, or on standard input if that is `-`; there is one at least.
    pub(crate) fn all(&self, file: &Path) -> Result<Vec<Input>, InputError> {
        let (name, stem) = if file == Path::new("-") {
            ("<stdin>".to_owned(), "stdin".to_owned())
        } else {
            let stem = file.file_stem().unwrap_or(file.as_os_str());
            (
                file.display().to_string(),
                stem.to_string_lossy().into_owned(),
            )
        };
        let refuse = |(place, reason)| InputError {
            file: name.clone(),
            place,
            reason,
        };
        let inputs = self.inputs(file, &stem).map_err(refuse)?;
        let Some(number) = self.number else {
            return Ok(inputs);
        };
        let count = inputs.len();
        let mut inputs = inputs.into_iter();
        let input = inputs.nth(number.get() - 1).ok_or_else(|| {
            let programs = if count == 1 { "program" } else { "programs" };
            refuse((
                Place::Whole,
                format!("holds {count} {programs}, so there is no number {number}"),
            ))
        });
        input.map(|input| vec![input])
    }

    /// Reads the only program in `file`, or the one that was asked for.
    pub(crate) fn one(&self, file: &Path) -> Result<Input, InputError> {
        let mut inputs = self.all(file)?;
        let count = inputs.len();
        match (inputs.pop(), count) {
            (Some(input), 1) => Ok(input),
            _ => Err(InputError {
                file: file.display().to_string(),
                place: Place::Whole,
                reason: format!("holds {count} programs: name one of them with --number"),
            }),
        }
    }

    /// The programs in `file`, which is called `stem`. A dump stays where it is.
    fn inputs(&self, file: &Path, stem: &str) -> Result<Vec<Input>, Refusal> {
        let bytes = || load(file, FILE_LIMIT).map_err(|reason| (Place::Whole, reason));
        let source = match Source::open(file) {
            Some(source) => source,
            None => Source::from(bytes()?),
        };
        let is_dump = self.kind.map(|kind| kind == Kind::Dump);
        if let Some(shape) = self.dump.shape(&source, is_dump)? {
            return self.dump.programs(source, shape, stem);
        }
        if source.len() > FILE_LIMIT {
            let reason = format!(
                "larger than {} MiB, the most that is read of a text; an image of storage needs --base \
                 ADDR, where it begins",
                FILE_LIMIT >> 20
            );
            return Err((Place::Whole, reason));
        }
        match source.into_bytes() {
            Some(bytes) => self.decode(&bytes, stem),
            None => self.decode(&bytes()?, stem),
        }
    }

    /// Decodes programs of any known format; `stem` names those that do not name themselves.
    fn decode(&self, bytes: &[u8], stem: &str) -> Result<Vec<Input>, Refusal> {
        // Some editors put a byte-order mark in front of UTF-8.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = String::from_utf8_lossy(bytes);
        let unknown = || {
            let reason =
                "not recognised as any format that is read; `--input` names one".to_owned();
            (Place::Whole, reason)
        };
        match self
            .kind
            .or_else(|| Kind::of(bytes, &text))
            .ok_or_else(unknown)?
        {
            // A dump is never decoded from all of its bytes.
            Kind::Dump => Err(unknown()),
            Kind::Ccwprog => ccwprog::decode(bytes, stem.to_owned()).map(|input| vec![input]),
            Kind::Hercules => hercules::decode(&text, stem),
            Kind::LinuxDasd => linux_dasd::decode(&text, stem),
            Kind::Qemu => qemu::decode(&text, stem),
            Kind::CpTrace => cp_trace::decode(&text, stem),
            Kind::Gtf => gtf::decode(&text, stem),
            Kind::Listing => listing::decode(&text, stem),
            Kind::Assembler => assembler::decode(&text, stem),
        }
    }
}

/// What `bytes` hold in each format, for those in which they hold anything.
pub(crate) fn every(bytes: &[u8]) -> Vec<Vec<Input>> {
    let kinds = Kind::value_variants().iter();
    let readings = kinds.map(|kind| Reading {
        kind: Some(*kind),
        ..Reading::default()
    });
    let readings = readings.chain([Reading::default()]);
    readings
        .filter_map(|reading| reading.decode(bytes, "any").ok())
        .collect()
}

/// What is found in `bytes` as a dump of the kind that they look like, and as an image.
pub(crate) fn dumps(bytes: &[u8]) -> Vec<Vec<Input>> {
    dump::Options::every()
        .filter_map(|options| {
            let source = Source::from(bytes.to_vec());
            let shape = options.shape(&source, Some(true)).ok()??;
            options.programs(source, shape, "any").ok()
        })
        .collect()
}

/// The bytes of `file`, or of standard input for `-`, if there are no more than `limit`.
pub(crate) fn load(file: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read =
        |source: &mut dyn Read, bytes: &mut Vec<u8>| source.take(limit + 1).read_to_end(bytes);
    let result = if file == Path::new("-") {
        read(&mut io::stdin().lock(), &mut bytes)
    } else {
        File::open(file).and_then(|mut source| read(&mut source, &mut bytes))
    };
    match result {
        Err(error) => Err(format!("cannot be read: {error}")),
        Ok(n) if n as u64 > limit => Err(format!(
            "larger than {} MiB, the most that is read",
            limit >> 20
        )),
        Ok(_) => Ok(bytes),
    }
}

/// `text` with control characters written out, so that an input cannot steer a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let steers = c.is_control() || is_invisible(c);
            let plain = (!steers).then_some(c);
            let escaped = steers.then(|| c.escape_default());
            plain.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect()
}

/// Characters that have no width, or change the direction of what follows.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_where() {
        let error = |place| InputError {
            file: "x.json".into(),
            place,
            reason: "no".into(),
        };
        let at = |member: Option<&str>| Place::At {
            line: 3,
            column: 7,
            member: member.map(str::to_owned),
        };
        assert_eq!(error(Place::Whole).to_string(), "x.json: no");
        assert_eq!(error(at(None)).to_string(), "x.json:3:7: no");
        assert_eq!(
            error(at(Some("orb.raw"))).to_string(),
            "x.json:3:7: orb.raw: no"
        );
        assert_eq!(
            error(Place::Member("orb".into())).to_string(),
            "x.json: orb: no"
        );
    }

    #[test]
    fn terminals_are_safe() {
        assert_eq!(printable("a\x1b[2Jé\n"), "a\\u{1b}[2Jé\\n");
        assert_eq!(printable("a\u{202e}b"), "a\\u{202e}b");
    }
}
