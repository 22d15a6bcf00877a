// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Commands that say what the program is about, and move the arm there: DEFINE EXTENT, LOCATE RECORD,
//! PREFIX and SEEK.

use super::arm::Place;
use super::extent::{EXTENT_BYTES, Extent, Location, Operation, Orientation, PREFIX_BYTES, Prefix};
use super::sense::{Fault, Message};
use super::track::Address;
use super::{Domain, Eckd, End, Outcome, parameters};
use crate::device::{Transfer, image::Image};

impl<I: Image> Eckd<I> {
    /// Whether the command may stand where it stands: in the domain of a LOCATE RECORD only what
    /// that announced. The domain ends with the last of these, that of ORIENT at once, and what
    /// follows stands outside (SA22-1025: "Locate Record and Locate Record Extended Commands").
    pub(super) fn check_domain(&mut self, command: u8) -> Result<(), Fault> {
        self.chain.domain = self.chain.domain.filter(|domain| domain.left > 0);
        let Some(domain) = &mut self.chain.domain else {
            return Ok(());
        };
        let fits = match domain.operation {
            Operation::Orient => false,
            Operation::WriteData => matches!(command & 0x7f, 0x05 | 0x0d),
            Operation::FormatWrite => matches!(command, 0x1d | 0x9d | 0x11 | 0x15),
            Operation::ReadData => matches!(command & 0x7f, 0x06 | 0x0e | 0x12 | 0x1e),
            Operation::ReadTracks => matches!(command, 0x5e | 0xde),
            Operation::ReadTrackData => command == 0xa6,
            Operation::WriteTrackData => command == 0xa5,
            Operation::Read => {
                matches!(
                    command & 0x7f,
                    0x06 | 0x0e | 0x12 | 0x1e | 0x0a | 0x1a | 0x16
                )
            }
        };
        if !fits {
            return Err(Fault::rejected(Message::InvalidSequence));
        }
        domain.left -= 1;
        Ok(())
    }

    pub(super) fn define_extent(&mut self, transfer: &mut dyn Transfer) -> Outcome {
        let extent = Extent::parse(&parameters::<EXTENT_BYTES>(transfer)?)?;
        self.set_extent(extent)
    }

    fn set_extent(&mut self, extent: Extent) -> Outcome {
        let (cylinder, head) = extent.last();
        if self.chain.extent.is_some() {
            return Err(Fault::rejected(Message::InvalidSequence));
        }
        if !self.arm.volume.has(cylinder, head) {
            return Err(Fault::rejected(Message::InvalidParameter));
        }
        self.chain.extent = Some(extent);
        self.chain.mask = extent.mask;
        Ok(End::Normal)
    }

    /// PREFIX and, in transport mode alone, PREFIX READ: there one command can say what it is about
    /// and move the data of all the tracks as well.
    pub(super) fn prefix(&mut self, command: u8, transfer: &mut dyn Transfer) -> Outcome {
        let data = transfer.data_count();
        if command == 0xea && data.is_none() {
            return Err(Fault::rejected(Message::InvalidCommand));
        }
        let prefix = Prefix::parse(&parameters::<PREFIX_BYTES>(transfer)?)?;
        if let Some(extent) = prefix.extent {
            self.set_extent(extent)?;
        }
        if let Some(location) = prefix.location {
            self.locate(&location)?;
        }
        match data {
            None | Some(0) => Ok(End::Normal),
            Some(_) => {
                transfer.pass_control();
                self.move_tracks(command, transfer)
            }
        }
    }

    pub(super) fn locate(&mut self, location: &Location) -> Outcome {
        let Some(extent) = self.chain.extent else {
            return Err(Fault::rejected(Message::InvalidSequence));
        };
        let allowed = match location.operation {
            Operation::WriteData | Operation::WriteTrackData => extent.mask.updates(),
            Operation::FormatWrite => extent.mask.formats(),
            _ => true,
        };
        let (cylinder, head) = location.track;
        if !allowed || !self.arm.volume.has(cylinder, head) {
            return Err(Fault::rejected(Message::InvalidParameter));
        }
        self.go_to(location.track)?;
        match location.orientation {
            Orientation::Index => self.arm.place = Place::Index,
            Orientation::HomeAddress => self.arm.place = Place::HomeAddress,
            Orientation::Count => self.arm.place = Place::Count(self.arm.find(location.id)?),
            Orientation::Data => self.arm.place = Place::Data(self.arm.find(location.id)?),
        }
        self.chain.domain = Some(Domain {
            operation: location.operation,
            left: location.count,
            last_track: location.last_track,
        });
        // To be oriented is not to have found something to write (SA22-1025: "Write Commands").
        self.chain.found = location.operation != Operation::Orient;
        Ok(End::Normal)
    }

    /// SEEK, SEEK CYLINDER, SEEK HEAD.
    pub(super) fn seek(&mut self, command: u8, transfer: &mut dyn Transfer) -> Outcome {
        let [b, bb, c, cc, h, hh] = parameters(transfer)?;
        let (cylinder, head) = (u16::from_be_bytes([c, cc]), u16::from_be_bytes([h, hh]));
        let to = match command {
            0x1b => (self.arm.address().0, head),
            _ => (cylinder, head),
        };
        let mask = self.chain.mask;
        let allowed = match command {
            0x07 => mask.seeks(),
            0x0b => mask.seeks_cylinders(),
            _ => mask.seeks_heads(),
        };
        if !allowed {
            return Err(Fault::FILE_PROTECTED);
        }
        if [b, bb] != [0, 0] || !self.arm.volume.has(to.0, to.1) {
            return Err(Fault::rejected(Message::InvalidParameter));
        }
        self.go_to(to)?;
        Ok(End::Normal)
    }

    /// Moves the arm to a track of the volume, if the program may use it.
    pub(super) fn go_to(&mut self, track: Address) -> Result<(), Fault> {
        if self
            .chain
            .extent
            .is_some_and(|extent| !extent.contains(track))
        {
            return Err(Fault::FILE_PROTECTED);
        }
        self.arm.seek(track)?;
        Ok(())
    }
}
