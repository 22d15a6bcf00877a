// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The way of a program that a policy judges, on a disk that notes what it is given.

use ccw::{DeviceClass, HostAddr, Irb};
use ccw_kit::program::{GuestProgram, hex};
use css::device::eckd::Eckd;
use css::device::fba::{Fba, Model};
use css::{Config, Device, Progress, Ram, Subchannel};
use pinning::{Budget, PlainPinner};
use translator::{Area, Code, HostProfile, Outcome, Planned, Severity, Slot, StatusBlock};

/// How much higher guest storage lies on the host.
pub(crate) const OFFSET: u64 = 1 << 33;
pub(crate) const CCWS: u64 = 0x10_0000;
pub(crate) const LISTS: u64 = 0x20_0000;
pub(crate) const COPIES: u64 = 0x28_0000;
pub(crate) const SCRATCH: u64 = 0x30_0000;
/// What became of a program.
pub(crate) struct Ended {
    pub(crate) irb: Irb<ccw::Guest>,
    pub(crate) refused: Option<Code>,
    /// What is to be stored for a program of transport mode, but for what the host has stored.
    pub(crate) tsb: Option<StatusBlock>,
    /// Command codes that the device was given.
    pub(crate) given: Vec<u8>,
    /// Host storage, if the program ran.
    pub(crate) storage: Option<Ram<ccw::Host>>,
}

/// A device that notes which commands it is given.
pub(crate) struct Noting<D> {
    pub(crate) device: D,
    pub(crate) given: Vec<u8>,
}

impl<D: Device> Device for Noting<D> {
    fn execute(&mut self, command: ccw::Command, transfer: &mut dyn css::Transfer) -> css::Reply {
        self.given.push(command.0);
        self.device.execute(command, transfer)
    }
    fn begin(&mut self) {
        self.device.begin();
    }
    fn transport_mode(&self) -> css::device::TransportMode {
        self.device.transport_mode()
    }
    fn take_sense(&mut self) -> css::device::Sense {
        self.device.take_sense()
    }
}

/// Translates the program for `profile`, and runs it on `device`, with guest storage changed to
/// `later` once it is translated.
pub(crate) fn run(
    program: &GuestProgram,
    profile: &HostProfile,
    device: impl Device,
    later: &[(u64, &str)],
) -> Ended {
    let pinner = PlainPinner::new(program.map(OFFSET), Budget::default());
    let program = program.clone().without_remarks();
    let plan = match program.judge_with(pinner.regions()).plan(profile) {
        Ok(Planned::Run(plan)) => plan,
        Ok(Planned::Ended(ended)) => {
            return Ended {
                irb: *ended.irb(),
                refused: ended.refused(),
                tsb: ended.tsb().copied(),
                given: Vec::new(),
                storage: None,
            };
        }
        Ok(Planned::Arrived(_)) => panic!("nothing here runs in parts"),
        Err(rejected) => panic!("{rejected}"),
    };
    let area = |at, bytes| Area::new(HostAddr::new(at), bytes).expect("below 2 GiB");
    let [mut ccws, mut lists, mut copies] = [(); 3].map(|()| vec![0xff; 0x8000]);
    let slot = Slot::new(
        area(CCWS, &mut ccws),
        area(LISTS, &mut lists),
        HostAddr::new(SCRATCH),
    )
    .and_then(|slot| slot.with_copies(area(COPIES, &mut copies)))
    .expect("a slot");
    let translated = plan.pin(&pinner).expect("pins").emit(slot).expect("room");
    let mut storage = Ram::<ccw::Host>::new(1 << 36);
    for (at, page) in program.ram().touched() {
        storage.write(HostAddr::new(at.get() + OFFSET), page);
    }
    for (at, text) in later {
        storage.write(HostAddr::new(at + OFFSET), &hex(text));
    }
    for (at, bytes) in [(CCWS, ccws), (LISTS, lists), (COPIES, copies)] {
        storage.write(HostAddr::new(at), &bytes);
    }
    let mut device = Noting {
        device,
        given: Vec::new(),
    };
    let mut subchannel = Subchannel::<ccw::Host>::new(Config {
        transport: true,
        ..Config::default()
    });
    subchannel
        .start_raw(&translated.orb().encode())
        .expect("condition code 0");
    let progress = subchannel.run(&mut storage, &mut device, 100_000);
    assert_eq!(progress, Progress::Pending);
    let completion = translated.complete(&subchannel.irb());
    assert!(
        !completion.unmapped && !completion.unexplained,
        "{completion:?}"
    );
    Ended {
        irb: completion.irb,
        refused: completion.refused,
        tsb: completion.tsb,
        given: device.given,
        storage: Some(storage),
    }
}

/// A volume of four cylinders.
pub(crate) fn disk() -> Eckd<Vec<u8>> {
    Eckd::format(Vec::new(), 4).expect("a volume")
}

pub(crate) fn blocks() -> Fba<Vec<u8>> {
    Fba::new(Model::Fba9336, vec![0; 512 * 100])
}
/// What a refusal is expected to be.
pub(crate) struct Expected<'a> {
    pub(crate) code: Code,
    /// SCSW, with the E bit zero.
    pub(crate) scsw: &'a str,
    /// Sense bytes 0, 1 and 7.
    pub(crate) sense: [u8; 3],
    /// Commands that the device was given before.
    pub(crate) given: &'a [u8],
    /// Where the deciding word stands, and its bits.
    pub(crate) at: u64,
    pub(crate) bits: (u8, u8),
}

/// The program is refused so: the verdict says it, and both kinds of host carry it out.
#[track_caller]
pub(crate) fn refused(program: &GuestProgram, expected: &Expected<'_>) {
    let verdict = program.judge();
    let told = format!("{:?}", verdict.findings());
    assert_eq!(verdict.outcome(), Outcome::Invalid, "{told}");
    let finding = verdict
        .findings()
        .iter()
        .find(|f| f.severity == Severity::Error);
    let finding = finding.expect("an error");
    assert_eq!(finding.code, expected.code, "{told}");
    assert_eq!(
        finding.site.at.map(|at| at.get()),
        Some(expected.at),
        "{told}"
    );
    assert_eq!(finding.site.bits, Some(expected.bits), "{told}");
    let mut scsw = hex(expected.scsw);
    assert_eq!(verdict.scsw().expect("a status").encode().0[..], scsw);
    // What is shown to a subchannel with concurrent sense.
    scsw[1] |= 0x02;
    for profile in [&HostProfile::SOFTWARE, &HostProfile::VFIO_CCW] {
        let ended = match program.policy_used().device {
            DeviceClass::Fba => run(program, profile, blocks(), &[]),
            _ => run(program, profile, disk(), &[]),
        };
        assert_eq!(ended.irb.scsw.encode().0[..], scsw, "{}", profile.name);
        let ecw = ended.irb.ecw;
        assert_eq!([ecw[0], ecw[1], ecw[7]], expected.sense, "{}", profile.name);
        assert_eq!(ended.refused, Some(expected.code));
        assert_eq!(ended.given, expected.given, "{}", profile.name);
        let sense = ended.irb.esw.erw().concurrent_sense;
        let len = if program.policy_used().device == DeviceClass::Fba {
            24
        } else {
            32
        };
        assert_eq!(sense, Some(len));
    }
}

/// The program runs to its end, and the device is given all of it.
#[track_caller]
pub(crate) fn passes(program: &GuestProgram, given: &[u8]) {
    let verdict = program.judge();
    assert_eq!(
        verdict.outcome(),
        Outcome::Valid,
        "{:?}",
        verdict.findings()
    );
    for profile in [&HostProfile::SOFTWARE, &HostProfile::VFIO_CCW] {
        let ended = match program.policy_used().device {
            DeviceClass::Fba => run(program, profile, blocks(), &[]),
            _ => run(program, profile, disk(), &[]),
        };
        assert_eq!(ended.irb.scsw.device.bits() & 0x02, 0, "{:?}", ended.irb);
        assert_eq!(ended.refused, None);
        assert_eq!(ended.given, given, "{}", profile.name);
    }
}
