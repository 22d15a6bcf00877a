// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest and its VMM in one: starts a program on the guest's subchannel, waits for its end with a
//! deadline, and tests the subchannel.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ccw::{
    ActivityControl, DeviceClass, Guest, GuestAddr, Irb, Orb, RawOrb, RawSchib, Schib, Scsw,
    StatusControl, SubsystemId,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use translator::{Facilities, Policy, StorageKeys};
use vfio_ccw::mediator::{
    ConditionCode, Event, GuestProfile, GuestRegion, Mediator, MediatorConfig, Metrics, Paths,
    ShadowWindow,
};
use vfio_ccw::{Capabilities, CcwDevice, HostMemory, Source};

use super::backend::{Backend, cannot_map};
use crate::dump::words;
use crate::machine::GivenUp;

/// Longer than what the mediator tries by itself to halt or to clear a device takes.
const STOPPING: Duration = Duration::from_secs(10);
/// How long to wait before a busy subchannel is asked again.
const BUSY: Duration = Duration::from_millis(10);

/// How a start ended.
#[derive(Clone, Debug)]
pub(crate) enum Ran {
    /// With this status.
    Status(Irb<Guest>),
    /// It has not ended: it stands suspended.
    Suspended(Irb<Guest>),
    /// START SUBCHANNEL did not start it.
    NotStarted(String),
    /// A device in software did enough.
    GivenUp(GivenUp),
    /// It was stopped, or the device is lost, for this reason; with the last status, if any came.
    Stopped(Option<Irb<Guest>>, String),
}

/// The guest's subchannel, enabled, and what was heard of it.
#[derive(Debug)]
pub(crate) struct Session {
    subchannel: Mediator<Backend>,
    timeout: Duration,
    /// How long a halt may take, and then a clear.
    stopping: Duration,
    events: Vec<Event>,
    /// The mediator's timer, and when its time comes.
    armed: Option<(u64, Instant)>,
    /// Status is pending.
    interruption: bool,
    gone: bool,
    /// What is worth knowing apart from the status.
    remarks: Vec<String>,
}

/// What the guest has that starts programs.
#[derive(Default)]
pub(crate) struct GuestSetup {
    /// What is known of the device.
    pub(crate) class: DeviceClass,
    /// Storage keys, if it has any.
    pub(crate) keys: Option<Arc<dyn StorageKeys + Send + Sync>>,
}

/// The policy with which programs for a device of `class` are read: transport mode is there too, as far
/// as its programs can be made of CCWs.
pub(crate) const fn policy(class: DeviceClass) -> Policy {
    Policy {
        facilities: Facilities::FCX,
        ..Policy::MEDIATE.for_device(class)
    }
}

enum Waited {
    Ended,
    /// The program stands suspended, and no interruption was to tell so.
    Silent(Irb<Guest>),
    Spent(GivenUp),
    Gone,
    Expired,
}

/// No guest is to find the same elsewhere: what the device cannot do, this session does without.
fn whatever(device: Capabilities, policy: Policy) -> GuestProfile {
    GuestProfile {
        policy,
        stop: device.async_command || device.reset,
        halt: device.async_command,
        paths: match device.schib && device.crw {
            true => Paths::Host,
            false => Paths::ONE,
        },
    }
}

const INTERMEDIATE: StatusControl = StatusControl::INTERMEDIATE.union(StatusControl::PENDING);

fn is_suspended(scsw: &Scsw<Guest>) -> bool {
    scsw.activity.contains(ActivityControl::SUSPENDED)
}

impl Session {
    /// The subchannel of `backend`, enabled, for programs that may take `timeout`.
    pub(crate) fn new(
        backend: Backend,
        window: ShadowWindow,
        guest: GuestSetup,
        timeout: Duration,
    ) -> Result<Self, String> {
        let id = SubsystemId::new(0, 0).ok_or("no subchannel set 0")?;
        let config = MediatorConfig {
            guest: whatever(backend.capabilities(), policy(guest.class)),
            keys: guest.keys,
            ..MediatorConfig::new(id, 0)
        };
        let mut session = Self {
            subchannel: Mediator::attach(backend, window, config).map_err(|it| it.to_string())?,
            timeout,
            stopping: STOPPING,
            events: Vec::new(),
            armed: None,
            interruption: false,
            gone: false,
            remarks: Vec::new(),
        };
        let stored = session.subchannel.stsch(&mut session.events);
        let mut schib = Schib::<Guest>::decode(&stored);
        schib.pmcw.enabled = true;
        schib.pmcw.concurrent_sense = true;
        match session.subchannel.msch(&schib.encode()) {
            Ok(ConditionCode::Cc0) => {}
            Ok(code) => return Err(format!("MODIFY SUBCHANNEL: {code}")),
            Err(exception) => return Err(format!("MODIFY SUBCHANNEL: {exception}")),
        }
        session.settle();
        if session.gone {
            return Err("the subchannel is not operational".to_owned());
        }
        Ok(session)
    }

    /// Gives the guest storage at `at`.
    pub(crate) fn add(&self, at: u64, memory: &HostMemory) -> Result<(), String> {
        let region = GuestRegion::new(GuestAddr::new(at), memory.clone());
        let added = self.subchannel.window().add(region);
        added.map_err(|error| cannot_map(&error))
    }

    /// Starts the program of `orb`, and waits for its end.
    pub(crate) fn start(&mut self, orb: &RawOrb) -> Ran {
        let end = Instant::now() + self.timeout;
        loop {
            let code = match self.subchannel.ssch(orb, &mut self.events) {
                Ok(code) => code,
                Err(exception) => return Ran::NotStarted(exception.to_string()),
            };
            self.settle();
            match code {
                ConditionCode::Cc0 => return self.run(),
                // From before our time, or the device wants attention.
                ConditionCode::Cc1 if Instant::now() < end => {
                    if let Some(irb) = self.test() {
                        let words = words(&irb.scsw.encode().0);
                        self.remark(format!("status was pending before the start: SCSW {words}"));
                    }
                }
                ConditionCode::Cc2 if Instant::now() < end => self.turn(BUSY),
                ConditionCode::Cc1 | ConditionCode::Cc2 => {
                    return Ran::NotStarted(format!(
                        "condition code {}, also after {} second(s)",
                        code.bits(),
                        self.timeout.as_secs()
                    ));
                }
                ConditionCode::Cc3 => return Ran::NotStarted(self.why_not_operational(orb)),
            }
        }
    }

    /// The host's subchannel; `None` if the device cannot tell.
    pub(crate) fn host_schib(&mut self) -> Option<RawSchib> {
        self.subchannel.device_mut().read_schib().ok()
    }

    /// What the mediator counted.
    pub(crate) fn metrics(&self) -> Metrics {
        self.subchannel.metrics()
    }

    /// The device.
    pub(crate) fn backend(&self) -> &Backend {
        self.subchannel.device()
    }

    /// The device.
    pub(crate) fn backend_mut(&mut self) -> &mut Backend {
        self.subchannel.device_mut()
    }

    /// What is worth knowing apart from the status.
    pub(crate) fn take_remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }

    fn remark(&mut self, remark: String) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    fn why_not_operational(&mut self, orb: &RawOrb) -> String {
        let schib = Schib::<Guest>::decode(&self.subchannel.stsch(&mut self.events));
        let available = schib.pmcw.pam;
        let asked = Orb::<Guest>::decode(orb).lpm;
        if asked & available == 0 && !self.gone {
            format!(
                "condition code 3, no path of the ORB's mask {asked:02x} is available, only those \
                 of {available:02x} (O09)"
            )
        } else {
            "condition code 3, the subchannel is not operational".to_owned()
        }
    }

    /// Resumes the program that stands suspended, and waits as for a start.
    pub(crate) fn resume(&mut self) -> Ran {
        let code = self.subchannel.rsch(&mut self.events);
        self.settle();
        match code {
            ConditionCode::Cc0 => self.run(),
            code => {
                let code = code.bits();
                Ran::Stopped(None, format!("RESUME SUBCHANNEL: condition code {code}"))
            }
        }
    }

    /// The program was accepted: waits for its end, or until it stands suspended, or stops it when the
    /// time is over.
    fn run(&mut self) -> Ran {
        let end = Instant::now() + self.timeout;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.wait(left) {
                Waited::Ended => match self.test() {
                    Some(irb) if is_suspended(&irb.scsw) => return Ran::Suspended(irb),
                    // It goes on.
                    Some(irb) if irb.scsw.status == INTERMEDIATE => {}
                    Some(irb) => return Ran::Status(irb),
                    None => return self.lost(),
                },
                Waited::Silent(irb) => return Ran::Suspended(irb),
                Waited::Spent(why) => return Ran::GivenUp(why),
                Waited::Gone => return self.lost(),
                Waited::Expired => return self.stop(),
            }
        }
    }

    fn lost(&self) -> Ran {
        let why = "the device is gone, and nobody knows what became of the program";
        Ran::Stopped(None, why.to_owned())
    }

    /// Halts, then clears.
    fn stop(&mut self) -> Ran {
        let late = format!("no end within {} second(s)", self.timeout.as_secs());
        if self.interruption
            && let Some(irb) = self.test()
        {
            let words = words(&irb.scsw.encode().0);
            self.remark(format!(
                "status before the program was stopped: SCSW {words}"
            ));
        }
        let mut how = String::new();
        for (name, halt) in [("HALT", true), ("CLEAR", false)] {
            let code = match halt {
                true => self.subchannel.hsch(&mut self.events),
                false => self.subchannel.csch(&mut self.events),
            };
            if !how.is_empty() {
                how.push_str(", then ");
            }
            how.push_str(&format!(
                "{name} SUBCHANNEL with condition code {}",
                code.bits()
            ));
            if code != ConditionCode::Cc0 {
                continue;
            }
            match self.wait(self.stopping) {
                Waited::Ended => {
                    let irb = self.test();
                    return Ran::Stopped(irb, format!("{late}; stopped by {how}"));
                }
                Waited::Gone => return self.lost(),
                Waited::Spent(why) => return Ran::GivenUp(why),
                Waited::Silent(_) | Waited::Expired => how.push_str(", which did not end"),
            }
        }
        Ran::Stopped(
            None,
            format!("{late}; {how}: the device may still be at work on the program"),
        )
    }

    /// Waits until status is pending and the device has nothing more to do.
    fn wait(&mut self, timeout: Duration) -> Waited {
        let end = Instant::now() + timeout;
        loop {
            self.settle();
            if self.gone {
                return Waited::Gone;
            }
            if self.subchannel.is_quiet() {
                if self.interruption {
                    return Waited::Ended;
                }
                if let Some(irb) = self.silent() {
                    return Waited::Silent(irb);
                }
            }
            let pause = match self.subchannel.device_mut().work() {
                Ok(pause) => pause,
                Err(why) => return Waited::Spent(why),
            };
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Waited::Expired;
            }
            self.turn(pause.map_or(left, |pause| pause.min(left)));
        }
    }

    /// One turn of the event loop, of at most `pause`.
    fn turn(&mut self, pause: Duration) {
        let now = Instant::now();
        let due = self
            .armed
            .map(|(_, due)| due.saturating_duration_since(now));
        let pause = due.map_or(pause, |due| due.min(pause));
        let device = self.subchannel.device();
        let mut fds: Vec<_> = Source::ALL
            .into_iter()
            .filter_map(|source| device.event_fd(source))
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        let timeout = Timespec::try_from(pause).ok();
        if poll(&mut fds, timeout.as_ref()).is_err() {
            // A signal; or no memory, which may be there later.
            std::thread::sleep(pause.min(BUSY));
        }
        for source in Source::ALL {
            self.subchannel.ready(source, &mut self.events);
        }
        if let Some((id, due)) = self.armed
            && due <= Instant::now()
        {
            self.subchannel.expired(id, &mut self.events);
        }
        self.settle();
    }

    /// TEST SUBCHANNEL, if status is pending.
    fn test(&mut self) -> Option<Irb<Guest>> {
        let (code, irb) = self.subchannel.tsch(&mut self.events);
        self.interruption = false;
        self.settle();
        irb.filter(|_| code == ConditionCode::Cc0)
            .map(|raw| Irb::decode(&raw))
    }

    /// What TEST SUBCHANNEL finds of a program that stands suspended without status.
    fn silent(&mut self) -> Option<Irb<Guest>> {
        let (code, irb) = self.subchannel.tsch(&mut self.events);
        let irb = irb.map(|raw| Irb::<Guest>::decode(&raw));
        irb.filter(|irb| code == ConditionCode::Cc1 && is_suspended(&irb.scsw))
    }

    /// Behind every call: the events, then the timer.
    fn settle(&mut self) {
        for event in std::mem::take(&mut self.events) {
            match event {
                Event::Interrupt(_) => self.interruption = true,
                Event::Withdrawn => self.interruption = false,
                Event::ChannelReport => {
                    while let Some(report) = self.subchannel.stcrw() {
                        self.remark(format!("channel report {:08x}", report.0));
                    }
                }
                Event::UnplugRequested => self.remark("the host wants the device back".to_owned()),
                Event::Gone => self.gone = true,
            }
        }
        let timer = self.subchannel.timer();
        if self.armed.map(|(id, _)| id) != timer.map(|timer| timer.id) {
            self.armed = timer.map(|timer| (timer.id, Instant::now() + timer.after));
        }
    }
}

#[cfg(test)]
mod tests {
    use ccw::{DeviceStatus, FunctionControl};
    use css::device::scripted::{Response, Scripted};
    use vfio_ccw::device::soft::SoftConfig;

    use super::super::Desk;
    use super::*;
    use crate::machine::Attached;

    const SECOND: Duration = Duration::from_secs(1);

    fn session(answers: &[Response], config: SoftConfig) -> Session {
        let device = Attached::Script(Scripted::new(answers.iter().cloned()));
        let (backend, window) = Backend::soft(device, config).unwrap();
        Session::new(backend, window, GuestSetup::default(), SECOND).unwrap()
    }

    /// A program of one CCW at 1000.
    fn start(session: &mut Session, ccw: [u8; 8]) -> Ran {
        let memory = HostMemory::anonymous(0x1000).unwrap();
        memory.write(0, &ccw).unwrap();
        session.add(0x1000, &memory).unwrap();
        session.start(&RawOrb::from_words([0, 0x00c2_8000, 0x1000]))
    }

    const NOP: [u8; 8] = [3, 0x20, 0, 1, 0, 0, 0, 0];

    fn silent() -> Response {
        Response::immediate().with_status(DeviceStatus::CHANNEL_END)
    }

    #[test]
    fn channel_end_and_device_end_are_one_status() {
        let later = silent().then(DeviceStatus::DEVICE_END);
        let mut session = session(&[later], SoftConfig::default());
        let Ran::Status(irb) = start(&mut session, NOP) else {
            panic!("no status");
        };
        let both = DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END;
        assert_eq!((irb.scsw.device, irb.scsw.cpa), (both, 0x1008));
    }

    /// As on a host whose status brings no sense along.
    #[test]
    fn sense_is_asked_for() {
        let mut config = SoftConfig::default();
        config.channel.concurrent_sense = false;
        let check = DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END | DeviceStatus::UNIT_CHECK;
        let answers = [
            Response::immediate().with_status(check).with_sense(&[0x40]),
            Response::input(&[0x40, 0x12]),
        ];
        let mut session = session(&answers, config);
        let Ran::Status(irb) = start(&mut session, NOP) else {
            panic!("no status");
        };
        assert_eq!(irb.concurrent_sense(), None);
        let desk = Desk::new(&session, 0x2000).unwrap();
        assert_eq!(desk.sense(&mut session), Some(vec![0x40, 0x12]));
        let commands = session.backend_mut().take_record().unwrap().0;
        let commands: Vec<u8> = commands.iter().map(|it| it.command.0).collect();
        assert_eq!(commands, [0x03, 0x04]);
    }

    #[test]
    fn a_silent_device_is_halted() {
        let mut session = session(&[silent()], SoftConfig::default());
        let Ran::Stopped(Some(irb), why) = start(&mut session, NOP) else {
            panic!("not stopped");
        };
        assert_eq!(
            why,
            "no end within 1 second(s); stopped by HALT SUBCHANNEL with condition code 0"
        );
        assert_eq!(irb.scsw.function, FunctionControl::HALT);
    }

    #[test]
    fn a_device_that_cannot_be_stopped() {
        let config = SoftConfig {
            capabilities: Capabilities {
                schib: true,
                ..Capabilities::default()
            },
            ..SoftConfig::default()
        };
        let mut session = session(&[silent()], config);
        session.stopping = SECOND / 10;
        let Ran::Stopped(None, why) = start(&mut session, NOP) else {
            panic!("not stopped");
        };
        assert!(why.contains("may still be at work"), "{why}");
    }

    #[test]
    fn a_path_that_is_not_there() {
        let mut config = SoftConfig::default();
        config.pmcw.pam = 0x40;
        config.pmcw.pim = 0x40;
        let mut session = session(&[], config);
        let Ran::NotStarted(why) = start(&mut session, NOP) else {
            panic!("started");
        };
        let expected = "no path of the ORB's mask 80 is available, only those of 40 (O09)";
        assert!(why.ends_with(expected), "{why}");
    }

    #[test]
    fn a_loop_is_given_up() {
        let mut session = session(&[], SoftConfig::default());
        session.timeout = 600 * SECOND;
        let tic = [8, 0, 0, 0, 0, 0, 0x10, 0];
        let chain = [3, 0x60, 0, 1, 0, 0, 0, 0];
        let memory = HostMemory::anonymous(0x1000).unwrap();
        memory.write(0, &[chain, tic].concat()).unwrap();
        session.add(0x1000, &memory).unwrap();
        let ran = session.start(&RawOrb::from_words([0, 0x00c2_8000, 0x1000]));
        assert!(matches!(ran, Ran::GivenUp(GivenUp::Fetches)), "{ran:?}");
    }
}
