// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A channel program in a file: `ccwprog/1`, its ORB and storage as JSON. `tests/programs/README.md`
//! describes the format.
//!
//! Members that are not listed here (what the program is expected to do, how it was taken) are
//! passed over. Files come from anywhere: nothing is allocated by a number in them, and what is wrong
//! with one is told with its place.

mod document;
mod misfit;
#[cfg(test)]
mod tests;

use ccw::{DeviceClass, RawOrb};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::error::Category;

use crate::input::{Place, Refusal};
use document::{Document, Head, SCHEMA};
use misfit::Misfit;

pub use crate::memory::KeyRange;

/// One file, as far as it says what is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "Document")]
pub struct ProgramFile {
    /// Name of the program; empty if the file has none.
    pub name: String,
    /// Type of the device, such as `3390`; empty if nothing is known.
    pub device: String,
    /// The ORB.
    pub orb: RawOrb,
    /// Bytes of storage, a multiple of 4096.
    pub size: u64,
    /// Every byte that is in no range.
    pub fill: u8,
    /// Address and contents, in the file's order; they lie in storage, do not overlap, and none is empty.
    pub ranges: Vec<(u64, Vec<u8>)>,
    /// Storage keys, of which the last counts.
    pub keys: Vec<KeyRange>,
}

impl ProgramFile {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// What is wrong with it and where, in words.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        Self::read(bytes).map_err(|(place, reason)| match place {
            Place::Whole => reason,
            place => format!("{place}: {reason}"),
        })
    }

    /// The same, for who tells places by itself.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        // What it is, before the rest is looked at.
        let head: Head = value(bytes)?;
        if head.schema.is_none() {
            let reason = format!("no member `schema`; this tool reads `{SCHEMA}`");
            return Err((Place::Whole, reason));
        }
        let document: Document = value(bytes)?;
        document
            .try_into()
            .map_err(|misfit: Misfit| (Place::Member(misfit.member), misfit.reason))
    }

    /// The file's text.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings and numbers under names: that cannot fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The kind of device.
    #[must_use]
    pub fn device_class(&self) -> DeviceClass {
        DeviceClass::from_type(&self.device)
    }
}

/// As a part of something else, where nobody tells lines: what is wrong is told with its member.
impl<'de> Deserialize<'de> for ProgramFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document: Document =
            serde_path_to_error::deserialize(deserializer).map_err(D::Error::custom)?;
        document.try_into().map_err(D::Error::custom)
    }
}

/// Reads `bytes` as one JSON value of the shape `T`.
fn value<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Refusal> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let (error, member) = match serde_path_to_error::deserialize(&mut json) {
        Ok(value) => match json.end() {
            Ok(()) => return Ok(value),
            Err(error) => (error, None),
        },
        Err(error) => {
            let member = error.path().to_string();
            (
                error.into_inner(),
                Some(member).filter(|m| m != "." && !m.contains('?')),
            )
        }
    };
    Err(refusal(&error, member))
}

fn refusal(error: &serde_json::Error, member: Option<String>) -> Refusal {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let text = text
        .strip_suffix(&format!(" at line {line} column {column}"))
        .unwrap_or(&text);
    let (member, reason) = match error.classify() {
        Category::Eof => (
            member,
            format!("the file ends in the middle of the JSON: {text}"),
        ),
        Category::Syntax => (member, format!("not JSON: {text}")),
        Category::Data | Category::Io => (member, text.to_owned()),
    };
    (
        Place::At {
            line,
            column,
            member,
        },
        reason,
    )
}
