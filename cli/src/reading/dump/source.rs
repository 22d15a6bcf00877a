// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Bytes of a file, read by position.

use std::fmt;
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::Path;

/// First address of which no dump has storage: more than any machine has had (64 TiB).
pub(super) const ADDRESS_LIMIT: u64 = 1 << 46;

/// Why a dump cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    /// Where in the file.
    pub(super) offset: u64,
    /// What is wrong there.
    pub(super) reason: String,
}

impl Damage {
    /// Something wrong at `offset`.
    pub(super) fn at(offset: u64, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { offset, reason }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at offset {:#x}: {}", self.offset, self.reason)
    }
}

/// A file that is read by position, or bytes that came by a pipe.
#[derive(Debug)]
pub(in crate::reading) struct Source {
    kind: Kind,
    len: u64,
}

#[derive(Debug)]
enum Kind {
    File(File),
    Bytes(Vec<u8>),
}

impl Source {
    /// The file `path`, if it can be read by position.
    pub(in crate::reading) fn open(path: &Path) -> Option<Self> {
        if !path.metadata().ok()?.is_file() {
            return None;
        }
        let mut file = File::open(path).ok()?;
        let len = file.seek(SeekFrom::End(0)).ok()?;
        let kind = Kind::File(file);
        Some(Self { kind, len })
    }

    /// The bytes, if they are in memory.
    pub(in crate::reading) fn into_bytes(self) -> Option<Vec<u8>> {
        match self.kind {
            Kind::File(_) => None,
            Kind::Bytes(bytes) => Some(bytes),
        }
    }

    /// Bytes of the file.
    pub(in crate::reading) const fn len(&self) -> u64 {
        self.len
    }

    /// Fills `buf` with the bytes from `offset` on, which belong to `what`.
    pub(super) fn read(&self, offset: u64, buf: &mut [u8], what: &str) -> Result<(), Damage> {
        let end = offset.checked_add(buf.len() as u64);
        if end.is_none_or(|end| end > self.len) {
            let reason = format!(
                "the {what} should have {} bytes here, and the file has {:#x} in all",
                buf.len(),
                self.len
            );
            return Err(Damage::at(offset, reason));
        }
        let result = match &self.kind {
            Kind::File(file) => read_at(file, offset, buf),
            Kind::Bytes(bytes) => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX);
                let there = bytes.get(from..).and_then(|rest| rest.get(..buf.len()));
                buf.copy_from_slice(there.unwrap_or_default());
                Ok(())
            }
        };
        result.map_err(|error| Damage::at(offset, format!("the {what} cannot be read: {error}")))
    }

    /// The first bytes, as many as there are of `N`; zeros behind them.
    pub(super) fn head<const N: usize>(&self) -> Result<[u8; N], Damage> {
        let mut head = [0; N];
        let there = usize::try_from(self.len).map_or(N, |len| len.min(N));
        self.read(0, &mut head[..there], "file")?;
        Ok(head)
    }
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Self {
        let len = bytes.len() as u64;
        let kind = Kind::Bytes(bytes);
        Self { kind, len }
    }
}

/// The shorter of two lengths.
pub(super) fn shorter(left: u64, len: usize) -> usize {
    usize::try_from(left).map_or(len, |left| left.min(len))
}

#[cfg(unix)]
fn read_at(file: &File, offset: u64, buf: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buf, offset)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, offset: u64, buf: &mut [u8]) -> io::Result<()> {
    use std::io::Read;
    // The position belongs to the file, not to the thread.
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = TURN.lock();
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(buf)
}
