// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Channel paths that are no longer available.

use ccw::{Crw, ErrorRecovery, Host, RawCrw, RawSchib, ReportingSource, Schib};

use crate::{Errno, ORB_AREA_SIZE};

/// Byte of an ORB that holds the path mask.
const ORB_LPM: usize = 6;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LostPaths {
    lost: u8,
    /// Paths that the device had at the last change.
    installed: u8,
}

impl LostPaths {
    /// Loses the paths in `mask`, as far as `schib` has them, and returns the reports of it.
    pub(super) fn lose(&mut self, mask: u8, schib: Option<&RawSchib>) -> Vec<RawCrw> {
        let (installed, ids) = paths(schib);
        let changed = mask & installed & !self.lost;
        self.installed = installed;
        self.lost |= changed;
        reports(changed, ids, ErrorRecovery::PERMANENT_NOT_INITIALIZED)
    }

    /// Brings the paths in `mask` back, as far as they were lost.
    pub(super) fn restore(&mut self, mask: u8, schib: Option<&RawSchib>) -> Vec<RawCrw> {
        let (_, ids) = paths(schib);
        let changed = mask & self.lost;
        self.lost &= !changed;
        reports(changed, ids, ErrorRecovery::INITIALIZED)
    }

    /// The subchannel without the lost paths.
    pub(super) fn show(self, schib: &RawSchib) -> RawSchib {
        let mut schib = Schib::<Host>::decode(schib);
        schib.pmcw.pam &= !self.lost;
        schib.pmcw.lpm &= !self.lost;
        schib.encode()
    }

    /// Whether a start has a path left; otherwise it ends as in the kernel.
    pub(super) fn admit(self, orb: &[u8; ORB_AREA_SIZE]) -> Result<(), Errno> {
        let asked = match orb[ORB_LPM] {
            0 => self.installed,
            lpm => lpm,
        };
        match self.lost {
            lost if asked & !lost != 0 || lost == 0 => Ok(()),
            lost if self.installed & !lost != 0 => Err(Errno::EACCES),
            _ => Err(Errno::ENODEV),
        }
    }
}

/// The installed paths and their ids; without a SCHIB one would not know of any.
fn paths(schib: Option<&RawSchib>) -> (u8, [u8; 8]) {
    schib.map_or((0, [0; 8]), |raw| {
        let pmcw = Schib::<Host>::decode(raw).pmcw;
        (pmcw.pim, pmcw.chpid)
    })
}

fn reports(changed: u8, ids: [u8; 8], recovery: ErrorRecovery) -> Vec<RawCrw> {
    let of_path = |(path, id): (u8, u8)| {
        let report = Crw {
            source: ReportingSource::CHANNEL_PATH,
            recovery,
            source_id: u16::from(id),
            ..Crw::decode(RawCrw(0))
        };
        (changed & (0x80 >> path) != 0).then(|| report.encode())
    };
    (0..8).zip(ids).filter_map(of_path).collect()
}
