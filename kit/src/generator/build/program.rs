// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Segments and lists as bytes.

use ccw::{
    CcwFlags, Class, Command, Format, Guest, GuestAddr, Host, HostAddr, IdawFormat, Midaw,
    MidawFlags, Orb, RawCcw, RawOrb,
};
use css::Ram;
use pinning::RegionMap;
use translator::{AddressLimit, LimitAddr};

use super::{PAGE, Scene, amounts::amounts, storage};
use crate::generator::{Case, Data, FRAMES, Guard, Intent, List, Midal, Oddity, Target};

/// Frames in which lists are put one behind the other.
const LISTS: [u8; 2] = [6, 7];

/// More MIDAWs than a page holds.
const MOST_AREAS: usize = 260;

/// A machine in the making.
pub(super) struct Builder<'a> {
    case: &'a Case,
    orb: Orb<Guest>,
    regions: RegionMap,
    ram: Ram<Host>,
    /// Bytes of [`LISTS`] in use.
    used: u64,
}

impl<'a> Builder<'a> {
    pub(super) fn new(case: &'a Case) -> Self {
        let raw = RawOrb::from_words([0, case.orb.word1, 0]);
        Self {
            case,
            orb: Orb::decode(&raw),
            regions: storage::regions(case),
            ram: storage::ram(case),
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

    pub(super) fn segments(&mut self) {
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
            Data::Midal(list) => {
                flags |= CcwFlags::MODIFIED_INDIRECT.bits();
                let class = Command(intent.code).class();
                self.midal(list, intent.count, class == Class::ReadBackward)
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
                    Oddity::Head(head) if format == IdawFormat::One => word ^ u64::from(head),
                    Oddity::Head(head) => word ^ u64::from(head) << 32,
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

    /// Writes a list of MIDAWs, and says where.
    fn midal(&mut self, list: &Midal, count: u16, backward: bool) -> u32 {
        let mut words = Vec::new();
        let mut left = count;
        for area in list.areas.iter().cycle().take(MOST_AREAS) {
            if left == 0 {
                break;
            }
            let at = area.at.address();
            let in_page = match backward {
                true => at % PAGE + 1,
                false => PAGE - at % PAGE,
            };
            let most = if area.skip { u64::from(left) } else { in_page };
            let count = u64::from(area.count.clamp(1, left)).min(most) as u16;
            left -= count;
            let mut flags = MidawFlags::empty();
            flags.set(MidawFlags::SKIP, area.skip);
            flags.set(MidawFlags::LAST, left == 0);
            let addr = GuestAddr::new(at);
            words.push(Midaw { flags, count, addr }.encode().0);
        }
        if let Some(odd) = list.odd
            && let Some(n) = usize::from(odd.word).checked_rem(words.len())
        {
            let word = u128::from_be_bytes(words[n]);
            let odd = match odd.how {
                Oddity::Off(bytes) => word ^ u128::from(bytes) << 64,
                Oddity::High => word | 1 << 127,
                Oddity::Word(low) => word & !0xffff_ffff | u128::from(low),
                Oddity::Head(head) => {
                    let mask = 0xff_ffff;
                    word & !(mask << 64) | (u128::from(head) & mask) << 64
                }
            };
            words[n] = odd.to_be_bytes();
        }
        let bytes = words.as_flattened();
        let at = match list.at {
            Some(place) => place.address(),
            None => {
                // Most lists of the room lie in one page, all on the boundary.
                let len = bytes.len() as u64;
                self.room(self.used.next_multiple_of(16) - self.used);
                self.room(len)
            }
        };
        self.put(at, bytes);
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

    pub(super) fn finish(mut self) -> Scene {
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
            keys: storage::keys(case),
            limit: match case.memory.guard {
                Guard::AtLeast(n) => Some(AddressLimit::AtLeast(limit(n))),
                Guard::Below(n) => Some(AddressLimit::Below(limit(n))),
                Guard::None | Guard::Keys => None,
            },
            script: Vec::new(),
            policy: case.terms.policy(case.device_class()),
            concurrent_sense: case.terms.concurrent_sense,
        };
        scene.script = amounts(&scene, &case.script);
        scene
    }
}
