// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The interrogate TCW of a program, by which CANCEL SUBCHANNEL asks what the device is at. "PoP:
//! Interrogate Function".
//!
//! It is a program of its own, which reads nothing and has one command. A host that has transport mode
//! is given its translation; where anything is wrong with it, the host's TCW names none, and CANCEL
//! SUBCHANNEL finds nothing to ask.

use alloc::boxed::Box;

use ccw::{Addr31, Command, Guest, GuestAddr, INTERROGATE_SIZE, ServiceAction, TSB_SIZE, Tcw};
use pinning::{Access, Extent};

use super::{Transport, list::Reader};
use crate::GuestStorage;

/// Bits of the address that must be zero.
const RESERVED: u32 = 0x8000_003f;

/// The blocks of an interrogation. Kept from program to program for its storage.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Its TCW and its TCCB.
    pub(super) blocks: Option<Box<Transport>>,
    /// There is one, and nothing is wrong with it.
    pub(super) is_right: bool,
}

impl Asked {
    pub(super) fn clear(&mut self) {
        self.is_right = false;
    }

    /// The TCW, and the TCCB, if there is one.
    pub(super) fn get(&self) -> Option<&Transport> {
        self.blocks.as_deref().filter(|_| self.is_right)
    }

    /// Where the guest is to find the answer.
    pub(super) fn answer(&self) -> Option<GuestAddr> {
        Some(self.get()?.meaning().tsb)
    }

    /// Reads the one that `tcw` names.
    pub(super) fn read<G: GuestStorage>(&mut self, reader: &Reader<'_, G>, word: u32) {
        if word == 0 || word & RESERVED != 0 {
            return;
        }
        let blocks = self.blocks.get_or_insert_default();
        blocks.clear();
        self.is_right = blocks.read_question(reader, Addr31::<Guest>::truncate(word).widen());
    }
}

impl Transport {
    /// Reads the interrogate TCW at `at` and its TCCB; says whether nothing is wrong with them.
    fn read_question<G: GuestStorage>(&mut self, reader: &Reader<'_, G>, at: GuestAddr) -> bool {
        if reader.tcw(self, at).is_some() || self.tcw_fault(at).is_some() {
            return false;
        }
        let tcw = self.meaning();
        if self.read_tccb(reader, at, &tcw).is_some()
            || self.tccb_list.too_long
            || self.tccb_fault().is_some()
        {
            return false;
        }
        self.asks(&tcw)
    }

    fn asks(&self, tcw: &Tcw<Guest>) -> bool {
        let block = self.block();
        let first = block.dcws().next();
        tcw.read
            && tcw.input_count == 0
            && block.header.service_action == ServiceAction::INTERROGATE
            && first.is_some_and(|it| {
                it.is_ok_and(|(_, dcw)| {
                    dcw.command == Command::INTERROGATE
                        && dcw.data_count == 0
                        && dcw.control.len() >= INTERROGATE_SIZE
                        && !dcw.chain_command
                })
            })
    }
}

/// The storage of an answer at `tsb`.
pub(super) fn extent(tsb: GuestAddr) -> Extent {
    #[expect(clippy::cast_possible_truncation, reason = "64")]
    let len = TSB_SIZE as u32;
    Extent {
        start: tsb,
        len,
        access: Access::DeviceWrites,
    }
}
