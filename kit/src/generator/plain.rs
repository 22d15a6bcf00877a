// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Cases that ask for nothing which a small implementation may lack.

use ccw::{CcwFlags, orb::word1};

use super::{Case, Data, Guard, Index, Target};

/// The logical path that is used.
const PATH: u32 = 0x8000;

impl Case {
    /// The same without storage keys, limits, and storage that is read-only or has two addresses; with an ORB of
    /// format 1 that allows prefetching and asks for nothing else; of the flags with CD, CC and SLI alone, and no
    /// lists; and for a device that ends each command with channel end and device end.
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.memory.guard = Guard::None;
        for frame in &mut self.memory.frames {
            (frame.host, frame.read_only, frame.key) = (frame.frame, false, 0);
        }
        self.recorded.keys.clear();
        self.orb.word1 = word1::FORMAT1 | word1::PREFETCH | PATH;
        self.orb.start = Target::Ccw(Index { segment: 0, ccw: 0 });
        self.orb.extension.clear();
        let flags = CcwFlags::CHAIN_DATA | CcwFlags::CHAIN_COMMAND | CcwFlags::SUPPRESS_LENGTH;
        for ccw in self.segments.iter_mut().flat_map(|it| &mut it.ccws) {
            ccw.flags &= flags.bits();
            let first = match &ccw.data {
                Data::List(list) => Some(list.first),
                Data::Midal(list) => list.areas.first().map(|area| area.at),
                Data::At(_) | Data::Word(_) | Data::Go(_) => continue,
            };
            ccw.data = first.map_or(Data::Word(0), Data::At);
        }
        for answer in &mut self.script {
            (answer.status, answer.later, answer.sense) = (0x0c, 0, 0);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use crate::{generator::random_cases, machine::Machine};

    #[test]
    fn plain_cases_need_little_of_a_machine() {
        for case in random_cases(7).take(100).map(super::Case::plain) {
            let scene = case.build();
            assert!(scene.keys.is_none() && scene.limit.is_none(), "{case:?}");
            let machine = Machine::of_case(&case);
            assert_eq!(machine.file.orb.word(1), 0x00c0_8000);
            assert!(machine.file.keys.is_empty() && machine.file.orb.0[12..] == [0; 20]);
            let mut ccws = case.segments.iter().flat_map(|segment| &segment.ccws);
            assert!(ccws.all(|ccw| ccw.flags & !0xe0 == 0), "{case:?}");
            let lists = ["List", "Midal"].map(|list| format!("{:?}", case.segments).contains(list));
            assert_eq!(lists, [false; 2]);
            let script = machine.script.unwrap_or_default();
            let usual = |status: ccw::DeviceStatus| status.bits() == 0x0c;
            assert!(
                script
                    .iter()
                    .all(|it| usual(it.status) && it.later.is_none())
            );
        }
    }
}
