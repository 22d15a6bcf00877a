// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest is loaded from a disk that it may only read, then tries to write. PoP: Initial Program Loading.
//!
//! `cargo run -p vfio-ccw --example ipl`

use std::error::Error;

use ccw::{DeviceClass, DeviceStatus, Guest, GuestAddr, Irb, RawOrb, Scsw, SubsystemId};
use css::device::eckd::Eckd;
use css::device::image::Image;
use translator::{CommandPolicy, Policy};
use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace};
use vfio_ccw::mediator::{
    ConditionCode, Event, GuestRegion, Mediator, MediatorConfig, ShadowWindow, WindowConfig,
};
use vfio_ccw::{HostMemory, Source};

type Device = SoftDevice<Eckd<Vec<u8>>, SoftSpace>;
type Done<T = ()> = Result<T, Box<dyn Error>>;

/// Format 0, no prefetching, every path: the ORB with which a machine is loaded.
const IPL: [u32; 3] = [0, 0x0000_ff00, 0];

/// Track 0.0 of the disk: home address, record 0, and two records.
fn track() -> Vec<u8> {
    // 24 bytes: the PSW, READ of the next record to 3000, and the end.
    let first = [
        [0, 8, 0, 0, 0x80, 0, 0x30, 0],
        [0x06, 0, 0x30, 0, 0x20, 0, 0, 16],
        [0; 8],
    ];
    let mut track = vec![0; 5];
    track.extend([[0, 0, 0, 0, 0, 0, 0, 8], [0; 8]].concat());
    for (number, record) in [(1, first.as_flattened()), (2, b"the guest's code")] {
        let len = u8::try_from(record.len()).unwrap_or(u8::MAX);
        track.extend([0, 0, 0, 0, number, 0, 0, len]);
        track.extend(record);
    }
    track.extend([0xff; 8]);
    track
}

/// A disk that can be loaded from, and that the guest may only read.
fn subchannel(ram: &HostMemory) -> Done<Mediator<Device>> {
    let mut image = std::mem::take(Eckd::format(Vec::new(), 1)?.image());
    image.write_at(512, &track())?;
    let space = SoftSpace::new();
    let device = SoftDevice::new(Eckd::new(image)?, space.clone(), SoftConfig::default())?;
    let window = ShadowWindow::new(space, WindowConfig::default())?;
    window.add(GuestRegion::new(GuestAddr::new(0), ram.clone()))?;

    let id = SubsystemId::new(0, 0x12).ok_or("there is a subchannel set 0")?;
    let mut config = MediatorConfig::new(id, 0x0190);
    // The kind of device in both, or `attach` refuses: a command means something else elsewhere.
    config.guest.policy = Policy::MEDIATE.for_device(DeviceClass::Eckd);
    config.commands = Some(CommandPolicy::read_only(DeviceClass::Eckd));
    Ok(Mediator::attach(device, window, config)?)
}

/// Starts the program of `orb`, and waits for its status as an event loop does.
fn run(subchannel: &mut Mediator<Device>, orb: [u32; 3]) -> Done<Scsw<Guest>> {
    let mut events = Vec::new();
    let code = subchannel.ssch(&RawOrb::from_words(orb), &mut events)?;
    if code != ConditionCode::Cc0 {
        return Err(code.to_string().into());
    }
    // A program that reads itself in is carried out part by part: each is an interrupt of the host's,
    // and only the last one is the guest's.
    while !events.iter().any(|it| matches!(it, Event::Interrupt(_))) {
        subchannel.ready(Source::Io, &mut events);
    }
    let (_, irb) = subchannel.tsch(&mut events);
    Ok(Irb::<Guest>::decode(&irb.ok_or("no status")?).scsw)
}

fn main() -> Done {
    let ram = HostMemory::anonymous(0x10_0000)?;
    let mut subchannel = subchannel(&ram)?;

    // What the machine does: enable the subchannel, and have 24 bytes read to 0, which go on at 8.
    let mut schib = subchannel.stsch(&mut Vec::new());
    schib.0[5] |= 0x80;
    subchannel.msch(&schib)?;
    ram.write(0, &[0x02, 0, 0, 0, 0x60, 0, 0, 24])?;
    let scsw = run(&mut subchannel, IPL)?;
    let normal = DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END;
    if scsw.device != normal || !scsw.subchannel.is_empty() {
        return Err(format!("not loaded: {scsw:?}").into());
    }
    // The subsystem-identification word goes to B8, and zeros behind it; then the PSW at 0 is taken.
    ram.write(0xb8, &[0, 1, 0, 0x12, 0, 0, 0, 0])?;
    let (mut psw, mut code) = ([0; 8], [0; 16]);
    ram.read(0, &mut psw)?;
    ram.read(0x3000, &mut code)?;
    println!("loaded: PSW {psw:02x?}");
    println!("at 3000: {}", String::from_utf8_lossy(&code));
    println!("parts: {}", subchannel.metrics().parts);

    // SEEK and WRITE DATA; then the guest asks why not, by BASIC SENSE.
    ram.write(0x2000, &[0x07, 0x40, 0, 6, 0, 0, 0x28, 0])?;
    ram.write(0x2008, &[0x05, 0x20, 0, 16, 0, 0, 0x30, 0])?;
    let scsw = run(&mut subchannel, [0, 0x00c2_ff00, 0x2000])?;
    println!("a write: {:?}, CCW address {:x}", scsw.device, scsw.cpa);
    ram.write(0x2000, &[0x04, 0, 0, 32, 0, 0, 0x30, 0])?;
    run(&mut subchannel, [0, 0x00c2_ff00, 0x2000])?;
    let mut sense = [0; 2];
    ram.read(0x3000, &mut sense)?;
    println!("sense: {sense:02x?}");
    Ok(())
}
