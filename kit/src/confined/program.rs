// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs for a count-key-data disk, out of any bytes: what is usual, what is nearly so, and what is
//! not, with the parameters that the guest would rather have had.

use super::disk::{Address, CYLINDERS};
use crate::subchannel::stream::Stream;

/// Where CCWs, parameters, lists and data lie.
pub(super) const CCWS: u64 = 0x1000;
const PARAMETERS: u64 = 0x4000;
const LISTS: u64 = 0x6000;
const DATA: u64 = 0x8000;

/// Most CCWs of a program.
const MOST: usize = 24;

/// A program, and what it is confined to.
#[derive(Debug)]
pub(super) struct Program {
    /// First and last track.
    pub(super) extent: (Address, Address),
    pub(super) writes: bool,
    /// Where somebody else has left the disk.
    pub(super) left_at: Address,
    /// Addresses and bytes of guest storage.
    pub(super) storage: Vec<(u64, Vec<u8>)>,
    /// What the guest puts there when it has been looked at.
    pub(super) later: Vec<(u64, Vec<u8>)>,
    /// It mostly goes where it may, and only reads: so there is more of it.
    tame: bool,
    /// Whether the ORB allows prefetching.
    pub(super) prefetch: bool,
    /// Addresses of CCWs that suspend the program, if it may be suspended.
    pub(super) suspends: Vec<u64>,
    /// Numbers of parts of the program, and CCWs that the guest puts there before them.
    pub(super) instead: Vec<(usize, u64, u64)>,
    /// For each part, whether the guest has put back there what was looked at first.
    pub(super) honest: u8,
}

/// Commands that say where others lead, those that move data, and some that do neither.
const LEADING: [u8; 8] = [0x07, 0x0b, 0x1b, 0x63, 0x47, 0x4b, 0xe7, 0x1f];
const USING: [u8; 36] = [
    0x06, 0x86, 0x0e, 0x8e, 0x12, 0x92, 0x1e, 0x9e, 0x1a, 0x9a, 0x16, 0x96, 0x5e, 0xde, 0x0a, 0x31,
    0xb1, 0x29, 0xa9, 0x39, 0xb9, 0x71, 0xf1, 0x05, 0x85, 0x0d, 0x8d, 0x1d, 0x9d, 0x11, 0x15, 0x02,
    0x13, 0xa6, 0xa5, 0x19,
];
/// Those of a tame program.
const GOING: [u8; 4] = [0x07, 0x07, 0x1b, 0x0b];
const READING: [u8; 8] = [0x1a, 0x9a, 0x16, 0x96, 0x12, 0x92, 0x06, 0x86];
const OTHER: [u8; 8] = [0x03, 0x04, 0xe4, 0x64, 0x23, 0x27, 0xb4, 0x0f];

/// The flags of a CCW that tell the guest how far it is, and that suspend it.
const PCI: u64 = 0x08 << 48;
pub(super) const SUSPEND: u64 = 0x02 << 48;

impl Program {
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let mut any = Stream(bytes);
        let (one, other) = (track(&mut any), track(&mut any));
        let mut program = Self {
            extent: (one.min(other), one.max(other)),
            writes: any.below(4) != 0,
            left_at: track(&mut any),
            storage: Vec::new(),
            later: Vec::new(),
            tame: any.flag(),
            prefetch: any.flag(),
            suspends: Vec::new(),
            instead: Vec::new(),
            honest: any.byte(),
        };
        let mut ccws = Vec::new();
        while !any.is_empty() && ccws.len() < MOST {
            let n = ccws.len() as u64;
            let (at, place) = (CCWS + 8 * n, 0x100 * n);
            let ccw = match any.below(16) {
                // As programs begin.
                0..=10 if n == 0 => program.command(&mut any, place, &[0x63, 0xe7, 0x07]),
                0..=10 if n == 1 => program.command(&mut any, place, &[0x47, 0x07, 0x1a, 0x63]),
                0..=12 if program.tame && n.is_multiple_of(2) => {
                    program.command(&mut any, place, &GOING)
                }
                0..=12 if program.tame => program.command(&mut any, place, &READING),
                0..=8 if n == 2 => {
                    program.command(&mut any, place, &[0x05, 0x85, 0x1d, 0x9d, 0x06, 0x86, 0x16])
                }
                0..=6 => program.command(&mut any, place, &LEADING),
                7..=12 => program.command(&mut any, place, &USING),
                13 => program.command(&mut any, place, &OTHER),
                14 => 0x08 << 56 | (CCWS + 8 * u64::from(any.below(MOST as u8))),
                // Back to a search.
                _ => 0x08 << 56 | (CCWS + 8 * n.saturating_sub(1)),
            };
            let style = any.byte();
            if style & 0x03 == 1 {
                let commands = if style & 0x20 == 0 {
                    &LEADING[..]
                } else {
                    &USING
                };
                let other = program.command(&mut any, place + 0x80, commands);
                let part = 1 + usize::from(style >> 6);
                program.instead.push((part, at, other));
            }
            let is_tic = ccw >> 56 == 0x08;
            ccws.push(match style >> 2 & 0x07 {
                0..=3 if !is_tic => ccw | PCI,
                4 if !is_tic => {
                    program.suspends.push(at);
                    ccw
                }
                _ => ccw,
            });
        }
        let ccws = ccws.iter().flat_map(|ccw| ccw.to_be_bytes()).collect();
        program.storage.push((CCWS, ccws));
        program
    }

    /// A CCW with one of these commands, whose data and list lie at `place` among those of the others.
    fn command(&mut self, any: &mut Stream<'_>, place: u64, commands: &[u8]) -> u64 {
        let code = commands[usize::from(any.below(commands.len() as u8))];
        let style = any.byte();
        let mut flags: u64 = if style & 0x0f == 0 { 0x00 } else { 0x40 };
        flags |= if style & 0x30 == 0 { 0x00 } else { 0x20 };
        let parameters = self.parameters(any, code);
        let mut count = match &parameters {
            Some((now, _)) => now.len() as u64,
            None if matches!(code & 0x7f, 0x1d | 0x15) => 24,
            None => u64::from(any.below(64)),
        };
        let rare = any.below(32);
        if rare == 1 {
            count = u64::from(any.byte());
        }
        if rare == 2 {
            flags = 0x80;
        }
        let at = match parameters {
            Some((now, later)) => {
                let at = PARAMETERS + place;
                self.storage.push((at, now));
                self.later.push((at, later));
                at
            }
            None if matches!(code & 0x7f, 0x1d | 0x15) => {
                let (c, h) = track(any);
                let [cc, hh] = [c, h].map(u16::to_be_bytes);
                let at = DATA + place;
                let count = [cc[0], cc[1], hh[0], hh[1], any.below(4), 0, 0, 16];
                self.storage.push((at, count.to_vec()));
                at
            }
            // A search for what is there, now and then; and some input goes into parameters.
            None if code & 0x1f == 0x11 => {
                PARAMETERS + 0x100 * u64::from(any.below(MOST as u8)) + 2
            }
            None if any.below(16) == 0 => PARAMETERS + 0x100 * u64::from(any.below(MOST as u8)),
            None => DATA + place,
        };
        if !(3..7).contains(&rare) || count == 0 {
            return u64::from(code) << 56 | flags << 48 | count << 32 | at;
        }
        // By a list.
        let list = LISTS + place / 16;
        self.storage.push((list, at.to_be_bytes().to_vec()));
        u64::from(code) << 56 | (flags | 0x04) << 48 | count << 32 | list
    }

    /// What a command goes by, and what its guest would rather have it go by.
    fn parameters(&self, any: &mut Stream<'_>, code: u8) -> Option<(Vec<u8>, Vec<u8>)> {
        let address = |(c, h): Address| [c.to_be_bytes(), h.to_be_bytes()].concat();
        let away = ((CYLINDERS - 1, 14), (0, 0));
        let all = [address(away.1), address(away.0)].concat();
        let elsewhere = address(if self.extent.0 > away.1 {
            away.1
        } else {
            away.0
        });
        let extent = |any: &mut Stream<'_>| {
            let mask = [0xd8, 0x40, 0x80, 0x00, 0xc8, 0xc2, 0xe0][usize::from(any.below(12)) % 7];
            let mode = if any.below(16) == 0 { 0x00 } else { 0xc0 };
            let (one, other) = (self.near(any), self.near(any));
            [
                vec![mask, mode, 0, 0, 0, 0, 0, 0],
                address(one.min(other)),
                address(one.max(other)),
            ]
            .concat()
        };
        let location = |any: &mut Stream<'_>, extended: bool| {
            let track = address(self.near(any));
            let operation = [
                0x01, 0x03, 0x06, 0x01, 0x16, 0x0c, 0x4c, 0x83, 0x00, 0x43, 0x3f, 0x02,
            ][usize::from(any.below(12))];
            let mut bytes = vec![operation, 0, 0, any.below(4)];
            bytes.extend([track.clone(), track, vec![any.below(3), 0, 0, 0]].concat());
            if extended {
                bytes.extend([
                    0,
                    [0, 9, 0x0a, 0x0e, 0x10, 0x11][usize::from(any.below(6))],
                    0,
                    0,
                ]);
            }
            let mut later = bytes.clone();
            later[4..8].copy_from_slice(&elsewhere);
            later[8..12].copy_from_slice(&elsewhere);
            (bytes, later)
        };
        let wide = [vec![0xc0, 0xc0, 0, 0, 0, 0, 0, 0], all].concat();
        Some(match code {
            0x07 | 0x0b | 0x1b => {
                let now = [vec![0, 0], address(self.near(any))].concat();
                (now, [vec![0, 0], elsewhere].concat())
            }
            0x1f => (
                vec![[0x00, 0xc0, 0x40, 0x02, 0x04, 0x18][usize::from(any.below(6))]],
                vec![0xc0],
            ),
            0x63 => (extent(any), wide),
            0x47 => location(any, false),
            0x4b => location(any, true),
            0xe7 => {
                let format = any.below(3);
                let valid = [0x80, 0x80, 0x80, 0x00, 0x90, 0xc0][usize::from(any.below(6))];
                let head = vec![format, valid, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
                let (now, later) = location(any, true);
                let extent = extent(any);
                let whole =
                    |extent: &[u8], location: &[u8]| [&head, extent, &[0; 16], location].concat();
                (whole(&extent, &now), whole(&wide, &later))
            }
            0x27 => (
                vec![[0x18, 0x1d][usize::from(any.below(2))]; 12],
                vec![0x1d; 12],
            ),
            _ => return None,
        })
    }

    /// A track in the extent, at its ends, or just beside it.
    fn near(&self, any: &mut Stream<'_>) -> Address {
        let (first, last) = self.extent;
        let next = |(c, h): Address| if h < 14 { (c, h + 1) } else { (c + 1, 0) };
        match any.below(if self.tame { 20 } else { 24 }) {
            0..=9 => first,
            10..=16 => last,
            17..=19 => next(first).min(last),
            20 => next(last),
            21 => (first.0, 14),
            22 => (last.0, any.below(16).into()),
            _ => track(any),
        }
    }
}

/// Any track of the volume.
fn track(any: &mut Stream<'_>) -> Address {
    let n = any.below((CYLINDERS * 15) as u8);
    (u16::from(n) / 15, u16::from(n) % 15)
}
