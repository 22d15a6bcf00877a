// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Recorded and hand-encoded channel programs, one JSON file each (`ccwprog/1`).
//!
//! The format is described in `tests/programs/README.md`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use ccw::{DeviceClass, RawOrb};
use serde::Deserialize;

use crate::{program_file::ProgramFile, storage::Storage};

/// One file.
#[derive(Clone, Debug)]
pub struct Case {
    /// File name without its ending.
    pub name: String,
    /// What is started.
    pub file: ProgramFile,
    /// `captured`, `encoded` or `mutant`.
    pub class: String,
    /// What a validator should say.
    pub expect: Expect,
    /// How the program really ended.
    pub ended: Option<Ended>,
}

/// What it says besides.
#[derive(Deserialize)]
struct Told {
    class: String,
    expect: Expect,
    #[serde(rename = "final")]
    ended: Option<Ended>,
}

/// The verdict of whoever recorded the program.
#[derive(Clone, Debug, Deserialize)]
pub struct Expect {
    /// `valid`, `invalid` or `indeterminate`.
    pub outcome: String,
    /// The rule at stake, in the corpus's coarse names.
    pub rule: Option<String>,
    /// Address of the CCW at fault.
    pub at: Option<String>,
    /// How a machine reports it.
    pub subchannel_status: Option<String>,
}

/// The status after a real run.
#[derive(Clone, Debug, Deserialize)]
pub struct Ended {
    /// Twelve bytes.
    pub scsw: String,
}

impl Case {
    /// The ORB.
    pub fn orb(&self) -> RawOrb {
        self.file.orb
    }

    /// The bytes of storage that are written out: address and contents.
    pub fn ranges(&self) -> impl Iterator<Item = (u64, Vec<u8>)> {
        self.file.ranges.iter().cloned()
    }

    /// Guest storage as it was when the program started.
    pub fn storage(&self) -> Storage {
        Storage::of(&self.file)
    }

    /// The kind of device.
    pub fn device_class(&self) -> DeviceClass {
        self.file.device_class()
    }

    /// Address of the CCW at fault.
    pub fn at(&self) -> Option<u64> {
        self.expect.at.as_deref().map(number)
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let file = ProgramFile::parse(bytes)?;
        let told: Told = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        Ok(Self {
            name: file.name.clone(),
            file,
            class: told.class,
            expect: told.expect,
            ended: told.ended,
        })
    }
}

/// Reads every program in `folder`, in the order of their names.
///
/// # Errors
///
/// When a file cannot be read, or is not of this format.
pub fn load(folder: &Path) -> io::Result<Vec<Case>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    files
        .iter()
        .map(|file| {
            Case::parse(&fs::read(file)?)
                .map_err(|error| io::Error::other(format!("{}: {error}", file.display())))
        })
        .collect()
}

/// The programs that belong to this project.
pub fn own_programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/programs")
}

fn number(text: &str) -> u64 {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap_or_else(|error| {
        panic!("{text:?} is no number: {error}");
    })
}
