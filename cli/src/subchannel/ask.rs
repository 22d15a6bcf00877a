// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Small programs of the tool's own: one command, and what the device answers.

use ccw::{Command, DeviceStatus, RawOrb, orb::word1};
use vfio_ccw::HostMemory;

use super::session::{Ran, Session};
use crate::dump;
use crate::memory::PAGE_BYTES;
use crate::status;

/// Where the answer lies in the page; the CCW lies at its beginning.
const ANSWER: u32 = 0x800;
/// Bytes of an answer at most.
const MOST: u16 = 256;
/// Bytes of sense data at most.
const SENSE: u16 = 32;

/// A page of guest storage for such programs.
#[derive(Debug)]
pub(crate) struct Desk {
    at: u32,
    memory: HostMemory,
}

impl Desk {
    /// A page at `at`, which is the guest's of `session` from now on.
    pub(crate) fn new(session: &Session, at: u64) -> Result<Self, String> {
        let memory = HostMemory::anonymous(PAGE_BYTES);
        let memory = memory.map_err(|errno| format!("no memory for guest storage: {errno}"))?;
        session.add(at, &memory)?;
        let at = u32::try_from(at).map_err(|_| "no storage below 2 GiB".to_owned())?;
        Ok(Self { at, memory })
    }

    /// The bytes that the device offers at `command`, up to `count` and 256.
    ///
    /// # Errors
    ///
    /// Why there are none, with the sense bytes if the device has them.
    pub(crate) fn ask(
        &self,
        session: &mut Session,
        command: Command,
        count: u16,
    ) -> Result<Vec<u8>, String> {
        let (ran, bytes) = self.start(session, command, count)?;
        let irb = match ran {
            // No command of ours suspends a program.
            Ran::Status(irb) | Ran::Suspended(irb) => irb,
            Ran::NotStarted(why) => return Err(format!("START SUBCHANNEL: {why}")),
            Ran::GivenUp(why) => return Err(why.to_string()),
            Ran::Stopped(_, why) => return Err(why),
        };
        if status::is_normal_end(&irb.scsw) {
            return Ok(bytes);
        }
        let mut why = format!(
            "{}, SCSW {}",
            status::device(irb.scsw.device),
            dump::words(&irb.scsw.encode().0)
        );
        let concurrent = irb.concurrent_sense().map(<[u8]>::to_vec);
        if irb.scsw.device.contains(DeviceStatus::UNIT_CHECK)
            && let Some(sense) = concurrent.or_else(|| self.sense(session))
        {
            why.push_str(&format!(", sense {}", dump::words(&sense)));
        }
        Err(why)
    }

    /// What BASIC SENSE says after a unit check.
    pub(crate) fn sense(&self, session: &mut Session) -> Option<Vec<u8>> {
        match self.start(session, Command::SENSE, SENSE) {
            Ok((Ran::Status(irb), bytes)) if status::is_normal_end(&irb.scsw) => Some(bytes),
            _ => None,
        }
    }

    /// How `command` ended, and the bytes that came.
    fn start(
        &self,
        session: &mut Session,
        command: Command,
        count: u16,
    ) -> Result<(Ran, Vec<u8>), String> {
        let count = count.min(MOST);
        let failed = |errno| format!("guest storage: {errno}");
        let answer = self.at.saturating_add(ANSWER);
        let [high, low] = count.to_be_bytes();
        let [a, b, c, d] = answer.to_be_bytes();
        // Format 1, incorrect length suppressed.
        let ccw = [command.0, 0x20, high, low, a, b, c, d];
        self.memory.write(0, &ccw).map_err(failed)?;
        let paths = 0xff00;
        let chosen = word1::FORMAT1 | word1::PREFETCH | word1::FORMAT2_IDAWS | paths;
        let ran = session.start(&RawOrb::from_words([0, chosen, self.at]));
        let residual = match &ran {
            Ran::Status(irb) => irb.scsw.residual,
            _ => count,
        };
        let mut bytes = vec![0; usize::from(count.saturating_sub(residual))];
        self.memory
            .read(ANSWER as usize, &mut bytes)
            .map_err(failed)?;
        Ok((ran, bytes))
    }
}
