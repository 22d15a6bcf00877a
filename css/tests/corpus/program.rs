// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Reading `ccwprog/1` files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ccw::{Guest, GuestAddr, RawOrb, RawScsw, Scsw};
use css::storage::StorageKey;
use css::{Config, Ram, Subchannel};
use serde_json::Value;

/// A program as it was started: all that a device and its volume may be chosen by.
pub(crate) struct Program {
    /// The type of its device.
    pub(crate) device: String,
    pub(crate) orb: RawOrb,
    pub(crate) storage: Ram<Guest>,
}

/// A program, and what is known of it.
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) class: String,
    pub(crate) program: Program,
    pub(crate) json: Value,
}

/// The programs of this project and those of the folder that `CCW_CORPUS` names, in the order of
/// their names.
pub(crate) fn corpus() -> Vec<Recording> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/programs");
    let further = std::env::var_os("CCW_CORPUS").map(PathBuf::from);
    let mut programs = BTreeMap::new();
    for folder in [Some(own), further].into_iter().flatten() {
        let files = fs::read_dir(&folder).expect("a folder of programs");
        let before = programs.len();
        for file in files.map(|entry| entry.expect("readable").path()) {
            if file
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let program = parse(&fs::read_to_string(file).expect("readable"));
                programs.insert(program.name.clone(), program);
            }
        }
        assert!(
            programs.len() > before,
            "nothing new in {}",
            folder.display()
        );
    }
    programs.into_values().collect()
}

fn parse(text: &str) -> Recording {
    let json: Value = serde_json::from_str(text).expect("JSON");
    let memory = &json["memory"];
    let fill = u8::try_from(number(&memory["default_fill"])).expect("a byte");
    let mut storage = Ram::filled(number(&memory["size"]), fill);
    for range in memory["ranges"].as_array().expect("ranges") {
        let addr = GuestAddr::new(number(&range["addr"]));
        assert!(storage.write(addr, &hex(&range["hex"])));
    }
    for range in memory["storage_keys"].as_array().into_iter().flatten() {
        let key = StorageKey {
            acc: u8::try_from(number(&range["key"])).expect("0-15"),
            fetch_protect: range["fetch_protect"].as_bool().unwrap_or(false),
        };
        let start = number(&range["addr"]);
        for addr in (start..start + number(&range["len"])).step_by(4096) {
            storage.set_key(GuestAddr::new(addr), key);
        }
    }
    Recording {
        name: string(&json["name"]),
        class: string(&json["class"]),
        program: Program {
            device: string(&json["device"]["type"]),
            orb: RawOrb(hex(&json["orb"]["raw"]).try_into().expect("32 bytes")),
            storage,
        },
        json,
    }
}

pub(crate) fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A JSON number, or a string of hex digits with or without 0x.
pub(crate) fn number(value: &Value) -> u64 {
    match value {
        Value::String(text) => {
            u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("hex digits")
        }
        value => value.as_u64().expect("a number"),
    }
}

pub(crate) fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("hex digits");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex digits"))
        .collect()
}

impl Recording {
    /// The status with which it ended, if it was recorded.
    pub(crate) fn end(&self) -> Option<Scsw<Guest>> {
        let scsw = &self.json["final"]["scsw"];
        (!scsw.is_null()).then(|| Scsw::decode(&RawScsw(hex(scsw).try_into().expect("12 bytes"))))
    }
}

impl Program {
    /// A subchannel where this program can be started whatever path it asks for.
    pub(crate) fn subchannel(&self) -> Subchannel<Guest> {
        let config = Config {
            path_available: 0xff,
            concurrent_sense: false,
            transport: true,
            ..Config::default()
        };
        Subchannel::new(config)
    }

    /// The ORB with a path: initial program loading and old tests name none.
    pub(crate) fn orb(&self) -> RawOrb {
        let mut orb = self.orb;
        if orb.0[6] == 0 {
            orb.0[6] = 0x80;
        }
        orb
    }
}
