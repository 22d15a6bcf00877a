// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Many inputs at once: worked on in parallel, reported in the order given.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::ProgressBar;
use rayon::prelude::*;
use serde::Serialize;

use crate::colour;
use crate::commands::Limits;
use crate::exit::Exit;
use crate::format::Format;
use crate::input::{Input, InputError};
use crate::reading::Reading;
use crate::{json, progress};

/// Inputs whose reports are held back at most, so that the first ones appear soon.
const CHUNK: usize = 64;

/// Whether nothing is wanted but the exit code.
static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on no report is printed, nor any progress shown.
pub(crate) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
    progress::hide();
}

/// What is said about one input.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// For standard output.
    pub(crate) out: String,
    /// For standard error.
    pub(crate) err: String,
    /// How it ended.
    pub(crate) exit: Exit,
    /// Whether `out` is for a program, which wants it without colours.
    pub(crate) document: bool,
}

impl Report {
    /// `out` on standard output.
    pub(crate) const fn new(out: String, exit: Exit) -> Self {
        Self {
            out,
            err: String::new(),
            exit,
            document: false,
        }
    }

    /// `out` on standard output, for a program to read.
    pub(crate) fn document(out: String, exit: Exit) -> Self {
        Self {
            document: true,
            ..Self::new(out, exit)
        }
    }

    /// A complaint, on standard error, about something that makes the call impossible.
    pub(crate) fn unusable(complaint: impl std::fmt::Display) -> Self {
        Self {
            out: String::new(),
            err: format!("ccwtool: {complaint}\n"),
            exit: Exit::Unusable,
            document: false,
        }
    }

    /// A complaint about an input that cannot be read; as JSON in the place of its report.
    pub(crate) fn unreadable(error: &InputError, format: Format) -> Self {
        match format {
            _ if QUIET.load(Ordering::Relaxed) => Self::unusable(error),
            Format::Text => Self::unusable(error),
            Format::Json => {
                let out = json::line(&Unreadable {
                    name: &error.file,
                    outcome: "error",
                    findings: [],
                    scsw: None,
                    reason: error.to_string(),
                });
                Self::new(out, Exit::Unusable)
            }
        }
    }

    /// This and what comes behind it.
    fn and(mut self, next: Self) -> Self {
        self.out.push_str(&next.out);
        self.err.push_str(&next.err);
        self.exit = self.exit.max(next.exit);
        self
    }

    /// Prints the report, which is the only one; the answer is how the call ends.
    pub(crate) fn end(&self) -> io::Result<Exit> {
        self.print().map(|_| self.exit)
    }

    /// Prints the report. Whether whoever reads standard output wants more of it.
    fn print(&self) -> io::Result<Wanted> {
        complain(&self.err);
        if QUIET.load(Ordering::Relaxed) {
            return Ok(Wanted::More);
        }
        let text = if self.document {
            Cow::Borrowed(self.out.as_str())
        } else {
            colour::of_output(&self.out)
        };
        let mut out = io::stdout().lock();
        let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        match printed {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Wanted::NoMore),
            Err(error) => Err(error),
            Ok(()) => Ok(Wanted::More),
        }
    }
}

/// What is said instead of a verdict, as JSON.
#[derive(Serialize)]
struct Unreadable<'a> {
    name: &'a str,
    outcome: &'static str,
    findings: [(); 0],
    scsw: Option<()>,
    reason: String,
}

/// Whether reports are still read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    More,
    NoMore,
}

/// Writes `text` on standard error. If that is impossible, nobody can be told.
pub(crate) fn complain(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Files to report on, and how they are read.
pub(crate) struct Batch<'a> {
    /// The files.
    pub(crate) files: &'a [PathBuf],
    /// What is in them.
    pub(crate) reading: &'a Reading,
    /// What their guests may do with their devices.
    pub(crate) limits: Limits,
    /// How results are printed.
    pub(crate) format: Format,
}

impl Batch<'_> {
    /// The complaint about files that cannot be read together.
    pub(crate) fn contradiction(&self) -> Option<Report> {
        let stdin = self.files.iter().filter(|file| file.as_os_str() == "-");
        let twice = stdin.count() > 1;
        twice.then(|| Report::unusable("standard input (-) can be read only once"))
    }

    /// Reports on every program of every file; the worst of those reported decides how the call ends.
    pub(crate) fn run(&self, work: impl Fn(&Input) -> Report + Sync) -> io::Result<Exit> {
        let files = self.files;
        if let Some(report) = self.contradiction() {
            return report.end();
        }
        let bar = progress(files.len());
        let mut worst = Exit::Fine;
        for chunk in files.chunks(CHUNK) {
            let reports: Vec<Report> = chunk
                .par_iter()
                .map(|file| {
                    let report = self.one(file, &work);
                    bar.inc(1);
                    report
                })
                .collect();
            for report in &reports {
                worst = worst.max(report.exit);
                if bar.suspend(|| report.print())? == Wanted::NoMore {
                    return Ok(worst);
                }
            }
        }
        bar.finish_and_clear();
        Ok(worst)
    }

    /// What `work` makes of every program of every file, or of the reason why it cannot be read, in that
    /// order.
    pub(crate) fn gather<T: Send>(
        &self,
        work: impl Fn(&Path, Result<&Input, &InputError>) -> T + Sync,
    ) -> Vec<T> {
        let one = |file: &PathBuf| -> Vec<T> {
            match self.reading.all(file) {
                Ok(inputs) => inputs
                    .into_iter()
                    .map(|input| match self.limits.confine(input) {
                        Ok(input) => work(file, Ok(&input)),
                        Err(error) => work(file, Err(&error)),
                    })
                    .collect(),
                Err(error) => vec![work(file, Err(&error))],
            }
        };
        let all: Vec<Vec<T>> = self.files.par_iter().map(one).collect();
        all.into_iter().flatten().collect()
    }

    /// The reports on the programs of `file` as one.
    fn one(&self, file: &Path, work: impl Fn(&Input) -> Report + Sync) -> Report {
        let inputs = match self.reading.all(file) {
            Ok(inputs) => inputs,
            Err(error) => return Report::unreadable(&error, self.format),
        };
        let reports: Vec<Report> = inputs
            .into_par_iter()
            .map(|input| match self.limits.confine(input) {
                Ok(input) => work(&input),
                Err(error) => Report::unreadable(&error, self.format),
            })
            .collect();
        reports.into_iter().reduce(Report::and).unwrap_or_default()
    }
}

/// A bar if there is something to wait for.
fn progress(files: usize) -> ProgressBar {
    if files < 2 {
        return ProgressBar::hidden();
    }
    progress::items(files as u64, "programs")
}
