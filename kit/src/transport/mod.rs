// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs of transport mode: the guest's own, its translation for a host with the mode, and the CCWs
//! for one without, do the same.

mod asked;
mod bytes;
mod case;
mod device;

use ccw::{
    Addr, GuestAddr, Host, HostAddr, Irb, Space, SubchannelStatus, Tidaw, TidawFlags, TransportScsw,
};
use css::{Config, Granted, Ram, Storage, Subchannel};
use pinning::{Access, Budget, Permission, PlainPinner, Region, RegionMap};
use translator::{
    Area, Blame, Buffers, Code, HostProfile, Plan, Planned, Policy, Program, Severity, Slot,
    StatusBlock, fetch, validate,
};

pub use asked::{Answered, interrogate};
pub use bytes::{check_bytes, seeds};
pub use case::{Areas, Case, Change, Image, Step, cases};
pub use device::{Player, Sent};

use crate::reached;
use case::{OFFSET, SIZE};

const CCWS: u64 = 0x10_0000;
const LISTS: u64 = 0x20_0000;
const COPIES: u64 = 0x30_0000;
const SCRATCH: u64 = 0x40_0000;

/// How a case came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Refused by name.
    Refused(Code),
    /// Ended without I/O.
    AtOnce,
    /// Ran, with the same result.
    Ran,
}

/// What a program left behind.
struct Done {
    /// The condition that the software channel names.
    condition: Option<&'static str>,
    scsw: TransportScsw<ccw::Guest>,
    irb: Irb<ccw::Guest>,
    sent: Vec<Sent>,
    /// Guest storage.
    bytes: Vec<u8>,
}

/// The verdict on the program of `case`.
pub fn judge(case: &Case) -> Program {
    judge_by(case, false)
}

fn judge_by(case: &Case, remarks: bool) -> Program {
    let storage = case.storage();
    let guards = case.guards(&storage);
    let orb = case.orb();
    let policy = Policy {
        remarks,
        ..case.policy()
    };
    let snapshot = fetch(&orb, &storage, &policy, &guards, Buffers::new());
    let program = validate(snapshot, &map(), &guards);
    reached::note_verdict(&program);
    program
}

/// Start and length of everything that is read of the program of `case`.
pub fn fetches(case: &Case) -> Vec<(u64, usize)> {
    let storage = case.storage();
    let guards = case.guards(&storage);
    let (orb, policy) = (case.orb(), case.policy());
    drop(fetch(&orb, &storage, &policy, &guards, Buffers::new()));
    storage.fetches()
}

/// Where guest storage lies on the host.
fn map() -> RegionMap {
    RegionMap::new(&[Region {
        guest: GuestAddr::new(0),
        len: SIZE,
        host: HostAddr::new(OFFSET),
        permission: Permission::ReadWrite,
    }])
    .expect("pages")
}

fn bytes(case: &Case) -> Vec<u8> {
    case.storage().bytes
}

/// How a program ended.
struct End<S: Space> {
    condition: Option<&'static str>,
    irb: Irb<S>,
    sent: Vec<Sent>,
}

fn run<S: Space>(
    case: &Case,
    device: &mut Player,
    orb: &ccw::RawOrb,
    storage: &mut dyn Storage<S>,
) -> Result<End<S>, String> {
    let mut subchannel = Subchannel::<S>::new(Config {
        transport: true,
        concurrent_sense: case.concurrent_sense,
        ..Config::default()
    });
    subchannel
        .start_raw(orb)
        .map_err(|why| format!("not started: {why:?}"))?;
    subchannel.run(storage, device, 100_000);
    let condition = subchannel.check().map(|check| check.condition.id());
    let (_, irb) = subchannel.test();
    Ok(End {
        condition,
        irb,
        sent: device.sent().to_vec(),
    })
}

/// The guest's own program.
fn direct(case: &Case, mut device: Player) -> Result<Done, String> {
    let mut ram = Ram::<ccw::Guest>::new(SIZE);
    let image = case.storage();
    ram.write(Addr::new(0), &image.bytes);
    for at in (0..SIZE).step_by(0x1000) {
        if let Some(key) = image.key_of(at) {
            let acc = key.access;
            let fetch_protect = key.fetch_protected;
            let key = css::storage::StorageKey { acc, fetch_protect };
            ram.set_key(Addr::new(at), key);
        }
    }
    let End {
        condition,
        irb,
        sent,
    } = run(case, &mut device, &case.orb(), &mut ram)?;
    Ok(Done {
        condition,
        scsw: TransportScsw::of(&irb.scsw),
        irb,
        sent,
        bytes: ram.read(Addr::new(0), SIZE as usize),
    })
}

/// Runs what `plan` makes of it.
fn translated(case: &Case, plan: Plan) -> Result<Done, String> {
    let pinner = PlainPinner::new(map(), Budget::default());
    let extents = plan.extents().to_vec();
    let mut areas = [0x4000, 0x1_0000, 0x2_0000].map(|len| vec![0xee; len]);
    let [ccws, lists, copies] = &mut areas;
    let area = |at, bytes| Area::new(HostAddr::new(at), bytes).expect("below 2 GiB");
    let slot = Slot::new(area(CCWS, ccws), area(LISTS, lists), HostAddr::new(SCRATCH));
    let slot = slot.and_then(|slot| slot.with_copies(area(COPIES, copies)));
    let pinned = plan.pin(&pinner).map_err(|error| error.to_string())?;
    let emitted = pinned.emit(slot.expect("areas of their own"));
    let translated = emitted.map_err(|error| error.to_string())?;
    let image = bytes(case);
    for copy in translated.copies_out() {
        let guest = &image[copy.guest.get() as usize..][..copy.len];
        for at in [Some(copy.at), copy.kept].into_iter().flatten() {
            areas[2][at..][..copy.len].copy_from_slice(guest);
        }
    }
    let mut ram = Ram::<Host>::new(1 << 36);
    ram.write(HostAddr::new(OFFSET), &image);
    let mut storage = Granted::new(ram);
    let used = translated.doublewords();
    let parts = [
        (CCWS, used.ccws),
        (LISTS, used.lists),
        (COPIES, used.copies),
    ];
    for ((at, words), bytes) in parts.into_iter().zip(&areas) {
        let at = HostAddr::new(at);
        storage.inner_mut().write(at, &bytes[..words * 8]);
        let access = match at.get() {
            COPIES => css::Access::Store,
            _ => css::Access::Fetch,
        };
        storage.grant(at, words as u64 * 8, access);
    }
    for extent in extents {
        let access = match extent.access {
            Access::DeviceReads => css::Access::Fetch,
            Access::DeviceWrites => css::Access::Store,
        };
        let at = HostAddr::new(extent.start.get() + OFFSET);
        storage.grant(at, extent.len.into(), access);
    }
    storage.grant(HostAddr::new(SCRATCH), 0x1000, css::Access::Store);
    let mut running = translated.start();
    let End {
        condition,
        irb,
        sent,
    } = run(
        case,
        &mut Player::new(case),
        &running.orb().encode(),
        &mut storage,
    )?;
    if let Some(violation) = storage.violations().first() {
        return Err(format!("outside of what was granted: {violation:x?}"));
    }
    let done = running.complete(&irb);
    if done.unmapped || done.unexplained {
        return Err(format!("a status that should be clear: {done:x?}"));
    }
    let mut ram = storage.into_inner();
    let area = ram.read(HostAddr::new(COPIES), used.copies * 8);
    for copy in running.copies_back(Some(&irb), &area) {
        let at = HostAddr::new(copy.guest.get() + OFFSET);
        ram.write(at, &area[copy.at..][..copy.len]);
    }
    if let Some(StatusBlock { at, bytes, .. }) = &done.tsb {
        ram.write(HostAddr::new(at.get() + OFFSET), &bytes.0);
    }
    drop(running.end());
    Ok(Done {
        condition,
        scsw: TransportScsw::of(&done.irb.scsw),
        irb: done.irb,
        sent,
        bytes: ram.read(HostAddr::new(OFFSET), SIZE as usize),
    })
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, one: &T, other: &T) -> Result<(), String> {
    match one == other {
        true => Ok(()),
        false => Err(format!(
            "{what}\n  guest's program: {one:x?}\n  translated:      {other:x?}"
        )),
    }
}

fn same_traffic(one: &[Sent], other: &[Sent]) -> Result<(), String> {
    let heads = |sent: &[Sent]| -> Vec<(ccw::Command, usize, usize)> {
        let head = |it: &Sent| (it.command, it.control.len(), it.data.len());
        sent.iter().map(head).collect()
    };
    same("commands", &heads(one), &heads(other))?;
    match one == other {
        true => Ok(()),
        false => Err("bytes that the device saw".to_owned()),
    }
}

fn same_bytes(one: &[u8], other: &[u8]) -> Result<(), String> {
    // Nearly always, and much quicker to see.
    if one == other {
        return Ok(());
    }
    match one.iter().zip(other).position(|(a, b)| a != b) {
        None => Ok(()),
        Some(at) => Err(format!(
            "storage at {at:x}: {:x?} {:x?}",
            one.iter().skip(at).take(16).collect::<Vec<_>>(),
            other.iter().skip(at).take(16).collect::<Vec<_>>()
        )),
    }
}

/// Compares the verdict on `case` with what becomes of it on a device that moves all that a command
/// announces: the program that is called valid meets no condition, and one that is called invalid
/// meets just the one that was named. None where the verdict leaves it open: its input goes into its own
/// list, or among its data are check bytes, or commands.
///
/// # Errors
///
/// What differs, in words.
pub fn check_verdict(case: &Case) -> Result<Option<&'static str>, String> {
    let program = judge(case);
    let remarked = judge_by(case, true);
    same(
        "verdict with remarks",
        &remarked.outcome(),
        &program.outcome(),
    )?;
    let undecided = program.outcome() == translator::Outcome::Indeterminate;
    if undecided || is_left_to_the_device(&program) {
        return Ok(None);
    }
    let met = direct(case, Player::full())?.condition;
    let mut findings = program.findings().iter();
    let error = findings.find(|finding| finding.severity == Severity::Error);
    let named = error.map(|finding| finding.code.id());
    same("condition", &met, &named)?;
    Ok(met)
}

fn is_left_to_the_device(program: &Program) -> bool {
    let Some(view) = program.transport() else {
        return false;
    };
    let checked = view.data_list().entries().any(|(_, raw)| {
        let flags = Tidaw::<ccw::Guest>::decode(raw).flags;
        flags.contains(TidawFlags::INSERT_CBC)
    });
    let mut commands = view.commands().map_while(Result::ok);
    let extended = commands.any(|command| command.dcw.command.0 == 0x50);
    (checked && view.tcw().write) || extended
}

/// Runs `case` both ways on a host with transport mode, and compares storage with the TSB, traffic and
/// status to the bit.
///
/// # Errors
///
/// What differs, in words.
pub fn check(case: &Case) -> Result<Outcome, String> {
    let guest = direct(case, Player::new(case))?;
    match judge(case).plan(&HostProfile::SOFTWARE) {
        Err(rejected) if rejected.blame() == Blame::Guest => Err(rejected.to_string()),
        Err(rejected) => {
            reached::note_refusal(&rejected);
            Ok(Outcome::Refused(rejected.finding.code))
        }
        Ok(Planned::Arrived(_)) => Err("arrived".to_owned()),
        Ok(Planned::Ended(ended)) => {
            same("status", &guest.scsw, &TransportScsw::of(&ended.irb().scsw))?;
            same("traffic", &guest.sent, &Vec::new())?;
            Ok(Outcome::AtOnce)
        }
        Ok(Planned::Run(plan)) => {
            let host = translated(case, plan)?;
            same_traffic(&guest.sent, &host.sent)?;
            same("status", &guest.scsw, &host.scsw)?;
            same("IRB", &guest.irb, &host.irb)?;
            same_bytes(&guest.bytes, &host.bytes)?;
            Ok(Outcome::Ran)
        }
    }
}

/// The same on a host without the mode.
///
/// Everything is equal but for these: a program that is stopped at the first byte of a command's data
/// is stopped before that command, so that its device status may be missing; and where a device keeps
/// its sense bytes, the TSB has none either.
///
/// # Errors
///
/// What differs, in words.
pub fn check_lowered(case: &Case) -> Result<Outcome, String> {
    let guest = direct(case, Player::new(case))?;
    let checks = SubchannelStatus::PROGRAM_CHECK | SubchannelStatus::PROTECTION_CHECK;
    let stopped = guest.scsw.subchannel.intersects(checks);
    let program = judge(case);
    // A device that does not ask for the first byte of what it is stopped at.
    if !stopped && program.outcome() == translator::Outcome::Invalid {
        return Ok(Outcome::Ran);
    }
    match program.plan(&HostProfile::VFIO_CCW) {
        Err(rejected) if rejected.blame() == Blame::Guest => Err(rejected.to_string()),
        Err(rejected) => {
            reached::note_refusal(&rejected);
            Ok(Outcome::Refused(rejected.finding.code))
        }
        Ok(Planned::Arrived(_)) => Err("arrived".to_owned()),
        Ok(Planned::Ended(ended)) => {
            let shown = TransportScsw::of(&ended.irb().scsw);
            same("status", &by_class(&guest.scsw), &by_class(&shown))?;
            same("bytes moved", &moved(&guest), &0)?;
            Ok(Outcome::AtOnce)
        }
        Ok(Planned::Run(plan)) => {
            let host = translated(case, plan)?;
            same("status", &by_class(&guest.scsw), &by_class(&host.scsw))?;
            let (mut one, mut other) = (guest.sent.clone(), host.sent.clone());
            if stopped {
                let empty = |sent: &mut Sent| !(sent.data.is_empty() && sent.control.is_empty());
                one.retain_mut(empty);
                other.retain_mut(empty);
            }
            same_traffic(&one, &other)?;
            same_bytes(&guest.bytes, &host.bytes)?;
            Ok(Outcome::Ran)
        }
    }
}

/// Bytes of data that moved.
fn moved(done: &Done) -> usize {
    done.sent
        .iter()
        .map(|it| it.data.len() + it.control.len())
        .sum()
}

/// `scsw` without what may be missing after a check.
fn by_class(scsw: &TransportScsw<ccw::Guest>) -> TransportScsw<ccw::Guest> {
    let mut scsw = *scsw;
    let checks = SubchannelStatus::PROGRAM_CHECK | SubchannelStatus::PROTECTION_CHECK;
    if scsw.subchannel.intersects(checks) && !scsw.tsb_is_valid() {
        scsw.device = ccw::DeviceStatus::empty();
        scsw.extended_control = false;
    }
    scsw
}
