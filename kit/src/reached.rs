// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which conditions inputs come to: each code of the translator, counted by the oracles themselves.
//!
//! A fuzzer's own coverage tells lines. Whether a rule was ever broken, and noticed, tells only who
//! looks at verdicts and refusals.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Once,
};

use translator::{Blame, Code, Program, Rejected};

/// How often each code was met.
pub type Counts = BTreeMap<Code, u64>;

thread_local! {
    /// What was met on this thread, while somebody counts.
    static MET: RefCell<Option<Counts>> = const { RefCell::new(None) };
}

/// The codes that no target can come to, and why.
pub const OUT_OF_REACH: &[(Code, &str)] = &[
    (
        Code::OrbAlign,
        "the instruction's operand: targets hand over an ORB, not its address",
    ),
    (
        Code::OrbSid,
        "general register 1: a target has one subchannel, which it names rightly",
    ),
    (
        Code::OrbLpmNone,
        "the subchannel's paths, of which the translator is told nothing",
    ),
    (
        Code::SeqNodataLimit,
        "the channel's own bound: the translator tells of a loop (E08)",
    ),
    (
        Code::EnvUnmapped,
        "nothing finds it: storage that is not mapped is none",
    ),
    (Code::EnvTransport, "nothing finds it any more"),
    (Code::EnvMidaw, "nothing finds it any more"),
    (
        Code::HostArena,
        "the host: a target's arenas are as large as its plans",
    ),
];

/// What `run` meets. A panic of it is handed back.
pub fn counted(run: impl FnOnce()) -> (Counts, std::thread::Result<()>) {
    listen();
    MET.with(|met| *met.borrow_mut() = Some(Counts::new()));
    let result = catch_unwind(AssertUnwindSafe(run));
    let counts = MET.with(|met| met.borrow_mut().take());
    (counts.unwrap_or_default(), result)
}

/// A code was met.
pub(crate) fn note(code: Code) {
    MET.with(|met| {
        if let Some(counts) = &mut *met.borrow_mut() {
            *counts.entry(code).or_default() += 1;
        }
    });
}

/// `program` was judged.
pub(crate) fn note_verdict(program: &Program) {
    program.findings().iter().for_each(|found| note(found.code));
}

/// A program was refused.
pub(crate) fn note_refusal(rejected: &Rejected) {
    // What a guest's program breaks, its verdict has said.
    if rejected.blame() != Blame::Guest {
        note(rejected.finding.code);
    }
}

/// A mediator tells refusals to its log only.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Where somebody else has a logger, what mediators refuse is not counted.
        if log::set_logger(&Ear).is_ok() {
            log::set_max_level(log::LevelFilter::Trace);
        }
    });
}

struct Ear;

impl log::Log for Ear {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target() == "vfio_ccw::mediator::start"
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let told = record.args().to_string();
            let mut words = told.split(|c: char| !c.is_ascii_alphanumeric());
            let of = |word: &str| Code::ALL.iter().find(|code| code.id() == word);
            if let Some(code) = words.find_map(of) {
                note(*code);
            }
        }
    }

    fn flush(&self) {}
}

/// A table: each code, and how often each of `targets` met it; then those that none did.
pub fn table(targets: &[(&str, Counts)]) -> String {
    let mut text = String::from("code                     ");
    for (target, _) in targets {
        let _ = write!(text, "{target:>12}");
    }
    text.push('\n');
    let mut missing = Vec::new();
    for &code in Code::ALL {
        let counts = targets
            .iter()
            .map(|(_, counts)| counts.get(&code).copied().unwrap_or(0));
        if counts.clone().all(|count| count == 0) {
            missing.push(code);
            continue;
        }
        let _ = write!(text, "{} {:20} ", code.id(), code.name());
        for count in counts {
            let _ = match count {
                0 => write!(text, "{:>12}", "-"),
                count => write!(text, "{count:>12}"),
            };
        }
        text.push('\n');
    }
    let met = Code::ALL.len() - missing.len();
    let _ = writeln!(
        text,
        "{met} of {} codes were met, not these:",
        Code::ALL.len()
    );
    for code in missing {
        let why = OUT_OF_REACH.iter().find(|(known, _)| *known == code);
        let why = why.map_or("not met by these inputs", |(_, why)| *why);
        let _ = writeln!(text, "{} {:20} {why}", code.id(), code.name());
    }
    text
}
