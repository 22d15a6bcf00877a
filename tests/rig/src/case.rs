// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One program: what the guest stores, starts, and must find afterwards.

use std::fmt::Write;

use ccw::{Guest, Irb};
use vfio_ccw::Errno;

use crate::guest::{STANDARD, orb};
use crate::line::{Ended, Front, Line};
use crate::report::Report;

/// Where programs start, unless there is a reason.
pub(crate) const START: u32 = 0x1000;

/// What the same program does when it is handed to the kernel as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alone {
    /// The same.
    Same,
    /// The kernel refuses it so, though it is legal.
    Refused(Refusal),
    /// The kernel refuses it so, or does the same: it depends on its version.
    MayRefuse(Refusal),
    /// It is started, and ends otherwise than it should.
    Wrong,
    /// Nobody needs to know.
    Unknown,
}

/// Why the kernel refuses a program, which decides the error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is longer, or has more segments, than the kernel takes.
    TooLong,
    /// Something of it is not mapped.
    Unmapped,
}

impl Refusal {
    /// The error number, by this way to the device.
    const fn errno(self, front: Front) -> Errno {
        match (self, front) {
            (Self::TooLong, _) | (Self::Unmapped, Front::Group) => Errno::EINVAL,
            (Self::Unmapped, Front::Cdev) => Errno::ENOENT,
        }
    }
}

/// A program and its ending.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    name: String,
    word1: u32,
    start: u32,
    stores: Vec<(u64, Vec<u8>)>,
    statuses: String,
    storage: Vec<(u64, Vec<u8>)>,
    sense: Vec<u8>,
    alone: Alone,
}

impl Case {
    /// A program that ends with `statuses`: for each interruption the SCSW in hexadecimal digits,
    /// `.` for one that the architecture leaves open, ` / ` between two. Or the name of a refusal.
    pub(crate) fn new(name: impl Into<String>, statuses: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            word1: STANDARD,
            start: START,
            stores: Vec::new(),
            statuses: statuses.into(),
            storage: Vec::new(),
            sense: Vec::new(),
            alone: Alone::Same,
        }
    }

    /// Its CCWs, at [`START`].
    pub(crate) fn ccws(self, ccws: &[[u8; 8]]) -> Self {
        self.store(START, ccws.as_flattened())
    }

    /// It starts at `start`.
    pub(crate) fn starts_at(self, start: u32) -> Self {
        Self { start, ..self }
    }

    /// Word 1 of its ORB.
    pub(crate) fn word1(self, word1: u32) -> Self {
        Self { word1, ..self }
    }

    /// What it needs in storage.
    pub(crate) fn store(mut self, at: impl Into<u64>, bytes: &[u8]) -> Self {
        self.stores.push((at.into(), bytes.to_vec()));
        self
    }

    /// What must be in storage at the end.
    pub(crate) fn holds(mut self, at: impl Into<u64>, bytes: &[u8]) -> Self {
        self.storage.push((at.into(), bytes.to_vec()));
        self
    }

    /// The sense bytes in the status begin so.
    pub(crate) fn sense(self, bytes: &[u8]) -> Self {
        let sense = bytes.to_vec();
        Self { sense, ..self }
    }

    /// What the kernel does with it.
    pub(crate) fn alone(self, alone: Alone) -> Self {
        Self { alone, ..self }
    }

    /// Runs it, with our library and without.
    pub(crate) fn run(&self, line: &mut Line, report: &mut Report) {
        let orb = orb(self.word1, self.start);
        self.prepare(line);
        let ended = line.mediated(&orb);
        report.check(&self.name, self.judge(line, &ended));
        if self.alone == Alone::Unknown {
            return;
        }
        self.prepare(line);
        let ended = line.alone(&orb);
        let right = self.judge(line, &ended);
        let name = format!("{} (the kernel alone: {:?})", self.name, self.alone);
        let expected = match (self.alone, &ended) {
            (Alone::Refused(why) | Alone::MayRefuse(why), Ended::Errno(error)) => {
                let wanted = line.front.map(|front| why.errno(front));
                match error.errno() {
                    Some(errno) if wanted == Some(errno) => Ok(()),
                    _ => Err(format!("{error}, not {wanted:?}")),
                }
            }
            (Alone::Same | Alone::MayRefuse(_), _) => right,
            (Alone::Wrong, Ended::Status(_)) if right.is_err() => Ok(()),
            _ => Err(format!("{}, right: {right:?}", text(&ended))),
        };
        report.check(&name, expected);
    }

    fn prepare(&self, line: &Line) {
        for (at, bytes) in &self.storage {
            let other: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
            line.guest.store(*at, &other);
        }
        for (at, bytes) in &self.stores {
            line.guest.store(*at, bytes);
        }
    }

    fn judge(&self, line: &Line, ended: &Ended) -> Result<(), String> {
        let found = text(ended);
        if !matches(&found, &self.statuses) {
            let sense = match ended {
                Ended::Status(statuses) => statuses.last().map(Irb::<Guest>::decode),
                _ => None,
            };
            let sense = sense.and_then(|irb| Some(irb.concurrent_sense()?.to_vec()));
            let sense = sense.map_or(String::new(), |sense| format!(" with sense {sense:02x?}"));
            return Err(format!("{found}{sense}, not {}", self.statuses));
        }
        if let Ended::Status(statuses) = ended
            && let Some(irb) = statuses.last()
            && !self.sense.is_empty()
        {
            let irb = Irb::<Guest>::decode(irb);
            let found = irb.concurrent_sense().unwrap_or_default();
            if !found.starts_with(&self.sense) {
                return Err(format!("sense {found:02x?}, not {:02x?}", self.sense));
            }
        }
        for (at, wanted) in &self.storage {
            let found = line.guest.fetch(*at, wanted.len());
            if let Some(n) = (0..wanted.len()).find(|&n| found[n] != wanted[n]) {
                let until = wanted.len().min(n + 8);
                let (found, wanted) = (&found[n..until], &wanted[n..until]);
                let at = at + n as u64;
                return Err(format!("{found:02x?}, not {wanted:02x?} at {at:x}"));
            }
        }
        Ok(())
    }
}

/// As [`Case::new`] writes it.
pub(crate) fn text(ended: &Ended) -> String {
    match ended {
        Ended::Status(statuses) => {
            let all: Vec<_> = statuses.iter().map(|irb| scsw(&irb.scsw().0)).collect();
            all.join(" / ")
        }
        Ended::Refused(name) => (*name).to_owned(),
        Ended::Answer(answer) => answer.clone(),
        Ended::Errno(error) => error.to_string(),
        Ended::Silence => "silence".to_owned(),
    }
}

/// An SCSW as three words.
pub(crate) fn scsw(bytes: &[u8; 12]) -> String {
    let mut text = String::new();
    for word in bytes.as_chunks::<4>().0 {
        let _ = write!(text, " {:08x}", u32::from_be_bytes(*word));
    }
    text.trim_start().to_owned()
}

/// Whether the text is the pattern, in which `.` is anything.
pub(crate) fn matches(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text
            .chars()
            .zip(pattern.chars())
            .all(|(found, wanted)| wanted == '.' || found == wanted)
}
