// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! From what a case means to bytes in storage.

mod amounts;
mod program;
mod storage;

use std::collections::{BTreeMap, BTreeSet};

use ccw::{CcwFlags, Class, Command, DeviceClass, GuestAddr, Host, HostAddr, RawOrb, orb::word1};
use css::Ram;
use pinning::RegionMap;
use translator::{
    AddressLimit, Guards, GuestStorage, Policy, Skips, Stance, StorageKey, StorageKeys,
};

use crate::program_file::KeyRange;

use super::{
    Answer, Area, Case, Data, FRAMES, KeyedPages, Midal, Odd, Oddity, Place, Terms, host_page,
};
use program::Builder;

const PAGE: u64 = 4096;

/// A machine that is about to start a program.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Operand of START SUBCHANNEL.
    pub orb: RawOrb,
    /// Guest storage: where it lies.
    pub regions: RegionMap,
    /// Guest storage: what is in it, by host address.
    pub ram: Ram<Host>,
    /// Storage keys, if they count.
    pub keys: Option<Keys>,
    /// The subchannel's address limit.
    pub limit: Option<AddressLimit>,
    /// The device's answers.
    pub script: Vec<Reply>,
    /// The judge.
    pub policy: Policy,
    /// A unit check brings its sense bytes along.
    pub concurrent_sense: bool,
}

/// An [`Answer`] with a definite amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The answer.
    pub answer: Answer,
    /// Bytes that the device wants to move; nothing if there is no data phase.
    pub bytes: usize,
}

/// Storage keys: those of some pages, of which the last counts, and of frames.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    pages: Vec<KeyedPages>,
    frames: BTreeMap<u64, u8>,
}

impl Keys {
    /// Those of a program file, if it has any.
    pub(crate) fn of(ranges: &[KeyRange]) -> Option<Self> {
        let keyed = ranges.iter().map(|range| KeyedPages {
            first: (range.addr / PAGE) as u32,
            pages: (range.len / PAGE) as u32,
            key: range.key << 4 | u8::from(range.fetch_protect) << 3,
        });
        (!ranges.is_empty()).then(|| Self {
            pages: keyed.collect(),
            frames: BTreeMap::new(),
        })
    }

    /// The same for a program file; the last counts.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = KeyRange> {
        let range = |first: u64, pages: u64, key: u8| KeyRange {
            addr: first * PAGE,
            len: pages * PAGE,
            key: key >> 4,
            fetch_protect: key & 8 != 0,
        };
        let frames = self.frames.iter();
        let frames = frames.map(move |(&frame, &key)| range(frame, 1, key));
        let pages = self.pages.iter();
        frames.chain(pages.map(move |it| range(it.first.into(), it.pages.into(), it.key)))
    }
}

impl StorageKeys for Keys {
    fn key(&self, at: GuestAddr) -> StorageKey {
        let page = at.get() / PAGE;
        let has = |keyed: &&KeyedPages| {
            let behind = page.checked_sub(keyed.first.into());
            behind.is_some_and(|behind| behind < keyed.pages.into())
        };
        let keyed = self.pages.iter().rev().find(has).map(|keyed| keyed.key);
        let key = keyed.or_else(|| self.frames.get(&page).copied());
        let key = key.unwrap_or_default();
        StorageKey {
            access: key >> 4,
            fetch_protected: key & 8 != 0,
        }
    }
}

impl Terms {
    /// Kinds of devices that differ to the channel: which of their commands skip, and which are
    /// known to be immediate.
    pub const DEVICES: [DeviceClass; 3] =
        [DeviceClass::Unknown, DeviceClass::Eckd, DeviceClass::Tape];

    fn policy(self, device: DeviceClass) -> Policy {
        let stance = if self.refuse {
            Stance::Refuse
        } else {
            Stance::Accept
        };
        Policy {
            device,
            skips: if self.any_skips {
                Skips::Any
            } else {
                Skips::Searches
            },
            no_prefetch: stance,
            self_modifying: stance,
            max_ccws: translator::limits::MAX_CCWS,
            ..Policy::CHECK
        }
    }
}

impl Case {
    /// The machine that this case means.
    pub fn build(&self) -> Scene {
        let mut builder = Builder::new(self);
        builder.segments();
        builder.finish()
    }

    /// The same with every frame in a page of its own, which `key` scatters.
    pub fn scattered(mut self, key: u8) -> Self {
        for frame in &mut self.memory.frames {
            // An odd factor: no two frames meet.
            frame.host = (frame.frame % FRAMES.len() as u8)
                .wrapping_mul(37)
                .wrapping_add(key);
        }
        self
    }

    /// The same with lists of MIDAWs where it had IDAWs or addresses of data, and no byte of storage with
    /// two addresses. `key` says which.
    pub fn with_midaws(self, key: u64) -> Self {
        let mut case = self.scattered(key as u8);
        case.orb.word1 |= word1::MIDAW;
        let mut numbers = key;
        let mut next = |limit: u64| {
            numbers = numbers.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (numbers >> 33) % limit
        };
        let ccws = case
            .segments
            .iter_mut()
            .flat_map(|segment| &mut segment.ccws);
        for (n, intent) in ccws.enumerate() {
            let first = match &intent.data {
                Data::At(place) => *place,
                Data::List(list) => list.first,
                Data::Word(_) | Data::Go(_) | Data::Midal(_) => continue,
            };
            let whole = next(3) == 0;
            let areas = (0..1 + next(4)).map(|k| {
                // The frames for data, and those behind 16 MiB.
                let frame = 8 + ((3 * n as u64 + k) % 12) as u8;
                let offset = match (k, whole) {
                    (0, _) => first.offset,
                    (_, true) => 0,
                    (_, false) => next(4096) as u16,
                };
                Area {
                    at: Place { frame, offset },
                    count: [4096, 2048, 3, 40, 4096][next(5) as usize],
                    skip: next(8) == 0,
                }
            });
            let areas = areas.collect();
            let odd = (next(8) == 0).then(|| Odd {
                word: next(4) as u8,
                how: Oddity::Word(next(1 << 31) as u32),
            });
            // A MIDAW can do the same.
            intent.flags &= !CcwFlags::SKIP.bits();
            intent.data = Data::Midal(Midal {
                at: None,
                areas,
                odd,
            });
        }
        case
    }

    /// Whether some byte of storage has two addresses.
    pub fn has_aliases(&self) -> bool {
        let mut pages = BTreeSet::new();
        !storage::frames(self)
            .values()
            .all(|frame| pages.insert(host_page(frame.host)))
    }
}

impl Scene {
    /// These answers with the amounts that they come to with this program.
    pub(crate) fn answers(&self, script: &[Answer]) -> Vec<Reply> {
        amounts::amounts(self, script)
    }

    /// What guards guest storage.
    pub fn guards(&self) -> Guards<'_> {
        Guards {
            keys: self.keys.as_ref().map(|keys| keys as &dyn StorageKeys),
            limit: self.limit,
            ..Guards::default()
        }
    }

    /// The eight bytes at `at`, if they are storage.
    pub fn doubleword(&self, at: u64) -> Option<[u8; 8]> {
        self.peek(GuestAddr::new(at), 8).try_into().ok()
    }

    /// The `len` bytes at `at` as far as there is storage, whatever guards it.
    pub fn peek(&self, at: GuestAddr, len: usize) -> Vec<u8> {
        peek(&self.regions, &self.ram, at, len)
    }
}

impl GuestStorage for Scene {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        let bytes = self.peek(at, buf.len());
        buf[..bytes.len()].copy_from_slice(&bytes);
        bytes.len()
    }
}

/// The `len` bytes of guest storage at `at`, as far as there is storage.
pub(crate) fn peek(regions: &RegionMap, ram: &Ram<Host>, at: GuestAddr, len: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < len
        && let Some(at) = at.checked_add(bytes.len() as u64)
        && let Some(region) = regions.find(at)
    {
        let offset = at.get() - region.guest.get();
        let left = len - bytes.len();
        let here = usize::try_from(region.len - offset).map_or(left, |here| here.min(left));
        let host = HostAddr::new(region.host.get() + offset);
        bytes.extend(ram.read(host, here));
    }
    bytes
}

/// Whether a command with this code takes input from the device.
pub(crate) fn is_input(code: u8) -> bool {
    matches!(
        Command(code).class(),
        Class::Read | Class::Sense | Class::ReadBackward
    )
}
