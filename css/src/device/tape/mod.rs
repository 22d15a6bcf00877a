// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A cartridge tape, 3490 or 3590, on an .aws image.

mod aws;

use aws::{Aws, Record, Stop};
use ccw::{Command, DeviceStatus};

use super::image::Image;
use super::{DONE, Device, Reply, Sense, Transfer, UNIT_CHECK, accept_input, sense};

const WRITE: u8 = 0x01;
const READ: u8 = 0x02;
const NO_OPERATION: u8 = 0x03;
const BASIC_SENSE: u8 = 0x04;
const REWIND: u8 = 0x07;
const READ_BACKWARD: u8 = 0x0c;
const REWIND_UNLOAD: u8 = 0x0f;
const ERASE_GAP: u8 = 0x17;
const WRITE_TAPE_MARK: u8 = 0x1f;
const READ_BLOCK_ID: u8 = 0x22;
const BACKSPACE_BLOCK: u8 = 0x27;
const BACKSPACE_FILE: u8 = 0x2f;
const SENSE_PATH_GROUP: u8 = 0x34;
const FORWARD_SPACE_BLOCK: u8 = 0x37;
const FORWARD_SPACE_FILE: u8 = 0x3f;
const SYNCHRONIZE: u8 = 0x43;
const LOCATE_BLOCK: u8 = 0x4f;
const DATA_SECURITY_ERASE: u8 = 0x97;
const SET_PATH_GROUP: u8 = 0xaf;
const ASSIGN: u8 = 0xb7;
const UNASSIGN: u8 = 0xc7;
const MEDIUM_SENSE: u8 = 0xc2;
const MODE_SET: u8 = 0xdb;
const SENSE_ID: u8 = 0xe4;

const SENSE_BYTES: usize = 32;
const MEDIUM_BYTES: usize = 128;
/// Longest block that a program can write with data chaining.
const MAX_WRITE: usize = 256 * 1024;
/// A block id without the bits that say where on the tape it lies.
const BLOCK_NUMBER: u32 = 0x003f_ffff;

/// Which drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Model {
    /// 3490 on a 3490 control unit.
    Tape3490,
    /// 3590 on a 3590 control unit.
    Tape3590,
}

impl Model {
    fn id(self) -> [u8; 7] {
        match self {
            Self::Tape3490 => [0xff, 0x34, 0x90, 0x50, 0x34, 0x90, 0x50],
            Self::Tape3590 => [0xff, 0x35, 0x90, 0x11, 0x35, 0x90, 0x60],
        }
    }
}

/// Why a command ended with unit check: sense byte 0, and the error-recovery-action code.
#[derive(Clone, Copy, Debug)]
struct Failed(u8, u8);

const REJECTED: Failed = Failed(sense::COMMAND_REJECT, 0x27);
const WRITE_PROTECTED: Failed = Failed(sense::COMMAND_REJECT, 0x30);
const LOAD_POINT: Failed = Failed(0, 0x39);
const NOT_FOUND: Failed = Failed(0, 0x44);
const UNLOADED: Failed = Failed(sense::INTERVENTION_REQUIRED, 0x2b);

impl From<Stop> for Failed {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::LoadPoint => LOAD_POINT,
            Stop::Void => Self(sense::DATA_CHECK, 0x31),
            Stop::Damaged => Self(sense::EQUIPMENT_CHECK, 0x22),
        }
    }
}

/// The drive with a cartridge.
#[derive(Debug)]
pub struct Tape<I> {
    model: Model,
    tape: Aws<I>,
    loaded: bool,
    read_only: bool,
    /// Bytes of image from which on a write reports the end of the tape.
    capacity: u64,
    path_group: [u8; 12],
    sense: Sense,
    damaged: Option<u64>,
}

impl<I: Image> Tape<I> {
    /// The drive `model` with `image` at the load point.
    pub fn new(model: Model, image: I) -> Self {
        Self {
            model,
            tape: Aws::new(image),
            loaded: true,
            read_only: false,
            capacity: u64::MAX,
            path_group: [0; 12],
            sense: Sense::new(),
            damaged: None,
        }
    }

    /// The same with a cartridge that cannot be written.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// The same with a cartridge that ends after `bytes` of image.
    pub fn capacity(mut self, bytes: u64) -> Self {
        self.capacity = bytes;
        self
    }

    /// The image.
    pub fn image(&mut self) -> &mut I {
        self.tape.image()
    }

    /// Offset at which the image turned out to be no tape, or could not be read or written, if that
    /// has happened. The program saw an equipment check.
    pub fn damaged(&self) -> Option<u64> {
        self.damaged
    }

    fn fail(&mut self, Failed(byte0, action): Failed) -> DeviceStatus {
        if byte0 == sense::EQUIPMENT_CHECK {
            self.damaged = self.damaged.or(Some(self.tape.offset()));
        }
        let mut byte1 = 0x40;
        if self.loaded && self.tape.at_load_point() {
            byte1 |= 0x08;
        }
        if self.read_only || !self.loaded {
            byte1 |= 0x02;
        }
        self.sense = sense::bytes([byte0, byte1], SENSE_BYTES);
        for (at, value) in [(2, 0x20), (3, action), (7, 0x22)] {
            if let Some(byte) = self.sense.get_mut(at) {
                *byte = value;
            }
        }
        UNIT_CHECK
    }

    /// Commands that move no data.
    fn motion(&mut self, command: u8) -> Result<DeviceStatus, Failed> {
        match command {
            REWIND => self.tape.rewind(),
            REWIND_UNLOAD => {
                self.tape.rewind();
                self.loaded = false;
                return Err(UNLOADED);
            }
            WRITE_TAPE_MARK => return self.put(&Record::Mark),
            DATA_SECURITY_ERASE => {
                self.writable()?;
                self.tape.erase()?;
            }
            ERASE_GAP => self.writable()?,
            FORWARD_SPACE_BLOCK => return Ok(ending(&self.tape.next()?)),
            BACKSPACE_BLOCK => return Ok(ending(&self.tape.previous()?)),
            FORWARD_SPACE_FILE => while self.tape.next()? != Record::Mark {},
            BACKSPACE_FILE => while self.tape.previous()? != Record::Mark {},
            SYNCHRONIZE => {}
            _ => return Err(REJECTED),
        }
        Ok(DONE)
    }

    fn writable(&self) -> Result<(), Failed> {
        if self.read_only {
            return Err(WRITE_PROTECTED);
        }
        Ok(())
    }

    fn put(&mut self, record: &Record) -> Result<DeviceStatus, Failed> {
        self.writable()?;
        self.tape.write(record)?;
        if self.tape.offset() >= self.capacity {
            return Ok(DONE | DeviceStatus::UNIT_EXCEPTION);
        }
        Ok(DONE)
    }

    fn write(&mut self, transfer: &mut dyn Transfer) -> Result<DeviceStatus, Failed> {
        self.writable()?;
        let mut block = Vec::new();
        let mut piece = [0; 4096];
        while block.len() < MAX_WRITE {
            let got = transfer.read_variable(&mut piece);
            block.extend_from_slice(piece.get(..got).unwrap_or(&piece));
            if got < piece.len() {
                break;
            }
        }
        if block.is_empty() {
            return Ok(DONE);
        }
        self.put(&Record::Block(block))
    }

    fn read(&mut self, transfer: &mut dyn Transfer) -> Result<DeviceStatus, Failed> {
        let record = self.tape.next()?;
        if let Record::Block(block) = &record {
            transfer.write(block);
        }
        Ok(ending(&record))
    }

    fn read_backward(&mut self, transfer: &mut dyn Transfer) -> Result<DeviceStatus, Failed> {
        let mut record = self.tape.previous()?;
        if let Record::Block(block) = &mut record {
            block.reverse();
            transfer.write(block);
        }
        Ok(ending(&record))
    }

    /// Block id of the record at the head, and of the next one for the channel.
    fn read_block_id(&self, transfer: &mut dyn Transfer) -> DeviceStatus {
        let id = (self.tape.block() & BLOCK_NUMBER).to_be_bytes();
        transfer.write(&[id, id].concat());
        DONE
    }

    /// Whether there is a cartridge, and nothing more of it (model).
    fn medium_sense(&self) -> [u8; MEDIUM_BYTES] {
        let mut bytes = [0; MEDIUM_BYTES];
        bytes[0] = if self.loaded { 0x10 } else { 0x20 };
        bytes
    }

    fn locate_block(&mut self, transfer: &mut dyn Transfer) -> Result<DeviceStatus, Failed> {
        let mut id = [0; 4];
        if transfer.read(&mut id) < id.len() {
            return Err(REJECTED);
        }
        let block = u32::from_be_bytes(id) & BLOCK_NUMBER;
        self.tape.rewind();
        while self.tape.block() < block {
            self.tape.next().map_err(|_| NOT_FOUND)?;
        }
        Ok(DONE)
    }

    /// Takes parameters of exactly the length of `bytes`.
    fn parameters(transfer: &mut dyn Transfer, bytes: &mut [u8]) -> Result<DeviceStatus, Failed> {
        if transfer.read(bytes) < bytes.len() {
            return Err(REJECTED);
        }
        Ok(DONE)
    }
}

/// A tape mark ends a command with unit exception.
fn ending(record: &Record) -> DeviceStatus {
    match record {
        Record::Block(_) => DONE,
        Record::Mark => DONE | DeviceStatus::UNIT_EXCEPTION,
    }
}

impl<I: Image> Device for Tape<I> {
    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply {
        if command.0 == BASIC_SENSE {
            let mut bytes = [0; SENSE_BYTES];
            for (to, from) in bytes.iter_mut().zip(self.sense.drain(..)) {
                *to = from;
            }
            return accept_input(transfer, &bytes);
        }
        self.sense.clear();
        match command.0 {
            NO_OPERATION => return Reply::IMMEDIATE,
            SENSE_ID => return accept_input(transfer, &self.model.id()),
            SENSE_PATH_GROUP => return accept_input(transfer, &self.path_group),
            MEDIUM_SENSE if self.model == Model::Tape3590 => {
                return accept_input(transfer, &self.medium_sense());
            }
            _ => {}
        }
        let outcome = match command.0 {
            SET_PATH_GROUP => {
                let mut id = [0; 12];
                let taken = Self::parameters(transfer, &mut id);
                self.path_group = id;
                taken
            }
            ASSIGN | UNASSIGN => Self::parameters(transfer, &mut [0; 11]),
            MODE_SET => Self::parameters(transfer, &mut [0]),
            _ if !self.loaded => Err(Failed(sense::INTERVENTION_REQUIRED, 0x43)),
            WRITE => self.write(transfer),
            READ => self.read(transfer),
            READ_BACKWARD => self.read_backward(transfer),
            READ_BLOCK_ID => Ok(self.read_block_id(transfer)),
            LOCATE_BLOCK => self.locate_block(transfer),
            motion => {
                let outcome = self.motion(motion);
                return Reply::Initial(outcome.unwrap_or_else(|failed| self.fail(failed)));
            }
        };
        Reply::Ending(outcome.unwrap_or_else(|failed| self.fail(failed)))
    }

    fn take_sense(&mut self) -> Sense {
        std::mem::take(&mut self.sense)
    }

    fn clear(&mut self) {
        self.sense.clear();
    }
}
