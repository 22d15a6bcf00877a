// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Channel paths, channel reports, and the device that is gone.

use ccw::{Crw, ErrorRecovery, Host, Pmcw, RawCrw, ReportingSource, Schib};

use super::errno::Refusal;
use super::flight::Flight;
use super::{Event, Mediator, Paths};
use crate::{CcwDevice, DeviceError, Errno};

/// Most channel reports that are taken from the host in one call.
const REPORTS: usize = 64;

impl<D: CcwDevice> Mediator<D> {
    /// The PMCW as a reset leaves it: disabled, all installed paths to be used.
    pub(super) fn initial_pmcw(&mut self) -> Pmcw {
        let mut pmcw = Pmcw {
            device_number: Some(self.config.device_number),
            pom: 0xff,
            ..Pmcw::default()
        };
        match self.config.guest.paths {
            Paths::Fixed { mask, chpid } => {
                (pmcw.pim, pmcw.pam, pmcw.chpid) = (mask, mask, chpid);
            }
            Paths::Host => {
                if let Ok(host) = self.host_schib() {
                    show_paths(&mut pmcw, &host.pmcw);
                }
            }
        }
        pmcw.lpm = pmcw.pim;
        pmcw.pnom = 0;
        pmcw
    }

    /// The host's subchannel.
    pub(super) fn host_schib(&mut self) -> Result<Schib<Host>, DeviceError> {
        if !self.device.capabilities().schib {
            return Err(Errno::EOPNOTSUPP.into());
        }
        self.device.read_schib().map(|raw| Schib::decode(&raw))
    }

    /// Reads the paths again; a subchannel that cannot be stored is gone.
    pub(super) fn refresh_paths(&mut self, out: &mut Vec<Event>) {
        match self.host_schib() {
            Ok(host) if self.config.guest.paths == Paths::Host => {
                show_paths(self.subchannel.pmcw_mut(), &host.pmcw);
            }
            Ok(_) => {}
            Err(DeviceError::Errno(Errno::EOPNOTSUPP)) => {}
            Err(error) => {
                if Refusal::from(error) == Refusal::NotOperational {
                    self.lose_device(out);
                }
            }
        }
    }

    /// Whether the device is gone, which it then is for the guest too.
    pub(super) fn is_device_gone(&mut self, out: &mut Vec<Event>) -> bool {
        self.refresh_paths(out);
        matches!(self.flight, Flight::Gone)
    }

    /// The device is gone: nobody will say what became of its program.
    pub(super) fn lose_device(&mut self, out: &mut Vec<Event>) {
        if matches!(self.flight, Flight::Gone) {
            return;
        }
        log::warn!(target: "vfio_ccw::mediator", "{}: the device is gone", self.name());
        self.abandon();
        self.flight = Flight::Gone;
        self.disarm();
        if self.subchannel.lose_device() {
            out.push(Event::Withdrawn);
        }
        let report = Crw {
            source: ReportingSource::SUBCHANNEL,
            recovery: ErrorRecovery::PARAMETERS_INITIALIZED,
            source_id: self.config.subchannel.number,
            ..Crw::decode(RawCrw(0))
        };
        self.report(report.encode(), out);
        out.push(Event::Gone);
    }

    /// Takes the host's channel reports.
    pub(super) fn take_reports(&mut self, out: &mut Vec<Event>) {
        let mut paths = false;
        for _ in 0..REPORTS {
            match self.device.read_crw() {
                Ok(Some(report)) => {
                    self.metrics.reports += 1;
                    let report = Crw::decode(report);
                    let of_path = report.source == ReportingSource::CHANNEL_PATH;
                    paths |= of_path;
                    // Paths that the guest does not see are no business of its own.
                    if !of_path || self.config.guest.paths == Paths::Host {
                        self.report(report.encode(), out);
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    log::warn!(target: "vfio_ccw::mediator", "{}: report: {error}", self.name());
                    break;
                }
            }
        }
        if paths {
            self.refresh_paths(out);
        }
    }

    fn report(&mut self, report: RawCrw, out: &mut Vec<Event>) {
        log::info!(target: "vfio_ccw::mediator", "{}: crw {:08x}", self.name(), report.0);
        if self.reports.push(report) {
            out.push(Event::ChannelReport);
        }
    }
}

/// Shows the guest the host's paths. Which of them to use (LPM) and which were found operational
/// (POM) is between the guest and its subchannel.
fn show_paths(pmcw: &mut Pmcw, host: &Pmcw) {
    pmcw.pim = host.pim;
    pmcw.pam = host.pam;
    pmcw.pnom = host.pnom;
    pmcw.lpum = host.lpum;
    pmcw.chpid = host.chpid;
}
