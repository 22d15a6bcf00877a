// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A software device that fails as it is told: whatever happens, the guest's programs end, their
//! pins come back, and the subchannel works again when nothing fails any more.

mod storage;
mod transport;

use ccw::{DeviceClass, DeviceStatus, FunctionControl, GuestAddr, StatusControl};
use css::device::scripted::{Data, Response, Scripted};
use translator::HostProfile;
use vfio_ccw::device::fault::{Call, Fault, FaultInjector, InterruptFault};
use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace, Unread};
use vfio_ccw::mediator::ConditionCode;
use vfio_ccw::{DeviceError, Errno, Source};

use storage::{Leaving, WATCH};

use super::guest::{Guest, PROGRAMS, orb};
use super::stream::Stream;
use super::window::{REGION, window};

type Device = FaultInjector<SoftDevice<Scripted, SoftSpace>>;

/// Most operations of one case.
const OPERATIONS: usize = 200;
/// Rounds in which everything that can go on does. Each takes a timer with it, and each fault that
/// was planned costs a few.
const ROUNDS: usize = 300;
/// Kinds of operations.
pub(super) const KINDS: u8 = 30;

struct World {
    guest: Guest<Device>,
    /// Storage that is being taken away.
    leaving: Option<Leaving>,
    /// A region that was taken away.
    missing: Option<GuestAddr>,
    /// Whether the host took the device away. Not every device can say so.
    unplugged: bool,
    /// Some status said what is not so.
    is_lied_to: bool,
    /// Its guest has transport mode, and may not give its device everything.
    transport: bool,
    /// Whether the device can be stopped, and shown to be idle.
    can_stop: bool,
    can_show: bool,
}

/// Lives through the case that `bytes` describe.
///
/// # Panics
///
/// When something that must hold does not.
pub fn check(bytes: &[u8]) {
    let mut stream = Stream(bytes);
    let mut world = World::new(&mut stream);
    for _ in 0..OPERATIONS {
        if stream.is_empty() {
            break;
        }
        world.operation(&mut stream);
        world.guest.look();
    }
    world.come_to_rest();
    world.work_again();
}

impl World {
    fn new(stream: &mut Stream<'_>) -> Self {
        let features = stream.byte();
        let has = |bit: u8| features & bit == 0;
        let mut config = SoftConfig {
            steps: if has(0x01) { 16 } else { 0 },
            unread: if has(0x02) {
                Unread::Overwritten
            } else {
                Unread::Kept
            },
            ..SoftConfig::default()
        };
        config.pmcw.pim = 0xc0;
        config.pmcw.pam = 0xc0;
        config.pmcw.lpm = 0xc0;
        config.capabilities.async_command = has(0x04);
        config.capabilities.reset = has(0x08);
        config.capabilities.schib = has(0x10);
        let responses = (0..8).map(|n| {
            let ended = DeviceStatus::CHANNEL_END;
            let input = Response::new(Data::Length(4 << n, n));
            match n % 3 {
                // Two CCWs: the second one suspends, if the ORB allows that.
                0 if n > 0 => {
                    Response::input(&[3, 0x60, 0, 1, 0, 0, 0, 0, 3, 0x22, 0, 1, 0, 0, 0, 0])
                }
                0 => input,
                1 => input.with_status(ended).then(DeviceStatus::DEVICE_END),
                _ => Response::immediate()
                    .with_status(ended | DeviceStatus::DEVICE_END | DeviceStatus::UNIT_CHECK)
                    .with_sense(&[0x80, 1]),
            }
        });
        let space = SoftSpace::new();
        let model = Scripted::new(responses);
        let soft = SoftDevice::new(model, space.clone(), config).expect("event descriptors");
        let device = FaultInjector::new(soft).expect("event descriptors");
        let (window, memory) = window(space);
        let guest = Guest::new(device, window, memory, |settings| {
            if !has(0x20) {
                settings.profile = HostProfile::SOFTWARE;
            }
            // A device that keeps nothing in a chain, so that nothing is repeated.
            if !has(0x40) {
                let policy = settings.guest.policy;
                settings.guest.policy = policy.for_device(DeviceClass::Tape);
            }
            if !has(0x80) {
                transport::offer(settings);
            }
        });
        Self {
            guest,
            leaving: None,
            missing: None,
            unplugged: false,
            is_lied_to: false,
            transport: !has(0x80),
            can_stop: has(0x04) || has(0x08),
            can_show: has(0x10),
        }
    }

    fn device(&mut self) -> &mut Device {
        self.guest.sch.device_mut()
    }

    fn ready(&mut self, source: Source) {
        self.guest.sch.ready(source, &mut self.guest.events);
        self.guest.look();
    }

    fn operation(&mut self, stream: &mut Stream<'_>) {
        match stream.below(KINDS) {
            1 if self.transport => {
                self.guest.start_transport(stream);
            }
            0 | 1 => {
                self.guest.start();
            }
            2 => {
                let (word1, cpa) = orb(stream);
                self.guest.ssch(word1, cpa);
            }
            3 => self.guest.hsch(),
            4 => self.guest.csch(),
            5 => self.guest.xsch(),
            6 | 7 => {
                self.guest.tsch();
            }
            8 => {
                self.guest.rsch();
            }
            9 => {
                let (enabled, sense) = (stream.byte() & 0x80, stream.byte() & 1);
                self.guest.msch(enabled, sense);
            }
            10 => {
                let program = PROGRAMS[usize::from(stream.below(10))];
                self.guest.program(program);
            }
            11 => {
                let (at, bytes) = (stream.half(), stream.bytes::<8>());
                let (region, at) = (usize::from(at & 1), usize::from(at & !1));
                // What does not lie in storage is not written.
                if self.guest.memory[region].write(at, &bytes).is_ok() {
                    let start = REGION * region as u64 + at as u64;
                    self.guest.dirty.note(start..start + 8);
                }
            }
            12 | 13 => {
                let steps = u32::from(stream.below(8));
                self.device().with(|soft| soft.run(steps));
            }
            14 | 15 => self.ready(Source::Io),
            16 => self.ready(Source::Crw),
            17 => self.ready(Source::Request),
            18 => self.guest.time(),
            19 => {
                let id = u64::from(stream.byte());
                self.guest.sch.expired(id, &mut self.guest.events);
            }
            20 | 21 => self.plan_fault(stream),
            22 => {
                let (nth, fault) = (stream.below(4), interrupt_fault(stream));
                self.is_lied_to |= matches!(fault, InterruptFault::Replaced(_));
                self.device().disturb(nth.into(), fault);
            }
            23 => self.device().release(),
            24 => {
                let status = DeviceStatus::from_bits_retain(stream.byte());
                self.device().with(|soft| {
                    soft.model_mut().present(status);
                    soft.run(2)
                });
            }
            25 => {
                let (mask, lose) = (stream.byte() & 0xc0, stream.flag());
                match lose {
                    true => self.device().lose_paths(mask),
                    false => self.device().restore_paths(mask),
                }
            }
            26 => self.take_storage_away(stream),
            27 => self.guest.sch.stop(&mut self.guest.events),
            28 => match stream.below(4) {
                0 => self.device().request(),
                1 => {
                    self.unplugged = true;
                    self.device().unplug();
                }
                2 => self.guest.sch.unplug(&mut self.guest.events),
                _ => self.guest.reset(),
            },
            _ => {
                let irb = irb(stream);
                self.is_lied_to = true;
                self.device().interrupt(irb);
            }
        }
    }

    fn plan_fault(&mut self, stream: &mut Stream<'_>) {
        let call = Call::ALL[usize::from(stream.below(8))];
        let nth = u32::from(stream.below(4));
        let fault = match stream.below(16) {
            15 => Fault::Done(DeviceError::Short {
                done: 12,
                wanted: 124,
            }),
            n => Fault::Refused(
                [
                    Errno::EBUSY,
                    Errno::EAGAIN,
                    Errno::ENODEV,
                    Errno::EACCES,
                    Errno::EINVAL,
                    Errno::ENOENT,
                    Errno::EIO,
                    Errno::ENOMEM,
                ][usize::from(n % 8)]
                .into(),
            ),
        };
        self.device().fail(call, nth, fault);
    }

    /// One round in which everything goes on that can.
    fn round(&mut self) {
        self.device().release();
        self.device().with(|soft| soft.run(4));
        for source in Source::ALL {
            self.ready(source);
        }
        self.guest.time();
    }

    /// Up to `most` rounds, until nothing is left to happen.
    fn rounds(&mut self, most: usize) {
        let mut idle = 0;
        for _ in 0..most {
            self.round();
            let sch = &self.guest.sch;
            // A start that waits has a timer; one that only watches is longer.
            let waits = sch.timer().is_some_and(|timer| timer.after < WATCH);
            idle = if sch.is_quiet() && !waits {
                idle + 1
            } else {
                0
            };
            if idle == 2 {
                break;
            }
        }
    }

    /// Nothing new happens. The guest gives up what does not end.
    fn come_to_rest(&mut self) {
        self.leaving = None;
        self.bring_back();
        self.rounds(100);
        if !self.guest.sch.is_quiet() {
            self.guest.tsch();
            self.guest.msch(0x80, 1);
            self.guest.csch();
            self.rounds(ROUNDS);
        } else if self.can_show {
            self.guest.check_rest();
        }
        if self.guest.sch.is_quiet() {
            let window = self.guest.sch.window();
            assert_eq!(window.in_flight(), window.quarantined(), "pins were lost");
        } else {
            // Only a device that can neither clear nor reset may go on for ever.
            assert!(!self.can_stop, "the device was never stopped");
        }
        if self.guest.sch.is_quiet() && !self.is_lied_to {
            self.guest.dirty.check(&self.guest.memory);
        }
        let metrics = self.guest.sch.metrics();
        let lost = metrics.quarantined - metrics.released;
        assert_eq!(self.guest.sch.window().quarantined() as u64, lost);
        assert!(lost == 0 || self.guest.gone);
    }

    /// A reset, and then a program that goes well, although faults are still planned.
    fn work_again(&mut self) {
        self.device().restore_paths(0xff);
        self.guest.program(PROGRAMS[0]);
        for _ in 0..ROUNDS {
            if self.guest.gone || self.unplugged || !self.can_stop {
                return;
            }
            self.guest.reset();
            self.rounds(20);
            self.guest.msch(0x80, 1);
            if self.guest.start() != Some(ConditionCode::Cc0) {
                continue;
            }
            self.rounds(20);
            let scsw = self.guest.scsw();
            let ended = StatusControl::PENDING | StatusControl::PRIMARY;
            if scsw.status.contains(ended) {
                assert_eq!(scsw.function, FunctionControl::START);
                assert!(self.guest.tsch().is_some());
                // A device end that is lost is noticed only where the subchannel can be looked at.
                let quiet = self.can_show || self.guest.sch.is_quiet();
                // A status that was planned to be replaced can say anything else.
                let well = scsw.subchannel.is_empty() && scsw.cpa == 0x2008;
                if well && quiet {
                    self.guest.check_rest();
                    return;
                }
            }
        }
        panic!("it does not work any more");
    }
}

fn interrupt_fault(stream: &mut Stream<'_>) -> InterruptFault {
    match stream.below(7) {
        0 => InterruptFault::Late,
        1 => InterruptFault::Doubled,
        2 => InterruptFault::Lost,
        3 => InterruptFault::Overwritten,
        4 => InterruptFault::Followed,
        5 => InterruptFault::WithAttention,
        _ => InterruptFault::Replaced(irb(stream)),
    }
}

/// An IRB of any kind, more often one that could be meant.
fn irb(stream: &mut Stream<'_>) -> [u8; 96] {
    let mut irb = [0; 96];
    let words = match stream.below(8) {
        0 => [0x00c0_4007, 0x4000_1008, 0x0c00_0000],
        1 => [0x00c0_60c1, 0x4000_1008, 0],
        2 => [0x0000_1001, 0, 0],
        3 => [0x0000_0011, 0, 0x8000_0000],
        4 => [0x00c0_40c9, 0x4000_1008, 0x0080_0000],
        5 => [0x0380_4011, 0x4000_1000, 0],
        6 => [0x00c0_4005, 0x4000_1010, 0x0800_0000],
        _ => [stream.word(), stream.word(), stream.word()],
    };
    for (to, word) in irb.as_chunks_mut().0.iter_mut().zip(words) {
        *to = word.to_be_bytes();
    }
    irb
}
