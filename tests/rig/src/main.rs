// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a guest sees through this library on the vfio-ccw of a real kernel.
#![forbid(unsafe_code)]

mod bind;
mod case;
mod dasd;
mod eckd;
mod guest;
mod line;
mod report;
mod shared;
mod tape;

use std::error::Error;
use std::process::ExitCode;

use bind::Bound;
use line::Line;
use report::Report;
use vfio_ccw::device::kernel::KernelOpener;

fn main() -> ExitCode {
    let mut report = Report::default();
    for suite in std::env::args().skip(1) {
        report.at(&suite);
        let result = match suite.as_str() {
            "hercules" => hercules(&mut report),
            _ => Err("no such suite".into()),
        };
        report.check("everything was tried", result.map_err(|e| e.to_string()));
    }
    if report.finish() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The two ways to a device.
fn openers(device: &Bound) -> Result<[(&'static str, KernelOpener); 2], &'static str> {
    let group = device
        .files
        .group
        .clone()
        .ok_or("the device has no group")?;
    let cdev = device
        .files
        .cdev
        .clone()
        .ok_or("the device has no file of its own")?;
    let group = KernelOpener::group(group, device.uuid.clone());
    Ok([("group", group), ("cdev", KernelOpener::cdev(cdev))])
}

fn hercules(report: &mut Report) -> Result<(), Box<dyn Error>> {
    let disk = bind::bind("0120")?;
    for (front, opener) in openers(&disk)? {
        report.at(&format!("3390 by {front}"));
        let mut line = Line::open(opener)?;
        dasd::data(&mut line, report);
        dasd::search_and_length(&mut line, report);
        dasd::endings(&mut line, report);
        dasd::long(&mut line, report);
    }
    let device = bind::bind("0580")?;
    for (front, opener) in openers(&device)? {
        report.at(&format!("3480 by {front}"));
        tape::tape(&mut Line::open(opener)?, report);
    }
    let device = bind::bind("000e")?;
    for (front, opener) in openers(&device)? {
        report.at(&format!("1403 by {front}"));
        tape::printer(&mut Line::open(opener)?, report);
    }
    Ok(())
}
