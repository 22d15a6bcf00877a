// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What this crate asks of the guest's storage.

use core::ops::Range;

use ccw::GuestAddr;

use crate::CommandPolicy;

/// Guest storage, to be read while the guest runs.
///
/// The guest may change every byte at any time, so an implementation copies with volatile or
/// atomic loads and never forms a reference into the storage. Only [`fetch`](crate::fetch) and
/// [`fetch_part`](crate::fetch_part) call this, and ask for each word once for a snapshot.
pub trait GuestStorage {
    /// Copies bytes from `at` on into `buf`, up to the first byte that is not available, and
    /// says how many those were.
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize;

    /// The doubleword at `at`, which is a multiple of 8, unless it is not available.
    #[inline]
    fn read_doubleword(&self, at: GuestAddr) -> Option<[u8; 8]> {
        let mut buf = [0; 8];
        (self.read(at, &mut buf) == buf.len()).then_some(buf)
    }
}

impl<T: GuestStorage + ?Sized> GuestStorage for &T {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        (**self).read(at, buf)
    }
    fn read_doubleword(&self, at: GuestAddr) -> Option<[u8; 8]> {
        (**self).read_doubleword(at)
    }
}

/// The storage key of a 4 KiB block of guest storage. "PoP: Storage Key".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct StorageKey {
    /// Access-control bits, 0-15.
    pub access: u8,
    /// Fetch-protection bit.
    pub fetch_protected: bool,
}

/// The guest's storage keys, where the machine monitor knows them.
pub trait StorageKeys {
    /// The key of the block that holds `at`.
    fn key(&self, at: GuestAddr) -> StorageKey;

    /// Storage from which CCWs, lists or data may have been fetched, or into which a device may have
    /// stored: the reference bits of its blocks are to be set. Told by whoever runs programs, once a
    /// program has ended; storage that it did not come to may be in it. "PoP: Reference Recording".
    fn referenced(&self, _range: Range<GuestAddr>) {}

    /// Storage into which a device may have stored: the change bits of its blocks are to be set. All of
    /// it is [`referenced`](Self::referenced) too. "PoP: Change Recording".
    fn changed(&self, _range: Range<GuestAddr>) {}
}

/// An address limit as SET ADDRESS LIMIT takes it: a multiple of 64 KiB below 2 GiB. So no limit
/// parts a 4 KiB block, of which data is checked as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LimitAddr(GuestAddr);

impl LimitAddr {
    /// Distance of limits, in bytes.
    pub const BLOCK: u64 = 0x1_0000;

    /// `at`, if a limit can lie there.
    pub fn new(at: GuestAddr) -> Option<Self> {
        (at.is_aligned(Self::BLOCK) && at.get() < 1 << 31).then_some(Self(at))
    }

    /// The address.
    pub fn get(self) -> GuestAddr {
        self.0
    }
}

/// The side of the address limit on which data may lie. "PoP: Address-Limit Checking".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressLimit {
    /// PMCW limit mode 01: data addresses are equal to or greater than the limit.
    AtLeast(LimitAddr),
    /// PMCW limit mode 10: data addresses are less than the limit.
    Below(LimitAddr),
}

/// What guards guest storage beyond its existence, and the device.
#[derive(Clone, Copy, Default)]
pub struct Guards<'a> {
    /// Storage keys; without them no key is checked.
    pub keys: Option<&'a dyn StorageKeys>,
    /// The subchannel's address limit, applied when the ORB asks for it.
    pub limit: Option<AddressLimit>,
    /// Which commands the device may be given; without it all of them.
    pub commands: Option<&'a CommandPolicy>,
}

impl<'a> Guards<'a> {
    /// The command policy, if it forbids anything.
    pub(crate) fn policy(&self) -> Option<&'a CommandPolicy> {
        self.commands.filter(|policy| !policy.is_everything())
    }
}

/// Granule of storage keys.
pub(crate) const KEY_BLOCK: u64 = 4096;

/// How many of the `len` bytes from `at` upward a program with key `key` may use.
pub(crate) fn keyed_prefix(
    keys: &dyn StorageKeys,
    key: u8,
    at: GuestAddr,
    len: u64,
    store: bool,
) -> u64 {
    let mut done = 0;
    while done < len {
        let Some(block) = at.checked_add(done) else {
            break;
        };
        if !key_allows(keys, key, block, store) {
            break;
        }
        done += block.block_remainder(KEY_BLOCK);
    }
    done.min(len)
}

/// Whether a program with key `key` may use the block that holds `at`.
pub(crate) fn key_allows(keys: &dyn StorageKeys, key: u8, at: GuestAddr, store: bool) -> bool {
    let block = keys.key(at);
    key == 0 || block.access == key || !(store || block.fetch_protected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_multiple_of_64_kib_below_2_gib() {
        let is_limit = |at| LimitAddr::new(GuestAddr::new(at)).map(|limit| limit.get().get());
        for at in [0, 0x1_0000, 0x12_0000, 0x100_0000, 0x7fff_0000] {
            assert_eq!(is_limit(at), Some(at));
        }
        for at in [1, 0x800, 0x1000, 0x8000, 0xffff, 0x1_0001, 0x1_8000] {
            assert_eq!(is_limit(at), None, "{at:x}");
        }
        for at in [
            0x7fff_f000,
            0x7fff_ffff,
            0x8000_0000,
            0x1_0000_0000,
            !0xffff,
        ] {
            assert_eq!(is_limit(at), None, "{at:x}");
        }
    }
}
