// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! vfio-ccw, given the guest's ORB, with the guest's storage mapped at its own addresses.
//!
//! Source: Linux 7.2.13, `drivers/s390/cio/vfio_ccw_cp.c` and `vfio_ccw_fsm.c`, compared with 7.1.8. Kernels 6.12.107 and 7.2.12 were run, on emulated machines; what these present themselves is not
//! the kernel's doing.

use translator::Code;

use super::super::feature::Feature;
use super::super::rule::{At, Evidence, Outcome, Rule};
use Evidence::{Read, Rig, Seen};
use Outcome::{Detail, Errno, Machine, MayCheck, Otherwise, ProgramCheck, Unseen};

const ON_DASD: Evidence = Seen("Linux 6.12 and 7.2 with a 3390 of Hercules 3.13");
const ON_BOTH: Evidence = Seen("Linux 6.12 and 7.2, on two emulators");

/// A rule that was read in both versions.
const fn both(
    when: Feature,
    outcome: Outcome,
    says: &'static str,
    source: &'static str,
    evidence: Evidence,
) -> Rule {
    Rule {
        when,
        in_7_1: true,
        outcome,
        says,
        source,
        evidence,
    }
}

/// A rule of 6.12 and 7.2 only.
const fn new(
    when: Feature,
    outcome: Outcome,
    says: &'static str,
    source: &'static str,
    evidence: Evidence,
) -> Rule {
    Rule {
        in_7_1: false,
        ..both(when, outcome, says, source, evidence)
    }
}

/// A condition that the machine below finds in the copy.
const fn left(code: Code, evidence: Evidence) -> Rule {
    both(
        Feature::Finds(code),
        Machine,
        "it is copied as it is, and left to the machine below",
        "vfio_ccw_cp.c: not checked by the copy",
        evidence,
    )
}

/// A key of the guest's storage, which nobody looks at.
const fn guest_key(code: Code) -> Rule {
    both(
        Feature::Finds(code),
        Unseen,
        "the keys of the guest's storage are not looked at",
        "vfio_ccw_cp.c: cp_get_orb keeps the key, for host storage",
        Read,
    )
}

/// Storage that is not mapped.
const UNMAPPED: Outcome = Errno("EINVAL", "ENOENT");

#[rustfmt::skip]
pub(crate) const RULES: &[Rule] = &[
    both(Feature::Plain, Machine, "it is copied and started",
        "vfio_ccw_cp.c", Rig("chain.rs", "{n} CCWs")),
    both(Feature::Transport, Errno("EOPNOTSUPP", "EOPNOTSUPP"), "programs of transport mode are not taken",
        "vfio_ccw_fsm.c: I/O request, bit 13 of ORB word 1", ON_BOTH),
    both(Feature::MidawOrb, Machine, "the bit is kept, and left to the machine below",
        "vfio_ccw_cp.c: cp_get_orb", Read),
    both(Feature::LimitCheck, MayCheck, "the guest's limit is held against addresses of the host",
        "vfio_ccw_cp.c: cp_get_orb keeps the bit", Read),
    both(Feature::Key, MayCheck, "the guest's key is held against the keys of host storage: protection check where they differ",
        "vfio_ccw_cp.c: cp_get_orb keeps the key", ON_DASD),
    both(Feature::NoPrefetch, Detail, "it is copied once, before it starts, all the same",
        "vfio_ccw_cp.c: cp_init only warns", ON_BOTH),
    both(Feature::Format0, Detail, "the status says format 1, that of the copy",
        "vfio_ccw_cp.c: cp_get_orb; the SCSW is mapped back but for its CCW address", Rig("dasd.rs", "the same in format 0")),
    both(Feature::VirtioDevice, Machine, "it does not know what the device is",
        "vfio_ccw_cp.c", Seen("Linux 6.12 with virtio-ccw devices of QEMU")),
    both(Feature::DisplayDevice, Machine, "it does not know what the device is",
        "vfio_ccw_cp.c", Seen("Linux 6.12 and 7.2 with a 3270 of QEMU")),
    both(Feature::OtherDevice, Machine, "it does not know what the device is",
        "vfio_ccw_cp.c", Rig("dasd.rs", "no such record")),
    new(Feature::LongSegment, Errno("EINVAL", "EINVAL"), "a run of more than 256 CCWs is refused",
        "vfio_ccw_cp.c: cp_init, CCWCHAIN_LEN_MAX", Rig("chain.rs", "{n} CCWs")),
    new(Feature::ManySegments, Errno("EINVAL", "EINVAL"), "more than 16 runs of CCWs are refused",
        "vfio_ccw_cp.c: cp_init, CCWCHAIN_COUNT_MAX", Rig("chain.rs", "{segments} segments")),
    both(Feature::FetchBeyond, UNMAPPED, "2 KiB are fetched from the head of each run of CCWs, which must be mapped",
        "vfio_ccw_cp.c: cp_init, vfio_dma_rw", Rig("dasd.rs", "a program in the last 8 bytes")),
    both(Feature::ListUnmapped, UNMAPPED, "lists are read in advance, also where no data moves, and must be mapped",
        "vfio_ccw_cp.c: cp_prefetch", ON_BOTH),
    both(Feature::DataUnmapped, UNMAPPED, "all pages that data could go to are pinned in advance, and must be mapped",
        "vfio_ccw_cp.c: cp_prefetch, vfio_pin_pages", Rig("dasd.rs", "data nowhere in third place")),
    both(Feature::CcwAtZero, Machine, "an address like any other",
        "vfio_ccw_cp.c", Read),
    both(Feature::TicFirst, Machine, "it is copied as it is",
        "vfio_ccw_cp.c: not checked by the copy", Read),
    both(Feature::BackwardTic, Machine, "it leads back into the copy",
        "vfio_ccw_cp.c: is_tic_within_range", Rig("dasd.rs", "SEEK, SEARCH, TIC *-8, READ")),
    both(Feature::EndlessLoop, Otherwise, "it runs until it is halted or cleared",
        "vfio_ccw_cp.c: loops are not looked for", Seen("Linux 6.12 and 7.2 with a 3390 of Hercules 3.13")),
    both(Feature::DataChaining, Machine, "the flags are copied",
        "vfio_ccw_cp.c", Rig("dasd.rs", "TIC between data-chained CCWs")),
    both(Feature::Skip, Machine, "storage that is skipped is not pinned, if the CCW itself has an input command",
        "vfio_ccw_cp.c: ccw_does_data_transfer", Rig("dasd.rs", "data chaining with SKIP")),
    both(Feature::LengthChecked, Machine, "the length is left to the machine below",
        "vfio_ccw_cp.c", Rig("dasd.rs", "short record")),
    new(Feature::ShortIdaws, Machine, "they become 8-byte IDAWs on 2 KiB blocks",
        "vfio_ccw_cp.c: cp_prefetch", ON_DASD),
    both(Feature::SeveralIdaws, Machine, "each word is pinned",
        "vfio_ccw_cp.c: cp_prefetch", Rig("dasd.rs", "READ to storage above 2 GiB")),
    both(Feature::Midaws, ProgramCheck(At::Ccw), "the list is taken for data and gets a list of IDAWs, so the CCW has both flags",
        "vfio_ccw_cp.c: the MIDA flag is not known", Rig("midaw.rs", "MIDAWs, {name}, flags {flags:02x}")),
    both(Feature::BackwardPages, ProgramCheck(At::Ccw), "the list that is built leads upward",
        "vfio_ccw_cp.c: cp_prefetch", Rig("tape.rs", "READ BACKWARD over pages, to offset {offset}")),
    both(Feature::ReadsItself, Otherwise, "the copy is run: CCWs and list words that are read in are not seen",
        "vfio_ccw_cp.c: cp_init copies once", Rig("parts.rs", "and read it, not prefetched")),
    both(Feature::Suspends, Otherwise, "it is suspended for good: there is no RESUME SUBCHANNEL",
        "vfio_ccw_async.c knows HALT and CLEAR", ON_DASD),

    both(Feature::Finds(Code::CcwaCpa16m), Unseen, "the copy is made from that address",
        "vfio_ccw_cp.c: not checked by the copy", Read),
    both(Feature::Finds(Code::CcwaAlignTic), MayCheck, "a target outside of the run is copied from there to an aligned place; one within it is left to the machine below",
        "vfio_ccw_cp.c: cp_init", ON_DASD),
    left(Code::CmdZero, Rig("dasd.rs", "invalid command in third place")),
    left(Code::CmdTicModifier, Read),
    left(Code::Tic1Flags, Read),
    both(Feature::Finds(Code::SeqTicTic), ProgramCheck(At::Open), "the machine below finds it; the CCW address may be mapped to another run of CCWs",
        "vfio_ccw_cp.c: cp_update_scsw", Seen("Linux 6.12 and 7.2, with different addresses")),
    both(Feature::Finds(Code::Cnt0Zero), Unseen, "the copy is of format 1, where a count of zero is legal",
        "vfio_ccw_cp.c: convert_ccw0_to_ccw1", Read),
    left(Code::Cnt1ZeroCd, Read),
    left(Code::Cnt1ZeroInCd, Read),
    left(Code::SuspNotAllowed, Read),
    left(Code::SuspInCd, Read),
    left(Code::SuspWithCd, Read),
    guest_key(Code::CcwaProt),
    guest_key(Code::DataProtStore),
    guest_key(Code::DataProtFetch),
    guest_key(Code::IdalProt),
    both(Feature::Finds(Code::IdalAlign), Unseen, "the list is read where it is, and a new one is made",
        "vfio_ccw_cp.c: not checked by the copy", ON_BOTH),
    both(Feature::Finds(Code::IdawAlign), Machine, "the word keeps its place in the page, and is left to the machine below",
        "vfio_ccw_cp.c: cp_prefetch", ON_DASD),
];
