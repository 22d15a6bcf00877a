// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How a snapshot is written down.
//!
//! The version is the outermost name, so it is known before anything else is looked at. Words of the
//! architecture are written as their bytes; the rest by names of this format's own, which do not
//! change when ours do.

use std::fmt;

use ccw::{
    Crw, DeviceClass, GuestAddr, RawCrw, RawEsw, RawIrb, RawOrb, RawSchib, RawSubsystemId,
    SubsystemId,
};
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use translator::{Facilities, LimitAddr, Policy, Skips, Stance, Suspension};

use super::hex::Hex;
use super::parse::{Refused, Standing, Words};
use super::{DeviceIdentity, Snapshot};
use crate::mediator::sense::Sense;
use crate::mediator::{CrwQueue, GuestProfile, Paths};

/// A snapshot in one of the versions that there are.
#[derive(Serialize, Deserialize)]
pub(super) enum Versioned {
    #[serde(rename = "subchannel-1")]
    One(One),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct One {
    /// The subsystem-identification word.
    id: Hex<4>,
    #[serde(with = "GuestProfileDef")]
    guest: GuestProfile,
    #[serde(with = "DeviceIdentityDef")]
    identity: DeviceIdentity,
    #[serde(deserialize_with = "given")]
    address_limit: Option<Hex<4>>,
    schib: Hex<52>,
    esw: Hex<20>,
    ecw: Hex<32>,
    #[serde(deserialize_with = "given")]
    next: Option<Hex<64>>,
    #[serde(deserialize_with = "given")]
    suspended: Option<Suspended>,
    reports: Reports,
    /// Only for a guest that is still to be told why a policy has refused its command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sense: Option<Kept>,
    /// Only for a guest that may not give every command: [`CommandPolicy::digest`].
    ///
    /// [`CommandPolicy::digest`]: translator::CommandPolicy::digest
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commands: Option<Hex<16>>,
}

/// Sense bytes that are not the device's.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    bytes: Hex<32>,
    len: u8,
}

/// A program that stands suspended.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Suspended {
    orb: Hex<32>,
    /// The address of the CCW with the S flag.
    at: Hex<4>,
    /// A command of it was accepted.
    accepted: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "GuestProfile", deny_unknown_fields)]
struct GuestProfileDef {
    #[serde(with = "PolicyDef")]
    policy: Policy,
    stop: bool,
    halt: bool,
    #[serde(with = "PathsDef")]
    paths: Paths,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Policy", deny_unknown_fields)]
struct PolicyDef {
    #[serde(with = "FacilitiesDef")]
    facilities: Facilities,
    #[serde(with = "DeviceClassDef")]
    device: DeviceClass,
    #[serde(with = "SkipsDef")]
    skips: Skips,
    #[serde(with = "StanceDef")]
    no_prefetch: Stance,
    #[serde(with = "StanceDef")]
    self_modifying: Stance,
    #[serde(with = "SuspensionDef")]
    suspend: Suspension,
    /// Nothing that the guest sees.
    #[serde(skip)]
    remarks: bool,
    max_ccws: u16,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Facilities", deny_unknown_fields)]
struct FacilitiesDef {
    transport: bool,
    midaw: bool,
    length_suppression: bool,
    orb_extension: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "DeviceClass", rename_all = "kebab-case")]
enum DeviceClassDef {
    Unknown,
    Eckd,
    Fba,
    Tape,
    Terminal,
    UnitRecord,
    Ctc,
    Virtio,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Skips", rename_all = "kebab-case")]
enum SkipsDef {
    Searches,
    Any,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Stance", rename_all = "kebab-case")]
enum StanceDef {
    Accept,
    Refuse,
    Parts,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Suspension", rename_all = "kebab-case")]
enum SuspensionDef {
    Refuse,
    Parts,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Paths", rename_all = "kebab-case", deny_unknown_fields)]
enum PathsDef {
    Host,
    Fixed { mask: u8, chpid: [u8; 8] },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "DeviceIdentity", deny_unknown_fields)]
struct DeviceIdentityDef {
    #[serde(with = "bytes")]
    node_element: Option<[u8; 32]>,
    #[serde(with = "bytes")]
    characteristics: Option<[u8; 64]>,
}

/// Bytes that may be unknown, as [`Hex`].
mod bytes {
    use super::{Deserialize, Deserializer, Hex, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer, const N: usize>(
        bytes: &Option<[u8; N]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        bytes.map(Hex).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<Option<[u8; N]>, D::Error> {
        let bytes = Option::<Hex<N>>::deserialize(deserializer)?;
        Ok(bytes.map(|Hex(bytes)| bytes))
    }
}

/// What may be nothing, and says so: a field that is left out is not nothing.
fn given<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}

/// Channel reports, the oldest first.
pub(super) struct Reports(CrwQueue);

impl Serialize for Reports {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|report| Hex(report.0.to_be_bytes())))
    }
}

impl<'de> Deserialize<'de> for Reports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Queue;
        impl<'de> Visitor<'de> for Queue {
            type Value = Reports;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(
                    f,
                    "at most {} different channel reports",
                    CrwQueue::CAPACITY
                )
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut reports: A) -> Result<Reports, A::Error> {
                let mut queue = CrwQueue::default();
                while let Some(Hex(bytes)) = reports.next_element::<Hex<4>>()? {
                    let report = RawCrw(u32::from_be_bytes(bytes));
                    if Crw::decode(report).encode() != report {
                        return Err(A::Error::custom("reserved bits of a channel report"));
                    }
                    if !queue.push(report) {
                        return Err(A::Error::invalid_length(queue.len() + 1, &self));
                    }
                }
                Ok(Reports(queue))
            }
        }
        deserializer.deserialize_seq(Queue)
    }
}

impl From<Snapshot> for Versioned {
    fn from(snapshot: Snapshot) -> Self {
        let Words {
            schib,
            esw,
            ecw,
            next,
        } = Words::of(&snapshot.subchannel);
        let limit = snapshot.address_limit.map(|limit| {
            // Below 2^31.
            let [_, _, _, _, bytes @ ..] = limit.get().get().to_be_bytes();
            Hex(bytes)
        });
        Self::One(One {
            id: Hex(snapshot.id.encode().0.to_be_bytes()),
            guest: snapshot.guest,
            identity: snapshot.identity,
            address_limit: limit,
            schib: Hex(schib.0),
            esw: Hex(esw.0),
            ecw: Hex(ecw),
            next: next.map(|irb| Hex(irb.0)),
            suspended: snapshot.suspended.map(|place| {
                let Standing { orb, at, accepted } = Standing::of(&place);
                Suspended {
                    orb: Hex(orb.0),
                    at: Hex(at.to_be_bytes()),
                    accepted,
                }
            }),
            reports: Reports(snapshot.reports),
            commands: snapshot.commands.map(|it| Hex(it.to_be_bytes())),
            sense: snapshot.sense.map(|sense| {
                let (bytes, len) = sense.parts();
                Kept {
                    bytes: Hex(bytes),
                    len,
                }
            }),
        })
    }
}

/// Why a snapshot is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("that is no subsystem-identification word")]
    Id,
    #[error("there can be no address limit")]
    Limit,
    #[error("there is no such number of sense bytes")]
    Sense,
    #[error(transparent)]
    Words(#[from] Refused),
}

impl TryFrom<Versioned> for Snapshot {
    type Error = Unreadable;

    fn try_from(Versioned::One(one): Versioned) -> Result<Self, Unreadable> {
        let id = RawSubsystemId(u32::from_be_bytes(one.id.0));
        let limit = |Hex(bytes): Hex<4>| {
            let at = GuestAddr::new(u32::from_be_bytes(bytes).into());
            LimitAddr::new(at).ok_or(Unreadable::Limit)
        };
        let kept = |it: Kept| Sense::from_parts(it.bytes.0, it.len).ok_or(Unreadable::Sense);
        let words = Words {
            schib: RawSchib(one.schib.0),
            esw: RawEsw(one.esw.0),
            ecw: one.ecw.0,
            next: one.next.map(|Hex(irb)| RawIrb(irb)),
        };
        let standing = one.suspended.map(|it| Standing {
            orb: RawOrb(it.orb.0),
            at: u32::from_be_bytes(it.at.0),
            accepted: it.accepted,
        });
        let (subchannel, suspended) = words.parse(standing, &one.guest)?;
        Ok(Self {
            id: SubsystemId::decode(id)
                .filter(|it| it.encode() == id)
                .ok_or(Unreadable::Id)?,
            address_limit: one.address_limit.map(limit).transpose()?,
            subchannel,
            suspended,
            guest: one.guest,
            identity: one.identity,
            reports: one.reports.0,
            commands: one.commands.map(|Hex(it)| u128::from_be_bytes(it)),
            sense: one.sense.map(kept).transpose()?,
        })
    }
}
