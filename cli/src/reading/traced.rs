// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A program of a trace that says where each CCW lies, and gives no ORB.

use ccw::{CcwFlags, Format};

use super::draft::{Draft, decoded, flag, format_of, orb};
use super::lines::{Doubleword, Piece};
use super::shown::{List, ListWord, Shown, put_data};
use crate::input::Input;
use crate::input::Recorded;
use crate::source::Written;

/// Bytes of data that are kept of one CCW or list word; no trace shows as many.
const MOST_DATA: usize = 1 << 16;

/// A program, as far as it is read.
#[derive(Default)]
pub(super) struct Traced {
    pub(super) name: String,
    pub(super) format: Option<Format>,
    pub(super) key: u8,
    pub(super) cpa: Option<u32>,
    /// Whether prefetching was allowed, if the trace says so.
    pub(super) prefetch: Option<bool>,
    pub(super) recorded: Recorded,
    /// Each CCW with its address.
    pub(super) ccws: Vec<(u32, Shown)>,
}

impl Traced {
    /// A CCW at `at`.
    pub(super) fn ccw(&mut self, at: u32, ccw: Doubleword) {
        let shown = Shown::new(ccw, Piece::default());
        self.ccws.push((at & 0x7fff_ffff, shown));
    }

    /// Another word of the list of the last CCW.
    pub(super) fn list_word(&mut self, word: List, written: Written) {
        if let Some((_, last)) = self.ccws.last_mut() {
            last.list.push(ListWord {
                word,
                written: vec![(0, written)],
                data: Piece::default(),
            });
        }
    }

    /// The second half of the last word, a MIDAW.
    pub(super) fn midaw_address(&mut self, addr: u64, at: Written) {
        let last = self.ccws.last_mut().and_then(|it| it.1.list.last_mut());
        if let Some(ListWord {
            word: List::Midaw(word),
            written,
            ..
        }) = last
        {
            written.truncate(1);
            written.push((8, at));
            *word = *word & !u128::from(u64::MAX) | u128::from(addr);
        }
    }

    /// More bytes of what the last CCW or list word leads to.
    pub(super) fn data(&mut self, more: &Piece) {
        let Some((_, last)) = self.ccws.last_mut() else {
            return;
        };
        let data = match last.list.last_mut() {
            Some(word) => &mut word.data,
            None => &mut last.data,
        };
        if data.bytes.len() + more.bytes.len() <= MOST_DATA {
            data.extend(more);
        }
    }

    /// The program as an input.
    pub(super) fn finish(self) -> Input {
        let mut draft = Draft {
            name: self.name,
            ..Draft::default()
        };
        let raw: Vec<[u8; 8]> = self.ccws.iter().map(|it| it.1.raw).collect();
        let format = self.format.unwrap_or_else(|| {
            let format = format_of(&raw);
            let digit = u8::from(format == Format::One);
            draft.remark(format!(
                "the format of the CCWs is not in this trace: they look like format {digit}"
            ));
            format
        });
        let mut changed = false;
        for (at, shown) in &self.ccws {
            changed |= !shown.put(&mut draft.pieces, (*at).into());
        }
        if changed {
            draft.remark("a CCW is shown twice, and differs: it is taken as it was first");
        }
        put_data(&mut draft.pieces, self.ccws.iter().map(|it| &it.1), format);
        let words = || {
            self.ccws
                .iter()
                .flat_map(|it| it.1.list.iter().map(|it| it.word))
        };
        let indirect = raw
            .iter()
            .any(|raw| decoded(raw, format).flags.contains(CcwFlags::INDIRECT));
        let mut second = u32::from(self.key) << 28 | flag::ALL_PATHS;
        if format == Format::One {
            second |= flag::FORMAT_1;
        }
        if words().any(|word| matches!(word, List::Midaw(_))) {
            second |= flag::MIDAW;
        }
        let short = words().any(|word| matches!(word, List::Idaw4(_)));
        if !short {
            second |= flag::IDAW_8;
        }
        if indirect && !words().any(|word| matches!(word, List::Idaw4(_) | List::Idaw8(_))) {
            draft.remark(
                "the lists of IDAWs are not in this trace; 8 bytes each are taken for granted",
            );
        }
        if self.prefetch.unwrap_or(true) {
            second |= flag::PREFETCH;
        }
        let first = self.ccws.first().map(|it| it.0);
        draft.remark(match self.cpa {
            Some(_) => "the ORB is not in this trace: every path is taken for granted",
            None => {
                "the ORB is not in this trace: the program is taken to begin with the first CCW that is \
                 shown, with every path"
            }
        });
        draft.orb = orb(0, second, self.cpa.or(first).unwrap_or_default());
        if first.is_none() {
            draft.remark("no CCW of it is in this trace");
        }
        draft.recorded = Some(self.recorded).filter(|it| *it != Recorded::default());
        if draft.recorded.is_none() {
            draft.remark("the status with which it ended is not in this trace");
        }
        draft.finish()
    }
}
