// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What answers commands.
//!
//! A device sees the command code and the bytes that pass, in order. It sees no address and no
//! count: it asks for bytes or offers them, and learns from a short answer that the channel has
//! stopped it. Only in transport mode a command comes with a count: [`Transfer::data_count`].

pub mod eckd;
pub mod fba;
pub mod image;
pub mod scripted;
pub mod tape;
pub mod unit_record;

use arrayvec::ArrayVec;
use ccw::{Command, DeviceStatus, Interrogate, StateFlags, UnitStates};

/// Sense bytes, as an ECW can hold them.
pub type Sense = ArrayVec<u8, 32>;

/// A device's answer to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// Status presented in answer to the command byte, before any data could move. With channel
    /// end the command was *immediate*; without it the device did not accept it (busy, unit
    /// check).
    Initial(DeviceStatus),
    /// Status that ends the data phase. It must contain channel end; if device end is missing,
    /// [`Device::poll`] brings it later.
    Ending(DeviceStatus),
}

impl Reply {
    /// Channel end and device end: all went well.
    pub const OK: Self = Self::Ending(DONE);
    /// Channel end and device end in answer to the command byte.
    pub const IMMEDIATE: Self = Self::Initial(DONE);

    /// The status.
    pub const fn status(self) -> DeviceStatus {
        match self {
            Self::Initial(status) | Self::Ending(status) => status,
        }
    }
}

/// Channel end and device end.
pub const DONE: DeviceStatus = DeviceStatus::CHANNEL_END.union(DeviceStatus::DEVICE_END);

/// Channel end, device end and unit check.
pub(crate) const UNIT_CHECK: DeviceStatus = DONE.union(DeviceStatus::UNIT_CHECK);

/// Nothing to tell about a program that runs.
const UNKNOWN: UnitStates = UnitStates {
    format: 0,
    valid: StateFlags::empty(),
    control_unit: 0,
    device: 0,
    operation: 0,
    info: [0; 12],
    device_level: 0,
    data: [0; 28],
};

/// Takes output into `bytes`, and gives as much of them as the program did.
fn output<'a>(transfer: &mut dyn Transfer, bytes: &'a mut [u8]) -> &'a [u8] {
    let given = transfer.read(bytes);
    bytes.get(..given).unwrap_or(bytes)
}

/// Offers `bytes` and ends well.
fn accept_input(transfer: &mut dyn Transfer, bytes: &[u8]) -> Reply {
    transfer.write(bytes);
    Reply::OK
}

/// Sense byte 0, the same for all devices.
mod sense {
    use super::Sense;

    pub(super) const COMMAND_REJECT: u8 = 0x80;
    pub(super) const INTERVENTION_REQUIRED: u8 = 0x40;
    pub(super) const EQUIPMENT_CHECK: u8 = 0x10;
    pub(super) const DATA_CHECK: u8 = 0x08;

    /// `len` sense bytes, at most 32, that begin with `first` and go on with zeros.
    pub(super) fn bytes(first: [u8; 2], len: usize) -> Sense {
        first
            .into_iter()
            .chain(std::iter::repeat(0))
            .take(len.min(32))
            .collect()
    }
}

/// The data phase of one command, as the device sees it.
pub trait Transfer {
    /// Output: takes bytes from the program. Returns how many; less than asked means that the
    /// channel stopped the device, and counts as the device having wanted more.
    fn read(&mut self, bytes: &mut [u8]) -> usize;

    /// Output for a device whose block is as long as the program makes it, such as a tape: the
    /// same, but running out of bytes is no incorrect length.
    fn read_variable(&mut self, bytes: &mut [u8]) -> usize;

    /// Input: offers bytes. Returns how many the channel took; less than offered means that it
    /// stopped the device.
    fn write(&mut self, bytes: &[u8]) -> usize;

    /// Input: the device cannot wait any longer, and bytes are lost. Where a data chain had gone on
    /// to another CCW, it is the channel that was late ("PoP: Chaining Check"); elsewhere the device
    /// has to report it by itself.
    fn overrun(&mut self) {}

    /// Transport mode: how many bytes of data the DCW announces beside its control data. `None` in
    /// command mode, where parameters and data are one.
    fn data_count(&self) -> Option<u32> {
        None
    }

    /// Transport mode: passes what is left of the control data, so that [`Self::read`] goes on with
    /// the data.
    fn pass_control(&mut self) {}
}

/// What a device and its control unit know of transport mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum TransportMode {
    /// Nothing: such programs are refused.
    #[default]
    None,
    /// Programs that read, that write, or that do neither.
    OneWay,
    /// Programs that do both as well.
    BothWays,
}

/// A device, or a control unit with one device.
pub trait Device {
    /// Executes `command`, moving its data through `transfer`.
    ///
    /// The command is any code, but TIC and xxxx0000 only in transport mode, where parameters come
    /// before output data. One that the device does not know ends with unit check and command
    /// reject. Control unit and channel agree that `03`, no-operation, moves no data.
    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply;

    /// Whether the device takes programs of transport mode.
    fn transport_mode(&self) -> TransportMode {
        TransportMode::None
    }

    /// Interrogate function: tells what the transport-mode program that runs is at, without
    /// disturbing it.
    fn interrogate(&mut self, _asked: &Interrogate) -> UnitStates {
        UNKNOWN
    }

    /// A chain begins, with a start or resume function: what commands of earlier chains set for those
    /// that follow in them is forgotten.
    fn begin(&mut self) {}

    /// Status that the device has to present by itself: the device end that follows a channel end,
    /// or attention. Each status is returned once.
    fn poll(&mut self) -> Option<DeviceStatus> {
        None
    }

    /// The sense bytes of the last unit check, which are thereby taken from the device. Asked
    /// for when the subchannel brings sense along with the status (concurrent sense).
    fn take_sense(&mut self) -> Sense {
        Sense::new()
    }

    /// Halt signal: whatever the device is doing for the channel ends. Returns the status it ends
    /// with, if it was doing anything.
    fn halt(&mut self) -> DeviceStatus {
        DeviceStatus::empty()
    }

    /// Clear signal: the device forgets what it was doing, and status that it has not presented.
    fn clear(&mut self) {}
}

impl<D: Device + ?Sized> Device for Box<D> {
    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply {
        (**self).execute(command, transfer)
    }

    fn transport_mode(&self) -> TransportMode {
        (**self).transport_mode()
    }

    fn interrogate(&mut self, asked: &Interrogate) -> UnitStates {
        (**self).interrogate(asked)
    }

    fn begin(&mut self) {
        (**self).begin();
    }

    fn poll(&mut self) -> Option<DeviceStatus> {
        (**self).poll()
    }

    fn take_sense(&mut self) -> Sense {
        (**self).take_sense()
    }

    fn halt(&mut self) -> DeviceStatus {
        (**self).halt()
    }

    fn clear(&mut self) {
        (**self).clear();
    }
}
