// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! An outcome as JSON.

use std::ops::Range;

use ccw::DeviceClass;
use serde::Serialize;

use super::{End, Outcome};
use crate::machine::Exchange;
use crate::memory::Working;
use crate::{json, status};

impl Outcome {
    /// The outcome as JSON; `storage` is as the run left it.
    pub(crate) fn entry(&self, class: DeviceClass, storage: &Working<'_>) -> Entry {
        let (scsw, refused) = match &self.end {
            End::Status(irb) => (Some(irb.scsw), None),
            End::Stopped(irb, why) => (irb.map(|irb| irb.scsw), Some(why.clone())),
            End::Suspended(scsw) => (Some(*scsw), None),
            End::NotStarted(reason) | End::Refused(reason) => (None, Some(reason.clone())),
            End::GivenUp(why) => (None, Some(why.to_string())),
        };
        Entry {
            end: match &self.end {
                End::Status(irb) if status::is_normal_end(&irb.scsw) => "normal",
                End::Status(_) => "check",
                End::NotStarted(_) => "not-started",
                End::Refused(_) => "refused",
                End::Suspended(_) => "suspended",
                End::GivenUp(_) | End::Stopped(..) => "given-up",
            },
            reason: refused.or_else(|| self.reason.clone()),
            scsw: scsw.map(|scsw| json::digits(&scsw.encode().0)),
            device_status: scsw.map(|scsw| status::device(scsw.device)),
            subchannel_status: scsw.map(|scsw| status::subchannel(scsw.subchannel)),
            sense: self.sense().map(json::digits),
            traffic: self.heard.then(|| {
                let traffic = self.exchanges.iter();
                traffic.map(|it| Traffic::of(it, class)).collect()
            }),
            traffic_dropped: self.heard.then_some(self.dropped.count),
            changed: storage
                .changes()
                .into_iter()
                .map(|range| Changed::of(storage, &range))
                .collect(),
            output: self
                .output()
                .map(|output| String::from_utf8_lossy(output).into_owned()),
            complaints: self.complaints.clone(),
            remarks: self.remarks.clone(),
        }
    }
}

/// An outcome, as JSON.
#[derive(Serialize)]
pub(crate) struct Entry {
    end: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    scsw: Option<String>,
    device_status: Option<String>,
    subchannel_status: Option<String>,
    sense: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traffic: Option<Vec<Traffic>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traffic_dropped: Option<u64>,
    changed: Vec<Changed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    complaints: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remarks: Vec<String>,
}

/// A command and its answer, as JSON.
#[derive(Serialize)]
struct Traffic {
    command: String,
    name: &'static str,
    sent: u64,
    received: u64,
    first_bytes: String,
    status: String,
}

impl Traffic {
    fn of(exchange: &Exchange, class: DeviceClass) -> Self {
        Self {
            command: format!("{:02x}", exchange.command),
            name: class.command_name(exchange.command),
            sent: exchange.sent,
            received: exchange.received,
            first_bytes: json::digits(&exchange.first),
            status: format!("{:02x}", exchange.status.bits()),
        }
    }
}

/// A changed range of guest storage, as JSON.
#[derive(Serialize)]
struct Changed {
    addr: String,
    len: u64,
    hex: String,
}

impl Changed {
    fn of(storage: &Working<'_>, range: &Range<u64>) -> Self {
        let len = range.end - range.start;
        let mut bytes = vec![0; usize::try_from(len).unwrap_or_default()];
        storage.read(range.start, &mut bytes);
        Self {
            addr: json::hex(range.start),
            len,
            hex: json::digits(&bytes),
        }
    }
}
