// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The guest's storage: which pages there are, what they hold, and their keys.

use std::{collections::BTreeMap, sync::LazyLock};

use ccw::{GuestAddr, Host, HostAddr};
use css::Ram;
use pinning::{Permission, Region, RegionMap};

use super::{Keys, PAGE};
use crate::generator::{Case, Frame, Guard, host_page};

/// Host address of the stretch from guest address 0.
const LINEAR: u64 = 0x40_0000_0000;

/// The pattern that frames are filled with: no two stretches of a few bytes are the same.
static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state: u32 = 0x2545_f491;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 11) as u8
    };
    (0..2 * 65536).map(next).collect()
});

/// Bytes of storage from address 0 on.
pub(super) fn linear(case: &Case) -> u64 {
    let whole = u64::from(case.memory.linear) << 20;
    whole.saturating_sub(u64::from(case.recorded.short) * PAGE)
}

/// Guest frame and host page of the frames that are not part of the linear stretch.
pub(super) fn frames(case: &Case) -> BTreeMap<u64, Frame> {
    let linear = linear(case) / PAGE;
    let mut frames = BTreeMap::new();
    for frame in &case.memory.frames {
        let number = frame.number();
        if number >= linear {
            frames.entry(number).or_insert(*frame);
        }
    }
    frames
}

pub(super) fn regions(case: &Case) -> RegionMap {
    let mut regions: Vec<Region> = Vec::new();
    let linear = linear(case);
    if linear > 0 {
        regions.push(Region {
            guest: GuestAddr::new(0),
            len: linear,
            host: HostAddr::new(LINEAR),
            permission: Permission::ReadWrite,
        });
    }
    for (number, frame) in frames(case) {
        let region = Region {
            guest: GuestAddr::new(number * PAGE),
            len: PAGE,
            host: HostAddr::new(host_page(frame.host) * PAGE),
            permission: if frame.read_only {
                Permission::ReadOnly
            } else {
                Permission::ReadWrite
            },
        };
        match regions.last_mut() {
            Some(last)
                if last.guest.get() + last.len == region.guest.get()
                    && last.host.get() + last.len == region.host.get()
                    && last.permission == region.permission =>
            {
                last.len += PAGE;
            }
            _ => regions.push(region),
        }
    }
    RegionMap::new(&regions).expect("whole pages that do not overlap")
}

pub(super) fn ram(case: &Case) -> Ram<Host> {
    let mut ram = Ram::new(1 << 63);
    for (number, frame) in frames(case) {
        let from = (number.wrapping_mul(0x9e37_79b9) >> 7) as usize % 65536;
        let at = HostAddr::new(host_page(frame.host) * PAGE);
        ram.write(at, &PATTERN[from..from + PAGE as usize]);
    }
    ram
}

/// The keys, if they count.
pub(super) fn keys(case: &Case) -> Option<Keys> {
    let recorded = &case.recorded.keys;
    let drawn = case.memory.guard == Guard::Keys;
    (drawn || !recorded.is_empty()).then(|| Keys {
        pages: recorded.clone(),
        frames: match drawn {
            true => frames(case)
                .iter()
                .map(|(&n, frame)| (n, frame.key))
                .collect(),
            false => BTreeMap::new(),
        },
    })
}
