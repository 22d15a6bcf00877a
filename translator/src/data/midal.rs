// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The rules for MIDAWs. "PoP: MIDAW".

use ccw::{Ccw, Guest, GuestAddr, MIDAL_PAGE, MIDAW_SIZE, Midaw, MidawFlags, RawMidaw};

use super::{Checker, DataFault, data_at, narrow};
use crate::{Code, chain::Op};

impl Checker<'_> {
    #[cold]
    pub(super) fn midal(&mut self, ccw: Ccw<Guest>, op: Op, list: &[[u8; 8]]) -> Option<DataFault> {
        let (pairs, _) = list.as_chunks::<2>();
        let mut left = ccw.count;
        let mut k: u16 = 0;
        for pair in pairs {
            let raw = raw_midaw(pair);
            let midaw = Midaw::<Guest>::decode(raw);
            let moved = ccw.count - left;
            let fault = |code, good: u64, data| {
                let good = moved.saturating_add(narrow(good));
                Some(DataFault {
                    code,
                    good,
                    list_word: Some(k),
                    data,
                })
            };
            let skip = skips(&midaw, op);
            if !raw.reserved_is_zero() {
                return fault(Code::MidawRsvd, 0, None);
            }
            if raw.reserved_flags() != 0 {
                return fault(Code::MidawFlagRsvd, 0, None);
            }
            if midaw.flags.contains(MidawFlags::DATA_TRANSFER_INTERRUPTION) {
                return fault(Code::MidawDti, 0, None);
            }
            if midaw.count == 0 {
                return fault(Code::MidawCountZero, 0, None);
            }
            if midaw.count > left {
                return fault(Code::MidawCountOver, 0, None);
            }
            if !skip {
                let room = if op == Op::Backward {
                    midaw.addr.block_offset(MIDAL_PAGE) + 1
                } else {
                    midaw.addr.block_remainder(MIDAL_PAGE)
                };
                let len = u64::from(midaw.count);
                if len > room {
                    return fault(Code::MidawPage, 0, None);
                }
                let (good, code) = self.area(midaw.addr, len, op, Code::MidawDataUnavail);
                if let Some(code) = code {
                    return fault(code, good, data_at(midaw.addr, good, op));
                }
            }
            left -= midaw.count;
            if left > 0 && midaw.flags.contains(MidawFlags::LAST) {
                return fault(Code::MidawSumUnder, u64::from(midaw.count), None);
            }
            k += 1;
            if left == 0 {
                return None;
            }
        }
        let offset = u64::from(k) * MIDAW_SIZE;
        let at = GuestAddr::new(u64::from(ccw.addr.get()) + offset);
        let code = if k > 0 && at.is_aligned(MIDAL_PAGE) {
            Code::MidalPage
        } else {
            self.unreadable(
                ccw,
                offset,
                [Code::MidalUnavail, Code::MidalProt, Code::MidalUnavail],
            )
        };
        Some(DataFault {
            code,
            good: ccw.count - left,
            list_word: Some(k),
            data: None,
        })
    }
}

/// Whether the bytes of the area are not stored. As with the flag of a CCW, output is not skipped.
pub(crate) fn skips(midaw: &Midaw<Guest>, op: Op) -> bool {
    op != Op::Output && midaw.flags.contains(MidawFlags::SKIP)
}

/// The MIDAW in two list words.
pub(crate) fn raw_midaw(&[high, low]: &[[u8; 8]; 2]) -> RawMidaw {
    let mut raw = RawMidaw::default();
    let (halves, _) = raw.0.as_chunks_mut::<8>();
    for (to, from) in halves.iter_mut().zip([high, low]) {
        *to = from;
    }
    raw
}
