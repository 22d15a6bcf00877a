// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Suspension, resumption and intermediate status, row by row of "PoP: I/O Instructions" and "PoP:
//! SCSW". SCSWs are three words in hexadecimal.

use ccw::{Orb, RawIrb, RawOrb};

use super::*;

/// ORB S, format 1, prefetch; then with U, and without S.
const S: u32 = 0x08c2_8000;
const S_U: u32 = 0x08ca_8000;
const NO_S: u32 = 0x00c2_8000;

/// Of a program at 2000 that runs.
const RUNS: &str = "08c040c0 00002000 00000000";
/// Of one that has suspended itself at 2008, a CCW of 80 bytes, and whose status was tested.
const STANDS: &str = "08c04020 00002010 00000050";
/// The same with its status.
const SUSPENDED: &str = "08c04029 00002010 00000050";

fn enabled() -> Subchannel {
    let pmcw = Pmcw {
        device_number: Some(0x190),
        enabled: true,
        ..Pmcw::default()
    };
    Subchannel::new(pmcw)
}

fn pending(word1: u32) -> Subchannel {
    let mut sch = enabled();
    let orb = RawOrb::from_words([7, word1, 0x2000]);
    assert_eq!(sch.start_condition(), Cc0);
    sch.accept_start(&Orb::decode(&orb));
    sch
}

fn running(word1: u32) -> Subchannel {
    let mut sch = pending(word1);
    sch.started();
    sch
}

/// Suspended, with status pending.
fn suspended() -> Subchannel {
    let mut sch = running(S);
    assert_eq!(sch.suspend(&at(0)), Posted::Pending);
    assert_eq!(scsw(&sch), SUSPENDED);
    sch
}

/// Suspended, with its status tested.
fn standing() -> Subchannel {
    let mut sch = suspended();
    assert_eq!(test(&mut sch), SUSPENDED);
    assert_eq!(scsw(&sch), STANDS);
    sch
}

/// Suspended, with RSCH accepted.
fn resuming() -> Subchannel {
    let mut sch = standing();
    resume(&mut sch);
    sch
}

fn resume(sch: &mut Subchannel) {
    assert_eq!(sch.resume_condition(), Cc0);
    sch.accept_resume();
}

fn scsw(sch: &Subchannel) -> String {
    words(&sch.store().0[28..40])
}

/// TSCH of status that is pending.
fn test(sch: &mut Subchannel) -> String {
    let (code, irb) = sch.test();
    assert_eq!(code, Cc0);
    words(&irb.unwrap().encode().0[..12])
}

fn words(bytes: &[u8]) -> String {
    let words: Vec<_> = bytes
        .chunks(4)
        .map(|word| {
            word.iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        })
        .collect();
    words.join(" ")
}

/// Suspended at 2008, with this subchannel status.
fn at(status: u32) -> Scsw<Guest> {
    irb([0, 0x2010, 0x50 | status]).scsw
}

/// Status of a program.
fn irb(words: [u32; 3]) -> Irb<Guest> {
    let mut raw = [0; 64];
    for (to, word) in raw.chunks_mut(4).zip(words) {
        to.copy_from_slice(&word.to_be_bytes());
    }
    Irb::decode(&RawIrb(raw))
}

/// Program-controlled interruption at 2000.
fn pci() -> Irb<Guest> {
    irb([0x08c0_40c9, 0x2008, 0x0080_0000])
}

/// Normal end at 2008.
fn ended() -> Irb<Guest> {
    irb([0x08c0_4007, 0x2010, 0x0c00_0000])
}

// PoP: RESUME SUBCHANNEL, condition codes.

#[test]
fn rsch_cc0_suspended() {
    let mut sch = standing();
    resume(&mut sch);
    assert_eq!(scsw(&sch), "08c04820 00002010 00000050");
    sch.started();
    assert_eq!(scsw(&sch), "08c040c0 00002010 00000050");
}

/// Accepted beforehand it passes over one suspension.
#[test]
fn rsch_cc0_before_the_suspension() {
    for mut sch in [pending(S), running(S)] {
        resume(&mut sch);
        sch.started();
        assert_eq!(scsw(&sch), "08c048c0 00002000 00000000");
        assert!(sch.passes_over());
        assert_eq!(scsw(&sch), RUNS);
        assert!(!sch.passes_over());
    }
}

/// A resume function that is being carried out passes over nothing: the S flag may still be one.
#[test]
fn rsch_of_a_suspended_program_passes_over_nothing() {
    let mut sch = resuming();
    assert!(!sch.passes_over());
    assert_eq!(sch.suspend(&at(0)), Posted::Pending);
    assert_eq!(scsw(&sch), SUSPENDED);
}

#[test]
fn rsch_cc1_status_pending() {
    assert_eq!(suspended().resume_condition(), Cc1);
    let mut sch = running(S);
    assert_eq!(sch.post(&pci()), Posted::Pending);
    assert_eq!(sch.resume_condition(), Cc1);
}

#[test]
fn rsch_cc2_not_applicable() {
    // No function; ORB S zero; resume pending; another function.
    assert_eq!(enabled().resume_condition(), Cc2);
    assert_eq!(running(NO_S).resume_condition(), Cc2);
    assert_eq!(resuming().resume_condition(), Cc2);
    let mut sch = standing();
    sch.accept_halt();
    assert_eq!(sch.resume_condition(), Cc2);
    let mut sch = standing();
    sch.accept_clear();
    assert_eq!(sch.resume_condition(), Cc2);
}

#[test]
fn rsch_cc3_not_operational() {
    assert_eq!(Subchannel::new(Pmcw::default()).resume_condition(), Cc3);
    let mut sch = standing();
    sch.lose_device();
    assert_eq!(sch.resume_condition(), Cc3);
}

// The other instructions on a suspended subchannel.

#[test]
fn ssch_and_msch_of_a_suspended_program() {
    for (sch, code) in [(suspended(), Cc1), (standing(), Cc2), (resuming(), Cc2)] {
        assert_eq!(sch.start_condition(), code);
        let operand = sch.store();
        let mut modified = sch.clone();
        assert_eq!(modified.modify(&operand), Ok(code));
        assert_eq!(modified, sch);
    }
}

#[test]
fn xsch_cc1_status_pending() {
    assert_eq!(suspended().cancel_condition(), Cc1);
}

#[test]
fn xsch_cc0_suspended_or_resume_pending() {
    for mut sch in [standing(), resuming()] {
        assert_eq!(sch.cancel_condition(), Cc0);
        sch.accept_cancel();
        assert_eq!(scsw(&sch), "08c00000 00002010 00000050");
        assert_eq!(sch.start_condition(), Cc0);
    }
}

#[test]
fn xsch_cc2_subchannel_active() {
    let mut sch = running(S);
    resume(&mut sch);
    assert_eq!(sch.cancel_condition(), Cc2);
}

/// Nothing is active: the halt function is complete with the status of the suspension, which
/// stays.
#[test]
fn hsch_of_a_suspended_program_with_its_status() {
    let mut sch = suspended();
    assert_eq!(sch.halt_condition(), Cc0);
    assert!(!sch.accept_halt());
    assert_eq!(scsw(&sch), "08c06029 00002010 00000050");
    assert_eq!(sch.halt_condition(), Cc2);
    // TSCH: "intermediate and pending, suspended, FC halt".
    assert_eq!(test(&mut sch), "08c06029 00002010 00000050");
    assert_eq!(scsw(&sch), "08c00000 00002010 00000050");
}

#[test]
fn hsch_of_a_suspended_program() {
    for (mut sch, accepted) in [
        (standing(), "08c06220 00002010 00000050"),
        (resuming(), "08c06a20 00002010 00000050"),
    ] {
        assert_eq!(sch.halt_condition(), Cc0);
        assert!(!sch.accept_halt());
        assert_eq!(scsw(&sch), accepted);
        let halted = irb([0x08c0_2001, 0x2010, 0]);
        assert_eq!(sch.post(&halted), Posted::Pending);
        assert_eq!(test(&mut sch), "08c06001 00002010 00000000");
        assert_eq!(scsw(&sch), "08c00000 00002010 00000000");
    }
}

#[test]
fn csch_of_a_suspended_program() {
    for (mut sch, dropped) in [
        (suspended(), true),
        (standing(), false),
        (resuming(), false),
    ] {
        assert_eq!(sch.clear_condition(), Cc0);
        assert_eq!(sch.accept_clear(), dropped);
        assert_eq!(scsw(&sch), "00001100 00000000 00000000");
    }
}

// PoP: TEST SUBCHANNEL, what is cleared.

#[test]
fn tsch_clears_all_with_alert_primary_or_secondary() {
    for (word0, status) in [
        (0x08c0_4017, "08c04817"),
        (0x08c0_4007, "08c04807"),
        (0x08c0_4005, "08c04805"),
        (0x08c0_4001, "08c04801"),
    ] {
        let mut sch = running(S);
        sch.schib.scsw = irb([word0, 0x2008, 0]).scsw;
        resume_pending(&mut sch);
        assert_eq!(test(&mut sch), format!("{status} 00002008 00000000"));
        assert_eq!(scsw(&sch), "08c00000 00002008 00000000");
    }
}

/// Whatever else is pending.
fn resume_pending(sch: &mut Subchannel) {
    sch.schib.scsw.activity |= ActivityControl::RESUME_PENDING;
}

/// Function and activity, resume pending included, are kept; Z, PCI and the status are not; N is.
#[test]
fn tsch_of_intermediate_status_not_suspended() {
    let mut sch = running(S);
    resume(&mut sch);
    let mut initial = irb([0x08c5_40c9, 0x2008, 0x0080_0000]);
    initial.scsw.path_not_operational = true;
    assert_eq!(sch.post(&initial), Posted::Pending);
    assert_eq!(test(&mut sch), "08c548c9 00002008 00800000");
    assert_eq!(scsw(&sch), "08c148c0 00002008 00000000");
    assert!(sch.passes_over());
}

/// Resume pending and N go, suspended and the start function stay.
#[test]
fn tsch_of_intermediate_status_suspended() {
    let mut sch = suspended();
    sch.schib.scsw.path_not_operational = true;
    resume_pending(&mut sch);
    assert_eq!(test(&mut sch), "08c14829 00002010 00000050");
    assert_eq!(scsw(&sch), STANDS);
}

/// TSCH without status changes nothing.
#[test]
fn tsch_of_a_suspended_program_without_status() {
    let mut sch = standing();
    let (code, irb) = sch.test();
    assert_eq!((code, irb.is_some()), (Cc1, true));
    assert_eq!(scsw(&sch), STANDS);
}

// PoP: Suspension of Channel-Program Execution.

/// Intermediate status, and no alert.
#[test]
fn suspended_with_interruption() {
    assert_eq!(scsw(&suspended()), "08c04029 00002010 00000050");
}

#[test]
fn suspended_with_the_interruption_suppressed() {
    let mut sch = running(S_U);
    assert_eq!(sch.suspend(&at(0)), Posted::Merged);
    assert_eq!(scsw(&sch), "08c84020 00002010 00000050");
    assert!(sch.is_suspended() && !sch.is_pending());
    resume(&mut sch);
}

/// The CCW has the PCI flag as well: that is reported in any case.
#[test]
fn suspended_with_pci() {
    for (word1, status) in [(S, "08c04029"), (S_U, "08c84029")] {
        let mut sch = running(word1);
        assert_eq!(sch.suspend(&at(0x0080_0000)), Posted::Pending);
        assert_eq!(test(&mut sch), format!("{status} 00002010 00800050"));
        assert!(sch.is_suspended() && !sch.is_pending());
    }
}

// PoP: Program-Controlled Interruption.

/// A PCI that the guest has not tested stays in what comes next: another one, the suspension, the
/// end. There is one interruption for all of them.
#[test]
fn pci_is_merged_into_later_status() {
    let mut sch = running(S);
    assert_eq!(sch.post(&pci()), Posted::Pending);
    assert_eq!(scsw(&sch), "08c040c9 00002008 00800000");
    assert_eq!(sch.suspend(&at(0)), Posted::Merged);
    assert_eq!(test(&mut sch), "08c04029 00002010 00800050");
    assert_eq!(scsw(&sch), STANDS);

    let mut sch = running(S);
    assert_eq!(sch.post(&pci()), Posted::Pending);
    let second = irb([0x08c0_40c9, 0x2018, 0x0080_0000]);
    assert_eq!(sch.post(&second), Posted::Merged);
    assert_eq!(sch.post(&ended()), Posted::Merged);
    assert_eq!(test(&mut sch), "08c04007 00002010 0c800000");
    assert_eq!(sch.test().0, Cc1);
}

#[test]
fn pci_that_was_tested_is_not_told_again() {
    let mut sch = running(S);
    assert_eq!(sch.post(&pci()), Posted::Pending);
    assert_eq!(test(&mut sch), "08c040c9 00002008 00800000");
    assert_eq!(sch.suspend(&at(0)), Posted::Pending);
    assert_eq!(test(&mut sch), SUSPENDED);
}

/// With the interruption of the suspension suppressed, the one for PCI is left.
#[test]
fn pci_before_a_suppressed_suspension() {
    let mut sch = running(S_U);
    let mut controlled = pci();
    controlled.scsw.orb.suppress_suspended = true;
    assert_eq!(sch.post(&controlled), Posted::Pending);
    assert_eq!(sch.suspend(&at(0)), Posted::Merged);
    assert_eq!(test(&mut sch), "08c84029 00002010 00800050");
    assert!(sch.is_suspended() && !sch.is_pending());
}

// PoP: Zero Condition Code.

/// Z is kept until it is tested, and goes with an ending status, which it would not be valid in.
#[test]
fn initial_status() {
    let initial = irb([0x08e4_40c9, 0x2008, 0]);
    let mut sch = running(S | 0x0020_0000);
    assert_eq!(sch.post(&initial), Posted::Pending);
    assert_eq!(test(&mut sch), "08e440c9 00002008 00000000");
    assert_eq!(scsw(&sch), "08e040c0 00002008 00000000");

    let mut sch = running(S | 0x0020_0000);
    assert_eq!(sch.post(&initial), Posted::Pending);
    let mut later = pci();
    later.scsw.orb.initial_status = true;
    assert_eq!(sch.post(&later), Posted::Merged);
    assert_eq!(scsw(&sch), "08e440c9 00002008 00800000");
    let mut end = ended();
    end.scsw.orb.initial_status = true;
    assert_eq!(sch.post(&end), Posted::Merged);
    assert_eq!(test(&mut sch), "08e04007 00002010 0c800000");
}
