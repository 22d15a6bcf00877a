// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Recorded programs as cases.

use super::{
    Amount, Answer, Case, Guard, KeyedPages, Memory, OrbWords, Patch, Recorded, Target, Terms,
};
use crate::{corpus, program_file::ProgramFile};

const PAGE: u64 = 4096;
/// Most pages of storage from address 0 on that a case can have.
const MOST_PAGES: u64 = 0xffff << 8;
/// Most elements of a list in the bytes of a case.
const MOST: usize = 0xffff;

impl Case {
    /// The recorded `program`, for a device that moves all data of every command.
    ///
    /// # Panics
    ///
    /// If a case cannot hold it, as it can those of this project.
    pub fn of_program(program: &corpus::Case) -> Self {
        Self::of_file(&program.file).unwrap_or_else(|why| panic!("{}: {why}", program.name))
    }

    /// The program of `file`, for such a device. Nothing of it is left out, but for its name.
    ///
    /// # Errors
    ///
    /// What a case cannot hold.
    pub fn of_file(file: &ProgramFile) -> Result<Self, String> {
        let pages = file.size / PAGE;
        if pages > MOST_PAGES {
            return Err(format!(
                "{:#x} bytes of storage: a case has at most {:#x}",
                file.size,
                MOST_PAGES * PAGE
            ));
        }
        if file.fill != 0 {
            return Err(format!(
                "storage filled with {:02x}: that of a case is filled with zeros",
                file.fill
            ));
        }
        if file.device.len() > MOST {
            return Err(format!("a device type of {} bytes", file.device.len()));
        }
        if file.keys.len() > MOST {
            return Err(format!(
                "{} storage keys: a case has at most {MOST}",
                file.keys.len()
            ));
        }
        let mut patches = Vec::new();
        for (at, bytes) in &file.ranges {
            for (at, bytes) in (*at..).step_by(MOST).zip(bytes.chunks(MOST)) {
                let bytes = bytes.to_vec();
                patches.push(Patch { at, bytes });
            }
        }
        if patches.len() > MOST {
            return Err(format!(
                "{} ranges of storage: a case has at most {MOST}",
                patches.len()
            ));
        }
        let keys = file.keys.iter().map(|key| KeyedPages {
            first: (key.addr / PAGE) as u32,
            pages: (key.len / PAGE) as u32,
            key: key.key << 4 | u8::from(key.fetch_protect) << 3,
        });
        let linear = pages.div_ceil(256);
        let extension = &file.orb.0[12..];
        let meant = extension.iter().rposition(|&b| b != 0).map_or(0, |n| n + 1);
        Ok(Self {
            terms: Terms {
                any_skips: false,
                refuse: false,
                concurrent_sense: true,
                device: 0,
            },
            memory: Memory {
                linear: linear as u16,
                frames: Vec::new(),
                guard: Guard::None,
            },
            orb: OrbWords {
                intparm: file.orb.word(0),
                word1: file.orb.word(1),
                start: Target::Word(file.orb.word(2)),
                extension: extension[..meant].to_vec(),
            },
            segments: Vec::new(),
            patches,
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
            recorded: Recorded {
                device: file.device.clone().into_bytes(),
                short: (linear * 256 - pages) as u8,
                keys: keys.collect(),
            },
        })
    }
}
