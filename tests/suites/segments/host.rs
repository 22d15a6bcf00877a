// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A program as it stands, and its translation on a model of vfio-ccw.

use ccw::{DeviceStatus, Guest, GuestAddr, Host, HostAddr, Scsw, Space, SubchannelStatus};
use ccw_kit::{
    differential::Recorder,
    program::GuestProgram,
    second_copy::{self, Refused},
};
use css::{
    Access as Grant, Config, Granted, Progress, Ram, Storage, Subchannel,
    device::scripted::{Data, Response, Scripted, Sent},
};
use pinning::{Access, Budget, PlainPinner};
use translator::{Area, Code, HostProfile, Planned, Slot};

pub(crate) const OFFSET: u64 = 1 << 32;
pub(crate) const CCWS: u64 = 0x4000_0000;
pub(crate) const LISTS: u64 = 0x4010_0000;
pub(crate) const SCRATCH: u64 = 0x4030_0000;
pub(crate) const COPIES: u64 = 0x4040_0000;
pub(crate) const ARENA_END: u64 = 0x4060_0000;

/// What a program came to.
#[derive(Debug, PartialEq)]
pub(crate) struct Ran {
    pub(crate) scsw: Scsw<Guest>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) data: Vec<(u64, Vec<u8>)>,
}

/// What the architecture leaves open, taken out.
pub(crate) fn canonical(mut scsw: Scsw<Guest>) -> Scsw<Guest> {
    let harmless = SubchannelStatus::PCI | SubchannelStatus::INCORRECT_LENGTH;
    if !harmless.contains(scsw.subchannel) {
        scsw.residual = 0;
    }
    scsw
}

pub(crate) fn pages<S: Space>(ram: &Ram<S>, offset: u64) -> Vec<(u64, Vec<u8>)> {
    ram.touched()
        .filter(|(at, _)| at.get() >= offset)
        .map(|(at, page)| (at.get() - offset, page.to_vec()))
        .filter(|(_, page)| page.iter().any(|&byte| byte != 0))
        .collect()
}

pub(crate) fn run<S: Space>(
    subchannel: &mut Subchannel<S>,
    storage: &mut dyn Storage<S>,
    device: &mut Scripted,
) {
    let progress = subchannel.run(storage, device, 200_000);
    assert_eq!(progress, Progress::Pending, "{:?}", device.sent());
}

/// The guest's program on guest storage.
pub(crate) fn direct(program: &GuestProgram, responses: &[Response]) -> Ran {
    let mut ram = program.ram();
    let mut device = Scripted::new(responses.to_vec());
    let mut subchannel = Subchannel::<Guest>::new(Config::default());
    subchannel
        .start_raw(&program.orb())
        .expect("condition code 0");
    run(&mut subchannel, &mut ram, &mut device);
    Ran {
        scsw: canonical(subchannel.irb().scsw),
        sent: device.sent().to_vec(),
        data: pages(&ram, 0),
    }
}

/// How a program was cut: CCWs of each segment as the host finds them.
pub(crate) type Segments = Vec<usize>;

/// The translated program on the host that copies it.
pub(crate) fn copied(
    program: &GuestProgram,
    responses: &[Response],
) -> Result<(Ran, Segments), Code> {
    let map = program.map(OFFSET);
    let pinner = Recorder::new(PlainPinner::new(map.clone(), Budget::default()));
    let plan = match program
        .clone()
        .without_remarks()
        .judge_with(&map)
        .plan(&HostProfile::VFIO_CCW)
    {
        Ok(Planned::Run(plan)) => plan,
        Ok(Planned::Ended(ended)) => {
            let scsw = canonical(ended.irb().scsw);
            let data = pages(&program.ram(), 0);
            return Ok((
                Ran {
                    scsw,
                    sent: Vec::new(),
                    data,
                },
                Vec::new(),
            ));
        }
        Ok(Planned::Arrived(_)) => panic!("it was fetched as a whole"),
        Err(rejected) => return Err(rejected.finding.code),
    };
    let (mut ccws, mut lists) = (vec![0xee; 0x2_0000], vec![0xee; 0x20_0000]);
    let slot = Slot::new(
        Area::new(HostAddr::new(CCWS), &mut ccws).unwrap(),
        Area::new(HostAddr::new(LISTS), &mut lists).unwrap(),
        HostAddr::new(SCRATCH),
    );
    let mut copies = vec![0xee; 0x4_0000];
    let area = Area::new(HostAddr::new(COPIES), &mut copies).unwrap();
    let slot = slot.unwrap().with_copies(area).unwrap();
    let translated = plan.pin(&pinner).unwrap().emit(slot).unwrap();
    let mut ram = Ram::<Host>::new(1 << 40);
    for (at, page) in program.ram().touched() {
        ram.write(HostAddr::new(at.get() + OFFSET), page);
    }
    for copy in translated.copies_out() {
        let bytes = ram.read(HostAddr::new(copy.guest.get() + OFFSET), copy.len);
        for at in [Some(copy.at), copy.kept].into_iter().flatten() {
            copies[at..at + copy.len].copy_from_slice(&bytes);
        }
    }
    ram.write(HostAddr::new(CCWS), &ccws);
    ram.write(HostAddr::new(LISTS), &lists);
    let used = translated.doublewords().copies * 8;
    ram.write(HostAddr::new(COPIES), &copies[..used]);
    let mut storage = Granted::new(ram);
    for bounced in translated.bounced() {
        let access = match bounced.input {
            true => Grant::Store,
            false => Grant::Fetch,
        };
        let at = HostAddr::new(COPIES + bounced.at as u64);
        storage.grant(at, bounced.len as u64, access);
    }
    storage.grant(HostAddr::new(SCRATCH), 4096, Grant::Store);
    for (run, access) in pinner.granted() {
        let access = match access {
            Access::DeviceReads => Grant::Fetch,
            Access::DeviceWrites => Grant::Store,
        };
        storage.grant(run.host, u64::from(run.len), access);
    }
    let mapped = |at: HostAddr| {
        let guest = at.get().checked_sub(OFFSET).map(GuestAddr::new);
        (CCWS..ARENA_END).contains(&at.get()) || guest.is_some_and(|at| map.find(at).is_some())
    };
    let copy = second_copy::copy(translated.orb(), &mut storage, mapped)
        .unwrap_or_else(|refused: Refused| panic!("{refused:?}"));
    let mut device = Scripted::new(responses.to_vec());
    let mut subchannel = Subchannel::<Host>::new(Config {
        examine_skipped: true,
        ..Config::default()
    });
    subchannel.start(copy.orb()).expect("condition code 0");
    run(&mut subchannel, &mut storage, &mut device);
    assert_eq!(storage.violations(), []);
    let status = copy.map_back(&subchannel.irb());
    let completion = translated.complete(&status);
    let mut running = translated.start();
    let area = storage.inner().read(HostAddr::new(COPIES), used);
    for back in running.copies_back(Some(&status), &area) {
        let at = HostAddr::new(back.guest.get() + OFFSET);
        let bytes = &area[back.at..back.at + back.len];
        storage.inner_mut().write(at, bytes);
    }
    running.end();
    assert!(
        !completion.unmapped && !completion.unexplained,
        "{completion:?}"
    );
    let ran = Ran {
        scsw: canonical(completion.irb.scsw),
        sent: device.sent().to_vec(),
        data: pages(storage.inner(), OFFSET),
    };
    Ok((ran, copy.segments()))
}

/// Runs `program` both ways and says how it was cut.
pub(crate) fn same(program: &GuestProgram, responses: &[Response]) -> Segments {
    let (ran, segments) = copied(program, responses).unwrap_or_else(|code| panic!("{code}"));
    assert_eq!(ran, direct(program, responses));
    segments
}

pub(crate) fn refused(program: &GuestProgram) -> Code {
    copied(program, &[]).expect_err("a refusal")
}

/// A status that ends a chain at this command.
pub(crate) fn unit_check() -> Response {
    let status = DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END | DeviceStatus::UNIT_CHECK;
    Response::immediate().with_status(status)
}

/// `responses` normal ends, then a unit check.
pub(crate) fn failing_at(command: usize) -> Vec<Response> {
    let mut responses = vec![Response::immediate(); command];
    responses.push(unit_check());
    responses
}

/// Input of `len` bytes.
pub(crate) fn short(len: usize) -> Response {
    Response::new(Data::Length(len, 1))
}

pub(crate) fn matching() -> Response {
    let status =
        DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END | DeviceStatus::STATUS_MODIFIER;
    Response::output(5).with_status(status)
}
