// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The rules for IDAWs. "PoP: Indirect Data Addressing".

use ccw::{Ccw, Guest, GuestAddr, IdawFormat};

use super::{Checker, DataFault, data_at, narrow};
use crate::{Code, chain::Op};

impl Checker<'_> {
    /// Lists for output and reading forward.
    #[inline(always)]
    pub(super) fn idal(&mut self, ccw: Ccw<Guest>, op: Op, list: &[[u8; 8]]) -> Option<DataFault> {
        let block = self.format.block();
        let mask = block - 1;
        let high = self.high;
        let mut left = u64::from(ccw.count);
        let mut k = 0;
        while let Some(first) = list.get(k) {
            let start = u64::from_be_bytes(*first);
            if start & high != 0 {
                return Some(word_fault(Code::Idaw1Bit0, ccw, left, k));
            }
            if k > 0 && start & mask != 0 {
                return Some(word_fault(Code::IdawAlign, ccw, left, k));
            }
            // Words that go on where the block before ended are taken together.
            let from = k;
            let mut next = (start & !mask).wrapping_add(block);
            k += 1;
            for word in list.get(k..).unwrap_or(&[]) {
                if u64::from_be_bytes(*word) != next || next & high != 0 {
                    break;
                }
                next = next.wrapping_add(block);
                k += 1;
            }
            let len = left.min(next.wrapping_sub(start));
            left -= len;
            if let Some(fault) = self.idal_area(ccw, op, start, len, from, left) {
                return Some(fault);
            }
        }
        if left == 0 {
            return None;
        }
        let code = self.unreadable_idaw(ccw, list.len());
        Some(word_fault(code, ccw, left, list.len()))
    }

    /// Uses the `len` bytes from `start` of the words from number `from` on; `left` bytes come
    /// behind.
    #[inline(always)]
    fn idal_area(
        &mut self,
        ccw: Ccw<Guest>,
        op: Op,
        start: u64,
        len: u64,
        from: usize,
        left: u64,
    ) -> Option<DataFault> {
        let first = GuestAddr::new(start);
        let (good, code) = self.area(first, len, op, Code::IdawDataUnavail);
        let code = code?;
        let block = self.format.block();
        let words = (first.block_offset(block) + good) / block;
        Some(DataFault {
            code,
            good: narrow(u64::from(ccw.count) - left - len + good),
            list_word: Some(narrow(from as u64 + words)),
            data: data_at(first, good, op),
        })
    }

    #[cold]
    pub(super) fn idal_backward(&mut self, ccw: Ccw<Guest>, list: &[[u8; 8]]) -> Option<DataFault> {
        let mask = self.format.block() - 1;
        let mut left = u64::from(ccw.count);
        for (k, word) in list.iter().enumerate() {
            let word = u64::from_be_bytes(*word);
            if self.format == IdawFormat::One && word >> 31 != 0 {
                return Some(word_fault(Code::Idaw1Bit0, ccw, left, k));
            }
            if k > 0 && word.wrapping_add(1) & mask != 0 {
                return Some(word_fault(Code::IdawAlignRb, ccw, left, k));
            }
            let len = left.min((word & mask) + 1);
            let first = GuestAddr::new(word);
            let (good, code) = self.area(first, len, Op::Backward, Code::IdawDataUnavail);
            if let Some(code) = code {
                return Some(DataFault {
                    code,
                    good: narrow(u64::from(ccw.count) - left + good),
                    list_word: Some(narrow(k as u64)),
                    data: data_at(first, good, Op::Backward),
                });
            }
            left -= len;
        }
        if left == 0 {
            return None;
        }
        Some(word_fault(
            self.unreadable_idaw(ccw, list.len()),
            ccw,
            left,
            list.len(),
        ))
    }

    /// Why IDAW number `k` could not be read.
    fn unreadable_idaw(&self, ccw: Ccw<Guest>, k: usize) -> Code {
        let offset = k as u64 * self.format.size();
        self.unreadable(
            ccw,
            offset,
            [Code::IdalWrap, Code::IdalProt, Code::IdalUnavail],
        )
    }
}

/// List word number `k` is at fault, before any of its bytes has moved; `left` bytes are left.
fn word_fault(code: Code, ccw: Ccw<Guest>, left: u64, k: usize) -> DataFault {
    DataFault {
        code,
        good: narrow(u64::from(ccw.count) - left),
        list_word: Some(narrow(k as u64)),
        data: None,
    }
}
