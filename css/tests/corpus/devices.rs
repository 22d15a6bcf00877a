// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Recorded programs for devices that are modelled here end as recorded.
//!
//! What was on the recorded volumes is not known. They are made by rules that see the program as it
//! was started ([`Program`]) and nothing of how it ended: `volume` has the disks'. A tape stands
//! between two blocks of 496 bytes. Where a recorded tape stood decides how some programs end; what
//! ends otherwise is run once more between two tape marks, and counted by itself.

use std::collections::BTreeMap;

use ccw::{Guest, GuestAddr, Orb, RawOrb, Scsw};
use css::device::fba::{self, Fba};
use css::device::image::{Image, Overlay};
use css::device::tape::{self, Tape};
use css::device::unit_record::{Printer, Punch, Reader};
use css::{Config, Device, Progress};

use crate::program::{Program, Recording, corpus};
use crate::volume;

/// Programs that do not end as recorded, and why.
const OTHERWISE: [(&str, &str); 8] = [
    ("hyptest-3211-05-02-07-06-1", DIAGNOSTIC),
    ("hyptest-3211-07-06-04-1", DIAGNOSTIC),
    ("hyptest-3211-63-07-12-1", DIAGNOSTIC),
    ("hyptest-3211-63-07-12-1.v2", DIAGNOSTIC),
    ("hyptest-3211-63-09-02-07-06-1", DIAGNOSTIC),
    (
        "hyptest-3211-63-1.v2",
        "a 3211 refuses one form that it finds odd",
    ),
    ("hyptest-3211-fb-1", COMMAND_OF_1403),
    ("ipl-3505-02-00-1", "the deck is not recorded"),
];
const DIAGNOSTIC: &str = "diagnostic commands of a 3211";
const COMMAND_OF_1403: &str = "a 3211 refuses commands of a 1403";

/// Programs of this project by the type of their device: none may get lost.
const OWN: [(&str, usize); 7] = [
    ("1403", 2),
    ("3390", 82),
    ("3490", 18),
    ("3505", 2),
    ("3525", 2),
    ("3590", 11),
    ("9336", 9),
];

/// The types of which nine programs in ten must end as recorded.
const DASD_AND_TAPE: [&str; 4] = ["3390", "3490", "3590", "9336"];

/// How the programs for one type of device ended.
#[derive(Default)]
struct Row {
    programs: usize,
    as_recorded: usize,
    /// On another tape of the recipe.
    by_the_tape: Vec<String>,
    otherwise: Vec<String>,
}

/// The device with the volume that the rules choose, and others that the same program might have met.
fn devices(program: &Program) -> Option<Vec<Box<dyn Device>>> {
    let one = |device: Box<dyn Device>| Some(vec![device]);
    match program.device.as_str() {
        "3390" => one(Box::new(volume::disk(program))),
        "9336" => {
            let mut disk = Overlay::new(Vec::new()).ok()?;
            disk.set_len(1 << 36).ok()?;
            one(Box::new(Fba::new(fba::Model::Fba9336, disk)))
        }
        "3490" => Some(tapes(tape::Model::Tape3490)),
        "3590" => Some(tapes(tape::Model::Tape3590)),
        "1403" | "3211" => one(Box::new(Printer::new(Vec::new()))),
        "3505" => one(Box::new(Reader::new(""))),
        "3525" => one(Box::new(Punch::new(Vec::new()))),
        _ => None,
    }
}

/// Tapes that stand between two blocks, and between two tape marks.
fn tapes(model: tape::Model) -> Vec<Box<dyn Device>> {
    let block = [&[0xf0, 1, 0, 0, 0xa0, 0][..], &[0x55; 496]].concat();
    let mark = [0, 0, 0, 0, 0x40, 0].to_vec();
    let two = |record: Vec<u8>| -> Box<dyn Device> {
        let mut tape = Tape::new(model, record.repeat(2));
        forward(&mut tape);
        Box::new(tape)
    };
    vec![two(block), two(mark)]
}

/// Moves a tape over one record.
fn forward(device: &mut dyn Device) {
    let mut storage = css::Ram::<Guest>::new(0x1000);
    storage.write(GuestAddr::new(0), &[0x37, 0x20, 0, 1]);
    let orb = Orb::decode(&RawOrb::from_words([0, 0x0080_8000, 0]));
    let mut subchannel = css::Subchannel::new(Config::default());
    subchannel.start(&orb).expect("condition code 0");
    assert_eq!(subchannel.run(&mut storage, device, 10), Progress::Pending);
}

/// The status with which the program ends on this device.
fn run(program: &Program, device: &mut dyn Device) -> Result<Scsw<Guest>, String> {
    let mut subchannel = program.subchannel();
    let mut storage = program.storage.clone();
    let orb = Orb::<Guest>::decode(&program.orb());
    let started = subchannel.start(&orb);
    started.map_err(|why| format!("is not started: {why:?}"))?;
    match subchannel.run(&mut storage, device, 10_000) {
        Progress::Pending => Ok(*subchannel.scsw()),
        progress => Err(format!("does not end: {progress:?}")),
    }
}

/// The whole status but whether sense came with it: status, residual count and CCW address.
fn difference(program: &Program, device: &mut dyn Device, end: &Scsw<Guest>) -> Option<String> {
    let mut seen = match run(program, device) {
        Ok(seen) => seen,
        Err(why) => return Some(why),
    };
    seen.extended_control = end.extended_control;
    let (seen, end) = (seen.encode().0, end.encode().0);
    (seen != end).then(|| format!("ended {seen:02x?}, recorded {end:02x?}"))
}

impl Row {
    /// Runs one more program; says what nobody knew.
    fn add(
        &mut self,
        recording: &Recording,
        mut devices: Vec<Box<dyn Device>>,
    ) -> Result<(), String> {
        let (name, program) = (&recording.name, &recording.program);
        self.programs += 1;
        let end = recording.end();
        let end = end.ok_or_else(|| format!("{name}: has no recorded end"))?;
        let others = devices.split_off(1);
        let different = devices.iter_mut();
        let different: Vec<_> = different
            .filter_map(|device| difference(program, &mut **device, &end))
            .collect();
        let known = OTHERWISE.iter().find(|(known, _)| known == name);
        match (different.first(), known) {
            (None, None) => self.as_recorded += 1,
            (None, Some(_)) => return Err(format!("{name}: ends as recorded after all")),
            (Some(_), Some((_, why))) => self.otherwise.push(format!("{name}: {why}")),
            (Some(what), None) => {
                let mut others = others.into_iter();
                if !others.any(|mut other| difference(program, &mut *other, &end).is_none()) {
                    self.otherwise.push(format!("{name}: {what}"));
                    return Err(format!("{name}: {what}"));
                }
                self.by_the_tape.push(name.clone());
            }
        }
        Ok(())
    }
}

#[test]
fn recorded_programs_end_as_recorded_on_the_device_models() {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let mut wrong = Vec::new();
    for recording in corpus() {
        if recording.class != "captured" {
            continue;
        }
        if let Some(devices) = devices(&recording.program) {
            let row = rows.entry(recording.program.device.clone()).or_default();
            wrong.extend(row.add(&recording, devices).err());
        }
    }
    println!("type    programs  as recorded  by where the tape stood  otherwise");
    for (kind, row) in &rows {
        let (by_the_tape, otherwise) = (row.by_the_tape.len(), row.otherwise.len());
        println!(
            "{kind}{:>12}{:>13}{by_the_tape:>25}{otherwise:>11}",
            row.programs, row.as_recorded
        );
        for name in &row.by_the_tape {
            println!("        {name}: as recorded between tape marks");
        }
        for what in &row.otherwise {
            println!("        {what}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (kind, own) in OWN {
        let found = rows.get(kind).map_or(0, |row| row.programs);
        assert!(
            found >= own,
            "{found} programs for a {kind}, there were {own}"
        );
    }
    let share = |rows: &mut dyn Iterator<Item = &Row>| {
        rows.fold((0, 0), |(ended, all), row| {
            let counted = row.programs - row.by_the_tape.len();
            (ended + row.as_recorded, all + counted)
        })
    };
    let (ended, all) = share(&mut DASD_AND_TAPE.iter().filter_map(|kind| rows.get(*kind)));
    println!("disks and tapes: {ended} of {all} whose volume does not decide end as recorded");
    assert!(ended * 10 >= all * 9, "{ended} of {all}");
}
