// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Storage of which only parts may be touched.

use ccw::{Addr, Space};

use super::{Storage, StorageError, StorageFault};

/// What may be done with a granted range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Fetch only.
    Fetch,
    /// Fetch and store.
    Store,
}

/// An access outside everything that was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Violation<S: Space> {
    /// The first byte outside.
    pub at: Addr<S>,
    /// What was tried.
    pub access: Access,
}

/// Grants ranges of `M`, answers that everything else is unavailable, and remembers each attempt.
///
/// A translated program that keeps within its plan causes no violation.
#[derive(Clone, Debug)]
pub struct Granted<S: Space, M> {
    storage: M,
    ranges: Vec<(Addr<S>, u64, Access)>,
    violations: Vec<Violation<S>>,
}

impl<S: Space, M: Storage<S>> Granted<S, M> {
    /// `storage`, with nothing granted.
    pub fn new(storage: M) -> Self {
        Self {
            storage,
            ranges: Vec::new(),
            violations: Vec::new(),
        }
    }

    /// Grants `len` bytes from `addr` on. Overlapping grants add up.
    pub fn grant(&mut self, addr: Addr<S>, len: u64, access: Access) {
        self.ranges.push((addr, len, access));
    }

    /// The attempts outside, in the order in which they were made.
    pub fn violations(&self) -> &[Violation<S>] {
        &self.violations
    }

    /// The storage behind.
    pub fn inner(&self) -> &M {
        &self.storage
    }

    /// The storage behind, for whoever prepares it.
    pub fn inner_mut(&mut self) -> &mut M {
        &mut self.storage
    }

    /// The storage behind; the grants are dropped.
    pub fn into_inner(self) -> M {
        self.storage
    }

    /// How many of `len` bytes from `addr` on are granted, before the first that is not.
    fn granted(&self, addr: u64, len: usize, access: Access) -> usize {
        let mut done: u64 = 0;
        let wanted = len as u64;
        while done < wanted {
            let Some(at) = addr.checked_add(done) else {
                break;
            };
            let reach = self
                .ranges
                .iter()
                .filter(|(_, _, granted)| access == Access::Fetch || *granted == Access::Store)
                .filter_map(|(start, len, _)| len.checked_sub(at.checked_sub(start.get())?))
                .max()
                .unwrap_or(0);
            if reach == 0 {
                break;
            }
            done = done.saturating_add(reach);
        }
        usize::try_from(done.min(wanted)).unwrap_or(len)
    }

    /// Records that the byte `done` behind `addr` was touched in vain.
    fn trap(&mut self, addr: Addr<S>, done: usize, access: Access) -> StorageError<S> {
        let at = Addr::new(addr.get().wrapping_add(done as u64));
        self.violations.push(Violation { at, access });
        StorageError {
            fault: StorageFault::Unavailable,
            at,
        }
    }
}

impl<S: Space, M: Storage<S>> Storage<S> for Granted<S, M> {
    fn fetch(&mut self, addr: Addr<S>, key: u8, bytes: &mut [u8]) -> Result<(), StorageError<S>> {
        let len = self.granted(addr.get(), bytes.len(), Access::Fetch);
        if let Some(inside) = bytes.get_mut(..len) {
            self.storage.fetch(addr, key, inside)?;
        }
        if len < bytes.len() {
            return Err(self.trap(addr, len, Access::Fetch));
        }
        Ok(())
    }

    fn store(&mut self, addr: Addr<S>, key: u8, bytes: &[u8]) -> Result<(), StorageError<S>> {
        let len = self.granted(addr.get(), bytes.len(), Access::Store);
        if let Some(inside) = bytes.get(..len) {
            self.storage.store(addr, key, inside)?;
        }
        if len < bytes.len() {
            return Err(self.trap(addr, len, Access::Store));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ccw::{Host, HostAddr};

    use super::*;
    use crate::Ram;

    #[test]
    fn only_granted_bytes_are_reached_and_the_rest_is_remembered() {
        let mut storage = Granted::<Host, _>::new(Ram::new(0x1_0000));
        storage.grant(HostAddr::new(0x1000), 0x10, Access::Store);
        storage.grant(HostAddr::new(0x1010), 0x10, Access::Fetch);
        let at = |addr| HostAddr::new(addr);
        let unavailable = |addr| {
            Err(StorageError {
                fault: StorageFault::Unavailable,
                at: at(addr),
            })
        };

        assert_eq!(storage.store(at(0x1008), 0, &[1; 8]), Ok(()));
        assert_eq!(storage.store(at(0x100e), 0, &[2; 4]), unavailable(0x1010));
        assert_eq!(
            storage.inner().read(at(0x100c), 8),
            [1, 1, 2, 2, 0, 0, 0, 0]
        );
        let mut bytes = [9; 0x22];
        assert_eq!(storage.fetch(at(0x1000), 0, &mut bytes[..0x20]), Ok(()));
        assert_eq!(
            storage.fetch(at(0x0fff), 0, &mut bytes),
            unavailable(0x0fff)
        );
        assert_eq!(
            storage.violations(),
            [
                Violation {
                    at: at(0x1010),
                    access: Access::Store
                },
                Violation {
                    at: at(0x0fff),
                    access: Access::Fetch
                },
            ]
        );
    }
}
