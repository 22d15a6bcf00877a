// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The device of a run, as `--device KIND:FILE` names it.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use ccw::{Command, DeviceStatus};
use css::device::Sense;
use css::device::scripted::Scripted;
use css::{Device, Reply, Transfer};

use super::script;

/// What `--device` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spec {
    kind: Kind,
    path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Script,
}

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let kinds = "fba:IMAGE, tape:IMAGE, printer:FILE or script:FILE";
        let (kind, path) = text
            .split_once(':')
            .ok_or_else(|| format!("a device is {kinds}"))?;
        let kind = match kind {
            "script" => Kind::Script,
            _ => {
                return Err(format!(
                    "`{kind}` is no kind of device; a device is {kinds}"
                ));
            }
        };
        if path.is_empty() {
            return Err(format!("no file is named; a device is {kinds}"));
        }
        Ok(Self {
            kind,
            path: PathBuf::from(path),
        })
    }
}

impl Spec {
    /// Its file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The device, as its file describes it now; with `write` it changes the file.
    pub(crate) fn attach(&self, write: bool) -> Result<Attached, String> {
        let _ = write;
        match self.kind {
            Kind::Script => script::read(&self.path).map(Attached::Script),
        }
    }
}

/// A device that is ready to run.
pub(crate) enum Attached {
    /// Answers as its script says.
    Script(Scripted),
}

impl Attached {
    /// What went wrong with its file, if anything did.
    #[expect(clippy::unused_self, reason = "only scripts cannot fail")]
    pub(crate) const fn failure(&self) -> Option<String> {
        None
    }

    fn device(&mut self) -> &mut dyn Device {
        match self {
            Self::Script(device) => device,
        }
    }
}

impl Device for Attached {
    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply {
        self.device().execute(command, transfer)
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
