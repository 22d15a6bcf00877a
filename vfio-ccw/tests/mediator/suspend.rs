// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs that suspend themselves, and RESUME SUBCHANNEL. PoP: Suspension of Channel-Program
//! Execution, RESUME SUBCHANNEL, CANCEL SUBCHANNEL.

use css::device::scripted::Response;
use vfio_ccw::Errno;
use vfio_ccw::device::fault::{Call, InterruptFault};
use vfio_ccw::mediator::UnmapPolicy;

use crate::common::*;

/// ORB with S; with U too.
const S: u32 = 0x08c2_8000;
const S_U: u32 = 0x08ca_8000;

/// READ of 4 bytes to 3000 that chains; of 4 bytes to 3004 that stands, and is the last one.
const TWO: [[u8; 8]; 2] = [
    [2, 0x40, 0, 4, 0, 0, 0x30, 0],
    [2, 0x02, 0, 4, 0, 0, 0x30, 4],
];
/// The last one without the S flag.
const GO: [u8; 8] = [2, 0, 0, 4, 0, 0, 0x30, 4];

/// Suspended at the second CCW, with and without its status.
const SUSPENDED: &str = "08c04029 00002010 00000004";
const STANDS: &str = "08c04020 00002010 00000004";
const ENDED: &str = "08c04007 00002010 0c000000";

fn two() -> Machine {
    let mut machine = Setup::default().machine();
    machine.program(&TWO);
    machine
}

/// Suspended, with its status pending.
fn suspended() -> Machine {
    let mut machine = two();
    machine.start(S);
    machine.io();
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.scsw(), SUSPENDED);
    machine
}

/// Suspended, with its status tested.
fn standing() -> Machine {
    let mut machine = suspended();
    assert_eq!(machine.tsch(), (Cc0, SUSPENDED.into()));
    assert_eq!(machine.events(), ["withdrawn"]);
    machine
}

impl Machine {
    fn start(&mut self, word1: u32) {
        assert_eq!(self.ssch_orb([INTPARM, word1, PROGRAM]), Ok(Cc0));
    }

    /// The second CCW becomes this one.
    fn second(&mut self, ccw: [u8; 8]) {
        self.ram.write(PROGRAM as usize + 8, &ccw).unwrap();
    }

    /// What runs ends, and is tested.
    #[track_caller]
    fn ends(&mut self, scsw: &str) {
        self.run(8);
        assert_eq!(self.tsch(), (Cc0, scsw.into()));
        assert!(self.sch.is_quiet());
        assert_eq!(self.held(), (0, 0));
    }
}

/// What came before has run; the device is idle, and nothing is held.
#[test]
fn a_program_that_stands_suspended_holds_nothing() {
    let mut machine = suspended();
    assert_eq!((machine.sent(), machine.held()), (1, (0, 0)));
    assert_eq!(machine.data(8), [1, 2, 3, 4, 0, 0, 0, 0]);
    assert!(machine.sch.is_quiet());
    machine.io();
    assert_eq!(machine.tsch().0, Cc0);
    assert_eq!(machine.scsw(), STANDS);
    assert_eq!((machine.sent(), machine.made(Call::Start)), (1, 1));
    assert_eq!(machine.metrics().suspensions, 1);
}

/// The CCW is fetched again: it is what the guest has made of it.
#[test]
fn resumed_with_another_ccw() {
    let mut machine = Setup::responding([read(), Response::output(4)]).machine();
    machine.program(&TWO);
    machine.start(S);
    machine.io();
    assert_eq!(machine.tsch(), (Cc0, SUSPENDED.into()));
    machine.second([1, 0, 0, 4, 0, 0, 0x30, 0]);
    assert_eq!(machine.rsch(), Cc0);
    assert_eq!(machine.scsw(), "08c040c0 00002010 00000004");
    machine.ends(ENDED);
    let sent = machine.device().with(|soft| soft.model().sent()[1].clone());
    assert_eq!((sent.command.0, &*sent.output), (1, &[1, 2, 3, 4][..]));
}

#[test]
fn resumed_without_the_s_flag() {
    let mut machine = standing();
    machine.second(GO);
    assert_eq!(machine.rsch(), Cc0);
    machine.ends(ENDED);
    assert_eq!(machine.data(8), [1, 2, 3, 4, 1, 2, 3, 4]);
    let metrics = machine.metrics();
    assert_eq!((metrics.suspensions, metrics.resumes), (1, 1));
    machine.works();
}

/// The S flag is still one: it stands again, without a word to the device.
#[test]
fn resumed_with_the_s_flag() {
    let mut machine = standing();
    for times in 2..5 {
        assert_eq!(machine.rsch(), Cc0);
        assert_eq!(machine.events(), [INTERRUPT]);
        assert_eq!(machine.rsch(), Cc1);
        assert_eq!(machine.tsch(), (Cc0, SUSPENDED.into()));
        machine.events();
        assert_eq!(machine.metrics().suspensions, times);
    }
    assert_eq!(machine.made(Call::Start), 1);
    machine.second(GO);
    assert_eq!(machine.rsch(), Cc0);
    machine.ends(ENDED);
}

/// The first CCW: the device hears of it only when it is resumed.
#[test]
fn at_the_first_ccw() {
    let mut machine = two();
    let mut first = TWO[0];
    first[1] |= 2;
    machine.program(&[first, GO]);
    machine.start(S);
    assert_eq!(machine.events(), [INTERRUPT]);
    let status = "08c04029 00002008 00000004";
    assert_eq!(machine.tsch(), (Cc0, status.into()));
    assert_eq!((machine.made(Call::Start), machine.held()), (0, (0, 0)));
    machine.program(&[TWO[0], GO]);
    assert_eq!(machine.rsch(), Cc0);
    machine.ends(ENDED);
}

/// A ring of CCWs that the guest turns on: it puts the S flag ahead and takes it away here.
#[test]
fn in_a_ring() {
    let mut machine = Setup::responding([]).machine();
    machine.program(&[
        [3, 0x62, 0, 1, 0, 0, 0, 0],
        [3, 0x60, 0, 1, 0, 0, 0, 0],
        [3, 0x60, 0, 1, 0, 0, 0, 0],
        [8, 0, 0, 0, 0, 0, 0x20, 0],
    ]);
    machine.start(S);
    let flags = |n: usize| PROGRAM as usize + 1 + 8 * n;
    let (mut here, mut ahead, mut sent) = (0, 2, 0);
    for _ in 0..100 {
        machine.io();
        assert_eq!((machine.sent(), machine.held()), (sent, (0, 0)));
        let status = format!("08c04029 {:08x} 00000001", 0x2008 + 8 * here);
        assert_eq!(machine.tsch(), (Cc0, status));
        machine.ram.write(flags(ahead), &[0x62]).unwrap();
        machine.ram.write(flags(here), &[0x60]).unwrap();
        assert_eq!(machine.rsch(), Cc0);
        sent += if here == 0 { 2 } else { 1 };
        (here, ahead) = (ahead, here);
    }
}

/// RSCH before the suspension: that one is passed over, and the next one is not.
#[test]
fn resumed_beforehand() {
    let mut machine = Setup::default().stepped().machine();
    machine.program(&[TWO[0], [2, 0x42, 0, 4, 0, 0, 0x30, 4], TWO[1]]);
    machine.start(S);
    assert_eq!(machine.rsch(), Cc0);
    assert_eq!(machine.scsw(), "08c048c0 00002000 00000000");
    assert_eq!(machine.rsch(), Cc2);
    machine.run(8);
    assert_eq!(machine.events(), [""; 0]);
    assert_eq!(machine.scsw(), "08c040c0 00002010 00000000");
    machine.run(8);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, "08c04029 00002018 00000004".into()));
    assert_eq!(machine.sent(), 2);
    machine.ram.write(PROGRAM as usize + 16, &GO).unwrap();
    assert_eq!(machine.rsch(), Cc0);
    machine.ends("08c04007 00002018 0c000000");
}

/// The program is under way when its path goes: a guest that is told that there was none would begin with
/// what has run.
#[test]
fn resumed_beforehand_and_refused_by_the_host() {
    let mut machine = Setup::default().stepped().machine();
    machine.program(&TWO);
    machine.start(S);
    assert_eq!(machine.rsch(), Cc0);
    machine.refuse(Call::Start, 1, Errno::EACCES);
    machine.run(8);
    assert_eq!(machine.sent(), 1);
    machine.ends("08c04017 00002010 00020000");
    machine.works();
}

/// The guest hears nothing of it, and may resume the program all the same.
#[test]
fn with_its_interruption_suppressed() {
    let mut machine = two();
    machine.start(S_U);
    machine.io();
    assert_eq!(machine.events(), [""; 0]);
    assert_eq!(machine.scsw(), "08c84020 00002010 00000004");
    assert_eq!(machine.tsch().0, Cc1);
    machine.second(GO);
    assert_eq!(machine.rsch(), Cc0);
    machine.ends("08c84007 00002010 0c000000");
}

/// The CCW has the PCI flag as well: the guest hears of that in any case, and once more when the CCW
/// is executed.
#[test]
fn with_pci() {
    for (word1, status) in [(S, "08c04029"), (S_U, "08c84029")] {
        let mut machine = two();
        machine.second([2, 0x0a, 0, 4, 0, 0, 0x30, 4]);
        machine.start(word1);
        machine.io();
        assert_eq!(machine.events(), [INTERRUPT]);
        let told = format!("{status} 00002010 00800004");
        assert_eq!(machine.tsch(), (Cc0, told));
        machine.second(GO);
        assert_eq!(machine.rsch(), Cc0);
        machine.run(8);
        assert_eq!(machine.tsch().1[8..], ENDED[8..]);
    }
}

/// The PCI of a command before it, which the guest has not tested, is merged into its status.
#[test]
fn behind_a_pci() {
    let mut machine = Setup::default().stepped().machine();
    let mut first = TWO[0];
    first[1] |= 8;
    machine.program(&[first, TWO[1]]);
    machine.start(S);
    machine.run(1);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.scsw(), "08c040c9 00002008 00800000");
    machine.run(8);
    assert_eq!(machine.events(), [""; 0]);
    assert_eq!(machine.tsch(), (Cc0, "08c04029 00002010 00800004".into()));
    machine.second(GO);
    assert_eq!(machine.rsch(), Cc0);
    machine.ends(ENDED);
}

/// The intermediate status was overwritten in the kernel by the end of the part: the guest is told of
/// the PCI all the same.
#[test]
fn behind_a_pci_that_was_overwritten() {
    for (word1, status) in [(S, "08c04029"), (S_U, "08c84029")] {
        let mut machine = two();
        let mut first = TWO[0];
        first[1] |= 8;
        machine.program(&[first, TWO[1]]);
        machine.start(word1);
        machine.io();
        assert_eq!(machine.metrics().overwritten, 1);
        assert_eq!(machine.events(), [INTERRUPT]);
        let told = format!("{status} 00002010 00800004");
        assert_eq!(machine.tsch(), (Cc0, told));
    }
}

#[test]
fn halted() {
    // The status of the suspension tells of the halt too.
    let mut machine = suspended();
    assert_eq!(machine.hsch(), Cc0);
    assert_eq!(machine.events(), [""; 0]);
    assert_eq!(machine.tsch(), (Cc0, "08c06029 00002010 00000004".into()));
    assert_eq!((machine.tsch().0, machine.rsch()), (Cc1, Cc2));
    machine.works();
    // There is none any more: the halt has its own.
    let mut machine = standing();
    assert_eq!(machine.hsch(), Cc0);
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.tsch(), (Cc0, "08c06001 00002010 00000000".into()));
    assert_eq!(machine.made(Call::Halt), 0);
    machine.works();
}

#[test]
fn cleared() {
    for mut machine in [suspended(), standing()] {
        assert_eq!(machine.csch(), Cc0);
        assert_eq!(machine.rsch(), Cc2);
        machine.io();
        assert_eq!(machine.tsch(), (Cc0, CLEARED.into()));
        machine.works();
    }
}

#[test]
fn cancelled() {
    assert_eq!(suspended().xsch(), Cc1);
    let mut machine = standing();
    assert_eq!(machine.xsch(), Cc0);
    assert_eq!((machine.tsch().0, machine.rsch()), (Cc1, Cc2));
    assert_eq!(machine.events(), [""; 0]);
    machine.works();
}

#[test]
fn reset_and_unplugged() {
    let mut machine = standing();
    machine.sch.reset(&mut machine.events);
    assert_eq!(machine.rsch(), Cc3);
    machine.enable();
    assert_eq!(machine.rsch(), Cc2);
    machine.works();

    let mut machine = standing();
    machine.sch.unplug(&mut machine.events);
    assert_eq!(machine.events(), ["channelreport", "gone"]);
    assert_eq!(machine.rsch(), Cc3);
}

/// It uses nothing: it is not in the way of anything, and nothing stops it.
#[test]
fn not_stopped() {
    let mut machine = standing();
    machine.sch.stop(&mut machine.events);
    assert_eq!(machine.scsw(), STANDS);
    let all = ccw::GuestAddr::new(0);
    let window = machine.sch.window();
    let unmap = window.begin_unmap(all, UnmapPolicy::Halt).unwrap();
    machine.sch.make_way(&unmap, &mut machine.events);
    assert_eq!(machine.events(), [""; 0]);
    unmap.commit().unwrap();
    // Resumed without storage: its CCW cannot be fetched.
    assert_eq!(machine.rsch(), Cc0);
    assert_eq!(machine.tsch(), (Cc0, "08c04017 00002010 00200000".into()));
}

/// What the guest has made of its CCW is wrong: that appears as status.
#[test]
fn resumed_with_a_wrong_ccw() {
    let mut machine = standing();
    machine.second([0; 8]);
    assert_eq!(machine.rsch(), Cc0);
    assert_eq!(machine.events(), [INTERRUPT]);
    machine.ends("08c04017 00002010 00200000");
    machine.works();
}

/// The host does not take it: the guest has its condition code, and gets a status.
#[test]
fn resumed_and_refused_by_the_host() {
    for (errno, scsw) in [
        (Errno::EINVAL, "08c04017 00002010 00040000"),
        (Errno::EIO, "08c04017 00002010 00020000"),
        // The resume function found no path.
        (Errno::EACCES, "0bc14011 00000000 00000000"),
    ] {
        let mut machine = standing();
        machine.second(GO);
        machine.refuse(Call::Start, 1, errno);
        assert_eq!(machine.rsch(), Cc0);
        assert_eq!(machine.events(), [INTERRUPT]);
        machine.ends(scsw);
        machine.works();
    }
}

/// The host puts it off: the resume function is pending, and can be cancelled or halted.
#[test]
fn resumed_and_put_off() {
    let put_off = || {
        let mut machine = standing();
        machine.second(GO);
        machine.refuse(Call::Start, 3, Errno::EAGAIN);
        assert_eq!(machine.rsch(), Cc0);
        assert_eq!(machine.scsw(), "08c04820 00002010 00000004");
        assert_eq!((machine.rsch(), machine.timer()), (Cc2, Some(RETRY)));
        machine
    };
    let mut machine = put_off();
    machine.time(RETRY);
    machine.ends(ENDED);
    machine.works();

    let mut machine = put_off();
    assert_eq!(machine.xsch(), Cc0);
    assert_eq!((machine.tsch().0, machine.held()), (Cc1, (0, 0)));
    machine.works();

    let mut machine = put_off();
    assert_eq!(machine.hsch(), Cc0);
    machine.ends("08c06001 00002010 00000000");
    machine.works();

    let mut machine = put_off();
    machine.sch.stop(&mut machine.events);
    machine.ends("08c04017 00002010 00040000");
    machine.works();
}

/// Attention while it stands: told when the program is over, as if the device had waited.
#[test]
fn attention_meanwhile() {
    let mut machine = standing();
    machine.attention();
    machine.io();
    assert_eq!(machine.events(), [""; 0]);
    machine.second(GO);
    assert_eq!(machine.rsch(), Cc0);
    machine.run(8);
    assert_eq!(machine.tsch(), (Cc0, ENDED.into()));
    assert_eq!(machine.tsch(), (Cc0, ATTENTION.into()));
    machine.works();
}

#[test]
fn it_comes_to_its_suspension_while_it_is_to_be_halted() {
    let mut machine = two();
    machine.start(S_U);
    // The device has stopped there, and its status is not read yet.
    machine.refuse(Call::Halt, 1, Errno::EBUSY);
    assert_eq!(machine.hsch(), Cc0);
    let halted = "08c86001 00002010 00000000";
    assert_eq!(machine.tsch(), (Cc0, halted.into()));
    machine.events();
    // That was all: the next program has its own end, and no other.
    machine.second(GO);
    machine.start(S_U);
    assert_eq!(machine.events(), [""; 0]);
    machine.io();
    assert_eq!(machine.events(), [INTERRUPT]);
    assert_eq!(machine.scsw(), "08c84007 00002010 0c000000");
}

/// In the host's terms, behind the second CCW in the first slot.
#[test]
fn halted_where_it_stands() {
    let mut machine = Setup::default().stepped().machine();
    machine.program(&TWO);
    machine.start(S);
    let both = irb([0x08c0_6017, 0x4000_1010, 0x0c20_0000]);
    machine.disturb(InterruptFault::Replaced(both));
    assert_eq!(machine.hsch(), Cc0);
    machine.run(8);
    machine.ends("08c06001 00002010 00000000");
    assert_eq!(machine.metrics().unexplained, 0);
    assert_eq!(machine.rsch(), Cc2);
    machine.works();
}

/// It stands suspended at once, behind the channel end of another: what the device says of that one is
/// not its status. In the host's terms, behind the first CCW in the first slot.
#[test]
fn behind_a_program_whose_device_end_is_to_come() {
    use ccw::DeviceStatus;
    // Device end, while the host says that it goes on: the kernel would stay busy.
    let device_end = irb([0x00c0_4043, 0x4000_1008, 0x0400_0000]);
    let channel_end_again = irb([0x00c0_4045, 0x4000_1008, 0x0800_0000]);
    let pci = irb([0x00c0_40c9, 0x4000_1008, 0x0080_0000]);
    for (status, clears) in [(device_end, 1), (channel_end_again, 0), (pci, 0)] {
        let first = read().with_status(DeviceStatus::CHANNEL_END);
        let responses = [first.then(DeviceStatus::DEVICE_END), read()];
        let mut machine = Setup::responding(responses).stepped().machine();
        machine.ssch();
        machine.run(1);
        assert_eq!(machine.tsch().0, Cc0);
        machine.program(&[[2, 2, 0, 4, 0, 0, 0x30, 0]]);
        machine.start(S);
        assert_eq!(machine.tsch(), (Cc0, "08c04029 00002008 00000004".into()));
        let stands = "08c04020 00002008 00000004";
        machine.device().interrupt(status);
        machine.io();
        assert_eq!(
            (machine.made(Call::Clear), machine.scsw()),
            (clears, stands.into())
        );
        machine.run(8);
        assert_eq!((machine.tsch().0, machine.held()), (Cc1, (0, 0)));
        assert!(machine.sch.snapshot().is_ok());
        machine.program(&[READ]);
        assert_eq!(machine.rsch(), Cc0);
        machine.run(8);
        assert_eq!(machine.tsch(), (Cc0, "08c04007 00002008 0c000000".into()));
        assert_eq!(machine.tsch(), (Cc0, "00000011 00000000 04000000".into()));
        assert_eq!(machine.tsch().0, Cc1);
        machine.works();
    }
}
