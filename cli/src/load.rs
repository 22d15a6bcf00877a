// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Reading a file as a whole, if it is not too large.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The bytes of `file`, or of standard input for `-`, if there are no more than `limit`.
pub(crate) fn load(file: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read =
        |source: &mut dyn Read, bytes: &mut Vec<u8>| source.take(limit + 1).read_to_end(bytes);
    let result = if file == Path::new("-") {
        read(&mut io::stdin().lock(), &mut bytes)
    } else {
        File::open(file).and_then(|mut source| read(&mut source, &mut bytes))
    };
    match result {
        Err(error) => Err(format!("cannot be read: {error}")),
        Ok(n) if n as u64 > limit => {
            let most = limit >> 20;
            Err(match file == Path::new("-") {
                true => format!(
                    "larger than {most} MiB, the most that is kept of standard input; a file may be a larger dump"
                ),
                false => format!("larger than {most} MiB, the most that is read"),
            })
        }
        Ok(_) => Ok(bytes),
    }
}
