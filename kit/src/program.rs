// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guest programs for tests, written as the bytes that a dump would show.

use ccw::{DeviceClass, Guest, GuestAddr, RawOrb};
use pinning::{Permission, Region, RegionMap};
use translator::{
    AddressLimit, Buffers, CommandPolicy, Facilities, Guards, Policy, Program, Severity,
    StorageKey, fetch, validate,
};

use crate::storage::Storage;

/// The bytes that `text` spells in hexadecimal; blanks count for nothing.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).expect("a hexadecimal digit") as u8)
        .collect();
    assert!(digits.len().is_multiple_of(2), "half a byte in {text:?}");
    digits.chunks(2).map(|two| two[0] << 4 | two[1]).collect()
}

/// What a guest starts: an ORB, and storage with a channel program.
///
/// ```
/// use ccw_kit::program::GuestProgram;
/// use translator::Outcome;
/// // SENSE ID, 64 bytes to 3000.
/// let program = GuestProgram::format1("E4200040 00003000");
/// assert_eq!(program.judge().outcome(), Outcome::Valid);
/// ```
#[derive(Clone, Debug)]
pub struct GuestProgram {
    orb: RawOrb,
    size: u64,
    writes: Vec<(u64, Vec<u8>)>,
    keys: Vec<(u64, StorageKey)>,
    read_only: Option<u64>,
    limit: Option<AddressLimit>,
    policy: Policy,
    commands: Option<CommandPolicy>,
}

impl GuestProgram {
    /// Where [`Self::format0`] and [`Self::format1`] put the first CCW.
    pub const CPA: u32 = 0x1000;

    /// Format-0 CCWs, format-1 IDAWs, 1 MiB of storage, path 80, prefetching allowed.
    pub fn format0(ccws: &str) -> Self {
        Self::new(0x0040_8000, ccws)
    }

    /// Format-1 CCWs, format-2 IDAWs on 4 KiB blocks, otherwise the same.
    pub fn format1(ccws: &str) -> Self {
        Self::new(0x00c2_8000, ccws)
    }

    /// Transport mode, on a machine that has it: the TCW at 1000, which reads 4096 bytes by the list
    /// at 2000 into 5800 and 9000. The TSB is at 2100, and the TCCB, with a single READ, at 2200.
    pub fn transport_read() -> Self {
        Self::transport(
            "00040000 000E0000 00000000 00000000 00000000 00002000 00000000 00002100
             00000000 00002200 00000000 00001000 00000000 00000000 00000000 00000000",
            "06000000 00001000",
            0x1000,
        )
        .put(
            0x2000,
            "00000000 00000800 00000000 00005800 80000000 00000800 00000000 00009000",
        )
    }

    /// The same, writing: the TCW designates the 4096 bytes at 5800 itself, behind a CONTROL with 6
    /// bytes of control data.
    pub fn transport_write() -> Self {
        Self::transport(
            "00000000 001D0000 00000000 00005800 00000000 00000000 00000000 00002100
             00000000 00002200 00001000 00000000 00000000 00000000 00000000 00000000",
            "07400006 00000000 01020304 05060000 05000000 00001000",
            0x1000,
        )
    }

    /// A TCW at 1000 whose TCCB at 2200 has these commands, which move `count` bytes.
    pub fn transport(tcw: &str, commands: &str, count: u32) -> Self {
        let tca = hex(commands);
        let length = u8::try_from(tca.len() + 12).expect("at most 240 bytes of commands");
        let trailer = 0x2210 + tca.len() as u64;
        let transport = count.next_multiple_of(4) + 4;
        let program = Self::new(0x0004_8000, tcw)
            .put(
                0x2200,
                &format!("7F000000 000000{length:02X} 1FFE0000 00000000"),
            )
            .put(0x2210, commands)
            .put(trailer, &format!("00000000 {transport:08X}"));
        let facilities = Facilities::FCX;
        program.policy(Policy {
            facilities,
            ..Policy::CHECK
        })
    }

    fn new(word1: u32, ccws: &str) -> Self {
        Self {
            orb: RawOrb::from_words([0, word1, Self::CPA]),
            size: 0x10_0000,
            writes: Vec::new(),
            keys: Vec::new(),
            read_only: None,
            limit: None,
            policy: Policy::CHECK,
            commands: None,
        }
        .put(Self::CPA.into(), ccws)
    }

    /// With these bytes at `at`.
    #[must_use]
    pub fn put(self, at: u64, text: &str) -> Self {
        self.put_bytes(at, &hex(text))
    }

    /// The same of bytes that are no text.
    #[must_use]
    pub fn put_bytes(mut self, at: u64, bytes: &[u8]) -> Self {
        self.writes.push((at, bytes.to_vec()));
        self
    }

    /// With the bits `mask` of ORB word 1 one.
    #[must_use]
    pub fn with(self, mask: u32) -> Self {
        let word = self.orb.word(1) | mask;
        self.orb_word(1, word)
    }

    /// With the bits `mask` of ORB word 1 zero.
    #[must_use]
    pub fn without(self, mask: u32) -> Self {
        let word = self.orb.word(1) & !mask;
        self.orb_word(1, word)
    }

    /// With another word in the ORB.
    #[must_use]
    pub fn orb_word(mut self, n: usize, word: u32) -> Self {
        self.orb.0[4 * n..4 * n + 4].copy_from_slice(&word.to_be_bytes());
        self
    }

    /// With another address of the first CCW.
    #[must_use]
    pub fn cpa(self, cpa: u32) -> Self {
        self.orb_word(2, cpa)
    }

    /// With storage from 0 to `size`, a multiple of 4 KiB.
    #[must_use]
    pub fn size(self, size: u64) -> Self {
        Self { size, ..self }
    }

    /// With the storage key of the 4 KiB block at `at`.
    #[must_use]
    pub fn storage_key(mut self, at: u64, access: u8, fetch_protected: bool) -> Self {
        self.keys.push((
            at,
            StorageKey {
                access,
                fetch_protected,
            },
        ));
        self
    }

    /// With storage that the guest may not write from `at` on.
    #[must_use]
    pub fn read_only_from(mut self, at: u64) -> Self {
        self.read_only = Some(at);
        self
    }

    /// With the subchannel's address limit.
    #[must_use]
    pub fn limit(mut self, limit: AddressLimit) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Judged by another policy.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// For a device that may be given only these commands.
    #[must_use]
    pub fn commands(self, commands: CommandPolicy) -> Self {
        Self {
            commands: Some(commands),
            ..self
        }
    }

    /// Judged without remarks, as who runs programs has it done.
    #[must_use]
    pub fn without_remarks(mut self) -> Self {
        self.policy.remarks = false;
        self
    }

    /// Judged as a program for a device of this kind.
    #[must_use]
    pub fn device(self, device: DeviceClass) -> Self {
        let policy = self.policy.for_device(device);
        self.policy(policy)
    }

    /// The ORB.
    pub fn orb(&self) -> RawOrb {
        self.orb
    }

    /// Bytes of storage.
    pub fn size_of(&self) -> u64 {
        self.size
    }

    /// The address limit.
    pub fn address_limit(&self) -> Option<AddressLimit> {
        self.limit
    }

    /// The policy.
    pub fn policy_used(&self) -> Policy {
        self.policy
    }

    /// The commands that the device may be given, if not all.
    pub fn commands_used(&self) -> Option<&CommandPolicy> {
        self.commands.as_ref()
    }

    /// Storage as the translator reads it.
    pub fn storage(&self) -> Storage {
        let mut storage = Storage::new(self.size);
        for (at, bytes) in &self.writes {
            storage.write(*at, bytes);
        }
        for &(at, key) in &self.keys {
            storage.set_key(at, 1, key);
        }
        storage
    }

    /// Storage as the software channel accesses it.
    pub fn ram(&self) -> css::Ram<Guest> {
        let mut ram = css::Ram::new(self.size);
        for (at, bytes) in &self.writes {
            assert!(ram.write(GuestAddr::new(*at), bytes));
        }
        for &(at, key) in &self.keys {
            let key = css::storage::StorageKey {
                acc: key.access,
                fetch_protect: key.fetch_protected,
            };
            ram.set_key(GuestAddr::new(at), key);
        }
        ram
    }

    /// Where storage lies on a host that puts it `offset` higher.
    pub fn map(&self, offset: u64) -> RegionMap {
        let split = self.read_only.unwrap_or(self.size);
        let region = |from: u64, to: u64, permission| Region {
            guest: GuestAddr::new(from),
            len: to - from,
            host: ccw::HostAddr::new(from + offset),
            permission,
        };
        let mut regions = vec![region(0, split, Permission::ReadWrite)];
        if split < self.size {
            regions.push(region(split, self.size, Permission::ReadOnly));
        }
        RegionMap::new(&regions).expect("sizes in pages")
    }

    /// The verdict.
    pub fn judge(&self) -> Program {
        self.judge_with(&self.map(1 << 33))
    }

    /// The verdict for storage mapped as `map` says. It does not depend on whether remarks are
    /// asked for.
    pub fn judge_with(&self, map: &RegionMap) -> Program {
        let verdict = self.judge_as(&self.policy, map);
        let other = Policy {
            remarks: !self.policy.remarks,
            ..self.policy
        };
        let other = self.judge_as(&other, map);
        let error = |program: &Program| {
            let mut findings = program.findings().iter();
            findings.find(|f| f.severity == Severity::Error).copied()
        };
        assert_eq!(
            verdict.outcome(),
            other.outcome(),
            "with remarks and without"
        );
        assert_eq!(error(&verdict), error(&other), "with remarks and without");
        assert_eq!(verdict.scsw(), other.scsw(), "with remarks and without");
        verdict
    }

    fn judge_as(&self, policy: &Policy, map: &RegionMap) -> Program {
        let storage = self.storage();
        let keyed = !self.keys.is_empty();
        let guards = Guards {
            keys: if keyed { Some(&storage) } else { None },
            limit: self.limit,
            commands: self.commands.as_ref(),
        };
        let snapshot = fetch(&self.orb, &storage, policy, &guards, Buffers::new());
        validate(snapshot, map, &guards)
    }
}
