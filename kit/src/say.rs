// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the commands print.

use std::io::{self, Write};

/// Whether whoever reads standard output wants more of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Wanted {
    /// It is still read.
    More,
    /// Nobody reads it any more, which is no failure.
    NoMore,
}

/// Prints `text` on standard output.
///
/// # Errors
///
/// Why it cannot be written, in words.
pub fn say(text: &str) -> Result<Wanted, String> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(Wanted::More),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Wanted::NoMore),
        Err(error) => Err(format!("standard output cannot be written: {error}")),
    }
}

/// Prints a line on standard error, if somebody reads it.
pub fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
