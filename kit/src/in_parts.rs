// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The way of a program that is carried out in parts, on any device model.

use ccw::{Guest, GuestAddr, Host, HostAddr, Irb, Scsw};
use css::{Access as Grant, Config, Device, Granted, Ram, Subchannel};
use pinning::{Access, Budget, PlainPinner};
use translator::{
    Area, Arrival, Buffers, Code, Earlier, Guards, GuestStorage, HostProfile, Part, Planned, Slot,
    fetch_part,
};

use crate::{differential::Recorder, program::GuestProgram, second_copy};

/// How much higher the host has guest storage.
const OFFSET: u64 = 1 << 32;
/// Where the host has the CCWs of translated programs.
pub const CCWS: u64 = 0x4000_0000;
/// Where it has their lists.
pub const LISTS: u64 = 0x4010_0000;
const SCRATCH: u64 = 0x4030_0000;
const COPIES: u64 = 0x4030_1000;
const ARENA_END: u64 = 0x4031_1000;
/// Parts of a program at most.
const PARTS: usize = 64;
/// Commands of a part at most.
const STEPS: u32 = 10_000;

/// Guest storage on the host.
pub struct HostRam {
    ram: Ram<Host>,
    size: u64,
}

impl HostRam {
    /// The `len` bytes at `at`.
    pub fn bytes(&self, at: u64, len: usize) -> Vec<u8> {
        self.ram.read(HostAddr::new(at + OFFSET), len)
    }

    /// The guest puts `bytes` at `at`.
    pub fn write(&mut self, at: u64, bytes: &[u8]) {
        self.ram.write(HostAddr::new(at + OFFSET), bytes);
    }
}

impl GuestStorage for HostRam {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        let left = self.size.saturating_sub(at.get());
        let len = usize::try_from(left).map_or(buf.len(), |left| left.min(buf.len()));
        buf[..len].copy_from_slice(&self.bytes(at.get(), len));
        len
    }
}

/// What a program came to.
pub struct Course {
    /// The status in the end.
    pub scsw: Scsw<Guest>,
    /// The CCWs of each host program, as they stood in storage.
    pub starts: Vec<Vec<u8>>,
    /// Guest storage afterwards.
    pub ram: HostRam,
}

/// Runs `program` in parts, for `profile`, on `device`. `guest` is asked whenever control has
/// arrived where the program goes on, and may change storage; a suspended program is resumed then.
///
/// # Errors
///
/// The refusal; nothing is pinned then.
///
/// # Panics
///
/// If what must not happen does.
pub fn run(
    program: &GuestProgram,
    profile: &HostProfile,
    device: &mut dyn Device,
    mut guest: impl FnMut(&Arrival, &Irb<Guest>, &mut HostRam),
) -> Result<Course, Code> {
    let map = program.map(OFFSET);
    let plain = PlainPinner::new(map.clone(), Budget::default());
    let pinner = Recorder::new(&plain);
    let mut ram = HostRam {
        ram: Ram::new(1 << 40),
        size: program.size_of(),
    };
    for (at, page) in program.ram().touched() {
        ram.write(at.get(), page);
    }
    let (orb, policy) = (program.orb(), program.policy_used());
    let guards = Guards {
        commands: program.commands_used(),
        ..Guards::default()
    };
    let mut part = Part::START;
    let (mut earlier, mut buffers) = (Earlier::NONE, Buffers::new());
    let mut starts = Vec::new();
    for _ in 0..PARTS {
        let judged = fetch_part(&orb, &part, &ram, &map, &policy, &guards, buffers);
        let plan = match judged.plan_behind(earlier, profile) {
            Err(rejected) => {
                let code = rejected.finding.code;
                drop(rejected.into_earlier());
                assert_eq!(plain.ledger().in_flight(), 0);
                return Err(code);
            }
            Ok(Planned::Ended(ended)) => {
                let scsw = ended.irb().scsw;
                return Ok(Course { scsw, starts, ram });
            }
            Ok(Planned::Arrived(arrived)) => {
                guest(&arrived.arrival(), arrived.irb(), &mut ram);
                part = Part::from(arrived.arrival());
                (earlier, buffers) = arrived.go_on();
                continue;
            }
            Ok(Planned::Run(plan)) => plan,
        };
        let (mut ccws, mut lists) = (vec![0xee; 0x1_0000], vec![0xee; 0x10_0000]);
        let mut copies = vec![0xee; 0x1_0000];
        let slot = Slot::new(
            Area::new(HostAddr::new(CCWS), &mut ccws).expect("below 2 GiB"),
            Area::new(HostAddr::new(LISTS), &mut lists).expect("below 2 GiB"),
            HostAddr::new(SCRATCH),
        )
        .and_then(|slot| {
            slot.with_copies(Area::new(HostAddr::new(COPIES), &mut copies).expect("below 2 GiB"))
        })
        .expect("apart");
        let pinned = plan.pin(&pinner).expect("pins");
        let translated = pinned.emit(slot).expect("room");
        starts.push(ccws[..8 * translated.doublewords().ccws].to_vec());
        let mut storage = Granted::new(std::mem::replace(&mut ram.ram, Ram::new(0)));
        for (at, bytes) in [(CCWS, &ccws), (LISTS, &lists), (COPIES, &copies)] {
            storage.inner_mut().write(HostAddr::new(at), bytes);
        }
        let used = translated.doublewords();
        storage.grant(HostAddr::new(CCWS), 8 * used.ccws as u64, Grant::Fetch);
        storage.grant(HostAddr::new(LISTS), 8 * used.lists as u64, Grant::Fetch);
        storage.grant(HostAddr::new(COPIES), 8 * used.copies as u64, Grant::Fetch);
        storage.grant(HostAddr::new(SCRATCH), 4096, Grant::Store);
        for (run, access) in pinner.granted() {
            let access = match access {
                Access::DeviceReads => Grant::Fetch,
                Access::DeviceWrites => Grant::Store,
            };
            storage.grant(run.host, u64::from(run.len), access);
        }
        let copy = (*profile == HostProfile::VFIO_CCW).then(|| {
            let mapped = |at: HostAddr| {
                let guest = at.get().checked_sub(OFFSET).map(GuestAddr::new);
                (CCWS..ARENA_END).contains(&at.get())
                    || guest.is_some_and(|at| map.find(at).is_some())
            };
            second_copy::copy(translated.orb(), &mut storage, mapped).expect("a copy")
        });
        let mut subchannel = Subchannel::<Host>::new(Config {
            path_available: 0xff,
            ..Config::default()
        });
        let host_orb = copy.as_ref().map_or(translated.orb(), |copy| copy.orb());
        subchannel.start(host_orb).expect("condition code 0");
        subchannel.run(&mut storage, device, STEPS);
        assert_eq!(storage.violations(), []);
        ram.ram = storage.into_inner();
        let (_, irb) = subchannel.test();
        let irb = copy.map_or(irb, |copy| copy.map_back(&irb));
        let running = translated.start();
        let completion = running.complete(&irb);
        assert!(
            !completion.unmapped && !completion.unexplained,
            "{completion:?}"
        );
        let Some(arrival) = completion.arrived else {
            drop(running.end());
            assert_eq!(plain.ledger().in_flight(), 0);
            let scsw = completion.irb.scsw;
            return Ok(Course { scsw, starts, ram });
        };
        (earlier, buffers) = running.go_on(&irb).expect("what was planned so");
        guest(&arrival, &completion.irb, &mut ram);
        part = Part::from(arrival);
    }
    panic!("{PARTS} parts");
}
