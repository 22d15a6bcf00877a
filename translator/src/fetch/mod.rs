// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The one copy of a guest's program: the walk that reads it.
//!
//! The walk goes where the channel would go, first along the path on which no command skips, then
//! along those that a status modifier opens. It reads each CCW address once and each list once per
//! CCW that names it, and only words that it reaches; after it, no stage can reach guest storage.
//! "PoP: Execution of I/O Operations".

mod again;
mod list;
mod spans;
mod stops;
mod straight;
mod walk;
mod way;

use alloc::boxed::Box;

use ccw::{Format, RawOrb};

use crate::{Buffers, Guards, GuestStorage, Part, Policy, commands, node::Reach, orb, transport};

use straight::Stop;
use walk::Walk;

/// A guest's program as it was at one moment.
#[derive(Debug)]
#[must_use]
pub struct Snapshot {
    pub(crate) work: Box<Buffers>,
}

/// Copies the program that `raw_orb` starts out of `storage`.
///
/// Never fails: what is wrong with the program is told by the stages behind. `guards` are asked
/// for the keys of the storage that CCWs and lists are read from.
///
/// It is the whole program: one that would have to be carried out in parts is refused
/// ([`fetch_part`](crate::fetch_part) takes those).
pub fn fetch<G: GuestStorage>(
    raw_orb: &RawOrb,
    storage: &G,
    policy: &Policy,
    guards: &Guards<'_>,
    mut work: Box<Buffers>,
) -> Snapshot {
    work.breaks.clear();
    fetch_at(raw_orb, &Part::WHOLE, storage, policy, guards, work)
}

/// The same for any part, with the breaks that [`Buffers`] say.
#[inline]
pub(crate) fn fetch_at<G: GuestStorage>(
    raw_orb: &RawOrb,
    part: &Part,
    storage: &G,
    policy: &Policy,
    guards: &Guards<'_>,
    mut work: Box<Buffers>,
) -> Snapshot {
    work.reset(raw_orb, part, policy);
    match orb::fault(raw_orb, policy) {
        Some(code) => work.orb_fault = Some(code),
        None if work.orb.transport => transport::fetch(&mut work, storage, guards),
        None => {
            let entry = work.entry_addr();
            if let Some(code) = orb::entry_fault(&work, entry) {
                Walk::new(&mut work, storage, guards).refuse(code);
            } else {
                program(&mut work, entry, storage, guards);
                if let Some(policy) = guards.policy() {
                    commands::fetch(&mut work, storage, policy);
                }
            }
        }
    }
    Snapshot { work }
}

/// Copies a program that may be looked for at `entry`.
#[inline]
fn program<G: GuestStorage>(work: &mut Buffers, entry: u32, storage: &G, guards: &Guards<'_>) {
    let (at, stop) = if straight::applies(work, guards) {
        let limit = ceiling(work.orb.format);
        straight::read(
            work,
            storage,
            guards,
            entry,
            limit,
            Reach::COMMAND | Reach::CERTAIN,
        )
    } else {
        (entry, Stop::Limit)
    };
    if matches!(stop, Stop::End) {
        work.in_one_span(entry, at);
    } else {
        Walk::new(work, storage, guards).from(at, stop);
    }
}

/// First address at which no CCW of this format can lie.
fn ceiling(format: Format) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "2^24 or 2^31")]
    {
        format.limit() as u32
    }
}
