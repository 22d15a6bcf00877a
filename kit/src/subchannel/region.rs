// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A host whose every answer is any bytes at all: regions, capabilities, error numbers. Nothing
//! panics, and no address of the host's reaches the guest.

use std::os::fd::BorrowedFd;

use ccw::{IRB_EXTENDED_SIZE, RawCrw, RawSchib, RawScsw};
use vfio_ccw::device::kernel::capability::find_type;
use vfio_ccw::device::soft::SoftSpace;
use vfio_ccw::{
    AsyncCommand, Capabilities, CcwDevice, CrwRegion, DeviceError, Errno, IoRegion, ORB_AREA_SIZE,
    SchibRegion, Source,
};

use super::guest::{Guest, PROGRAMS, orb};
use super::stream::Stream;
use super::window::window;

/// Most operations of one case.
const OPERATIONS: usize = 200;

/// Looks at the regions and capabilities in `bytes`, then lives with a device that answers so.
///
/// # Panics
///
/// When something that must hold does not.
pub fn check(bytes: &[u8]) {
    let mut stream = Stream(bytes);
    capabilities(&mut stream);
    let (window, memory) = window(SoftSpace::new());
    let half = stream.0.len() / 2;
    let (answers, operations) = stream.0.split_at(half);
    let device = AnyDevice {
        answers: answers.to_vec(),
        at: 0,
    };
    let mut guest = Guest::new(device, window, memory, |_| {});
    let mut stream = Stream(operations);
    for _ in 0..OPERATIONS {
        if stream.is_empty() {
            break;
        }
        operation(&mut guest, &mut stream);
        guest.look();
    }
}

/// The description of a region as the kernel could give it.
fn capabilities(stream: &mut Stream<'_>) {
    let (head, first) = (usize::from(stream.byte()), stream.word());
    let len = usize::from(stream.byte()).min(stream.0.len());
    let (description, rest) = stream.0.split_at(len);
    stream.0 = rest;
    let near = first % 256;
    for first in [first, near] {
        if let Ok(Some(found)) = find_type(description, head, first) {
            // It was read from behind the head.
            let bytes = description
                .get(head..)
                .expect("a capability lies behind it");
            let word = found.kind.to_ne_bytes();
            assert!(bytes.windows(4).any(|window| window == word));
        }
    }
}

fn operation(guest: &mut Guest<AnyDevice>, stream: &mut Stream<'_>) {
    match stream.below(16) {
        0..=2 => {
            guest.start();
        }
        3 => {
            let (word1, cpa) = orb(stream);
            guest.ssch(word1, cpa);
        }
        4 => guest.hsch(),
        5 => guest.csch(),
        6 => guest.xsch(),
        7 | 8 => {
            guest.tsch();
        }
        9 => guest.program(PROGRAMS[usize::from(stream.below(10))]),
        10 | 11 => guest.sch.ready(Source::Io, &mut guest.events),
        12 => guest.sch.ready(Source::Crw, &mut guest.events),
        13 => guest.time(),
        14 => guest.sch.stop(&mut guest.events),
        _ => {
            match stream.below(8) {
                0 => guest.reset(),
                1 | 2 => {
                    guest.rsch();
                }
                _ => {}
            }
            guest.msch(0x80, stream.byte() & 1);
        }
    }
}

/// A device of which every answer comes from somewhere else.
#[derive(Debug)]
struct AnyDevice {
    answers: Vec<u8>,
    at: usize,
}

impl AnyDevice {
    /// The next bytes; from the beginning again, when they are used up.
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| {
            let byte = self.answers.get(self.at).copied().unwrap_or(0);
            self.at = (self.at + 1) % self.answers.len().max(1);
            byte
        })
    }

    fn answer(&mut self) -> Result<(), DeviceError> {
        match self.bytes::<1>()[0] {
            0..=0xbf => Ok(()),
            0xff => Err(DeviceError::Short {
                done: 0,
                wanted: 124,
            }),
            n => Err(Errno(i32::from(n - 0xbf) * 2).into()),
        }
    }
}

impl CcwDevice for AnyDevice {
    fn capabilities(&self) -> Capabilities {
        let byte = self.answers.first().copied().unwrap_or(0);
        let has = |bit: u8| byte & bit == 0;
        Capabilities {
            async_command: has(1),
            schib: has(2),
            crw: has(4),
            request: has(8),
            reset: has(16),
        }
    }

    fn event_fd(&self, _: Source) -> Option<BorrowedFd<'_>> {
        None
    }

    fn acknowledge(&mut self, _: Source) -> Result<u64, Errno> {
        match self.bytes::<1>()[0] {
            0xff => Err(Errno::EIO),
            0xfe => Ok(u64::MAX),
            n => Ok(u64::from(n % 4)),
        }
    }

    fn start(&mut self, _: &[u8; ORB_AREA_SIZE], _: &RawScsw) -> Result<(), DeviceError> {
        self.answer()
    }

    fn async_command(&mut self, _: AsyncCommand) -> Result<(), DeviceError> {
        self.answer()
    }

    fn read_irb(&mut self) -> Result<[u8; IRB_EXTENDED_SIZE], DeviceError> {
        self.answer()?;
        let (irb, emw) = IoRegion(self.bytes()).irb();
        Ok(irb.extend(&emw))
    }

    fn read_schib(&mut self) -> Result<RawSchib, DeviceError> {
        self.answer()?;
        Ok(SchibRegion(self.bytes()).schib())
    }

    fn read_crw(&mut self) -> Result<Option<RawCrw>, DeviceError> {
        self.answer()?;
        Ok(CrwRegion(self.bytes()).crw())
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        self.answer()
    }
}
