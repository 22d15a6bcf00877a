// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The subchannel that `submit` and `device` work on: a device of the kernel's, or one in software,
//! and on top of it the guest's subchannel of [`vfio_ccw::mediator`].

mod ask;
mod backend;
mod ram;
mod session;
mod trouble;

use std::path::PathBuf;
use std::time::Duration;

use vfio_ccw::device::kernel::KernelOpener;
use vfio_ccw::device::soft::SoftConfig;
use vfio_ccw::mediator::ShadowWindow;

use crate::input::{InputError, Place};
use crate::machine::Spec;
use crate::printable::printable;

pub(crate) use ask::Desk;
pub(crate) use backend::Backend;
pub(crate) use ram::{Ram, Uses, Watched};
pub(crate) use session::{GuestSetup, Ran, Session, policy};

/// Longest time that a program may take: a day.
const LONGEST: i64 = 24 * 60 * 60;

/// Which device, and how long its programs may take.
#[derive(clap::Args)]
pub(crate) struct Target {
    #[command(flatten)]
    which: Which,
    /// The mediated device in the group
    #[arg(long, value_name = "UUID", conflicts_with_all = ["cdev", "soft"])]
    uuid: Option<String>,
    /// Stop a program that has not ended by then: halt it, and if that does not help, clear it
    #[arg(long, value_name = "SECONDS", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..=LONGEST))]
    timeout: u32,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// A device of this machine, by its group: /dev/vfio/N, with --uuid
    #[arg(long, value_name = "PATH", requires = "uuid")]
    group: Option<PathBuf>,
    /// A device of this machine, by its own file: /dev/vfio/devices/vfioN
    #[arg(long, value_name = "PATH")]
    cdev: Option<PathBuf>,
    /// A device in software, as `run --device` takes it: eckd:IMAGE, fba:IMAGE, tape:IMAGE,
    /// printer:FILE, punch:FILE, reader:FILE or script:FILE
    #[arg(long, value_name = "KIND:FILE")]
    soft: Option<Spec>,
}

impl Target {
    /// How it is called: its file, and its UUID in a group.
    pub(crate) fn name(&self) -> String {
        let file = |path: &PathBuf| path.display().to_string();
        let name = match &self.which {
            Which {
                soft: Some(spec), ..
            } => spec.to_string(),
            Which {
                cdev: Some(path), ..
            } => file(path),
            Which {
                group: Some(path), ..
            } => {
                format!(
                    "{} {}",
                    file(path),
                    self.uuid.as_deref().unwrap_or_default()
                )
            }
            Which { .. } => String::new(),
        };
        printable(&name)
    }

    /// The device in software, if it is one.
    pub(crate) const fn soft(&self) -> Option<&Spec> {
        self.which.soft.as_ref()
    }

    /// How long a program may take.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }

    /// Opens the device; one in software is of the model `model` and changes its file with `write`.
    pub(crate) fn open(
        &self,
        model: &str,
        write: bool,
    ) -> Result<(Backend, ShadowWindow), InputError> {
        let opener = match &self.which {
            Which {
                soft: Some(spec), ..
            } => {
                let device = spec.attach(model, write).map_err(|why| self.trouble(why))?;
                let opened = Backend::soft(device, SoftConfig::default());
                return opened.map_err(|why| self.trouble(why));
            }
            Which {
                cdev: Some(path), ..
            } => KernelOpener::cdev(path.as_path()),
            Which { group, .. } => {
                let group = group.clone().unwrap_or_default();
                KernelOpener::group(group, self.uuid.clone().unwrap_or_default())
            }
        };
        let device = opener
            .open()
            .map_err(|error| trouble::explain(&error, self))?;
        Backend::kernel(device).map_err(|why| self.trouble(why))
    }

    /// `reason`, said about the device.
    pub(crate) fn trouble(&self, reason: String) -> InputError {
        let file = match &self.which {
            Which {
                soft: Some(spec), ..
            } => spec.path(),
            Which {
                cdev: Some(path), ..
            }
            | Which {
                group: Some(path), ..
            } => path,
            Which { .. } => return at(String::new(), reason),
        };
        at(file.display().to_string(), reason)
    }
}

/// `reason`, said about `file`.
fn at(file: String, reason: String) -> InputError {
    let place = Place::Whole;
    InputError {
        file,
        place,
        reason,
    }
}
