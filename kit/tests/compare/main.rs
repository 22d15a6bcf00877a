// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Implementations against each other: those that agree, those with a fault, and processes that misbehave.
//!
//! The processes are the package's examples, which `cargo test -p ccw-kit` builds.

mod agree;
mod process;
mod tool;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use ccw_kit::compare::{Compared, Comparison, Difference, Left, text};
use ccw_kit::corpus;
use ccw_kit::generator::Case;
use ccw_kit::implementation::{
    Failure, Implementation, Limits, Process, Ran, Recorded, Reference, Report, Translated,
};
use ccw_kit::machine::Machine;

/// The emulator with its options under which programs of this target run, if there is one.
fn runner() -> String {
    env::var("CCWTOOL_RUNNER").unwrap_or_default()
}

/// A command line for the example that is an implementation behind a pipe.
fn behind_a_pipe(options: &str) -> String {
    let tool = Path::new(env!("CARGO_BIN_EXE_ccw-compare"));
    let example = tool.with_file_name("examples").join("behind_a_pipe");
    assert!(example.exists(), "run `cargo build -p ccw-kit --examples`");
    format!("{} {} {options}", runner(), example.display())
}

/// Of whom an answer is to come, however slow an emulator on a busy machine may be.
fn patient() -> Limits {
    Limits {
        time: Duration::from_secs(600),
        ..Limits::default()
    }
}

/// The machines of the program files in `folder`, and what was recorded of them.
fn machines(folder: &Path) -> (Vec<Machine>, Recorded) {
    machines_of(files(folder, "json"))
}

fn machines_of(files: Vec<PathBuf>) -> (Vec<Machine>, Recorded) {
    let mut recorded = Recorded::default();
    let machines = files.into_iter().map(|file| {
        let bytes = fs::read(&file).expect("a file");
        let machine = recorded.read(&bytes, "");
        machine.unwrap_or_else(|why| panic!("{}: {why}", file.display()))
    });
    (machines.collect(), recorded)
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.retain(|file| file.extension().unwrap_or_default() == ending);
    files.sort();
    files
}

/// The first difference between `css` and the example with a fault.
fn found(fault: &str) -> Difference {
    let process = Process::new(&behind_a_pipe(&format!("--fault {fault}")), patient());
    let mut comparison = Comparison::new(vec![Box::new(Reference::default()), Box::new(process)]);
    let (machines, _) = machines(&corpus::own_programs());
    for machine in &machines {
        match comparison.run(machine) {
            Compared::Differs(difference) => return *difference,
            Compared::Failed(_, failure) => panic!("{fault}: {failure}"),
            Compared::Same | Compared::Alone | Compared::Left(_) => {}
        }
    }
    panic!("{fault} was not found: {}", comparison.counts());
}

#[test]
fn each_planted_fault_is_found_by_its_name() {
    for (fault, field) in [
        ("residual", "residual count"),
        ("address", "CCW address"),
        ("length", "subchannel status"),
        ("command", "device traffic"),
        ("storage", "storage"),
        ("exception", "start"),
    ] {
        assert_eq!(found(fault).what(), field, "{fault}");
    }
}

#[test]
fn a_difference_is_shown_with_its_ccw_and_can_be_had_again() {
    let difference = found("residual");
    let shown = text(&difference, None);
    // The program that comes first by its name and has a residual count: its second CCW is its last.
    assert_eq!(
        difference.machine.file.name,
        "enc-3270-erase-write-read-mod"
    );
    assert_eq!(difference.ccw, Some(0x1_0008));
    for line in [
        "CCW 1     00010008: 06200800 00021000  READ MODIFIED                 2048 at    00021000  SLI\n\
        \x20                   ^^^^^^^^^^^^^^^^^  css and exec:",
        "part here: residual count",
        "\n* residual count      0                                       1\n",
        "\n  CCW address         00010010                                00010010\n",
        "\n  device traffic      2 command(s)                            2 command(s)\n",
    ] {
        assert!(shown.contains(line), "{line}\n\n{shown}");
    }
    // As a file it is the machine, script included; as an input it is the program.
    let file = shown.lines().find(|line| line.starts_with('{'));
    let machine: Machine = serde_json::from_str(file.expect("a file")).expect("a machine");
    assert_eq!(machine, difference.machine);
    let mut lines = shown
        .lines()
        .skip_while(|line| !line.contains("fuzz target equivalence"));
    let input = ccw_kit::program::hex(lines.nth(1).expect("an input"));
    let again = Case::from_bytes(&input).build();
    assert_eq!(again.orb, machine.file.orb);
    assert_eq!(
        again.doubleword(0x1_0008),
        machine.scene().doubleword(0x1_0008)
    );
}

fn sense_id() -> Machine {
    machine("e420000800002000", r#"{"input":"0102030405060708"}"#, "c2")
}

/// Format-1 CCWs at 1000, with this second byte of ORB word 1.
fn machine(ccws: &str, script: &str, flags: &str) -> Machine {
    let text = format!(
        r#"{{"schema":"ccwprog/1","name":"made","device":{{"type":"3390"}},
            "orb":{{"raw":"0000000000{flags}8000000010000000000000000000000000000000000000000000"}},
            "memory":{{"size":"0x10000","ranges":[{{"addr":"0x1000","hex":"{ccws}"}}]}},
            "script":[{script}]}}"#
    );
    serde_json::from_str(&text).expect("a machine")
}

/// Tells what it was given.
struct Says(Report);

impl Implementation for Says {
    fn name(&self) -> &str {
        "says"
    }

    fn run(&mut self, _: &Machine) -> Result<Report, Failure> {
        Ok(self.0.clone())
    }
}

fn against_css(report: Report, machine: &Machine) -> Compared {
    let implementations: Vec<Box<dyn Implementation>> =
        vec![Box::new(Reference::default()), Box::new(Says(report))];
    Comparison::new(implementations).run(machine)
}

fn report(text: &str) -> Report {
    serde_json::from_str(text).expect("a report")
}

#[test]
fn a_report_by_hand_agrees() {
    // SENSE ID: what "PoP: SCSW" has of a program of one CCW that moves all of its eight bytes.
    let told = r#"{"status":[{"scsw":"00804007 00001008 0c000000","sense":""}],
        "commands":[{"command":"e4","input":8}],
        "stored":[{"addr":"0x2000","hex":"0102030405060708"},{"addr":"0x2010","hex":"00"}]}"#;
    let machine = machine("e420000800002000", r#"{"input":"0102030405060708"}"#, "82");
    assert!(matches!(
        against_css(report(told), &machine),
        Compared::Same
    ));
    for (right, wrong, what) in [
        ("0x2000", "0x2001", "storage"),
        (r#""input":8"#, r#""input":7"#, "device traffic"),
        ("00804007", "00800007", "flags and controls"),
        ("00001008", "00001000", "CCW address"),
        ("0c000000", "0e000000", "device status"),
        ("0c000000", "0c000001", "residual count"),
        (r#""sense":"""#, r#""sense":"00""#, "sense"),
    ] {
        let Compared::Differs(difference) =
            against_css(report(&told.replace(right, wrong)), &machine)
        else {
            panic!("{what} may be anything");
        };
        assert_eq!(difference.what(), what);
    }
    // What is not told is not compared, nor are bits that are not known.
    let masked = r#"{"status":[{"scsw":"ffffffff 00001008 0c000000","known":"00000000 ffffffff ffffffff"}]}"#;
    assert!(matches!(
        against_css(report(masked), &machine),
        Compared::Same
    ));
    // Storage that does not exist is stored into by nobody.
    let outside = told.replace("0x2010", "0x10000");
    assert!(matches!(
        against_css(report(&outside), &machine),
        Compared::Failed(1, _)
    ));
}

#[test]
fn device_end_alone_and_with_channel_end_are_the_same() {
    let machine = machine("0320000000000000", r#"{"status":"08","then":"04"}"#, "82");
    for statuses in [
        r#"{"scsw":"00804007 00001008 0c000000"}"#,
        r#"{"scsw":"00804026 00001008 08000000"},{"scsw":"00800003 00001008 04000000"}"#,
    ] {
        let told = report(&format!(r#"{{"status":[{statuses}]}}"#));
        let compared = against_css(told, &machine);
        if let Compared::Differs(difference) = &compared {
            panic!("{}", text(difference, None));
        }
        assert!(matches!(compared, Compared::Same));
    }
    let never = report(r#"{"status":[{"scsw":"00804026 00001008 08000000"}]}"#);
    assert!(matches!(against_css(never, &machine), Compared::Differs(_)));
}

/// "PoP: SCSW": with a check the count is not defined, and PCI may have been recognised or not.
#[test]
fn what_a_check_leaves_open_does_not_count() {
    // A command code of zero in its low four bits, with the PCI flag.
    let machine = machine("1028000100002000", "", "82");
    for (scsw, same) in [
        ("00804017 00001008 00200000", true),
        ("00804017 00001008 0020ffff", true),
        ("00804017 00001008 00a00000", true),
        ("00804017 00001008 00100000", false),
        ("00804017 00001010 00200000", false),
    ] {
        let told = report(&format!(r#"{{"status":[{{"scsw":"{scsw}"}}]}}"#));
        let compared = against_css(told, &machine);
        assert_eq!(
            matches!(compared, Compared::Same),
            same,
            "{scsw} {compared:?}"
        );
        assert_eq!(matches!(compared, Compared::Differs(_)), !same, "{scsw}");
    }
}

/// A READ with SKIP whose list is no list.
#[test]
fn lists_of_skipped_input_may_be_looked_at() {
    let machine = machine("0214000800002001", r#"{"input":"0102030405060708"}"#, "c2");
    let looks = Reference {
        examine_skipped: true,
    };
    let report = looks.clone().run(&machine).expect("a report");
    let Report::Ran(Ran {
        statuses: Some(statuses),
        ..
    }) = &report
    else {
        panic!("{report:?}");
    };
    assert_eq!(statuses[0].scsw[9], 0x20, "{statuses:x?}");
    let compared = against_css(report, &machine);
    assert!(
        matches!(compared, Compared::Left(Left::Open)),
        "{compared:?}"
    );
}

/// A READ that makes a NOP of the WRITE behind it, which was fetched before or was not.
#[test]
fn who_prefetches_may_run_what_was_there_before() {
    let ccws = "0240000800001008 0120000800002000".replace(' ', "");
    let script = r#"{"input":"0320000000000000"},{"output":8}"#;
    let prefetched = r#"{"status":[{"scsw":"00c04007 00001010 0c000000"}],
        "commands":[{"command":"02","input":8},{"command":"01","output":"0000000000000000"}]}"#;
    let compared = against_css(report(prefetched), &machine(&ccws, script, "c2"));
    assert!(
        matches!(compared, Compared::Left(Left::Prefetched)),
        "{compared:?}"
    );
    // Without the bit that allows it nobody may.
    let told = prefetched.replace("00c04007", "00804007");
    let compared = against_css(report(&told), &machine(&ccws, script, "82"));
    assert!(matches!(compared, Compared::Differs(_)), "{compared:?}");
}

#[test]
fn the_toy_in_python_runs_what_it_knows_and_says_what_it_does_not() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("LEFT OUT: there is no python3 to run examples/toy.py");
        return;
    }
    let toy = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/toy.py");
    let toy = Process::new(&format!("python3 {}", toy.display()), patient());
    let mut comparison = Comparison::new(vec![Box::new(Reference::default()), Box::new(toy)]);
    // NOP, TIC, WRITE of the eight bytes of the TIC.
    let ccws = "0360000000000000 0800000000001018 0000000000000000 0120000800001008";
    let known = machine(
        &ccws.replace(' ', ""),
        r#"{"immediate":true},{"output":8}"#,
        "c2",
    );
    let compared = comparison.run(&known);
    if let Compared::Differs(difference) = &compared {
        panic!("{}", text(difference, None));
    }
    assert!(matches!(compared, Compared::Same), "{compared:?}");
    assert!(matches!(comparison.run(&sense_id()), Compared::Alone));
    let counts = comparison.counts().to_string();
    assert!(
        counts.contains("2 programs: 1 compared, 0 of them with a difference"),
        "{counts}"
    );
    assert!(
        counts.contains("ran 1, unsupported 1\n         1 other CCWs than NOP"),
        "{counts}"
    );
}

/// The machine and the report of the README are what they are said to be.
#[test]
fn the_example_of_the_readme_is_a_machine_and_its_report() {
    let readme = include_str!("../../README.md");
    let mut blocks = readme.split("```json\n").skip(1);
    let mut next = || {
        let block = blocks.next().and_then(|it| it.split("```").next());
        let mut value: serde_json::Value =
            serde_json::from_str(block.expect("a block")).expect("JSON");
        let id = value.as_object_mut().and_then(|it| it.remove("id"));
        assert_eq!(id, Some(1.into()));
        value
    };
    let machine: Machine = serde_json::from_value(next()).expect("a machine");
    let report: Report = serde_json::from_value(next()).expect("a report");
    assert_eq!(Reference::default().run(&machine), Ok(report.clone()));
    assert_eq!(Translated::default().run(&machine), Ok(report));
}
