// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `complete`: what a shell completes a command line with, and the manual pages.

use std::io;
use std::path::{Path, PathBuf};

use clap_complete::Shell;

use crate::batch::Report;
use crate::exit::Exit;
use crate::printable::printable;

/// Print a shell's completions of this tool, or write its manual pages.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum, required_unless_present = "man")]
    shell: Option<Shell>,
    /// Write a manual page for each verb into a folder instead
    #[arg(long, value_name = "FOLDER", conflicts_with = "shell")]
    man: Option<PathBuf>,
}

/// Carries the verb out; `command` is that of the whole tool.
pub(crate) fn run(args: &Args, mut command: clap::Command) -> io::Result<Exit> {
    let report = match (&args.man, args.shell) {
        (Some(folder), _) => match manual(folder, command) {
            Ok(()) => Report::default(),
            Err(error) => Report::unusable(format_args!(
                "{}: the pages cannot be written: {error}",
                printable(&folder.display().to_string())
            )),
        },
        (None, Some(shell)) => {
            let mut out = Vec::new();
            clap_complete::generate(shell, &mut command, "ccwtool", &mut out);
            Report::new(String::from_utf8_lossy(&out).into_owned(), Exit::Fine)
        }
        // The command line has one of them.
        (None, None) => Report::default(),
    };
    report.end()
}

fn manual(folder: &Path, command: clap::Command) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(command, folder)
}
