// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A case for people: what is in storage, and the bytes that make it again.

use std::fmt;

use ccw::{Ccw, CcwFlags, CcwLine, Guest, GuestAddr, IdawFormat, Orb, RawCcw};
use translator::GuestStorage;

use super::{Case, Patch, Scene};
use crate::differential::judge;

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scene = self.build();
        writeln!(f, "Case")?;
        writeln!(f, "  {:?}", self.terms)?;
        for region in scene.regions.regions() {
            writeln!(
                f,
                "  storage {:x} bytes at {:x} -> {:x} {:?}",
                region.len, region.guest, region.host, region.permission
            )?;
        }
        writeln!(f, "  guard {:?}", self.memory.guard)?;
        writeln!(f, "  {:x?}", Orb::<Guest>::decode(&scene.orb))?;
        for segment in &self.segments {
            let start = segment.at.address() & !7;
            for n in 0..segment.ccws.len() as u64 {
                line(f, &scene, start + 8 * n)?;
            }
            writeln!(f)?;
        }
        writeln!(f, "  as the translator reads it:")?;
        for step in judge(&scene).steps() {
            line(f, &scene, step.at.get())?;
        }
        for patch in &self.patches {
            writeln!(f, "  {patch:?}")?;
        }
        for reply in &scene.script {
            writeln!(f, "  {} bytes, {:x?}", reply.bytes, reply.answer)?;
        }
        write!(f, "  bytes ")?;
        self.to_bytes()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} bytes at {:x}: {:02x?}",
            self.bytes.len(),
            self.at,
            self.bytes
        )
    }
}

/// One CCW, with its list.
fn line(f: &mut fmt::Formatter<'_>, scene: &Scene, at: u64) -> fmt::Result {
    let orb = Orb::<Guest>::decode(&scene.orb);
    let Some(raw) = scene.doubleword(at) else {
        return writeln!(f, "  {at:08x}: no storage");
    };
    let raw = RawCcw(raw);
    let shown = CcwLine {
        addr: at as u32,
        raw,
    }
    .display(orb.format, scene.policy.device);
    write!(f, "  {shown}")?;
    let ccw = Ccw::<Guest>::decode(raw, orb.format);
    if ccw.flags.contains(CcwFlags::INDIRECT) && !ccw.command.is_tic(orb.format) {
        let format = IdawFormat::of(&orb);
        let size = format.size();
        write!(f, " [")?;
        for k in 0..u64::from(ccw.count.div_ceil(2048)) + 1 {
            let mut word = [0; 8];
            let word = &mut word[..size as usize];
            let at = u64::from(ccw.addr.get()) + k * size;
            if GuestStorage::read(scene, GuestAddr::new(at), word) < word.len() {
                break;
            }
            write!(f, " ")?;
            word.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        }
        write!(f, " ...]")?;
    }
    writeln!(f)
}
