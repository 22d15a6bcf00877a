// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest's storage on the host, and what it puts there meanwhile.

use ccw::{GuestAddr, Host, HostAddr};
use css::Ram;
use translator::GuestStorage;

use super::program::{Program, SUSPEND};

/// How much higher guest storage lies on the host, and how much there is.
pub(super) const OFFSET: u64 = 1 << 33;
pub(super) const SIZE: u64 = 0x10_0000;

/// Host storage, with the guest's.
pub(super) struct Guest<'a> {
    program: &'a Program,
    pub(super) ram: Ram<Host>,
    /// Parts of the program that it has seen to.
    parts: usize,
}

impl<'a> Guest<'a> {
    /// With its program, which may suspend itself.
    pub(super) fn new(program: &'a Program, suspends: bool) -> Self {
        let mut guest = Self {
            program,
            ram: Ram::new(1 << 36),
            parts: 0,
        };
        guest.put(&program.storage);
        for &at in program.suspends.iter().filter(|_| suspends) {
            let ccw = guest.ccw(at) | SUSPEND;
            guest.put(&[(at, ccw.to_be_bytes().to_vec())]);
        }
        guest
    }

    /// What is to be carried out was looked at.
    pub(super) fn is_judged(&mut self) {
        self.put(&self.program.later);
    }

    /// Control has come to `at`, from where on the program is looked at again.
    pub(super) fn is_asked(&mut self, at: u64) {
        self.parts += 1;
        if self.program.honest >> (self.parts % 8) & 1 == 0 {
            // The CCWs come last of what was there, and stay as they are.
            let parameters = self.program.storage.split_last();
            self.put(parameters.map_or(&[], |(_, parameters)| parameters));
        }
        // It is to go on.
        let ccw = self.ccw(at) & !SUSPEND;
        self.put(&[(at, ccw.to_be_bytes().to_vec())]);
        for &(part, at, ccw) in &self.program.instead {
            if part == self.parts {
                self.put(&[(at, ccw.to_be_bytes().to_vec())]);
            }
        }
    }

    fn ccw(&self, at: u64) -> u64 {
        let bytes = self.ram.read(HostAddr::new(at + OFFSET), 8);
        u64::from_be_bytes(bytes.try_into().expect("eight bytes"))
    }

    fn put(&mut self, what: &[(u64, Vec<u8>)]) {
        for (at, bytes) in what {
            self.ram.write(HostAddr::new(at + OFFSET), bytes);
        }
    }
}

impl GuestStorage for Guest<'_> {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        let left = SIZE.saturating_sub(at.get());
        let len = usize::try_from(left).map_or(buf.len(), |left| left.min(buf.len()));
        let bytes = self.ram.read(HostAddr::new(at.get() + OFFSET), len);
        buf[..len].copy_from_slice(&bytes);
        len
    }
}
