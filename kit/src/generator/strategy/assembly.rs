// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! From drafts to a case: what is chosen for the whole, and for each CCW what it then means.

use ccw::{Class, Command, Format, orb::word1};

use super::draft::{Draft, Form, Jump, Link, Part, Wrong};
use crate::generator::{
    Answer, Case, Data, Index, Intent, List, Memory, Midal, Odd, Oddity, OrbWords, Place, Recorded,
    Segment, Target, Terms,
};

const CHAIN_DATA: u8 = 0x80;
const CHAIN_COMMAND: u8 = 0x40;
const SKIP: u8 = 0x10;

/// What is chosen for a program as a whole.
pub(super) struct Assembly {
    /// Things may be wrong.
    pub(super) odd: bool,
    pub(super) format: Format,
    pub(super) form: u32,
    /// The program may have MIDAWs.
    pub(super) midaws: bool,
}

impl Assembly {
    /// The case of these parts.
    pub(super) fn case(
        &self,
        terms: Terms,
        memory: Memory,
        mut orb: OrbWords,
        drafts: &[Draft],
        script: Vec<Answer>,
    ) -> Case {
        orb.word1 |= self.form;
        if self.format == Format::One {
            orb.word1 |= word1::FORMAT1;
        }
        if !self.odd {
            orb.start = Target::Ccw(Index { segment: 0, ccw: 0 });
            orb.word1 &= !(word1::TRANSPORT | word1::RESERVED);
        }
        let segments = (0..).zip(drafts).map(|(n, draft)| self.segment(n, draft));
        Case {
            terms,
            memory,
            orb,
            segments: segments.collect(),
            patches: Vec::new(),
            script,
            recorded: Recorded::default(),
        }
    }

    fn segment(&self, number: u8, draft: &Draft) -> Segment {
        let mut ccws = Vec::new();
        for part in &draft.parts {
            match part {
                Part::Command(code, links) => self.command(number, *code, links, &mut ccws),
                Part::Search(link) => {
                    self.command(number, 0x31, std::slice::from_ref(link), &mut ccws);
                    ccws.push(self.tic(number, ccws.len(), Jump::Near(-1), link));
                }
                Part::Go(jump) => {
                    let plain = Link {
                        flags: 0x60,
                        count: 1,
                        ignored: 0,
                        form: Form::Direct(Place {
                            frame: 8,
                            offset: 0,
                        }),
                        odd: None,
                        tic: false,
                    };
                    ccws.push(self.tic(number, ccws.len(), *jump, &plain));
                }
            }
        }
        let open = draft.open && self.odd;
        if let Some(last) = ccws.last_mut()
            && !matches!(last.data, Data::Go(_))
            && !open
        {
            last.flags &= !(CHAIN_DATA | CHAIN_COMMAND);
        }
        Segment {
            at: self.reachable(draft.at),
            ccws,
        }
    }

    /// `place`, or in place of a frame whose addresses are too long for a CCW, one for data.
    fn reachable(&self, place: Place) -> Place {
        let most = if self.format == Format::Zero { 18 } else { 22 };
        within(place, most)
    }

    fn command(&self, number: u8, code: u8, links: &[Link], ccws: &mut Vec<Intent>) {
        for (n, link) in links.iter().enumerate() {
            let chained = n + 1 < links.len();
            let mut intent = Intent {
                // Codes of later CCWs of a data chain mean nothing.
                code: if n == 0 { code } else { link.ignored & 0xf7 },
                flags: link.flags | if chained { CHAIN_DATA } else { CHAIN_COMMAND },
                count: link.count,
                ignored: link.ignored,
                data: self.data(code, link),
            };
            if matches!(intent.data, Data::Midal(_)) {
                intent.flags &= !SKIP;
            }
            if self.odd
                && let Some(wrong) = link.odd
            {
                spoil(&mut intent, wrong);
            }
            ccws.push(intent);
            if link.tic && chained {
                ccws.push(self.tic(number, ccws.len(), Jump::Near(1), link));
            }
        }
    }

    fn data(&self, code: u8, link: &Link) -> Data {
        let listed = if self.form & word1::FORMAT2_IDAWS == 0 {
            22
        } else {
            26
        };
        match &link.form {
            Form::Direct(place) => Data::At(self.reachable(*place)),
            Form::List(first, blocks, at) => Data::List(List {
                at: at.map(|place| self.reachable(place)),
                backward: Command(code).class() == Class::ReadBackward,
                first: within(*first, listed),
                blocks: blocks.iter().map(|block| within(*block, listed)).collect(),
                odd: None,
            }),
            Form::Midal(areas, at) if self.midaws => Data::Midal(Midal {
                at: at.map(|place| self.reachable(place)),
                areas: areas.clone(),
                odd: None,
            }),
            Form::Midal(areas, at) => {
                let blocks = areas.iter().map(|area| within(area.at, listed));
                Data::List(List {
                    at: at.map(|place| self.reachable(place)),
                    backward: Command(code).class() == Class::ReadBackward,
                    first: within(areas[0].at, listed),
                    blocks: blocks.collect(),
                    odd: None,
                })
            }
        }
    }

    /// A TIC as CCW number `at` of segment `number`. In format 0 its other fields mean nothing,
    /// and hold what `link` has.
    fn tic(&self, number: u8, at: usize, jump: Jump, link: &Link) -> Intent {
        let near = |by: i8| {
            Target::Ccw(Index {
                segment: number,
                ccw: (at as u8).wrapping_add_signed(by),
            })
        };
        let target = match jump {
            Jump::Near(by) => near(by),
            Jump::Far(target) => target,
            Jump::Odd(word) if self.odd => Target::Word(word),
            Jump::Odd(_) => near(1),
        };
        let zero = self.format == Format::Zero;
        Intent {
            code: if zero { link.ignored & 0xf0 | 8 } else { 8 },
            flags: if zero { link.flags } else { 0 },
            count: if zero { link.count } else { 0 },
            ignored: link.ignored,
            data: Data::Go(target),
        }
    }
}

fn within(place: Place, frames: u8) -> Place {
    let frame = if place.frame < frames {
        place.frame
    } else {
        8 + place.frame % 8
    };
    Place { frame, ..place }
}

fn spoil(intent: &mut Intent, wrong: Wrong) {
    match wrong {
        Wrong::Code(code) => intent.code = code,
        Wrong::Flags(flags) => intent.flags |= flags,
        Wrong::Count(count) => intent.count = count,
        Wrong::Word(word) => intent.data = Data::Word(word),
        Wrong::Idaw(odd) => match &mut intent.data {
            Data::List(list) => list.odd = Some(odd),
            Data::Midal(list) => list.odd = Some(odd),
            _ => {}
        },
        Wrong::ListAt(place) => match &mut intent.data {
            Data::List(list) => list.at = Some(place),
            Data::Midal(list) => list.at = Some(place),
            _ => {}
        },
        Wrong::Midaw(flags, keep) => {
            if let Data::Midal(list) = &mut intent.data {
                let most = list.areas.first().map_or(0, |area| area.count);
                let count = if keep { most.min(intent.count) } else { 0 };
                let head = u32::from(flags) << 16 | u32::from(count);
                let how = Oddity::Head(head);
                list.odd = Some(Odd { word: 0, how });
            }
        }
    }
}
