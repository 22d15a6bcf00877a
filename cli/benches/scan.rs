// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `ccwtool check --scan` of a dump of 96 MiB, beside a plain pass over the same bytes: the file read by
//! as many threads, and its words summed up. And `ccwtool check` of every program of this repository, and of
//! the folder `CCW_CORPUS`, beside reading the files in the same way.
//!
//! `CCW_DUMP` names another dump than the one that is made here, of which a third is zeros, a third text
//! and a third pointers, with a few hundred ORBs.

#![allow(missing_docs, reason = "criterion makes the functions")]

use std::env;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rayon::prelude::*;

/// Bytes of the dump that is made here.
const LEN: usize = 96 << 20;

/// Bytes of a piece that a thread reads at once.
const PIECE: u64 = 1 << 20;

fn dump() -> PathBuf {
    if let Some(path) = env::var_os("CCW_DUMP") {
        return path.into();
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scan.image");
    let mut bytes = vec![0; LEN];
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    let pages = bytes.chunks_exact_mut(4096).enumerate();
    for (n, page) in pages {
        for word in page.chunks_exact_mut(8) {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            match n % 3 {
                0 => {}
                1 => word.copy_from_slice(
                    &(noise & 0x1f1f_1f1f_1f1f_1f1f | 0x6060_6060_6060_6060).to_be_bytes(),
                ),
                _ => word.copy_from_slice(&((noise % LEN as u64) & !7).to_be_bytes()),
            }
        }
        if n % 100 == 0 {
            // An ORB, and the SENSE ID that it is for.
            let at = u32::try_from(n * 4096).unwrap_or_default();
            for (to, value) in page.chunks_exact_mut(4).zip([0, 0x00c2_8000, at + 32]) {
                to.copy_from_slice(&u32::to_be_bytes(value));
            }
            page[32..40].copy_from_slice(&[0xe4, 0x20, 0, 0x40, 0, 0, 0x20, 0]);
        }
    }
    fs::write(&path, bytes).expect("room for a dump");
    path
}

/// The sum of all words of `path`, read in pieces.
fn plain(path: &Path, len: u64) -> u64 {
    use std::io::{Seek, SeekFrom};
    let pieces = 0..len.div_ceil(PIECE);
    let sum = |n: u64| {
        let mut file = File::open(path).expect("the dump");
        file.seek(SeekFrom::Start(n * PIECE)).expect("a file");
        let mut bytes = Vec::new();
        file.take(PIECE).read_to_end(&mut bytes).expect("its bytes");
        let (words, _) = bytes.as_chunks::<8>();
        words.iter().fold(0, |sum: u64, word| {
            sum.wrapping_add(u64::from_be_bytes(*word))
        })
    };
    pieces
        .into_par_iter()
        .map(sum)
        .reduce(|| 0, u64::wrapping_add)
}

fn scan(criterion: &mut Criterion) {
    let path = dump();
    let len = fs::metadata(&path).expect("the dump").len();
    let mut group = criterion.benchmark_group("scan");
    group.throughput(Throughput::Bytes(len)).sample_size(10);
    group.bench_function("plain", |bencher| {
        bencher.iter(|| black_box(plain(&path, len)))
    });
    let image: &[&str] = if env::var_os("CCW_DUMP").is_some() {
        &[]
    } else {
        &["--base", "0"]
    };
    group.bench_function("ccwtool", |bencher| {
        bencher.iter(|| {
            let status = Command::new(env!("CARGO_BIN_EXE_ccwtool"))
                .args(["check", "--scan", "--most", "1"])
                .args(image)
                .arg(&path)
                .stdout(Stdio::null())
                .status();
            assert_eq!(status.expect("the tool").code(), Some(0));
        });
    });
    group.finish();
}

/// The programs of this repository, and of the folder `CCW_CORPUS`.
fn programs() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/programs");
    let folders = [Some(own), env::var_os("CCW_CORPUS").map(PathBuf::from)];
    let files = folders.into_iter().flatten().flat_map(|folder| {
        let entries = fs::read_dir(folder).expect("a folder of programs");
        entries.map(|entry| entry.expect("its files").path())
    });
    files
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .collect()
}

fn batch(criterion: &mut Criterion) {
    let files = programs();
    let mut group = criterion.benchmark_group("batch");
    group
        .throughput(Throughput::Elements(files.len() as u64))
        .sample_size(10);
    group.bench_function("plain", |bencher| {
        let len = |path: &PathBuf| fs::metadata(path).expect("a program").len();
        let sum = || files.par_iter().map(|path| plain(path, len(path)));
        bencher.iter(|| black_box(sum().reduce(|| 0, u64::wrapping_add)))
    });
    group.bench_function("ccwtool", |bencher| {
        bencher.iter(|| {
            let status = Command::new(env!("CARGO_BIN_EXE_ccwtool"))
                .args(["check", "--format", "json"])
                .args(&files)
                .stdout(Stdio::null())
                .status();
            // Some of them are illegal, and all are read.
            assert_eq!(status.expect("the tool").code(), Some(1));
        });
    });
    group.finish();
}

criterion_group!(benches, scan, batch);
criterion_main!(benches);
