// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Reading backward on a host whose words go upward.

use ccw_kit::program::GuestProgram;
use css::device::scripted::{Data, Response};
use translator::Code;

use super::host::{refused, same};

/// READ BACKWARD from `first`, a byte of a page, over `count` bytes.
fn backward(first: u64, count: u16, flags: u8) -> GuestProgram {
    let text = format!(
        "0C{flags:02X}{count:04X} {:08X} 03200001 00000000",
        0x2_8000 + first
    );
    GuestProgram::format1(&text)
}

#[test]
fn reading_backward_is_exact_from_every_offset() {
    let counts = [1u16, 99, 2048, 4096, 17886, 18433];
    for first in [0, 100, 1023, 1500, 2047, 2048, 4095] {
        for count in counts {
            // One record that fits, one that is longer, some that are shorter.
            for len in [count.into(), 30_000, 51, 1501] {
                for flags in [0x00, 0x20, 0x40] {
                    let program = backward(first, count, flags);
                    let responses = [Response::new(Data::Length(len, 3)), Response::immediate()];
                    same(&program, &responses);
                }
            }
        }
    }
}

/// Data chaining would not go on with the next command where the record ends early: a copy does.
#[test]
fn reading_backward_with_both_flags_is_exact() {
    for first in [0, 100, 1500, 2047, 2048, 4095] {
        for count in [1u16, 3000, 18433, 20000] {
            let program = backward(first, count, 0x60);
            for len in [count.into(), 51, 30_000] {
                let responses = [Response::new(Data::Length(len, 3)), Response::immediate()];
                same(&program, &responses);
            }
        }
    }
}

/// Below address 0 there is nothing. The list ends in the first block, where the host would not read a
/// word more, and so would a copy.
#[test]
fn e12_env_read_backward() {
    let program = GuestProgram::format1("0C2000C8 00000064");
    assert_eq!(refused(&program), Code::EnvReadBackward);
    // With a block more of count the host does read it.
    let program = GuestProgram::format1("0C200FC8 00000064");
    let responses = [Response::new(Data::Length(0x800, 3))];
    same(&program, &responses);
}
