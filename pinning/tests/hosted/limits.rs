// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Without privileges: what is not allowed has a name, and what is allowed works.

use std::env;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use ccw::HostAddr;
use pinning::{
    AddError, AddrSpace, Budget, Errno, HostMemory, KeepError, KernelFaults, LockedPinner,
    Permission, Pinner, UringPinner, WhyVirtual,
};

use crate::common::*;

/// Where a test finds itself without privileges.
const INSIDE: &str = "PINNING_TESTS_WITHOUT_PRIVILEGES";
/// `RLIMIT_MEMLOCK` there, in KiB.
const LIMIT: u64 = 256;

/// Whether the test is to go on. If not, it has run in a process of its own.
fn without_privileges(test: &str) -> bool {
    if env::var_os(INSIDE).is_some() {
        return true;
    }
    // Its pipes are files of this process, which other tests count.
    let _alone = alone();
    let exe = env::current_exe().unwrap();
    let limit = format!("ulimit -l {LIMIT} && exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(limit).arg(exe);
    command
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "");
    if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
        // Nobody has no capabilities. Whether nobody may execute this file is another question.
        command.uid(65_534).gid(65_534);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    if let Some(126 | 127) = output.status.code() {
        left_out(test, text.trim());
        return false;
    }
    for line in text.lines().filter(|line| line.starts_with("LEFT OUT")) {
        left_out("without privileges", line);
    }
    assert!(output.status.success(), "{test}: {text}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("1 passed"), "{text}");
    false
}

#[test]
fn frames_are_not_shown_and_addresses_are_virtual() {
    if !without_privileges("limits::frames_are_not_shown_and_addresses_are_virtual") {
        return;
    }
    let Some(pinner) = uring("addresses without CAP_SYS_ADMIN") else {
        return;
    };
    assert_eq!(pinner.why_virtual(), Some(WhyVirtual::NotPermitted));
    assert_eq!(pinner.caps().space, AddrSpace::Virtual);
    let memory = HostMemory::sealed(2 * PAGE).unwrap();
    pinner.add(at(0), &memory, Permission::ReadWrite).unwrap();
    let found = runs(&pinner, 0x123, 0x1000).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].host, HostAddr::new(memory.addr() as u64 + 0x123));
    assert_eq!(pinned(), 2);
}

/// What was refused, by name, for so many bytes more than are held.
fn is_over_the_limit(refused: Result<(), AddError>, place: u64, needed: u64, held: u64) {
    let Err(AddError::Keep { at: found, error }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(found, at(place));
    let expected = KeepError::MemoryLock {
        needed,
        limit: LIMIT * 1024,
        held: Some(held),
    };
    assert_eq!(error, expected);
    assert!(error.to_string().contains("RLIMIT_MEMLOCK"));
}

#[test]
fn more_than_may_be_pinned() {
    if !without_privileges("limits::more_than_may_be_pinned") {
        return;
    }
    let Some(pinner) = uring("RLIMIT_MEMLOCK and pins") else {
        return;
    };
    let small = HostMemory::sealed(16 * PAGE).unwrap();
    let large = HostMemory::sealed(64 * PAGE).unwrap();
    pinner
        .add(at(0x10_0000), &small, Permission::ReadWrite)
        .unwrap();
    let held = pinned() * 4096;
    is_over_the_limit(
        pinner.add(at(0), &large, Permission::ReadWrite),
        0,
        64 * 4096,
        held,
    );
    assert_eq!(pinned() * 4096, held);
    runs(&pinner, 0x10_0000, 0x1_0000).unwrap();
    // What goes makes room.
    withdraw(&pinner, range(0x10_0000, 0x11_0000));
    pinner
        .add(
            at(0),
            &large.share(0, 48 * PAGE).unwrap(),
            Permission::ReadWrite,
        )
        .unwrap();
}

/// It is refused with the number of a limit, which is none here.
#[test]
fn io_uring_that_is_switched_off() {
    if !without_privileges("limits::io_uring_that_is_switched_off") {
        return;
    }
    let faults = KernelFaults::new();
    // Behind the two calls that look for frames.
    faults.fail(2, Errno::EPERM);
    let expected = KeepError::Kernel {
        call: "io_uring_setup",
        errno: Errno::EPERM,
    };
    let refused = UringPinner::with_faults(Budget::default(), &faults);
    assert_eq!(refused.err(), Some(expected));
}

/// A hole needs room for its neighbours twice for a moment. Without it, the pages are kept.
#[test]
fn a_hole_for_which_there_is_no_room() {
    if !without_privileges("limits::a_hole_for_which_there_is_no_room") {
        return;
    }
    let Some(pinner) = uring("a hole at RLIMIT_MEMLOCK") else {
        return;
    };
    let memory = HostMemory::sealed(48 * PAGE).unwrap();
    pinner.add(at(0), &memory, Permission::ReadWrite).unwrap();
    withdraw(&pinner, range(0x1000, 0x2000));
    assert!(runs(&pinner, 0x1000, 1).is_err(), "it is gone all the same");
    assert_eq!((pinner.settle(), pinned()), (0x1000, 48));
    runs(&pinner, 0x2000, 0x2_e000).unwrap();
    // When the rest gets smaller there is room for it.
    withdraw(&pinner, range(0x8000, 0x3_0000));
    assert_eq!((pinner.settle(), pinned()), (0, 7));
}

#[test]
fn more_than_may_be_locked() {
    if !without_privileges("limits::more_than_may_be_locked") {
        return;
    }
    let pinner = LockedPinner::new(Budget::default()).unwrap();
    let small = HostMemory::sealed(16 * PAGE).unwrap();
    let large = HostMemory::sealed(64 * PAGE).unwrap();
    pinner.add(at(0), &small, Permission::ReadWrite).unwrap();
    let refused = pinner.add(at(0x10_0000), &large, Permission::ReadWrite);
    is_over_the_limit(refused, 0x10_0000, 64 * 4096, 16 * 4096);
    assert_eq!(locked(), 16);
    runs(&pinner, 0, 0x1_0000).unwrap();
}
