// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What keeps the pages of a piece, and why it does not.

use std::fmt;
use std::sync::Arc;

use ccw::GuestAddr;
use thiserror::Error;

use super::frames::Word;
use crate::sys::Piece;
use crate::{AddrSpace, Errno, RegionError, Stability};

/// Keeps pieces of this process's memory, each of them by itself.
pub trait Keep: fmt::Debug + Send {
    /// A piece that is kept.
    type Kept: fmt::Debug + Send;

    /// Most bytes of a piece.
    const MOST: usize;

    /// Whether it serves storage that a device must not store into.
    const READ_ONLY: bool;

    /// What addresses it offers.
    fn space(&self) -> AddrSpace;

    /// What its promise is worth for memory that is sealed, or is not.
    fn stability(&self, is_sealed: bool) -> Stability;

    /// Keeps a piece, all of it or nothing.
    fn keep(&mut self, piece: Piece) -> Result<Self::Kept, KeepError>;

    /// Lets a piece go. If that fails, it is still kept.
    fn release(&mut self, kept: &Self::Kept) -> Result<(), Errno>;

    /// The frames of a piece that is kept, if they are offered.
    fn frames(&mut self, piece: Piece) -> Result<Option<Arc<[Word]>>, KeepError>;

    /// Keeps for ever what has not been released.
    fn abandon(self);
}

/// Why pages cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeepError {
    /// The host has pages of another size than 4096 bytes.
    #[error("the host's pages are {bytes} bytes and not 4096")]
    PageSize {
        /// Their size.
        bytes: usize,
    },
    /// `RLIMIT_MEMLOCK`, which `CAP_IPC_LOCK` lifts, does not allow it.
    #[error("{needed} more bytes are beyond RLIMIT_MEMLOCK, which is {limit} bytes{}", charged(*.held))]
    MemoryLock {
        /// Bytes that were to be kept.
        needed: u64,
        /// The limit in bytes.
        limit: u64,
        /// Bytes that this process holds already, if that is known. The limit may be the user's, who may
        /// have other processes.
        held: Option<u64>,
    },
    /// More pieces than this back end serves.
    #[error("all {most} places for pieces are taken")]
    Pieces {
        /// How many there are.
        most: usize,
    },
    /// A page has no frame although it is pinned, or the frame is hidden.
    #[error("the frame of a pinned page is not known")]
    NoFrame,
    /// This process is a child of the one that made the pinner.
    #[error("the pinner is that of a parent process")]
    Child,
    /// A system call failed.
    #[error("{call} failed with {errno}")]
    Kernel {
        /// Its name.
        call: &'static str,
        /// Its error number.
        errno: Errno,
    },
}

fn charged(held: Option<u64>) -> std::string::String {
    held.map_or_else(Default::default, |held| {
        std::format!(", of which {held} are used")
    })
}

/// Why a region was not added. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddError {
    /// It makes no map with the others.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// Its pages cannot be kept.
    #[error("storage at {at:?} cannot be kept: {error}")]
    Keep {
        /// First byte of the piece that cannot be kept.
        at: GuestAddr,
        /// Why.
        error: KeepError,
    },
}

impl KeepError {
    /// What `errno` of the call that was to keep `needed` bytes means; `counter` is the line of
    /// `/proc/self/status` that counts such bytes.
    pub(super) fn of(call: &'static str, errno: Errno, needed: usize, counter: &str) -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let limit = crate::sys::memlock_limit();
        match limit.filter(|_| errno == Errno::ENOMEM || errno == Errno::EPERM) {
            Some(limit) if !may_lock_all(&status) => Self::MemoryLock {
                needed: u64::try_from(needed).unwrap_or(u64::MAX),
                limit,
                held: kibibytes(&status, counter),
            },
            _ => Self::Kernel { call, errno },
        }
    }
}

/// The number of bytes in a line such as `VmPin:       12 kB`.
fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let number = field(status, name)?.strip_suffix("kB")?.trim_end();
    number.parse::<u64>().ok()?.checked_mul(1024)
}

/// Whether the capability `CAP_IPC_LOCK` is among those in force.
fn may_lock_all(status: &str) -> bool {
    const IPC_LOCK: u64 = 1 << 14;
    let set = field(status, "CapEff").and_then(|set| u64::from_str_radix(set, 16).ok());
    set.is_some_and(|set| set & IPC_LOCK != 0)
}

fn field<'s>(status: &'s str, name: &str) -> Option<&'s str> {
    let mut lines = status.lines().filter_map(|line| line.split_once(':'));
    lines
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    const STATUS: &str = "Name:\tpinning\nVmLck:\t     128 kB\nVmPin:\t       4 kB\n\
                          CapPrm:\tffffffffffffffff\nCapEff:\t0000000000004000\n";

    #[test]
    fn lines_of_the_status() {
        assert_eq!(kibibytes(STATUS, "VmPin"), Some(4096));
        assert_eq!(kibibytes(STATUS, "VmLck"), Some(131_072));
        assert_eq!(kibibytes(STATUS, "Name"), None);
        assert_eq!(kibibytes("", "VmPin"), None);
        assert!(may_lock_all(STATUS));
        assert!(!may_lock_all("CapEff:\t00000000ffffbfff\n"));
        assert!(!may_lock_all(""));
    }

    #[test]
    fn texts_name_the_limit() {
        let error = |held| KeepError::MemoryLock {
            needed: 12_288,
            limit: 8192,
            held,
        };
        assert_eq!(
            error(Some(4096)).to_string(),
            "12288 more bytes are beyond RLIMIT_MEMLOCK, which is 8192 bytes, of which 4096 are used"
        );
        assert_eq!(
            error(None).to_string(),
            "12288 more bytes are beyond RLIMIT_MEMLOCK, which is 8192 bytes"
        );
        let error = AddError::Keep {
            at: GuestAddr::new(0x1000),
            error: KeepError::Kernel {
                call: "mlock",
                errno: Errno::EAGAIN,
            },
        };
        assert!(error.to_string().ends_with("mlock failed with EAGAIN"));
    }
}
