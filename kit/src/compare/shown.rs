// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A difference for people: the program, where it parts, both outcomes, and how to have it again.

use std::fmt::Write;

use ccwtool::printable;

use super::Difference;
use crate::convert::{self, Script};
use crate::implementation::Failure;
use crate::machine::Machine;

/// Columns of a field's name, and of what the first says.
const NAME: usize = 20;
const FIRST: usize = 40;

/// A report of `difference`; `input` are the bytes of which a fuzz target makes the program, if they are
/// known.
pub fn text(difference: &Difference, input: Option<&[u8]>) -> String {
    let Difference {
        machine,
        names: [one, other],
        ..
    } = difference;
    let mut text = format!(
        "{}: {one} and {other} differ in {}\n\n",
        printable(&machine.file.name),
        difference.what()
    );
    let remark = format!("{one} and {other} part here: {}", difference.what());
    let marked: Vec<(u64, String)> = difference.ccw.map(|at| (at, remark)).into_iter().collect();
    text.push_str(&listing(machine, &marked));
    let _ = writeln!(text, "\n  {:NAME$}{one:FIRST$}{other}", "");
    for field in &difference.fields {
        let mark = if field.differs() { '*' } else { ' ' };
        let [one, other] = field
            .told
            .each_ref()
            .map(|it| it.as_deref().unwrap_or("(not told)"));
        let line = format!("{mark} {:NAME$}{one:FIRST$}{other}", field.name);
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.push_str(&again(machine, input));
    text
}

/// The same where `who` has no report.
pub fn without_report(
    machine: &Machine,
    who: &str,
    failure: &Failure,
    input: Option<&[u8]>,
) -> String {
    let name = printable(&machine.file.name);
    let mut text = format!("{name}: {who} {failure}\n\n");
    text.push_str(&listing(machine, &[]));
    text.push_str(&again(machine, input));
    text
}

/// The program as `ccwtool show` lists it.
fn listing(machine: &Machine, marked: &[(u64, String)]) -> String {
    let file = machine.file.to_json();
    match ccwtool::listing(file.as_bytes(), marked) {
        Ok(listing) => listing,
        Err(why) => format!("  cannot be listed: {why}\n"),
    }
}

/// The program as a file, and as an input of a fuzz target.
fn again(machine: &Machine, input: Option<&[u8]>) -> String {
    let mut text = String::new();
    let file = serde_json::to_string(machine).unwrap_or_else(|error| error.to_string());
    let file = ascii(&file);
    let _ = writeln!(
        text,
        "\nThe program, for ccwtool, ccw-compare, or as a file of tests/programs:\n{file}"
    );
    let inputs = match input {
        Some(input) => vec![("equivalence", Ok(input.to_vec()))],
        None => made(machine),
    };
    for (target, input) in inputs {
        let _ = match input {
            Ok(input) => {
                let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
                writeln!(
                    text,
                    "As an input of the fuzz target {target} (xxd -r -p makes bytes of it):\n{hex}"
                )
            }
            Err(why) => writeln!(text, "No input of the fuzz target {target} holds it: {why}"),
        };
    }
    text
}

/// The same JSON, in which a name cannot steer a terminal.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\u{7f}' || !c.is_ascii() {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

/// Inputs for the program: of the target that takes programs as they are, or, if it has none, of the one
/// whose devices offer any bytes.
fn made(machine: &Machine) -> Vec<(&'static str, Result<Vec<u8>, String>)> {
    let file = machine.file.to_json();
    let script = machine.script.as_deref().map(Script::of_machine);
    let input = |target| convert::to_input(target, file.as_bytes(), script.as_ref());
    let first = input("equivalence");
    match first {
        Ok(_) => vec![("equivalence", first)],
        Err(_) => vec![("equivalence", first), ("late", input("late"))],
    }
}
