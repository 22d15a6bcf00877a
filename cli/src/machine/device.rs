// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The device of a run, as `--device KIND:FILE` names it.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ccw::{Command, DeviceStatus, Interrogate, UnitStates};
use css::device::eckd::Eckd;
use css::device::image::{Image, Overlay};
use css::device::scripted::Scripted;
use css::device::unit_record::{Printer, Punch, Reader};
use css::device::{Sense, fba, tape};
use css::{Device, Reply, Transfer, TransportMode};

use crate::load::load;
use crate::script;

/// Largest deck of cards read.
const CARDS_LIMIT: u64 = 16 << 20;

/// What `--device` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spec {
    kind: Kind,
    path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Eckd,
    Fba,
    Tape,
    Printer,
    Punch,
    Reader,
    Script,
}

/// The kinds of devices, as they are written.
const KINDS: [(&str, Kind); 7] = [
    ("eckd", Kind::Eckd),
    ("fba", Kind::Fba),
    ("tape", Kind::Tape),
    ("printer", Kind::Printer),
    ("punch", Kind::Punch),
    ("reader", Kind::Reader),
    ("script", Kind::Script),
];

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        let Some((name, path)) = text.split_once(':') else {
            return Err(format!(
                "a device is KIND:FILE, where KIND is one of {names}"
            ));
        };
        let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == name) else {
            return Err(format!("`{name}` is no kind of device; known are {names}"));
        };
        if path.is_empty() {
            return Err("no file is named behind the colon".to_owned());
        }
        Ok(Self {
            kind: *kind,
            path: PathBuf::from(path),
        })
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = KINDS.iter().find(|(_, kind)| *kind == self.kind);
        let name = known.map_or("", |(name, _)| name);
        write!(f, "{name}:{}", self.path.display())
    }
}

impl Spec {
    /// Its file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The device as its file describes it now, of the model `model` if there are several. With
    /// `write` it changes its file.
    pub(crate) fn attach(&self, model: &str, write: bool) -> Result<Attached, String> {
        let image = || Backing::open(&self.path, write);
        Ok(match self.kind {
            Kind::Eckd => {
                let disk = Eckd::new(image()?).map_err(|error| format!("is no volume: {error}"));
                Attached::Eckd(Box::new(disk?))
            }
            Kind::Fba => {
                let model = match model {
                    "3370" => fba::Model::Fba3370,
                    _ => fba::Model::Fba9336,
                };
                Attached::Fba(fba::Fba::new(model, image()?))
            }
            Kind::Tape => {
                let model = match model {
                    "3590" => tape::Model::Tape3590,
                    _ => tape::Model::Tape3490,
                };
                Attached::Tape(tape::Tape::new(model, image()?))
            }
            Kind::Printer | Kind::Punch => {
                if write {
                    // Better now than when the output is there and cannot be kept.
                    self.paper().map_err(|error| cannot("opened", &error))?;
                }
                match self.kind {
                    Kind::Printer => Attached::Printer(Printer::new(Vec::new())),
                    _ => Attached::Punch(Punch::new(Vec::new())),
                }
            }
            Kind::Reader => {
                let deck = load(&self.path, CARDS_LIMIT)?;
                let deck = String::from_utf8(deck).map_err(|_| "is not text".to_owned())?;
                Attached::Reader(Reader::new(&deck))
            }
            Kind::Script => Attached::Script(script::read(&self.path)?),
        })
    }

    /// Puts the `output` of the device behind what its file holds, if the file may be changed.
    pub(crate) fn deliver(&self, output: Option<&[u8]>, write: bool) -> Result<(), String> {
        let Some(output) = output.filter(|output| write && !output.is_empty()) else {
            return Ok(());
        };
        self.paper()
            .and_then(|mut file| file.write_all(output))
            .map_err(|error| cannot("written", &error))
    }

    /// The file, for something to be added to it.
    fn paper(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.create(true).append(true).open(&self.path)
    }
}

fn cannot(be: &str, error: &io::Error) -> String {
    format!("cannot be {be}: {error}")
}

#[cfg(unix)]
fn is_block_device(kind: fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_block_device(&kind)
}

#[cfg(not(unix))]
fn is_block_device(_: fs::FileType) -> bool {
    false
}

/// The file behind a disk or tape: changed, or covered by changes that go with the run.
pub(crate) enum Backing {
    Kept(File),
    Forgotten(Overlay<File>),
}

impl Backing {
    fn open(path: &Path, write: bool) -> Result<Self, String> {
        let failed = |error: io::Error| cannot("opened", &error);
        // Before it is opened: a pipe would wait for somebody at its other end.
        let kind = fs::metadata(path).map_err(failed)?.file_type();
        if !kind.is_file() && !is_block_device(kind) {
            return Err("is no image: neither a regular file nor a block device".to_owned());
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).write(write).open(path).map_err(failed)?;
        Ok(if write {
            Self::Kept(file)
        } else {
            Self::Forgotten(Overlay::new(file).map_err(failed)?)
        })
    }

    fn image(&mut self) -> &mut dyn Image {
        match self {
            Self::Kept(file) => file,
            Self::Forgotten(overlay) => overlay,
        }
    }
}

impl Image for Backing {
    fn len(&mut self) -> io::Result<u64> {
        self.image().len()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.image().set_len(len)
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.image().read_at(offset, bytes)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.image().write_at(offset, bytes)
    }
}

/// A device that is ready to run.
pub(crate) enum Attached {
    /// Count-key-data disk on a CKD image.
    Eckd(Box<Eckd<Backing>>),
    /// Fixed-block disk on a flat file.
    Fba(fba::Fba<Backing>),
    /// Tape on an .aws file.
    Tape(tape::Tape<Backing>),
    /// Printer.
    Printer(Printer<Vec<u8>>),
    /// Card punch.
    Punch(Punch<Vec<u8>>),
    /// Card reader, one card per line.
    Reader(Reader),
    /// Answers as its script says.
    Script(Scripted),
}

impl Attached {
    /// Lines or cards that came out of it.
    pub(crate) fn output(&self) -> Option<&[u8]> {
        match self {
            Self::Printer(printer) => Some(printer.output()),
            Self::Punch(punch) => Some(punch.output()),
            Self::Eckd(_) | Self::Fba(_) | Self::Tape(_) | Self::Reader(_) | Self::Script(_) => {
                None
            }
        }
    }

    /// Where its image turned out to be none, if it did.
    pub(crate) fn damaged(&self) -> Option<u64> {
        match self {
            Self::Tape(tape) => tape.damaged(),
            _ => None,
        }
    }

    fn device(&mut self) -> &mut dyn Device {
        match self {
            Self::Eckd(device) => &mut **device,
            Self::Fba(device) => device,
            Self::Tape(device) => device,
            Self::Printer(device) => device,
            Self::Punch(device) => device,
            Self::Reader(device) => device,
            Self::Script(device) => device,
        }
    }
}

impl Device for Attached {
    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply {
        self.device().execute(command, transfer)
    }

    fn transport_mode(&self) -> TransportMode {
        match self {
            Self::Eckd(device) => device.transport_mode(),
            Self::Fba(device) => device.transport_mode(),
            Self::Tape(device) => device.transport_mode(),
            Self::Printer(device) => device.transport_mode(),
            Self::Punch(device) => device.transport_mode(),
            Self::Reader(device) => device.transport_mode(),
            Self::Script(device) => device.transport_mode(),
        }
    }

    fn interrogate(&mut self, asked: &Interrogate) -> UnitStates {
        self.device().interrogate(asked)
    }

    fn begin(&mut self) {
        self.device().begin();
    }

    fn poll(&mut self) -> Option<DeviceStatus> {
        self.device().poll()
    }

    fn take_sense(&mut self) -> Sense {
        self.device().take_sense()
    }

    fn halt(&mut self) -> DeviceStatus {
        self.device().halt()
    }

    fn clear(&mut self) {
        self.device().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_a_kind_and_a_file() {
        let spec: Spec = "tape:a:b.aws".parse().unwrap();
        assert_eq!((spec.kind, spec.path()), (Kind::Tape, Path::new("a:b.aws")));
        for wrong in ["tape", "drum:x", "fba:", ":x", ""] {
            assert!(wrong.parse::<Spec>().is_err(), "{wrong}");
        }
    }
}
