// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a VMM decides about a subchannel.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ccw::SubsystemId;
use translator::{CommandPolicy, HostProfile, LimitAddr, StorageKeys};

use super::{DeviceIdentity, DirtySink, GuestProfile};

/// The settings of a [`Mediator`](super::Mediator).
#[derive(Clone)]
pub struct MediatorConfig {
    /// The subchannel's name in the guest.
    pub subchannel: SubsystemId,
    /// The device's number in the guest.
    pub device_number: u16,
    /// The platform that the guest sees.
    pub guest: GuestProfile,
    /// Which device it is, for a [`Snapshot`](super::Snapshot) to be set up again on that only.
    pub identity: DeviceIdentity,
    /// What programs are written for: what the host's channel takes. A kernel cannot be asked for
    /// that, so it is what all of them take. Transport mode none of them does, nor does a
    /// `SoftDevice`: with a profile that has it, such programs end with
    /// channel-control check.
    pub profile: HostProfile,
    /// The guest's storage keys, if the VMM keeps any. They are looked at while a program is read and
    /// judged, those of a block as often as the program names it; and the VMM is told what was referenced
    /// and changed when the program has ended (but not what was only looked at, for one that ended without
    /// the device).
    ///
    /// Without them storage has no keys: a program with a key other than zero may use all of it, and
    /// finds its key in the status.
    pub keys: Option<Arc<dyn StorageKeys + Send + Sync>>,
    /// Which commands the guest may give the device, and where they may lead; without it all of
    /// them. A program that they forbid ends with the unit check of a volume that is as small, or not
    /// to be written; the guest's BASIC SENSE is answered then without the device. The same
    /// rules hold for the commands of transport mode. The kind of device is also said in
    /// [`GuestProfile::policy`], by which its programs are read; where both are known they must be the
    /// same ([`Misfit::Commands`](super::Misfit::Commands)).
    ///
    /// No part of a [`Snapshot`](super::Snapshot): who sets a subchannel up again says it again.
    pub commands: Option<CommandPolicy>,
    /// Who is told what the device may have stored into.
    pub dirty: Option<Arc<dyn DirtySink + Send + Sync>>,
    /// What SET ADDRESS LIMIT has set, for a guest that has programs checked against it; without
    /// it the limit is 0, as after a reset.
    pub address_limit: Option<LimitAddr>,
    /// How long things may take.
    pub patience: Patience,
}

/// How long the mediator waits, by the VMM's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Before a request is made again that the host has put off.
    pub retry: Duration,
    /// How often that is done before it is given up: a start then ends with interface-control check, in
    /// the place of a halt the device is cleared, and in the place of a clear it is reset.
    pub retries: u32,
    /// For a status that may still be on its way, before it is taken for lost. Too long only tells the guest
    /// later of one that is; too short takes the end of a good program from it, where a busy host is late.
    pub settle: Duration,
    /// For the end of a halt, before the host is told to clear; and for the end of a clear,
    /// before that is done again, and then before the device is reset.
    pub stop: Duration,
    /// How often the subchannel of a program that runs and says nothing is looked at, for an
    /// interrupt that never came; `None` for never.
    pub watch: Option<Duration>,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            retry: Duration::from_millis(1),
            retries: 1000,
            settle: Duration::from_millis(200),
            stop: Duration::from_secs(2),
            watch: Some(Duration::from_secs(5)),
        }
    }
}

impl MediatorConfig {
    /// A device of unknown kind behind vfio-ccw.
    pub fn new(subchannel: SubsystemId, device_number: u16) -> Self {
        Self {
            subchannel,
            device_number,
            guest: GuestProfile::default(),
            identity: DeviceIdentity::default(),
            profile: HostProfile::VFIO_CCW,
            keys: None,
            commands: None,
            dirty: None,
            address_limit: None,
            patience: Patience::default(),
        }
    }
}

impl fmt::Debug for MediatorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediatorConfig")
            .field("subchannel", &self.subchannel)
            .field("device_number", &self.device_number)
            .field("guest", &self.guest)
            .field("identity", &self.identity)
            .field("profile", &self.profile)
            .field("commands", &self.commands)
            .field("address_limit", &self.address_limit)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
