// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the guest does between two parts.

use ccw::{CcwFlags, Format, Guest, GuestAddr, Host, HostAddr, Orb};
use css::Ram;

use super::{Late, SUSPENSIONS};
use crate::{
    differential::judge,
    generator::{Scene, peek},
};

/// The guest at work beside its program.
pub(super) struct Changes<'a> {
    scene: &'a Scene,
    late: &'a Late,
    /// Where CCWs were in the beginning.
    ccws: Vec<GuestAddr>,
    done: u32,
    /// It was told by a PCI, and made one.
    pub(super) told: bool,
}

impl<'a> Changes<'a> {
    pub(super) fn new(scene: &'a Scene, late: &'a Late) -> Self {
        let program = judge(scene);
        Self {
            scene,
            late,
            ccws: program.steps().map(|step| step.at).collect(),
            done: 0,
            told: false,
        }
    }

    fn next(&mut self) -> u32 {
        let kind = self.late.changes.rotate_right(2 * self.done) & 3;
        self.done += 1;
        kind
    }

    /// The program is suspended at `at`.
    pub(super) fn at_suspension(&mut self, ram: &mut Ram<Host>, at: GuestAddr) {
        let format = Orb::<Guest>::decode(&self.scene.orb).format;
        let flags = if format == Format::One { 1 } else { 4 };
        let kind = if self.done > SUSPENSIONS / 2 {
            1
        } else {
            self.next()
        };
        let Ok(mut raw) = <[u8; 8]>::try_from(peek(&self.scene.regions, ram, at, 8)) else {
            return;
        };
        match kind {
            0 => return,
            1 => raw[flags] &= !CcwFlags::SUSPEND.bits(),
            2 => {
                raw[flags] &= !CcwFlags::SUSPEND.bits();
                raw[flags] ^= CcwFlags::PCI.bits();
            }
            _ => {
                let to = (at.get() as u32).wrapping_add(8).to_be_bytes();
                raw = match format {
                    Format::One => [8, 0, 0, 0, to[0], to[1], to[2], to[3]],
                    Format::Zero => [8, to[1], to[2], to[3], 0, 0, 0, 0],
                };
            }
        }
        self.poke(ram, at, &raw);
    }

    /// A PCI has told of the program, which has not come further yet.
    pub(super) fn at_pci(&mut self, ram: &mut Ram<Host>) {
        if Orb::<Guest>::decode(&self.scene.orb).prefetch || self.ccws.is_empty() {
            return;
        }
        let format = Orb::<Guest>::decode(&self.scene.orb).format;
        let flags = if format == Format::One { 1 } else { 4 };
        let kind = self.next();
        self.told = true;
        let victim = (self.late.changes.rotate_right(self.done * 3) >> 8) as usize;
        let at = self.ccws[victim % self.ccws.len()];
        let Ok(mut raw) = <[u8; 8]>::try_from(peek(&self.scene.regions, ram, at, 8)) else {
            return;
        };
        match kind {
            0 => return,
            1 => raw[flags] &= !CcwFlags::CHAIN_COMMAND.bits(),
            _ => raw[flags] ^= CcwFlags::SUPPRESS_LENGTH.bits(),
        }
        self.poke(ram, at, &raw);
    }

    fn poke(&self, ram: &mut Ram<Host>, at: GuestAddr, bytes: &[u8; 8]) {
        let Some(region) = self.scene.regions.find(at) else {
            return;
        };
        let host = HostAddr::new(region.host.get() + (at.get() - region.guest.get()));
        ram.write(host, bytes);
    }
}
