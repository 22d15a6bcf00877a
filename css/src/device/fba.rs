// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A fixed-block disk, 9336 or 3370, on a flat image of 512-byte blocks.

use ccw::{Command, DeviceStatus};

use super::image::Image;
use super::{DONE, Device, Reply, Sense, Transfer, TransportMode, UNIT_CHECK, accept_input, sense};
use crate::bytes::put;

const BLOCK: u64 = 512;
const BLOCK_BYTES: usize = 512;
const SENSE_BYTES: usize = 24;

const READ_IPL: u8 = 0x02;
const NO_OPERATION: u8 = 0x03;
const BASIC_SENSE: u8 = 0x04;
const WRITE: u8 = 0x41;
const READ: u8 = 0x42;
const LOCATE: u8 = 0x43;
const DEFINE_EXTENT: u8 = 0x63;
const READ_DEVICE_CHARACTERISTICS: u8 = 0x64;
const SENSE_ID: u8 = 0xe4;

/// Sense byte 1: the block lies outside the extent.
const FILE_PROTECTED: u8 = 0x04;

/// Which disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Model {
    /// 9336 on a 6310 control unit.
    Fba9336,
    /// 3370 on a 3880 control unit.
    Fba3370,
}

impl Model {
    fn id(self) -> [u8; 7] {
        match self {
            Self::Fba9336 => [0xff, 0x63, 0x10, 0x01, 0x93, 0x36, 0x00],
            Self::Fba3370 => [0xff, 0x38, 0x80, 0x01, 0x33, 0x70, 0x00],
        }
    }

    /// Unit type, blocks per cyclical group, blocks per access position.
    fn geometry(self) -> (u8, u32, u32) {
        match self {
            Self::Fba9336 => (0x11, 63, 315),
            Self::Fba3370 => (0x02, 62, 744),
        }
    }
}

/// What DEFINE EXTENT set.
#[derive(Clone, Copy, Debug)]
struct Extent {
    writable: bool,
    /// Block of the disk at which the extent begins.
    start: u64,
    /// Number that the program gives to that block, and to the last one.
    first: u64,
    last: u64,
}

/// What LOCATE set: the operation, and the blocks that are left of it.
#[derive(Clone, Copy, Debug)]
struct Located {
    write: bool,
    block: u64,
    left: u64,
}

/// The disk.
#[derive(Debug)]
pub struct Fba<I> {
    model: Model,
    image: I,
    extent: Option<Extent>,
    located: Option<Located>,
    sense: Sense,
}

/// Why a command ends with unit check: sense bytes 0 and 1.
struct Failed(u8, u8);

type Outcome = Result<(), Failed>;

const REJECTED: Failed = Failed(sense::COMMAND_REJECT, 0);
const DAMAGED: Failed = Failed(sense::EQUIPMENT_CHECK, 0);

impl<I: Image> Fba<I> {
    /// The disk `model` with the blocks of `image`; bytes behind the last whole block are not used.
    pub fn new(model: Model, image: I) -> Self {
        Self {
            model,
            image,
            extent: None,
            located: None,
            sense: Sense::new(),
        }
    }

    /// The image.
    pub fn image(&mut self) -> &mut I {
        &mut self.image
    }

    fn blocks(&mut self) -> Result<u64, Failed> {
        Ok(self.image.len().map_err(|_| DAMAGED)? / BLOCK)
    }

    fn characteristics(&mut self) -> Result<[u8; 32], Failed> {
        let (unit_type, group, position) = self.model.geometry();
        let blocks = u32::try_from(self.blocks()?).unwrap_or(u32::MAX);
        let mut bytes = [0; 32];
        // Operation modes: overrunable, burst mode; features: shared.
        bytes[0] = 0x30;
        bytes[1] = 0x08;
        bytes[2] = 0x21;
        bytes[3] = unit_type;
        put(&mut bytes, 4, &512_u16.to_be_bytes());
        put(&mut bytes, 6, &group.to_be_bytes());
        put(&mut bytes, 10, &position.to_be_bytes());
        put(&mut bytes, 14, &blocks.to_be_bytes());
        Ok(bytes)
    }

    fn define_extent(&mut self, transfer: &mut dyn Transfer) -> Outcome {
        let mut p = [[0; 4]; 4];
        if transfer.read(p.as_flattened_mut()) < 16 || self.extent.is_some() {
            return Err(REJECTED);
        }
        let [[mask, zero, high, low], start, first, last] = p;
        let [start, first, last] =
            [start, first, last].map(|word| u64::from(u32::from_be_bytes(word)));
        let size = u16::from_be_bytes([high, low]);
        // Mask: 00 and C0 permit writing, 40 inhibits it, 80 and the bits 33 mean nothing.
        let writable = match mask & 0xf3 {
            0x00 | 0xc0 => true,
            0x40 => false,
            _ => return Err(REJECTED),
        };
        let end = (start + (last + 1).saturating_sub(first)).max(start);
        if zero != 0 || !(size == 0 || size == 512) || first > last || end > self.blocks()? {
            return Err(REJECTED);
        }
        self.extent = Some(Extent {
            writable,
            start,
            first,
            last,
        });
        Ok(())
    }

    fn locate(&mut self, transfer: &mut dyn Transfer) -> Outcome {
        let mut p = [0; 8];
        if transfer.read(&mut p) < p.len() {
            return Err(REJECTED);
        }
        self.located = None;
        let extent = self.extent.ok_or(REJECTED)?;
        let blocks = u64::from(u16::from_be_bytes([p[2], p[3]]));
        let first = u64::from(u32::from_be_bytes([p[4], p[5], p[6], p[7]]));
        // Write, write and verify, read; the other operations are not modelled.
        let write = match p[0] {
            0x01 | 0x05 => true,
            0x06 => false,
            _ => return Err(REJECTED),
        };
        if p[1] != 0 || blocks == 0 || (write && !extent.writable) {
            return Err(REJECTED);
        }
        if first < extent.first || first + blocks - 1 > extent.last {
            return Err(Failed(0, FILE_PROTECTED));
        }
        self.located = Some(Located {
            write,
            block: extent.start + (first - extent.first),
            left: blocks,
        });
        Ok(())
    }

    /// Moves the blocks that LOCATE named, as far as the program goes along; the block in which
    /// it stops is read, or written with zeros behind the data.
    fn transfer(&mut self, write: bool, transfer: &mut dyn Transfer) -> Outcome {
        let mut located = self.located.take().ok_or(REJECTED)?;
        if located.write != write {
            return Err(REJECTED);
        }
        while located.left > 0 {
            let mut block = [0; BLOCK_BYTES];
            let offset = located.block * BLOCK;
            let moved = if write {
                let moved = transfer.read(&mut block);
                if moved > 0 {
                    let written = self.image.write_at(offset, &block);
                    written.map_err(|_| DAMAGED)?;
                }
                moved
            } else {
                let read = self.image.read_at(offset, &mut block);
                read.map_err(|_| DAMAGED)?;
                transfer.write(&block)
            };
            if moved < BLOCK_BYTES {
                break;
            }
            located.block += 1;
            located.left -= 1;
        }
        self.located = Some(located);
        Ok(())
    }

    /// Reads block 0, with the whole disk as extent.
    fn read_ipl(&mut self, transfer: &mut dyn Transfer) -> Outcome {
        let blocks = self.blocks()?;
        self.extent = Some(Extent {
            writable: true,
            start: 0,
            first: 0,
            last: blocks.saturating_sub(1),
        });
        self.located = Some(Located {
            write: false,
            block: 0,
            left: 1,
        });
        self.transfer(false, transfer)
    }
}

impl<I: Image> Device for Fba<I> {
    fn transport_mode(&self) -> TransportMode {
        TransportMode::OneWay
    }

    fn begin(&mut self) {
        self.extent = None;
        self.located = None;
    }

    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply {
        if command.0 != BASIC_SENSE {
            self.sense.clear();
        }
        let outcome = match command.0 {
            NO_OPERATION => return Reply::IMMEDIATE,
            BASIC_SENSE => {
                let mut bytes = [0; SENSE_BYTES];
                for (to, from) in bytes.iter_mut().zip(self.sense.drain(..)) {
                    *to = from;
                }
                return accept_input(transfer, &bytes);
            }
            SENSE_ID => return accept_input(transfer, &self.model.id()),
            READ_DEVICE_CHARACTERISTICS => self.characteristics().map(|bytes| {
                transfer.write(&bytes);
            }),
            DEFINE_EXTENT => self.define_extent(transfer),
            LOCATE => self.locate(transfer),
            WRITE => self.transfer(true, transfer),
            READ => self.transfer(false, transfer),
            READ_IPL => self.read_ipl(transfer),
            _ => {
                self.sense = sense::bytes([sense::COMMAND_REJECT, 0], SENSE_BYTES);
                return Reply::Initial(UNIT_CHECK);
            }
        };
        match outcome {
            Ok(()) => Reply::Ending(DONE),
            Err(Failed(byte0, byte1)) => {
                self.sense = sense::bytes([byte0, byte1], SENSE_BYTES);
                Reply::Ending(UNIT_CHECK)
            }
        }
    }

    fn poll(&mut self) -> Option<DeviceStatus> {
        None
    }

    fn take_sense(&mut self) -> Sense {
        std::mem::take(&mut self.sense)
    }

    fn clear(&mut self) {
        self.begin();
        self.sense.clear();
    }
}
