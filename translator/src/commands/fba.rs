// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Fixed-block disks: which commands lead where. "3370 Direct Access Storage", "9336 Disk Unit".

use ccw::Command;

use super::{CommandPolicy, Place, Refusal, State};
use crate::Code;

const READ_IPL: u8 = 0x02;
const WRITE: u8 = 0x41;
const READ: u8 = 0x42;
const LOCATE: u8 = 0x43;
const DEFINE_EXTENT: u8 = 0x63;

/// Commands of which it is known where they lead.
pub(super) const KNOWN: &[u8] = &[
    READ_IPL,
    0x03,
    0x04,
    0x24,
    0x34,
    WRITE,
    READ,
    LOCATE,
    0x5b,
    DEFINE_EXTENT,
    0x64,
    0xaf,
    0xe4,
    0xfa,
];

pub(super) fn is_write(command: Command) -> bool {
    command.0 == WRITE
}

/// How many bytes of parameters are looked at.
pub(super) fn parameters(command: Command) -> Option<u16> {
    match command.0 {
        DEFINE_EXTENT => Some(16),
        LOCATE => Some(8),
        _ => None,
    }
}

/// What `state` is behind `command` with the parameters `bytes`, which are as many as are looked at.
pub(super) fn step(
    policy: &CommandPolicy,
    state: State,
    command: Command,
    bytes: &[u8],
) -> Result<State, Refusal> {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let word = |at: usize| u32::from_be_bytes([byte(at), byte(at + 1), byte(at + 2), byte(at + 3)]);
    let refuse = |code, at, bits, taken| {
        Err(Refusal {
            code,
            bits: Some((at, bits)),
            taken,
        })
    };
    let confined = policy.blocks().is_some();
    match command.0 {
        READ_IPL if policy.blocks().is_some_and(|blocks| blocks.first != 0) => {
            Err(Refusal::of(Code::PolicyExtent))
        }
        // It reads block 0, and leaves an extent behind that nobody has looked at.
        READ_IPL => Ok(State::START),
        DEFINE_EXTENT => {
            // The mask: what stands beside the two bits for writing leads to other places.
            if byte(0) & 0x3f != 0 {
                return refuse(Code::PolicyParameters, 0, (2, 7), 16);
            }
            let (start, first, last) = (word(4), word(8), word(12));
            let end = last
                .checked_sub(first)
                .and_then(|len| start.checked_add(len));
            let (lowest, highest) = policy
                .blocks()
                .map_or((0, u32::MAX), |blocks| (blocks.first, blocks.last));
            if start < lowest {
                return refuse(Code::PolicyExtent, 4, (0, 31), 16);
            }
            if end.is_none_or(|end| end > highest) {
                return refuse(Code::PolicyExtent, 12, (0, 31), 16);
            }
            Ok(State {
                extent: true,
                ..state
            })
        }
        LOCATE => {
            match byte(0) {
                0x06 => {}
                0x01 | 0x05 if policy.writes => {}
                0x01 | 0x05 => return refuse(Code::PolicyReadOnly, 0, (0, 7), 8),
                _ => return refuse(Code::PolicyParameters, 0, (0, 7), 8),
            }
            if confined && !state.extent {
                return Err(Refusal {
                    taken: 8,
                    ..Refusal::of(Code::PolicyUnconfined)
                });
            }
            Ok(State {
                place: Place::Inside,
                held: state.extent,
                ..state
            })
        }
        READ | WRITE if confined && !(state.extent && state.held) => {
            Err(Refusal::of(Code::PolicyUnconfined))
        }
        _ => Ok(state),
    }
}
