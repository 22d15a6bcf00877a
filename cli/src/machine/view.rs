// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The same storage as two channels see it: by guest addresses and by host addresses.

use ccw::{Addr, Guest, GuestAddr, Host, HostAddr, Space};
use css::{Storage, StorageError, StorageFault};

use crate::analysis::HOST_BASE;
use crate::memory::{PAGE, Working};
use crate::translation::HostArea;

/// Guest storage by guest addresses, guarded by its storage keys.
pub(crate) struct GuestView<'w, 'm>(pub(crate) &'w mut Working<'m>);

/// Host storage: the translated program in areas of its own, and at [`HOST_BASE`] the very pages
/// of the guest.
pub(crate) struct HostView<'w, 'm> {
    /// Guest storage.
    pub(crate) guest: &'w mut Working<'m>,
    /// Storage of the host itself, of which the run may change only its own copy.
    pub(crate) areas: Vec<HostArea>,
}

fn error<S: Space>(fault: StorageFault, at: u64) -> StorageError<S> {
    StorageError {
        fault,
        at: Addr::new(at),
    }
}

impl GuestView<'_, '_> {
    /// How many of `len` bytes from `addr` on a channel with `key` may use.
    fn permitted(&self, addr: u64, len: usize, key: u8, store: bool) -> usize {
        let memory = self.0.memory();
        if key == 0 || !memory.has_keys() {
            return len;
        }
        let mut done = 0;
        while done < len {
            let Some(at) = addr.checked_add(done as u64) else {
                break;
            };
            let block = memory.key(at);
            let guarded = store || block.is_some_and(|block| block.fetch_protect);
            if guarded && block.map_or(0, |block| block.key) != key {
                break;
            }
            done = done.saturating_add(usize::try_from(PAGE - at % PAGE).unwrap_or(len));
        }
        done.min(len)
    }
}

impl Storage<Guest> for GuestView<'_, '_> {
    fn fetch(
        &mut self,
        addr: GuestAddr,
        key: u8,
        bytes: &mut [u8],
    ) -> Result<(), StorageError<Guest>> {
        let wanted = bytes.len();
        let allowed = self.permitted(addr.get(), wanted, key, false);
        let (now, _) = bytes.split_at_mut(allowed);
        let done = self.0.fetch(addr.get(), now);
        finish(addr, done, allowed, wanted)
    }

    fn store(&mut self, addr: GuestAddr, key: u8, bytes: &[u8]) -> Result<(), StorageError<Guest>> {
        let wanted = bytes.len();
        let allowed = self.permitted(addr.get(), wanted, key, true);
        let (now, _) = bytes.split_at(allowed);
        let done = self.0.write(addr.get(), now);
        finish(addr, done, allowed, wanted)
    }
}

/// The answer to an access of `wanted` bytes of which the key allows `allowed` and `done` exist.
fn finish<S: Space>(
    addr: Addr<S>,
    done: usize,
    allowed: usize,
    wanted: usize,
) -> Result<(), StorageError<S>> {
    if done == wanted {
        return Ok(());
    }
    let fault = if done < allowed {
        StorageFault::Unavailable
    } else {
        StorageFault::Protected
    };
    Err(error(fault, addr.get().wrapping_add(done as u64)))
}

impl HostView<'_, '_> {
    /// Guest address of the host address `addr`, if guest storage lies there.
    fn guest_address(&self, addr: HostAddr) -> Option<u64> {
        let at = addr.get().checked_sub(HOST_BASE)?;
        (at < self.guest.memory().size()).then_some(at)
    }

    /// The rest of the area that holds `addr`, from there on.
    fn area(&mut self, addr: HostAddr) -> Option<&mut [u8]> {
        self.areas.iter_mut().find_map(|area| {
            let offset = addr.get().checked_sub(area.at.get())?;
            let rest = area.bytes.get_mut(usize::try_from(offset).ok()?..)?;
            (!rest.is_empty()).then_some(rest)
        })
    }
}

impl Storage<Host> for HostView<'_, '_> {
    fn fetch(
        &mut self,
        addr: HostAddr,
        _key: u8,
        bytes: &mut [u8],
    ) -> Result<(), StorageError<Host>> {
        let wanted = bytes.len();
        if let Some(at) = self.guest_address(addr) {
            let done = self.guest.fetch(at, bytes);
            return finish(addr, done, wanted, wanted);
        }
        let source = self.area(addr).unwrap_or_default();
        let done = source.len().min(wanted);
        bytes
            .iter_mut()
            .zip(source)
            .for_each(|(to, byte)| *to = *byte);
        finish(addr, done, wanted, wanted)
    }

    fn store(&mut self, addr: HostAddr, _key: u8, bytes: &[u8]) -> Result<(), StorageError<Host>> {
        let done = if let Some(at) = self.guest_address(addr) {
            self.guest.write(at, bytes)
        } else {
            let target = self.area(addr).unwrap_or_default();
            target
                .iter_mut()
                .zip(bytes)
                .for_each(|(to, byte)| *to = *byte);
            target.len().min(bytes.len())
        };
        finish(addr, done, bytes.len(), bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{KeyRange, Memory};

    fn memory() -> Memory {
        let key = |addr, key, fetch_protect| KeyRange {
            addr,
            len: PAGE,
            key,
            fetch_protect,
        };
        let keys = vec![key(0x1000, 5, false), key(0x2000, 5, true)];
        Memory::new(0x4000, 0xee, vec![], keys).unwrap()
    }

    #[test]
    fn keys_guard_guest_storage_by_block() {
        let memory = memory();
        let mut working = Working::new(&memory);
        let mut view = GuestView(&mut working);
        let at = GuestAddr::new;
        let mut buf = [0; 8];
        let protected = |at| Err(error(StorageFault::Protected, at));
        assert_eq!(view.store(at(0x0ffc), 5, &[1; 8]), protected(0x0ffc));
        assert_eq!(view.store(at(0x0ffc), 6, &[1; 8]), protected(0x0ffc));
        assert_eq!(view.store(at(0x1000), 6, &[1; 8]), protected(0x1000));
        assert_eq!(view.store(at(0x1ffc), 5, &[1; 8]), Ok(()));
        assert_eq!(view.fetch(at(0x1ffc), 6, &mut buf), protected(0x2000));
        assert_eq!(buf, [1, 1, 1, 1, 0, 0, 0, 0], "bytes before are there");
        assert_eq!(view.fetch(at(0x0ffc), 6, &mut buf), Ok(()));
        assert_eq!(view.store(at(0x0ffc), 0, &[2; 8]), Ok(()));
        let unavailable = Err(error(StorageFault::Unavailable, 0x4000));
        assert_eq!(view.store(at(0x3ffc), 0, &[3; 8]), unavailable);
        assert_eq!(view.fetch(at(0x3ffc), 0, &mut buf), unavailable);
        assert_eq!(buf[..4], [3; 4]);
    }

    #[test]
    fn host_addresses_lead_to_the_guests_pages() {
        let memory = memory();
        let mut working = Working::new(&memory);
        let mut view = HostView {
            guest: &mut working,
            areas: vec![HostArea {
                at: HostAddr::new(0x4000_0000),
                bytes: b"ABCDEFGH".to_vec(),
                scratch: false,
            }],
        };
        let at = HostAddr::new;
        let mut buf = [0; 4];
        assert_eq!(view.fetch(at(0x4000_0002), 0, &mut buf), Ok(()));
        assert_eq!(&buf, b"CDEF");
        let unavailable = |at| Err(error(StorageFault::Unavailable, at));
        assert_eq!(
            view.fetch(at(0x4000_0006), 0, &mut buf),
            unavailable(0x4000_0008)
        );
        assert_eq!(
            view.fetch(at(0x3fff_fffe), 0, &mut buf),
            unavailable(0x3fff_fffe)
        );
        assert_eq!(
            view.store(at(0x4000_0007), 0, b"xy"),
            unavailable(0x4000_0008)
        );
        assert_eq!(view.fetch(at(0x4000_0004), 0, &mut buf), Ok(()));
        assert_eq!(&buf, b"EFGx");
        assert_eq!(view.store(at(HOST_BASE + 0x123), 0, b"yz"), Ok(()));
        assert_eq!(
            view.store(at(HOST_BASE + 0x3fff), 0, b"yz"),
            unavailable(HOST_BASE + 0x4000)
        );
        working.read(0x122, &mut buf);
        assert_eq!(&buf, b"\xeeyz\xee");
    }
}
