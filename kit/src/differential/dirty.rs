// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which storage is said to be dirty, held against what the device stored.
//!
//! Every byte that was stored must be told of; and no other, where the status leaves no doubt:
//! when no CCW was executed twice or passed over, and every command before the last one filled all
//! of its data. Of a command that was tried again only the last try is told of, so a script with
//! such an answer is held against all that the program could have stored.

use ccw::{Addr, Guest, GuestAddr, Host, HostAddr, Irb, StatusControl};
use css::{Storage, StorageError};
use pinning::Pinner;
use std::ops::Range;
use translator::{Completion, HostProfile, Planned, Program, Running};

use super::{Difference, HostRun, Sent, Way, arena::ARENA, differ, judge_quietly};
use crate::generator::{Case, Scene, is_input};

/// First byte and end of areas of host storage.
pub(super) type Areas = Vec<(u64, u64)>;

/// Storage that remembers where it was stored into.
pub(super) struct Stores<M> {
    storage: M,
    areas: Areas,
}

impl<M> Stores<M> {
    pub(super) fn new(storage: M) -> Self {
        Self {
            storage,
            areas: Vec::new(),
        }
    }

    pub(super) fn inner(&self) -> &M {
        &self.storage
    }

    pub(super) fn inner_mut(&mut self) -> &mut M {
        &mut self.storage
    }

    /// `len` bytes were stored at `at` in another way.
    pub(super) fn note(&mut self, at: HostAddr, len: usize) {
        self.areas.push((at.get(), at.get() + len as u64));
    }

    /// Every byte that was stored, but for those of the translated program's own.
    pub(super) fn into_areas(self) -> Areas {
        let data = self
            .areas
            .into_iter()
            .filter(|(start, _)| !ARENA.contains(start));
        merged(data.collect())
    }
}

impl<M: Storage<Host>> Storage<Host> for Stores<M> {
    fn fetch(&mut self, at: HostAddr, key: u8, bytes: &mut [u8]) -> Result<(), StorageError<Host>> {
        self.storage.fetch(at, key, bytes)
    }

    fn store(&mut self, at: HostAddr, key: u8, bytes: &[u8]) -> Result<(), StorageError<Host>> {
        let stored = self.storage.store(at, key, bytes);
        let end = match &stored {
            Ok(()) => at.get() + bytes.len() as u64,
            Err(error) => error.at.get(),
        };
        if end > at.get() {
            self.areas.push((at.get(), end));
        }
        stored
    }
}

/// What a host's statuses said, one after the other.
#[derive(Default)]
pub(super) struct Told {
    areas: Areas,
    primary: bool,
}

impl Told {
    /// The status `host` has come, perhaps as the last one.
    pub(super) fn status<P: Pinner>(
        &mut self,
        scene: &Scene,
        running: &mut Running<P>,
        host: &Irb<Host>,
        last: bool,
    ) -> Result<(), Difference> {
        let primary = host.scsw.status.contains(StatusControl::PRIMARY);
        if self.primary || !(primary || last) {
            return Ok(());
        }
        self.primary = true;
        let ranges: Vec<_> = running.dirty(host).collect();
        let apart = |two: &[Range<GuestAddr>]| two[0].end < two[1].start;
        if !ranges.windows(2).all(apart) || ranges.iter().any(|range| range.start >= range.end) {
            return differ(format_args!("dirty ranges in no order: {ranges:x?}"));
        }
        self.areas = on_host(scene, ranges);
        Ok(())
    }

    /// All that was `stored` is to be told of: returns both.
    pub(super) fn check<P: Pinner>(
        self,
        scene: &Scene,
        running: &mut Running<P>,
        stored: Areas,
    ) -> Result<(Areas, Areas), Difference> {
        let most = on_host(scene, running.dirty_at_most());
        let told = if retries(scene) { &most } else { &self.areas };
        if !within(&stored, told) {
            return differ(format_args!("stored {stored:x?}, told of {told:x?}"));
        }
        if !within(&self.areas, &most) {
            return differ(format_args!("told of {:x?}, at most {most:x?}", self.areas));
        }
        Ok((stored, self.areas))
    }
}

/// All that was `stored` until the status `host` came is told of.
pub(super) fn covers<P: Pinner>(
    scene: &Scene,
    running: &mut Running<P>,
    host: &Irb<Host>,
    stored: Areas,
) -> Result<(), Difference> {
    let told = on_host(scene, running.dirty(host));
    let most = on_host(scene, running.dirty_at_most());
    if within(&stored, &told) && within(&told, &most) {
        return Ok(());
    }
    differ(format_args!(
        "stored {stored:x?}, told of {told:x?}, at most {most:x?}"
    ))
}

/// Runs the translation of `case`, for a host that `copies` it once more or not. Says whether its
/// status leaves no doubt of what was stored, which then is just what is told; `None` if nothing is
/// run.
///
/// # Errors
///
/// What differs, in words.
pub fn check_dirty(case: &Case, copies: bool) -> Result<Option<bool>, Difference> {
    let scene = case.build();
    let program = judge_quietly(&scene)?;
    let shape = Shape::of(&program);
    let (profile, way) = match copies {
        false => (HostProfile::SOFTWARE, Way::Direct),
        true => (HostProfile::VFIO_CCW, Way::Copied),
    };
    let Ok(Planned::Run(plan)) = program.plan(&profile) else {
        return Ok(None);
    };
    let host = HostRun::new(&scene, plan, way)?;
    let clear = !retries(&scene) && shape.is_clear(&host.completions, &host.sent);
    // Of a copy only those bytes come back that are not what was there already.
    if clear && !host.bounced && host.stored != host.dirty {
        return differ(format_args!(
            "stored {:x?}, told of {:x?}",
            host.stored, host.dirty
        ));
    }
    Ok(Some(clear))
}

/// A program as far as it decides how clear its status is.
struct Shape {
    steps: Vec<Step>,
    goes_back: bool,
}

struct Step {
    at: Addr<Guest>,
    count: usize,
    tic: bool,
    in_data_chain: bool,
}

impl Shape {
    fn of(program: &Program) -> Self {
        let steps = program.steps().map(|step| Step {
            at: step.at,
            count: step.ccw.count.into(),
            tic: step.tic,
            in_data_chain: step.in_data_chain,
        });
        // By a TIC, or by going on from what one leads to into what was read before.
        let goes_back = program.steps().any(|step| {
            let at = step.at.get();
            let next = match step.tic {
                true => [step.ccw.addr.widen().get(); 2],
                false => [at + 8, at + 16],
            };
            let mut before = program.steps().take(usize::from(step.index) + 1);
            before.any(|earlier| next.contains(&earlier.at.get()))
        });
        Self {
            steps: steps.collect(),
            goes_back,
        }
    }

    fn is_clear(&self, completions: &[Completion], sent: &[Sent]) -> bool {
        let Some(end) = completions.first().map(|first| first.irb.scsw) else {
            return false;
        };
        let last = self
            .steps
            .iter()
            .position(|step| step.at.get() + 8 == u64::from(end.cpa));
        let (Some(last), true, false) = (last, end.residual_is_valid(), self.goes_back) else {
            return false;
        };
        // Another way to the end, over CCWs that were passed over.
        let (first, later) = self.steps.split_at(last + 1);
        let leads_there = |step: &Step| {
            let behind = [8, 16].map(|bytes| step.at.get() + bytes);
            first.iter().any(|step| behind.contains(&step.at.get()))
        };
        if later.iter().any(leads_there) {
            return false;
        }
        // What every command has room for.
        let mut rooms = Vec::new();
        for step in self.steps[..=last].iter().filter(|step| !step.tic) {
            match rooms.last_mut() {
                Some(room) if step.in_data_chain => *room += step.count,
                _ => rooms.push(step.count),
            }
        }
        let before = sent.split_last().map_or(&[][..], |(_, before)| before);
        let full = |(sent, room): (&Sent, &usize)| !is_input(sent.command.0) || sent.taken == *room;
        rooms.len() == sent.len() && before.iter().zip(&rooms).all(full)
    }
}

fn retries(scene: &Scene) -> bool {
    scene.script.iter().any(|reply| reply.answer.retries())
}

/// Where the host has these ranges of guest storage.
fn on_host(scene: &Scene, ranges: impl IntoIterator<Item = Range<GuestAddr>>) -> Areas {
    let mut areas = Areas::new();
    for range in ranges {
        let (mut at, end) = (range.start.get(), range.end.get());
        while at < end {
            let here = (at | 0xfff).saturating_add(1).min(end);
            // What is no storage shows up as an area that nobody stores into.
            let host = scene
                .regions
                .find(GuestAddr::new(at))
                .map_or(0, |region| region.host.get() + (at - region.guest.get()));
            areas.push((host, host + (here - at)));
            at = here;
        }
    }
    merged(areas)
}

/// The same areas, ascending and apart.
fn merged(mut areas: Areas) -> Areas {
    areas.sort_unstable();
    let mut all = Areas::new();
    for (start, end) in areas {
        match all.last_mut() {
            Some((_, last)) if start <= *last => *last = end.max(*last),
            _ => all.push((start, end)),
        }
    }
    all
}

/// Whether each of these areas lies in one of those.
fn within(areas: &Areas, outer: &Areas) -> bool {
    areas.iter().all(|(start, end)| {
        let holds = |(from, to): &(u64, u64)| from <= start && end <= to;
        outer.iter().any(holds)
    })
}
