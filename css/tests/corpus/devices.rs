// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Recorded programs for devices that are modelled here end as recorded.

use ccw::{DeviceStatus, Guest, Orb, Scsw};
use css::device::fba::{self, Fba};
use css::device::image::{Image, Overlay};
use css::device::tape::{self, Tape};
use css::device::unit_record::{Printer, Punch, Reader};
use css::{Config, Device, Progress};

use crate::program::{Program, corpus, hex};
use crate::volume;

/// A tape that stands between two records like those that the program met.
fn tape(model: tape::Model, end: &Scsw<Guest>) -> Tape<Vec<u8>> {
    let mark: &[u8] = &[0, 0, 0, 0, 0x40, 0];
    let mut block = vec![0xf0, 1, 0, 0, 0xa0, 0];
    block.extend([0x55; 496]);
    let image = match end.device.contains(DeviceStatus::UNIT_EXCEPTION) {
        true => mark.repeat(2),
        false => block.repeat(2),
    };
    Tape::new(model, image)
}

/// The model of the device that the program ran on, if there is one.
fn device(program: &Program, end: &Scsw<Guest>) -> Option<Box<dyn Device>> {
    Some(match program.device.as_str() {
        "3390" => Box::new(volume::disk(program)),
        "9336" => {
            let mut disk = Overlay::new(Vec::new()).ok()?;
            disk.set_len(1 << 36).ok()?;
            Box::new(Fba::new(fba::Model::Fba9336, disk))
        }
        "3490" => Box::new(tape(tape::Model::Tape3490, end)),
        "3590" => Box::new(tape(tape::Model::Tape3590, end)),
        "1403" | "3211" => Box::new(Printer::new(Vec::new())),
        "3505" => Box::new(Reader::new("")),
        "3525" => Box::new(Punch::new(Vec::new())),
        _ => return None,
    })
}

/// Programs that use what the models leave out.
const BEYOND: [&str; 10] = [
    // Diagnostic commands of a 3211.
    "hyptest-3211-05-02-07-06-1",
    "hyptest-3211-07-06-04-1",
    "hyptest-3211-63-07-12-1",
    "hyptest-3211-63-07-12-1.v2",
    "hyptest-3211-63-09-02-07-06-1",
    // A 3211 refuses commands of a 1403, and one form that it finds odd.
    "hyptest-3211-fb-1",
    "hyptest-3211-63-1.v2",
    // The deck is not recorded.
    "ipl-3505-02-00-1",
    // Medium sense.
    "linux61-3590-c2-1",
    "hyptest-1403-eb-fb-1",
];

/// `None` if the program ended as recorded.
fn difference(program: &Program, device: &mut dyn Device, end: &Scsw<Guest>) -> Option<String> {
    let mut subchannel = program.subchannel();
    let mut storage = program.storage.clone();
    let orb = Orb::<Guest>::decode(&program.orb());
    subchannel.start(&orb).expect("condition code 0");
    let progress = subchannel.run(&mut storage, device, 10_000);
    assert_eq!(progress, Progress::Pending, "{}", program.name);
    let mut seen = *subchannel.scsw();
    seen.extended_control = end.extended_control;
    if seen == *end {
        return None;
    }
    Some(format!(
        "{}: ended {:02x?}, recorded {:02x?}",
        program.name,
        seen.encode().0,
        end.encode().0
    ))
}

#[test]
fn recorded_programs_end_as_recorded_on_the_device_models() {
    let mut run = 0;
    let mut differences = Vec::new();
    for program in corpus() {
        if program.class != "captured" || BEYOND.contains(&program.name.as_str()) {
            continue;
        }
        let Some(end) = program.json["final"]["scsw"].as_str() else {
            continue;
        };
        assert_eq!(end.len(), 24);
        let end = hex(&program.json["final"]["scsw"]);
        let end = Scsw::decode(&ccw::RawScsw(end.try_into().expect("12 bytes")));
        let Some(mut device) = device(&program, &end) else {
            continue;
        };
        // Where the tape stood is not recorded: between the two records will do for most.
        if matches!(program.device.as_str(), "3490" | "3590") {
            forward(&mut *device);
        }
        run += 1;
        differences.extend(difference(&program, &mut *device, &end));
    }
    println!("{run} recorded programs run on device models");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Moves a tape over one record.
fn forward(device: &mut dyn Device) {
    let mut storage = css::Ram::<Guest>::new(0x1000);
    storage.write(ccw::GuestAddr::new(0), &[0x37, 0x20, 0, 1]);
    let orb = Orb::decode(&ccw::RawOrb::from_words([0, 0x0080_8000, 0]));
    let mut subchannel = css::Subchannel::new(Config::default());
    subchannel.start(&orb).expect("condition code 0");
    assert_eq!(subchannel.run(&mut storage, device, 10), Progress::Pending);
}
