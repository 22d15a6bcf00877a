// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Program files as inputs of fuzz targets, and inputs as program files.
//!
//! A program and what is made of it are told the same, are listed the same, and do the same on the
//! software channel. What one of them cannot hold is refused by name.
//!
//! | target | from a program | to a program |
//! |---|---|---|
//! | `equivalence`, `walk` | yes | yes |
//! | `late` | yes, with a guest that changes nothing; its ORB then allows suspension and forbids prefetching | the program as it is started |
//! | `text` | the file is the input | if it is a program file |
//! | `transport` | no: blocks lie where the generator puts them | yes, without its device |
//! | `confined` | no: programs are drawn for a policy | no: a file holds neither policy nor guest |
//! | `device`, `region` | no: they take operations | no |
//! | `decode`, `dump` | no: they take words and dumps, of which none is a program | no |

mod plain;
mod script;

pub use script::Script;

use crate::{
    differential::{LateCase, late_seed},
    generator::Case,
    program_file::ProgramFile,
    transport,
};

/// A program that an input was turned into.
#[derive(Clone, Debug)]
pub struct Written {
    /// The program.
    pub file: ProgramFile,
    /// What its device answers; none where that is no part of the input.
    pub script: Option<Script>,
    /// What the input says besides, without an effect on the program.
    pub notes: Vec<String>,
}

/// Most bytes of an input that is looked at. Fuzzers keep theirs below a few thousand.
pub const MOST_INPUT: usize = 1 << 20;

/// Makes an input of `target` of the program in `file`, whose device answers as `script` says; without
/// one it moves all data of the first commands.
///
/// # Errors
///
/// What the input cannot hold, or why the target has no programs.
pub fn to_input(target: &str, file: &[u8], script: Option<&Script>) -> Result<Vec<u8>, String> {
    let program = ProgramFile::parse(file)?;
    let case = || script::answered(Case::of_file(&program)?, script);
    match target {
        "equivalence" | "walk" => {
            let (case, contents) = case()?;
            match contents.first_key_value() {
                Some((n, _)) => Err(format!(
                    "the input of answer {n}: that of a case is made of bytes that count up, 251 of them"
                )),
                None => Ok(case.to_bytes()),
            }
        }
        "late" => {
            let (case, contents) = case()?;
            let mut late = LateCase::from_bytes(&late_seed(case));
            late.changes = 0;
            late.set_inputs(contents)?;
            Ok(late.to_bytes())
        }
        "text" => match script {
            None => Ok(file.to_vec()),
            Some(_) => Err("an input of `text` has no device".to_owned()),
        },
        _ => Err(without_programs(target)),
    }
}

/// Makes a program of an input of `target`, and calls it `name`.
///
/// # Errors
///
/// What a program file cannot hold, or why the target has no programs.
pub fn to_program(target: &str, name: &str, bytes: &[u8]) -> Result<Written, String> {
    if bytes.len() > MOST_INPUT {
        return Err(format!("more than {MOST_INPUT} bytes"));
    }
    let mut written = match target {
        "equivalence" | "walk" => {
            plain::written(Case::from_bytes(bytes), std::collections::BTreeMap::new())?
        }
        "late" => {
            let (case, late) = LateCase::from_bytes(bytes).as_started()?;
            let mut written = plain::written(case, late.contents)?;
            if late.fails.is_some() {
                let note = "the pin that fails is the host's, and no part of the program";
                written.notes.push(note.to_owned());
            }
            written
        }
        "text" => Written {
            file: ProgramFile::parse(bytes)?,
            script: None,
            notes: Vec::new(),
        },
        "transport" => Written {
            file: transport::Case::from_bytes(bytes).program_file(),
            script: None,
            notes: vec!["what the device does is no part of the program".to_owned()],
        },
        _ => return Err(without_programs(target)),
    };
    written.file.name = name.to_owned();
    Ok(written)
}

fn without_programs(target: &str) -> String {
    let why = match target {
        "transport" => "its blocks lie where the generator puts them",
        "confined" => "its programs are drawn for a command policy, and changed by their guest",
        "device" | "region" => "it takes operations",
        "decode" => "it takes words one by one",
        "dump" => "it takes dumps, in which programs are yet to be found",
        _ => return format!("there is no target `{target}`"),
    };
    format!("`{target}` has no input for a program: {why}")
}

#[cfg(test)]
mod tests;
