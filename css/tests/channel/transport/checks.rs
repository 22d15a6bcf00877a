// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is wrong with a TCW or a TCCB, condition by condition: reached, and just not reached.

use ccw::{Orb, RawOrb};
use css::device::scripted::Response;
use css::{CannotStart, OperandException};

use super::*;

/// Program check before the device has heard anything.
const PROGRAM_CHECK: &str = "00104017 00004300 00200000";
/// The end of a program that did well.
const WELL: &str = "00104007 00004300 0C000100";
/// The control unit found something wrong: a TSB goes with it.
const REFUSED: &str = "00104017 00004300 0C200100";

/// A read of eight bytes, with these bytes of storage changed.
pub(super) fn read_with(changes: &[(u64, &str)]) -> Bench {
    let bench = bench([Response::input(&[7; 8])]);
    let bench = program(READ, 8, "06000000 00000008").on(bench);
    changes
        .iter()
        .fold(bench, |bench, (addr, hex)| bench.with(*addr, hex))
}

/// The program is refused before it reaches the device, for `condition`.
pub(super) fn refused(mut bench: Bench, condition: &str) {
    assert_eq!(bench.run(), PROGRAM_CHECK, "{condition}");
    assert_eq!(bench.condition(), condition);
    assert_eq!(bench.subchannel.check().unwrap().cpa, 0x4300);
    assert!(bench.commands().is_empty(), "{condition}");
    assert_eq!(bench.read(TSB, 64), [0; 64], "no TSB");
}

pub(super) fn good(mut bench: Bench) {
    assert_eq!(bench.run(), WELL, "{}", bench.condition());
    assert_eq!(bench.condition(), "none");
}

fn start(word1: u32, word2: u32) -> Result<(), CannotStart> {
    let mut bench = bench([]);
    let raw = RawOrb::from_words([0x55, word1, word2]);
    bench.subchannel.start(&Orb::decode(&raw))
}

#[test]
fn o04_not_installed() {
    let mut bench = bench([]).config(Config::default());
    let raw = RawOrb::from_words([0x55, TM, 0x4300]);
    let error = CannotStart::Operand(OperandException::TransportMode);
    assert_eq!(bench.subchannel.start_raw(&raw), Err(error));
    assert_eq!(bench.scsw(), "00000000 00000000 00000000");
}

/// Key, paths and extension are all the bits that there are.
#[test]
fn o11_reserved_bits() {
    for bit in (4..=12).chain([14, 15]).chain(24..=25) {
        let error = CannotStart::Operand(OperandException::TransportReserved);
        assert_eq!(start(TM | 0x8000_0000 >> bit, 0x4300), Err(error), "{bit}");
    }
    assert_eq!(start(TM | 0xf000_7f01, 0x4300), Ok(()));
}

#[test]
fn o12_tcw_address() {
    for bit in 0..6 {
        let error = CannotStart::Operand(OperandException::TcwAddress);
        assert_eq!(start(TM, 0x4300 | 1 << bit), Err(error));
    }
    assert_eq!(start(TM, 0x7fff_ffc0), Ok(()));
}

#[test]
fn a_device_without_transport_mode() {
    use css::device::unit_record::Reader;
    use css::{Progress, Ram, Subchannel};

    let mut storage = Ram::<ccw::Guest>::new(0x1_0000);
    let mut subchannel = Subchannel::new(installed());
    let raw = RawOrb::from_words([0x55, TM, 0x4300]);
    subchannel.start(&Orb::decode(&raw)).expect("started");
    let mut device = Reader::new("");
    let progress = subchannel.run(&mut storage, &mut device, 10);
    assert_eq!(progress, Progress::Pending);
    // Qualifier 3: the device does not support it.
    let scsw = super::super::common::show(subchannel.scsw());
    assert_eq!(scsw, "00104017 00004300 00200003");
}

#[test]
fn t02_tcw_format() {
    for (byte, value) in [
        (0, "40"),
        (0, "80"),
        (0, "20"),
        (0, "01"),
        (1, "80"),
        (1, "08"),
        (2, "20"),
        (2, "01"),
        (3, "80"),
        (3, "01"),
        (4, "80"),
        (4, "01"),
        (6, "80"),
        (7, "01"),
        (48, "80"),
        (51, "01"),
        (55, "10"),
        (59, "01"),
    ] {
        refused(read_with(&[(TCW + byte, value)]), "T02");
    }
}

#[test]
fn t03_tcw_tidaw_format() {
    for value in ["40", "80", "C0"] {
        refused(read_with(&[(TCW + 2, value)]), "T03");
    }
}

#[test]
fn t04_tcw_rw() {
    refused(read_with(&[(TCW + 5, "0F")]), "T04");
    good(read_with(&[]));
}

#[test]
fn t05_tcw_tccbl() {
    for value in ["02", "06", "0A", "FA", "FE"] {
        refused(read_with(&[(TCW + 5, value)]), "T05");
    }
    // 12 to 244 are lengths; the header does not agree with them.
    for value in ["12", "F6"] {
        refused(read_with(&[(TCW + 5, value)]), "T09");
    }
}

#[test]
fn t06_tcw_tsb_align() {
    for value in ["81", "82", "84"] {
        refused(read_with(&[(TCW + 31, value)]), "T06");
    }
    good(read_with(&[(TCW + 31, "88")]));
}

#[test]
fn t07_tccb_align() {
    for value in ["01", "02", "04"] {
        refused(read_with(&[(TCW + 39, value)]), "T07");
    }
    let tccb = program(READ, 8, "06000000 00000008").tccb();
    good(read_with(&[(TCW + 38, "4508"), (TCCB + 8, &tccb)]));
    good(read_with(&[(TCW + 38, "4FF0"), (0x4ff0, &tccb)]));
}

#[test]
fn t08_tcah_format() {
    for value in ["00", "7E", "FF"] {
        refused(read_with(&[(TCCB, value)]), "T08");
    }
    for value in ["0000", "1FFD", "1FFC", "9FFE"] {
        refused(read_with(&[(TCCB + 8, value)]), "T08");
    }
    // Priority and reserved bytes are not looked at.
    good(read_with(&[
        (TCCB + 11, "FF"),
        (TCCB + 1, "01"),
        (TCCB + 12, "01"),
    ]));
    good(read_with(&[(TCCB + 8, "1FFF")]));
}

#[test]
fn t09_tcah_tcal() {
    for value in ["00", "10", "13", "15", "18", "FC", "FF"] {
        refused(read_with(&[(TCCB + 7, value)]), "T09");
    }
}

#[test]
fn t10_tcat_count() {
    for value in ["00000000", "00000008", "0000000B", "0000000D", "00000010"] {
        refused(read_with(&[(TCCB + 28, value)]), "T10");
    }
    // Seven bytes are eight on the link.
    let mut bench = program(READ, 7, "06000000 00000007").on(bench([Response::input(&[7; 7])]));
    assert_eq!(bench.read(TCCB + 28, 4), [0, 0, 0, 12]);
    assert_eq!(bench.run(), WELL);
}

/// The largest count needs more than a word on the link.
#[test]
fn t10_tcat_count_of_four_gibibytes() {
    for value in ["00000000", "00000004", "FFFFFFFF"] {
        refused(
            read_with(&[(TCW + 44, "FFFFFFFF"), (TCCB + 28, value)]),
            "T10",
        );
    }
}

/// The TSB of a program check that the control unit makes: reason 5, a DCW is wrong.
#[test]
fn t11_dcw_overrun() {
    // The last DCW says that another one follows; commands before it have been executed.
    let mut bench = read_with(&[(TCCB + 17, "40")]);
    assert_eq!(bench.run(), REFUSED);
    assert_eq!(bench.condition(), "T11");
    assert_eq!(bench.commands(), [0x06]);
    assert_eq!(
        hex(&bench.read(TSB, 16)),
        "20820008 00000000 00000000 00000005"
    );
    assert_eq!(bench.read(DATA, 8), [7; 8]);

    // Control data that end with the area, and that do not.
    let dcws = "47400004 00000000 A1A2A3A4 03000000 00000000";
    let well = program(0, 0, dcws).on(bench_of_two());
    good(well);
    for count in ["11", "FF"] {
        let mut bench = program(0, 0, dcws)
            .on(bench_of_two())
            .with(TCCB + 19, count);
        assert_eq!(bench.run(), REFUSED);
        assert_eq!(bench.condition(), "T11");
        assert!(bench.commands().is_empty());
        assert_eq!(tsb(&bench), "20820000 00000000");
    }
}

fn bench_of_two() -> Bench {
    bench([Response::output(4), Response::immediate()])
}

/// Reason 7: counts. More than is left shows when the DCW takes control, and so does less if it is
/// the last one.
#[test]
fn t12_dcw_count_sum() {
    let dcws = "06400000 00000004 06000000 00000004";
    let four = || bench([Response::input(&[7; 4]), Response::input(&[8; 4])]);
    good(program(READ, 8, dcws).on(four()));
    for (second, at) in [("00000005", "0008"), ("00000003", "0008")] {
        let mut bench = program(READ, 8, dcws).on(four()).with(TCCB + 28, second);
        assert_eq!(bench.run(), REFUSED);
        assert_eq!(bench.condition(), "T12");
        assert_eq!(bench.commands(), [0x06]);
        assert_eq!(
            hex(&bench.read(TSB, 16)),
            format!("2082{at} 00000000 00000000 00000007")
        );
    }
    let mut bench = program(READ, 8, dcws)
        .on(four())
        .with(TCCB + 20, "00000009");
    assert_eq!(bench.run(), REFUSED);
    assert!(bench.commands().is_empty());
    assert_eq!(tsb(&bench), "20820000 00000000");
}

/// Less output shows when the last DCW has ended: there may be check bytes among it.
#[test]
fn t12_dcw_count_sum_of_output() {
    for (count, condition, left) in [
        ("00000003", "T12", "20C20000 00000000"),
        ("00000005", "T12", "20820000 00000000"),
        ("00000004", "none", "20C10000 00000000"),
    ] {
        let mut bench = program(WRITE, 4, "05000000 00000004")
            .on(bench([Response::output(if count == "00000003" {
                3
            } else {
                4
            })]))
            .with(TCCB + 20, count);
        bench.run();
        assert_eq!(bench.condition(), condition);
        assert_eq!(bench.commands().is_empty(), count == "00000005");
        assert_eq!(tsb(&bench), left);
    }
}

/// Reason 6: data go the way of the command, whatever the TCW says.
#[test]
fn t12_dcw_of_the_other_direction() {
    for code in ["05", "07", "40"] {
        let mut bench = read_with(&[(TCCB + 16, code)]);
        assert_eq!(bench.run(), REFUSED, "{code}");
        assert_eq!(bench.condition(), "T12");
        assert!(bench.commands().is_empty());
        assert_eq!(
            hex(&bench.read(TSB, 16)),
            "20820000 00000000 00000000 00000006"
        );
    }
    // The last DCW has no data and leaves some.
    let mut bench = program(READ, 4, "40000000 00000000").on(bench([]));
    assert_eq!(bench.run(), REFUSED);
    assert_eq!(bench.condition(), "T12");
}

/// The first thing that is wrong is the one that is reported.
#[test]
fn one_check_at_most() {
    let wrong = [
        (TCCB + 28, "00"),
        (TCCB + 7, "00"),
        (TCCB, "00"),
        (TCW + 38, "4504"),
        (TCW + 31, "81"),
        (TCW + 5, "06"),
        (TCW + 5, "07"),
        (TCW + 2, "40"),
        (TCW, "40"),
    ];
    let conditions = [
        "T10", "T09", "T08", "T07", "T06", "T05", "T04", "T03", "T02",
    ];
    for (n, condition) in conditions.into_iter().enumerate() {
        let change = match n {
            0 => vec![(TCCB + 28, "00000000")],
            _ => [&[(TCCB + 28, "00000000")][..], &wrong[1..=n]].concat(),
        };
        refused(read_with(&change), condition);
    }
}
