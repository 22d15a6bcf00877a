// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The channel of SDL Hercules Hyperion.
//!
//! Source: its `channel.c` and `io.c`, at 2d2c4054; 4.9 was run, with a 3390.

use translator::Code;

use super::super::feature::Feature;
use super::super::rule::{At, Evidence, Outcome, Rule};
use Evidence::{Program, Read, Seen};
use Outcome::{Detail, Machine, MayCheck, OperandException, ProgramCheck, Unseen};

/// Programs that load a system, which may not be copied to `tests/programs`.
const AT_IPL: Evidence = Seen("4.9 with a 3390, at IPL");

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

/// A condition that was seen to be found.
const fn found(code: Code, program: &'static str) -> Rule {
    rule(
        Feature::Finds(code),
        Machine,
        "it is tested",
        "channel.c",
        Program(program),
    )
}

/// A condition whose test was read.
const fn tests(code: Code) -> Rule {
    rule(
        Feature::Finds(code),
        Machine,
        "it is tested",
        "channel.c",
        Read,
    )
}

const SHORT: &str = "program check where the device moves fewer bytes than the MIDAWs designate";

#[rustfmt::skip]
pub(crate) const RULES: &[Rule] = &[
    rule(Feature::Plain, Machine, "it is carried out",
        "channel.c", Program("linux61-3390-64-1")),
    rule(Feature::Transport, OperandException, "bit B of an ORB is refused",
        "io.c: START SUBCHANNEL", Read),
    rule(Feature::MidawOrb, Machine, "MIDAWs are known",
        "channel.c", Program("enc-midaw-exact-2")),
    rule(Feature::LimitCheck, MayCheck, "CCWs and lists are held against the limit too",
        "channel.c", Read),
    rule(Feature::NoPrefetch, Machine, "CCWs are fetched one by one",
        "channel.c", AT_IPL),
    rule(Feature::Format0, Machine, "both formats are carried out",
        "channel.c", Program("enc-idal1-fmt0")),
    rule(Feature::DisplayDevice, Machine, "a device of its own",
        "channel.c", Program("linux61-3270-e4-1")),
    rule(Feature::OtherDevice, Machine, "a device of its own",
        "channel.c", Program("linux61-3390-64-1")),
    rule(Feature::CcwAtZero, Machine, "an address like any other",
        "channel.c", Read),
    rule(Feature::TicFirst, Machine, "it is taken",
        "channel.c", Program("enc-tic-first-fmt1")),
    rule(Feature::BackwardTic, Machine, "it is taken",
        "channel.c", Program("enc-seek-search-tic-readdata")),
    rule(Feature::EndlessLoop, ProgramCheck(At::Open), "program check after 256 backward TICs without data in between",
        "channel.c", Read),
    rule(Feature::DataChaining, Machine, "it is carried out",
        "channel.c", Program("linux61-9336-63-43-42x32-1")),
    rule(Feature::Skip, Machine, "address and list are not looked at",
        "channel.c", Program("enc-skip-read")),
    rule(Feature::Pci, Detail, "PCI is a status of its own, presented when the CCW has been fetched",
        "channel.c", Program("enc-pci-flag")),
    rule(Feature::LengthChecked, Machine, "a wrong length is shown",
        "channel.c", Program("linux61-3390-64-1")),
    rule(Feature::ShortIdaws, Machine, "they are carried out",
        "channel.c", Program("enc-idal1-2k")),
    rule(Feature::SeveralIdaws, Machine, "they are carried out",
        "channel.c", Program("enc-idal-list-crosses-page")),
    rule(Feature::Midaws, MayCheck, SHORT,
        "channel.c", Program("enc-midaw-2")),
    rule(Feature::ReadsItself, Machine, "CCWs are fetched one by one",
        "channel.c", AT_IPL),
    rule(Feature::Suspends, Machine, "intermediate status without alert",
        "channel.c", Read),

    found(Code::CcwaAlignCpa, "bad-orb-cpa-misaligned-4"),
    rule(Feature::Finds(Code::CcwaCpa16m), Unseen, "an address is held against a doubleword and the end of storage only",
        "channel.c", Read),
    found(Code::CcwaCpaUnavail, "bad-cpa-first-byte-past-end"),
    found(Code::CcwaAlignTic, "bad-tic-misaligned"),
    found(Code::CmdZero, "bad-command-10"),
    found(Code::Tic1Flags, "bad-tic-flags-fmt1"),
    found(Code::Tic1Bit32, "bad-tic-bit0-fmt1"),
    found(Code::SeqTicTic, "bad-tic-tic"),
    rule(Feature::Finds(Code::Cnt0Zero), Unseen, "a count of zero is legal in either format",
        "channel.c", Program("bad-count0-fmt0")),
    found(Code::Cnt1ZeroCd, "bad-count0-cd-fmt1"),
    found(Code::MidaDisabled, "bad-mida-without-orb-d"),
    found(Code::MidaConflictIda, "bad-mida-and-ida"),
    found(Code::SuspNotAllowed, "bad-suspend-flag-no-control"),
    tests(Code::Fmt1Bit32),
    rule(Feature::Finds(Code::DataUnavail), ProgramCheck(At::Ccw), "all of the area is looked at before the device is started",
        "channel.c", Program("bad-data-out-of-storage")),
    tests(Code::DataProtStore),
    tests(Code::DataProtFetch),
    found(Code::IdalAlign, "bad-idal1-list-misaligned2"),
    found(Code::IdalUnavail, "bad-idal2-list-runs-off"),
    found(Code::IdawAlign, "bad-idal1-second-not-2k"),
    found(Code::IdawDataUnavail, "bad-idal2-huge-64bit"),
    found(Code::MidalPage, "bad-midaw-exact-list-cross-4k"),
    tests(Code::MidawRsvd),
    rule(Feature::Finds(Code::MidawFlagRsvd), MayCheck, SHORT,
        "channel.c: bits 43-47 are named and not tested", Program("bad-midaw-exact-reserved-flag")),
    rule(Feature::Finds(Code::MidawCountOver), MayCheck, SHORT,
        "channel.c: the test of the counts never applies", Read),
    rule(Feature::Finds(Code::MidawSumUnder), MayCheck, SHORT,
        "channel.c: the test of the counts never applies", Read),
];
