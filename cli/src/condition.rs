// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A condition in words: how and when a machine reports it, and where its rule is stated.

use translator::{Check, Code, Sure};

/// The rule, how and when a machine reports that it is broken, and where it is stated; in sentences.
pub(crate) fn description(code: Code) -> String {
    format!(
        "Rule: {}. Reported: {}; {}. Read: {}.",
        code.rule(),
        reported(code),
        when(code),
        see(code)
    )
}

/// How a machine reports it, and where the status points.
pub(crate) fn reported(code: Code) -> String {
    format!("{}{}", report(code.check()), status(code))
}

/// When it is reported.
pub(crate) fn when(code: Code) -> &'static str {
    match (code.check(), code.sure()) {
        (_, Sure::Remark) => "never an error by itself",
        (_, Sure::Always) if code.id().starts_with('T') => {
            "as soon as the channel reaches what is wrong; what comes before it is carried out"
        }
        (Check::ProgramCheck | Check::ProtectionCheck | Check::UnitCheck, Sure::Always) => {
            "as soon as the channel reaches the CCW; what comes before it is carried out"
        }
        (_, Sure::Reached) => {
            "when the channel reaches that byte or list word; what comes before it is carried \
             out, and a device that ends early never gets there"
        }
        (_, Sure::Always) => "at the start, before any command goes to the device",
    }
}

/// Where the architecture states the rule.
pub(crate) fn see(code: Code) -> &'static str {
    match code.id().as_bytes().first() {
        Some(b'O') => "Principles of Operation: ORB; START SUBCHANNEL",
        Some(b'A') => "Principles of Operation: CCW addresses under Program Check",
        Some(b'C') => "Principles of Operation: CCW; Program Check",
        Some(b'D') => "Principles of Operation: CCW data address; Program Check; Protection Check",
        Some(b'I') => "Principles of Operation: CCW Indirect Data Addressing",
        Some(b'T') => "Principles of Operation: Transport Mode; TCW; TCCB; TIDAW",
        Some(b'M') => "Principles of Operation: Modified CCW Indirect Data Addressing",
        Some(b'P') => {
            "not in the Principles of Operation: a device answers as a volume would that is as small, or read-only"
        }
        _ => "not in the Principles of Operation: a limit of translation or of the host",
    }
}

/// How a machine reports it.
fn report(check: Check) -> &'static str {
    match check {
        Check::ProgramCheck => "program check (subchannel status 20)",
        Check::ProtectionCheck => "protection check (subchannel status 10)",
        Check::OperandException => "operand exception of START SUBCHANNEL; nothing is started",
        Check::SpecificationException => {
            "specification exception of START SUBCHANNEL; nothing is started"
        }
        Check::Cc3 => "condition code 3 of START SUBCHANNEL; nothing is started",
        Check::DeferredCc3 => "deferred condition code 3 in the status; nothing was started",
        Check::UnitCheck => {
            "unit check (device status 02); the sense data say what the device refuses"
        }
        Check::None => "no machine reports it; only this tool does",
    }
}

/// Where the status points.
fn status(code: Code) -> &'static str {
    let transport = code.id().starts_with('T');
    match code.check() {
        Check::ProgramCheck | Check::ProtectionCheck if transport => {
            "; the TCW address in the status is that of the TCW"
        }
        Check::ProgramCheck | Check::ProtectionCheck | Check::UnitCheck => {
            "; the CCW address in the status is that of the CCW at fault plus 8"
        }
        _ => "",
    }
}
