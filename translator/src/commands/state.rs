// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is known of a disk where control comes to a CCW.
//!
//! Less is known of more disks: a command that is open to a disk of which nothing is known is open
//! to every disk, and what is known behind it holds of them all. That is why a part of a program may be
//! judged by itself ([`State::START`]), whatever earlier parts have told the disk, whether these are
//! repeated in front of it or not, and whoever has used the disk meanwhile.

/// What a program has told its disk up to a CCW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// An extent was defined, and lies within the guest's.
    pub(super) extent: bool,
    /// The place was reached with such an extent in force, so that the device looked at it as well.
    pub(super) held: bool,
    pub(super) place: Place,
}

/// Where the device stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Wherever the last program, or somebody else's, has left it.
    Unknown,
    /// Where the guest may be.
    Inside,
    /// The same, and in this cylinder.
    Cylinder(u32),
}

impl State {
    /// That of a program that begins.
    pub(crate) const START: Self = Self {
        extent: false,
        held: false,
        place: Place::Unknown,
    };

    /// What is known where two ways meet.
    pub(crate) fn meet(self, other: Self) -> Self {
        let place = match (self.place, other.place) {
            (Place::Unknown, _) | (_, Place::Unknown) => Place::Unknown,
            (one, other) if one == other => one,
            _ => Place::Inside,
        };
        Self {
            extent: self.extent && other.extent,
            held: self.held && other.held,
            place,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use ccw::Command;

    use super::*;
    use crate::commands::{Blocks, CommandPolicy, Refusal, Track, Tracks, eckd, fba};

    impl State {
        /// Whether all that is known here is known by `other`.
        fn is_less(self, other: Self) -> bool {
            let place = self.place == Place::Unknown || self.place == other.place;
            place && self.extent <= other.extent && self.held <= other.held
        }
    }

    fn states() -> Vec<State> {
        let places = [Place::Unknown, Place::Inside].into_iter();
        let places = places.chain((0..4).map(Place::Cylinder));
        let states = places.flat_map(|place| {
            [0, 1, 2, 3].map(|n| State {
                extent: n & 1 != 0,
                held: n & 2 != 0,
                place,
            })
        });
        states.collect()
    }

    /// Parameters that are near what some command takes.
    fn parameters(seed: u32) -> [u8; 64] {
        const BYTES: [u8; 16] = [
            0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x01, 0x02, 0x03, 0x06, 0x0a, 0x18, 0x3f, 0x80,
            0xc0, 0xc0,
        ];
        let mut n = seed;
        [(); 64].map(|()| {
            n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            BYTES[(n >> 28) as usize]
        })
    }

    type Step = fn(&CommandPolicy, State, Command, &[u8]) -> Result<State, Refusal>;

    /// How many commands were open.
    fn compare(policy: &CommandPolicy, step: Step, least: fn(Command) -> Option<u16>) -> u32 {
        let mut open = 0;
        for command in (0..=u8::MAX).map(Command) {
            for seed in 0..if least(command).is_some() { 400 } else { 1 } {
                let bytes = parameters(seed);
                for less in states() {
                    let Ok(behind) = step(policy, less, command, &bytes) else {
                        continue;
                    };
                    open += 1;
                    for more in states().into_iter().filter(|more| less.is_less(*more)) {
                        let other = step(policy, more, command, &bytes);
                        assert!(
                            other.is_ok_and(|other| behind.is_less(other)),
                            "{command:?} {bytes:x?}: {less:?} {behind:?}, {more:?} {other:?}"
                        );
                    }
                }
            }
        }
        open
    }

    #[test]
    fn what_is_open_when_nothing_is_known_is_open_whatever_is_known() {
        let tracks = Tracks::new(Track::new(0, 0), Track::new(2, 4)).unwrap();
        let blocks = Blocks::new(0, 0x0102).unwrap();
        for disk in [
            CommandPolicy::read_write(tracks),
            CommandPolicy::read_only(tracks),
        ] {
            assert!(compare(&disk, eckd::step, eckd::parameters) > 3000);
        }
        for disk in [
            CommandPolicy::read_write(blocks),
            CommandPolicy::read_only(blocks),
        ] {
            assert!(compare(&disk, fba::step, fba::parameters) > 3000);
        }
        assert!(
            states()
                .into_iter()
                .all(|state| State::START.is_less(state))
        );
    }

    #[test]
    fn where_ways_meet_what_holds_on_less_known_ones_holds_still() {
        let pairs = || {
            let all = states().into_iter();
            all.flat_map(|one| states().into_iter().map(move |other| (one, other)))
        };
        let related: Vec<_> = pairs().filter(|(less, more)| less.is_less(*more)).collect();
        for &(less, more) in &related {
            for &(one, other) in &related {
                assert!(less.meet(one).is_less(more.meet(other)));
            }
        }
        assert!(pairs().all(|(one, other)| one.meet(other) == other.meet(one)));
    }
}
