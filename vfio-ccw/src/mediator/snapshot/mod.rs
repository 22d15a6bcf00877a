// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A subchannel at rest, be it with a program that stands suspended, to be set up again on the same or another host.

#[cfg(feature = "serde")]
mod hex;
#[cfg(feature = "serde")]
mod parse;
#[cfg(feature = "serde")]
mod wire;

use std::time::Duration;

use ccw::{GuestAddr, RawSchib, SubsystemId};
use translator::{CommandPolicy, LimitAddr};

use super::flight::{Flight, Waiting};
use super::place::Place;
use super::sense::Sense;
use super::subchannel::Subchannel;
use super::{
    CrwQueue, Event, GuestProfile, Mediator, MediatorConfig, Misfit, Name, Paths, ShadowWindow,
    Timer,
};
use crate::{CcwDevice, Source};

/// All of a subchannel that its guest could notice: the SCHIB, status that is pending or comes next,
/// channel reports, the address limit. It says as well what the guest was promised, on which device, and (as a
/// digest) which commands it may give.
///
/// What belongs to the window is not in it: guest storage, and pages that are [gone](ShadowWindow::gone),
/// which the VMM takes out of the other window as well.
///
/// It never holds a program that runs: [`Mediator::snapshot`] refuses while there is one. Of one that
/// stands suspended it holds the ORB, and where it stands. With the feature
/// `serde` it can be written down and read. What is read is not believed: an unknown version or
/// field, a reserved bit, or a state that no subchannel comes into is refused, so a `Snapshot` is
/// always one that a guest can go on with.
///
/// ```
/// # use std::time::Duration;
/// # use ccw::SubsystemId;
/// # use css::device::scripted::Scripted;
/// # use vfio_ccw::device::soft::{SoftConfig, SoftDevice, SoftSpace};
/// # use vfio_ccw::mediator::{Mediator, MediatorConfig, ShadowWindow, WindowConfig};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let host = || -> Result<_, Box<dyn std::error::Error>> {
/// #     let space = SoftSpace::new();
/// #     let device = SoftDevice::new(Scripted::new([]), space.clone(), SoftConfig::default())?;
/// #     Ok((device, ShadowWindow::new(space, WindowConfig::default())?))
/// # };
/// # let config = || MediatorConfig::new(SubsystemId::new(0, 0).expect("set 0"), 0x0190);
/// # let (device, window) = host()?;
/// let mut here = Mediator::attach(device, window, config())?;
/// let mut events = Vec::new();
/// // The guest's processors are stopped. What runs has a second to end.
/// assert!(here.quiesce(Duration::from_secs(1), &mut events).is_none());
/// let snapshot = here.snapshot()?;
///
/// # let (device, window) = host()?;
/// let there = Mediator::restore(&snapshot, device, window, config(), &mut events)?;
/// assert_eq!(there.snapshot()?, snapshot);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(into = "wire::Versioned", try_from = "wire::Versioned")
)]
pub struct Snapshot {
    id: SubsystemId,
    guest: GuestProfile,
    identity: DeviceIdentity,
    address_limit: Option<LimitAddr>,
    /// What tells the policy for commands from others; none where every command passes.
    commands: Option<u128>,
    subchannel: Subchannel,
    /// Where a program stands suspended.
    suspended: Option<Place>,
    reports: CrwQueue,
    sense: Option<Sense>,
}

/// What tells a device from others of its kind, as far as it was asked: a guest must not find its
/// disk exchanged.
///
/// The VMM reads it, by a program of its own before the guest runs, and names it in
/// [`MediatorConfig::identity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct DeviceIdentity {
    /// The node-element descriptor of the device: type, model, manufacturer, plant, serial number.
    /// 32 bytes of what READ CONFIGURATION DATA has.
    pub node_element: Option<[u8; 32]>,
    /// What READ DEVICE CHARACTERISTICS has.
    pub characteristics: Option<[u8; 64]>,
}

/// What a subchannel that is not at rest is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum NotQuiescent {
    /// The device has a program.
    #[error("a program is in flight")]
    Program,
    /// A start was accepted, and the device does not have the program yet.
    #[error("a start is pending")]
    StartPending,
    /// The device has executed a part of a program, and does not have the next one yet.
    #[error("a program is to go on")]
    GoingOn,
    /// The device is being halted.
    #[error("the device is being halted")]
    Halting,
    /// The device is being cleared.
    #[error("the device is being cleared")]
    Clearing,
    /// There is no device any more: nothing is left to be set up again.
    #[error("the device is gone")]
    Gone,
}

/// Why a subchannel is not set up again from a [`Snapshot`]. The guest has not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The subchannel has another name.
    #[error("the snapshot is of subchannel {}, and not of {}", Name(*.snapshot), Name(*.settings))]
    Subchannel {
        /// The name in the snapshot.
        snapshot: SubsystemId,
        /// [`MediatorConfig::subchannel`].
        settings: SubsystemId,
    },
    /// The device has another number.
    #[error("the snapshot is of device {snapshot:04x}, and not of {settings:04x}")]
    DeviceNumber {
        /// The number in the snapshot.
        snapshot: u16,
        /// [`MediatorConfig::device_number`].
        settings: u16,
    },
    /// The settings promise the guest something else: [`MediatorConfig::guest`] is not
    /// [`Snapshot::guest`].
    #[error("the guest was promised something else")]
    Profile,
    /// The guest may give the device other commands, or reach other places of it:
    /// [`MediatorConfig::commands`] is not what it was.
    #[error("the commands that the guest may give are others")]
    Commands,
    /// The device is another one: [`MediatorConfig::identity`] is not [`Snapshot::identity`].
    #[error("the snapshot is of another device")]
    Identity,
    /// The device cannot be what the guest was promised.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The device is gone.
    #[error("the device is gone")]
    Gone,
}

impl Snapshot {
    /// The subchannel's name in the guest.
    pub fn subchannel(&self) -> SubsystemId {
        self.id
    }

    /// The device's number in the guest.
    pub fn device_number(&self) -> u16 {
        self.subchannel.pmcw().device_number.unwrap_or(0)
    }

    /// What the guest was promised.
    pub fn guest(&self) -> &GuestProfile {
        &self.guest
    }

    /// On which device.
    pub fn identity(&self) -> &DeviceIdentity {
        &self.identity
    }

    /// What SET ADDRESS LIMIT has set.
    pub fn address_limit(&self) -> Option<GuestAddr> {
        self.address_limit.map(LimitAddr::get)
    }

    /// The SCHIB as STORE SUBCHANNEL shows it.
    pub fn schib(&self) -> RawSchib {
        self.subchannel.store()
    }
}

/// What tells `policy` from others, if it forbids anything.
fn digest(policy: Option<&CommandPolicy>) -> Option<u128> {
    policy
        .filter(|policy| !policy.is_everything())
        .map(CommandPolicy::digest)
}

impl<D: CcwDevice> Mediator<D> {
    /// Sees to it that the subchannel comes to rest, so that there can be a [snapshot](Self::snapshot):
    /// for a guest whose processors are stopped, since one that runs may start programs again.
    ///
    /// What the device has signalled is taken. Then everything goes on as usual, and programs end as
    /// they do. If anything is left to end, this returns a timer of its own, beside
    /// [`Self::timer`]: when its time has come, [`Self::expired`] stops what runs on, as
    /// [`Self::stop`] does. Whoever thinks better of it forgets that timer.
    #[must_use = "a program that does not end by itself is stopped only when the time has come"]
    pub fn quiesce(&mut self, deadline: Duration, out: &mut Vec<Event>) -> Option<Timer> {
        for source in Source::ALL {
            self.ready(source, out);
        }
        self.snapshot()
            .err()
            .filter(|it| *it != NotQuiescent::Gone)?;
        self.timers += 1;
        self.deadline = Some(self.timers);
        Some(Timer {
            id: self.timers,
            after: deadline,
        })
    }

    /// The subchannel as it is, which must be at rest. Signals of the device that were not taken yet
    /// are not part of it: [`Self::quiesce`] takes them.
    ///
    /// # Errors
    ///
    /// What is going on.
    pub fn snapshot(&self) -> Result<Snapshot, NotQuiescent> {
        let suspended = match &self.waiting {
            Some(waiting) if waiting.is_suspended() => Some(waiting.place),
            _ => None,
        };
        match (&self.flight, &self.waiting) {
            (Flight::Idle, Some(waiting)) if suspended.is_none() => {
                return Err(match waiting.place.arrival {
                    None => NotQuiescent::StartPending,
                    Some(_) => NotQuiescent::GoingOn,
                });
            }
            (Flight::Idle, _) => {}
            (Flight::Running(_), _) => return Err(NotQuiescent::Program),
            (Flight::Halting { .. }, _) => return Err(NotQuiescent::Halting),
            (Flight::Clearing { .. }, _) => return Err(NotQuiescent::Clearing),
            (Flight::Gone, _) => return Err(NotQuiescent::Gone),
        }
        Ok(Snapshot {
            id: self.config.subchannel,
            guest: self.config.guest.without_remarks(),
            identity: self.config.identity,
            address_limit: self.config.address_limit,
            commands: digest(self.config.commands.as_ref()),
            subchannel: self.subchannel.clone(),
            suspended,
            reports: self.reports.uncounted(),
            sense: self.sense,
        })
    }

    /// Sets the subchannel up as it was, on `device`, which must be at rest. The address limit is that
    /// of the snapshot.
    ///
    /// What was still to be told is told by `out` once more: status that is pending, and channel
    /// reports. Whose machine keeps pending interruptions itself has them already. On
    /// [`Paths::Host`] the guest finds the paths of this host from now on.
    ///
    /// # Errors
    ///
    /// What is not as it was. Nothing was asked of the device unless it is [`RestoreError::Gone`],
    /// and it is closed.
    pub fn restore(
        snapshot: &Snapshot,
        device: D,
        window: ShadowWindow,
        config: MediatorConfig,
        out: &mut Vec<Event>,
    ) -> Result<Self, RestoreError> {
        if config.subchannel != snapshot.subchannel() {
            return Err(RestoreError::Subchannel {
                snapshot: snapshot.subchannel(),
                settings: config.subchannel,
            });
        }
        if config.device_number != snapshot.device_number() {
            return Err(RestoreError::DeviceNumber {
                snapshot: snapshot.device_number(),
                settings: config.device_number,
            });
        }
        if config.guest.without_remarks() != snapshot.guest {
            return Err(RestoreError::Profile);
        }
        if digest(config.commands.as_ref()) != snapshot.commands {
            return Err(RestoreError::Commands);
        }
        if config.identity != snapshot.identity {
            return Err(RestoreError::Identity);
        }
        let config = MediatorConfig {
            address_limit: snapshot.address_limit,
            ..config
        };
        let mut mediator = Self::attach(device, window, config)?;
        mediator.subchannel = snapshot.subchannel.clone();
        mediator.waiting = snapshot.suspended.map(|place| Waiting::at(place, None));
        mediator.reports = snapshot.reports.clone();
        mediator.sense = snapshot.sense;
        if mediator.config.guest.paths == Paths::Host && mediator.is_device_gone(&mut Vec::new()) {
            return Err(RestoreError::Gone);
        }
        if mediator.subchannel.is_pending() {
            mediator.interrupt(out);
        }
        if !mediator.reports.is_empty() {
            out.push(Event::ChannelReport);
        }
        Ok(mediator)
    }
}
