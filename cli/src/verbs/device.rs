// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `device`: what a device is, by what it says of itself.

use std::io;

use serde::Serialize;

use crate::batch::Report;
use crate::description::Description;
use crate::exit::Exit;
use crate::format::Format;
use crate::input::InputError;
use crate::json;
use crate::subchannel::{Desk, GuestSetup, Session, Target};

/// Where the tool's own programs lie.
const DESK: u64 = 0x1000;

/// Say what a device of this machine is: SENSE ID, characteristics, channel paths, what the kernel
/// offers of it, and how long programs for it may be.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args) -> io::Result<Exit> {
    let report = match one(&args.target) {
        Ok(description) => Report::new(
            match args.format {
                Format::Text => format!("{}\n{}", args.target.name(), description.text()),
                Format::Json => json::line(&Entry {
                    device: args.target.name(),
                    description: &description,
                }),
            },
            Exit::Fine,
        ),
        Err(error) => Report::unreadable(&error, args.format),
    };
    report.end()
}

fn one(target: &Target) -> Result<Description, InputError> {
    let (backend, window) = target.open("", false)?;
    let trouble = |reason| target.trouble(reason);
    let session = Session::new(backend, window, GuestSetup::default(), target.timeout());
    let mut session = session.map_err(trouble)?;
    let desk = Desk::new(&session, DESK).map_err(trouble)?;
    Ok(Description::of(&mut session, &desk))
}

/// The description, as JSON.
#[derive(Serialize)]
struct Entry<'a> {
    device: String,
    #[serde(flatten)]
    description: &'a Description,
}
