// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Addresses at the end of the address space, and storage that says more than it gave.

use std::collections::BTreeMap;

use ccw::{DeviceClass, GuestAddr, HostAddr, RawOrb};
use pinning::{Permission, Region, RegionMap};
use translator::{
    Buffers, Code, CommandPolicy, Guards, GuestStorage, Outcome, Policy, Program, fetch, validate,
};

/// Doublewords by address. Where more than one is asked for, it says that it read `more` bytes than
/// were.
struct Words {
    words: BTreeMap<u64, u64>,
    more: usize,
}

impl GuestStorage for Words {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        for (n, byte) in (0..).zip(buf.iter_mut()) {
            let at = at.get().wrapping_add(n);
            let word = self.words.get(&(at & !7)).copied().unwrap_or(0);
            *byte = word.to_be_bytes()[usize::try_from(at & 7).unwrap()];
        }
        match buf.len() {
            len @ ..=8 => len,
            len => len.saturating_add(self.more),
        }
    }
}

/// The verdict on the program at 1000, in storage of 1 MiB.
fn judge(words: &[(u64, u64)], more: usize, guards: &Guards<'_>) -> Program {
    let words = words.iter().copied().collect();
    let map = RegionMap::new(&[Region {
        guest: GuestAddr::new(0),
        len: 0x10_0000,
        host: HostAddr::new(0x1_0000_0000),
        permission: Permission::ReadWrite,
    }])
    .unwrap();
    // Format 1, prefetching allowed, IDAWs of format 2 with blocks of 4 KiB.
    let orb = RawOrb::from_words([0, 0x00c2_8000, 0x1000]);
    let storage = Words { words, more };
    let policy = Policy::CHECK.for_device(DeviceClass::Eckd);
    validate(
        fetch(&orb, &storage, &policy, guards, Buffers::new()),
        &map,
        guards,
    )
}

/// The parameters of DEFINE EXTENT, by an IDAW, at whatever address; then a READ of 65535 bytes that
/// overwrites the program.
#[test]
fn parameters_at_the_end_of_the_address_space() {
    let commands = CommandPolicy::read_only(DeviceClass::Eckd);
    let guards = Guards {
        commands: Some(&commands),
        ..Guards::default()
    };
    for at in [
        0x2000,
        1 << 63,
        0xffff_ffff_ffff_f000,
        0xffff_ffff_ffff_fff0,
        u64::MAX,
    ] {
        let words = [
            (0x1000, 0x6344_0010_0000_1800),
            (0x1008, 0x0660_ffff_0000_0000),
            (0x1010, 0x0320_0001_0000_0000),
            (0x1800, at),
        ];
        let program = judge(&words, 0, &guards);
        let codes: Vec<_> = program.findings().iter().map(|it| it.code).collect();
        assert!(codes.contains(&Code::EnvOverlap), "{at:x}: {codes:?}");
        assert_eq!(
            codes.contains(&Code::IdawDataUnavail),
            at != 0x2000,
            "{at:x}: {codes:?}"
        );
    }
}

/// A list of one IDAW for parameters that are looked at, and one of three, which are read together.
#[test]
fn storage_that_says_it_gave_more() {
    let commands = CommandPolicy::read_write(DeviceClass::Eckd);
    let words = [
        (0x1000, 0x6344_0010_0000_1800),
        (0x1008, 0x0624_3000_0000_1808),
        (0x1800, 0x2000),
        (0x2000, 0x00c0_0000_0000_0000),
        (0x1808, 0x4000),
        (0x1810, 0x5000),
        (0x1818, 0x6000),
    ];
    for commands in [None, Some(&commands)] {
        let guards = Guards {
            commands,
            ..Guards::default()
        };
        let honest = judge(&words, 0, &guards);
        assert_ne!(honest.outcome(), Outcome::Invalid);
        let sizes = (0..64).map(|n| 0x8_0000 - 8 * n);
        for more in sizes.chain([1, 7, 8, 16, usize::MAX]) {
            let program = judge(&words, more, &guards);
            let same = program.findings() == honest.findings();
            assert!(same || program.outcome() == Outcome::Invalid, "{more:x}");
        }
    }
}
