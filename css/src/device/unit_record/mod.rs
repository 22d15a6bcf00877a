// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Card reader, card punch and line printer, on lines of text.

mod cards;
mod ebcdic;
mod printer;

use ccw::{Command, DeviceStatus};

use super::{DONE, Reply, Sense, Transfer, UNIT_CHECK, accept_input, sense};

pub use cards::{Punch, Reader};
pub use printer::Printer;

const NO_OPERATION: u8 = 0x03;
const BASIC_SENSE: u8 = 0x04;
const SENSE_ID: u8 = 0xe4;
const SENSE_BYTES: usize = 6;

/// What the three have in common: sense.
#[derive(Clone, Debug, Default)]
struct Unit {
    sense: Sense,
}

impl Unit {
    /// Answers the commands that all of them know.
    fn common(
        &mut self,
        command: Command,
        id: [u8; 7],
        transfer: &mut dyn Transfer,
    ) -> Option<Reply> {
        if command.0 == BASIC_SENSE {
            let mut bytes = [0; SENSE_BYTES];
            for (to, from) in bytes.iter_mut().zip(self.sense.drain(..)) {
                *to = from;
            }
            return Some(accept_input(transfer, &bytes));
        }
        self.sense.clear();
        match command.0 {
            NO_OPERATION => Some(Reply::IMMEDIATE),
            SENSE_ID => Some(accept_input(transfer, &id)),
            _ => None,
        }
    }

    /// Unit check with `byte` as first sense byte.
    fn check(&mut self, byte: u8) -> DeviceStatus {
        self.sense = sense::bytes([byte, 0], SENSE_BYTES);
        UNIT_CHECK
    }

    fn reject(&mut self) -> Reply {
        Reply::Initial(self.check(sense::COMMAND_REJECT))
    }
}

/// Takes what the program has of a line or card of at most `bytes.len()` bytes.
fn take_line<'a>(transfer: &mut dyn Transfer, bytes: &'a mut [u8]) -> &'a [u8] {
    let taken = transfer.read_variable(bytes);
    bytes.get(..taken).unwrap_or(&[])
}

/// Channel end, device end and unit exception.
const EXCEPTION: DeviceStatus = DONE.union(DeviceStatus::UNIT_EXCEPTION);
