// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Running a program in the software channel: as the guest wrote it, and translated.

use ccw::{Class, Command, Guest, Host, HostAddr, Irb, Orb, RawOrb, Scsw, Space, TransportScsw};
use ccw_kit::program::GuestProgram;
use css::device::TransportMode;
use css::{AddressLimit, Config, Device, Progress, Ram, Reply, Storage, Subchannel, Transfer};
use pinning::{Budget, PlainPinner};
use translator::{Area, Code, HostProfile, Planned, Slot};

/// How much higher guest storage lies on the host.
const OFFSET: u64 = 1 << 33;
const CCWS: u64 = 0x10_0000;
const LISTS: u64 = 0x20_0000;
const SCRATCH: u64 = 0x30_0000;
const COPIES: u64 = 0x40_0000;
/// Bytes that the device moves at a time.
const PIECE: usize = 251;

/// A device that moves every count in full and ends with channel end and device end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Full {
    /// Bytes that moved, command by command.
    pub(crate) moved: Vec<usize>,
    /// Ends this command after this many bytes.
    early: Option<(usize, usize)>,
    /// Ends this command with status modifier.
    modifier: Option<usize>,
    /// What it sends for input, instead of a pattern.
    input: Option<Vec<u8>>,
}

impl Full {
    /// One that ends command `n` after `bytes`.
    pub(crate) fn ending_early(n: usize, bytes: usize) -> Self {
        Self {
            early: Some((n, bytes)),
            ..Self::default()
        }
    }

    /// One that ends command `n` with status modifier.
    pub(crate) fn skipping_after(n: usize) -> Self {
        Self {
            modifier: Some(n),
            ..Self::default()
        }
    }

    /// One whose input is these bytes.
    pub(crate) fn sending(input: Vec<u8>) -> Self {
        Self {
            input: Some(input),
            ..Self::default()
        }
    }
}

impl Device for Full {
    fn transport_mode(&self) -> TransportMode {
        TransportMode::OneWay
    }

    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply {
        let n = self.moved.len();
        let mut limit = match self.early {
            Some((early, bytes)) if early == n => bytes,
            _ => usize::MAX,
        };
        if let Some(count) = transfer.data_count() {
            transfer.pass_control();
            limit = limit.min(usize::try_from(count).unwrap_or(usize::MAX));
        }
        let input = matches!(
            command.class(),
            Class::Read | Class::Sense | Class::ReadBackward
        );
        let mut moved = 0;
        while moved < limit {
            let pattern = (0..=u8::MAX).cycle().skip(moved % 256).take(PIECE);
            let mut piece: Vec<u8> = match &self.input {
                Some(bytes) => bytes.iter().copied().skip(moved).take(PIECE).collect(),
                None => pattern.collect(),
            };
            piece.truncate(limit - moved);
            let got = match input {
                true => transfer.write(&piece),
                false => transfer.read(&mut piece),
            };
            moved += got;
            if got < piece.len() || piece.is_empty() {
                break;
            }
        }
        self.moved.push(moved);
        match self.modifier {
            Some(modifier) if modifier == n => {
                Reply::Ending(css::device::DONE | ccw::DeviceStatus::STATUS_MODIFIER)
            }
            _ => Reply::OK,
        }
    }
}

/// How a program ended in the software channel.
#[derive(Debug)]
pub(crate) struct Ran<S: Space> {
    pub(crate) irb: Irb<S>,
    /// Id of the condition that stopped it.
    pub(crate) condition: Option<&'static str>,
    /// Bytes that moved, command by command.
    pub(crate) moved: Vec<usize>,
}

/// Why START SUBCHANNEL refused a program: the software channel's word for it.
pub(crate) fn refusal(program: &GuestProgram, config: Config) -> Option<css::CannotStart> {
    Subchannel::<Guest>::new(config)
        .start_raw(&program.orb())
        .err()
}

/// Runs the guest's program on guest storage.
pub(crate) fn direct(program: &GuestProgram, device: Full) -> (Ran<Guest>, Ram<Guest>) {
    let mut storage = program.ram();
    let address_limit = match program.address_limit() {
        None => AddressLimit::None,
        Some(translator::AddressLimit::AtLeast(limit)) => AddressLimit::AtLeast(limit.get().get()),
        Some(translator::AddressLimit::Below(limit)) => AddressLimit::Below(limit.get().get()),
    };
    let config = Config {
        address_limit,
        ..Config::default()
    };
    let ran = run(&program.orb(), config, &mut storage, device);
    (ran, storage)
}

fn run<S: Space>(
    orb: &RawOrb,
    config: Config,
    storage: &mut dyn Storage<S>,
    mut device: Full,
) -> Ran<S> {
    let transport = Orb::<S>::decode(orb).transport;
    let config = Config {
        transport,
        ..config
    };
    let mut subchannel = Subchannel::<S>::new(config);
    subchannel.start_raw(orb).expect("condition code 0");
    // The first S flag, if the ORB allows any, is passed over.
    subchannel.resume();
    let progress = subchannel.run(storage, &mut device, 100_000);
    assert_eq!(progress, Progress::Pending, "after {:?}", device.moved);
    Ran {
        irb: subchannel.irb(),
        condition: subchannel.check().map(|check| check.condition.id()),
        moved: device.moved,
    }
}

/// What became of a program on its way to the host.
#[derive(Debug)]
pub(crate) enum Translated {
    /// It was refused by this name.
    Refused(Code),
    /// It ended without host I/O, or the translated program ran.
    Shown {
        /// What the guest sees.
        scsw: Scsw<Guest>,
        /// Bytes that moved, if the program ran.
        moved: Vec<usize>,
        /// Host storage afterwards, if the program ran.
        storage: Option<Ram<Host>>,
    },
}

/// Translates the program, runs it on host storage, and maps its status back.
pub(crate) fn translated(program: &GuestProgram, device: Full) -> Translated {
    let pinner = PlainPinner::new(program.map(OFFSET), Budget::default());
    let plan = match program
        .clone()
        .without_remarks()
        .judge_with(pinner.regions())
        .plan(&HostProfile::SOFTWARE)
    {
        Ok(Planned::Run(plan)) => plan,
        Ok(Planned::Ended(ended)) => {
            return Translated::Shown {
                scsw: ended.irb().scsw,
                moved: Vec::new(),
                storage: None,
            };
        }
        Ok(Planned::Arrived(_)) => panic!("it was fetched as a whole"),
        Err(rejected) => return Translated::Refused(rejected.finding.code),
    };
    let (mut ccws, mut lists) = (vec![0xff; 0x8000], vec![0xff; 0x8000]);
    let slot = Slot::new(
        Area::new(HostAddr::new(CCWS), &mut ccws).expect("below 2 GiB"),
        Area::new(HostAddr::new(LISTS), &mut lists).expect("below 2 GiB"),
        HostAddr::new(SCRATCH),
    )
    .expect("a page");
    let mut copies = vec![0xff; 0x1000];
    let area = Area::new(HostAddr::new(COPIES), &mut copies).expect("below 2 GiB");
    let slot = slot.with_copies(area).expect("an area of its own");
    let pinned = plan.pin(&pinner).expect("pins");
    let translated = pinned.emit(slot).expect("room");
    let mut storage = Ram::<Host>::new(1 << 36);
    for (at, page) in program.ram().touched() {
        storage.write(HostAddr::new(at.get() + OFFSET), page);
    }
    storage.write(HostAddr::new(CCWS), &ccws);
    storage.write(HostAddr::new(LISTS), &lists);
    storage.write(HostAddr::new(COPIES), &copies);
    let orb = translated.orb().encode();
    let transport = translated.orb().transport;
    let ran = run(&orb, Config::default(), &mut storage, device);
    let completion = translated.complete(&ran.irb);
    assert!(
        !completion.unmapped && !completion.unexplained,
        "{completion:?}"
    );
    if transport && TransportScsw::of(&completion.irb.scsw).tsb_is_valid() {
        let tsb = storage.read(HostAddr::new(COPIES), 64);
        let at = program.judge().transport().map(|it| it.tcw().tsb.get());
        storage.write(HostAddr::new(at.expect("a TCW") + OFFSET), &tsb);
    }
    Translated::Shown {
        scsw: completion.irb.scsw,
        moved: ran.moved,
        storage: Some(storage),
    }
}

/// The guest's storage lies on the host as the guest's own program left it.
pub(crate) fn same_bytes(guest: &Ram<Guest>, host: &Ram<Host>) {
    for (at, page) in guest.touched() {
        let image = host.read(HostAddr::new(at.get() + OFFSET), page.len());
        assert!(image == page, "the page at {at:?}");
    }
}
