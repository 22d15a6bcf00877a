// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a guest sees through this library on the vfio-ccw of a real kernel.
//!
//! `rig SUITE...` is the job of the guest machine that `run` boots. Each check prints `ok`, or
//! `FAILED` with the difference.
#![forbid(unsafe_code)]

mod bind;
mod case;
mod chain;
mod control;
mod dasd;
mod eckd;
mod events;
mod guest;
mod hostile;
mod line;
mod measure;
mod midaw;
mod names;
mod ownership;
mod pair;
mod parts;
mod policy;
mod report;
mod shared;
mod storage;
mod tape;

use std::error::Error;
use std::process::ExitCode;

use bind::{Bound, bind};
use case::Case;
use ccw::DeviceClass;
use eckd::sense_id;
use line::{Front, Kind, Line};
use report::Report;
use vfio_ccw::device::kernel::{KernelOpener, find};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [job, front, uuid] = arguments.as_slice()
        && job == "hold"
    {
        return match hold(front, uuid) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                println!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    let mut report = Report::default();
    if let Err(error) = names::keep() {
        report.check("logging", Err(error.to_string()));
    }
    for suite in &arguments {
        report.at(suite);
        let result = match suite.as_str() {
            "disks" => disks(&mut report),
            "whole" => whole(&mut report),
            "cards" => cards(&mut report),
            "tape" => tape(&mut report),
            "printer" => printer(&mut report),
            "virtio" => virtio(&mut report),
            "terminal" => terminal(&mut report),
            "unplug-group" => unplug(0, &mut report),
            "unplug-cdev" => unplug(1, &mut report),
            "soft" => measure::soft(&mut report),
            _ => Err("no such suite".into()),
        };
        report.at(suite);
        report.check("everything was tried", result.map_err(|e| e.to_string()));
    }
    if report.finish() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The two ways to a device.
fn openers(device: &Bound) -> Result<[(Front, KernelOpener); 2], &'static str> {
    let group = device.files.group.clone();
    let group = group.ok_or("the device has no group")?;
    let cdev = device.files.cdev.clone();
    let cdev = cdev.ok_or("the device has no file of its own")?;
    let group = KernelOpener::group(group, device.uuid.clone());
    Ok([
        (Front::Group, group),
        (Front::Cdev, KernelOpener::cdev(cdev)),
    ])
}

/// Has the device, until it is killed.
fn hold(front: &str, uuid: &str) -> Result<(), Box<dyn Error>> {
    let device = Bound {
        uuid: uuid.to_owned(),
        files: find::files(uuid)?,
    };
    let opener = openers(&device)?
        .into_iter()
        .find(|(name, _)| name.to_string() == front);
    let (_, opener) = opener.ok_or("no such way")?;
    ownership::hold(opener)
}

/// Two 3390s.
fn disks(report: &mut Report) -> Result<(), Box<dyn Error>> {
    let (first, second) = (bind("0120")?, bind("0121")?);
    for (front, opener) in openers(&first)? {
        report.at(&format!("3390 by {front}"));
        let mut line = Line::open(opener)?;
        line.front = Some(front);
        dasd::data(&mut line, report);
        dasd::search_and_length(&mut line, report);
        dasd::endings(&mut line, report);
        chain::long(&mut line, report);
        chain::skips(&mut line, report);
        chain::addresses(&mut line, report);
        control::control(&mut line, report);
        hostile::rewrite(&mut line, report);
        measure::kernel(&mut line, report);
        println!("        {:?}", line.mediator.metrics());
    }
    for (front, opener) in openers(&first)? {
        report.at(&format!("storage of a 3390 by {front}"));
        storage::storage(opener, report)?;
    }
    for ((front, one), (_, other)) in openers(&first)?.into_iter().zip(openers(&second)?) {
        report.at(&format!("two 3390s by {front}"));
        pair::pair(&mut Line::open_two(one, other)?, report);
    }
    ownership::ownership(&first, report)
}

/// What the kernel alone has no notion of, on a 3390.
fn whole(report: &mut Report) -> Result<(), Box<dyn Error>> {
    let disk = bind("0120")?;
    let disks = || Kind {
        class: DeviceClass::Eckd,
        ..Kind::default()
    };
    for (front, opener) in openers(&disk)? {
        report.at(&format!("programs in parts on a 3390 by {front}"));
        let mut line = Line::open_as(opener, disks())?;
        dasd::data(&mut line, report);
        parts::suspend(&mut line, report);
        parts::modified(&mut line, report);
        parts::interrupted(&mut line, report);
    }
    for (front, opener) in openers(&disk)? {
        report.at(&format!("MIDAWs on a 3390 by {front}"));
        let kind = Kind {
            midaw: true,
            ..disks()
        };
        midaw::midaws(&mut Line::open_as(opener, kind)?, report);
    }
    for (front, opener) in openers(&disk)? {
        report.at(&format!("part of a 3390 by {front}"));
        let commands = Some(policy::minidisk());
        let kind = Kind {
            commands,
            ..disks()
        };
        policy::policy(&mut Line::open_as(opener, kind)?, report);
    }
    Ok(())
}

fn cards(report: &mut Report) -> Result<(), Box<dyn Error>> {
    for (front, opener) in openers(&bind("000c")?)? {
        report.at(&format!("3505 by {front}"));
        let kind = Kind {
            class: DeviceClass::UnitRecord,
            ..Kind::default()
        };
        parts::cards(&mut Line::open_as(opener, kind)?, report);
    }
    Ok(())
}

fn tape(report: &mut Report) -> Result<(), Box<dyn Error>> {
    for (front, opener) in openers(&bind("0580")?)? {
        report.at(&format!("3480 by {front}"));
        tape::tape(&mut Line::open(opener)?, report);
    }
    Ok(())
}

fn printer(report: &mut Report) -> Result<(), Box<dyn Error>> {
    for (front, opener) in openers(&bind("000e")?)? {
        report.at(&format!("1403 by {front}"));
        tape::printer(&mut Line::open(opener)?, report);
    }
    Ok(())
}

/// A virtio disk of QEMU's.
fn virtio(report: &mut Report) -> Result<(), Box<dyn Error>> {
    for (front, opener) in openers(&bind("0001")?)? {
        report.at(&format!("virtio by {front}"));
        let mut line = Line::open(opener)?;
        // QEMU's channel does not show that prefetching was allowed.
        Case::new("SENSE ID", "00c04007 00001008 0c000000")
            .ccws(&[sense_id(0, 0x20_0000)])
            .holds(0x20_0000_u32, &[0xff, 0x38, 0x32, 0x02])
            .alone(case::Alone::Wrong)
            .run(&mut line, report);
        // Nothing that does not end: QEMU's channel would not come back from it.
        measure::kernel(&mut line, report);
    }
    Ok(())
}

/// A 3270 terminal of QEMU's.
fn terminal(report: &mut Report) -> Result<(), Box<dyn Error>> {
    for (front, opener) in openers(&bind("0009")?)? {
        report.at(&format!("3270 by {front}"));
        events::terminal(&mut Line::open(opener)?, report);
    }
    Ok(())
}

/// A device of QEMU's that is taken away, opened by one of the two ways.
fn unplug(way: usize, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let device = bind("0001")?;
    let Some((front, opener)) = openers(&device)?.into_iter().nth(way) else {
        return Err("no such way".into());
    };
    report.at(&format!("unplug by {front}"));
    events::unplug(&mut Line::open(opener)?, report);
    Ok(())
}
