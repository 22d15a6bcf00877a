// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A machine that is about to start a channel program: what every implementation can be given.
//!
//! In storage there is nothing but bytes and keys, from address 0 to a size; the device answers by a
//! script that says every byte. So a machine is complete: it can be written to a file, sent through a
//! pipe, and run by anything that knows channel programs. As JSON it is a program of the format
//! `ccwprog/1` (`tests/programs/README.md`), with the members `script` and `concurrent_sense`:
//!
//! ```
//! use ccw_kit::machine::Machine;
//!
//! let machine: Machine = serde_json::from_str(
//!     r#"{
//!         "schema": "ccwprog/1",
//!         "name": "sense-id",
//!         "device": { "type": "3390" },
//!         "orb": { "raw": "0000000000c280000000100000000000
//!                          00000000000000000000000000000000" },
//!         "memory": { "size": "0x10000", "ranges": [{ "addr": "0x1000", "hex": "e420000800002000" }] },
//!         "concurrent_sense": true,
//!         "script": [{ "input": "ff3990e9339060" }]
//!     }"#
//!     .replace(char::is_whitespace, "")
//!     .as_str(),
//! )?;
//! assert_eq!(machine.byte(0x1000), Some(0xe4));
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! `script` has one answer per command, in the form that `ccwtool run --device script:FILE` takes. A
//! device that is sent more commands than it has answers for presents channel end, device end and unit
//! check, so that every program comes to an end.

mod as_case;
mod made;
mod script;

use ccw::DeviceStatus;
use ccwtool::script::Answer;
use css::device::scripted::{Response, Scripted};
use pinning::{Permission, Region, RegionMap};
use serde::{Deserialize, Serialize};
use translator::{Policy, Skips, Stance, limits};

use crate::generator::{self, Amount, Keys, Scene};
use crate::program_file::ProgramFile;
pub(crate) use made::MOST_COMMANDS;
use script::MOST_ANSWERS;
pub(crate) use script::responses;

/// A machine that is about to start a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Document", into = "Document")]
pub struct Machine {
    /// The program and its storage, at most 16 TiB of it. The device's type says what commands are
    /// called, and nothing of what the device does.
    pub file: ProgramFile,
    /// PMCW bit S: a unit check brings its sense bytes along.
    pub concurrent_sense: bool,
    /// The device's answers, one per command. None: the device moves all that a program has room for
    /// ([`Self::answered`] makes a script of that).
    pub script: Option<Vec<Response>>,
}

#[derive(Serialize, Deserialize)]
struct Document {
    #[serde(flatten)]
    file: ProgramFile,
    #[serde(default = "yes")]
    concurrent_sense: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    script: Option<Vec<Answer>>,
}

const fn yes() -> bool {
    true
}

/// Most bytes of storage.
const MOST: u64 = 1 << 44;

impl TryFrom<Document> for Machine {
    type Error = String;

    fn try_from(document: Document) -> Result<Self, String> {
        if document.file.size > MOST {
            return Err(format!(
                "memory.size: a machine has at most {MOST:#x} bytes"
            ));
        }
        let script = document.script.map(responses).transpose();
        Ok(Self {
            file: document.file,
            concurrent_sense: document.concurrent_sense,
            script: script.map_err(|error| format!("script: {error}"))?,
        })
    }
}

impl From<Machine> for Document {
    fn from(machine: Machine) -> Self {
        let script = machine.script.as_ref();
        Self {
            concurrent_sense: machine.concurrent_sense,
            script: script.map(|script| script.iter().map(Answer::of).collect()),
            file: machine.file,
        }
    }
}

/// The answer behind the last one.
fn nothing_left() -> Response {
    Response::immediate().with_status(
        DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END | DeviceStatus::UNIT_CHECK,
    )
}

/// First host address of guest storage in a [`Scene`].
const HOST: u64 = 0x40_0000_0000;

impl Machine {
    /// The same, whose program is called `name` if it has none of its own.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        if self.file.name.is_empty() {
            self.file.name = name.to_owned();
        }
        self
    }

    /// The device, which has answered nothing yet.
    pub fn scripted(&self) -> Scripted {
        let script = self.script.iter().flatten().cloned();
        Scripted::new(script.chain([nothing_left()]))
    }

    /// The byte of storage at `at`, if that is storage.
    pub fn byte(&self, at: u64) -> Option<u8> {
        let within = |(start, bytes): &(u64, Vec<u8>)| {
            let offset = usize::try_from(at.checked_sub(*start)?).ok()?;
            bytes.get(offset).copied()
        };
        let put = self.file.ranges.iter().find_map(within);
        (at < self.file.size).then(|| put.unwrap_or(self.file.fill))
    }

    /// The same with storage that a host has, to be run as it is or translated. Any command may skip,
    /// because the script alone decides that.
    pub fn scene(&self) -> Scene {
        let region = Region {
            guest: ccw::GuestAddr::new(0),
            len: self.file.size,
            host: ccw::HostAddr::new(HOST),
            permission: Permission::ReadWrite,
        };
        let mut ram = css::Ram::filled(1 << 63, self.file.fill);
        for (at, bytes) in &self.file.ranges {
            ram.write(ccw::HostAddr::new(HOST + at), bytes);
        }
        // Only whether an answer has its command tried again is looked at there.
        let reply = |response: &Response| generator::Reply {
            answer: generator::Answer {
                amount: Amount::Immediate,
                seed: 0,
                status: response.status.bits(),
                later: response.later.map_or(0, |later| later.bits()),
                sense: 0,
            },
            bytes: 0,
        };
        Scene {
            orb: self.file.orb,
            // No storage at all is no region.
            regions: RegionMap::new(&[region]).unwrap_or_default(),
            ram,
            keys: Keys::of(&self.file.keys),
            limit: None,
            script: self.script.iter().flatten().map(reply).collect(),
            policy: Policy {
                skips: Skips::Any,
                self_modifying: Stance::Refuse,
                max_ccws: limits::MAX_CCWS,
                ..Policy::CHECK
            },
            concurrent_sense: self.concurrent_sense,
        }
    }

    /// Where guest storage has the byte at the host address `at` of a [`Self::scene`].
    pub(crate) fn guest_address(at: u64) -> Option<u64> {
        at.checked_sub(HOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORB: &str = "0000000000c28000000010000000000000000000000000000000000000000000";

    fn read(memory: &str, more: &str) -> Result<Machine, String> {
        let text =
            format!(r#"{{"schema":"ccwprog/1","orb":{{"raw":"{ORB}"}},"memory":{memory}{more}}}"#);
        serde_json::from_str(&text).map_err(|it| it.to_string())
    }

    #[test]
    fn a_machine_survives_its_json() {
        let machine = read(
            r#"{"size":"0x2000","default_fill":"e5","ranges":[{"addr":"0x1000","hex":"e420000800000800"}],
                "storage_keys":[{"addr":4096,"len":"4096","key":6,"fetch_protect":true}]}"#,
            r#","concurrent_sense":false,"script":[{"input":"ff","status":"0e","sense":"80"},{"output":3},
                {"output":4,"variable":true,"then":"04","status":"08"},{"immediate":true}]"#,
        )
        .unwrap();
        assert_eq!(machine.byte(0x1007), Some(0));
        assert_eq!(machine.byte(0x1008), Some(0xe5));
        assert_eq!(machine.byte(0x2000), None);
        assert_eq!(machine.script.as_ref().map(Vec::len), Some(4));
        let text = serde_json::to_string(&machine).unwrap();
        assert_eq!(
            serde_json::from_str::<Machine>(&text).unwrap(),
            machine,
            "{text}"
        );
    }

    #[test]
    fn what_is_no_machine_is_told_by_its_member() {
        let many = [r#"{"input":"00"}"#; 4097].join(",");
        let many = format!(r#","script":[{many}]"#);
        for (memory, more, what) in [
            (r#"{"size":4096}"#, &many[..], "more than 4096 answers"),
            (r#"{"size":7}"#, "", "memory.size: 0x7 is not"),
            (r#"{"size":"0x200000000000"}"#, "", "memory.size"),
            (
                r#"{"size":4096}"#,
                r#","script":[{"input":"00","output":1}]"#,
                "script: answer 0",
            ),
            (
                r#"{"size":4096}"#,
                r#","script":[{"output":1,"status":"0000"}]"#,
                "one byte",
            ),
            (
                r#"{"size":4096}"#,
                r#","script":[{"output":16777216},{"output":16777216},{"output":16777216},
                    {"output":16777216,"variable":true},{"output":1}]"#,
                "script: answer 4",
            ),
            (
                r#"{"size":4096}"#,
                r#","script":[{"inputs":"00"}]"#,
                "inputs",
            ),
        ] {
            let error = read(memory, more).unwrap_err();
            assert!(error.contains(what), "{what}: {error}");
        }
    }
}
