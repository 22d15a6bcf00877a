// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One status of the several with which a program ends.

use ccw::{Guest, Irb, RawScsw, Scsw, StatusControl};

use crate::differential::canonical;
use crate::implementation::Status;

/// How a program ended, without what is left open: as if it had been tested once, at last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The status.
    pub scsw: Scsw<Guest>,
    /// Bits of it that are known.
    pub known: [u8; 12],
    /// The residual count means something.
    pub counts: bool,
    /// The CCW address names a CCW.
    pub named: bool,
    /// Sense bytes, if they are told.
    pub sense: Option<Vec<u8>>,
}

impl Settled {
    /// None, if there was no status.
    pub fn of(statuses: &[Status]) -> Option<Self> {
        let mut settled: Option<Self> = None;
        for status in statuses {
            let scsw = Scsw::<Guest>::decode(&RawScsw(status.scsw));
            settled = Some(match settled {
                None => Self {
                    scsw,
                    known: status.known,
                    counts: true,
                    named: true,
                    sense: status.sense.clone(),
                },
                Some(before) => before.then(scsw, status),
            });
        }
        settled.map(Self::canonical)
    }

    /// This status, and then another.
    fn then(mut self, scsw: Scsw<Guest>, status: &Status) -> Self {
        let ended = |scsw: &Scsw<Guest>| scsw.status.contains(StatusControl::PRIMARY);
        let (first, second) = (self.scsw, scsw);
        // The end of the program has its address and count; what came before, or after, is added.
        self.scsw = if ended(&first) { first } else { second };
        self.scsw.device = first.device | second.device;
        self.scsw.subchannel = first.subchannel | second.subchannel;
        self.scsw.status = first.status | second.status;
        self.scsw.zero_cc = first.zero_cc || second.zero_cc;
        self.scsw.activity = second.activity;
        for (known, other) in self.known.iter_mut().zip(status.known) {
            *known &= other;
        }
        self.sense = match (self.sense, &status.sense) {
            (Some(sense), Some(more)) => Some([&sense[..], more].concat()),
            _ => None,
        };
        self
    }

    fn canonical(mut self) -> Self {
        let irb = Irb {
            scsw: self.scsw,
            ..Irb::IDLE
        };
        let meant = canonical(&irb).scsw;
        // What is taken away from a status does not count, whatever it was.
        let mut marked = self.scsw;
        (marked.residual, marked.cpa) = (1, 8);
        let marked = canonical(&Irb {
            scsw: marked,
            ..Irb::IDLE
        });
        self.counts = marked.scsw.residual != 0;
        self.named = marked.scsw.cpa != 0;
        self.scsw = meant;
        // Which form the ESW has is not told, and intermediate status adds nothing to an end.
        self.scsw.extended_status_word = false;
        if self.scsw.status.contains(StatusControl::PRIMARY) {
            self.scsw.status.remove(StatusControl::INTERMEDIATE);
            self.scsw.zero_cc = false;
        }
        self
    }

    /// The status without address, device status, subchannel status and count.
    pub fn controls(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.scsw.encode().0;
        [a, b, c, d]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_only_what_all_tell_is_known() {
        let status = |scsw, known: u8, sense: Option<&[u8]>| Status {
            scsw,
            known: [known; 12],
            sense: sense.map(<[u8]>::to_vec),
        };
        // Channel end as primary status, then device end alone.
        let first = [0, 0x80, 0x40, 0x26, 0, 0, 0x10, 8, 8, 0, 0, 0];
        let second = [0, 0x80, 0, 0x03, 0, 0, 0x10, 8, 4, 0, 0, 0];
        let of = |statuses: &[Status]| Settled::of(statuses).expect("a status");
        let both = of(&[
            status(first, 0xf0, Some(&[1])),
            status(second, 0x3f, Some(&[2])),
        ]);
        assert_eq!(both.known, [0x30; 12]);
        assert_eq!(both.sense.as_deref(), Some(&[1, 2][..]));
        assert_eq!(both.scsw.device.bits(), 0x0c);
        let silent = of(&[status(first, 0xff, Some(&[1])), status(second, 0xff, None)]);
        assert_eq!((silent.known, silent.sense), ([0xff; 12], None));
        assert_eq!(Settled::of(&[]), None);
    }
}
