// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The copy that vfio-ccw makes of a program before it starts it, as far as it decides whether it does.
//!
//! Source: Linux 7.2, `drivers/s390/cio/vfio_ccw_cp.c`, and what running kernels refused. The storage that
//! is mapped for the device is taken to be all that the input declares, at the guest's addresses.

use std::collections::VecDeque;

use ccw::{CcwFlags, Command, Format, Guest, IdawFormat, Orb};

use super::feature::Feature;
use crate::input::Input;

/// CCWs of a segment, and segments.
const SEGMENT_CCWS: usize = 256;
const SEGMENTS: usize = 16;
/// Bytes that are fetched for each segment, however short.
const FETCHED: u64 = 2048;

/// What becomes of the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copied {
    /// It is made.
    Whole,
    /// It is not, or not so that all of the program is in it.
    Stops(Feature, u64),
    /// The word at this address would have to be known.
    Unknown(u64),
}

/// A CCW as the copy has it.
#[derive(Clone, Copy)]
struct Word {
    at: u64,
    command: Command,
    flags: CcwFlags,
    count: u16,
    addr: u64,
}

/// Why the copy ends.
type Stop = Copied;

/// Copies the program of `input`, whose ORB is `orb`.
pub(crate) fn copy(input: &Input, orb: &Orb<Guest>) -> Copied {
    let copied = segments(input, orb).and_then(|all| {
        all.iter()
            .flatten()
            .try_for_each(|word| word.list(input, orb))?;
        // It is met last, by a program that was not refused.
        all.iter().try_for_each(|words| stays(input, words))
    });
    copied.err().unwrap_or(Copied::Whole)
}

/// All segments, from the first one on.
fn segments(input: &Input, orb: &Orb<Guest>) -> Result<Vec<Vec<Word>>, Stop> {
    let mut all: Vec<Vec<Word>> = Vec::new();
    let mut heads = VecDeque::from([u64::from(input.orb.word(2))]);
    while let Some(head) = heads.pop_front() {
        let known = |target: u64| {
            let within = |segment: &Vec<Word>| {
                let first = segment.first().map_or(0, |word| word.at);
                (first..first + 8 * segment.len() as u64).contains(&target)
            };
            all.iter().any(within)
        };
        if known(head) {
            continue;
        }
        if all.len() == SEGMENTS {
            return Err(Copied::Stops(Feature::ManySegments, head));
        }
        let segment = segment(input, orb, head)?;
        let tics = segment.iter().filter(|word| word.is_tic());
        heads.extend(tics.map(|word| word.addr));
        all.push(segment);
    }
    Ok(all)
}

/// Whether no command skips over the last one of `words`.
fn stays(input: &Input, words: &[Word]) -> Result<(), Stop> {
    let [.., before, last] = words else {
        return Ok(());
    };
    let chains = before.flags & (CcwFlags::CHAIN_COMMAND | CcwFlags::CHAIN_DATA);
    let skips = !before.is_tic() && input.device_class().may_skip(before.command);
    if skips && chains == CcwFlags::CHAIN_COMMAND {
        return Err(Copied::Stops(Feature::SkipLeaves, last.at));
    }
    Ok(())
}

/// The CCWs from `head` on to one that neither chains nor leads back into them.
fn segment(input: &Input, orb: &Orb<Guest>, head: u64) -> Result<Vec<Word>, Stop> {
    if head + FETCHED > input.memory.size() {
        return Err(if input.memory.is_whole() {
            Copied::Stops(Feature::FetchBeyond, head)
        } else {
            Copied::Unknown(head)
        });
    }
    let mut words = Vec::new();
    for at in (head..).step_by(8) {
        if words.len() == SEGMENT_CCWS {
            return Err(Copied::Stops(Feature::LongSegment, at));
        }
        let mut bytes = [0; 8];
        if input.memory.read(at, &mut bytes) < bytes.len() {
            return Err(Copied::Unknown(at));
        }
        let word = Word::decode(at, bytes, orb.format);
        words.push(word);
        let chains = CcwFlags::CHAIN_COMMAND | CcwFlags::CHAIN_DATA;
        let back = word.is_tic() && (head..=at).contains(&word.addr);
        if !word.flags.intersects(chains) && !back {
            break;
        }
    }
    Ok(words)
}

impl Word {
    fn decode(at: u64, bytes: [u8; 8], format: Format) -> Self {
        let [command, a, b, c, d, e, f, g] = bytes;
        let command = Command(command);
        match format {
            Format::Zero if command.is_tic(format) => Self {
                at,
                command: Command::TIC,
                flags: CcwFlags::empty(),
                count: 0,
                addr: u32::from_be_bytes([0, a, b, c]).into(),
            },
            Format::Zero => Self {
                at,
                command,
                flags: CcwFlags::from_bits_retain(d),
                count: u16::from_be_bytes([f, g]),
                addr: u32::from_be_bytes([0, a, b, c]).into(),
            },
            Format::One => Self {
                at,
                command,
                flags: CcwFlags::from_bits_retain(a),
                count: u16::from_be_bytes([b, c]),
                addr: u32::from_be_bytes([d, e, f, g]).into(),
            },
        }
    }

    fn is_tic(self) -> bool {
        self.command == Command::TIC
    }

    /// Whether data moves, by the command code of this CCW, also where it means nothing.
    fn moves(self) -> bool {
        use ccw::Class::{Read, ReadBackward, Sense};
        let input = matches!(self.command.class(), Read | ReadBackward | Sense);
        let skips = input && self.flags.contains(CcwFlags::SKIP);
        self.count != 0 && self.command != Command::NOP && !skips
    }

    /// Reads its list, or makes one, and holds the storage of its data.
    fn list(self, input: &Input, orb: &Orb<Guest>) -> Result<(), Stop> {
        if self.is_tic() {
            return Ok(());
        }
        let form = IdawFormat::of(orb);
        let (size, block) = (form.size(), form.block());
        let bytes = u64::from(self.count.max(1));
        if !self.flags.contains(CcwFlags::INDIRECT) {
            let last = self.addr + bytes - 1;
            return self.holds(input, last);
        }
        let first = self.idaw(input, self.addr, size)?;
        let words = (first % block + bytes).div_ceil(block);
        for n in 0..words {
            let address = self.idaw(input, self.addr + n * size, size)?;
            self.holds(input, address)?;
        }
        Ok(())
    }

    fn idaw(self, input: &Input, at: u64, size: u64) -> Result<u64, Stop> {
        let mut bytes = [0; 8];
        let (_, word) = bytes.split_at_mut(if size == 4 { 4 } else { 0 });
        if input.memory.read(at, word) == word.len() {
            return Ok(u64::from_be_bytes(bytes));
        }
        let end = at + size > input.memory.size();
        Err(if end && input.memory.is_whole() {
            Copied::Stops(Feature::ListUnmapped, self.at)
        } else {
            Copied::Unknown(at)
        })
    }

    /// Whether the page of `address` can be held for data, if there is any.
    fn holds(self, input: &Input, address: u64) -> Result<(), Stop> {
        if !self.moves() || address < input.memory.size() {
            return Ok(());
        }
        Err(if input.memory.is_whole() {
            Copied::Stops(Feature::DataUnmapped, self.at)
        } else {
            Copied::Unknown(address)
        })
    }
}
