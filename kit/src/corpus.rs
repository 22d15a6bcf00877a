// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Recorded and hand-encoded channel programs, one JSON file each (`ccwprog/1`).
//!
//! The format is described in `programs/FORMAT.md`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use ccw::{DeviceClass, RawOrb};
use serde::Deserialize;

use crate::storage::Storage;

/// One file.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// File name without its ending.
    pub name: String,
    /// `captured`, `encoded` or `mutant`.
    pub class: String,
    /// The device that the program was made for.
    pub device: Device,
    orb: OrbField,
    memory: Memory,
    /// What a validator should say.
    pub expect: Expect,
    /// How the program really ended.
    #[serde(rename = "final")]
    pub ended: Option<Ended>,
}

/// The device of a program.
#[derive(Clone, Debug, Deserialize)]
pub struct Device {
    /// Type, such as `3390`.
    #[serde(rename = "type")]
    pub kind: String,
}

#[derive(Clone, Debug, Deserialize)]
struct OrbField {
    raw: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Memory {
    size: String,
    ranges: Vec<Range>,
    #[serde(default)]
    storage_keys: Vec<KeyRange>,
}

#[derive(Clone, Debug, Deserialize)]
struct Range {
    addr: String,
    hex: String,
}

#[derive(Clone, Debug, Deserialize)]
struct KeyRange {
    addr: String,
    len: String,
    key: u8,
    fetch_protect: bool,
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
        let mut raw = RawOrb::default();
        for (to, from) in raw.0.iter_mut().zip(bytes(&self.orb.raw)) {
            *to = from;
        }
        raw
    }

    /// The bytes of storage that are written out: address and contents.
    pub fn ranges(&self) -> impl Iterator<Item = (u64, Vec<u8>)> {
        let ranges = self.memory.ranges.iter();
        ranges.map(|range| (number(&range.addr), bytes(&range.hex)))
    }

    /// Guest storage as it was when the program started.
    pub fn storage(&self) -> Storage {
        let mut storage = Storage::new(number(&self.memory.size));
        for range in &self.memory.ranges {
            storage.write(number(&range.addr), &bytes(&range.hex));
        }
        for range in &self.memory.storage_keys {
            storage.set_key(
                number(&range.addr),
                number(&range.len),
                translator::StorageKey {
                    access: range.key,
                    fetch_protected: range.fetch_protect,
                },
            );
        }
        storage
    }

    /// The kind of device.
    pub fn device_class(&self) -> DeviceClass {
        DeviceClass::from_type(&self.device.kind)
    }

    /// Address of the CCW at fault.
    pub fn at(&self) -> Option<u64> {
        self.expect.at.as_deref().map(number)
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
            serde_json::from_slice(&fs::read(file)?)
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

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|n| {
            u8::from_str_radix(&hex[2 * n..2 * n + 2], 16)
                .unwrap_or_else(|error| panic!("{hex:?} is not hexadecimal: {error}"))
        })
        .collect()
}
