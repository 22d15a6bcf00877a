// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guest storage for tests: sparse, with keys, counting what is fetched.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
};

use ccw::{GuestAddr, HostAddr};
use pinning::{Permission, Region, RegionMap};
use translator::{GuestStorage, StorageKey, StorageKeys};

use crate::program_file::ProgramFile;

const PAGE: u64 = 4096;

/// Storage from address 0 to a size; bytes never written are all the same, most often zero.
#[derive(Clone, Debug, Default)]
pub struct Storage {
    size: u64,
    fill: u8,
    pages: HashMap<u64, Vec<u8>>,
    keys: BTreeMap<u64, StorageKey>,
    fetches: RefCell<Vec<(u64, usize)>>,
}

impl Storage {
    /// `size` bytes of zeros.
    pub fn new(size: u64) -> Self {
        Self {
            size,
            ..Self::default()
        }
    }

    /// Bytes of storage.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Puts `bytes` at `at`.
    pub fn write(&mut self, at: u64, bytes: &[u8]) {
        for (at, &byte) in (at..).zip(bytes) {
            let page = self
                .pages
                .entry(at / PAGE)
                .or_insert_with(|| vec![self.fill; PAGE as usize]);
            page[(at % PAGE) as usize] = byte;
        }
    }

    /// The byte at `at`, if that is storage.
    pub fn byte(&self, at: u64) -> Option<u8> {
        (at < self.size).then(|| {
            self.pages
                .get(&(at / PAGE))
                .map_or(self.fill, |page| page[(at % PAGE) as usize])
        })
    }

    /// What is in `file`. Keys are kept page by page: not for files of others.
    pub fn of(file: &ProgramFile) -> Self {
        let mut storage = Self {
            fill: file.fill,
            ..Self::new(file.size)
        };
        for (at, bytes) in &file.ranges {
            storage.write(*at, bytes);
        }
        for range in &file.keys {
            let key = StorageKey {
                access: range.key,
                fetch_protected: range.fetch_protect,
            };
            storage.set_key(range.addr, range.len, key);
        }
        storage
    }

    /// Gives the blocks of `start..start + len` a key.
    pub fn set_key(&mut self, start: u64, len: u64, key: StorageKey) {
        for page in start / PAGE..(start + len).div_ceil(PAGE) {
            self.keys.insert(page, key);
        }
    }

    /// One region that covers all of it, `offset` higher in the host.
    pub fn map(&self, offset: u64) -> RegionMap {
        RegionMap::new(&[Region {
            guest: GuestAddr::new(0),
            len: self.size,
            host: HostAddr::new(offset),
            permission: Permission::ReadWrite,
        }])
        .expect("a page-aligned size")
    }

    /// Start and length of every fetch so far, in order.
    pub fn fetches(&self) -> Vec<(u64, usize)> {
        self.fetches.borrow().clone()
    }
}

impl GuestStorage for Storage {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        self.fetches.borrow_mut().push((at.get(), buf.len()));
        let mut read = 0;
        for (at, to) in (at.get()..).zip(buf) {
            let Some(byte) = self.byte(at) else { break };
            *to = byte;
            read += 1;
        }
        read
    }
}

impl StorageKeys for Storage {
    fn key(&self, at: GuestAddr) -> StorageKey {
        self.keys
            .get(&(at.get() / PAGE))
            .copied()
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_file_all_bytes_are_there() {
        let file = format!(
            r#"{{"schema":"ccwprog/1","orb":{{"raw":"{}"}},"memory":{{"size":8192,"default_fill":"e5",
                "ranges":[{{"addr":1,"hex":"0a"}}],
                "storage_keys":[{{"addr":4096,"len":4096,"key":6,"fetch_protect":true}}]}}}}"#,
            "00".repeat(32)
        );
        let storage = Storage::of(&ProgramFile::parse(file.as_bytes()).unwrap());
        let mut bytes = [0; 3];
        assert_eq!(storage.read(GuestAddr::new(0), &mut bytes), 3);
        assert_eq!(bytes, [0xe5, 0x0a, 0xe5]);
        assert_eq!(storage.read(GuestAddr::new(8191), &mut bytes), 1);
        assert_eq!(bytes[0], 0xe5);
        let key = StorageKey {
            access: 6,
            fetch_protected: true,
        };
        assert_eq!(storage.key(GuestAddr::new(0x1fff)), key);
        assert_eq!(storage.key(GuestAddr::new(0xfff)), StorageKey::default());
    }
}
