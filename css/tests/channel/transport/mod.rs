// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Transport mode: TCWs, their commands and lists, and the status that they end with.

mod checks;
mod data;
mod interrogate;
mod lists;
mod random;
mod status;
mod storage;

use css::Config;
use css::device::scripted::Response;

use super::common::Bench;

/// Word 1 of a transport-mode ORB on path 80.
pub(crate) const TM: u32 = 0x0004_8000;
/// Where the TCW lies, its TCCB, its TSB, its data or their list, and the interrogate TCW.
pub(crate) const TCW: u64 = 0x4300;
pub(crate) const TCCB: u64 = 0x4500;
pub(crate) const TSB: u64 = 0x4480;
pub(crate) const DATA: u64 = 0x5000;
pub(crate) const TIDAL: u64 = 0x4400;

/// Byte 5 of a TCW.
pub(crate) const READ: u8 = 0x02;
pub(crate) const WRITE: u8 = 0x01;
/// Byte 1 of a TCW.
pub(crate) const INPUT_TIDA: u8 = 0x04;
pub(crate) const OUTPUT_TIDA: u8 = 0x01;

pub(crate) fn installed() -> Config {
    Config {
        transport: true,
        ..Config::default()
    }
}

/// A subchannel with transport mode, and `responses` of the device.
pub(crate) fn bench(responses: impl IntoIterator<Item = Response>) -> Bench {
    let mut bench = Bench::new(TM, "", responses).config(installed());
    bench.cpa = 0x4300;
    bench
}

/// A TCW with its TCCB, written out.
pub(crate) struct Program {
    flags: u8,
    direction: u8,
    data: u64,
    count: u32,
    /// The DCWs with their control data, in hexadecimal.
    dcws: &'static str,
    interrogate: u32,
}

/// `dcws`, with `count` bytes of data in `direction`.
pub(crate) fn program(direction: u8, count: u32, dcws: &'static str) -> Program {
    Program {
        flags: 0,
        direction,
        data: DATA,
        count,
        dcws,
        interrogate: 0,
    }
}

impl Program {
    /// With the data by the TIDAWs at 4400.
    pub(crate) fn listed(mut self) -> Self {
        self.flags |= match self.direction {
            READ => INPUT_TIDA,
            _ => OUTPUT_TIDA,
        };
        self.data = TIDAL;
        self
    }

    pub(crate) fn at(mut self, data: u64) -> Self {
        self.data = data;
        self
    }

    pub(crate) fn interrogated_by(mut self, tcw: u32) -> Self {
        self.interrogate = tcw;
        self
    }

    fn tca_len(&self) -> usize {
        super::common::bytes(self.dcws).len()
    }

    pub(crate) fn tcw(&self) -> String {
        let tccbl = self.tca_len() + 4;
        let (output, input) = match self.direction {
            READ => (0, self.data),
            WRITE => (self.data, 0),
            _ => (0, 0),
        };
        let (written, read) = match self.direction {
            READ => (0, self.count),
            WRITE => (self.count, 0),
            _ => (0, 0),
        };
        format!(
            "00{:02X}0000 00{:02X}0000 {output:016X} {input:016X} {TSB:016X} {TCCB:016X} \
             {written:08X} {read:08X} 00000000 00000000 00000000 {:08X}",
            self.flags,
            u8::try_from(tccbl).unwrap() | self.direction,
            self.interrogate,
        )
    }

    pub(crate) fn tccb(&self) -> String {
        format!(
            "7F000000 000000{:02X} 1FFE0000 00000000 {} 00000000 {:08X}",
            self.tca_len() + 12,
            self.dcws,
            self.count.next_multiple_of(4) + 4,
        )
    }

    /// In storage, ready to be started.
    pub(crate) fn on(&self, bench: Bench) -> Bench {
        bench.with(TCW, &self.tcw()).with(TCCB, &self.tccb())
    }
}

/// Eight bytes at a time, as the tables print them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let words: Vec<String> = bytes
        .chunks(4)
        .map(|word| word.iter().map(|byte| format!("{byte:02X}")).collect())
        .collect();
    words.join(" ")
}

/// The first eight bytes of the TSB: length, flags, DCW offset, residual count.
pub(crate) fn tsb(bench: &Bench) -> String {
    hex(&bench.read(TSB, 8))
}
