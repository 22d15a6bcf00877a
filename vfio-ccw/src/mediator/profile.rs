// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which platform the guest sees, and whether a host gives just that.
//!
//! The user says what the guest is to find, once and for all. A host gives exactly it, by itself or
//! with our help, or it does not fit; nothing is negotiated with the guest, and nothing of a host
//! shows through that was not asked for. What a host has is what its device says; what cannot be
//! asked is taken to be missing, and no version tells.

use std::fmt;

use bitflags::bitflags;
use ccw::DeviceClass;
use translator::{Arrangement, HostProfile, Policy, Stance, Suspension};

use super::MediatorConfig;
use crate::Capabilities;

/// The platform that the guest sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GuestProfile {
    /// The facilities of the machine, the kind of device, and what becomes of programs that cannot
    /// be carried out exactly: what decides the fate of a program apart from the device.
    ///
    /// IDAWs of every format are carried out, and so is every key, flag and count. Transport mode is
    /// there with [`Facilities::FCX`](translator::Facilities::FCX), also
    /// where a [policy](MediatorConfig::commands) judges the commands.
    pub policy: Policy,
    /// Programs that do not end by themselves can be ended: by CLEAR SUBCHANNEL, and by a reset of
    /// the guest.
    pub stop: bool,
    /// HALT SUBCHANNEL ends a program where it stands.
    pub halt: bool,
    /// The channel paths.
    pub paths: Paths,
}

/// The channel paths that a guest finds in its SCHIB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Paths {
    /// The host's, as they are at each moment, with channel reports when they change. A guest that
    /// moves to another host finds other paths.
    Host,
    /// These, whatever the host has.
    Fixed {
        /// Paths installed and available.
        mask: u8,
        /// Their ids.
        chpid: [u8; 8],
    },
}

impl Paths {
    /// One path, of id 0.
    pub const ONE: Self = Self::Fixed {
        mask: 0x80,
        chpid: [0; 8],
    };
}

impl Default for GuestProfile {
    /// A z/Architecture machine without transport mode, and a device of unknown kind on the
    /// host's paths.
    fn default() -> Self {
        Self {
            policy: Policy::MEDIATE,
            stop: true,
            halt: true,
            paths: Paths::Host,
        }
    }
}

impl GuestProfile {
    /// The same but for what no guest sees.
    pub(super) fn without_remarks(mut self) -> Self {
        self.policy.remarks = false;
        self
    }
}

bitflags! {
    /// What a guest is given that the host does not have.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
    pub struct Emulated: u8 {
        /// CLEAR SUBCHANNEL: by a reset of the device.
        const CLEAR = 0x01;
        /// A reset of the guest: by CLEAR SUBCHANNEL.
        const RESET = 0x02;
        /// The ORB's extension: its priorities are taken, and make no difference.
        const ORB_EXTENSION = 0x04;
        /// Channel paths: what the guest does to them does nothing to the host's.
        const PATHS = 0x08;
        /// Programs that cannot be copied at once, because they suspend themselves, read into
        /// themselves or forbid that they be prefetched: part by part.
        const PARTS = 0x10;
        /// MIDAWs: by IDAWs, by data chaining, or by way of a copy.
        const MIDAWS = 0x20;
        /// Transport mode: by CCWs. A program for which there are none is refused by name, and none is
        /// interrogated.
        const TRANSPORT = 0x40;
    }
}

impl fmt::Display for Emulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bitflags::parser::to_writer(self, f)
    }
}

/// How a host gives a guest what it is to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Plan {
    /// By itself.
    Native,
    /// With our help: the guest cannot tell.
    Emulate(Emulated),
    /// Not at all.
    Fail(Misfit),
}

/// Why a host does not fit a guest, and which setting asks for what it does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Misfit {
    /// The host takes shorter programs only: `max_ccws` of [`GuestProfile::policy`].
    #[error("programs of {wanted} CCWs, where the host takes {most}")]
    ProgramLength {
        /// CCWs of the longest program of the guest's.
        wanted: u16,
        /// CCWs of the longest one that the host takes.
        most: u16,
    },
    /// What the guest may do is said of another kind of device than its programs are read for:
    /// [`MediatorConfig::commands`] and `device` of [`GuestProfile::policy`]. Commands that mean something
    /// else there would be judged for nothing.
    #[error("commands of {commands:?} are judged, in programs for {programs:?}")]
    Commands {
        /// The kind of device that programs are read for.
        programs: DeviceClass,
        /// That of the command policy.
        commands: DeviceClass,
    },
    /// The device can neither be cleared nor reset: [`GuestProfile::stop`].
    #[error("nothing ends a program: the device can neither be cleared nor reset")]
    Stop,
    /// The device cannot be halted: [`GuestProfile::halt`].
    #[error("the device cannot be halted")]
    Halt,
    /// The device does not tell its paths, or not when they change: the user can fix
    /// [`GuestProfile::paths`].
    #[error("the device does not tell its channel paths and their changes")]
    Paths,
}

/// How a host whose device can do `device` gives a guest what it is to see by these settings:
/// [`guest`](MediatorConfig::guest), on the channel [`profile`](MediatorConfig::profile).
///
/// The guest sees the same bytes on all hosts that do not fail, with one exception between channels:
/// how a program ends that cannot use the very first byte of its data
/// ([`FirstByteFault`](translator::FirstByteFault)).
///
/// ```
/// use ccw::SubsystemId;
/// use vfio_ccw::Capabilities;
/// use vfio_ccw::mediator::{Emulated, MediatorConfig, Misfit, Paths, Plan, plan};
///
/// let id = SubsystemId::new(0, 0).expect("subchannel set 0");
/// let mut config = MediatorConfig::new(id, 0x0190);
/// let mut device = Capabilities {
///     async_command: true,
///     schib: true,
///     crw: true,
///     request: true,
///     reset: true,
/// };
/// let found = plan(&config, device);
/// let emulated = Emulated::ORB_EXTENSION | Emulated::PARTS | Emulated::MIDAWS;
/// assert_eq!(found, Plan::Emulate(emulated));
///
/// // A kernel that does not show the subchannel: the user can fix the paths.
/// device.schib = false;
/// assert_eq!(plan(&config, device), Plan::Fail(Misfit::Paths));
/// config.guest.paths = Paths::ONE;
/// let found = plan(&config, device);
/// assert_eq!(found, Plan::Emulate(emulated | Emulated::PATHS));
/// ```
pub fn plan(config: &MediatorConfig, device: Capabilities) -> Plan {
    match emulated(config, device) {
        Err(misfit) => Plan::Fail(misfit),
        Ok(emulated) if emulated.is_empty() => Plan::Native,
        Ok(emulated) => Plan::Emulate(emulated),
    }
}

/// What has to be emulated for it.
pub(super) fn emulated(config: &MediatorConfig, device: Capabilities) -> Result<Emulated, Misfit> {
    let (guest, channel) = (&config.guest, &config.profile);
    let facilities = guest.policy.facilities;
    let (wanted, most) = (guest.policy.max_ccws, most_ccws(channel));
    if wanted > most {
        return Err(Misfit::ProgramLength { wanted, most });
    }
    if let Some(policy) = &config.commands {
        let (programs, commands) = (guest.policy.device, policy.volume().class());
        let is_known = ![programs, commands].contains(&DeviceClass::Unknown);
        if is_known && programs != commands {
            return Err(Misfit::Commands { programs, commands });
        }
    }
    if guest.halt && !device.async_command {
        return Err(Misfit::Halt);
    }
    let mut emulated = Emulated::empty();
    if guest.stop {
        match (device.async_command, device.reset) {
            (true, true) => {}
            (true, false) => emulated |= Emulated::RESET,
            (false, true) => emulated |= Emulated::CLEAR,
            (false, false) => return Err(Misfit::Stop),
        }
    }
    match guest.paths {
        Paths::Host if !(device.schib && device.crw) => return Err(Misfit::Paths),
        Paths::Host => {}
        Paths::Fixed { .. } => emulated |= Emulated::PATHS,
    }
    let Policy {
        no_prefetch,
        self_modifying,
        suspend,
        ..
    } = guest.policy;
    if [no_prefetch, self_modifying].contains(&Stance::Parts) || suspend == Suspension::Parts {
        emulated |= Emulated::PARTS;
    }
    if facilities.orb_extension && !channel.orb_extension {
        emulated |= Emulated::ORB_EXTENSION;
    }
    if facilities.transport && !channel.transport {
        emulated |= Emulated::TRANSPORT;
    }
    if facilities.midaw && !channel.midaws {
        emulated |= Emulated::MIDAWS;
    }
    Ok(emulated)
}

/// CCWs of the longest program that a channel takes.
fn most_ccws(channel: &HostProfile) -> u16 {
    match channel.arrangement {
        Arrangement::Exact => u16::MAX,
        Arrangement::Segments { ccws, segments, .. } => ccws.saturating_mul(segments),
    }
}
