// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! From an input to a verdict: what every verb does first.

use ccw::{GuestAddr, HostAddr, RawOrb};
use pinning::{Permission, Region, RegionMap};
use translator::{
    Buffers, CommandPolicy, Facilities, Guards, GuestStorage, Part, Policy, Program, Stance,
    StorageKey, StorageKeys, Suspension, fetch, fetch_part, validate,
};

use crate::input::Input;
use crate::memory::{Memory, Working};

/// Where the host sees guest address 0.
pub(crate) const HOST_BASE: u64 = 1 << 32;

/// CCWs of one program that are read: far more than any driver writes, and few enough that no input
/// keeps the tool busy.
const MAX_CCWS: u16 = 16_384;

/// Reads and judges the program of `input`: remarks included, nothing refused that can be done.
pub(crate) fn judge(input: &Input) -> Program {
    judge_within(input, MAX_CCWS)
}

/// The same of a program that is read only as far as `max_ccws`.
pub(crate) fn judge_within(input: &Input, max_ccws: u16) -> Program {
    let commands = input.commands.as_ref();
    of(input, &input.orb, &input.memory, commands, max_ccws)
}

/// Reads and judges the program of `input` as that of a guest that may do everything.
pub(crate) fn unconfined(input: &Input) -> Program {
    of(input, &input.orb, &input.memory, None, MAX_CCWS)
}

/// The same with another ORB, and what `storage` holds.
pub(crate) fn judge_as(input: &Input, orb: &RawOrb, storage: &impl GuestStorage) -> Program {
    of(input, orb, storage, input.commands.as_ref(), MAX_CCWS)
}

fn of(
    input: &Input,
    orb: &RawOrb,
    storage: &impl GuestStorage,
    commands: Option<&CommandPolicy>,
    max_ccws: u16,
) -> Program {
    let memory = &input.memory;
    let guards = Guards {
        keys: keys(memory),
        commands,
        ..Guards::default()
    };
    let policy = Policy {
        facilities: Facilities::FCX,
        max_ccws,
        ..Policy::CHECK.for_device(input.device_class())
    };
    let snapshot = fetch(orb, storage, &policy, &guards, Buffers::new());
    validate(snapshot, &regions(memory), &guards)
}

/// Reads and judges one `part` of the program of `input`, as it stands in `storage`: up to where it
/// must be fetched again.
pub(crate) fn part(input: &Input, storage: &impl GuestStorage, part: &Part) -> Program {
    let guards = Guards {
        keys: keys(&input.memory),
        commands: input.commands.as_ref(),
        ..Guards::default()
    };
    let policy = Policy {
        facilities: Facilities::FCX,
        max_ccws: MAX_CCWS,
        no_prefetch: Stance::Parts,
        self_modifying: Stance::Parts,
        suspend: Suspension::Parts,
        ..Policy::CHECK.for_device(input.device_class())
    };
    let map = regions(&input.memory);
    let buffers = Buffers::new();
    fetch_part(&input.orb, part, storage, &map, &policy, &guards, buffers)
}

/// All of guest storage, as one region of the host.
pub(crate) fn regions(memory: &Memory) -> RegionMap {
    let region = Region {
        guest: GuestAddr::new(0),
        len: memory.size(),
        host: HostAddr::new(HOST_BASE),
        permission: Permission::ReadWrite,
    };
    // The input's reader has seen to it that storage is made of pages and ends far below 2^64;
    // storage of no bytes is no region.
    RegionMap::new(&[region]).unwrap_or_default()
}

/// The storage keys, if there are any.
pub(crate) fn keys(memory: &Memory) -> Option<&dyn StorageKeys> {
    memory.has_keys().then_some(memory as &dyn StorageKeys)
}

impl GuestStorage for Memory {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        Self::read(self, at.get(), buf)
    }
}

impl GuestStorage for Working<'_> {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        Working::read(self, at.get(), buf)
    }
}

impl StorageKeys for Memory {
    fn key(&self, at: GuestAddr) -> StorageKey {
        let key = self.key(at.get());
        StorageKey {
            access: key.map_or(0, |key| key.key),
            fetch_protected: key.is_some_and(|key| key.fetch_protect),
        }
    }
}
