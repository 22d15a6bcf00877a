// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Writes the seeds of the fuzz targets anew: `cargo run -p ccw-kit --example seeds`.

use std::{fs, io};

use ccw_kit::seeds;

fn main() -> io::Result<()> {
    let seeds = seeds::all()?;
    for target in seeds::TARGETS {
        let folder = seeds::folder(target);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
    }
    for seed in &seeds {
        fs::write(seeds::folder(seed.target).join(&seed.name), &seed.bytes)?;
    }
    println!("{} seeds", seeds.len());
    Ok(())
}
