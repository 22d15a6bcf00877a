// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Traces of both releases, by hand.

use super::*;

/// The doubleword at `at` of what `input` shows of storage.
fn word(input: &Input, at: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    (input.memory.read(at, &mut bytes) == 8).then_some(u64::from_be_bytes(bytes))
}

fn read(text: &str) -> Vec<Input> {
    decode(text, "t").unwrap()
}

#[test]
fn the_orb_and_the_order_give_each_ccw_its_place() {
    let text = "\
        10:00:00 HHC01334I 0:0120 CHAN: ORB: IntP:00AB1000 Key:6 LPM:80 Flags:8C240 x CCW:00010000\n\
        10:00:00 HHC01315I 0:0120 CHAN: ccw 07400006 00010100=>00000001 0002                       ......\n\
        10:00:00 HHC01315I 0:0120 CHAN: ccw 07400006 00010100=>00000001 0002                       ......\n\
        10:00:00 HHC01312I 0:0120 CHAN: stat 0C00, count 0000\n\
        10:00:00 HHC01315I 0:0120 CHAN: ccw 31400005 00010102=>00010002 03\n\
        10:00:00 HHC01312I 0:0120 CHAN: stat 0C00, count 0000\n\
        10:00:00 HHC01315I 0:0120 CHAN: ccw 31400005 00010102=>00010002 03\n\
        10:00:00 HHC01312I 0:0120 CHAN: stat 4C00, count 0000\n\
        10:00:00 HHC01315I 0:0120 CHAN: ccw 06041000 00010108=>C1\n\
        10:00:00 HHC01303I 0:0120 CHAN: idaw 0000000000040000, len 1000=>C1C2C3C4\n\
        10:00:00 HHC01312I 0:0120 CHAN: stat 0E40, count 0123\n\
        10:00:00 HHC01313I 0:0120 CHAN: sense 00080000 00000000\n\
        10:00:00 HHC01317I 0:0120 CHAN: scsw 00C04017, stat 0E40, count 0123, ccw 00010020\n";
    let inputs = read(text);
    let [input] = inputs.as_slice() else {
        panic!("{}", inputs.len())
    };
    assert_eq!(input.name, "t:1 0:0120");
    assert_eq!(input.orb.word(0), 0x00ab_1000);
    assert_eq!(input.orb.word(1), 0x68c2_8040);
    assert_eq!(input.orb.word(2), 0x0001_0000);
    assert_eq!(word(input, 0x10000), Some(0x0740_0006_0001_0100));
    assert_eq!(word(input, 0x10008), Some(0x3140_0005_0001_0102));
    assert_eq!(word(input, 0x10010), Some(0x0800_0000_0001_0008), "the TIC");
    assert_eq!(word(input, 0x10018), Some(0x0604_1000_0001_0108));
    assert_eq!(word(input, 0x10020), None);
    assert_eq!(word(input, 0x10108), Some(0x40000), "the IDAW");
    let mut seek = [0; 8];
    assert_eq!(
        input.memory.read(0x10100, &mut seek),
        7,
        "SEEK, and more of SEARCH ID"
    );
    assert_eq!(seek[..7], [0, 0, 0, 1, 0, 2, 3]);
    assert!(
        input.memory.lacks(0x40000),
        "what is read was not there before"
    );
    let recorded = input.recorded.as_ref().unwrap();
    assert_eq!(recorded.device.unwrap().bits(), 0x0e);
    assert_eq!(recorded.subchannel.unwrap().bits(), 0x40);
    assert_eq!(
        (recorded.residual, recorded.cpa),
        (Some(0x123), Some(0x10020))
    );
    assert_eq!(recorded.sense, [0, 8, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn status_modifier_skips_a_ccw() {
    let text = "\
        HHC01334I 0:0120 CHAN: ORB: IntP:00000000 Key:0 LPM:80 Flags:0C200 x CCW:00010000\n\
        HHC01315I 0:0120 CHAN: ccw 31400005 00020000\n\
        HHC01312I 0:0120 CHAN: stat 4C00, count 0000\n\
        HHC01315I 0:0120 CHAN: ccw 03400001 00000000\n\
        HHC01312I 0:0120 CHAN: stat 0C00, count 0000\n\
        HHC01315I 0:0120 CHAN: ccw 06200005 00020000\n\
        HHC01312I 0:0120 CHAN: stat 0C00, count 0000\n";
    let input = &read(text)[0];
    assert_eq!(word(input, 0x10008), None, "nobody was there");
    assert_eq!(word(input, 0x10010), Some(0x0340_0001_0000_0000));
    assert_eq!(word(input, 0x10018), Some(0x0620_0005_0002_0000));
}

#[test]
fn starts_of_several_devices_stay_apart() {
    let text = "\
        HHC01315I 0:0120 CHAN: ccw 03400001 00000000\n\
        HHC01315I 0:0121 CHAN: ccw 04200020 00005000\n\
        HHC01312I 0:0120 CHAN: stat 0C00, count 0000\n\
        HHC01312I 0:0121 CHAN: stat 0C00, count 0000\n\
        HHC01315I 0:0120 CHAN: ccw 03200001 00000000\n\
        HHC01315I 0:0121 CHAN: ccw 03200001 00000000\n\
        HHC01312I 0:0120 CHAN: stat 0C00, count 0000\n";
    let names: Vec<String> = read(text).into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["t:1 0:0120", "t:2 0:0121", "t:6 0:0121"]);
    let first = &read(text)[0];
    assert_eq!(word(first, 8), Some(0x0320_0001_0000_0000));
}

#[test]
fn release_3_gives_the_address_with_the_status() {
    let text = "\
        HHCCP048I 0190:CCW=07001020 40000006=>00000003 0004\n\
        HHCCP075I 0190:Stat=0C00 Count=0000 \n\
        HHCCP048I 0190:CCW=06002000 24000800\n\
        HHCCP063I 0190:IDAW=00003000 Len=800\n\
        HHCCP075I 0190:Stat=0C00 Count=0000 \n\
        HHCCP050I 0190:SCSW=30400007 Stat=0C00 Count=0000  CCW=00001040\n";
    let inputs = read(text);
    let input = &inputs[0];
    assert_eq!(input.orb.word(1), 0x0040_ff00, "format 0, prefetching");
    assert_eq!(input.orb.word(2), 0x1030);
    assert_eq!(word(input, 0x1030), Some(0x0700_1020_4000_0006));
    assert_eq!(word(input, 0x1038), Some(0x0600_2000_2400_0800));
    let mut idaw = [0; 4];
    assert_eq!(
        (input.memory.read(0x2000, &mut idaw), idaw),
        (4, [0, 0, 0x30, 0])
    );
}

#[test]
fn an_ipl_is_known_by_what_it_reads() {
    let text = "\
        HHC01315I 0:000C CHAN: ccw 000A0000 80001000=>000A0000 80001000 02000100 60000010 ....\n\
        HHC01312I 0:000C CHAN: stat 0C00, count 0000\n\
        HHC01315I 0:000C CHAN: ccw 02000100 60000010=>06002000 20000050 00000000 00000000 ....\n\
        HHC01312I 0:000C CHAN: stat 0C00, count 0000\n\
        HHC01315I 0:000C CHAN: ccw 06002000 20000050\n\
        HHC01312I 0:000C CHAN: stat 0C00, count 0000\n";
    let inputs = read(text);
    let [input] = inputs.as_slice() else {
        panic!("{}", inputs.len())
    };
    assert_eq!((input.orb.word(1) >> 23 & 1, input.orb.word(2)), (0, 0));
    assert_eq!(word(input, 0), Some(0x0200_0000_6000_0018));
    assert_eq!(word(input, 8), Some(0x0200_0100_6000_0010));
    assert_eq!(word(input, 0x10), Some(0x0800_0100_0000_0000), "the TIC");
    assert_eq!(word(input, 0x100), Some(0x0600_2000_2000_0050));
}

#[test]
fn what_cannot_be_read_is_placed() {
    for (text, line, column, what) in [
        (
            "\nHHC01315I 0:0120 CHAN: ccw 0740006 00010000",
            2,
            28,
            "a word of a CCW has 8",
        ),
        (
            "HHC01315I 0:0120 CHAN: ccw 07400006",
            1,
            36,
            "a word of a CCW has 8",
        ),
        (
            "HHC01315I CHAN: ccw 07400006 00010000",
            1,
            1,
            "no device number",
        ),
        (
            "HHC01334I 0:0120 CHAN: ORB: LPM:80",
            1,
            28,
            "no interruption parameter",
        ),
        (
            "HHC01315I 0:0120 CHAN: ccw 03000001 00000000\nHHC01312I 0:0120 CHAN: stat 0C0, count 0000",
            2,
            29,
            "the status of device and subchannel has 4",
        ),
    ] {
        let (place, reason) = decode(text, "t").unwrap_err();
        assert_eq!(place, Place::at(line, column), "{text}: {reason}");
        assert!(reason.starts_with(what), "{reason}");
    }
    assert_eq!(decode("nothing", "t").unwrap_err().0, Place::Whole);
}
