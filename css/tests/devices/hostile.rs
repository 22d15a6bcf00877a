// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Devices whose channel says that it moved more bytes than there were, and begins no chain.

use ccw::Command;
use css::device::scripted::Data;
use css::device::{eckd, fba, scripted, tape, unit_record};
use css::{Device, Transfer};

struct Liar;

impl Transfer for Liar {
    fn read(&mut self, bytes: &mut [u8]) -> usize {
        bytes.fill(0xff);
        usize::MAX
    }

    fn read_variable(&mut self, bytes: &mut [u8]) -> usize {
        self.read(bytes)
    }

    fn write(&mut self, _: &[u8]) -> usize {
        usize::MAX
    }
}

fn survives(mut device: impl Device) {
    for _ in 0..3 {
        for code in 0..=0xff {
            device.execute(Command(code), &mut Liar);
        }
    }
    // A disk turns, and finds nothing.
    for _ in 0..300 {
        device.execute(Command(0x31), &mut Liar);
    }
}

#[test]
fn moves_more_than_there_is() {
    survives(eckd::Eckd::format(Vec::new(), 1).expect("a volume"));
    survives(fba::Fba::new(fba::Model::Fba9336, vec![0; 4096]));
    survives(tape::Tape::new(tape::Model::Tape3490, Vec::new()));
    survives(unit_record::Printer::new(Vec::new()));
    survives(unit_record::Punch::new(Vec::new()));
    survives(unit_record::Reader::new("CARD"));
    let responses = [
        Data::Output(1000),
        Data::OutputVariable(1000),
        Data::Input(vec![1; 1000]),
        Data::Length(1000, 0),
    ];
    let responses = responses.map(scripted::Response::new);
    survives(scripted::Scripted::new(responses));
}
