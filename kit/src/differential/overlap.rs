// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs that read into themselves, against the machine: the order in which the channel stores
//! and fetches tells whether a CCW or a list word was stored into before it was fetched.

use ccw::{Addr, CcwFlags, Guest, IdawFormat, MIDAW_SIZE};
use css::{Check, Subchannel};
use pinning::Access;
use translator::{Code, HostProfile, Planned, Program, Stance};

use super::{
    Difference, GuestView, Player, STEPS, differ,
    guest::Event,
    guest_config, judge, judge_quietly,
    verdict::{COMMANDS, FULL},
};
use crate::generator::{Case, Data, List, Place, Scene};

/// What was to be compared of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlapping {
    /// Nothing.
    Left,
    /// The channel used no word that was stored into, and the verdict says nothing else.
    Apart,
    /// It used one, and the verdict says so.
    Modified,
}

/// Compares the verdict on `case` with what the channel does.
///
/// # Errors
///
/// What differs, in words.
pub fn check_overlap(case: &Case) -> Result<Overlapping, Difference> {
    // A command that is tried again fetches its CCW again.
    let script = case.script.iter().filter(|answer| !answer.retries());
    let mut case = Case {
        script: script.copied().collect(),
        ..case.clone()
    };
    let missed = missed(&case)?;
    case.script = vec![FULL; COMMANDS];
    match (missed, invented(&case)?) {
        (Overlapping::Left, other) | (other, Overlapping::Left) => Ok(other),
        (Overlapping::Apart, other) => Ok(other),
        (Overlapping::Modified, _) => Ok(Overlapping::Modified),
    }
}

/// Whatever the device does: a word that was used after it was stored into must be found.
fn missed(case: &Case) -> Result<Overlapping, Difference> {
    let scene = accepting(case);
    let program = judge(&scene);
    let found = finding(&program);
    let Some(words) = Words::of(program) else {
        return Ok(Overlapping::Left);
    };
    let (view, _) = run(&scene);
    match (words.used_late(view.events()), found) {
        (None, _) => Ok(Overlapping::Apart),
        (Some(_), Some(_)) => refused(&scene),
        (Some((at, _)), None) => differ(format_args!("what is read in at {at:x} is not found")),
    }
}

/// A mediator refuses the program for it.
fn refused(scene: &Scene) -> Result<Overlapping, Difference> {
    let mut scene = scene.clone();
    scene.policy.self_modifying = Stance::Refuse;
    match judge_quietly(&scene)?.plan(&HostProfile::SOFTWARE) {
        Err(rejected) if rejected.finding.code == Code::EnvOverlap => Ok(Overlapping::Modified),
        other => differ(format_args!("found and not refused: {other:?}")),
    }
}

/// In a program of one way, every CCW of which runs to its full count: a word that is said to be
/// read in before it is used must be just that.
fn invented(case: &Case) -> Result<Overlapping, Difference> {
    let scene = accepting(case);
    let program = judge(&scene);
    let one_way = program.steps().all(|step| !step.possible);
    let Some(found) = finding(&program).filter(|_| one_way) else {
        return Ok(Overlapping::Left);
    };
    let immediate = program
        .steps()
        .any(|step| step.at == found && scene.policy.device.is_immediate(step.ccw.command));
    let Some(words) = Words::of(program) else {
        return Ok(Overlapping::Left);
    };
    let (view, check) = run(&scene);
    let Some(start) = view
        .events()
        .iter()
        .position(|event| *event == Event::Fetch { at: found, len: 8 })
    else {
        // The program ended before.
        return Ok(Overlapping::Left);
    };
    let stopped_there = check.is_some_and(|check| u64::from(check.cpa) == found.get() + 8);
    match words.used_late(view.events()) {
        Some(word) if words.has(word, found) => Ok(Overlapping::Modified),
        // It went into the list of the same CCW, of which the channel had all words by then.
        _ if !words.stored(found, &view.events()[..start]) => Ok(Overlapping::Left),
        // Or of which a command that asks for no data may yet make a channel fetch all.
        _ if immediate => Ok(Overlapping::Left),
        // It went into words that come behind the one that stops the channel.
        None if stopped_there => Ok(Overlapping::Left),
        // It went into a CCW by another address of the same byte.
        _ if case.has_aliases() => Ok(Overlapping::Left),
        other => differ(format_args!(
            "found at {found:?}, used late at {other:?}; {check:?}"
        )),
    }
}

fn accepting(case: &Case) -> Scene {
    let mut scene = case.build();
    scene.policy.self_modifying = Stance::Accept;
    scene.policy.no_prefetch = Stance::Accept;
    scene
}

/// The CCW at which the verdict says that the program reads into itself.
fn finding(program: &Program) -> Option<Addr<Guest>> {
    let mut findings = program.findings().iter();
    findings.find(|f| f.code == Code::EnvOverlap)?.site.ccw
}

/// Runs the guest's own program, and says what stopped it.
fn run(scene: &Scene) -> (GuestView, Option<Check>) {
    let mut subchannel = Subchannel::<Guest>::new(guest_config(scene));
    let mut view = GuestView::new(scene);
    view.record();
    let mut device = Player::new(&scene.script, &scene.policy);
    if subchannel.start_raw(&scene.orb).is_ok() {
        subchannel.run(&mut view, &mut device, STEPS);
    }
    (view, subchannel.check())
}

/// The control words of a program, each with the CCW that it belongs to.
struct Words(Vec<(u64, u64, Addr<Guest>)>);

impl Words {
    /// None where a fetch of output could be taken for that of a control word, or where the
    /// program is not carried out.
    fn of(program: Program) -> Option<Self> {
        let idaw = IdawFormat::of(program.orb()).size();
        let mut words = Vec::new();
        for step in program.steps() {
            words.push((step.at.get(), 8, step.at));
            let list = u64::from(step.ccw.addr.get());
            // Of a MIDAW there are two doublewords.
            let (count, size) = match step.ccw.flags.contains(CcwFlags::MODIFIED_INDIRECT) {
                true => (step.list.len() as u64 / 2, MIDAW_SIZE),
                false => (step.list.len() as u64, idaw),
            };
            let list_words = (0..count).map(|k| (list + k * size, size, step.at));
            words.extend(list_words);
        }
        let Ok(Planned::Run(plan)) = program.plan(&HostProfile::SOFTWARE) else {
            return None;
        };
        let is_output = |&(at, len, _): &(u64, u64, _)| {
            plan.extents().iter().any(|extent| {
                extent.access == Access::DeviceReads
                    && at < extent.start.get() + u64::from(extent.len)
                    && extent.start.get() < at + len
            })
        };
        (!words.iter().any(is_output)).then_some(Self(words))
    }

    /// Start and length of the first control word that was fetched after it was stored into.
    fn used_late(&self, events: &[Event]) -> Option<(u64, u64)> {
        events.iter().enumerate().find_map(|(n, event)| {
            let Event::Fetch { at, len } = *event else {
                return None;
            };
            let word = self
                .0
                .iter()
                .find(|word| (word.0, word.1) == (at.get(), len));
            let &(at, len, _) = word.filter(|word| stored(word, &events[..n]))?;
            Some((at, len))
        })
    }

    /// Whether this control word is one of the CCW at `ccw`, as it may be of others.
    fn has(&self, (at, len): (u64, u64), ccw: Addr<Guest>) -> bool {
        self.0.contains(&(at, len, ccw))
    }

    /// Whether some control word of the CCW at `ccw` was stored into.
    fn stored(&self, ccw: Addr<Guest>, events: &[Event]) -> bool {
        let mut words = self.0.iter().filter(|word| word.2 == ccw);
        words.any(|word| stored(word, events))
    }
}

fn stored(&(start, size, _): &(u64, u64, Addr<Guest>), events: &[Event]) -> bool {
    events.iter().any(|event| match *event {
        Event::Store { at, len } => at.get() < start + size && start < at.get() + len,
        Event::Fetch { .. } => false,
    })
}

impl Case {
    /// The same with much of its data where its CCWs and lists are.
    pub fn crowded(mut self) -> Self {
        let crowd = |place: &mut Place| {
            if (8..12).contains(&place.frame) {
                place.frame -= 7;
            } else if (12..16).contains(&place.frame) {
                place.frame = 6 + place.frame % 2;
                place.offset %= 64;
            }
        };
        for intent in self
            .segments
            .iter_mut()
            .flat_map(|segment| &mut segment.ccws)
        {
            match &mut intent.data {
                Data::At(place) => crowd(place),
                Data::List(List { first, blocks, .. }) => {
                    crowd(first);
                    blocks.iter_mut().for_each(crowd);
                }
                Data::Midal(list) => list.areas.iter_mut().for_each(|area| crowd(&mut area.at)),
                Data::Word(_) | Data::Go(_) => {}
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::{
        strategy::{Strategy, ValueTree},
        test_runner::{RngAlgorithm, TestRng, TestRunner},
    };

    use super::*;
    use crate::generator::{cases, config};

    /// The comparison is worth something only if it is made, on programs of either kind.
    #[test]
    fn many_programs_read_into_themselves() {
        let rng = TestRng::deterministic_rng(RngAlgorithm::XorShift);
        let mut runner = TestRunner::new_with_rng(config(1), rng);
        let (mut apart, mut modified) = (0, 0);
        for _ in 0..2000 {
            let case = cases().new_tree(&mut runner).unwrap().current();
            match check_overlap(&case.crowded()).unwrap_or_else(|e| panic!("{e}")) {
                Overlapping::Left => {}
                Overlapping::Apart => apart += 1,
                Overlapping::Modified => modified += 1,
            }
        }
        println!("{apart} {modified}");
        assert!(apart > 200 && modified > 50, "{apart} {modified}");
    }
}
