// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest and its VMM in one: starts a program on the guest's subchannel, waits for its end with a
//! deadline, and tests the subchannel.

mod wait;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ccw::{
    ActivityControl, DeviceClass, Guest, GuestAddr, Irb, Orb, RawOrb, RawSchib, Schib, Scsw,
    StatusControl, SubsystemId,
};
use translator::{CommandPolicy, Facilities, Policy, StorageKeys};
use vfio_ccw::mediator::{
    ConditionCode, Event, GuestProfile, GuestRegion, Mediator, MediatorConfig, Metrics, Paths,
    ShadowWindow,
};
use vfio_ccw::{Capabilities, CcwDevice, HostMemory};

use self::wait::Waited;
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
    /// What it may do with the device, if not everything.
    pub(crate) commands: Option<CommandPolicy>,
}

/// The policy with which programs for a device of `class` are read: transport mode is there too, as far
/// as its programs can be made of CCWs.
pub(crate) const fn policy(class: DeviceClass) -> Policy {
    Policy {
        facilities: Facilities::FCX,
        ..Policy::MEDIATE.for_device(class)
    }
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
            commands: guest.commands,
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
}

#[cfg(test)]
mod tests;
