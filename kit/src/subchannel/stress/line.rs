// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One subchannel of a stress: its guest, its device, and what goes wrong there.

use std::sync::Arc;

use ccw::{DeviceClass, FunctionControl};
use vfio_ccw::device::fault::{Call, Fault, FaultInjector, InterruptFault};
use vfio_ccw::device::soft::{SoftConfig, SoftDevice};
use vfio_ccw::mediator::{ConditionCode, Metrics, ResetAcknowledged, ShadowWindow};
use vfio_ccw::{CcwDevice, DeviceError, Errno, HostMemory, Source};

use super::super::guest::{Guest, Place};
use super::counts::{Counts, Kind};
use super::device::{DATA, Model, Space};
use super::program::Program;
use super::random::Random;
use super::storage::Regions;

type Device = FaultInjector<SoftDevice<Model, Space>>;

/// Rounds in which everything that can go on does.
const ROUNDS: usize = 400;

/// What all subchannels have in common.
pub(super) struct Shared {
    pub(super) window: ShadowWindow,
    pub(super) space: Space,
    /// Where programs are.
    pub(super) programs: HostMemory,
    pub(super) regions: Regions,
}

pub(super) struct Line {
    shared: Arc<Shared>,
    place: Place,
    guest: Guest<Device>,
    program: Program,
    /// A start was accepted, and the guest was not told what became of it.
    outstanding: bool,
    /// Withdrawals that it has made way for.
    seen: u64,
    pub(super) random: Random,
    pub(super) counts: Counts,
    /// I/O instructions, interrupts, and requests to map and unmap.
    pub(super) operations: u64,
    /// Of mediators that are no more.
    before: Vec<Metrics>,
}

fn device(shared: &Shared, number: u16) -> Device {
    let mut config = SoftConfig {
        // Half of them do nothing by themselves.
        steps: if number.is_multiple_of(2) { 8 } else { 0 },
        ..SoftConfig::default()
    };
    config.pmcw.pim = 0xc0;
    config.pmcw.pam = 0xc0;
    config.pmcw.lpm = 0xc0;
    let soft = SoftDevice::new(Model::default(), shared.space.clone(), config);
    FaultInjector::new(soft.expect("event descriptors")).expect("event descriptors")
}

fn guest(shared: &Shared, place: Place) -> Guest<Device> {
    let memory = [(); 2].map(|()| shared.programs.clone());
    let device = device(shared, place.number);
    Guest::at(place, device, shared.window.clone(), memory, |settings| {
        settings.patience.retries = 20;
        // A device that keeps nothing in a chain.
        settings.guest.policy = settings.guest.policy.for_device(DeviceClass::Tape);
    })
}

impl Line {
    pub(super) fn new(shared: &Arc<Shared>, number: u16, seed: u64) -> Self {
        let place = Place {
            number,
            program: 0x1000 * u32::from(number),
            alone: false,
        };
        let mut random = Random(seed);
        let mut line = Self {
            shared: Arc::clone(shared),
            place,
            guest: guest(shared, place),
            program: Program::any(&mut random, number, place.program),
            outstanding: false,
            seen: 0,
            random,
            counts: Counts::default(),
            operations: 0,
            before: Vec::new(),
        };
        line.write();
        line
    }

    /// So many operations.
    pub(super) fn run(&mut self, operations: u64) {
        while self.operations < operations {
            self.make_way();
            self.operation();
        }
    }

    fn device(&mut self) -> &mut Device {
        self.guest.sch.device_mut()
    }

    fn operation(&mut self) {
        match self.random.index(256) {
            0..=79 if !self.outstanding => self.start(),
            0..=7 => self.start(),
            8..=39 => {
                let steps = 1 + self.random.index(6) as u32;
                self.device().with(|soft| soft.run(steps));
            }
            40..=99 => self.ready(Source::Io),
            100..=159 => self.test(),
            160..=183 => self.time(),
            184 | 185 => {
                self.operations += 1;
                self.guest.hsch();
            }
            186 => self.clear(),
            187..=189 => self.cancel(),
            190 | 191 => {
                self.operations += 2;
                self.guest.msch(0x80, 1);
            }
            192 => self.plan_fault(),
            193 | 194 => self.disturb(),
            195..=199 => {
                self.device().release();
                self.ready(Source::Crw);
            }
            200..=247 => {
                let regions = &self.shared.regions;
                self.operations += regions.change(&mut self.random, &mut self.counts);
            }
            248 | 249 => {
                self.operations += 1;
                self.guest.stsch();
            }
            250 | 251 => match self.random.index(16) {
                0..=3 => {
                    self.device().with(|soft| {
                        soft.model_mut().attention();
                        soft.run(2)
                    });
                }
                4 => self.guest.sch.stop(&mut self.guest.events),
                5 => self.device().lose_paths(0x80),
                6 if self.random.one_in(4) => self.device().lose_paths(0xc0),
                _ => self.device().restore_paths(0xc0),
            },
            252 => match self.random.index(40) {
                0 => self.reopen(),
                1..=3 => self.reset(),
                _ => {
                    self.operations += 1;
                    self.guest.rsch();
                }
            },
            _ => {}
        }
        if self.guest.gone {
            self.counts.count(Kind::DeviceLost);
            self.outstanding = false;
            self.reset();
        }
    }

    /// Writes the program, and what is stored where its data goes.
    fn write(&mut self) {
        self.guest.program(&self.program.ccws);
        let words: Vec<u8> = self
            .program
            .list
            .iter()
            .flat_map(|word| word.to_be_bytes())
            .collect();
        let at = usize::try_from(self.program.list_at()).expect("small");
        self.shared.programs.write(at, &words).expect("in storage");
    }

    fn start(&mut self) {
        self.operations += 1;
        // A program that waits, or runs, is not touched by a guest that knows what it does.
        if !self.outstanding {
            self.program = Program::any(&mut self.random, self.place.number, self.place.program);
            self.write();
            let regions = &self.shared.regions;
            for named in &mut self.program.data {
                named.changes = regions.changes(named.region);
                regions.store(named.region, named.offset, &[0; 16]);
            }
            let mut data = self.program.data.iter();
            self.program.there = data.all(|named| regions.is_there(named.region));
        }
        let code = match self.random.one_in(200) {
            // A reserved bit.
            true => self.guest.ssch(0x00c2_8002, self.place.program),
            false => self.guest.ssch(self.program.word1, self.place.program),
        };
        self.counts.count(match code {
            Some(ConditionCode::Cc0) => {
                self.outstanding = true;
                Kind::Started
            }
            Some(ConditionCode::Cc1) => Kind::Pending,
            Some(ConditionCode::Cc2) => Kind::Busy,
            Some(ConditionCode::Cc3) => Kind::NotOperational,
            None => Kind::Exception,
        });
    }

    fn ready(&mut self, source: Source) {
        self.operations += 1;
        self.guest.sch.ready(source, &mut self.guest.events);
        self.guest.look();
    }

    fn time(&mut self) {
        self.guest.time();
    }

    fn clear(&mut self) {
        self.operations += 1;
        self.guest.csch();
    }

    fn cancel(&mut self) {
        self.operations += 1;
        let kind = match self.guest.cancel() {
            ConditionCode::Cc0 => {
                self.outstanding = false;
                Kind::Cancelled
            }
            ConditionCode::Cc2 => Kind::NotCancelled,
            _ => return,
        };
        self.counts.count(kind);
    }

    fn test(&mut self) {
        self.operations += 1;
        let Some(irb) = self.guest.tsch() else {
            return;
        };
        let regions = &self.shared.regions;
        let data = &self.program.data;
        let changed = data
            .iter()
            .any(|it| regions.changes(it.region) != it.changes);
        let kind = self.program.judge(&irb, changed);
        let kind = kind.unwrap_or_else(|error| {
            panic!("{error}: {:02x?} of {:x?}", &irb.0[..12], self.program)
        });
        self.counts.count(kind);
        match kind {
            Kind::Interruption | Kind::Attention | Kind::DeviceEnd => return,
            Kind::Suspended => {
                self.resume();
                return;
            }
            Kind::Ended | Kind::IncorrectLength => self.verify(),
            _ => {}
        }
        self.outstanding = false;
    }

    /// The program stands suspended. Most guests take the S flag away before they resume it.
    fn resume(&mut self) {
        self.operations += 1;
        if !self.random.one_in(4) {
            self.program.go_on();
            self.write();
        }
        if self.guest.rsch() == ConditionCode::Cc0 {
            self.counts.count(Kind::Resumed);
        }
    }

    /// What the program read is where it should be.
    fn verify(&mut self) {
        for named in self.program.data.iter().filter(|named| named.input) {
            let regions = &self.shared.regions;
            if let Some(found) = regions.fetch(named.region, named.offset, named.changes) {
                assert_eq!(found, [DATA; 4], "{:x?}", self.program);
                self.counts.count(Kind::Verified);
            }
        }
    }

    fn make_way(&mut self) {
        let begun = self.shared.regions.begun();
        if begun == self.seen {
            return;
        }
        self.seen = begun;
        let Guest { sch, events, .. } = &mut self.guest;
        self.shared.regions.withdrawals(|withdrawal| {
            sch.make_way(withdrawal, events);
        });
        self.guest.look();
    }

    fn plan_fault(&mut self) {
        let call = Call::ALL[self.random.index(Call::ALL.len())];
        let nth = 1 + self.random.index(3) as u32;
        let errnos = [
            Errno::EBUSY,
            Errno::EAGAIN,
            Errno::EAGAIN,
            Errno::ENODEV,
            Errno::EACCES,
            Errno::EINVAL,
            Errno::EIO,
            Errno::ENOMEM,
        ];
        let fault = match self.random.index(12) {
            0 => Fault::Done(DeviceError::Short {
                done: 12,
                wanted: 124,
            }),
            _ => Fault::Refused(errnos[self.random.index(errnos.len())].into()),
        };
        for nth in nth..nth + 1 + self.random.index(4) as u32 {
            self.device().fail(call, nth, fault);
        }
    }

    fn disturb(&mut self) {
        let fault = match self.random.index(5) {
            0 => InterruptFault::Late,
            1 => InterruptFault::Doubled,
            2 => InterruptFault::Lost,
            3 => InterruptFault::Overwritten,
            _ => InterruptFault::Followed,
        };
        let nth = 1 + self.random.index(2) as u32;
        self.device().disturb(nth, fault);
    }

    fn reset(&mut self) {
        self.counts.count(Kind::Reset);
        self.outstanding = false;
        self.guest.reset();
        self.guest.msch(0x80, 1);
    }

    /// The mediator goes, whatever runs; the device is opened anew, and acknowledges a reset.
    fn reopen(&mut self) {
        self.counts.count(Kind::Reopened);
        self.outstanding = false;
        let owner = self.guest.sch.owner();
        self.before.push(self.guest.sch.metrics());
        self.guest = guest(&self.shared, self.place);
        self.seen = 0;
        self.write();
        if self.device().reset().is_ok() {
            let statement = ResetAcknowledged(owner);
            let released = self.shared.window.release_quarantined(statement);
            self.counts.add(Kind::Quarantined, released as u64);
            self.counts.add(Kind::Released, released as u64);
        }
    }

    /// One round in which everything goes on that can.
    fn round(&mut self) {
        self.device().release();
        self.device().with(|soft| soft.run(8));
        for source in Source::ALL {
            self.ready(source);
        }
        self.time();
    }

    /// Nothing new happens, and nothing is withdrawn: whatever the guest was promised comes, and
    /// nothing is held any more.
    pub(super) fn come_to_rest(&mut self) {
        self.device().restore_paths(0xff);
        for round in 0..ROUNDS {
            if self.guest.gone {
                self.outstanding = false;
                self.reset();
            }
            self.round();
            self.test();
            let never = self.outstanding && round > ROUNDS / 4;
            if never && self.guest.scsw().function == FunctionControl::START {
                self.clear();
            }
            if !self.outstanding && self.guest.sch.is_quiet() && round > 40 {
                break;
            }
        }
        assert!(
            !self.outstanding,
            "lost: {:x?}, {:?}",
            self.program,
            self.guest.scsw()
        );
        self.guest.look_closely();
        // Faults that were planned for a reset are over after a few.
        for _ in 0..ROUNDS {
            self.reset();
            if !self.guest.gone && self.guest.sch.is_quiet() {
                break;
            }
        }
        self.guest.check_rest();
        assert!(!self.guest.gone);
    }

    /// What the mediators have counted.
    pub(super) fn finish(mut self) -> (Counts, u64) {
        self.before.push(self.guest.sch.metrics());
        for metrics in &self.before {
            for (kind, times) in [
                (Kind::OverBudget, metrics.refused),
                (Kind::Withheld, metrics.withheld),
                (Kind::MadeWay, metrics.made_way),
                (Kind::PutOff, metrics.put_off),
                (Kind::HostBusy, metrics.busy),
                (Kind::HostFailed, metrics.failed),
                (Kind::Lost, metrics.lost),
                (Kind::Stale, metrics.stale),
                (Kind::Parts, metrics.parts),
                (Kind::Quarantined, metrics.quarantined),
                (Kind::Released, metrics.released),
            ] {
                self.counts.add(kind, times);
            }
            assert_eq!(metrics.unexplained, 0, "the host stopped at a right CCW");
            assert_eq!(metrics.unmapped, 0, "a CCW address of nobody's");
        }
        (self.counts, self.operations)
    }
}
