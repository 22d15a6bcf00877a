// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Reserved bits, one by one: each is refused by its name, and no other bit is.
//!
//! The words are sound, and have one bit inverted at a time. Which bits are reserved is written out
//! here; of all others it is only asked that they are not taken for reserved ones.

use ccw::orb::word1;
use ccw_kit::program::{GuestProgram, hex};
use css::{CannotStart, Config, OperandException};
use translator::{Code, Severity};

use crate::fault::meets;
use crate::run;

/// The codes of errors that `program` is refused for.
fn errors(program: &GuestProgram) -> Vec<Code> {
    let verdict = program.judge();
    let errors = verdict.findings().iter();
    let errors = errors.filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding| finding.code).collect()
}

/// `word` with bit `bit` inverted, as text.
fn inverted(word: &str, bit: usize) -> String {
    let mut bytes = hex(word);
    bytes[bit / 8] ^= 0x80 >> (bit % 8);
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The bits of the word at `at` that `code` knows as reserved are those in `reserved`; the CCW at
/// `ccw` is then to blame.
fn bits_of(program: &GuestProgram, at: u64, word: &str, code: Code, reserved: &[usize], ccw: u64) {
    let sound = program.clone().put(at, word);
    assert_eq!(errors(&sound), [], "the word itself is sound");
    for bit in 0..8 * hex(word).len() {
        let program = program.clone().put(at, &inverted(word, bit));
        if reserved.contains(&bit) {
            meets(code, &program, ccw);
        } else {
            assert!(!errors(&program).contains(&code), "{code}: bit {bit}");
        }
    }
}

fn bits(range: std::ops::RangeInclusive<usize>) -> Vec<usize> {
    range.collect()
}

/// SENSE, 32 bytes to 3000.
const SENSE: &str = "04200020 00003000";

#[test]
fn of_the_orb() {
    let base = [0x0000_0000, 0x00c2_8000, 0x0000_1000];
    for (word, sound) in base.into_iter().enumerate() {
        for bit in 0..32 {
            let changed = sound ^ (0x8000_0000_u32 >> bit);
            let program = GuestProgram::format1(SENSE).orb_word(word, changed);
            let reserved = word == 1 && (26..=30).contains(&bit);
            assert_eq!(
                errors(&program).contains(&Code::OrbRsvd),
                reserved,
                "word {word}, bit {bit}"
            );
            let refused = run::refusal(&program, Config::default());
            let why = Some(CannotStart::Operand(OperandException::Reserved));
            assert_eq!(refused == why, reserved, "word {word}, bit {bit}: css");
        }
    }
}

#[test]
fn of_a_ccw() {
    let program = GuestProgram::format1(SENSE);
    bits_of(&program, 0x1000, SENSE, Code::Fmt1Bit32, &[32], 0x1000);
    // The flag for MIDAWs is reserved in a program whose ORB does not announce them.
    let midaw = [15];
    bits_of(&program, 0x1000, SENSE, Code::MidaDisabled, &midaw, 0x1000);
    // Format 0 has no reserved bits but that one: bits 40-47 are ignored.
    let (program, sense) = (GuestProgram::format0(""), "04003000 20000020");
    bits_of(&program, 0x1000, sense, Code::Fmt1Bit32, &[], 0x1000);
    bits_of(&program, 0x1000, sense, Code::MidaDisabled, &[39], 0x1000);
    for bit in 40..=47 {
        let ignored = program.clone().put(0x1000, &inverted(sense, bit));
        assert_eq!(errors(&ignored), [], "bit {bit}");
    }
}

#[test]
fn of_a_tic() {
    let tic = "08000000 00002000";
    let program = GuestProgram::format1("03600001 00000000").put(0x2000, SENSE);
    bits_of(
        &program,
        0x1008,
        tic,
        Code::Tic1Flags,
        &bits(8..=31),
        0x1008,
    );
    bits_of(&program, 0x1008, tic, Code::Tic1Bit32, &[32], 0x1008);
    // In format 0 a TIC is its code's last four bits, and its address.
    let tic = "08002000 00000000";
    let program = GuestProgram::format0("03000000 60000001").put(0x2000, "04003000 20000020");
    for bit in (0..4).chain(32..64) {
        let ignored = program.clone().put(0x1008, &inverted(tic, bit));
        assert_eq!(errors(&ignored), [], "bit {bit}");
    }
}

#[test]
fn of_an_idaw() {
    let word = "00005000";
    let read = GuestProgram::format1("02240010 00003000").without(word1::FORMAT2_IDAWS);
    bits_of(&read, 0x3000, word, Code::Idaw1Bit0, &[0], 0x1000);
    let word = "00000000 00005000";
    let read = GuestProgram::format1("02240010 00003000").with(word1::FORMAT2_IDAWS);
    bits_of(&read, 0x3000, word, Code::Idaw1Bit0, &[], 0x1000);
}

#[test]
fn of_a_midaw() {
    let word = "00000000 00800010 00000000 00005000";
    let read = GuestProgram::format1("02210010 00003000").with(word1::MIDAW);
    let words = [
        (Code::MidawRsvd, bits(0..=39)),
        (Code::MidawFlagRsvd, bits(43..=47)),
    ];
    for (code, reserved) in words {
        bits_of(&read, 0x3000, word, code, &reserved, 0x1000);
    }
}
