// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

use alloc::{vec, vec::Vec};

use ccw::{HostAddr, RawIrb, RawOrb};
use pinning::{Budget, Permission, PlainPinner, Region, RegionMap};

use super::*;
use crate::{
    Area, Buffers, Guards, HostProfile, Planned, Policy, Running, Slot, fetch, validate,
    words::Words,
};

const CHAIN_DATA: u64 = 0x80 << 48;
const CHAIN: u64 = 0x40 << 48;
const SLI: u64 = 0x20 << 48;
const SKIP: u64 = 0x10 << 48;
const IDA: u64 = 0x04 << 48;
const READ: u64 = 0x02 << 56;
const READ_BACKWARD: u64 = 0x0c << 56;
const WRITE: u64 = 0x01 << 56;

fn ccw(command: u64, count: u64, addr: u64) -> u64 {
    command | count << 32 | addr
}

fn tic(to: u64) -> u64 {
    0x08 << 56 | to
}

/// What is dirty after the program at 2000 with `words` behind it, and other words elsewhere,
/// ended with this status: where it stood in the host's program, device and subchannel status,
/// and residual count.
fn dirty(words: &[u64], others: &[(u64, u64)], host_ccw: u32, end: [u32; 2]) -> Vec<(u64, u64)> {
    let status = [
        0x00c0_4007,
        0x10_0000 + 8 * host_ccw + 8,
        end[0] << 16 | end[1],
    ];
    ranges(words, others, |running| {
        let mut raw = RawIrb([0; 64]);
        for (to, from) in raw
            .0
            .iter_mut()
            .zip(status.iter().flat_map(|w| w.to_be_bytes()))
        {
            *to = from;
        }
        running.dirty(&Irb::decode(&raw)).collect()
    })
}

fn ranges(
    words: &[u64],
    others: &[(u64, u64)],
    ask: impl FnOnce(&mut Running<&PlainPinner>) -> Vec<Range<GuestAddr>>,
) -> Vec<(u64, u64)> {
    let storage = (0x2000..).step_by(8).zip(words.iter().copied());
    let storage = Words(storage.chain(others.iter().copied()).collect());
    let region = Region {
        guest: GuestAddr::new(0),
        len: 0x10_0000,
        host: HostAddr::new(0x1_0000_0000),
        permission: Permission::ReadWrite,
    };
    let map = RegionMap::new(&[region]).unwrap();
    let pinner = PlainPinner::new(map.clone(), Budget::default());
    let guards = Guards::default();
    // Format 1, prefetching allowed, IDAWs of format 2 with blocks of 4 KiB.
    let orb = RawOrb::from_words([0, 0x00c2_8000, 0x2000]);
    let snapshot = fetch(&orb, &storage, &Policy::CHECK, &guards, Buffers::new());
    let program = validate(snapshot, &map, &guards);
    let Ok(Planned::Run(plan)) = program.plan(&HostProfile::SOFTWARE) else {
        panic!("not run");
    };
    let (mut ccws, mut lists) = (vec![0; 4096], vec![0; 4096]);
    let slot = Slot::new(
        Area::new(HostAddr::new(0x10_0000), &mut ccws).unwrap(),
        Area::new(HostAddr::new(0x10_1000), &mut lists).unwrap(),
        HostAddr::new(0x10_2000),
    );
    let translated = plan.pin(&pinner).unwrap().emit(slot.unwrap()).unwrap();
    let mut running = translated.start();
    let ranges = ask(&mut running);
    running.end();
    let pair = |range: Range<GuestAddr>| (range.start.get(), range.end.get());
    ranges.into_iter().map(pair).collect()
}

const NORMAL: u32 = 0x0c00;

#[test]
fn up_to_the_residual_count() {
    let program = [ccw(READ | SLI, 4096, 0x3001)];
    assert_eq!(dirty(&program, &[], 0, [NORMAL, 0]), [(0x3001, 0x4001)]);
    assert_eq!(dirty(&program, &[], 0, [NORMAL, 96]), [(0x3001, 0x3fa1)]);
    assert_eq!(dirty(&program, &[], 0, [NORMAL, 4096]), []);
    // With a unit check the residual count means as much, with a channel-data check nothing.
    assert_eq!(dirty(&program, &[], 0, [0x0e00, 96]), [(0x3001, 0x3fa1)]);
    assert_eq!(dirty(&program, &[], 0, [0x0c08, 96]), [(0x3001, 0x4001)]);
    // Nor with more left than there was.
    assert_eq!(dirty(&program, &[], 0, [NORMAL, 4097]), [(0x3001, 0x4001)]);
}

#[test]
fn output_and_skipped_input_are_not_stored() {
    let program = [
        ccw(WRITE | CHAIN, 16, 0x3000),
        ccw(READ | SKIP | CHAIN, 16, 0x4000),
        ccw(READ, 16, 0x5000),
    ];
    assert_eq!(dirty(&program, &[], 2, [NORMAL, 0]), [(0x5000, 0x5010)]);
}

#[test]
fn what_came_before_counts_whole_and_what_comes_behind_not_at_all() {
    let program = [
        ccw(READ | SLI | CHAIN, 16, 0x5000),
        ccw(READ | SLI | CHAIN, 16, 0x3000),
        ccw(READ | SLI, 16, 0x4000),
    ];
    assert_eq!(dirty(&program, &[], 0, [0x0e00, 4]), [(0x5000, 0x500c)]);
    assert_eq!(
        dirty(&program, &[], 1, [0x0e00, 4]),
        [(0x3000, 0x300c), (0x5000, 0x5010)]
    );
    assert_eq!(
        dirty(&program, &[], 2, [NORMAL, 15]),
        [(0x3000, 0x3010), (0x4000, 0x4001), (0x5000, 0x5010)]
    );
}

#[test]
fn of_a_data_chain_the_residual_count_is_that_of_the_ccw_in_control() {
    let program = [
        ccw(READ | CHAIN_DATA, 0x800, 0x3000),
        ccw(CHAIN_DATA | SLI, 0x800, 0x3800),
        ccw(SLI, 16, 0x8000),
    ];
    assert_eq!(dirty(&program, &[], 1, [0x0c40, 0x700]), [(0x3000, 0x3900)]);
    assert_eq!(
        dirty(&program, &[], 2, [NORMAL, 1]),
        [(0x3000, 0x4000), (0x8000, 0x800f)]
    );
}

#[test]
fn lists_are_followed() {
    let program = [ccw(READ | SLI | IDA, 0x2800, 0x7000)];
    let list = [(0x7000, 0x9800), (0x7008, 0x5000), (0x7010, 0x6000)];
    // 800 bytes, then a block, then another one that adjoins it.
    assert_eq!(
        dirty(&program, &list, 0, [NORMAL, 0x1800]),
        [(0x5000, 0x5800), (0x9800, 0xa000)]
    );
    assert_eq!(
        dirty(&program, &list, 0, [NORMAL, 0]),
        [(0x5000, 0x7000), (0x9800, 0xa000)]
    );
}

#[test]
fn reading_backward_begins_at_the_top() {
    let direct = [ccw(READ_BACKWARD | SLI, 16, 0x500f)];
    assert_eq!(dirty(&direct, &[], 0, [NORMAL, 6]), [(0x5006, 0x5010)]);
    let program = [ccw(READ_BACKWARD | SLI | IDA, 0x1100, 0x7000)];
    let list = [(0x7000, 0x50ff), (0x7008, 0x9fff)];
    assert_eq!(
        dirty(&program, &list, 0, [NORMAL, 0xff0]),
        [(0x5000, 0x5100), (0x9ff0, 0xa000)]
    );
    assert_eq!(
        dirty(&program, &list, 0, [NORMAL, 0x10f0]),
        [(0x50f0, 0x5100)]
    );
}

/// A search with its TIC back, and reads in the loop and behind it.
#[test]
fn a_loop_counts_whole() {
    let program = [
        ccw(READ | SLI | CHAIN, 16, 0x3000),
        ccw(0x31 << 56 | CHAIN, 5, 0x9000),
        tic(0x2000),
        ccw(READ | SLI | CHAIN, 16, 0x4000),
        ccw(READ | SLI, 16, 0x5000),
    ];
    // The first read may have come round before.
    assert_eq!(dirty(&program, &[], 0, [0x0e00, 10]), [(0x3000, 0x3010)]);
    assert_eq!(
        dirty(&program, &[], 3, [0x0e00, 10]),
        [(0x3000, 0x3010), (0x4000, 0x4006)]
    );
}

/// Two ways to the last READ, of which the status does not tell which was taken.
#[test]
fn a_way_that_may_have_been_taken_counts() {
    let program = [
        ccw(0x31 << 56 | CHAIN, 5, 0x9000),
        tic(0x2100),
        ccw(READ | SLI | CHAIN, 16, 0x3000),
        tic(0x2200),
    ];
    let others = [
        (0x2100, ccw(READ | SLI | CHAIN, 16, 0x4000)),
        (0x2108, tic(0x2200)),
        (0x2200, ccw(READ | SLI, 16, 0x5000)),
    ];
    // At 2000 four host CCWs, two stops, at 2100 two, two stops, at 2200 one.
    assert_eq!(
        dirty(&program, &others, 10, [NORMAL, 0]),
        [(0x3000, 0x3010), (0x4000, 0x4010), (0x5000, 0x5010)]
    );
    // One of them is where it ended, and does not lead to the other.
    assert_eq!(dirty(&program, &others, 6, [0x0e00, 1]), [(0x4000, 0x400f)]);
    assert_eq!(dirty(&program, &others, 2, [0x0e00, 1]), [(0x3000, 0x300f)]);
}

/// The data stops at the end of storage: what lies before it may be stored, whatever the count.
#[test]
fn a_placed_fault_bounds_it() {
    let program = [ccw(READ | IDA, 0x2000, 0x7000)];
    let list = [(0x7000, 0x3000), (0x7008, 0x5001)];
    assert_eq!(dirty(&program, &list, 0, [0x0c20, 0]), [(0x3000, 0x4000)]);
}

#[test]
fn everything_when_the_status_does_not_say() {
    let program = [
        ccw(READ | CHAIN, 16, 0x3000),
        ccw(WRITE | CHAIN, 16, 0x4000),
        ccw(READ, 16, 0x3010),
    ];
    let everything = [(0x3000, 0x3020)];
    assert_eq!(
        ranges(&program, &[], |running| running.dirty_at_most().collect()),
        everything
    );
    for (word0, cpa, word2) in [
        // Halted, cleared, deferred condition codes, no primary status.
        (0x00c0_6007, 0x10_0008, 0x0c00_0000),
        (0x0000_1001, 0, 0),
        (0x03c0_4011, 0, 0),
        (0x01c0_4017, 0x10_0008, 0x0c00_0000),
        (0x00c0_4003, 0x10_0008, 0x0400_0000),
        // A CCW address of no CCW, and checks with which it means nothing.
        (0x00c0_4007, 0x20_0008, 0x0c00_0000),
        (0x00c0_4007, 0x10_0000, 0x0c00_0000),
        (0x00c0_4017, 0x10_0008, 0x0004_0000),
        (0x00c0_4017, 0x10_0008, 0x0002_0000),
    ] {
        let mut raw = RawIrb([0; 64]);
        for (to, word) in raw.0.chunks_mut(4).zip([word0, cpa, word2]) {
            to.copy_from_slice(&u32::to_be_bytes(word));
        }
        let found = ranges(&program, &[], |it| it.dirty(&Irb::decode(&raw)).collect());
        assert_eq!(found, everything, "{word0:08x} {cpa:08x} {word2:08x}");
    }
}

/// Each block searches, goes back to the block before, and behind a match reads and goes on to
/// the next block, the last one to a read that ends the program. The status of the first read
/// tells of all blocks, and not of that end.
#[test]
fn too_many_ways_back_count_as_everything() {
    let read_before_the_end = |blocks: u64| {
        let block = |n: u64| 0x2000 + 0x100 * n;
        let mut words = vec![];
        for n in 0..blocks {
            words.push((block(n), ccw(0x31 << 56 | CHAIN, 5, 0x9000)));
            words.push((block(n) + 8, tic(block(n.saturating_sub(1)))));
            words.push((block(n) + 16, ccw(READ | SLI | CHAIN, 1, 0x5000 + 2 * n)));
            words.push((block(n) + 24, tic(block(n + 1))));
        }
        words.push((block(blocks), ccw(READ | SLI, 1, 0x4000)));
        dirty(&[], &words, 2, [0x0e00, 1])
    };
    let blocks = |n| (0..n).map(|n| (0x5000 + 2 * n, 0x5001 + 2 * n));
    // The last block does not lead back.
    assert_eq!(read_before_the_end(5), blocks(4).collect::<Vec<_>>());
    let everything = [(0x4000, 0x4001)].into_iter().chain(blocks(12));
    assert_eq!(read_before_the_end(12), everything.collect::<Vec<_>>());
}
