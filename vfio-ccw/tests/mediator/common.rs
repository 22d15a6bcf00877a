// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A machine with one subchannel, and the words in which its tests speak.

use std::sync::Arc;
use std::time::Duration;

use ccw::{DeviceStatus, GuestAddr, RawOrb, SubsystemId};
use css::device::scripted::{Response, Scripted};
use vfio_ccw::device::fault::{Call, Fault, FaultInjector, InterruptFault};
use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace};
use vfio_ccw::mediator::{
    ConditionCode, DirtySink, Event, Exception, GuestProfile, GuestRegion, Mediator,
    MediatorConfig, Metrics, Paths, Patience, ShadowWindow, WindowConfig,
};
use vfio_ccw::{Capabilities, Errno, HostMemory, Source};

pub(crate) use ConditionCode::{Cc0, Cc1, Cc2, Cc3};

pub(crate) type Soft = SoftDevice<Scripted, SoftSpace>;
pub(crate) type Device = FaultInjector<Soft>;

/// Guest storage: 1 MiB at 0.
pub(crate) const RAM: usize = 0x10_0000;
/// Where programs are.
pub(crate) const PROGRAM: u32 = 0x2000;
/// Where their data is.
pub(crate) const DATA: usize = 0x3000;
/// The interruption parameter of [`Machine::ssch`].
pub(crate) const INTPARM: u32 = 0x00a0_b0c0;

pub(crate) const RETRY: Duration = Duration::from_millis(1);
pub(crate) const SETTLE: Duration = Duration::from_millis(20);
pub(crate) const STOP: Duration = Duration::from_secs(2);
pub(crate) const WATCH: Duration = Duration::from_secs(5);

/// READ of 4 bytes.
pub(crate) const READ: [u8; 8] = [2, 0, 0, 4, 0, 0, 0x30, 0];
/// NOP that chains, TIC *-8: runs for ever.
pub(crate) const ENDLESS: [[u8; 8]; 2] = [[3, 0x60, 0, 1, 0, 0, 0, 0], [8, 0, 0, 0, 0, 0, 0x20, 0]];

/// Status of a [`READ`] that went well.
pub(crate) const ENDED: &str = "00c04007 00002008 0c000000";
/// Of one to which the device had no bytes.
pub(crate) const UNANSWERED: &str = "00c04017 00002008 0c400004";
/// Of one that ended with a channel-control check.
pub(crate) const CCC: &str = "00c04017 00000000 00040000";
/// Of one that ended with an interface-control check.
pub(crate) const IFCC: &str = "00c04017 00000000 00020000";
/// Of a start that found no path.
pub(crate) const DEFERRED_CC3: &str = "03c14011 00000000 00000000";
/// Of a cleared subchannel.
pub(crate) const CLEARED: &str = "00001001 00000000 00000000";
/// An attention.
pub(crate) const ATTENTION: &str = "00000011 00000000 80000000";

pub(crate) struct Machine {
    pub(crate) sch: Mediator<Device>,
    pub(crate) ram: HostMemory,
    pub(crate) events: Vec<Event>,
}

/// What a machine is made of.
pub(crate) struct Setup {
    pub(crate) responses: Vec<Response>,
    pub(crate) soft: SoftConfig,
    pub(crate) window: WindowConfig,
    pub(crate) patience: Patience,
    pub(crate) subchannel: SubsystemId,
    pub(crate) guest: GuestProfile,
    pub(crate) commands: Option<translator::CommandPolicy>,
    pub(crate) keys: Option<Arc<dyn translator::StorageKeys + Send + Sync>>,
    pub(crate) dirty: Option<Arc<dyn DirtySink + Send + Sync>>,
}

impl Default for Setup {
    /// The first response is that to a [`READ`].
    fn default() -> Self {
        Self {
            responses: vec![read(); 8],
            soft: SoftConfig::default(),
            window: WindowConfig::default(),
            patience: Patience {
                retry: RETRY,
                retries: 3,
                settle: SETTLE,
                stop: STOP,
                watch: Some(WATCH),
            },
            subchannel: SubsystemId::new(0, 0x12).unwrap(),
            guest: GuestProfile::default(),
            commands: None,
            keys: None,
            dirty: None,
        }
    }
}

pub(crate) fn read() -> Response {
    Response::input(&[1, 2, 3, 4])
}

impl Setup {
    pub(crate) fn responding(responses: impl IntoIterator<Item = Response>) -> Self {
        Self {
            responses: responses.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Work only by [`Machine::run`].
    pub(crate) fn stepped(mut self) -> Self {
        self.soft.steps = 0;
        self
    }

    /// The device lacks something, which the guest does not count on.
    pub(crate) fn without(mut self, lack: impl FnOnce(&mut Capabilities)) -> Self {
        lack(&mut self.soft.capabilities);
        let Capabilities {
            async_command,
            schib,
            crw,
            reset,
            ..
        } = self.soft.capabilities;
        self.guest.halt &= async_command;
        self.guest.stop &= async_command || reset;
        if !(schib && crw) {
            self.guest.paths = Paths::ONE;
        }
        self
    }

    /// The machine, with the subchannel as a reset leaves it.
    pub(crate) fn disabled(self) -> Machine {
        let space = SoftSpace::new();
        let model = Scripted::new(self.responses);
        let soft = SoftDevice::new(model, space.clone(), self.soft).unwrap();
        let device = FaultInjector::new(soft).unwrap();
        let window = ShadowWindow::new(space, self.window).unwrap();
        let ram = HostMemory::anonymous(RAM).unwrap();
        window
            .add(GuestRegion::new(GuestAddr::new(0), ram.clone()))
            .unwrap();
        let id = self.subchannel;
        let config = MediatorConfig {
            patience: self.patience,
            dirty: self.dirty,
            guest: self.guest,
            commands: self.commands,
            keys: self.keys,
            ..MediatorConfig::new(id, 0x0190)
        };
        Machine {
            sch: Mediator::attach(device, window, config).unwrap(),
            ram,
            events: Vec::new(),
        }
    }

    /// The machine, with the subchannel enabled and [`READ`] for a program.
    pub(crate) fn machine(self) -> Machine {
        let mut machine = self.disabled();
        machine.enable();
        machine.program(&[READ]);
        machine
    }
}

pub(crate) fn machine() -> Machine {
    Setup::default().machine()
}

/// With an endless program instead, which runs step by step.
pub(crate) fn endless() -> Machine {
    let mut machine = Setup::responding([]).stepped().machine();
    machine.program(&ENDLESS);
    machine
}

impl Machine {
    /// E, interruption subclass 3, concurrent sense.
    pub(crate) fn enable(&mut self) {
        let mut schib = self.sch.stsch(&mut self.events);
        schib.0[4] = 0x18;
        schib.0[5] |= 0x80;
        schib.0[27] = 1;
        assert_eq!(self.sch.msch(&schib), Ok(Cc0));
    }

    pub(crate) fn program(&mut self, ccws: &[[u8; 8]]) {
        self.ram
            .write(PROGRAM as usize, ccws.as_flattened())
            .unwrap();
    }

    pub(crate) fn data(&self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.ram.read(DATA, &mut bytes).unwrap();
        bytes
    }

    pub(crate) fn ssch(&mut self) -> ConditionCode {
        self.ssch_orb([INTPARM, 0x00c2_8000, PROGRAM]).unwrap()
    }

    pub(crate) fn ssch_orb(&mut self, words: [u32; 3]) -> Result<ConditionCode, Exception> {
        self.sch.ssch(&RawOrb::from_words(words), &mut self.events)
    }

    pub(crate) fn hsch(&mut self) -> ConditionCode {
        self.sch.hsch(&mut self.events)
    }

    pub(crate) fn csch(&mut self) -> ConditionCode {
        self.sch.csch(&mut self.events)
    }

    pub(crate) fn rsch(&mut self) -> ConditionCode {
        self.sch.rsch(&mut self.events)
    }

    pub(crate) fn xsch(&mut self) -> ConditionCode {
        self.sch.xsch(&mut self.events)
    }

    /// TSCH: condition code and SCSW.
    pub(crate) fn tsch(&mut self) -> (ConditionCode, String) {
        let (code, irb) = self.sch.tsch(&mut self.events);
        (code, irb.map_or(String::new(), |irb| words(&irb.0[..12])))
    }

    /// The SCSW that STSCH stores.
    pub(crate) fn scsw(&mut self) -> String {
        words(&self.sch.stsch(&mut self.events).0[28..40])
    }

    /// The I/O event, if there is one.
    pub(crate) fn io(&mut self) {
        self.sch.ready(Source::Io, &mut self.events);
    }

    /// The time of the timer has come, which must be this long.
    #[track_caller]
    pub(crate) fn time(&mut self, after: Duration) {
        let timer = self.sch.timer().expect("a timer");
        assert_eq!(timer.after, after);
        self.sch.expired(timer.id, &mut self.events);
    }

    /// How long the timer is.
    pub(crate) fn timer(&self) -> Option<Duration> {
        self.sch.timer().map(|timer| timer.after)
    }

    /// The events since the last call: "int INTPARM" and the like.
    pub(crate) fn events(&mut self) -> Vec<String> {
        let text = |event: Event| match event {
            Event::Interrupt(code) => format!("interrupt {:x} isc {}", code.intparm, code.isc),
            other => format!("{other:?}").to_lowercase(),
        };
        self.events.drain(..).map(text).collect()
    }

    pub(crate) fn metrics(&self) -> Metrics {
        self.sch.metrics()
    }

    pub(crate) fn device(&mut self) -> &mut Device {
        self.sch.device_mut()
    }

    /// The device works, then its signal is taken.
    pub(crate) fn run(&mut self, steps: u32) {
        self.device().with(|soft| soft.run(steps));
        self.io();
    }

    pub(crate) fn refuse(&mut self, call: Call, times: u32, errno: Errno) {
        for nth in 1..=times {
            self.device().fail(call, nth, Fault::Refused(errno.into()));
        }
    }

    pub(crate) fn disturb(&mut self, fault: InterruptFault) {
        self.device().disturb(1, fault);
    }

    pub(crate) fn made(&mut self, call: Call) -> u32 {
        self.device().made(call)
    }

    /// Attention, of which the guest is not told before [`Self::io`].
    pub(crate) fn attention(&mut self) {
        self.device().with(|soft| {
            soft.model_mut().present(DeviceStatus::ATTENTION);
            soft.run(4)
        });
    }

    /// Commands that the device was sent.
    pub(crate) fn sent(&mut self) -> usize {
        self.device().with(|soft| soft.model().sent().len())
    }

    /// Programs whose storage is held: in flight, in quarantine.
    pub(crate) fn held(&self) -> (usize, usize) {
        let window = self.sch.window();
        (window.in_flight(), window.quarantined())
    }

    /// A [`READ`] goes well from beginning to end.
    #[track_caller]
    pub(crate) fn works(&mut self) {
        self.events.clear();
        self.program(&[READ]);
        assert_eq!(self.ssch(), Cc0);
        self.run(8);
        assert_eq!(self.events(), [INTERRUPT]);
        let (code, scsw) = self.tsch();
        assert_eq!(code, Cc0);
        assert!([ENDED, UNANSWERED].contains(&&*scsw), "{scsw}");
        assert_eq!(self.held(), (0, 0));
    }
}

/// What [`Machine::events`] calls the interruption of [`Machine::ssch`].
pub(crate) const INTERRUPT: &str = "interrupt a0b0c0 isc 3";

/// An IRB with this SCSW.
pub(crate) fn irb(words: [u32; 3]) -> [u8; 96] {
    let mut irb = [0; 96];
    for (to, word) in irb.as_chunks_mut().0.iter_mut().zip(words) {
        *to = word.to_be_bytes();
    }
    irb
}

pub(crate) fn words(bytes: &[u8]) -> String {
    let words = bytes.as_chunks::<4>().0.iter();
    let words: Vec<_> = words
        .map(|word| format!("{:08x}", u32::from_be_bytes(*word)))
        .collect();
    words.join(" ")
}
