// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Writes the dictionaries of the fuzz targets anew: `cargo run -p ccw-kit --example dictionaries`.

use std::{fs, io};

use ccw_kit::dictionary;

fn main() -> io::Result<()> {
    for (file, about, entries) in dictionary::all() {
        fs::write(dictionary::path(file), dictionary::print(about, &entries))?;
        println!("{file}: {} words", entries.len());
    }
    Ok(())
}
