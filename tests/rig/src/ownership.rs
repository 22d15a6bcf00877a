// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who has a device: one process at a time, no child of it, and its successor finds it clean.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ccw::{Host, Schib};
use vfio_ccw::CcwDevice;
use vfio_ccw::device::kernel::{KernelDevice, KernelOpener, OpenError};

use crate::bind::Bound;
use crate::case::{Alone, Case};
use crate::control::start_endless;
use crate::dasd::SENSE_ID_HEAD;
use crate::eckd::sense_id;
use crate::line::{Front, Line};
use crate::openers;
use crate::report::Report;

/// Owners that are killed, by each of the two ways.
const HEIRS: usize = 20;
/// Longest life of an owner that is killed, in milliseconds.
const LIFE: u64 = 90;

/// All of it, for a disk.
pub(crate) fn ownership(device: &Bound, report: &mut Report) -> Result<(), Box<dyn Error>> {
    for (front, opener) in openers(device)? {
        report.at(&format!("the owner by {front}"));
        let line = Line::open(opener)?;
        for (other, opener) in openers(device)? {
            let second = opener.open();
            report.check(&format!("another one by {other}"), in_use(second));
        }
        report.check("what a child of its has open", no_files_of_it());
        drop(line);
    }
    report.at("the owner");
    report.check("one group in two containers", two_containers(device));
    for (front, _) in openers(device)? {
        report.at(&format!("an owner by {front} that is killed"));
        heirs(device, front, report)?;
    }
    Ok(())
}

/// The job of an owner that is to be killed: it has the device, and always runs something.
pub(crate) fn hold(opener: KernelOpener) -> Result<(), Box<dyn Error>> {
    let mut line = Line::open(opener)?;
    println!("up");
    std::io::stdout().flush()?;
    loop {
        start_endless(&mut line)?;
        let _ = line.mediator.csch(&mut line.events);
        line.statuses();
    }
}

fn in_use(opened: Result<KernelDevice, OpenError>) -> Result<(), String> {
    match opened {
        Err(OpenError::InUse { .. }) => Ok(()),
        Err(error) => Err(error.to_string()),
        Ok(_) => Err("it was opened".to_owned()),
    }
}

/// The group's file, of which there is only one, in two hands.
fn two_containers(device: &Bound) -> Result<(), String> {
    let path = device.files.group.as_ref().ok_or("no group")?;
    let mut options = std::fs::OpenOptions::new();
    let file = options.read(true).write(true).open(path);
    let file = OwnedFd::from(file.map_err(|error| error.to_string())?);
    let copy = file.try_clone().map_err(|error| error.to_string())?;
    let first = KernelOpener::group(file, device.uuid.clone()).open();
    let first = first.map_err(|error| error.to_string())?;
    let second = in_use(KernelOpener::group(copy, device.uuid.clone()).open());
    drop(first);
    second
}

/// A program that this process executes has none of the files of VFIO, KVM or the events.
fn no_files_of_it() -> Result<(), String> {
    let listed = Command::new("ls").args(["-l", "/proc/self/fd"]).output();
    let listed =
        String::from_utf8_lossy(&listed.map_err(|error| error.to_string())?.stdout).into_owned();
    let inherited = ["vfio", "iommu", "eventfd", "memfd", "io_uring"];
    match listed
        .lines()
        .find(|line| inherited.iter().any(|name| line.contains(name)))
    {
        Some(line) => Err(line.to_owned()),
        None if listed.contains("->") => Ok(()),
        None => Err(format!("no list: {listed}")),
    }
}

/// Owners are killed at a random moment; whoever opens the device then finds nothing of them.
fn heirs(device: &Bound, front: Front, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let mut seed = now.as_secs() ^ u64::from(now.subsec_nanos()) | 1;
    println!("        seed {seed:x}");
    for n in 0..HEIRS {
        // Marsaglia's xorshift.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let life = Duration::from_millis(seed % LIFE);
        let mut owner = owner(device, front)?;
        sleep(life);
        owner.kill()?;
        owner.wait()?;
        for (name, opener) in openers(device)? {
            if name == front {
                let name = format!("{n}: after {life:?}");
                let found = Line::open(opener).map_err(|error| error.to_string());
                let found = found.and_then(|mut line| clean(&mut line, report, &name));
                report.check(&name, found);
            }
        }
    }
    Ok(())
}

/// A process that has opened the device.
fn owner(device: &Bound, front: Front) -> Result<Child, Box<dyn Error>> {
    let mut owner = Command::new(std::env::current_exe()?)
        .args(["hold", &front.to_string(), &device.uuid])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut said = String::new();
    if let Some(output) = owner.stdout.take() {
        BufReader::new(output).read_line(&mut said)?;
    }
    match said.as_str() {
        "up\n" => Ok(owner),
        other => Err(format!("the owner says {other:?}").into()),
    }
}

/// Whether the subchannel is at rest, nothing comes that nobody asked for, and programs run.
fn clean(line: &mut Line, report: &mut Report, name: &str) -> Result<(), String> {
    let schib = line.device.read_schib();
    let schib = Schib::<Host>::decode(&schib.map_err(|error| error.to_string())?);
    // Without a function, what the emulator leaves in the activity control means nothing.
    if !schib.scsw.function.is_empty() || !schib.scsw.status.is_empty() {
        return Err(format!("not at rest: {:02x?}", schib.scsw.encode().0));
    }
    if let Some(irb) = line.status(Duration::from_millis(10)) {
        return Err(format!(
            "status of its predecessor's: {:02x?}",
            irb.scsw().0
        ));
    }
    Case::new(format!("{name}: SENSE ID"), "00c04007 00001008 0c0000f4")
        .ccws(&[sense_id(0, 0x20_0000)])
        .holds(0x20_0000_u32, &SENSE_ID_HEAD)
        .alone(Alone::Unknown)
        .run(line, report);
    Ok(())
}
