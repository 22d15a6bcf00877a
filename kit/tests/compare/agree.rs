// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Implementations without a fault, on all that there is.

use std::path::{Path, PathBuf};
use std::{env, fs};

use ccw_kit::compare::{Compared, Comparison, text};
use ccw_kit::generator::{Case, random_cases};
use ccw_kit::implementation::{Implementation, Process, Recorded, Reference, Translated};
use ccw_kit::machine::Machine;
use ccw_kit::{corpus, seeds};

use crate::{behind_a_pipe, files, machines, machines_of, patient};

/// Compares on all of `machines`, which must not differ.
fn agree(implementations: Vec<Box<dyn Implementation>>, machines: &[Machine]) -> Comparison {
    let mut comparison = Comparison::new(implementations);
    for machine in machines {
        match comparison.run(machine) {
            Compared::Same | Compared::Alone | Compared::Left(_) => {}
            Compared::Differs(difference) => panic!("{}", text(&difference, None)),
            Compared::Failed(n, failure) => panic!("{}: {failure}", comparison.name(n)),
        }
    }
    print!("{}", comparison.counts());
    comparison
}

fn all(recorded: Recorded) -> Vec<Box<dyn Implementation>> {
    vec![
        Box::new(Reference::default()),
        Box::new(Translated::default()),
        Box::new(Translated { midaws: false }),
        Box::new(recorded),
    ]
}

#[test]
fn css_translator_and_what_was_recorded_agree_on_our_own_programs() {
    let (machines, recorded) = machines(&corpus::own_programs());
    let comparison = agree(all(recorded), &machines);
    let counts = comparison.counts();
    assert!(counts.compared() >= 400, "{counts}");
    // 236 of the 237 that have a recorded end.
    assert!(
        machines.len() - counts.unsupported("recorded") >= 236,
        "{counts}"
    );
}

/// More programs of the same format, which may not be copied: `CCW_CORPUS` names their folder.
#[test]
fn css_translator_and_what_was_recorded_agree_on_a_further_corpus() {
    let Some(folder) = env::var_os("CCW_CORPUS") else {
        eprintln!("LEFT OUT: CCW_CORPUS names no folder with further programs");
        return;
    };
    let own = |file: &PathBuf| {
        let name = file.file_name().expect("a name");
        fs::read(corpus::own_programs().join(name)).ok() == fs::read(file).ok()
    };
    let mut files = files(Path::new(&folder), "json");
    assert!(!files.is_empty());
    // Those that are ours as well have been compared.
    files.retain(|file| !own(file));
    let (machines, recorded) = machines_of(files);
    agree(all(recorded), &machines);
}

#[test]
fn css_and_translator_agree_on_random_cases_and_on_fuzz_inputs() {
    let random = random_cases(7).take(300);
    let mut machines: Vec<Machine> = random.map(|case| Machine::of_case(&case)).collect();
    for target in ["equivalence", "walk"] {
        for file in files(&seeds::folder(target), "") {
            let bytes = fs::read(file).expect("a seed");
            machines.push(Machine::of_case(&Case::from_bytes(&bytes)));
        }
    }
    assert!(machines.len() > 350, "{}", machines.len());
    let comparison = agree(all(Recorded::default()), &machines);
    let counts = comparison.counts();
    assert!(counts.compared() * 10 > machines.len() * 9, "{counts}");
}

#[test]
fn a_process_without_a_fault_agrees() {
    let process = Process::new(&behind_a_pipe(""), patient());
    let (machines, _) = machines(&corpus::own_programs());
    let implementations: Vec<Box<dyn Implementation>> =
        vec![Box::new(Reference::default()), Box::new(process)];
    assert!(agree(implementations, &machines).counts().compared() >= 400);
}
