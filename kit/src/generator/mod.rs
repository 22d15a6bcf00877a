// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Channel programs with the machine around them, made to be run in two ways.
//!
//! A [`Case`] says what is meant: frames of storage and where they lie on the host, CCWs whose
//! addresses are places and other CCWs, what the device answers to each command. [`Case::build`]
//! makes bytes of it. Property tests draw cases from [`cases`], fuzzers read them with
//! [`Case::from_bytes`], and a recorded program becomes one by [`Case::of_program`]: all three use
//! one model, so a failure found by one can be replayed by the others.

mod build;
mod listing;
mod plain;
mod program;
mod strategy;
pub(crate) mod wire;

pub use build::{Keys, Reply, Scene};
pub(crate) use build::{is_input, peek};
pub use strategy::{cases, config, random_cases};

use ccw::{DeviceClass, DeviceStatus};
use wire::{Reader, Wire, wire};

/// Everything that decides a run.
#[derive(Clone, PartialEq, Eq)]
pub struct Case {
    /// How the program is judged, and by whom.
    pub terms: Terms,
    /// Guest storage.
    pub memory: Memory,
    /// The ORB.
    pub orb: OrbWords,
    /// Runs of consecutive CCWs.
    pub segments: Vec<Segment>,
    /// Bytes that are put over everything at last.
    pub patches: Vec<Patch>,
    /// What the device answers, command by command; then it ends each at once.
    pub script: Vec<Answer>,
    /// What only recorded programs have.
    pub recorded: Recorded,
}

/// What recorded programs have, and drawn ones do not. It stands behind everything else in the bytes,
/// behind the byte `RECORDED`; without that byte there is nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Type of the device, such as `3390`. If it is not empty, [`Terms::device`] does not count.
    pub device: Vec<u8>,
    /// Pages that the stretch from address 0 is short of whole MiB.
    pub short: u8,
    /// Storage keys, of which the last for a page counts. With one, keys count, whatever else guards
    /// storage.
    pub keys: Vec<KeyedPages>,
}

/// The storage key of some pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyedPages {
    /// Number of the first.
    pub first: u32,
    /// How many.
    pub pages: u32,
    /// As [`Frame::key`].
    pub key: u8,
}

/// The byte in front of what a recorded program has.
const RECORDED: u8 = 0xfc;

/// Policy and settings of the subchannel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Any command may present status modifier; else only searches may.
    pub any_skips: bool,
    /// What a single copy cannot carry exactly is refused.
    pub refuse: bool,
    /// A unit check brings its sense bytes along.
    pub concurrent_sense: bool,
    /// Kind of device, an index of [`Terms::DEVICES`].
    pub device: u8,
}

/// Guest storage: a stretch from address 0, and single frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// MiB from address 0 on that exist, all zeros, in one region.
    pub linear: u16,
    /// Further frames, filled with a pattern. The first of several with one number counts.
    pub frames: Vec<Frame>,
    /// What guards storage besides.
    pub guard: Guard,
}

/// A 4 KiB frame of guest storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Which one, an index of [`FRAMES`].
    pub frame: u8,
    /// Host page, see [`host_page`]; frames with the same one share their bytes.
    pub host: u8,
    /// Devices may not store there.
    pub read_only: bool,
    /// Storage key as the machine has it: access-control bits, then the fetch-protection bit.
    pub key: u8,
}

/// What guards storage beyond its existence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Nothing.
    None,
    /// Storage keys.
    Keys,
    /// The address limit: data must not lie below this 64 KiB block, of those below 2 GiB.
    AtLeast(u16),
    /// The address limit: data must lie below this 64 KiB block.
    Below(u16),
}

/// The ORB as far as it is not an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrbWords {
    /// Word 0.
    pub intparm: u32,
    /// Word 1.
    pub word1: u32,
    /// Word 2.
    pub start: Target,
    /// Words 3-7, as far as they are not zero.
    pub extension: Vec<u8>,
}

/// A byte of guest storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// An index of [`FRAMES`].
    pub frame: u8,
    /// Byte of the frame, modulo its size.
    pub offset: u16,
}

/// Consecutive CCWs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where the first lies, rounded down to a doubleword.
    pub at: Place,
    /// In ascending order.
    pub ccws: Vec<Intent>,
}

/// One CCW.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Command code.
    pub code: u8,
    /// Flags; IDA is set by the form of `data`.
    pub flags: u8,
    /// Count.
    pub count: u16,
    /// Byte 5 in format 0.
    pub ignored: u8,
    /// What the address is of.
    pub data: Data,
}

/// What the address field of a CCW is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Data.
    At(Place),
    /// Whatever: the whole word, bit 32 of the CCW included.
    Word(u32),
    /// A CCW, for TIC.
    Go(Target),
    /// A list of IDAWs.
    List(List),
    /// A list of MIDAWs.
    Midal(Midal),
}

/// A CCW to start with, or to go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// This one of this segment, counted modulo the segments; the CCW may lie behind its end.
    Ccw(Index),
    /// Whatever.
    Word(u32),
}

/// Number of a segment, and of a CCW in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Index {
    /// Segment.
    pub segment: u8,
    /// CCW.
    pub ccw: u8,
}

/// A list of as many IDAWs as the count needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// Where it lies, to the byte; else in storage that nothing else is put into.
    pub at: Option<Place>,
    /// Whether it is written for reading backward.
    pub backward: bool,
    /// The first byte of data.
    pub first: Place,
    /// Blocks of the later IDAWs, again and again; without any the frame of the first.
    pub blocks: Vec<Place>,
    /// One word that is wrong.
    pub odd: Option<Odd>,
}

/// A list of MIDAWs that have as many bytes as the count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Midal {
    /// Where it lies, to the byte; else in storage that nothing else is put into.
    pub at: Option<Place>,
    /// The areas, again and again; each ends with its page.
    pub areas: Vec<Area>,
    /// One word that is wrong.
    pub odd: Option<Odd>,
}

/// An area of a MIDAW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Its first byte; its last one for reading backward.
    pub at: Place,
    /// Its length at most.
    pub count: u16,
    /// Input is not stored.
    pub skip: bool,
}

/// A wrong IDAW or MIDAW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Odd {
    /// Its number, modulo the list's length.
    pub word: u8,
    /// What is wrong.
    pub how: Oddity,
}

/// What is wrong with an IDAW or MIDAW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// So many bytes are added.
    Off(u16),
    /// Its first bit is one.
    High,
    /// It is this.
    Word(u32),
    /// Flags and count of a MIDAW are the last three bytes of this; these bits of the first half of an
    /// IDAW are others.
    Head(u32),
}

/// Bytes at an absolute address.
#[derive(Clone, PartialEq, Eq)]
pub struct Patch {
    /// First byte.
    pub at: u64,
    /// What is put there, as far as there is storage.
    pub bytes: Vec<u8>,
}

/// The device's answer to one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How much data it wants or has.
    pub amount: Amount,
    /// First byte of its input.
    pub seed: u8,
    /// Status at the end, or in answer to the command byte if there is no data phase.
    pub status: u8,
    /// Status that follows by itself; none if zero.
    pub later: u8,
    /// Number of sense bytes of a unit check.
    pub sense: u8,
}

/// How much data a device wants to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// As much as the data chain has room for if nothing unexpected happens, and this much more.
    Count(i16),
    /// So many bytes.
    Bytes(u16),
    /// None: the status answers the command byte.
    Immediate,
    /// Output as far as it goes, without incorrect length at its end; input as `Count(0)`.
    Variable,
}

wire!(struct Case { terms, memory, orb, segments, script, patches; recorded });
wire!(struct Recorded { device, short, keys });
wire!(struct KeyedPages { first, pages, key });
wire!(struct Terms { any_skips, refuse, concurrent_sense, device });
wire!(struct Memory { linear, frames, guard });
wire!(struct Frame { frame, host, read_only, key });
wire!(enum Guard { 0 => None, 1 => Keys, 2 => AtLeast(block), 3 => Below(block) });
wire!(struct OrbWords { intparm, word1, start, extension });
wire!(struct Place { frame, offset });
wire!(struct Segment { at, ccws });
wire!(struct Intent { code, flags, count, ignored, data });
wire!(enum Data { 0 => At(place), 1 => Word(word), 2 => Go(target), 3 => List(list), 4 => Midal(list) });
wire!(struct Midal { at, areas, odd });
wire!(struct Area { at, count, skip });
wire!(enum Target { 0 => Ccw(index), 1 => Word(word) });
wire!(struct Index { segment, ccw });
wire!(struct List { at, backward, first, blocks, odd });
wire!(struct Odd { word, how });
wire!(enum Oddity { 0 => Off(bytes), 1 => High, 2 => Word(word), 3 => Head(head) });
wire!(struct Patch { at, bytes });
wire!(struct Answer { amount, seed, status, later, sense });
wire!(enum Amount { 0 => Count(more), 1 => Bytes(len), 2 => Immediate, 3 => Variable });

/// Numbers of the frames that a case may have: page 0 and some behind it, and those beside each
/// boundary of an address field.
pub const FRAMES: [u64; 26] = [
    // For programs and lists.
    0, 1, 2, 3, 4, 5, 6, 7, //
    // For data.
    0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, //
    // 16 MiB.
    0xffe, 0xfff, 0x1000, 0x1001, //
    // 2 GiB.
    0x7_fffe, 0x7_ffff, 0x8_0000, 0x8_0001, //
    // 4 GiB.
    0x10_0000, 0x10_0001,
];

/// Number of the host page that `n` stands for: 64 that follow each other above 4 GiB, 64
/// scattered, 64 below 16 MiB, 64 very high.
pub fn host_page(n: u8) -> u64 {
    let k = u64::from(n % 64);
    match n / 64 {
        0 => 0x10_0000 + k,
        1 => 0x20_0000 + 3 * k,
        2 => 0x800 + k,
        _ => 0xf_0000_0000 - 5 * k,
    }
}

impl Case {
    /// The case that any bytes stand for.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut reader = Reader::new(bytes);
        let mut case = Self::read(&mut reader);
        case.recorded = Recorded::read_last(&mut reader);
        case
    }

    /// Bytes that stand for this case.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        self.recorded.write_last(&mut bytes);
        bytes
    }

    /// The kind of device.
    pub fn device_class(&self) -> DeviceClass {
        match self.recorded.device.as_slice() {
            [] => Terms::DEVICES[usize::from(self.terms.device) % Terms::DEVICES.len()],
            name => DeviceClass::from_type(&String::from_utf8_lossy(name)),
        }
    }
}

impl Recorded {
    /// Reads it behind everything else.
    pub(crate) fn read_last(from: &mut Reader<'_>) -> Self {
        match u8::read(from) {
            RECORDED => Self::read(from),
            _ => Self::default(),
        }
    }

    /// Writes it behind everything else.
    pub(crate) fn write_last(&self, to: &mut Vec<u8>) {
        if *self != Self::default() {
            RECORDED.write(to);
            self.write(to);
        }
    }
}

impl Answer {
    /// Whether it has the command tried again: then the channel fetches its CCW once more, into
    /// which the command may have read.
    pub fn retries(&self) -> bool {
        let status = DeviceStatus::from_bits_retain(self.status | self.later);
        status.contains(DeviceStatus::UNIT_CHECK | DeviceStatus::STATUS_MODIFIER)
    }
}

impl Frame {
    /// Its number in guest storage.
    pub fn number(self) -> u64 {
        FRAMES[usize::from(self.frame) % FRAMES.len()]
    }
}

impl Place {
    /// The absolute address.
    pub fn address(self) -> u64 {
        let frame = FRAMES[usize::from(self.frame) % FRAMES.len()];
        frame * 4096 + u64::from(self.offset % 4096)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(config(16))]

        #[test]
        fn a_case_survives_its_bytes(case in cases()) {
            prop_assert_eq!(Case::from_bytes(&case.to_bytes()), case);
        }

        #[test]
        fn any_bytes_are_a_case(bytes: Vec<u8>) {
            let case = Case::from_bytes(&bytes);
            prop_assert_eq!(Case::from_bytes(&case.to_bytes()), case);
        }
    }
}
