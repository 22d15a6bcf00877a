// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Random programs of transport mode: most of them legal, some with a word that is not.

use std::cell::RefCell;
use std::sync::LazyLock;

use ccw::{Command, DeviceClass, DeviceStatus, GuestAddr, RawOrb};
use proptest::{collection::vec, option, prelude::*};
use translator::{Facilities, Guards, GuestStorage, Policy, StorageKey, StorageKeys};

use crate::program_file::{KeyRange, ProgramFile};

/// Bytes of guest storage.
pub(super) const SIZE: u64 = 0x3_0000;
/// How much higher guest storage lies on the host.
pub(super) const OFFSET: u64 = 1 << 33;
/// Where the control blocks lie.
const TCW: u64 = 0x1000;
/// The TSB.
pub(super) const TSB: u64 = 0x2100;
const TCCB: u64 = 0x2200;
const TCCB_LIST: u64 = 0x2400;
/// Up to 200 TIDAWs, of which some pages may be left by T-TICs.
const LIST: u64 = 0x3f00;
const JUMPS: u64 = 0x8000;

/// Data that shows where it is from; made once, as there are many cases.
static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let byte = |at: u64| match at {
        0..0x1_0000 => 0,
        at => (at >> 8 ^ at) as u8,
    };
    (0..SIZE).map(byte).collect()
});

/// Guest storage, counting what is fetched.
#[derive(Clone, Debug)]
pub struct Image {
    /// The bytes from address 0 on.
    pub bytes: Vec<u8>,
    key: Option<(u8, bool)>,
    fetches: RefCell<Vec<(u64, usize)>>,
}

impl Image {
    fn write(&mut self, at: u64, bytes: &[u8]) {
        let at = usize::try_from(at).expect("an address here");
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// The key of the page at `at`.
    pub fn key_of(&self, at: u64) -> Option<StorageKey> {
        let (key, fetch_protected) = self.key?;
        let other = at / 0x1000 % 8 == 7;
        Some(StorageKey {
            access: if other { key ^ 7 } else { key },
            fetch_protected,
        })
    }

    /// Start and length of every fetch so far.
    pub fn fetches(&self) -> Vec<(u64, usize)> {
        self.fetches.borrow().clone()
    }
}

impl GuestStorage for Image {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        self.fetches.borrow_mut().push((at.get(), buf.len()));
        let start = usize::try_from(at.get()).unwrap_or(usize::MAX);
        let there = self.bytes.get(start..).unwrap_or_default();
        let read = there.len().min(buf.len());
        buf[..read].copy_from_slice(&there[..read]);
        read
    }
}

impl StorageKeys for Image {
    fn key(&self, at: GuestAddr) -> StorageKey {
        self.key_of(at.get()).unwrap_or_default()
    }
}

/// What a command announces, and how the device takes it.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its code, but for the direction of the program.
    pub code: u8,
    /// Its control data; then it has no other.
    pub control: Vec<u8>,
    /// Bytes of data, if there are no control data.
    pub count: u16,
    /// How many bytes of data the device moves: less, or more.
    pub moves: i32,
    /// What it ends with.
    pub status: DeviceStatus,
    /// The sense bytes of a unit check.
    pub sense: Vec<u8>,
}

/// How the TCW names the data.
#[derive(Clone, Debug)]
pub enum Areas {
    /// Itself, at this address.
    Direct(u64),
    /// By a list. Each area: its page, its first byte, at most so many bytes, whether it is skipped,
    /// and whether the next TIDAW is elsewhere.
    List(Vec<(u64, u64, u64, bool, bool)>),
}

/// Another byte in a control block.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// Where: block and offset.
    pub block: u8,
    /// See `block`.
    pub offset: u16,
    /// The byte is combined with this one.
    pub mask: u8,
}

/// A program of transport mode and a device.
#[derive(Clone, Debug)]
pub struct Case {
    /// Output, not input.
    pub write: bool,
    /// The commands.
    pub steps: Vec<Step>,
    /// The data.
    pub areas: Areas,
    /// The TCCB is named by a list.
    pub tccb_list: bool,
    /// Changes of single bytes.
    pub changes: Vec<Change>,
    /// Key of the ORB, and the key of every other page.
    pub key: Option<(u8, bool)>,
    /// The devices tell sense bytes with the status.
    pub concurrent_sense: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let status = prop_oneof![
        12 => Just((0x0c, Vec::new())),
        1 => Just((0x0d, Vec::new())),
        1 => vec(any::<u8>(), 1..=32).prop_map(|sense| (0x0e, sense)),
    ];
    let moves = prop_oneof![8 => Just(0), 1 => -0x1200..0_i32, 1 => 1..64_i32];
    let data = prop_oneof![
        3 => (1..0x1800_u16).prop_map(|count| (Vec::new(), count)),
        2 => vec(any::<u8>(), 1..24).prop_map(|control| (control, 0)),
        1 => Just((Vec::new(), 0)),
    ];
    (any::<u8>(), data, moves, status).prop_map(
        |(code, (control, count), moves, (status, sense))| Step {
            code,
            control,
            count,
            moves,
            status: DeviceStatus::from_bits_retain(status),
            sense,
        },
    )
}

fn areas() -> impl Strategy<Value = Areas> {
    let page = prop_oneof![20 => 0x10..0x2f_u64, 1 => 0x2f..0x32_u64];
    let place = prop_oneof![2 => Just(0_u64), 1 => Just(0x800), 3 => 0..0x1000_u64];
    let most = prop_oneof![2 => Just(0x1000_u64), 1 => Just(0x800), 2 => 1..0x1000_u64];
    let area = (
        page.clone(),
        place,
        most,
        prop::bool::weighted(0.05),
        prop::bool::weighted(0.1),
    );
    prop_oneof![
        1 => (page, 0..0x1000_u64).prop_map(|(page, at)| Areas::Direct(page * 0x1000 + at)),
        3 => vec(area, 1..24).prop_map(Areas::List),
    ]
}

/// Programs; with `legal`, no byte of the control blocks is changed.
pub fn cases(legal: bool) -> impl Strategy<Value = Case> {
    let change = prop_oneof![
        4 => (0..4_u8, 0..64_u16, any::<u8>()),
        // TIDAW format, length of the TCCB, the ends of addresses, the interrogate TCW.
        1 => (
            Just(0),
            prop::sample::select(vec![2_u16, 5, 15, 23, 31, 39, 60, 63]),
            any::<u8>(),
        ),
        // T-TICs of the list, the one at the end of its first page too.
        1 => (Just(2), prop::sample::select(vec![0_u16, 16, 32, 0xf0]), Just(0x10)),
    ];
    let change = change.prop_map(|(block, offset, mask)| Change {
        block,
        offset,
        mask,
    });
    let changes = match legal {
        true => vec(change, 0..=0).boxed(),
        false => vec(change, 0..3).boxed(),
    };
    let key = option::weighted(0.2, (1..4_u8, any::<bool>()));
    (
        any::<bool>(),
        vec(step(), 1..6),
        areas(),
        any::<bool>(),
        changes,
        key,
        any::<bool>(),
    )
        .prop_map(
            |(write, steps, areas, tccb_list, changes, key, concurrent_sense)| Case {
                write,
                steps,
                areas,
                tccb_list,
                changes,
                key,
                concurrent_sense,
            },
        )
}

impl Step {
    /// The code in a program of this direction: a control code where control data go with it, else one
    /// that moves data the right way.
    pub fn command(&self, write: bool) -> Command {
        let high = self.code & 0xfc;
        Command(match (self.control.is_empty(), self.count, write) {
            (false, ..) if self.code & 1 == 0 => high | 1,
            // Not no-operation, which moves nothing.
            (false, ..) | (_, 0, _) => high.max(4) | 3,
            (_, _, true) => high | 1,
            (_, _, false) => high | 2,
        })
    }

    /// How many bytes the device moves.
    pub fn wanted(&self) -> usize {
        usize::try_from(i32::from(self.count) + self.moves).unwrap_or(0)
    }
}

impl Case {
    /// Bytes of data.
    pub fn count(&self) -> u64 {
        self.steps.iter().map(|step| u64::from(step.count)).sum()
    }

    /// The commands as a TCA has them.
    fn commands(&self) -> Vec<u8> {
        let mut tca = Vec::new();
        let last = self.steps.len() - 1;
        for (n, step) in self.steps.iter().enumerate() {
            let chain = if n < last { 0x40 } else { 0 };
            let control = u8::try_from(step.control.len()).expect("a few");
            tca.extend([step.command(self.write).0, chain, 0, control]);
            tca.extend(u32::from(step.count).to_be_bytes());
            tca.extend(&step.control);
            tca.resize(tca.len().next_multiple_of(4), 0);
        }
        tca
    }

    fn tccb(&self) -> Vec<u8> {
        let tca = self.commands();
        let mut tccb = vec![
            0x7f,
            0,
            0,
            0,
            0,
            0,
            0,
            u8::try_from(tca.len() + 12).expect("short"),
        ];
        tccb.extend([0x1f, 0xfe, 0, 0, 0, 0, 0, 0]);
        tccb.extend(tca);
        let transport = u32::try_from(self.count())
            .expect("small")
            .next_multiple_of(4)
            + 4;
        tccb.extend([0; 4]);
        tccb.extend(transport.to_be_bytes());
        tccb
    }

    /// The list of the data, at its addresses.
    fn list(&self, areas: &[(u64, u64, u64, bool, bool)]) -> Vec<(u64, [u8; 16])> {
        let mut list = Vec::new();
        let mut left = self.count();
        let (mut at, mut jumps) = (LIST, 0);
        let mut areas = areas.iter().cycle();
        while left > 0 {
            let &(page, mut place, mut most, skip, jump) = areas.next().expect("at least one");
            if list.len() >= 200 {
                (place, most) = (0, 0x1000);
            }
            let len = most.min(0x1000 - place).min(left);
            left -= len;
            if (jump && jumps < 64) || at % 0x1000 == 0xff0 {
                let to = JUMPS + jumps * 0x400;
                list.push((at, tidaw(0x10, 0, to)));
                (at, jumps) = (to, jumps + 1);
            }
            let flags = if left == 0 { 0x80 } else { 0 } | if skip { 0x40 } else { 0 };
            list.push((at, tidaw(flags, len, page * 0x1000 + place)));
            at += 16;
        }
        list
    }

    /// Guest storage.
    pub fn storage(&self) -> Image {
        let mut storage = Image {
            bytes: PATTERN.clone(),
            key: self.key,
            fetches: RefCell::default(),
        };
        let tccb = self.tccb();
        let mut tcw = [0; 64];
        tcw[5] = u8::try_from(tccb.len() - 20).expect("short") | if self.write { 1 } else { 2 };
        let data = match &self.areas {
            Areas::Direct(at) => *at,
            Areas::List(areas) => {
                tcw[1] = if self.write { 1 } else { 4 };
                for (at, raw) in self.list(areas) {
                    storage.write(at, &raw);
                }
                LIST
            }
        };
        let (addr, count) = if self.write { (8, 40) } else { (16, 44) };
        tcw[addr..addr + 8].copy_from_slice(&data.to_be_bytes());
        let bytes = u32::try_from(self.count()).expect("small");
        tcw[count..count + 4].copy_from_slice(&bytes.to_be_bytes());
        tcw[24..32].copy_from_slice(&TSB.to_be_bytes());
        storage.write(TCCB, &tccb);
        if self.tccb_list {
            tcw[1] |= 2;
            let first = tidaw(0, 16, TCCB);
            let rest = tidaw(0x80, tccb.len() as u64 - 16, TCCB + 16);
            storage.write(TCCB_LIST, &[first, rest].concat());
        }
        let named = if self.tccb_list { TCCB_LIST } else { TCCB };
        tcw[32..40].copy_from_slice(&named.to_be_bytes());
        storage.write(TCW, &tcw);
        for change in &self.changes {
            let at = [TCW, TCCB, LIST, TCCB_LIST][usize::from(change.block)];
            let at = at + u64::from(change.offset);
            let byte = storage.bytes[at as usize] ^ change.mask;
            storage.write(at, &[byte]);
        }
        storage
    }

    /// The program as a file, of which its device is no part.
    pub fn program_file(&self) -> ProgramFile {
        let image = self.storage();
        let zero = |&(_, page): &(usize, &[u8])| page.iter().any(|byte| *byte != 0);
        let pages = image.bytes.chunks(0x1000).enumerate().filter(zero);
        let ranges = pages.map(|(n, page)| (n as u64 * 0x1000, page.to_vec()));
        let keys = (0..SIZE).step_by(0x1000).filter_map(|addr| {
            let key = image.key_of(addr)?;
            Some(KeyRange {
                addr,
                len: 0x1000,
                key: key.access,
                fetch_protect: key.fetch_protected,
            })
        });
        ProgramFile {
            name: String::new(),
            device: String::new(),
            orb: self.orb(),
            size: SIZE,
            fill: 0,
            ranges: ranges.collect(),
            keys: keys.collect(),
        }
    }

    /// The ORB.
    pub fn orb(&self) -> RawOrb {
        let key = u32::from(self.key.map_or(0, |(key, _)| key)) << 28;
        RawOrb::from_words([0x55, key | 0x0004_8000, u32::try_from(TCW).expect("low")])
    }

    /// The guards of `storage`.
    pub fn guards<'a>(&self, storage: &'a Image) -> Guards<'a> {
        Guards {
            keys: self.key.is_some().then_some(storage as &dyn StorageKeys),
            ..Guards::default()
        }
    }

    /// How it is judged.
    pub fn policy(&self) -> Policy {
        Policy {
            facilities: Facilities::FCX,
            self_modifying: translator::Stance::Refuse,
            remarks: false,
            // None of its commands skips.
            ..Policy::CHECK.for_device(DeviceClass::Fba)
        }
    }
}

fn tidaw(flags: u8, count: u64, addr: u64) -> [u8; 16] {
    let word = u128::from(flags) << 120 | u128::from(count & 0xffff_ffff) << 64 | u128::from(addr);
    word.to_be_bytes()
}
