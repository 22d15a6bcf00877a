// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Storage that is lost under a program, which a window lets nobody do: data that goes by way of a copy
//! does not come to the guest then, and the guest is told so.

use ccw::{DeviceClass, GuestAddr, RawOrb, SubsystemId};
use css::device::scripted::{Response, Scripted};
use translator::Policy;

use super::*;
use crate::device::fault::{Call, Fault, FaultInjector};
use crate::device::soft::{SoftConfig, SoftDevice, SoftSpace};
use crate::mediator::{ConditionCode, Event, Mediator, MediatorConfig};
use crate::{Errno, HostMemory, Source};

type Device = FaultInjector<SoftDevice<Scripted, SoftSpace>>;

/// READ of 24 bytes by MIDAWs that no list of blocks names, which goes on behind a record of another
/// length; with PCI as well.
const READ: [u8; 8] = [2, 0x61, 0, 24, 0, 0, 0x21, 0];
const READ_PCI: [u8; 8] = [2, 0x69, 0, 24, 0, 0, 0x21, 0];
const NOP: [u8; 8] = [3, 0x20, 0, 1, 0, 0, 0, 0];
/// 6 bytes to 3FFA, 12 to 5004, 6 to 4FF0, which is the last one.
const MIDAWS: [u64; 6] = [6, 0x3ffa, 12, 0x5004, 0x80_0006, 0x4ff0];

struct Machine {
    sch: Mediator<Device>,
    ram: HostMemory,
    events: Vec<Event>,
}

impl Machine {
    /// A program of two CCWs was started by an ORB with this word 1, and the page at 5000 is lost.
    fn new(word1: u32, first: [u8; 8]) -> Self {
        let record: Vec<u8> = (1..=24).collect();
        let responses = [Response::input(&record), Response::immediate()];
        let (space, config) = (SoftSpace::new(), SoftConfig::default());
        let config = SoftConfig { steps: 0, ..config };
        let device = SoftDevice::new(Scripted::new(responses), space.clone(), config).unwrap();
        let window = ShadowWindow::new(space, WindowConfig::default()).unwrap();
        let ram = HostMemory::anonymous(0x1_0000).unwrap();
        let region = GuestRegion::new(GuestAddr::new(0), ram.clone());
        window.add(region).unwrap();
        ram.write(0x2000, [first, NOP].as_flattened()).unwrap();
        let midaws = MIDAWS.map(u64::to_be_bytes);
        ram.write(0x2100, midaws.as_flattened()).unwrap();
        let mut config = MediatorConfig::new(SubsystemId::new(0, 0).unwrap(), 0x190);
        config.guest.policy = Policy::MEDIATE.for_device(DeviceClass::Tape);
        let device = FaultInjector::new(device).unwrap();
        let mut machine = Self {
            sch: Mediator::attach(device, window.clone(), config).unwrap(),
            ram,
            events: Vec::new(),
        };
        let mut schib = machine.sch.stsch(&mut machine.events);
        schib.0[5] |= 0x80;
        assert_eq!(machine.sch.msch(&schib), Ok(ConditionCode::Cc0));
        let orb = RawOrb::from_words([0, word1, 0x2000]);
        let code = machine.sch.ssch(&orb, &mut machine.events);
        assert_eq!(code, Ok(ConditionCode::Cc0));
        let lost = window.lay_out(|layout| Ok(layout.with_holes(|it| it.insert(0x5000..0x6000))?));
        lost.unwrap();
        machine
    }

    /// The program ends; words 0 to 2 of the status.
    fn ends(&mut self) -> [u32; 3] {
        self.sch.device_mut().with(|soft| soft.run(20));
        self.sch.ready(Source::Io, &mut self.events);
        let (code, irb) = self.sch.tsch(&mut self.events);
        assert_eq!(code, ConditionCode::Cc0);
        assert_eq!(self.sch.metrics().damaged, 1);
        assert!(self.sch.is_quiet());
        assert_eq!(self.sch.window().in_flight(), 0);
        let irb = irb.unwrap().0;
        std::array::from_fn(|n| u32::from_be_bytes(irb.as_chunks().0[n]))
    }
}

/// Its end would have been 00c04007, 0c000001: channel-control check, and no count.
#[test]
fn at_the_end_of_the_program() {
    let mut machine = Machine::new(0x00c2_8040, READ);
    assert_eq!(machine.ends(), [0x00c0_4017, 0x2010, 0x0c04_0000]);
    // What comes before is there, and what comes behind it as well.
    for (at, bytes) in [(0x3ffa, 1..7), (0x5004, 0..0), (0x4ff0, 19..25)] {
        let mut found = [0; 6];
        machine.ram.read(at, &mut found).unwrap();
        let mut expected = [0; 6];
        bytes.zip(&mut expected).for_each(|(byte, to)| *to = byte);
        assert_eq!(found, expected, "{at:x}");
    }
}

/// Prefetching is forbidden: the second part is not begun. The PCI was not told before.
#[test]
fn at_the_end_of_a_part() {
    let mut machine = Machine::new(0x0082_8040, READ_PCI);
    assert_eq!(machine.ends(), [0x0080_4017, 0x2010, 0x0084_0000]);
    assert_eq!(machine.sch.device().made(Call::Start), 1);
}

/// The program ends by itself before the host can be told to halt.
#[test]
fn while_it_is_halted() {
    for (word1, first, status) in [
        (0x00c2_8040, READ, [0x00c0_6017, 0x2010, 0x0c04_0000]),
        (0x0082_8040, READ_PCI, [0x0080_6017, 0x2010, 0x0004_0000]),
    ] {
        let mut machine = Machine::new(word1, first);
        for nth in 1..4 {
            let put_off = Fault::Refused(Errno::EAGAIN.into());
            machine.sch.device_mut().fail(Call::Halt, nth, put_off);
        }
        let code = machine.sch.hsch(&mut machine.events);
        assert_eq!(code, ConditionCode::Cc0);
        assert_eq!(machine.ends(), status);
    }
}
