// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any bytes for TCW, TCCB and lists: every program ends, after a bounded number of accesses.

use ccw::{Addr, Guest, GuestAddr, Orb, RawOrb};
use css::device::scripted::{Data, Response, Scripted};
use css::{Progress, Ram, Storage, StorageError, Subchannel};
use proptest::prelude::*;

use super::*;

/// Counts accesses.
struct Counted {
    ram: Ram<Guest>,
    accesses: u64,
}

impl Storage<Guest> for Counted {
    fn fetch(
        &mut self,
        addr: Addr<Guest>,
        key: u8,
        bytes: &mut [u8],
    ) -> Result<(), StorageError<Guest>> {
        self.accesses += 1;
        self.ram.fetch(addr, key, bytes)
    }

    fn store(
        &mut self,
        addr: Addr<Guest>,
        key: u8,
        bytes: &[u8],
    ) -> Result<(), StorageError<Guest>> {
        self.accesses += 1;
        self.ram.store(addr, key, bytes)
    }
}

/// Bytes that the device moves with each of at most 30 DCWs, in pieces of 256.
const MOVED: usize = 300;
/// Each byte of data takes a TIDAW, a T-TIC and itself at most; each byte of a TCCB likewise.
const MOST: u64 = 3 * (30 * 300 + 264) + 2;

/// Runs the TCW at 4300 and shows that it ends.
fn ends(storage: &[(u64, Vec<u8>)], interrogated: bool) -> Result<(), TestCaseError> {
    let mut counted = Counted {
        ram: Ram::new(0x1_0000),
        accesses: 0,
    };
    for (addr, bytes) in storage {
        counted.ram.write(GuestAddr::new(*addr), bytes);
    }
    let response = |n: u8| Response::new(Data::Length(MOVED, n));
    let mut device = Scripted::new((0..30).map(response)).both_ways();
    let mut subchannel = Subchannel::<Guest>::new(installed());
    let orb = Orb::decode(&RawOrb::from_words([0, TM, 0x4300]));
    subchannel.start(&orb).expect("condition code 0");
    subchannel.step(&mut counted, &mut device);
    if interrogated {
        subchannel.cancel();
    }
    // The TCW and 30 DCWs are a step each, and so is the interrogate function.
    let progress = subchannel.run(&mut counted, &mut device, 32);
    prop_assert!(matches!(progress, Progress::Pending));
    let most = if interrogated { 2 * MOST } else { MOST };
    prop_assert!(counted.accesses <= most, "{}", counted.accesses);
    Ok(())
}

/// A word that is often about right.
fn tcw() -> impl Strategy<Value = Vec<u8>> {
    let addr = || {
        prop_oneof![
            6 => Just(TIDAL),
            3 => Just(0x6000_u64),
            1 => Just(0xfff0),
            1 => any::<u64>(),
            1 => (0..0x1000_u64).prop_map(|n| n * 16),
        ]
    };
    let count = || prop_oneof![Just(0_u32), 1..10_000_u32, any::<u32>()];
    let head = (0..8_u8, 0..4_u8, 12..=244_u8);
    let addrs = (addr(), addr(), Just(TSB), prop_oneof![Just(TCCB), addr()]);
    (head, addrs, count(), count(), prop::bool::weighted(0.1)).prop_map(
        |((flags, direction, length), (output, input, tsb, tccb), written, read, odd)| {
            let mut tcw = vec![
                0,
                flags,
                0,
                0,
                0,
                length & 0xfc | direction,
                0,
                u8::from(odd),
            ];
            for addr in [output, input, tsb, tccb] {
                tcw.extend(addr.to_be_bytes());
            }
            tcw.extend(written.to_be_bytes());
            tcw.extend(read.to_be_bytes());
            tcw.extend([0; 12]);
            tcw.extend(0x4340_u32.to_be_bytes());
            tcw
        },
    )
}

/// Sixteen bytes each: mostly TIDAWs of few bytes, and T-TICs among them.
fn tidal() -> impl Strategy<Value = Vec<u8>> {
    let tidaw = prop_oneof![
        4 => (prop_oneof![Just(0_u8), Just(0x80), Just(0x08), any::<u8>()], 0..20_u8, 0..4096_u16)
            .prop_map(|(flags, count, addr)| {
                let [high, low] = (0x6000 + addr).to_be_bytes();
                vec![flags, 0, 0, 0, 0, 0, 0, count, 0, 0, 0, 0, 0, 0, high, low]
            }),
        1 => (0..20_u8).prop_map(|n| {
            vec![0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x44, n << 4]
        }),
        1 => prop::collection::vec(any::<u8>(), 16),
    ];
    prop::collection::vec(tidaw, 1..8).prop_map(|list| list.concat())
}

/// A TCCB that fits its TCW, with DCWs of any command.
fn fitting() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let dcw = (any::<u8>(), 0..20_u8, 0..400_u16);
    let dcws = prop::collection::vec(dcw, 1..8);
    (tcw(), dcws, 0..400_u32, prop::bool::weighted(0.2)).prop_map(|(mut tcw, dcws, more, odd)| {
        let mut tca = Vec::new();
        let count = dcws.len();
        let mut sum = 0;
        for (n, (code, control, data)) in dcws.into_iter().enumerate() {
            let chain = if n + 1 < count { 0x40 } else { 0 };
            let code = if odd {
                code
            } else {
                code & 0xf0 | 0x02 | tcw[5] & 0x01
            };
            tca.extend([code, chain, 0, control, 0, 0]);
            tca.extend(data.to_be_bytes());
            tca.extend(vec![0xa5; usize::from(control).next_multiple_of(4)]);
            sum += u32::from(data);
        }
        let sum = if odd { sum + more } else { sum };
        tca.truncate(240);
        tca.resize(tca.len().next_multiple_of(4), 0);
        if !odd {
            // The TCCB lies where it is, and reserved bits are zero.
            tcw[1] &= 0x05;
            tcw[7] = 0;
        }
        let both = tcw[5] & 0x03 == 0x03;
        tcw[5] = tcw[5] & 0x03 | u8::try_from(tca.len() + if both { 8 } else { 4 }).unwrap() & 0xfc;
        tcw[32..40].copy_from_slice(&TCCB.to_be_bytes());
        tcw[40..44].copy_from_slice(&sum.to_be_bytes());
        tcw[44..48].copy_from_slice(&sum.to_be_bytes());
        let moved = if tcw[5] & 0x03 == 0 {
            4
        } else {
            sum.next_multiple_of(4) + 4
        };
        let mut tccb = vec![
            0x7f,
            0,
            0,
            0,
            0,
            0,
            0,
            u8::try_from(tca.len() + 12).unwrap(),
        ];
        tccb.extend([0x1f, 0xfe, 0, 0, 0, 0, 0, 0]);
        tccb.extend(tca);
        tccb.extend([0; 4]);
        tccb.extend(moved.to_be_bytes());
        tccb.extend(moved.to_be_bytes());
        (tcw, tccb)
    })
}

proptest! {
    #[test]
    fn any_words(
        tcw in tcw(),
        tccb in prop::collection::vec(any::<u8>(), 264),
        list in tidal(),
        interrogated in prop::bool::weighted(0.2),
    ) {
        ends(&[(TCW, tcw), (TCCB, tccb), (TIDAL, list)], interrogated)?;
    }

    #[test]
    fn any_program((tcw, tccb) in fitting(), list in tidal(), interrogated in prop::bool::weighted(0.2)) {
        let storage = [(TCW, tcw.clone()), (0x4340, tcw), (TCCB, tccb), (TIDAL, list)];
        ends(&storage, interrogated)?;
    }
}

/// A list that only goes round ends with the bytes that the device moves.
#[test]
fn a_list_without_end() {
    let list = "00000000 00000001 00000000 00005000 10000000 00000000 00000000 00004400";
    let bench = bench([Response::new(Data::Length(MOVED, 0))]).with(TIDAL, list);
    let mut bench = program(READ, 300, "06000000 0000012C").listed().on(bench);
    assert_eq!(bench.run(), "00104007 00004300 0C000100");
    assert_eq!(bench.read(DATA, 1), [0x2b]);
}
