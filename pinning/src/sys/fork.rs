// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a child of this process gets, and does not get.

use std::fs;
use std::process::Command;
use std::{string::String, vec::Vec};

use super::HostMemory;

/// The memory of a guest, in each of its kinds.
fn kinds() -> [(&'static str, HostMemory); 3] {
    let sealed = HostMemory::memfd(0x2000).unwrap();
    let share = sealed.share(0x1000, 0x1000).unwrap();
    sealed.seal().unwrap();
    [
        ("anonymous", HostMemory::anonymous(0x2000).unwrap()),
        ("sealed", sealed),
        ("shared", share),
    ]
}

/// Forks; the child does what it is told, without allocating, and exits with its answer.
fn in_a_child(job: impl FnOnce() -> u8) -> i32 {
    // SAFETY: the child calls nothing that a lock of another thread could stop: `job` copies bytes,
    // and `_exit` runs no destructors.
    match unsafe { libc::fork() } {
        0 => {
            let answer = job();
            // SAFETY: it ends the child.
            unsafe { libc::_exit(answer.into()) }
        }
        child => {
            let mut status = 0;
            // SAFETY: waits for the child just made, and writes to `status`, which is ours.
            let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
            assert_eq!(ended, child);
            assert!(libc::WIFEXITED(status), "{status:#x}");
            libc::WEXITSTATUS(status)
        }
    }
}

/// A page that a device has pinned must not be replaced by a copy, whoever writes to it first.
#[test]
fn a_child_shares_the_memory() {
    for (kind, memory) in kinds() {
        memory.write(0, &[1; 8]).unwrap();
        let answer = in_a_child(|| {
            let mut byte = [0];
            let fine = memory.read(3, &mut byte).is_ok() && memory.write(8, &[2; 8]).is_ok();
            if fine { byte[0] } else { 0 }
        });
        assert_eq!(answer, 1, "{kind}: what the parent wrote before");
        let mut bytes = [0; 16];
        memory.read(0, &mut bytes).unwrap();
        assert_eq!(bytes, [[1; 8], [2; 8]].concat()[..], "{kind}");
    }
}

/// No file of ours is open in a program that this process executes.
#[test]
fn a_program_gets_no_files() {
    let open = || -> Vec<(i32, String)> {
        let files = fs::read_dir("/proc/self/fd").unwrap();
        files
            .filter_map(|file| {
                let file = file.ok()?;
                let target = fs::read_link(file.path()).ok()?;
                let fd = file.file_name().to_str()?.parse().ok()?;
                Some((fd, target.to_string_lossy().into_owned()))
            })
            .collect()
    };
    let kinds = kinds();
    let ours: Vec<_> = open()
        .into_iter()
        .filter(|(_, target)| target.contains("memfd"))
        .collect();
    assert!(!ours.is_empty(), "sealed memory has a file");
    let listed = Command::new("ls").args(["-l", "/proc/self/fd"]).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    assert!(listed.contains("->"), "{listed}");
    assert!(!listed.contains("memfd"), "{listed}");
    drop(kinds);
}
