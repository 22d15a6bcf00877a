// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How many bytes each answer of the device moves.

use ccw::{Ccw, Format, Guest, Orb, RawCcw};

use super::{Reply, Scene};
use crate::generator::{Amount, Answer};

/// Makes each amount definite: follows the program as far as the script goes, on the path that it
/// takes when all data moves.
pub(super) fn amounts(scene: &Scene, script: &[Answer]) -> Vec<Reply> {
    let orb = Orb::<Guest>::decode(&scene.orb);
    let mut at = Some(orb.cpa.get());
    script
        .iter()
        .map(|answer| {
            let room = match at {
                Some(start) => {
                    let (room, next) = data_chain(scene, orb.format, start);
                    let skips = (answer.status | answer.later) & 0x40 != 0;
                    at = next.map(|at| if skips { at.wrapping_add(8) } else { at });
                    room
                }
                None => 0,
            };
            let bytes = match answer.amount {
                Amount::Count(more) => room.saturating_add_signed(isize::from(more)),
                Amount::Bytes(len) => usize::from(len),
                Amount::Variable => room,
                Amount::Immediate => 0,
            };
            Reply {
                answer: *answer,
                bytes,
            }
        })
        .collect()
}

/// The sum of the counts of the data chain that begins at `at`, and where command chaining leads.
fn data_chain(scene: &Scene, format: Format, at: u32) -> (usize, Option<u32>) {
    let mut at = at;
    let mut room = 0;
    for _ in 0..64 {
        let Some(raw) = scene.doubleword(u64::from(at)) else {
            return (room, None);
        };
        let ccw = Ccw::<Guest>::decode(RawCcw(raw), format);
        if ccw.command.is_tic(format) {
            at = ccw.addr.get();
            continue;
        }
        room += usize::from(ccw.count);
        at = at.wrapping_add(8);
        if !ccw.chains_data() {
            return (room, ccw.chains_command().then_some(at));
        }
    }
    (room, None)
}
