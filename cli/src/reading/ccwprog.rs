// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! [Program files](ProgramFile) as inputs.

mod digits;
#[cfg(test)]
mod tests;

use crate::input::{Input, Refusal};
use crate::memory::{Extent, Memory};
use crate::program_file::ProgramFile;

/// Decodes one file; `stem` names the program if the file does not.
pub(super) fn decode(bytes: &[u8], stem: String) -> Result<Input, Refusal> {
    let file = ProgramFile::read(bytes)?;
    let ranges = file.ranges.into_iter();
    let extents = ranges.map(|(addr, bytes)| Extent { addr, bytes });
    let memory = Memory::of_apart(file.size, Some(file.fill), extents.collect(), file.keys);
    Ok(Input {
        name: match file.name.is_empty() {
            true => stem,
            false => file.name,
        },
        device: file.device,
        orb: file.orb,
        memory,
        sources: digits::sources(bytes),
        ..Input::default()
    })
}
