// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest with transport mode on a host without it.

use css::device::DONE;
use css::device::scripted::Response;
use translator::{CommandPolicy, Facilities, Policy};
use vfio_ccw::Errno;
use vfio_ccw::device::fault::Call;
use vfio_ccw::mediator::{Exception, GuestProfile};

use crate::common::*;

/// ORB word 1: transport mode, path 80.
const ORB: u32 = 0x0004_8000;
const TSB: usize = 0x2100;

/// The TCW at 2000 reads 16 bytes to 3000, behind a CONTROL with four bytes of control data; its TCCB
/// is at 2200.
pub(crate) const TCW: [u32; 16] = [
    0,
    0x001a_0000,
    0,
    0,
    0,
    0x3000,
    0,
    0x2100,
    0,
    0x2200,
    0,
    16,
    0,
    0,
    0,
    0,
];
pub(crate) const TCCB: [u32; 11] = [
    0x7f00_0000,
    0x0000_0020,
    0x1ffe_0000,
    0,
    0x0740_0004,
    0,
    0x0102_0304,
    0x0200_0000,
    16,
    0,
    20,
];

fn setup(responses: impl IntoIterator<Item = Response>) -> Setup {
    let policy = Policy {
        facilities: Facilities {
            transport: true,
            ..Policy::MEDIATE.facilities
        },
        ..Policy::MEDIATE
    };
    Setup {
        guest: GuestProfile {
            policy,
            ..GuestProfile::default()
        },
        ..Setup::responding(responses)
    }
}

impl Machine {
    fn put(&mut self, at: usize, words: &[u32]) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        self.ram.write(at, &bytes).unwrap();
    }

    fn transport(mut self) -> Self {
        self.put(PROGRAM as usize, &TCW);
        self.put(0x2200, &TCCB);
        self
    }

    fn tsb(&self, len: usize) -> String {
        let mut bytes = vec![0; len];
        self.ram.read(TSB, &mut bytes).unwrap();
        words(&bytes)
    }
}

#[test]
fn a_read_with_its_parameters() {
    let data: Vec<u8> = (1..=16).collect();
    let mut machine = setup([Response::output(4), Response::input(&data)])
        .machine()
        .transport();
    assert_eq!(machine.ssch_orb([INTPARM, ORB, PROGRAM]), Ok(Cc0));
    machine.run(8);
    assert_eq!(machine.events(), [INTERRUPT]);
    // The last DCW is at 12 of the commands, and no byte is left.
    assert_eq!(machine.tsb(16), "20c1000c 00000000 00000000 00000000");
    assert_eq!(
        machine.tsch(),
        (Cc0, "00104007 00002000 0c000100".to_owned())
    );
    assert_eq!(machine.data(16), data);
    let sent = machine.device().with(|soft| soft.model().sent().len());
    assert_eq!(sent, 2);
    assert_eq!(machine.held(), (0, 0));
}

/// A program that ends by itself while the host is still to be asked to halt: its TSB is there when the
/// guest is told of it.
#[test]
fn an_end_before_the_halt() {
    let mut machine = setup([Response::output(4), Response::input(&[7; 16])])
        .stepped()
        .machine()
        .transport();
    assert_eq!(machine.ssch_orb([INTPARM, ORB, PROGRAM]), Ok(Cc0));
    machine.refuse(Call::Halt, 3, Errno::EAGAIN);
    assert_eq!(machine.hsch(), Cc0);
    machine.run(8);
    let (code, scsw) = machine.tsch();
    assert_eq!(
        (code, &*scsw),
        (Cc0, "00106007 00002000 0c000100"),
        "start and halt, and the TSB is valid"
    );
    assert_eq!(machine.tsb(8), "20c1000c 00000000");
    assert_eq!(machine.held(), (0, 0));
}

/// Fewer bytes than announced end the program normally: the TSB says how many are missing.
#[test]
fn a_short_read() {
    let mut machine = setup([Response::output(4), Response::input(&[7; 5])])
        .machine()
        .transport();
    assert_eq!(machine.ssch_orb([INTPARM, ORB, PROGRAM]), Ok(Cc0));
    machine.run(8);
    assert_eq!(
        machine.tsch(),
        (Cc0, "00104007 00002000 0c000100".to_owned())
    );
    assert_eq!(machine.tsb(8), "20c1000c 0000000b");
}

/// The sense bytes are in the TSB, and not in the IRB.
#[test]
fn a_unit_check() {
    let check = Response::output(4)
        .with_status(DONE | ccw::DeviceStatus::UNIT_CHECK)
        .with_sense(&[0x80, 0x01]);
    let mut machine = setup([check]).machine().transport();
    assert_eq!(machine.ssch_orb([INTPARM, ORB, PROGRAM]), Ok(Cc0));
    machine.run(8);
    assert_eq!(
        machine.tsch(),
        (Cc0, "00104017 00002000 0e000100".to_owned())
    );
    assert_eq!(machine.tsb(8), "40c10000 00000000");
    assert!(machine.tsb(36).ends_with("80010000"));
}

#[test]
fn what_is_wrong_is_told_at_once() {
    let mut machine = setup([]).machine().transport();
    // The TCCB length.
    machine.put(PROGRAM as usize + 4, &[0x0002_0000]);
    assert_eq!(machine.ssch_orb([INTPARM, ORB, PROGRAM]), Ok(Cc0));
    assert_eq!(
        machine.tsch(),
        (Cc0, "00104017 00002000 00200000".to_owned())
    );
    // Commands that do not fit: the device would have told that in a TSB.
    machine = machine.transport();
    machine.put(0x2210, &[0x0740_00ff]);
    assert_eq!(machine.ssch_orb([INTPARM, ORB, PROGRAM]), Ok(Cc0));
    assert_eq!(
        machine.tsch(),
        (Cc0, "00104017 00002000 0c200100".to_owned())
    );
    assert_eq!(machine.tsb(16), "20820000 00000000 00000000 00000005");
    // Control data and data at once: no CCW can say that.
    machine = machine.transport();
    machine.put(0x2210, &[0x0240_0004, 16]);
    machine.put(0x2220, &[0]);
    assert_eq!(machine.ssch_orb([INTPARM, ORB, PROGRAM]), Ok(Cc0));
    assert_eq!(
        machine.tsch(),
        (Cc0, "00104017 00002000 00040000".to_owned())
    );
    assert_eq!(
        machine.ssch_orb([INTPARM, ORB, PROGRAM + 8]),
        Err(Exception::Operand)
    );
    assert_eq!(machine.sent(), 0);
}

/// The last command says that another one follows: the device has run two when it finds none.
#[test]
fn what_is_wrong_with_a_later_command_is_told_there() {
    let mut machine = setup([Response::output(4), Response::input(&[7; 16])])
        .machine()
        .transport();
    machine.put(0x221c, &[0x0240_0000]);
    assert_eq!(machine.ssch_orb([INTPARM, ORB, PROGRAM]), Ok(Cc0));
    machine.run(8);
    assert_eq!(
        machine.tsch(),
        (Cc0, "00104017 00002000 0c200100".to_owned())
    );
    assert_eq!(machine.tsb(16), "20820014 00000000 00000000 00000005");
    assert_eq!(machine.data(16), [7; 16]);
    assert_eq!(machine.held(), (0, 0));
}

/// The guest may not read: the device runs the first command, and the guest finds the unit check of the
/// second in its TSB, with command reject. Of that the subchannel keeps nothing: a SENSE behind it is the
/// device's.
#[test]
fn a_command_that_the_policy_refuses() {
    let mut setup = setup([Response::output(4), Response::input(&[7; 4])]);
    let everything = CommandPolicy::everything(ccw::DeviceClass::Unknown);
    setup.commands = Some(everything.deny(ccw::Command(0x02)));
    let mut machine = setup.machine().transport();
    let mut schib = machine.sch.stsch(&mut machine.events);
    // No concurrent sense.
    schib.0[27] = 0;
    assert_eq!(machine.sch.msch(&schib), Ok(Cc0));
    assert_eq!(machine.ssch_orb([INTPARM, ORB, PROGRAM]), Ok(Cc0));
    machine.run(8);
    assert_eq!(
        machine.tsch(),
        (Cc0, "00104017 00002000 0e000100".to_owned())
    );
    assert_eq!(machine.tsb(8), "40c1000c 00000010");
    assert!(machine.tsb(36).ends_with("80000000"));
    assert_eq!((machine.sent(), machine.metrics().forbidden), (1, 1));
    machine.program(&[[4, 0, 0, 4, 0, 0, 0x30, 0]]);
    assert_eq!(machine.ssch(), Cc0);
    machine.run(8);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    assert_eq!((machine.sent(), machine.data(4)), (2, vec![7; 4]));
    assert_eq!(machine.held(), (0, 0));
}

/// In transport mode the status always names the TCW.
#[test]
fn what_the_host_refuses_is_told_of_the_tcw() {
    let mut machine = setup([]).machine().transport();
    machine.refuse(Call::Start, 1, Errno::EINVAL);
    assert_eq!(machine.ssch_orb([INTPARM, ORB, PROGRAM]), Ok(Cc0));
    assert_eq!(
        machine.tsch(),
        (Cc0, "00104017 00002000 00040000".to_owned())
    );
    // And what is broken off.
    let mut machine = setup([]).stepped().machine().transport();
    assert_eq!(machine.ssch_orb([INTPARM, ORB, PROGRAM]), Ok(Cc0));
    machine.sch.stop(&mut machine.events);
    machine.run(8);
    assert_eq!(
        machine.tsch(),
        (Cc0, "00104017 00002000 00040000".to_owned())
    );
}

/// No host interrogates for us.
#[test]
fn a_program_that_runs_is_not_cancelled() {
    let mut machine = setup([]).stepped().machine().transport();
    assert_eq!(machine.ssch_orb([INTPARM, ORB, PROGRAM]), Ok(Cc0));
    assert_eq!(machine.xsch(), Cc2);
    assert_eq!(machine.scsw()[..8], *"001040c0");
    machine.run(8);
}

/// Whoever has not asked for it gets an operand exception.
#[test]
fn it_must_be_offered() {
    let mut machine = machine().transport();
    assert_eq!(
        machine.ssch_orb([INTPARM, ORB, PROGRAM]),
        Err(Exception::Operand)
    );
}
