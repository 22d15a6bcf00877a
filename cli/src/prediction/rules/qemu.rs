// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The channel that QEMU interprets programs by, for its virtio-ccw devices and its 3270.
//!
//! Source: QEMU 10.0.13, `hw/s390x/css.c` and `target/s390x/ioinst.c`; 7.2.22 and 10.0.2
//! were run, with identical results.

use translator::Code;

use super::super::feature::Feature;
use super::super::rule::{At, Evidence, Outcome, Rule};
use Evidence::{Program, Read, Seen};
use Outcome::{
    Detail, Machine, MayCheck, NoDevice, OperandException, Otherwise, ProgramCheck, Unseen,
    WrongData,
};

const RUN: Evidence = Seen("QEMU 7.2.22 and 10.0.2 with their 3270");

const fn rule(
    when: Feature,
    outcome: Outcome,
    says: &'static str,
    source: &'static str,
    evidence: Evidence,
) -> Rule {
    Rule {
        when,
        in_7_1: false,
        outcome,
        says,
        source,
        evidence,
    }
}

const fn tests(code: Code) -> Rule {
    rule(
        Feature::Finds(code),
        Machine,
        "it is tested",
        "hw/s390x/css.c",
        Read,
    )
}

const fn untested(code: Code) -> Rule {
    rule(
        Feature::Finds(code),
        Unseen,
        "it is not tested",
        "hw/s390x/css.c",
        Read,
    )
}

const fn ignores_key(code: Code) -> Rule {
    rule(
        Feature::Finds(code),
        Unseen,
        "storage keys are not looked at",
        "hw/s390x/css.c",
        RUN,
    )
}

#[rustfmt::skip]
pub(crate) const RULES: &[Rule] = &[
    rule(Feature::Plain, Machine, "it is interpreted",
        "hw/s390x/css.c", Program("qemu-linux61-virtio-blk-31-1")),
    rule(Feature::Transport, OperandException, "bit B of an ORB is refused",
        "target/s390x/ioinst.c: START SUBCHANNEL", Read),
    rule(Feature::MidawOrb, OperandException, "bit D of an ORB is refused",
        "target/s390x/ioinst.c: START SUBCHANNEL", Read),
    rule(Feature::Extension, Detail, "12 bytes of the ORB are read",
        "target/s390x/ioinst.c: START SUBCHANNEL", Read),
    rule(Feature::LimitCheck, Machine, "address limits are not looked at",
        "hw/s390x/css.c", Read),
    rule(Feature::Key, Machine, "storage keys are not looked at",
        "hw/s390x/css.c", RUN),
    rule(Feature::NoPrefetch, Machine, "nothing is prefetched",
        "hw/s390x/css.c", Read),
    rule(Feature::Format0, Machine, "both formats are interpreted",
        "hw/s390x/css.c", Read),
    rule(Feature::VirtioDevice, Machine, "a device of its own",
        "hw/s390x/virtio-ccw.c", Program("qemu-linux61-virtio-net-e4-1")),
    rule(Feature::DisplayDevice, Machine, "a device of its own",
        "hw/s390x/3270-ccw.c", Program("qemu-linux61-3270-e4-1")),
    rule(Feature::OtherDevice, NoDevice, "it has no such device of its own; one that is passed through is vfio-ccw's",
        "hw/s390x", Read),
    rule(Feature::CcwAtZero, ProgramCheck(At::Open), "a CCW address of 0 is refused",
        "hw/s390x/css.c", Read),
    rule(Feature::TicFirst, Machine, "it is taken",
        "hw/s390x/css.c", Read),
    rule(Feature::BackwardTic, MayCheck, "program check after 255 TICs, of whatever kind",
        "hw/s390x/css.c", Read),
    rule(Feature::EndlessLoop, ProgramCheck(At::Open), "program check after 255 TICs",
        "hw/s390x/css.c", Read),
    rule(Feature::DataChaining, Otherwise, "CD does not chain: only the first CCW moves data, or program check for its length",
        "hw/s390x/css.c", RUN),
    rule(Feature::Skip, Machine, "data is not stored",
        "hw/s390x/css.c", Read),
    rule(Feature::Pci, Detail, "PCI is ignored",
        "hw/s390x/css.c", Read),
    rule(Feature::LengthChecked, MayCheck, "a wrong length is a program check",
        "hw/s390x/css.c, hw/s390x/virtio-ccw.c", RUN),
    rule(Feature::SeveralIdaws, WrongData, "the buffer is not advanced from word to word within one transfer",
        "hw/s390x/css.c: ccw_dstream_rw_ida", RUN),
    rule(Feature::Midaws, ProgramCheck(At::Ccw), "the MIDA flag is refused",
        "hw/s390x/css.c", Read),
    rule(Feature::ReadsItself, Machine, "CCWs are fetched one by one",
        "hw/s390x/css.c", Read),
    rule(Feature::Suspends, Otherwise, "it is suspended without any status",
        "hw/s390x/css.c", RUN),

    tests(Code::CcwaAlignCpa),
    tests(Code::CcwaCpa16m),
    rule(Feature::Finds(Code::CcwaAlignTic), ProgramCheck(At::Open), "the CCW address is that of the target, plus 8",
        "hw/s390x/css.c", Read),
    rule(Feature::Finds(Code::CcwaTicUnavail), ProgramCheck(At::Open), "the CCW address is that of the target, plus 8",
        "hw/s390x/css.c", Read),
    tests(Code::Cnt0Zero),
    untested(Code::Cnt1ZeroInCd),
    untested(Code::SuspInCd),
    untested(Code::SuspWithCd),
    untested(Code::DataLimit),
    ignores_key(Code::CcwaProt),
    ignores_key(Code::DataProtStore),
    ignores_key(Code::DataProtFetch),
    ignores_key(Code::IdalProt),
];
