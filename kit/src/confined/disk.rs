// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A disk of which every access is noted.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use ccw::{Command, RawOrb};
use css::device::Sense;
use css::device::eckd::Eckd;
use css::device::image::Image;
use css::{Config, Device, Ram, Reply, Subchannel, Transfer};

/// Cylinders of the volume; each has 15 tracks.
pub(super) const CYLINDERS: u16 = 4;
const HEADS: u16 = 15;
/// Bytes in front of the first track, and of each.
const HEADER: u64 = 512;
const TRACK: u64 = 56_832;

/// A cylinder and a head.
pub(super) type Address = (u16, u16);

/// The volume as it begins: on every track two records of 16 bytes.
static VOLUME: LazyLock<Arc<Vec<u8>>> = LazyLock::new(|| {
    let mut disk = Eckd::format(Vec::new(), CYLINDERS).expect("a volume");
    let image = disk.image();
    for track in 0..CYLINDERS * HEADS {
        let [c, cc] = (track / HEADS).to_be_bytes();
        let [h, hh] = (track % HEADS).to_be_bytes();
        // Home address and record 0 are there.
        let mut at = HEADER + u64::from(track) * TRACK + 5 + 16;
        for record in 1..=2 {
            let count = [c, cc, h, hh, record, 0, 0, 16];
            image.write_at(at, &count).expect("memory");
            image.write_at(at + 8, &[record; 16]).expect("memory");
            at += 24;
        }
        image.write_at(at, &[0xff; 8]).expect("memory");
    }
    Arc::new(std::mem::take(image))
});

/// What was done to the volume.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// Tracks that were read or written, in that order.
    pub(super) touched: Vec<Address>,
    pub(super) written: bool,
}

/// The volume, with what was written to it.
pub(super) struct Traced {
    base: Arc<Vec<u8>>,
    changes: BTreeMap<u64, Vec<u8>>,
    trace: Arc<Mutex<Trace>>,
}

impl Traced {
    fn note(&self, offset: u64, write: bool) {
        let mut trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
        trace.written |= write;
        if let Some(at) = offset.checked_sub(HEADER) {
            let track = (at / TRACK) as u16;
            trace.touched.push((track / HEADS, track % HEADS));
        }
    }
}

impl Image for Traced {
    fn len(&mut self) -> io::Result<u64> {
        Ok(self.base.len() as u64)
    }

    fn set_len(&mut self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.note(offset, false);
        let from = self.base.get(offset as usize..).unwrap_or(&[]);
        let from = from
            .get(..bytes.len())
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        bytes.copy_from_slice(from);
        for (at, change) in &self.changes {
            for (n, byte) in change.iter().enumerate() {
                let place = (at + n as u64).checked_sub(offset);
                let place = place.and_then(|place| bytes.get_mut(place as usize));
                place.into_iter().for_each(|place| *place = *byte);
            }
        }
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.note(offset, true);
        self.changes.insert(offset, bytes.to_vec());
        Ok(())
    }
}

/// The disk, and which commands used a track that was not to be used.
pub(super) struct Disk {
    model: Eckd<Traced>,
    trace: Arc<Mutex<Trace>>,
    allowed: (Address, Address),
    /// Commands that it was given.
    pub(super) given: usize,
    /// What went wrong.
    pub(super) outside: Option<String>,
}

impl Disk {
    /// A disk that somebody else has left at track `at`, of which the tracks from the first to the
    /// last of `allowed` may be used.
    pub(super) fn left_at(at: Address, allowed: (Address, Address)) -> Self {
        let trace = Arc::new(Mutex::new(Trace::default()));
        let image = Traced {
            base: VOLUME.clone(),
            changes: BTreeMap::new(),
            trace: trace.clone(),
        };
        let model = Eckd::new(image).expect("a volume");
        let mut disk = Self {
            model,
            trace,
            allowed,
            given: 0,
            outside: None,
        };
        disk.leave_at(at);
        disk
    }

    /// Somebody else has it for a while, and leaves it at track `at`.
    pub(super) fn leave_at(&mut self, at: Address) {
        let mut storage = Ram::<ccw::Guest>::new(0x1000);
        let [c, cc] = at.0.to_be_bytes();
        let [h, hh] = at.1.to_be_bytes();
        storage.write(
            ccw::GuestAddr::new(0),
            &[7, 0, 0, 6, 0, 0, 0, 8, 0, 0, c, cc, h, hh],
        );
        let mut subchannel = Subchannel::<ccw::Guest>::new(Config::default());
        let orb = RawOrb::from_words([0, 0x00c2_8000, 0]);
        subchannel.start_raw(&orb).expect("condition code 0");
        subchannel.run(&mut storage, &mut self.model, 100);
    }

    fn is_outside(&self, track: Address) -> bool {
        !(self.allowed.0..=self.allowed.1).contains(&track)
    }

    fn trace<T>(&self, look: impl FnOnce(&Trace) -> T) -> T {
        look(&self.trace.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether anything was written.
    pub(super) fn is_written(&self) -> bool {
        self.trace(|trace| trace.written)
    }
}

/// Whether the command uses the track at which the disk stands. Those that go somewhere first, or
/// nowhere, do not.
fn uses_track(command: Command) -> bool {
    !matches!(
        command.0,
        // IPL, seeks, recalibrate, mask, extent, locations, prefix.
        0x02 | 0x07 | 0x0b | 0x1b | 0x13 | 0x1f | 0x63 | 0x47 | 0x4b | 0xe7
        // What the control unit answers by itself.
        | 0x03 | 0x04 | 0xe4 | 0x64 | 0xfa | 0x14 | 0x94 | 0xb4 | 0xaf | 0x27 | 0x22 | 0x23
    )
}

impl Device for Disk {
    fn begin(&mut self) {
        self.model.begin();
    }

    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply {
        self.given += 1;
        let before = self.trace(|trace| trace.touched.len());
        let here = self.trace(|trace| trace.touched.last().copied());
        if uses_track(command) && here.is_none_or(|here| self.is_outside(here)) {
            let told = format!("{command:?} used track {here:?}");
            self.outside.get_or_insert(told);
        }
        let reply = self.model.execute(command, transfer);
        let went = self.trace(|trace| trace.touched.get(before..).unwrap_or(&[]).to_vec());
        if let Some(track) = went.into_iter().find(|&track| self.is_outside(track)) {
            let told = format!("{command:?} went to track {track:?}");
            self.outside.get_or_insert(told);
        }
        reply
    }

    fn take_sense(&mut self) -> Sense {
        self.model.take_sense()
    }
}
