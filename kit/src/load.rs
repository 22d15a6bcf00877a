// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Files of others, read as a whole if they are not too large.

use std::{fs::File, io::Read, path::Path};

/// Most bytes that are read.
const MOST: u64 = 64 << 20;

/// The bytes of a file, of which there are at most 64 MiB.
///
/// # Errors
///
/// When it cannot be read, or is larger.
pub fn load(file: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let opened = File::open(file);
    let read = opened.and_then(|opened| opened.take(MOST + 1).read_to_end(&mut bytes));
    match read {
        Err(error) => Err(error.to_string()),
        Ok(len) if len as u64 > MOST => Err(format!("more than {MOST} bytes")),
        Ok(_) => Ok(bytes),
    }
}
