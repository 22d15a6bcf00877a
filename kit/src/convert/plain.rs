// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A case without everything that a program file cannot hold, if the program does without it.

use std::collections::{BTreeMap, BTreeSet};

use ccw::{DeviceClass, GuestAddr};

use super::{Script, Written};
use crate::{
    differential::{Behaviour, device::MOST},
    generator::{Case, Guard, KeyedPages, Patch, Recorded, Scene, Target},
    program_file::{KeyRange, ProgramFile},
};

const PAGE: u64 = 4096;
/// Most bytes that the device of a case moves, if all its answers are taken.
const MOST_MOVED: usize = 64 << 20;

/// Input of commands, by their number.
type Contents = BTreeMap<usize, Vec<u8>>;

/// The program of `case` as a file.
pub(super) fn written(case: Case, contents: Contents) -> Result<Written, String> {
    let scene = case.build();
    let moved: usize = scene.script.iter().map(|reply| reply.bytes.min(MOST)).sum();
    if moved > MOST_MOVED {
        return Err(format!(
            "answers of the device that move {moved} bytes: at most {MOST_MOVED} are looked at"
        ));
    }
    let mut notes = Vec::new();
    let meant = Behaviour::of(&scene, &contents);
    let mut case = settled(case, &meant, &contents, &mut notes)?;
    // From here on the program is known by its settings, so that its status may be another than `meant`.
    let meant = Behaviour::of(&case.build(), &contents);
    case = flat(&case, &meant, &contents, &mut notes)?;
    let scene = case.build();
    let script = Script::of(&scene, &meant, &contents);
    let file = file(&case)?;
    Ok(Written {
        file,
        script: Some(script),
        notes,
    })
}

/// A setting that a file does not have, and what it is.
type Setting = (fn(&mut Case), &'static str);

/// `case` with the settings that every program in a file has. Where its program does something else
/// then, the setting is named.
fn settled(
    mut case: Case,
    meant: &Behaviour,
    contents: &Contents,
    notes: &mut Vec<String>,
) -> Result<Case, String> {
    let settings: [Setting; 4] = [
        (
            |case| case.terms.any_skips = false,
            "a policy by which any command may skip",
        ),
        (
            |case| case.terms.refuse = false,
            "a policy that refuses what one copy cannot carry out",
        ),
        (
            |case| {
                if !matches!(case.memory.guard, Guard::None | Guard::Keys) {
                    case.memory.guard = Guard::None;
                }
            },
            "an address limit",
        ),
        (
            |case| {
                let frames = case.memory.frames.iter_mut();
                frames.for_each(|frame| frame.read_only = false);
            },
            "storage that is only to be read",
        ),
    ];
    for (settle, what) in settings {
        let before = case.clone();
        settle(&mut case);
        if case != before && Behaviour::of(&case.build(), contents) != *meant {
            return Err(format!(
                "{what}: the program comes to it, and a program file has none"
            ));
        }
    }
    if !case.terms.concurrent_sense {
        case.terms.concurrent_sense = true;
        if Behaviour::of(&case.build(), contents) != *meant {
            notes.push(
                "a unit check brought no sense bytes along; that is no part of the program"
                    .to_owned(),
            );
        }
    }
    Ok(case)
}

/// `case` with storage from address 0 on, in which all its bytes are patches.
fn flat(
    case: &Case,
    meant: &Behaviour,
    contents: &Contents,
    notes: &mut Vec<String>,
) -> Result<Case, String> {
    let scene = case.build();
    if case.memory.frames.is_empty() && case.segments.is_empty() {
        // As it was recorded. Patches may lie over each other, or outside.
        let whole = case
            .patches
            .iter()
            .map(|patch| (patch.at, patch.bytes.len() as u64));
        return Ok(with_storage(case, &scene, linear(&scene), whole));
    }
    let pages = present(&scene);
    let mut sizes: BTreeSet<u64> = BTreeSet::new();
    for &(start, end) in &pages {
        sizes.extend([start, end]);
    }
    let uses = meant.uses(&scene);
    let same = |case: &Case| Behaviour::of(&case.build(), contents) == *meant;
    for size in sizes.into_iter().rev() {
        let lean = with_storage(case, &scene, size, uses.iter().copied());
        if same(&lean) {
            if pages.iter().any(|&(start, end)| start.max(size) < end) {
                notes.push(format!(
                    "storage from {size:x} on, which the program does not use, is left out"
                ));
            }
            notes.push("storage that the program does not read is zero".to_owned());
            return Ok(lean);
        }
    }
    let mut free = 0;
    let mut holes = Vec::new();
    for (start, end) in pages {
        if free < start {
            holes.push(format!("{free:x}-{:x}", start - 1));
        }
        free = end;
    }
    let missing = match holes.is_empty() {
        true => String::new(),
        false => format!("is missing ({}), or ", holes.join(" ")),
    };
    Err(format!(
        "storage that {missing}has two addresses: the program comes to it, and storage in a program file \
         begins at 0 and has no holes"
    ))
}

/// Pages from address 0 on that are no frames of their own.
fn linear_pages(case: &Case) -> u64 {
    (u64::from(case.memory.linear) << 8).saturating_sub(case.recorded.short.into())
}

/// First addresses of stretches of storage, and the first behind.
fn present(scene: &Scene) -> Vec<(u64, u64)> {
    let mut stretches: Vec<(u64, u64)> = Vec::new();
    for region in scene.regions.regions() {
        let (start, end) = (region.guest.get(), region.guest.get() + region.len);
        match stretches.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => stretches.push((start, end)),
        }
    }
    stretches
}

/// Bytes of storage from address 0 on.
fn linear(scene: &Scene) -> u64 {
    match present(scene).first() {
        Some(&(0, end)) => end,
        _ => 0,
    }
}

/// `case` with `size` bytes of storage, of which these stretches are as `scene` has them and all else is
/// zero.
fn with_storage(
    case: &Case,
    scene: &Scene,
    size: u64,
    stretches: impl Iterator<Item = (u64, u64)>,
) -> Case {
    let mut wanted: Vec<(u64, u64)> = stretches
        .map(|(at, len)| (at, at.saturating_add(len).min(size)))
        .filter(|(at, end)| at < end)
        .collect();
    wanted.sort_unstable();
    let mut apart: Vec<(u64, u64)> = Vec::new();
    for (at, end) in wanted {
        match apart.last_mut() {
            Some(last) if at <= last.1 => last.1 = last.1.max(end),
            _ => apart.push((at, end)),
        }
    }
    let mut patches = Vec::new();
    for (at, end) in apart {
        let mut at = at;
        while at < end {
            let len = (end - at).min(0xffff);
            let bytes = scene.peek(GuestAddr::new(at), len as usize);
            // Where there is no storage, there will be zeros.
            let next = at + (bytes.len() as u64).max(1);
            if !bytes.is_empty() {
                patches.push(Patch { at, bytes });
            }
            at = next;
        }
    }
    let pages = size / PAGE;
    let whole = pages.div_ceil(256);
    let mut flat = case.clone();
    flat.orb.start = Target::Word(scene.orb.word(2));
    flat.segments = Vec::new();
    flat.patches = patches;
    flat.memory.linear = whole as u16;
    flat.memory.frames = Vec::new();
    if flat.memory.guard == Guard::Keys {
        flat.memory.guard = Guard::None;
        let frames = case.memory.frames.iter().rev();
        let recorded = linear_pages(case);
        let frames = frames.filter(|frame| frame.number() >= recorded);
        let keyed = frames.map(|frame| KeyedPages {
            first: frame.number() as u32,
            pages: 1,
            key: frame.key,
        });
        let keyed = keyed.filter(|keyed| u64::from(keyed.first) < pages);
        flat.recorded.keys.splice(0..0, keyed);
    }
    flat.recorded = Recorded {
        device: device_type(case).into_bytes(),
        short: (whole * 256 - pages) as u8,
        keys: flat.recorded.keys,
    };
    flat
}

/// What people write for the device of `case`.
fn device_type(case: &Case) -> String {
    match (&case.recorded.device, case.device_class()) {
        (name, _) if !name.is_empty() => String::from_utf8_lossy(name).into_owned(),
        (_, DeviceClass::Eckd) => "3390".to_owned(),
        (_, DeviceClass::Tape) => "3490".to_owned(),
        _ => String::new(),
    }
}

/// `case`, which has been made flat, as a file.
fn file(case: &Case) -> Result<ProgramFile, String> {
    let device = String::from_utf8(case.recorded.device.clone());
    let size = linear(&case.build());
    let keys = case.recorded.keys.iter().map(|key| KeyRange {
        addr: u64::from(key.first) * PAGE,
        len: u64::from(key.pages) * PAGE,
        key: key.key >> 4,
        fetch_protect: key.key & 8 != 0,
    });
    let inside = |key: KeyRange| {
        let end = (key.addr + key.len).min(size);
        let len = end.saturating_sub(key.addr);
        (len > 0).then_some(KeyRange { len, ..key })
    };
    let ranges = case
        .patches
        .iter()
        .map(|patch| (patch.at, patch.bytes.clone()));
    Ok(ProgramFile {
        name: String::new(),
        device: device.map_err(|_| "a device type that is no text".to_owned())?,
        orb: case.build().orb,
        size,
        fill: 0,
        ranges: ranges.collect(),
        keys: keys.filter_map(inside).collect(),
    })
}
