// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The sense data of a command that a device of the guest's own would refuse.

use ccw::{DeviceClass, ECW_SIZE};

use crate::Code;

/// Sense bytes, and how many of them there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sense {
    pub(crate) bytes: [u8; ECW_SIZE],
    pub(crate) len: u8,
}

const COMMAND_REJECT: u8 = 0x80;
const FILE_PROTECTED: u8 = 0x04;
/// Of a disk; a tape calls it write-protected.
const WRITE_INHIBITED: u8 = 0x02;

/// What a device of this kind says of a command that `code` refuses.
pub(crate) fn sense(class: DeviceClass, code: Code) -> Sense {
    let (byte0, byte1) = match code {
        Code::PolicyReadOnly => (COMMAND_REJECT, WRITE_INHIBITED),
        Code::PolicyExtent | Code::PolicyUnconfined => (0, FILE_PROTECTED),
        _ => (COMMAND_REJECT, 0),
    };
    let mut bytes = [0; ECW_SIZE];
    let mut put = |at: usize, value: u8| {
        if let Some(byte) = bytes.get_mut(at) {
            *byte = value;
        }
    };
    put(0, byte0);
    put(1, byte1);
    let len = match class {
        DeviceClass::Eckd => {
            // Format 0: the command, or its parameters.
            match code {
                Code::PolicyCommand => put(7, 0x01),
                Code::PolicyParameters => put(7, 0x04),
                _ => {}
            }
            // 24 bytes of the older form, and 8 more.
            put(27, 0x80);
            32
        }
        DeviceClass::Fba => 24,
        DeviceClass::Tape => {
            if code == Code::PolicyReadOnly {
                // The action that the operator's guide gives for a protected cartridge.
                put(3, 0x30);
            }
            32
        }
        _ => 1,
    };
    Sense { bytes, len }
}
