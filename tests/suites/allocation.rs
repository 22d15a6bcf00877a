// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Steady state allocates nothing: buffers that have once seen a program take it again, from the
//! first fetch to the release of its pins, without asking for memory.

#[path = "../requests.rs"]
mod requests;

use std::hint::black_box;

use ccw::{DeviceClass, GuestAddr, Host, HostAddr, Irb, RawIrb, RawOrb};
use ccw_kit::{
    corpus::{self, Case},
    differential::ONE_PROGRAM,
    program::hex,
    storage::Storage,
};
use pinning::{PlainPinner, RegionMap};
use requests::requests;
use translator::{
    Area, Buffers, CommandPolicy, Earlier, Facilities, Guards, GuestStorage, HostProfile, Part,
    Planned, Policy, Rejected, Slot, Track, Tracks, fetch, fetch_part, validate,
};

/// How often `work` asked for memory or gave some back.
fn during<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = requests();
    let done = work();
    (requests() - before, done)
}

/// Guest storage that keeps no record of what is read.
struct Quiet<'a>(&'a Storage);

impl GuestStorage for Quiet<'_> {
    fn read(&self, at: GuestAddr, buf: &mut [u8]) -> usize {
        let there = (at.get()..).map_while(|at| self.0.byte(at));
        buf.iter_mut()
            .zip(there)
            .map(|(to, byte)| *to = byte)
            .count()
    }
}

/// Everything around one program that is there before it starts.
struct Setting {
    name: String,
    orb: RawOrb,
    storage: Storage,
    policy: Policy,
    commands: Option<CommandPolicy>,
    pinner: PlainPinner,
}

impl Setting {
    fn new(case: &Case) -> Self {
        let storage = case.storage();
        let map: RegionMap = storage.map(1 << 32);
        Self {
            name: case.name.clone(),
            orb: case.orb(),
            policy: Policy {
                facilities: Facilities::FCX,
                ..Policy::CHECK.for_device(case.device_class())
            },
            commands: None,
            pinner: PlainPinner::new(map, ONE_PROGRAM),
            storage,
        }
    }

    /// For a guest that has this volume to itself.
    fn confined(mut self) -> Self {
        let whole = Tracks::new(Track::new(0, 0), Track::new(0xffff, 14));
        self.commands = match self.policy.device {
            DeviceClass::Eckd => whole.map(CommandPolicy::read_write),
            DeviceClass::Unknown => None,
            other => Some(CommandPolicy::read_write(other)),
        };
        self
    }

    /// The whole way; whether the program was started, and the buffers.
    fn start(
        &self,
        host: &HostProfile,
        ccws: &mut [u8],
        lists: &mut [u8],
        copies: &mut [u8],
        buffers: Box<Buffers>,
    ) -> (bool, Box<Buffers>) {
        let guards = Guards {
            keys: Some(&self.storage),
            commands: self.commands.as_ref(),
            ..Guards::default()
        };
        let quiet = Quiet(&self.storage);
        let snapshot = fetch(&self.orb, &quiet, &self.policy, &guards, buffers);
        let program = validate(snapshot, self.pinner.regions(), &guards);
        let plan = match program.plan(host) {
            Ok(Planned::Run(plan)) => plan,
            Ok(Planned::Ended(ended)) => return (false, ended.into_buffers()),
            Ok(Planned::Arrived(arrived)) => return (false, arrived.go_on().1),
            Err(rejected) => return (false, rejected.into_buffers()),
        };
        let slot = Slot::new(
            Area::new(HostAddr::new(0x10_0000), ccws).expect("aligned and low"),
            Area::new(HostAddr::new(0x20_0000), lists).expect("aligned and low"),
            HostAddr::new(0x70_0000),
        )
        .and_then(|slot| slot.with_copies(Area::new(HostAddr::new(0x60_0000), copies)?))
        .expect("a page");
        match plan.pin(&self.pinner).and_then(|pinned| pinned.emit(slot)) {
            Ok(translated) => {
                black_box(translated.complete(black_box(&Irb::<Host>::IDLE)));
                (true, translated.release())
            }
            Err(rejected) => (false, Rejected::into_buffers(rejected)),
        }
    }
}

#[test]
fn the_count_counts() {
    let (none, number) = during(|| black_box(7));
    assert_eq!((none, number), (0, 7));
    let (some, _) = during(|| drop(black_box(Box::new(7))));
    assert_eq!(some, 2);
}

#[test]
fn programs_that_come_again_allocate_nothing() {
    let cases = corpus::load(&corpus::own_programs()).expect("the programs can be read");
    come_again(&cases.iter().map(Setting::new).collect::<Vec<_>>(), 300);
}

#[test]
fn nor_do_those_whose_commands_are_looked_at() {
    let cases = corpus::load(&corpus::own_programs()).expect("the programs can be read");
    let confined = |case| Setting::new(case).confined();
    come_again(&cases.iter().map(confined).collect::<Vec<_>>(), 200);
}

/// The second round of the programs asks for no memory; more than `most` of them run.
fn come_again(settings: &[Setting], most: usize) {
    let (mut ccws, mut lists) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut copies = vec![0; 1 << 20];
    for host in HostProfile::ALL {
        let mut buffers = Buffers::new();
        for setting in settings {
            buffers = setting
                .start(host, &mut ccws, &mut lists, &mut copies, buffers)
                .1;
        }
        let mut started = 0;
        for setting in settings {
            let (requests, (runs, returned)) =
                during(|| setting.start(host, &mut ccws, &mut lists, &mut copies, buffers));
            assert_eq!(requests, 0, "{} on {}", setting.name, host.name);
            started += usize::from(runs);
            buffers = returned;
        }
        assert!(
            started > most,
            "only {started} programs ran on {}",
            host.name
        );
    }
}

/// READ of the two CCWs behind it, from a disk: the second of its parts repeats the first.
#[test]
fn nor_do_programs_in_parts() {
    let mut storage = Storage::new(0x1_0000);
    let ccws = "02600010 00001008 06400008 00003000 06000008 00003010";
    storage.write(0x1000, &hex(ccws));
    let map: RegionMap = storage.map(1 << 32);
    let pinner = PlainPinner::new(map, ONE_PROGRAM);
    let policy = Policy::MEDIATE.for_device(DeviceClass::Eckd);
    let orb = RawOrb::from_words([0, 0x00c2_8000, 0x1000]);
    let guards = Guards::default();
    let quiet = Quiet(&storage);
    let mut raw = RawIrb([0; 64]);
    raw.0[..12].copy_from_slice(&hex("00C04017 00100010 00200000"));
    let irb = Irb::<Host>::decode(&raw);
    let (mut ccws, mut lists) = ([0; 4096], [0; 4096]);
    let mut translate = |part: &Part, earlier: Earlier, buffers| {
        let map = pinner.regions();
        let program = fetch_part(&orb, part, &quiet, map, &policy, &guards, buffers);
        let Ok(Planned::Run(plan)) = program.plan_behind(earlier, &HostProfile::SOFTWARE) else {
            panic!("not run")
        };
        let slot = Slot::new(
            Area::new(HostAddr::new(0x10_0000), &mut ccws).expect("aligned and low"),
            Area::new(HostAddr::new(0x20_0000), &mut lists).expect("aligned and low"),
            HostAddr::new(0x70_0000),
        );
        let pinned = plan.pin(&pinner).expect("pins");
        let translated = pinned.emit(slot.expect("a page"));
        translated.expect("room").start()
    };
    let mut round = |buffers: Box<Buffers>| {
        let running = translate(&Part::START, Earlier::NONE, buffers);
        let arrival = running.complete(&irb).arrived.expect("an arrival");
        let (earlier, buffers) = running.go_on(&irb).expect("repeatable");
        assert!(!earlier.is_empty());
        let mut running = translate(&Part::from(arrival), earlier, buffers);
        assert_eq!(running.dirty_at_most().count(), 3);
        running.end()
    };
    let buffers = round(Buffers::new());
    let buffers = round(buffers);
    let (asked, _) = during(|| round(buffers));
    assert_eq!(asked, 0);
}
