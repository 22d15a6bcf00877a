// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A program, the input, and the program again: told the same, and doing the same.

use std::{collections::BTreeMap, path::PathBuf};

use ccw::{Command, DeviceStatus, Guest, GuestAddr, Irb, orb::word1};
use css::{
    CannotStart, Config, Progress, Ram, Storage, StorageError, Subchannel,
    device::scripted::{Response, Scripted},
    storage::StorageKey,
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use translator::{Buffers, Guards, Policy, fetch, validate};

use super::*;
use crate::{
    corpus,
    differential::{Behaviour, canonical},
    generator::{Frame, cases, config},
};

/// What becomes of a program file, found out without cases: on storage of its own, with the device that
/// the tool would have.
#[derive(Debug, PartialEq)]
struct Ran {
    verdict: Vec<String>,
    started: Result<(), CannotStart>,
    statuses: Vec<(Progress, Irb<Guest>)>,
    sent: Vec<(Command, Vec<u8>, usize)>,
    ram: Vec<(u64, Vec<u8>)>,
}

fn ran(file: &ProgramFile, script: &Script) -> Ran {
    let storage = crate::storage::Storage::of(file);
    let keyed = !file.keys.is_empty();
    let guards = Guards {
        keys: if keyed { Some(&storage) } else { None },
        ..Guards::default()
    };
    let policy = Policy::CHECK.for_device(file.device_class());
    let policy = Policy {
        no_prefetch: translator::Stance::Accept,
        self_modifying: translator::Stance::Accept,
        ..policy
    };
    let snapshot = fetch(&file.orb, &storage, &policy, &guards, Buffers::new());
    let program = validate(snapshot, &storage.map(1 << 38), &guards);
    let mut verdict = vec![format!("{:?} {:?}", program.outcome(), program.scsw())];
    verdict.extend(program.findings().iter().map(|found| format!("{found:?}")));

    let mut ram = Ram::<Guest>::new(file.size);
    for (at, bytes) in &file.ranges {
        assert!(ram.write(GuestAddr::new(*at), bytes));
    }
    for key in &file.keys {
        for at in (key.addr..key.addr + key.len).step_by(4096) {
            let acc = key.key;
            let fetch_protect = key.fetch_protect;
            ram.set_key(GuestAddr::new(at), StorageKey { acc, fetch_protect });
        }
    }
    let mut ram = Keyed { ram, keyed };
    let mut device = Scripted::new(responses(script));
    let mut subchannel = Subchannel::<Guest>::new(Config {
        path_available: 0xff,
        concurrent_sense: true,
        ..Config::default()
    });
    let started = subchannel.start_raw(&file.orb);
    let mut statuses = Vec::new();
    for _ in 0..2 {
        if started.is_err() {
            break;
        }
        let progress = subchannel.run(&mut ram, &mut device, 100_000);
        let (_, irb) = subchannel.test();
        let over = irb.scsw.status.contains(ccw::StatusControl::SECONDARY);
        statuses.push((progress, canonical(&irb)));
        if over || progress != Progress::Pending {
            break;
        }
    }
    let sent = device.sent().iter();
    Ran {
        verdict,
        started,
        statuses,
        sent: sent
            .map(|sent| (sent.command, sent.output.clone(), sent.taken))
            .collect(),
        ram: ram
            .ram
            .touched()
            .filter(|(_, page)| page.iter().any(|byte| *byte != 0))
            .map(|(at, page)| (at.get(), page.to_vec()))
            .collect(),
    }
}

/// Storage whose keys count or do not: a file without keys says nothing of them.
struct Keyed {
    ram: Ram<Guest>,
    keyed: bool,
}

impl Storage<Guest> for Keyed {
    fn fetch(
        &mut self,
        at: GuestAddr,
        key: u8,
        bytes: &mut [u8],
    ) -> Result<(), StorageError<Guest>> {
        self.ram.fetch(at, if self.keyed { key } else { 0 }, bytes)
    }

    fn store(&mut self, at: GuestAddr, key: u8, bytes: &[u8]) -> Result<(), StorageError<Guest>> {
        self.ram.store(at, if self.keyed { key } else { 0 }, bytes)
    }
}

/// As the tool reads them.
fn responses(script: &Script) -> Vec<Response> {
    let script: serde_json::Value = serde_json::from_str(&script.to_json()).unwrap();
    let hex = |value: &serde_json::Value| {
        let text = value.as_str().unwrap();
        crate::program::hex(text)
    };
    let answers = script.as_array().unwrap().iter();
    let response = |answer: &serde_json::Value| {
        let mut response = match (answer.get("input"), answer.get("output")) {
            (Some(input), None) => Response::input(&hex(input)),
            (None, Some(output)) => Response::output(output.as_u64().unwrap() as usize),
            _ => Response::immediate(),
        };
        let byte = |member| answer.get(member).map(|value| hex(value)[0]);
        if let Some(status) = byte("status") {
            response = response.with_status(DeviceStatus::from_bits_retain(status));
        }
        if let Some(later) = byte("then") {
            response = response.then(DeviceStatus::from_bits_retain(later));
        }
        match answer.get("sense") {
            Some(sense) => response.with_sense(&hex(sense)),
            None => response,
        }
    };
    answers.map(response).collect()
}

/// Every program at hand, with its bytes.
fn programs() -> Vec<(PathBuf, Vec<u8>)> {
    let mut folders = vec![corpus::own_programs()];
    folders.extend(std::env::var_os("CCW_CORPUS").map(PathBuf::from));
    let mut files = Vec::new();
    for folder in folders {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "json") {
                let bytes = std::fs::read(&path).unwrap();
                files.push((path, bytes));
            }
        }
    }
    assert!(files.len() >= 400);
    files
}

/// The same storage, ranges lying elsewhere in the file or not.
fn storage_of(file: &ProgramFile) -> BTreeMap<u64, u8> {
    let bytes = file
        .ranges
        .iter()
        .flat_map(|(at, bytes)| (*at..).zip(bytes.iter().copied()));
    bytes.filter(|(_, byte)| *byte != 0).collect()
}

#[test]
fn every_program_comes_back_as_it_was() {
    for (path, bytes) in programs() {
        let file = ProgramFile::parse(&bytes).unwrap();
        for target in ["equivalence", "walk", "late", "text"] {
            let told = format!("{} {target}", path.display());
            let input = to_input(target, &bytes, None).expect(&told);
            let back = to_program(target, &file.name, &input).expect(&told);
            assert_eq!(back.notes, [""; 0], "{}", path.display());
            let back_file = &back.file;
            assert_eq!(
                storage_of(back_file),
                storage_of(&file),
                "{}",
                path.display()
            );
            let mut rest = ProgramFile {
                ranges: back_file.ranges.clone(),
                ..file.clone()
            };
            if target == "late" {
                // Its programs may be suspended, and those of seeds not be prefetched.
                let word = rest.orb.word(1) & !word1::PREFETCH | word1::SUSPEND;
                rest.orb.0[4..8].copy_from_slice(&word.to_be_bytes());
            }
            assert_eq!(*back_file, rest, "{}", path.display());
            // And read by whoever reads files.
            let again = ProgramFile::parse(back_file.to_json().as_bytes()).unwrap();
            assert_eq!(again, *back_file);
        }
    }
}

/// What is said of the input is said of the program, and the input's device is the script's.
#[test]
fn every_program_does_the_same_as_its_input() {
    for (path, bytes) in programs() {
        let file = ProgramFile::parse(&bytes).unwrap();
        let input = to_input("equivalence", &bytes, None).unwrap();
        let script = to_program("equivalence", "n", &input)
            .unwrap()
            .script
            .unwrap();
        same(
            &Case::from_bytes(&input),
            &file,
            &script,
            &path.display().to_string(),
        );
        // With the script, the input is made again.
        let again = to_input("equivalence", &bytes, Some(&script)).unwrap();
        same(
            &Case::from_bytes(&again),
            &file,
            &script,
            &path.display().to_string(),
        );
    }
}

fn same(case: &Case, file: &ProgramFile, script: &Script, told: &str) {
    let behaviour = Behaviour::of(&case.build(), &BTreeMap::new());
    let ran = ran(file, script);
    assert_eq!(behaviour.verdict, ran.verdict, "{told}");
    assert_eq!(behaviour.started, ran.started, "{told}");
    assert_eq!(behaviour.statuses, ran.statuses, "{told}");
    let sent = behaviour.sent.into_iter();
    let sent: Vec<_> = sent
        .map(|sent| (sent.command, sent.output, sent.taken))
        .collect();
    assert_eq!(sent, ran.sent, "{told}");
    for (at, bytes) in behaviour.stored {
        for (at, byte) in (at..).zip(bytes) {
            let page = ran.ram.iter().find(|(page, _)| *page == at & !4095);
            let found = page.map_or(0, |(_, page)| page[(at % 4096) as usize]);
            assert_eq!(found, byte, "{told}: {at:x}");
        }
    }
}

/// Programs that are drawn: most come out as files, and do what the input did; the others come to what
/// a file cannot hold.
#[test]
fn drawn_programs_do_the_same_or_are_refused_by_name() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::XorShift);
    let mut runner = TestRunner::new_with_rng(config(1), rng);
    let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
    let mut made = 0;
    for n in 0..600 {
        let case = cases().new_tree(&mut runner).unwrap().current();
        match to_program("walk", "drawn", &case.to_bytes()) {
            Err(why) => {
                let name = why.split([':', '(']).next().unwrap().to_owned();
                *refusals.entry(name).or_default() += 1;
            }
            Ok(written) => {
                made += 1;
                // Sense bytes and the policy of one copy are no part of it.
                let mut case = case;
                case.terms.concurrent_sense = true;
                case.terms.refuse = false;
                case.terms.any_skips = false;
                let script = written.script.unwrap();
                same(&case, &written.file, &script, &format!("{n} {case:?}"));
                let json = written.file.to_json();
                let again = match to_input("walk", json.as_bytes(), Some(&script)) {
                    Ok(again) => again,
                    // More data than an answer of a case can say without counting up a program.
                    Err(why) => {
                        assert!(why.contains("more than 65535 bytes"), "{why}");
                        continue;
                    }
                };
                let again = Case::from_bytes(&again);
                same(
                    &again,
                    &written.file,
                    &script,
                    &format!("{n} again {case:?}"),
                );
            }
        }
    }
    println!("{made} made, {refusals:?}");
    assert!(made > 300, "{made} made, {refusals:?}");
    for name in ["an address limit", "storage that is missing "] {
        assert!(refusals.contains_key(name), "{refusals:?}");
    }
}

#[test]
fn what_an_input_cannot_hold_is_refused_by_name() {
    let file = |memory: &str| {
        let orb = "0000000000c2ff00000100000000000000000000000000000000000000000000";
        format!(r#"{{"schema":"ccwprog/1","orb":{{"raw":"{orb}"}},"memory":{memory}}}"#)
    };
    for (memory, told) in [
        (
            r#"{"size":"0x1000000000"}"#,
            "0x1000000000 bytes of storage",
        ),
        (
            r#"{"size":4096,"default_fill":"40"}"#,
            "storage filled with 40",
        ),
    ] {
        for target in ["equivalence", "walk", "late"] {
            let error = to_input(target, file(memory).as_bytes(), None).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
    let sound = file(r#"{"size":4096,"ranges":[{"addr":0,"hex":"0420000400000100"}]}"#);
    for (script, told) in [
        (r#"[{"input":"0102030507"}]"#, "the input of answer 0"),
        (r#"[{"output":65536}]"#, "more than 65535 bytes"),
        (r#"[{"output":1,"input":"00"}]"#, "only one"),
        (r#"[{"output":1,"sense":"80"}]"#, "sense bytes"),
        (r#"[{"output":1,"status":"4c00"}]"#, "a status is one byte"),
    ] {
        let script = Script::parse(script.as_bytes()).unwrap();
        let error = to_input("walk", sound.as_bytes(), Some(&script)).unwrap_err();
        assert!(error.contains(told), "{error}");
    }
    for target in [
        "decode",
        "device",
        "region",
        "confined",
        "transport",
        "dump",
        "none",
    ] {
        assert!(to_input(target, sound.as_bytes(), None).is_err());
    }
    for target in ["decode", "device", "region", "confined", "dump", "none"] {
        assert!(to_program(target, "n", b"").is_err());
    }
}

/// Programs of transport mode, as their target draws them.
#[test]
fn programs_of_transport_mode_come_out_as_they_are_judged() {
    let facilities = translator::Facilities::FCX;
    for (name, bytes) in transport::seeds() {
        let case = transport::Case::from_bytes(&bytes);
        let written = to_program("transport", name, &bytes).unwrap();
        let file = ProgramFile::parse(written.file.to_json().as_bytes()).unwrap();
        let storage = crate::storage::Storage::of(&file);
        let guards = Guards {
            keys: if file.keys.is_empty() {
                None
            } else {
                Some(&storage)
            },
            ..Guards::default()
        };
        let policy = Policy {
            facilities,
            ..Policy::CHECK
        };
        let snapshot = fetch(&file.orb, &storage, &policy, &guards, Buffers::new());
        let program = validate(snapshot, &storage.map(1 << 33), &guards);
        let meant = transport::judge(&case);
        assert_eq!(program.outcome(), meant.outcome(), "{name}");
        let names = |program: &translator::Program| -> Vec<_> {
            program
                .findings()
                .iter()
                .map(|found| (found.code, found.site.ccw))
                .collect()
        };
        assert_eq!(names(&program), names(&meant), "{name}");
    }
}

/// Whatever is in a file: no panic, and an answer.
#[test]
fn any_bytes_are_answered() {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    let (_, program) = programs().swap_remove(0);
    for n in 0..300_usize {
        let bytes: Vec<u8> = (0..n).map(|_| next()).collect();
        let mut damaged = program.clone();
        let at = n * 131 % damaged.len();
        damaged[at] = next();
        for target in ["equivalence", "walk", "late", "transport", "text"] {
            drop(to_program(target, "any", &bytes));
            drop(to_input(target, &damaged, None));
            drop(to_input(target, &bytes, None));
        }
        drop(Script::parse(&bytes));
    }
}

/// READ four bytes to 0, then WRITE the one at this address, with nothing but these frames.
fn framed(write: &str, frames: &[(u8, u8)]) -> Result<Written, String> {
    let ccws = format!("0240000400000000 01000001{write}").replace(' ', "");
    let file = format!(
        r#"{{"schema":"ccwprog/1","orb":{{"raw":"0000000000c2800000001000{}"}},
            "memory":{{"size":"0x100000","ranges":[{{"addr":"0x1000","hex":"{ccws}"}}]}}}}"#,
        "0".repeat(40)
    );
    let file = ProgramFile::parse(file.as_bytes()).expect("a program");
    let mut case = Case::of_file(&file).expect("a case");
    let frame = |&(frame, host)| Frame {
        frame,
        host,
        read_only: false,
        key: 0,
    };
    case.memory.linear = 0;
    case.memory.frames = frames.iter().map(frame).collect();
    case.recorded = Default::default();
    to_program("walk", "framed", &case.to_bytes())
}

#[test]
fn what_storage_a_file_cannot_have_is_named() {
    let sound = framed("00000000", &[(0, 0), (1, 1)]);
    assert!(sound.is_ok(), "{sound:?}");
    for (ccws, frames, told) in [
        (
            "00000000",
            &[(1, 1)][..],
            "storage that is missing (0-fff), or has two addresses:",
        ),
        (
            "00002000",
            &[(0, 0), (1, 1), (2, 0)],
            "storage that has two addresses:",
        ),
        (
            "00003000",
            &[(1, 1), (3, 3)],
            "storage that is missing (0-fff 2000-2fff), or has two addresses:",
        ),
    ] {
        let why = framed(ccws, frames).expect_err(told);
        assert!(why.starts_with(told), "{told} {why}");
    }
}
