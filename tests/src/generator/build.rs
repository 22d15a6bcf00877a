// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! From what a case means to bytes in storage.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use ccw::{
    Ccw, CcwFlags, Class, Command, DeviceClass, Format, Guest, GuestAddr, Host, HostAddr,
    IdawFormat, Orb, RawCcw, RawOrb,
};
use css::Ram;
use pinning::{Permission, Region, RegionMap};
use translator::{
    AddressLimit, Guards, GuestStorage, LimitAddr, Policy, Skips, Stance, StorageKey, StorageKeys,
};

use super::{
    Amount, Answer, Case, Data, FRAMES, Guard, Intent, List, Oddity, Target, Terms, host_page,
};

const PAGE: u64 = 4096;
/// Host address of the stretch from guest address 0.
const LINEAR: u64 = 0x40_0000_0000;
/// Frames in which lists are put one behind the other.
const LISTS: [u8; 2] = [6, 7];

/// A machine that is about to start a program.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Operand of START SUBCHANNEL.
    pub orb: RawOrb,
    /// Guest storage: where it lies.
    pub regions: RegionMap,
    /// Guest storage: what is in it, by host address.
    pub ram: Ram<Host>,
    /// Storage keys, if they count.
    pub keys: Option<Keys>,
    /// The subchannel's address limit.
    pub limit: Option<AddressLimit>,
    /// The device's answers.
    pub script: Vec<Reply>,
    /// The judge.
    pub policy: Policy,
    /// A unit check brings its sense bytes along.
    pub concurrent_sense: bool,
}

/// An [`Answer`] with a definite amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The answer.
    pub answer: Answer,
    /// Bytes that the device wants to move; nothing if there is no data phase.
    pub bytes: usize,
}

/// Storage keys by frame.
#[derive(Clone, Debug, Default)]
pub struct Keys(BTreeMap<u64, StorageKey>);

impl StorageKeys for Keys {
    fn key(&self, at: GuestAddr) -> StorageKey {
        self.0.get(&(at.get() / PAGE)).copied().unwrap_or_default()
    }
}

impl Terms {
    /// Kinds of devices that differ to the channel: which of their commands skip, and which are
    /// known to be immediate.
    pub const DEVICES: [DeviceClass; 3] =
        [DeviceClass::Unknown, DeviceClass::Eckd, DeviceClass::Tape];

    fn policy(self) -> Policy {
        let stance = if self.refuse {
            Stance::Refuse
        } else {
            Stance::Accept
        };
        Policy {
            device: Self::DEVICES[usize::from(self.device) % Self::DEVICES.len()],
            skips: if self.any_skips {
                Skips::Any
            } else {
                Skips::Searches
            },
            no_prefetch: stance,
            self_modifying: stance,
            max_ccws: translator::limits::MAX_CCWS,
            ..Policy::CHECK
        }
    }
}

impl Case {
    /// The machine that this case means.
    pub fn build(&self) -> Scene {
        let mut builder = Builder::new(self);
        builder.segments();
        builder.finish()
    }

    /// The same with every frame in a page of its own, which `key` scatters.
    pub fn scattered(mut self, key: u8) -> Self {
        for frame in &mut self.memory.frames {
            // An odd factor: no two frames meet.
            frame.host = (frame.frame % FRAMES.len() as u8)
                .wrapping_mul(37)
                .wrapping_add(key);
        }
        self
    }

    /// Whether some byte of storage has two addresses.
    pub fn has_aliases(&self) -> bool {
        let mut pages = BTreeSet::new();
        !frames(self)
            .values()
            .all(|frame| pages.insert(host_page(frame.host)))
    }
}

impl Scene {
    /// What guards guest storage.
    pub fn guards(&self) -> Guards<'_> {
        Guards {
            keys: self.keys.as_ref().map(|keys| keys as &dyn StorageKeys),
            limit: self.limit,
        }
    }

    /// The eight bytes at `at`, if they are storage.
    pub fn doubleword(&self, at: u64) -> Option<[u8; 8]> {
        self.peek(GuestAddr::new(at), 8).try_into().ok()
    }

    /// The `len` bytes at `at` as far as there is storage, whatever guards it.
    pub fn peek(&self, at: GuestAddr, len: usize) -> Vec<u8> {
        peek(&self.regions, &self.ram, at, len)
    }
}

impl GuestStorage for Scene {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        let bytes = self.peek(at, buf.len());
        buf[..bytes.len()].copy_from_slice(&bytes);
        bytes.len()
    }
}

/// The `len` bytes of guest storage at `at`, as far as there is storage.
pub(crate) fn peek(regions: &RegionMap, ram: &Ram<Host>, at: GuestAddr, len: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < len
        && let Some(at) = at.checked_add(bytes.len() as u64)
        && let Some(region) = regions.find(at)
    {
        let offset = at.get() - region.guest.get();
        let left = len - bytes.len();
        let here = usize::try_from(region.len - offset).map_or(left, |here| here.min(left));
        let host = HostAddr::new(region.host.get() + offset);
        bytes.extend(ram.read(host, here));
    }
    bytes
}

struct Builder<'a> {
    case: &'a Case,
    orb: Orb<Guest>,
    regions: RegionMap,
    ram: Ram<Host>,
    /// Bytes of [`LISTS`] in use.
    used: u64,
}

impl<'a> Builder<'a> {
    fn new(case: &'a Case) -> Self {
        let raw = RawOrb::from_words([0, case.orb.word1, 0]);
        Self {
            case,
            orb: Orb::decode(&raw),
            regions: regions(case),
            ram: ram(case),
            used: 0,
        }
    }

    fn put(&mut self, at: u64, bytes: &[u8]) {
        for (at, byte) in (at..=u64::MAX).zip(bytes) {
            if let Some(region) = self.regions.find(GuestAddr::new(at)) {
                let host = region.host.get() + (at - region.guest.get());
                self.ram
                    .write(HostAddr::new(host), std::slice::from_ref(byte));
            }
        }
    }

    fn target(&self, target: Target) -> u32 {
        match target {
            Target::Word(word) => word,
            Target::Ccw(index) => {
                let segments = &self.case.segments;
                let Some(n) = usize::from(index.segment).checked_rem(segments.len()) else {
                    return 0;
                };
                let start = segments[n].at.address() & !7;
                (start + 8 * u64::from(index.ccw)) as u32
            }
        }
    }

    fn segments(&mut self) {
        for segment in &self.case.segments {
            let bytes: Vec<u8> = segment.ccws.iter().flat_map(|c| self.ccw(c).0).collect();
            self.put(segment.at.address() & !7, &bytes);
        }
    }

    fn ccw(&mut self, intent: &Intent) -> RawCcw {
        let mut flags = intent.flags & !CcwFlags::INDIRECT.bits();
        let address = match &intent.data {
            Data::At(place) => place.address() as u32,
            Data::Word(word) => *word,
            Data::Go(target) => self.target(*target),
            Data::List(list) => {
                flags |= CcwFlags::INDIRECT.bits();
                self.list(list, intent.count)
            }
        };
        let [a, b, c, d] = address.to_be_bytes();
        let [high, low] = intent.count.to_be_bytes();
        RawCcw(match self.orb.format {
            Format::Zero => [intent.code, b, c, d, flags, intent.ignored, high, low],
            Format::One => [intent.code, flags, high, low, a, b, c, d],
        })
    }

    /// Writes a list, and says where.
    fn list(&mut self, list: &List, count: u16) -> u32 {
        let format = IdawFormat::of(&self.orb);
        let block = format.block();
        let first = list.first.address();
        let words = format.words(GuestAddr::new(first), count, list.backward);
        let at = match list.at {
            Some(place) => place.address(),
            None => self.room(u64::from(words) * format.size()),
        };
        for k in 0..words {
            let mut word = match usize::from(k).checked_sub(1) {
                None => first,
                Some(k) => {
                    let place = match k.checked_rem(list.blocks.len()) {
                        Some(k) => list.blocks[k],
                        None => list.first,
                    };
                    let start = place.address() & !(block - 1);
                    if list.backward {
                        start + block - 1
                    } else {
                        start
                    }
                }
            };
            if let Some(odd) = list.odd
                && u16::from(odd.word) % words == k
            {
                word = match odd.how {
                    Oddity::Off(bytes) => word.wrapping_add(u64::from(bytes)),
                    Oddity::High if format == IdawFormat::One => word | 1 << 31,
                    Oddity::High => word | 1 << 63,
                    Oddity::Word(word) => u64::from(word),
                };
            }
            let start = at + u64::from(k) * format.size();
            match format {
                IdawFormat::One => self.put(start, &(word as u32).to_be_bytes()),
                IdawFormat::Two2K | IdawFormat::Two4K => self.put(start, &word.to_be_bytes()),
            }
        }
        at as u32
    }

    /// Room for `bytes` bytes of a list, from the start again when there is no more.
    fn room(&mut self, bytes: u64) -> u64 {
        let bytes = bytes.next_multiple_of(8);
        if self.used + bytes > LISTS.len() as u64 * PAGE {
            self.used = 0;
        }
        let at = FRAMES[usize::from(LISTS[0])] * PAGE + self.used;
        self.used += bytes;
        at
    }

    fn finish(mut self) -> Scene {
        let case = self.case;
        for patch in &case.patches {
            self.put(patch.at, &patch.bytes);
        }
        let words = [
            case.orb.intparm,
            case.orb.word1,
            self.target(case.orb.start),
        ];
        let mut orb = RawOrb::from_words(words);
        for (to, from) in orb.0.iter_mut().skip(12).zip(&case.orb.extension) {
            *to = *from;
        }
        let limit = |n: u16| {
            // A limit has 31 bits.
            let at = GuestAddr::new(u64::from(n & 0x7fff) << 16);
            LimitAddr::new(at).expect("a multiple of 64 KiB")
        };
        let mut scene = Scene {
            orb,
            regions: self.regions,
            ram: self.ram,
            keys: (case.memory.guard == Guard::Keys).then(|| keys(case)),
            limit: match case.memory.guard {
                Guard::AtLeast(n) => Some(AddressLimit::AtLeast(limit(n))),
                Guard::Below(n) => Some(AddressLimit::Below(limit(n))),
                Guard::None | Guard::Keys => None,
            },
            script: Vec::new(),
            policy: case.terms.policy(),
            concurrent_sense: case.terms.concurrent_sense,
        };
        scene.script = amounts(&scene, &case.script);
        scene
    }
}

/// The pattern that frames are filled with: no two stretches of a few bytes are the same.
static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state: u32 = 0x2545_f491;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 11) as u8
    };
    (0..2 * 65536).map(next).collect()
});

/// Guest frame and host page of the frames that are not part of the linear stretch.
fn frames(case: &Case) -> BTreeMap<u64, super::Frame> {
    let linear = u64::from(case.memory.linear) << 8;
    let mut frames = BTreeMap::new();
    for frame in &case.memory.frames {
        let number = FRAMES[usize::from(frame.frame) % FRAMES.len()];
        if number >= linear {
            frames.entry(number).or_insert(*frame);
        }
    }
    frames
}

fn regions(case: &Case) -> RegionMap {
    let mut regions: Vec<Region> = Vec::new();
    if case.memory.linear > 0 {
        regions.push(Region {
            guest: GuestAddr::new(0),
            len: u64::from(case.memory.linear) << 20,
            host: HostAddr::new(LINEAR),
            permission: Permission::ReadWrite,
        });
    }
    for (number, frame) in frames(case) {
        let region = Region {
            guest: GuestAddr::new(number * PAGE),
            len: PAGE,
            host: HostAddr::new(host_page(frame.host) * PAGE),
            permission: if frame.read_only {
                Permission::ReadOnly
            } else {
                Permission::ReadWrite
            },
        };
        match regions.last_mut() {
            Some(last)
                if last.guest.get() + last.len == region.guest.get()
                    && last.host.get() + last.len == region.host.get()
                    && last.permission == region.permission =>
            {
                last.len += PAGE;
            }
            _ => regions.push(region),
        }
    }
    RegionMap::new(&regions).expect("whole pages that do not overlap")
}

fn ram(case: &Case) -> Ram<Host> {
    let mut ram = Ram::new(1 << 63);
    for (number, frame) in frames(case) {
        let from = (number.wrapping_mul(0x9e37_79b9) >> 7) as usize % 65536;
        let at = HostAddr::new(host_page(frame.host) * PAGE);
        ram.write(at, &PATTERN[from..from + PAGE as usize]);
    }
    ram
}

fn keys(case: &Case) -> Keys {
    let frames = frames(case);
    let key = |frame: &super::Frame| StorageKey {
        access: frame.key >> 4,
        fetch_protected: frame.key & 8 != 0,
    };
    Keys(frames.iter().map(|(&n, frame)| (n, key(frame))).collect())
}

/// Makes each amount definite: follows the program as far as the script goes, on the path that it
/// takes when all data moves.
fn amounts(scene: &Scene, script: &[Answer]) -> Vec<Reply> {
    let orb = Orb::<Guest>::decode(&scene.orb);
    let mut at = Some(orb.cpa.get());
    script
        .iter()
        .map(|answer| {
            let room = match at {
                Some(start) => {
                    let (room, next) = data_chain(scene, orb.format, start);
                    let skips = (answer.status | answer.later) & 0x40 != 0;
                    at = next.map(|at| if skips { at.wrapping_add(8) } else { at });
                    room
                }
                None => 0,
            };
            let bytes = match answer.amount {
                Amount::Count(more) => room.saturating_add_signed(isize::from(more)),
                Amount::Bytes(len) => usize::from(len),
                Amount::Variable => room,
                Amount::Immediate => 0,
            };
            Reply {
                answer: *answer,
                bytes,
            }
        })
        .collect()
}

/// The sum of the counts of the data chain that begins at `at`, and where command chaining leads.
fn data_chain(scene: &Scene, format: Format, at: u32) -> (usize, Option<u32>) {
    let mut at = at;
    let mut room = 0;
    for _ in 0..64 {
        let Some(raw) = scene.doubleword(u64::from(at)) else {
            return (room, None);
        };
        let ccw = Ccw::<Guest>::decode(RawCcw(raw), format);
        if ccw.command.is_tic(format) {
            at = ccw.addr.get();
            continue;
        }
        room += usize::from(ccw.count);
        at = at.wrapping_add(8);
        if !ccw.chains_data() {
            return (room, ccw.chains_command().then_some(at));
        }
    }
    (room, None)
}

/// Whether a command with this code takes input from the device.
pub(crate) fn is_input(code: u8) -> bool {
    matches!(
        Command(code).class(),
        Class::Read | Class::Sense | Class::ReadBackward
    )
}
