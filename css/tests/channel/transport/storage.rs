// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Blocks and data of a transport-mode program that cannot be reached: no storage, another key,
//! damage.

use super::checks::{good, read_with, refused};
use super::*;

#[test]
fn t01_tcw_unavail() {
    let mut bench = read_with(&[]);
    // Storage ends at 1 0000; the last TCW there is.
    bench.cpa = 0xffc0;
    let bench = bench.with(0xffc0, &program(READ, 8, "06000000 00000008").tcw());
    let mut at_the_end = bench;
    assert_eq!(at_the_end.run(), "00104007 0000FFC0 0C000100");

    let mut bench = read_with(&[]);
    bench.cpa = 0x1_0000;
    assert_eq!(bench.run(), "00104017 00010000 00200000");
    assert_eq!(bench.condition(), "T01");
}

#[test]
fn t21_tcw_protected() {
    let mut bench = read_with(&[]).key(0x4000, 3, true);
    bench.word1 |= 0x5000_0000;
    assert_eq!(bench.run(), "50104017 00004300 00100000");
    assert_eq!(bench.condition(), "T21");
    assert!(bench.commands().is_empty());
}

/// Data, TCCB and TSB where there is no storage, or where the key does not fit.
#[test]
fn t19_tidaw_data() {
    // The last bytes of storage, and one more.
    good(read_with(&[(TCW + 16, "00000000 0000FFF8")]));
    let mut bench = read_with(&[(TCW + 16, "00000000 0000FFFB")]);
    assert_eq!(bench.run(), "00104017 00004300 0C200000");
    assert_eq!(bench.condition(), "T19");
    assert_eq!(bench.read(0xfffb, 5), [7; 5]);
    assert_eq!(bench.read(TSB, 64), [0; 64], "no TSB");
    // The end of the 64-bit space.
    let mut bench = read_with(&[(TCW + 16, "FFFFFFFF FFFFFFFF")]);
    assert_eq!(bench.run(), "00104017 00004300 0C200000");

    let mut bench = read_with(&[(TCW + 16, "00000000 00005FFC")]).key(0x6000, 3, false);
    bench.word1 |= 0x5000_0000;
    let mut bench = bench.key(0x4000, 5, true).key(0x5000, 5, true);
    assert_eq!(bench.run(), "50104017 00004300 0C100000");
    assert_eq!(bench.condition(), "D04");
    assert_eq!(bench.read(0x5ffc, 8), [7, 7, 7, 7, 0, 0, 0, 0]);
}

#[test]
fn t01_tccb() {
    refused(read_with(&[(TCW + 32, "00000000 00010000")]), "T01");
    refused(read_with(&[(TCW + 32, "00000000 0000FFE8")]), "T01");
    let mut bench = read_with(&[(TCW + 38, "6000")]).key(0x6000, 3, true);
    bench.word1 |= 0x5000_0000;
    let mut bench = bench.key(0x4000, 5, true);
    assert_eq!(bench.run(), "50104017 00004300 00100000");
    assert_eq!(bench.condition(), "T21");
}

/// Without a TSB no status says that there is one.
#[test]
fn t01_tsb() {
    let mut bench = read_with(&[(TCW + 24, "00000000 00010000")]);
    assert_eq!(bench.run(), "00104017 00004300 0C200000");
    assert_eq!(bench.condition(), "T01");
    assert_eq!(bench.read(DATA, 8), [7; 8]);

    let mut bench = read_with(&[(TCW + 30, "6000")]).key(0x6000, 3, false);
    bench.word1 |= 0x5000_0000;
    let mut bench = bench.key(0x4000, 5, true).key(0x5000, 5, true);
    assert_eq!(bench.run(), "50104017 00004300 0C100000");
}

/// Storage that is damaged: control words stop the channel, and data are no good. Neither is the
/// guest's mistake.
#[test]
fn n03_n04_damaged_storage() {
    use ccw::GuestAddr;

    let damaged = |mut bench: Bench, addr: u64| {
        bench.storage.damage(GuestAddr::new(addr));
        bench.start();
        assert_eq!(bench.go(), css::Progress::Pending);
        (bench.scsw(), bench.condition())
    };
    let elsewhere = |at, addr| read_with(&[(at, addr)]);
    let control = ("04104017 00004300 00040000".to_string(), "N04");
    assert_eq!(damaged(read_with(&[]), TCW), control);
    let tccb = program(READ, 8, "06000000 00000008").tccb();
    let bench = elsewhere(TCW + 38, "6000").with(0x6000, &tccb);
    assert_eq!(damaged(bench, 0x6000), control);
    let data = ("04104017 00004300 0C080000".to_string(), "N03");
    assert_eq!(damaged(read_with(&[]), DATA), data);
    // The TSB, and a TIDAW: the device has ended.
    let late = ("04104017 00004300 0C040000".to_string(), "N04");
    assert_eq!(damaged(elsewhere(TCW + 30, "6000"), 0x6000), late);
    let bench = elsewhere(TCW + 22, "6000").with(TCW + 1, "04");
    assert_eq!(damaged(bench, 0x6000), late);
}
