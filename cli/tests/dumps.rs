// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the fuzz target `dump` begins with, and what once made it fail.
//!
//! `CCWTOOL_BLESS=1 cargo test -p ccwtool --test dumps` writes the seeds.

#[path = "images/dumps.rs"]
mod dumps;

use std::fs;
use std::path::Path;

use dumps::{PAGE, Way, core, elf, kdump, storage};

/// The guest's storage in each form, as small as it can be.
fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let storage = storage();
    let pages = storage.chunks(PAGE).take(6);
    let ways = [Way::Zlib, Way::Snappy].into_iter().cycle();
    let pages: Vec<(&[u8], Way)> = pages.zip(ways).collect();
    // The ORB at 80, and the program that it leads to.
    let mut image = vec![0; 0x3020];
    image[0x1000..].copy_from_slice(&storage[0x1000..0x3020]);
    image[0x80..0x8c].copy_from_slice(&storage[0x1080..0x108c]);
    vec![
        ("elf", core()),
        ("elf-hole", elf(&[(0, &image, 0x4000)])),
        ("kdump", kdump(&pages)),
        ("image", image),
    ]
}

#[test]
fn seeds_and_regressions() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = root.join("fuzz/seeds/dump");
    if std::env::var_os("CCWTOOL_BLESS").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in seeds() {
            fs::write(folder.join(name), &bytes).unwrap();
        }
    }
    for (name, bytes) in seeds() {
        assert!(folder.join(name).exists(), "{name}");
        ccwtool::exercise_dump(&bytes);
    }
    for folder in [folder, root.join("tests/regressions/dump")] {
        let Ok(entries) = fs::read_dir(folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            ccwtool::exercise_dump(&fs::read(path).unwrap());
        }
    }
}
