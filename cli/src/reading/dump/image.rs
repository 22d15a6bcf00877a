// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A dump of any kind, as storage that is read by position.

use std::ops::Range;
use std::sync::Mutex;

use super::elf;
use super::kdump::{self, Kdump};
use super::segments::{Segment, Segments};
use super::source::{Damage, Source};
use crate::memory::{Origin, Stored};

/// What a dump is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reading) enum Shape {
    /// Storage as it was, from this address on.
    Image(u64),
    /// An ELF core.
    Elf,
    /// What `makedumpfile` writes.
    Kdump,
}

impl Shape {
    /// What the first bytes of `source` say that it is.
    pub(super) fn recognized(source: &Source) -> Result<Option<Self>, Damage> {
        let head = source.head::<16>()?;
        if head.starts_with(elf::MAGIC) {
            Ok(Some(Self::Elf))
        } else if head.starts_with(kdump::MAGIC) {
            Ok(Some(Self::Kdump))
        } else if head.starts_with(b"makedumpfile\0") {
            let reason = "a flattened dump: make a dump of it with makedumpfile -R";
            Err(Damage::at(0, reason))
        } else if head.starts_with(&[0xa8, 0x19, 0x01, 0x73, 0x61, 0x8f, 0x23, 0xfd]) {
            let reason = "a stand-alone dump: make an ELF core of it with zgetdump -f elf";
            Err(Damage::at(0, reason))
        } else {
            Ok(None)
        }
    }
}

/// A dump, of which nothing is in memory.
#[derive(Debug)]
pub(super) struct Dump {
    source: Source,
    layout: Layout,
    /// What could not be read so far; of several the first in the file.
    damage: Mutex<Option<Damage>>,
}

#[derive(Debug)]
enum Layout {
    Segments(Segments),
    Kdump(Kdump),
}

impl Dump {
    pub(super) fn open(source: Source, shape: Shape) -> Result<Self, Damage> {
        let layout = match shape {
            Shape::Image(addr) => {
                let all = Segment {
                    addr,
                    len: source.len(),
                    offset: 0,
                    named_at: 0,
                    number: None,
                };
                // It may be a part of what there was.
                Layout::Segments(Segments::new(vec![all], source.len(), false)?)
            }
            Shape::Elf => Layout::Segments(elf::segments(&source)?),
            Shape::Kdump => Layout::Kdump(Kdump::open(&source)?),
        };
        Ok(Self {
            source,
            layout,
            damage: Mutex::new(None),
        })
    }

    /// First address behind all storage.
    pub(super) fn end(&self) -> u64 {
        match &self.layout {
            Layout::Segments(segments) => segments.end(),
            Layout::Kdump(kdump) => kdump.end(),
        }
    }

    /// Whether all storage below the end is there.
    pub(super) fn is_whole(&self) -> bool {
        match &self.layout {
            Layout::Segments(segments) => segments.is_whole(),
            Layout::Kdump(kdump) => kdump.is_whole(),
        }
    }

    /// Where storage may be, in ascending order.
    pub(super) fn spans(&self) -> Vec<Range<u64>> {
        match &self.layout {
            Layout::Segments(segments) => segments.spans(),
            Layout::Kdump(kdump) => kdump.spans(),
        }
    }

    /// What could not be read so far.
    pub(super) fn damage(&self) -> Option<Damage> {
        self.damage.lock().ok()?.clone()
    }
}

impl Stored for Dump {
    fn read(&self, addr: u64, buf: &mut [u8]) -> usize {
        let read = match &self.layout {
            Layout::Segments(segments) => segments.read(&self.source, addr, buf),
            Layout::Kdump(kdump) => kdump.read(&self.source, addr, buf),
        };
        read.unwrap_or_else(|damage| {
            if let Ok(mut known) = self.damage.lock()
                && known
                    .as_ref()
                    .is_none_or(|known| known.offset > damage.offset)
            {
                *known = Some(damage);
            }
            0
        })
    }

    fn origin(&self, addr: u64) -> Option<Origin> {
        match &self.layout {
            Layout::Segments(segments) => segments.origin(addr),
            Layout::Kdump(kdump) => kdump.origin(&self.source, addr).ok()?,
        }
    }
}
