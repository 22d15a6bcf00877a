// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Whether a program changes itself.

use ccw::{Addr, Guest};
use translator::Program;

use super::GuestRun;
use crate::generator::Scene;

/// The words of a program as far as the translator read them.
pub(super) struct ControlWords {
    words: Vec<(Addr<Guest>, Vec<u8>)>,
}

impl ControlWords {
    pub(super) fn of(program: &Program, scene: &Scene) -> Self {
        let idaw = ccw::IdawFormat::of(program.orb()).size();
        let mut words = Vec::new();
        let mut note = |at: Addr<Guest>, len: u64| {
            words.push((at, scene.peek(at, len as usize)));
        };
        for step in program.steps() {
            note(step.at, 8);
            if !step.list.is_empty() {
                // Of a MIDAW there are two doublewords.
                let midaws = step.ccw.flags.contains(ccw::CcwFlags::MODIFIED_INDIRECT);
                let size = if midaws { 8 } else { idaw };
                note(step.ccw.addr.widen(), step.list.len() as u64 * size);
            }
        }
        Self { words }
    }

    /// Whether the run changed some of these words; if so, whether one took control changed.
    pub(super) fn modified(&self, guest: &GuestRun) -> Option<bool> {
        let original = |at: Addr<Guest>| {
            // A list may begin there, too.
            let ccw = |(start, bytes): &&(_, Vec<u8>)| *start == at && bytes.len() == 8;
            let word = self.words.iter().find(ccw);
            word.map(|(_, bytes)| bytes)
        };
        let executed = guest
            .fetched
            .iter()
            .any(|(at, raw)| original(*at).is_some_and(|bytes| bytes[..] != raw[..]));
        let changed = || {
            let mut words = self.words.iter();
            words.any(|(at, bytes)| guest.view.peek(*at, bytes.len()) != *bytes)
        };
        (executed || changed()).then_some(executed)
    }
}
