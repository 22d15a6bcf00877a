// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest's session with a subchannel, and everything that it sees in it.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ccw::{DeviceStatus, GuestAddr, RawCrw, RawIrb, RawOrb, RawSchib, RawScsw, SubsystemId};
use css::device::scripted::{Response, Scripted};
use translator::HostProfile;
use vfio_ccw::device::fault::FaultInjector;
use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace};
use vfio_ccw::mediator::{
    Event, GuestProfile, GuestRegion, Mediator, MediatorConfig, Misfit, Plan, ShadowWindow,
    WindowConfig, plan,
};
use vfio_ccw::{
    AsyncCommand, Capabilities, CcwDevice, DeviceError, Errno, HostMemory, ORB_AREA_SIZE, Source,
};

type Device = Counted<FaultInjector<SoftDevice<Scripted, SoftSpace>>>;

/// A host: what its device can do, and what its channel takes.
#[derive(Clone, Copy)]
pub(crate) struct Host {
    pub(crate) capabilities: Capabilities,
    pub(crate) channel: HostProfile,
}

impl Host {
    pub(crate) fn plan(&self, guest: &GuestProfile) -> Plan {
        plan(&self.config(guest), self.capabilities)
    }

    /// The settings of a guest on it.
    fn config(&self, guest: &GuestProfile) -> MediatorConfig {
        MediatorConfig {
            guest: *guest,
            profile: self.channel,
            ..MediatorConfig::new(SubsystemId::new(0, 5).unwrap(), 0x0190)
        }
    }

    /// Attaches a device; says as well how often it was asked for something.
    pub(crate) fn attach(&self, guest: &GuestProfile) -> (Result<Session, Misfit>, u32) {
        let responses = [
            Response::input(&[1, 2, 3, 4]),
            Response::input(&[5, 6]),
            Response::immediate()
                .with_status(
                    DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END | DeviceStatus::UNIT_CHECK,
                )
                .with_sense(&[0x80, 0x40]),
            Response::output(4),
            Response::input(&[7; 4])
                .with_status(DeviceStatus::CHANNEL_END)
                .then(DeviceStatus::DEVICE_END),
            Response::input(&[8; 0xa00]),
        ];
        let config = SoftConfig {
            steps: 16,
            capabilities: self.capabilities,
            ..SoftConfig::default()
        };
        let space = SoftSpace::new();
        let soft = SoftDevice::new(Scripted::new(responses), space.clone(), config).unwrap();
        let requests = Arc::new(AtomicU32::new(0));
        let device = Counted {
            device: FaultInjector::new(soft).unwrap(),
            requests: Arc::clone(&requests),
        };
        let window = ShadowWindow::new(space, WindowConfig::default()).unwrap();
        let ram = HostMemory::anonymous(0x1_0000).unwrap();
        window
            .add(GuestRegion::new(GuestAddr::new(0), ram.clone()))
            .unwrap();
        let session = Mediator::attach(device, window, self.config(guest)).map(|sch| Session {
            sch,
            ram,
            events: Vec::new(),
            seen: Vec::new(),
        });
        (session, requests.load(Ordering::Relaxed))
    }

    /// Everything that a guest of this kind sees.
    pub(crate) fn run(&self, guest: &GuestProfile) -> Result<Vec<String>, Misfit> {
        let mut session = self.attach(guest).0?;
        session.play(guest);
        Ok(session.seen)
    }
}

/// A guest and its subchannel.
pub(crate) struct Session {
    sch: Mediator<Device>,
    ram: HostMemory,
    events: Vec<Event>,
    seen: Vec<String>,
}

const PROGRAM: usize = 0x2000;
const READ: [u8; 8] = [2, 0, 0, 4, 0, 0, 0x30, 0];
const ENDLESS: [[u8; 8]; 2] = [[3, 0x60, 0, 1, 0, 0, 0, 0], [8, 0, 0, 0, 0, 0, 0x20, 0]];

impl Session {
    fn play(&mut self, guest: &GuestProfile) {
        self.stsch();
        self.enable();
        self.start("a read", &[READ]);
        self.start("a short one", &[READ]);
        self.start("a unit check", &[READ]);
        self.start("no command", &[[0; 8]]);
        let wrong = [[1, 0x60, 0, 4, 0, 0, 0x30, 0], [0, 0, 0, 1, 0, 0, 0, 0]];
        self.start("a write, then no command", &wrong);
        self.start("a late device end", &[READ]);
        // Without storage from the first byte on it would depend on the channel: `FirstByteFault`.
        let list = [0x3800_u64, 0x7f00_0000].map(u64::to_be_bytes);
        self.ram.write(0x2100, list.as_flattened()).unwrap();
        self.start("no storage behind", &[[2, 4, 0x0a, 0, 0, 0, 0x21, 0]]);
        self.orb(&[7, 0x0082_8000, 0x2000]);
        // With the bit for MIDAWs.
        self.orb(&[7, 0x00c2_8040, 0x2000]);
        self.orb(&[7, 0x00c2_8002, 0x2000]);
        self.orb(&[7, 0x00c2_8001, 0x2000, 0x0101_0000, 0, 0, 0, 0]);
        self.orb(&[7, 0x00c2_4000, 0x2000]);

        let code = self.sch.csch(&mut self.events);
        self.see("csch", code);
        self.settle();
        let code = self.sch.xsch(&mut self.events);
        self.see("xsch", code);
        let code = self.sch.rsch(&mut self.events);
        self.see("rsch", code);
        let attention = DeviceStatus::ATTENTION;
        let injector = &mut self.sch.device_mut().device;
        injector.with(|soft| {
            soft.model_mut().present(attention);
            soft.run(4)
        });
        self.settle();
        if guest.halt {
            let code = self.sch.hsch(&mut self.events);
            self.see("hsch", code);
            self.settle();
            self.endless();
            let code = self.sch.hsch(&mut self.events);
            self.see("hsch", code);
            self.settle();
        }
        if guest.stop {
            self.endless();
            let code = self.sch.csch(&mut self.events);
            self.see("csch", code);
            self.settle();
            self.endless();
            self.sch.reset(&mut self.events);
            self.settle();
            self.enable();
            self.start("nothing is left", &[[3, 0x20, 0, 1, 0, 0, 0, 0]]);
        }
        // What becomes of the host's paths the guest sees only if it sees the host's paths.
        self.sch.device_mut().device.lose_paths(0x80);
        self.settle();
        self.sch.device_mut().device.restore_paths(0x80);
        self.settle();
        self.start("back", &[[3, 0x20, 0, 1, 0, 0, 0, 0]]);
    }

    fn enable(&mut self) {
        let mut schib = self.sch.stsch(&mut self.events);
        (schib.0[4], schib.0[27]) = (0x18, 1);
        schib.0[5] |= 0x80;
        let code = self.sch.msch(&schib);
        self.see("msch", code);
        self.stsch();
    }

    fn stsch(&mut self) {
        let RawSchib(bytes) = self.sch.stsch(&mut self.events);
        self.see("schib", bytes);
    }

    fn start(&mut self, what: &str, program: &[[u8; 8]]) {
        self.see("to come", what);
        self.ram.write(PROGRAM, program.as_flattened()).unwrap();
        self.orb(&[0x00a0_b0c0, 0x00c2_8000, 0x2000]);
    }

    fn orb(&mut self, words: &[u32]) {
        let mut orb = RawOrb::default();
        for (to, word) in orb.0.chunks_mut(4).zip(words) {
            to.copy_from_slice(&word.to_be_bytes());
        }
        let code = self.sch.ssch(&orb, &mut self.events);
        self.see("ssch", code);
        self.settle();
    }

    fn endless(&mut self) {
        self.ram.write(PROGRAM, ENDLESS.as_flattened()).unwrap();
        let orb = RawOrb::from_words([1, 0x00c2_8000, 0x2000]);
        let code = self.sch.ssch(&orb, &mut self.events);
        self.see("endless", code);
        self.stsch();
    }

    /// Lets things go on until nothing does any more, then looks at everything there is.
    fn settle(&mut self) {
        for _ in 0..20 {
            self.sch.device_mut().device.with(|soft| soft.run(16));
            for source in Source::ALL {
                self.sch.ready(source, &mut self.events);
            }
            match self.sch.timer() {
                Some(timer) if !self.sch.is_quiet() => {
                    self.sch.expired(timer.id, &mut self.events);
                }
                _ => {}
            }
        }
        assert!(self.sch.is_quiet());
        let told: Vec<Event> = self.events.drain(..).collect();
        self.see("events", told);
        self.stsch();
        while let (code, Some(RawIrb(bytes))) = self.sch.tsch(&mut self.events) {
            self.see("irb", (code, bytes));
            if code.bits() != 0 {
                break;
            }
        }
        while let Some(RawCrw(report)) = self.sch.stcrw() {
            self.see("report", report);
        }
        let mut storage = vec![0; 0x1_0000];
        self.ram.read(0, &mut storage).unwrap();
        let sum = storage.iter().enumerate().fold(0_u64, |sum, (at, &byte)| {
            sum.wrapping_mul(31)
                .wrapping_add(u64::from(byte) * (at as u64 + 1))
        });
        self.see("storage", sum);
        self.events.clear();
    }

    fn see(&mut self, what: &str, seen: impl std::fmt::Debug) {
        self.seen.push(format!("{what} {seen:02x?}"));
    }
}

/// A device whose requests are counted.
pub(crate) struct Counted<D> {
    device: D,
    requests: Arc<AtomicU32>,
}

impl<D> Counted<D> {
    fn count(&mut self) -> &mut D {
        self.requests.fetch_add(1, Ordering::Relaxed);
        &mut self.device
    }
}

impl<D: CcwDevice> CcwDevice for Counted<D> {
    fn capabilities(&self) -> Capabilities {
        self.device.capabilities()
    }

    fn event_fd(&self, source: Source) -> Option<BorrowedFd<'_>> {
        self.device.event_fd(source)
    }

    fn acknowledge(&mut self, source: Source) -> Result<u64, Errno> {
        self.count().acknowledge(source)
    }

    fn start(&mut self, orb: &[u8; ORB_AREA_SIZE], scsw: &RawScsw) -> Result<(), DeviceError> {
        self.count().start(orb, scsw)
    }

    fn async_command(&mut self, command: AsyncCommand) -> Result<(), DeviceError> {
        self.count().async_command(command)
    }

    fn read_irb(&mut self) -> Result<[u8; 96], DeviceError> {
        self.count().read_irb()
    }

    fn read_schib(&mut self) -> Result<RawSchib, DeviceError> {
        self.count().read_schib()
    }

    fn read_crw(&mut self) -> Result<Option<RawCrw>, DeviceError> {
        self.count().read_crw()
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        self.count().reset()
    }
}
