// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a finding contradicts: where a rule compares two places, the other one.

use ccw::{DCW_SIZE, Format, TCAH_SIZE};
use serde::Serialize;
use translator::{Code, Finding, Program, TransportView};

use crate::{bits, json};

/// A field that does not go together with the one that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Against {
    /// The address of its word.
    pub(crate) at: u64,
    /// The CCW that it belongs to, if it does, by its place in the order in which CCWs are read.
    pub(crate) index: Option<u16>,
    /// The word.
    word: Vec<u8>,
    /// First and last bit of the field.
    pub(crate) bits: (u8, u8),
    /// What the field is.
    says: &'static str,
}

impl Against {
    /// What `finding` about `program` contradicts, where its rule compares two places.
    pub(crate) fn of(finding: &Finding, program: &Program) -> Option<Self> {
        match finding.code {
            Code::SeqTicTic => first_tic(finding, program),
            code => {
                let transport = program.transport()?;
                match code {
                    // A list that leads to the TCCB itself.
                    Code::TidawSum if transport.block().is_none() => {
                        tcw(&transport, 4, (8, 13), "the TCCB length of the TCW")
                    }
                    Code::TcahTcal => tcw(&transport, 4, (8, 13), "the TCCB length of the TCW"),
                    Code::TcatCount | Code::TidawSum if transport.tcw().write => {
                        tcw(&transport, 40, (0, 31), "the output count of the TCW")
                    }
                    Code::TcatCount | Code::TidawSum => {
                        tcw(&transport, 44, (0, 31), "the input count of the TCW")
                    }
                    Code::DcwOverrun => end_of_commands(&transport),
                    _ => None,
                }
            }
        }
    }

    /// What stands there, in a sentence.
    pub(crate) fn text(&self) -> String {
        let Self { at, says, .. } = self;
        let place = format!("of the word at {at:08x}");
        let bits = bits::text(&self.word, self.bits, &place).unwrap_or(place);
        format!("against it stands {says}: {bits}")
    }

    /// How many bytes its word has.
    pub(crate) fn size(&self) -> u64 {
        self.word.len() as u64
    }

    /// As JSON.
    pub(crate) fn entry(&self) -> Entry {
        let (first, last) = self.bits;
        Entry {
            at: json::hex(self.at),
            bytes: json::digits(&self.word),
            bits: format!("{first}-{last}"),
        }
    }
}

/// The other place, as JSON.
#[derive(Serialize)]
pub(crate) struct Entry {
    at: String,
    bytes: String,
    bits: String,
}

/// The TIC that leads to the one at fault.
fn first_tic(finding: &Finding, program: &Program) -> Option<Against> {
    let second = finding.site.ccw?;
    let mut tics = program.steps().filter(|step| step.tic);
    let first = tics.find(|step| step.ccw.addr.widen() == second)?;
    Some(Against {
        at: first.at.get(),
        index: Some(first.index),
        word: first.raw?.0.to_vec(),
        bits: match program.orb().format {
            Format::Zero => (8, 31),
            Format::One => (33, 63),
        },
        says: "the address of the TIC that leads here",
    })
}

/// The word of a TCW that begins with byte `offset`.
fn tcw(
    program: &TransportView<'_>,
    offset: usize,
    bits: (u8, u8),
    says: &'static str,
) -> Option<Against> {
    Some(Against {
        at: program.at().get() + offset as u64,
        index: None,
        word: program.raw()?.0.get(offset..offset + 4)?.to_vec(),
        bits,
        says,
    })
}

/// What lets a DCW be expected where there is no room for one: that the DCW before it chains, or else the
/// length of the area, in which the DCW itself has room and its control data has not.
fn end_of_commands(program: &TransportView<'_>) -> Option<Against> {
    let room = program.block()?.tca.len();
    let overrun = program.commands().find_map(Result::err)?;
    let before = program.commands().map_while(Result::ok).last();
    let (offset, size, bits, says) = match before {
        Some(before) if overrun.offset + DCW_SIZE > room => {
            let says = "the flag of the DCW before, which chains to one here";
            (TCAH_SIZE + before.offset, DCW_SIZE, (9, 9), says)
        }
        _ => (4, 4, (24, 31), "the TCA length"),
    };
    Some(Against {
        at: program.tccb_at(offset)?.get(),
        index: None,
        word: program.tccb().get(offset..offset + size)?.to_vec(),
        bits,
        says,
    })
}
