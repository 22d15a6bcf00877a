// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where channel programs come from: one file per format, all of them ending in [`Input`]s.
//!
//! A format is a function from the bytes of a file to its [`Input`]s, one at least, or a [`Refusal`]
//! with the place that made it give up; [`Files`] chooses it.

mod assembler;
mod ccwprog;
mod cp_trace;
mod draft;
mod dump;
mod gtf;
mod hercules;
mod lines;
mod linux_dasd;
mod listing;
mod qemu;
mod shown;
mod traced;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use clap::ValueEnum;

use dump::Source;

use crate::input::{Input, InputError, Place, Refusal};
use crate::load::load;
use crate::text::Text;

/// Largest file read. The programs on record take up to 14 KB.
const FILE_LIMIT: u64 = 64 << 20;

/// What files are, and which of their programs are wanted.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Reading {
    #[command(flatten)]
    files: Files,
    /// Of the programs in a file only this one; the first is 1
    #[arg(long, value_name = "N")]
    number: Option<NonZeroUsize>,
}

impl Reading {
    /// Reads the programs in `file`, or on standard input if that is `-`; there is one at least.
    pub(crate) fn all(&self, file: &Path) -> Result<Vec<Input>, InputError> {
        self.files.all(file, self.number)
    }

    /// Reads the only program in `file`, or the one that was asked for.
    pub(crate) fn one(&self, file: &Path) -> Result<Input, InputError> {
        self.files.one(file, self.number)
    }
}

/// What files are.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Files {
    /// What the files are; if left out, it is recognised from what is in them
    #[arg(long = "input", value_name = "KIND", value_enum)]
    kind: Option<Kind>,
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

/// How files begin that are packed, and by what.
const PACKED: [(&[u8], &str); 4] = [
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
];

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

impl Files {
    /// Reads the programs in `file`, or on standard input if that is `-`, of which only that with `number` may
    /// be wanted; there is one at least.
    fn all(&self, file: &Path, number: Option<NonZeroUsize>) -> Result<Vec<Input>, InputError> {
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
        let mut inputs = self.inputs(file, &stem).map_err(refuse)?;
        let file: Arc<str> = name.as_str().into();
        for input in &mut inputs {
            input.file = Arc::clone(&file);
        }
        let Some(number) = number else {
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

    /// Reads the only program in `file`, or that with `number`.
    pub(crate) fn one(
        &self,
        file: &Path,
        number: Option<NonZeroUsize>,
    ) -> Result<Input, InputError> {
        let mut inputs = self.all(file, number)?;
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
        let whole = |reason: String| (Place::Whole, reason);
        if file != Path::new("-") && file.is_dir() {
            let files = file.join("*");
            let reason = format!("is a folder: write {} for the files in it", files.display());
            return Err(whole(reason));
        }
        let bytes = || load(file, FILE_LIMIT).map_err(whole);
        let source = match Source::open(file) {
            Some(source) => source,
            None => Source::from(bytes()?),
        };
        if source.len() == 0 {
            return Err(whole("is empty".to_owned()));
        }
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
            let packed = PACKED.iter().find(|(magic, _)| bytes.starts_with(magic));
            let reason = match packed {
                Some((_, by)) => format!("packed by {by}: unpack it first"),
                None => "not recognised as any format that is read; `--input` names one".to_owned(),
            };
            (Place::Whole, reason)
        };
        let kind = self.kind.or_else(|| Kind::of(bytes, &text));
        let mut inputs = match kind.ok_or_else(unknown)? {
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
        }?;
        let text = Arc::new(Text::new(text.into_owned()));
        for input in &mut inputs {
            input.sources.text = Some(Arc::clone(&text));
        }
        Ok(inputs)
    }
}

/// The program of a file `ccwprog/1` that is not called anything.
pub(crate) fn program(bytes: &[u8]) -> Result<Input, InputError> {
    ccwprog::decode(bytes, String::new()).map_err(|(place, reason)| InputError {
        file: "program".to_owned(),
        place,
        reason,
    })
}

/// What `bytes` hold in each format, for those in which they hold anything.
pub(crate) fn every(bytes: &[u8]) -> Vec<Vec<Input>> {
    let kinds = Kind::value_variants().iter();
    let readings = kinds.map(|kind| Files {
        kind: Some(*kind),
        ..Files::default()
    });
    let readings = readings.chain([Files::default()]);
    readings
        .filter_map(|files| files.decode(bytes, "any").ok())
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
