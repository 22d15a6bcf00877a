// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is nobody's mistake: storage that cannot be read, a device that cannot wait or breaks its
//! rules. "PoP: Subchannel-Status Field". Incorrect length, which is of this group too, has a suite
//! of its own (`length`).

use ccw::{Class, Command, DeviceStatus, Direction, Esw, GuestAddr};
use css::device::scripted::Response;
use css::{Device, Progress, Reply, Transfer};

use crate::common::{Bench, F1, MIDAW};

/// Sends bytes until the channel takes no more or `0` have gone, and then loses one.
struct Hasty(usize);

impl Device for Hasty {
    fn execute(&mut self, _: Command, transfer: &mut dyn Transfer) -> Reply {
        transfer.write(&vec![0xd5; self.0]);
        transfer.overrun();
        Reply::OK
    }
}

#[test]
fn n02_chaining_check() {
    // Four bytes and then four; the condition is that of the second CCW as soon as it is in control.
    let program = "02800004 00002000 00200004 00003000";
    for (sent, scsw) in [
        // Under the first CCW it is the device's own affair; what is left is a wrong length.
        (3, "00C04017 00001008 0C400001"),
        (4, "00C04017 00001010 0C010004"),
        (6, "00C04017 00001010 0C010002"),
    ] {
        let mut bench = Bench::new(F1, program, []);
        bench.start();
        let progress = bench
            .subchannel
            .run(&mut bench.storage, &mut Hasty(sent), 10);
        assert_eq!(progress, Progress::Pending);
        assert_eq!(bench.scsw()[..22], scsw[..22]);
        assert_eq!(bench.condition(), if sent == 3 { "none" } else { "N02" });
        assert_eq!(bench.read(0x2000, 3), [0xd5; 3]);
    }
}

/// The program ends with a check in which the channel has logged out, and what it says of the CCW.
fn ends(mut bench: Bench, condition: &str, scsw: &str) -> Bench {
    assert_eq!(bench.run_to_check(), scsw);
    assert_eq!(bench.condition(), condition);
    assert!(matches!(bench.subchannel.irb().esw, Esw::Logout { .. }));
    bench
}

fn damaged(mut bench: Bench, addr: u64) -> Bench {
    bench.storage.damage(GuestAddr::new(addr));
    bench
}

#[test]
fn n03_chan_data_check() {
    // Eight bytes before the damaged block and eight in it: input and output.
    for command in ["02", "01"] {
        let program = format!("{command}200010 00002FF8 03200001 00000000");
        let response = Response::new(css::device::scripted::Data::Length(16, 0x61));
        let bench = damaged(Bench::new(F1, &program, [response]), 0x3000);
        let bench = ends(bench, "N03", "04C04017 00001008 0C08xxxx");
        match command {
            "02" => assert_eq!(bench.read(0x2ff8, 8), (0x61..0x69).collect::<Vec<_>>()),
            _ => assert_eq!(bench.device.sent()[0].output, [0; 8]),
        }
    }
    // A device that ends before is not disturbed, and skipped input is stored nowhere.
    for program in ["02200010 00002FF8", "02300010 00003000"] {
        let mut bench = damaged(Bench::new(F1, program, [Response::input(&[1; 8])]), 0x3000);
        assert_eq!(bench.run(), "00C04007 00001008 0C000008");
    }
}

#[test]
fn n04_chan_ctl_check() {
    // The first CCW, before the device has heard anything; and one by command chaining.
    let bench = damaged(Bench::new(F1, "03200001 00000000", []), 0x1000);
    let bench = ends(bench, "N04", "04C04017 00001008 0004xxxx");
    assert!(bench.device.sent().is_empty());
    let program = "03600001 00000000 08000000 00002000";
    let bench = damaged(Bench::new(F1, program, []), 0x2000);
    let bench = ends(bench, "N04", "04C04017 00002008 0004xxxx");
    assert_eq!(bench.device.sent().len(), 1);
    // Words of a list, when their turn comes: the second IDAW of 4 KiB, the only MIDAW.
    let input = || [Response::input(&[0x77; 0x2000])];
    let bench = Bench::new(F1, "02242000 00002FF8", input()).with(0x2ff8, "00000000 00005000");
    let bench = damaged(bench, 0x3000);
    let bench = ends(bench, "N04", "04C04017 00001008 0C04xxxx");
    assert_eq!(bench.read(0x5000, 0x1000), [0x77; 0x1000]);
    let bench = damaged(Bench::new(F1 | MIDAW, "02210010 00003000", input()), 0x3000);
    ends(bench, "N04", "04C04017 00001008 0C04xxxx");
}

/// Answers a READ with output, and presents an ending without channel end.
struct Faulty(Direction);

impl Device for Faulty {
    fn execute(&mut self, command: Command, transfer: &mut dyn Transfer) -> Reply {
        assert_ne!(command.class(), Class::Tic);
        match self.0 {
            Direction::ToDevice => assert_eq!(transfer.read(&mut [0]), 0),
            Direction::FromDevice => {
                transfer.write(&[1]);
                return Reply::Ending(DeviceStatus::DEVICE_END);
            }
        }
        Reply::OK
    }
}

#[test]
fn n05_if_ctl_check() {
    for (direction, status) in [(Direction::ToDevice, "0C"), (Direction::FromDevice, "04")] {
        let mut bench = Bench::new(F1, "02000004 00002000", []);
        bench.start();
        let mut device = Faulty(direction);
        let progress = bench.subchannel.run(&mut bench.storage, &mut device, 10);
        assert_eq!(progress, Progress::Pending);
        let scsw = bench.scsw();
        assert_eq!(scsw[..22], format!("04C04017 00001008 {status}02"));
        let irb = bench.subchannel.irb();
        assert!(matches!(irb.esw, Esw::Logout { .. }));
    }
}
