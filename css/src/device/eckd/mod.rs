// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! An extended count-key-data disk: a 3390 on a 3990 control unit.
//!
//! What programs of Linux, of its formatting tool and of boot loaders use: SENSE ID, characteristics
//! and configuration, DEFINE EXTENT, LOCATE RECORD, PREFIX, seeks, searches, and reading and writing of
//! data, keys, counts and tracks, to and beyond the end of a track; in transport mode also the prefix
//! that moves the data of tracks itself. Left out are caching, copying, aliases, and whole tracks
//! written at once with their counts. The rules are those of the 3990's storage control.

mod arm;
mod extent;
mod locate;
mod read;
mod search;
mod sense;
mod track;
mod track_data;
mod volume;
mod write;

use ccw::{Command, DeviceStatus};

use super::image::Image;
use super::{DONE, Device, Reply, Sense, Transfer, TransportMode, UNIT_CHECK};

use arm::{Arm, Place};
use extent::{Extent, FileMask, LOCATE_BYTES, LOCATE_EXTENDED_BYTES, Location, Operation};
use read::Fields;
use sense::{Fault, Message, SENSE_ID, characteristics, configuration};
use volume::Volume;
pub use volume::VolumeError;

/// The bit of a command that lets it go on with the next track.
const MULTIPLE_TRACKS: u8 = 0x80;
const SENSE_BYTES: usize = 32;

/// The disk.
#[derive(Debug)]
pub struct Eckd<I> {
    arm: Arm<I>,
    chain: Chain,
    sense: Sense,
}

/// What the commands of one chain have set.
#[derive(Clone, Copy, Debug, Default)]
struct Chain {
    mask: FileMask,
    extent: Option<Extent>,
    domain: Option<Domain>,
    /// The last command found the record, or wrote it, so that the next one may write there.
    found: bool,
}

/// The commands that belong to a LOCATE RECORD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Domain {
    operation: Operation,
    left: u8,
    /// Bytes of data of the last track, if not all that are left there.
    last_track: Option<u16>,
}

/// How a command ends that does not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Channel end and device end.
    Normal,
    /// The same in answer to the command byte.
    Immediate,
    /// What was searched for is there: the next CCW is skipped.
    Found,
    /// A record without data: the end of a file.
    NoData,
}

type Outcome = Result<End, Fault>;

impl<I: Image> Eckd<I> {
    /// The disk whose volume is in `image`.
    ///
    /// # Errors
    ///
    /// [`VolumeError`].
    pub fn new(image: I) -> Result<Self, VolumeError> {
        Ok(Self::of(Volume::open(image)?))
    }

    /// Makes of `image` an empty volume: home addresses and records 0.
    ///
    /// # Errors
    ///
    /// [`VolumeError`].
    pub fn format(image: I, cylinders: u16) -> Result<Self, VolumeError> {
        Ok(Self::of(Volume::create(image, cylinders)?))
    }

    fn of(volume: Volume<I>) -> Self {
        Self {
            arm: Arm::new(volume),
            chain: Chain::default(),
            sense: Sense::new(),
        }
    }

    /// The image.
    pub fn image(&mut self) -> &mut I {
        self.arm.volume.image()
    }

    fn perform(&mut self, command: u8, transfer: &mut dyn Transfer) -> Outcome {
        let found = std::mem::take(&mut self.chain.found);
        let multiple = command & MULTIPLE_TRACKS != 0;
        match command {
            0x03 => {
                self.chain.found = found;
                return Ok(End::Immediate);
            }
            0xe4 => return give(transfer, &SENSE_ID),
            0xfa => return give(transfer, configuration().as_flattened()),
            0x64 => return give(transfer, &characteristics(self.arm.volume.cylinders())),
            // Reserve and release, by whatever means: nobody else is there.
            0x14 | 0x94 | 0xb4 => return give(transfer, &[0; SENSE_BYTES]),
            // A path group of one path; orders to the subsystem, of which there is none.
            0xaf => return take::<12>(transfer),
            0x27 => return take::<66>(transfer),
            _ => {}
        }
        self.check_domain(command)?;
        match command {
            0x63 => self.define_extent(transfer),
            0x47 => {
                let location = Location::parse(&parameters::<LOCATE_BYTES>(transfer)?)?;
                self.locate(&location)
            }
            0x4b => {
                let p = parameters::<LOCATE_EXTENDED_BYTES>(transfer)?;
                self.locate(&Location::parse_extended(&p)?)
            }
            0xe7 | 0xea => self.prefix(command, transfer),
            0x07 | 0x0b | 0x1b => self.seek(command, transfer),
            0x13 => {
                self.arm.seek((0, 0))?;
                Ok(End::Immediate)
            }
            0x1f => {
                let [mask] = parameters(transfer)?;
                if self.chain.extent.is_some() {
                    return Err(Fault::rejected(Message::InvalidSequence));
                }
                self.chain.mask = FileMask::new(mask)?;
                Ok(End::Normal)
            }
            0x23 => take::<1>(transfer),
            0x31 | 0xb1 | 0x51 | 0xd1 | 0x71 | 0xf1 => {
                self.search_id(command & 0x60, multiple, transfer)
            }
            0x29 | 0xa9 | 0x49 | 0xc9 | 0x69 | 0xe9 => {
                self.search_key(command & 0x60, multiple, transfer)
            }
            0x39 | 0xb9 => self.search_home_address(multiple, transfer),
            0x02 => {
                self.arm.seek((0, 0))?;
                self.read(Fields::Data, false, transfer)
            }
            0x06 | 0x86 => self.read(Fields::Data, multiple, transfer),
            0x0e | 0x8e => self.read(Fields::KeyAndData, multiple, transfer),
            0x12 | 0x92 => self.read(Fields::Count, multiple, transfer),
            0x1e | 0x9e => self.read(Fields::All, multiple, transfer),
            0x0a => self.read_special_home_address(transfer),
            0x1a | 0x9a => {
                self.arm.place = Place::HomeAddress;
                give(transfer, self.arm.volume.track().home_address())
            }
            0x16 | 0x96 => self.read_record_zero(transfer),
            0x5e | 0xde => self.read_tracks(multiple, transfer),
            0xa6 => self.read_track_data(transfer),
            0xa5 => self.write_track_data(transfer),
            0x05 | 0x85 => self.update(Fields::Data, multiple, found, transfer),
            0x0d | 0x8d => self.update(Fields::KeyAndData, multiple, found, transfer),
            0x1d => self.write_record(found, transfer),
            0x9d => {
                self.next_track(true)?;
                self.arm.pass_record_zero();
                self.write_record(true, transfer)
            }
            0x11 => self.erase(found, transfer),
            0x15 => self.write_record_zero(transfer),
            _ => Err(Fault::rejected(Message::InvalidCommand)),
        }
    }
}

/// Gives all of `bytes`, as far as the program takes them.
fn give(transfer: &mut dyn Transfer, bytes: &[u8]) -> Outcome {
    transfer.write(bytes);
    Ok(End::Normal)
}

/// Takes `N` bytes that say nothing here.
fn take<const N: usize>(transfer: &mut dyn Transfer) -> Outcome {
    transfer.read(&mut [0; N]);
    Ok(End::Normal)
}

/// The parameters of a command, all of them.
fn parameters<const N: usize>(transfer: &mut dyn Transfer) -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    match transfer.read(&mut bytes) {
        given if given < N => Err(Fault::rejected(Message::CountTooSmall)),
        _ => Ok(bytes),
    }
}

impl<I: Image> Device for Eckd<I> {
    fn transport_mode(&self) -> TransportMode {
        TransportMode::OneWay
    }

    fn begin(&mut self) {
        self.chain = Chain::default();
        self.arm.begin();
    }

    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply {
        if command.0 == 0x04 {
            let mut bytes = [0; SENSE_BYTES];
            for (to, from) in bytes.iter_mut().zip(self.sense.drain(..)) {
                *to = from;
            }
            return super::accept_input(transfer, &bytes);
        }
        self.sense.clear();
        match self.perform(command.0, transfer) {
            Ok(End::Normal) => Reply::OK,
            Ok(End::Immediate) => Reply::IMMEDIATE,
            Ok(End::Found) => Reply::Ending(DONE | DeviceStatus::STATUS_MODIFIER),
            Ok(End::NoData) => Reply::Ending(DONE | DeviceStatus::UNIT_EXCEPTION),
            Err(fault) => {
                self.sense = fault.sense(self.arm.address());
                match fault == Fault::rejected(Message::InvalidCommand) {
                    true => Reply::Initial(UNIT_CHECK),
                    false => Reply::Ending(UNIT_CHECK),
                }
            }
        }
    }

    fn take_sense(&mut self) -> Sense {
        std::mem::take(&mut self.sense)
    }

    fn clear(&mut self) {
        self.begin();
        self.sense.clear();
    }
}
