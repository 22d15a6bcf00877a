// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Plain storage, sparse, with storage keys.

use std::collections::{BTreeMap, BTreeSet};

use ccw::{Addr, Space};

use super::{Storage, StorageError, StorageFault};
use crate::bytes::put;

const PAGE: u64 = 4096;
const PAGE_BYTES: usize = 4096;

/// The storage key of a 4 KiB block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct StorageKey {
    /// Access-control bits, 0-15.
    pub acc: u8,
    /// F: the key also guards fetches.
    pub fetch_protect: bool,
}

impl StorageKey {
    /// "PoP: Key-Controlled Protection".
    fn permits(self, key: u8, store: bool) -> bool {
        key == 0 || key == self.acc || (!store && !self.fetch_protect)
    }
}

/// Locations 0 to `size - 1`. Only pages that were stored into take memory, so that any size may
/// be declared.
#[derive(Clone, Debug)]
pub struct Ram<S: Space> {
    size: u64,
    fill: u8,
    pages: BTreeMap<u64, Box<[u8; PAGE_BYTES]>>,
    keys: BTreeMap<u64, StorageKey>,
    damaged: BTreeSet<u64>,
    space: core::marker::PhantomData<fn() -> S>,
}

impl<S: Space> Ram<S> {
    /// `size` bytes of zeros with key 0.
    pub fn new(size: u64) -> Self {
        Self::filled(size, 0)
    }

    /// `size` bytes of the value `fill` with key 0.
    pub fn filled(size: u64, fill: u8) -> Self {
        Self {
            size,
            fill,
            pages: BTreeMap::new(),
            keys: BTreeMap::new(),
            damaged: BTreeSet::new(),
            space: core::marker::PhantomData,
        }
    }

    /// Number of bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Gives the 4 KiB block that holds `addr` the storage key `key`.
    pub fn set_key(&mut self, addr: Addr<S>, key: StorageKey) {
        self.keys.insert(addr.get() / PAGE, key);
    }

    /// From now on no access to the 4 KiB block that holds `addr` succeeds.
    pub fn damage(&mut self, addr: Addr<S>) {
        self.damaged.insert(addr.get() / PAGE);
    }

    /// Stores whatever the keys; returns false, having stored what precedes, if a byte lies
    /// outside.
    pub fn write(&mut self, addr: Addr<S>, bytes: &[u8]) -> bool {
        self.store(addr, 0, bytes).is_ok()
    }

    /// The `len` bytes from `addr` on, cut off at the end of storage.
    pub fn read(&self, addr: Addr<S>, len: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for page in Pages::new(addr.get(), len) {
            let left = self.size.saturating_sub(page.addr);
            let len = page.len.min(usize::try_from(left).unwrap_or(usize::MAX));
            match self.pages.get(&page.index) {
                Some(data) => bytes.extend(data.iter().skip(page.offset).take(len)),
                None => bytes.extend(std::iter::repeat_n(self.fill, len)),
            }
            if len < page.len {
                break;
            }
        }
        bytes
    }

    /// The pages that were ever stored into, in ascending order.
    pub fn touched(&self) -> impl Iterator<Item = (Addr<S>, &[u8; PAGE_BYTES])> {
        self.pages
            .iter()
            .map(|(index, page)| (Addr::new(index * PAGE), &**page))
    }

    /// How many of the `len` bytes at `addr`, which lie in one page, may be accessed.
    fn permitted(&self, page: &Piece, key: u8, store: bool) -> Result<(), StorageError<S>> {
        let error = |fault, at| StorageError {
            fault,
            at: Addr::new(at),
        };
        if page.addr >= self.size {
            return Err(error(StorageFault::Unavailable, page.addr));
        }
        let storage_key = self.keys.get(&page.index).copied().unwrap_or_default();
        if !storage_key.permits(key, store) {
            return Err(error(StorageFault::Protected, page.addr));
        }
        if self.damaged.contains(&page.index) {
            return Err(error(StorageFault::Damaged, page.addr));
        }
        Ok(())
    }
}

impl<S: Space> Storage<S> for Ram<S> {
    fn fetch(&mut self, addr: Addr<S>, key: u8, bytes: &mut [u8]) -> Result<(), StorageError<S>> {
        let mut rest = bytes;
        for page in Pages::new(addr.get(), rest.len()) {
            self.permitted(&page, key, false)?;
            let len = page.within(self.size);
            let Some(now) = rest.split_off_mut(..len) else {
                break;
            };
            match self.pages.get(&page.index) {
                Some(data) => put(now, 0, data.get(page.offset..).unwrap_or_default()),
                None => now.fill(self.fill),
            }
            page.complete(len)?;
        }
        at_end(rest.len())
    }

    fn store(&mut self, addr: Addr<S>, key: u8, bytes: &[u8]) -> Result<(), StorageError<S>> {
        let mut rest = bytes;
        for page in Pages::new(addr.get(), rest.len()) {
            self.permitted(&page, key, true)?;
            let len = page.within(self.size);
            let Some(now) = rest.split_off(..len) else {
                break;
            };
            let fill = self.fill;
            let data = self
                .pages
                .entry(page.index)
                .or_insert_with(|| Box::new([fill; PAGE_BYTES]));
            put(&mut data[..], page.offset, now);
            page.complete(len)?;
        }
        at_end(rest.len())
    }
}

/// The error of a range that passed the end of the 64-bit space with `left` bytes to go.
fn at_end<S: Space>(left: usize) -> Result<(), StorageError<S>> {
    if left == 0 {
        return Ok(());
    }
    Err(StorageError {
        fault: StorageFault::Unavailable,
        at: Addr::new(0),
    })
}

/// The part of a range that lies in one page.
struct Piece {
    addr: u64,
    index: u64,
    offset: usize,
    len: usize,
}

impl Piece {
    /// Its bytes below `size`.
    fn within(&self, size: u64) -> usize {
        let left = size.saturating_sub(self.addr);
        usize::try_from(left).map_or(self.len, |left| left.min(self.len))
    }

    /// An error at the byte behind the first `len`, unless those are all.
    fn complete<S: Space>(&self, len: usize) -> Result<(), StorageError<S>> {
        if len == self.len {
            return Ok(());
        }
        Err(StorageError {
            fault: StorageFault::Unavailable,
            at: Addr::new(self.addr + len as u64),
        })
    }
}

/// Splits a range at page boundaries; ends at the end of the 64-bit space.
struct Pages {
    next: Option<u64>,
    left: usize,
}

impl Pages {
    fn new(addr: u64, len: usize) -> Self {
        Self {
            next: Some(addr),
            left: len,
        }
    }
}

impl Iterator for Pages {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let addr = self.next?;
        if self.left == 0 {
            return None;
        }
        let offset = usize::try_from(addr % PAGE).ok()?;
        let len = (PAGE_BYTES - offset).min(self.left);
        self.left -= len;
        self.next = addr.checked_add(len as u64);
        Some(Piece {
            addr,
            index: addr / PAGE,
            offset,
            len,
        })
    }
}

#[cfg(test)]
mod tests {
    use ccw::{Guest, GuestAddr};

    use super::*;

    fn error(fault: StorageFault, at: u64) -> Result<(), StorageError<Guest>> {
        Err(StorageError {
            fault,
            at: GuestAddr::new(at),
        })
    }

    #[test]
    fn bytes_cross_pages_and_untouched_ones_have_the_fill() {
        let mut ram = Ram::<Guest>::filled(1 << 63, 0xaa);
        assert!(ram.write(GuestAddr::new(0x1ffe), &[1, 2, 3, 4]));
        assert_eq!(
            ram.read(GuestAddr::new(0x1ffd), 6),
            [0xaa, 1, 2, 3, 4, 0xaa]
        );
        let mut bytes = [0; 6];
        ram.fetch(GuestAddr::new(0x1ffd), 0, &mut bytes).unwrap();
        assert_eq!(bytes, [0xaa, 1, 2, 3, 4, 0xaa]);
        assert_eq!(ram.touched().count(), 2);
    }

    #[test]
    fn the_end_of_storage_stops_at_the_exact_byte() {
        let mut ram = Ram::<Guest>::new(0x1003);
        let stored = ram.store(GuestAddr::new(0x1000), 0, &[1, 2, 3, 4]);
        assert_eq!(stored, error(StorageFault::Unavailable, 0x1003));
        assert_eq!(ram.read(GuestAddr::new(0x1000), 8), [1, 2, 3]);
        let mut bytes = [9; 4];
        let fetched = ram.fetch(GuestAddr::new(0x1001), 0, &mut bytes);
        assert_eq!(fetched, error(StorageFault::Unavailable, 0x1003));
        assert_eq!(bytes, [2, 3, 9, 9]);
    }

    #[test]
    fn the_last_byte_of_all_does_not_wrap() {
        let mut ram = Ram::<Guest>::new(u64::MAX);
        let stored = ram.store(GuestAddr::new(u64::MAX - 1), 0, &[1, 2]);
        assert_eq!(stored, error(StorageFault::Unavailable, u64::MAX));
    }

    #[test]
    fn keys_guard_stores_and_with_fetch_protection_fetches() {
        let mut ram = Ram::<Guest>::new(0x4000);
        let key = |acc, fetch_protect| StorageKey { acc, fetch_protect };
        ram.set_key(GuestAddr::new(0x1000), key(3, false));
        ram.set_key(GuestAddr::new(0x2000), key(3, true));
        let mut bytes = [0; 2];
        let at = |addr| GuestAddr::new(addr);
        assert_eq!(ram.fetch(at(0x1fff), 3, &mut bytes), Ok(()));
        assert_eq!(ram.fetch(at(0x1fff), 0, &mut bytes), Ok(()));
        let protected = error(StorageFault::Protected, 0x2000);
        assert_eq!(ram.fetch(at(0x1fff), 5, &mut bytes), protected);
        let protected = error(StorageFault::Protected, 0x0fff);
        assert_eq!(ram.store(at(0x0fff), 5, &[7, 7]), protected);
        ram.set_key(at(0), key(5, false));
        let protected = error(StorageFault::Protected, 0x1000);
        assert_eq!(ram.store(at(0x0fff), 5, &[7, 7]), protected);
        assert_eq!(ram.read(at(0x0fff), 2), [7, 0]);
    }
}
