// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Condition codes, halt, clear, cancel, suspend and resume. "PoP: I/O Instructions".

use ccw::orb::word1::{PREFETCH, SUPPRESS_SUSPENDED};
use ccw::{Command, DeviceStatus, Orb, RawOrb};
use css::device::scripted::{Response, Scripted};
use css::{CannotStart, ConditionCode, OperandException, Progress};

use crate::common::{Bench, F1, SUSPEND, show};
use ConditionCode::{Cc0, Cc1, Cc2, Cc3};

const TWO: &str = "03600001 00000000 07200001 00000000";

fn start_raw(bench: &mut Bench, word1: u32, word2: u32) -> Result<(), CannotStart> {
    bench
        .subchannel
        .start_raw(&RawOrb::from_words([0, word1, word2]))
}

#[test]
fn o02_o03_o04_bits_that_must_be_zero() {
    let mut bench = Bench::new(F1, TWO, []);
    for bit in [0x20, 0x10, 0x08, 0x04, 0x02] {
        let refused = start_raw(&mut bench, F1 | bit, 0x1000);
        assert_eq!(refused, Err(OperandException::Reserved.into()));
    }
    let refused = start_raw(&mut bench, F1, 0x8000_1000);
    assert_eq!(refused, Err(OperandException::ProgramAddress.into()));
    let refused = start_raw(&mut bench, F1 | 0x0004_0000, 0x1000);
    assert_eq!(refused, Err(OperandException::TransportMode.into()));
    assert_eq!(bench.scsw(), "00000000 00000000 00000000");
    assert_eq!(start_raw(&mut bench, F1, 0x1000), Ok(()));
    assert_eq!(bench.scsw(), "00C04400 00001000 00000000");
}

#[test]
fn o09_no_path() {
    let mut bench = Bench::new(F1, TWO, []);
    let refused = start_raw(&mut bench, 0x00c2_7f00, 0x1000);
    assert_eq!(refused, Err(CannotStart::Condition(Cc3)));
}

#[test]
fn start_is_refused_while_busy_or_status_is_pending() {
    let mut bench = Bench::new(F1, TWO, []);
    bench.start();
    let orb = Orb::decode(&RawOrb::from_words([0, F1, 0x1000]));
    assert_eq!(
        bench.subchannel.start(&orb),
        Err(CannotStart::Condition(Cc2))
    );
    bench.go();
    assert_eq!(
        bench.subchannel.start(&orb),
        Err(CannotStart::Condition(Cc1))
    );
    assert_eq!(bench.subchannel.test().0, Cc0);
    assert_eq!(bench.subchannel.test().0, Cc1);
    assert_eq!(bench.subchannel.start(&orb), Ok(()));
}

#[test]
fn test_clears_functions_and_status_and_keeps_the_rest() {
    let mut bench = Bench::new(F1, TWO, []);
    bench.run();
    let (_, irb) = bench.subchannel.test();
    assert_eq!(show(&irb.scsw), "00C04007 00001010 0C000001");
    assert_eq!(bench.scsw(), "00C00000 00001010 0C000001");
}

#[test]
fn clear_forgets_everything() {
    let mut bench = Bench::new(F1, TWO, []);
    bench.start();
    bench.step();
    assert_eq!(bench.subchannel.clear(), Cc0);
    assert_eq!(bench.scsw(), "00001100 00000000 00000000");
    assert_eq!(bench.subchannel.halt(), Cc2);
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "00001001 00000000 00000000");
    assert_eq!(bench.commands(), [3]);
    bench.subchannel.test();
    assert_eq!(bench.go(), Progress::Idle);
    // Pending status is discarded at once.
    bench.run();
    assert_eq!(bench.subchannel.clear(), Cc0);
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "00001001 00000000 00000000");
}

#[test]
fn halt_before_the_first_command() {
    let mut bench = Bench::new(F1, TWO, []);
    bench.start();
    assert_eq!(bench.subchannel.halt(), Cc0);
    assert_eq!(bench.scsw(), "00C06600 00001000 00000000");
    assert_eq!(bench.subchannel.halt(), Cc2);
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "00C06001 00001000 00000000");
    assert!(bench.commands().is_empty());
    assert_eq!(bench.subchannel.halt(), Cc1);
    bench.subchannel.test();
    assert_eq!(bench.scsw(), "00C00000 00001000 00000000");
}

#[test]
fn halt_between_commands_names_the_last_one() {
    let mut bench = Bench::new(F1, TWO, []);
    bench.start();
    bench.step();
    assert_eq!(bench.subchannel.halt(), Cc0);
    assert_eq!(bench.go(), Progress::Pending);
    assert!(bench.scsw().starts_with("00C06001 00001008 0000"));
    assert_eq!(bench.commands(), [3]);
}

#[test]
fn halt_while_the_device_works_brings_its_ending_status() {
    let first = Response::input(&[1; 5])
        .with_status(DeviceStatus::CHANNEL_END)
        .then(DeviceStatus::DEVICE_END);
    let mut bench = Bench::new(F1, "02600008 00002000 07200001 00000000", [first]);
    bench.start();
    bench.step();
    assert_eq!(bench.subchannel.halt(), Cc0);
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "00C06007 00001008 0C000003");
}

#[test]
fn halt_of_an_idle_subchannel() {
    let mut bench = Bench::new(F1, TWO, []);
    assert_eq!(bench.subchannel.halt(), Cc0);
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "00002001 00000000 00000000");
}

#[test]
fn cancel_takes_back_a_start() {
    let mut bench = Bench::new(F1, TWO, []);
    assert_eq!(bench.subchannel.cancel(), Cc2);
    bench.start();
    assert_eq!(bench.subchannel.cancel(), Cc0);
    assert_eq!(bench.go(), Progress::Idle);
    bench.start();
    bench.step();
    assert_eq!(bench.subchannel.cancel(), Cc2);
    bench.go();
    assert_eq!(bench.subchannel.cancel(), Cc1);
}

/// READ, then a NOP with the S flag and PCI, then a control command.
const SUSPENDING: &str = "02600004 00002000 036A0001 00000000 07200001 00000000";

#[test]
fn a_program_suspends_itself_and_is_resumed() {
    let mut bench = Bench::new(
        F1 | SUSPEND,
        "02600004 00002000 03620005 00000000 07200001 00000000",
        [Response::input(&[1; 4])],
    );
    bench.start();
    assert_eq!(bench.go(), Progress::Suspended);
    assert_eq!(bench.scsw(), "08C04029 00001010 00000005");
    assert_eq!(bench.commands(), [2]);
    // Not before the status was tested; once only.
    assert_eq!(bench.subchannel.resume(), Cc1);
    assert_eq!(bench.subchannel.test().0, Cc0);
    assert_eq!(bench.scsw(), "08C04020 00001010 00000005");
    assert_eq!(bench.go(), Progress::Suspended);
    // The flag is still there: it suspends again.
    assert_eq!(bench.subchannel.resume(), Cc0);
    assert_eq!(bench.subchannel.resume(), Cc2);
    assert_eq!(bench.go(), Progress::Suspended);
    assert_eq!(bench.scsw(), "08C04029 00001010 00000005");
    // The program takes the flag away; the CCW is fetched anew.
    bench.subchannel.test();
    bench = bench.with(0x1008, "0F600001");
    assert_eq!(bench.subchannel.resume(), Cc0);
    assert_eq!(bench.scsw(), "08C04820 00001010 00000005");
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "08C04007 00001018 0C000001");
    assert_eq!(bench.commands(), [0x02, 0x0f, 0x07]);
}

#[test]
fn the_resumed_ccw_is_checked_like_a_first_one() {
    let mut bench = Bench::new(F1 | SUSPEND, "03620001 00000000 08000000 00001000", []);
    bench.start();
    assert_eq!(bench.go(), Progress::Suspended);
    bench.subchannel.test();
    bench = bench
        .with(0x1000, "08000000 00002000")
        .with(0x2000, "07200001");
    bench.subchannel.resume();
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "08C04007 00002008 0C000001");
}

#[test]
fn a_resume_in_advance_passes_over_one_suspension() {
    let program = "03620001 00000000 0F620001 00000000 07200001 00000000";
    let mut bench = Bench::new(F1 | SUSPEND, program, []);
    bench.start();
    assert_eq!(bench.subchannel.resume(), Cc0);
    assert_eq!(bench.go(), Progress::Suspended);
    assert_eq!(bench.commands(), [3]);
    assert_eq!(bench.scsw(), "08C04029 00001010 00000001");
}

#[test]
fn resume_needs_the_suspend_control() {
    let mut bench = Bench::new(F1, TWO, []);
    assert_eq!(bench.subchannel.resume(), Cc2);
    bench.start();
    assert_eq!(bench.subchannel.resume(), Cc2);
}

#[test]
fn suspension_without_interruption() {
    let word1 = F1 | SUSPEND | SUPPRESS_SUSPENDED;
    let mut bench = Bench::new(word1, "03620001 00000000", []);
    bench.start();
    assert_eq!(bench.go(), Progress::Suspended);
    assert_eq!(bench.scsw(), "08C84020 00001008 00000001");
    // PCI in the same CCW is reported all the same.
    let mut bench = Bench::new(word1, SUSPENDING, [Response::input(&[1; 4])]);
    bench.start();
    assert_eq!(bench.go(), Progress::Suspended);
    assert_eq!(bench.scsw(), "08C84029 00001010 00800001");
}

#[test]
fn a_suspended_program_can_be_halted_cleared_and_cancelled() {
    let suspended = || {
        let mut bench = Bench::new(F1 | SUSPEND, "03620005 00000000", []);
        bench.start();
        assert_eq!(bench.go(), Progress::Suspended);
        bench
    };
    let mut bench = suspended();
    assert_eq!(bench.subchannel.halt(), Cc0);
    assert_eq!(bench.go(), Progress::Pending);
    assert!(bench.scsw().starts_with("08C06001 00001008 0000"));
    let mut bench = suspended();
    assert_eq!(bench.subchannel.clear(), Cc0);
    assert_eq!(bench.go(), Progress::Pending);
    assert_eq!(bench.scsw(), "00001001 00000000 00000000");
    let mut bench = suspended();
    bench.subchannel.test();
    assert_eq!(bench.subchannel.cancel(), Cc0);
    assert_eq!(bench.go(), Progress::Idle);
}

/// A device that writes down where chains begin.
struct Chains {
    device: Scripted,
    /// Before which command, by its number.
    begins: Vec<usize>,
}

impl css::Device for Chains {
    fn execute(&mut self, command: Command, transfer: &mut dyn css::Transfer) -> css::Reply {
        self.device.execute(command, transfer)
    }

    fn begin(&mut self) {
        self.begins.push(self.device.sent().len());
    }
}

#[test]
fn a_resumed_program_begins_a_new_chain() {
    let program = "03600001 00000000 03600001 00000000 03620001 00000000 07200001 00000000";
    let mut bench = Bench::new(F1 | SUSPEND, program, []);
    let mut device = Chains {
        device: Scripted::new([]),
        begins: Vec::new(),
    };
    bench.start();
    let mut go = |bench: &mut Bench| bench.subchannel.run(&mut bench.storage, &mut device, 100);
    assert_eq!(go(&mut bench), Progress::Suspended);
    bench.subchannel.test();
    bench = bench.with(0x1010, "0F600001");
    assert_eq!(bench.subchannel.resume(), Cc0);
    assert_eq!(go(&mut bench), Progress::Pending);
    assert_eq!(device.begins, [0, 2]);
    // The initial status of a program is another matter: there is one.
    assert_eq!(bench.scsw(), "08C04007 00001020 0C000001");
}

/// Prefetching forbidden or not, this channel fetches a CCW when the command before has ended.
#[test]
fn a_ccw_is_fetched_when_it_takes_control() {
    for word1 in [F1, F1 & !PREFETCH] {
        let mut bench = Bench::new(word1, "036C0001 00000000 03600001 00000000", []);
        bench.start();
        assert_eq!(bench.step(), Progress::Working);
        bench = bench.with(0x1008, "0F200001");
        assert_eq!(bench.go(), Progress::Pending);
        assert_eq!(bench.commands(), [0x03, 0x0f]);
    }
}
