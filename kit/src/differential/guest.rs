// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guest storage as the guest's own program sees it: frames, keys, and nothing between them.

use ccw::{Addr, Guest, GuestAddr, Host, HostAddr};
use css::{Ram, Storage, StorageError, StorageFault};
use pinning::{Permission, RegionMap};
use translator::StorageKeys;

use crate::generator::{Keys, Scene, peek};

const PAGE: u64 = 4096;

/// The storage of a [`Scene`], to be run on.
#[derive(Clone, Debug)]
pub struct GuestView {
    regions: RegionMap,
    ram: Ram<Host>,
    keys: Option<Keys>,
    events: Option<Vec<Event>>,
}

/// What the channel did to storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// All of these bytes were fetched at once.
    Fetch {
        /// First byte.
        at: GuestAddr,
        /// How many.
        len: u64,
    },
    /// These were stored.
    Store {
        /// First byte.
        at: GuestAddr,
        /// How many.
        len: u64,
    },
}

impl GuestView {
    /// A copy of the scene's storage.
    pub fn new(scene: &Scene) -> Self {
        Self {
            regions: scene.regions.clone(),
            ram: scene.ram.clone(),
            keys: scene.keys.clone(),
            events: None,
        }
    }

    /// Writes down from now on what is fetched and stored.
    pub fn record(&mut self) {
        self.events = Some(Vec::new());
    }

    /// What was written down.
    pub fn events(&self) -> &[Event] {
        self.events.as_deref().unwrap_or(&[])
    }

    /// What is in storage, by host address.
    pub fn ram(&self) -> &Ram<Host> {
        &self.ram
    }

    /// The same, for the guest to change.
    pub fn ram_mut(&mut self) -> &mut Ram<Host> {
        &mut self.ram
    }

    /// The `len` bytes at `at` as far as there is storage, whatever guards it.
    pub fn peek(&self, at: GuestAddr, len: usize) -> Vec<u8> {
        peek(&self.regions, &self.ram, at, len)
    }

    /// Whether a program with `key` may use the byte at `at`, and where the host has it.
    fn locate(&self, at: GuestAddr, key: u8, store: bool) -> Result<HostAddr, StorageFault> {
        let region = self.regions.find(at).ok_or(StorageFault::Unavailable)?;
        let guard = self
            .keys
            .as_ref()
            .map(|keys| keys.key(at))
            .unwrap_or_default();
        let allowed = self.keys.is_none()
            || key == 0
            || guard.access == key
            || !(store || guard.fetch_protected);
        if !allowed || (store && region.permission == Permission::ReadOnly) {
            return Err(StorageFault::Protected);
        }
        let offset = at.get() - region.guest.get();
        Ok(HostAddr::new(region.host.get() + offset))
    }

    /// Calls `each` for the parts of `len` bytes at `addr` that lie in one frame.
    fn frames(
        &mut self,
        addr: GuestAddr,
        key: u8,
        store: bool,
        len: usize,
        mut each: impl FnMut(&mut Ram<Host>, HostAddr, std::ops::Range<usize>),
    ) -> Result<(), StorageError<Guest>> {
        let mut done = 0;
        while done < len {
            let error = |fault, at| StorageError { fault, at };
            let at = addr
                .checked_add(done as u64)
                .ok_or(error(StorageFault::Unavailable, Addr::new(0)))?;
            let host = self
                .locate(at, key, store)
                .map_err(|fault| error(fault, at))?;
            let here = usize::try_from(at.block_remainder(PAGE)).map_or(len, |n| n.min(len - done));
            each(&mut self.ram, host, done..done + here);
            done += here;
        }
        Ok(())
    }
}

impl Storage<Guest> for GuestView {
    fn fetch(
        &mut self,
        addr: GuestAddr,
        key: u8,
        bytes: &mut [u8],
    ) -> Result<(), StorageError<Guest>> {
        let len = bytes.len() as u64;
        self.frames(addr, key, false, bytes.len(), |ram, host, part| {
            let fetched = ram.fetch(host, 0, &mut bytes[part]);
            debug_assert!(fetched.is_ok());
        })?;
        if let Some(events) = &mut self.events {
            events.push(Event::Fetch { at: addr, len });
        }
        Ok(())
    }

    fn store(&mut self, addr: GuestAddr, key: u8, bytes: &[u8]) -> Result<(), StorageError<Guest>> {
        let stored = self.frames(addr, key, true, bytes.len(), |ram, host, part| {
            let stored = ram.store(host, 0, &bytes[part]);
            debug_assert!(stored.is_ok());
        });
        if let Some(events) = &mut self.events {
            let len = match &stored {
                Ok(()) => bytes.len() as u64,
                Err(error) => error.at.get().wrapping_sub(addr.get()),
            };
            events.push(Event::Store { at: addr, len });
        }
        stored
    }
}
