// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Recorded programs as cases.

use ccw::DeviceClass;

use super::{Amount, Answer, Case, Guard, Memory, OrbWords, Patch, Target, Terms};
use crate::corpus;

impl Case {
    /// The recorded `program`, for a device that moves all data of every command.
    pub fn of_program(program: &corpus::Case) -> Self {
        let orb = program.orb();
        let storage = program.storage();
        let extension = &orb.0[12..];
        let meant = extension.iter().rposition(|&b| b != 0).map_or(0, |n| n + 1);
        let device = program.device_class();
        Self {
            terms: Terms {
                any_skips: false,
                refuse: false,
                concurrent_sense: true,
                device: match device {
                    DeviceClass::Eckd => 1,
                    DeviceClass::Tape => 2,
                    _ => 0,
                },
            },
            memory: Memory {
                linear: (storage.size() >> 20).clamp(1, 0xffff) as u16,
                frames: Vec::new(),
                guard: Guard::None,
            },
            orb: OrbWords {
                intparm: orb.word(0),
                word1: orb.word(1),
                start: Target::Word(orb.word(2)),
                extension: extension[..meant].to_vec(),
            },
            segments: Vec::new(),
            patches: program
                .ranges()
                .map(|(at, bytes)| Patch { at, bytes })
                .collect(),
            script: vec![
                Answer {
                    amount: Amount::Count(0),
                    seed: 0x40,
                    status: 0x0c,
                    later: 0,
                    sense: 0,
                };
                8
            ],
        }
    }
}
