// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Worked examples: guest bytes, page placement, host bytes and statuses, all written out.

use ccw::{GuestAddr, Host, HostAddr, Irb, RawIrb, RawOrb, RawScsw, Scsw};
use ccw_kit::storage::Storage;
use pinning::{Budget, Permission, PlainPinner, Region, RegionMap};
use translator::{
    Area, Buffers, Facilities, Guards, HostProfile, Outcome, Planned, Policy, Slot, Translated,
    fetch, validate,
};

/// The bytes of a text of hexadecimal digits and blanks.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

struct Example {
    orb: [u32; 3],
    guest: &'static [(u64, &'static str)],
    /// Guest page and host page.
    pages: &'static [(u64, u64)],
    host_ccws: u64,
    host_lists: u64,
}

struct Run<'p> {
    translated: Translated<&'p PlainPinner>,
    ccws: Vec<u8>,
    lists: Vec<u8>,
}

impl Example {
    fn pinner(&self) -> PlainPinner {
        let regions: Vec<Region> = self
            .pages
            .iter()
            .map(|&(guest, host)| Region {
                guest: GuestAddr::new(guest),
                len: 4096,
                host: HostAddr::new(host),
                permission: Permission::ReadWrite,
            })
            .collect();
        PlainPinner::new(RegionMap::new(&regions).unwrap(), Budget::default())
    }

    fn translate<'p>(&self, pinner: &'p PlainPinner) -> Run<'p> {
        self.translate_for(&HostProfile::SOFTWARE, pinner)
    }

    fn translate_for<'p>(&self, profile: &HostProfile, pinner: &'p PlainPinner) -> Run<'p> {
        self.translate_as(&Policy::CHECK, profile, pinner, None)
    }

    fn translate_as<'p>(
        &self,
        policy: &Policy,
        profile: &HostProfile,
        pinner: &'p PlainPinner,
        copies: Option<Area<'_>>,
    ) -> Run<'p> {
        let mut storage = Storage::new(0x10_0000);
        for (at, text) in self.guest {
            storage.write(*at, &hex(text));
        }
        let orb = RawOrb::from_words(self.orb);
        let snapshot = fetch(&orb, &storage, policy, &Guards::default(), Buffers::new());
        let program = validate(snapshot, pinner.regions(), &Guards::default());
        assert_eq!(
            program.outcome(),
            Outcome::Valid,
            "{:?}",
            program.findings()
        );
        let Ok(Planned::Run(plan)) = program.plan(profile) else {
            panic!("not planned to run")
        };
        let room = usize::try_from(self.host_lists - self.host_ccws).unwrap();
        let (mut ccws, mut lists) = (vec![0xff; room], vec![0xff; room]);
        let slot = Slot::new(
            Area::new(HostAddr::new(self.host_ccws), &mut ccws).unwrap(),
            Area::new(HostAddr::new(self.host_lists), &mut lists).unwrap(),
            HostAddr::new(0x20_0000),
        )
        .unwrap();
        let slot = match copies {
            Some(copies) => slot.with_copies(copies).unwrap(),
            None => slot,
        };
        let translated = plan.pin(pinner).unwrap().emit(slot).unwrap();
        Run {
            translated,
            ccws,
            lists,
        }
    }
}

impl Run<'_> {
    /// The host program, its two stop CCWs and its lists are exactly these.
    fn is(&self, ccws: &str, lists: &str) {
        let ccws = [hex(ccws), vec![0; 16]].concat();
        assert_eq!(self.ccws[..ccws.len()], ccws, "CCWs");
        assert!(
            self.ccws[ccws.len()..].iter().all(|&byte| byte == 0xff),
            "behind the CCWs"
        );
        let lists = hex(lists);
        assert_eq!(self.lists[..lists.len()], lists, "lists");
        assert!(
            self.lists[lists.len()..].iter().all(|&byte| byte == 0xff),
            "behind the lists"
        );
    }

    fn orb_words(&self) -> (u32, u32) {
        let raw = self.translated.orb().encode();
        (raw.word(1), raw.word(2))
    }

    /// What becomes of the extended-control word of a host status, together with the ERW.
    fn shows_sense(&self, scsw: &str, erw: &str, ecw: &str, guest: &str) {
        let mut raw = RawIrb::default();
        raw.0[..12].copy_from_slice(&hex(scsw));
        raw.0[16..20].copy_from_slice(&hex(erw));
        raw.0[32..].copy_from_slice(&hex(ecw));
        let completion = self.translated.complete(&Irb::<Host>::decode(&raw));
        let told = completion.irb.encode().0;
        assert_eq!(told[16..20], hex(erw), "ERW");
        assert_eq!(told[32..], hex(guest), "ECW for ERW {erw}");
    }

    /// A host status and what the guest sees.
    fn shows(&self, host: &str, guest: &str) {
        let mut irb = Irb::<Host>::IDLE;
        irb.scsw = Scsw::decode(&RawScsw(hex(host).try_into().unwrap()));
        let completion = self.translated.complete(&irb);
        let told = completion.irb.scsw.encode().0.to_vec();
        assert_eq!(told, hex(guest), "for {host}: {completion:?}");
        assert!(!completion.unmapped && !completion.unexplained);
    }
}

const SENSE_ID: Example = Example {
    orb: [0x00a0_b0c0, 0x00c2_8000, 0x2100],
    guest: &[(0x2100, "E4200040 00003000")],
    pages: &[(0x2000, 0x7000), (0x3000, 0x1_2345_6000)],
    host_ccws: 0x10_0000,
    host_lists: 0x10_0100,
};

#[test]
fn sense_id() {
    let pinner = SENSE_ID.pinner();
    let run = SENSE_ID.translate(&pinner);
    run.is("E4240040 00100100", "00000001 23456000");
    assert_eq!(run.orb_words(), (0x00c2_8000, 0x10_0000));
    run.shows("00C04007 00100008 0C000034", "00C04007 00002108 0C000034");
}

/// What stands in the ECW behind the sense bytes that the ERW counts, or without bit E of the SCSW, is
/// the host's own.
#[test]
fn only_the_sense_bytes_that_there_are_reach_the_guest() {
    let pinner = SENSE_ID.pinner();
    let run = SENSE_ID.translate(&pinner);
    let ecw = "80480000 11111111 22222222 33333333 44444444 55555555 66666666 77777777";
    let (two, five) = ("8048", "80480000 11");
    let padded = |sense: &str| format!("{sense}{}", "00".repeat(32 - hex(sense).len()));
    let (with, without) = ("00C24017 00100008 0E000040", "00C04017 00100008 0E000040");
    run.shows_sense(with, "01020000", ecw, &padded(two));
    run.shows_sense(with, "01050000", ecw, &padded(five));
    run.shows_sense(with, "01200000", ecw, ecw);
    // What is no sense depends on the model, and has no count.
    run.shows_sense(with, "00000000", ecw, ecw);
    run.shows_sense(without, "00000000", ecw, &padded(""));
    run.shows_sense(without, "01200000", ecw, &padded(""));
}

/// Skipped input goes to the scratch page at 200000; backward, from the last byte of a block down.
#[test]
fn skipped_reads_take_the_scratch_page_block_by_block() {
    let example = |ccw| Example {
        orb: [0, 0x00c2_8000, 0x2100],
        guest: ccw,
        pages: &[(0x2000, 0x7000)],
        host_ccws: 0x10_0000,
        host_lists: 0x10_1000,
    };
    let forward = example(&[(0x2100, "02301800 7FFF0000")]);
    let backward = example(&[(0x2100, "0C301800 7FFF0000")]);
    let pinner = forward.pinner();
    let (first, last) = ("00000000 00200000", "00000000 00200FFF");
    let run = forward.translate(&pinner);
    run.is("02341800 00101000", &first.repeat(2));
    let run = backward.translate(&pinner);
    run.is("0C341800 00101000", &last.repeat(2));
    // That host counts upward from the last byte of the first block: 1, 4096 and 2047 bytes.
    let run = backward.translate_for(&HostProfile::VFIO_CCW, &pinner);
    run.is("0C341800 00101000", &last.repeat(3));
    run.shows("00C04007 00100008 0C000034", "00C04007 00002108 0C000034");
}

#[test]
fn eckd_read_with_an_idal() {
    let example = Example {
        orb: [0x22, 0x00c2_8000, 0x2210],
        guest: &[
            (
                0x2210,
                "63400010 00004000 47400010 00004010 86041000 00004040",
            ),
            (0x4000, "40C01000 00000000 00010000 0001000E"),
            (0x4010, "06800001 00010002 00010002 01001000"),
            (0x4040, "00000000 00005800 00000000 00009000"),
        ],
        pages: &[
            (0x4000, 0x2_0000_0000),
            (0x5000, 0x2_0000_7000),
            (0x9000, 0x1_ffff_f000),
        ],
        host_ccws: 0x10_1000,
        host_lists: 0x10_1100,
    };
    let pinner = example.pinner();
    let run = example.translate(&pinner);
    run.is(
        "63440010 00101100 47440010 00101108 86041000 00101110",
        "00000002 00000000 00000002 00000010 00000002 00007800 00000001 FFFFF000",
    );
    run.shows("00C04007 00101018 0C000000", "00C04007 00002228 0C000000");
    run.shows("00C24017 00101010 0E000000", "00C24017 00002220 0E000000");
    run.shows("00C04017 00101018 0C400800", "00C04017 00002228 0C400800");
}

#[test]
fn tape_write_in_format_0() {
    let example = Example {
        orb: [0x33, 0x0040_8000, 0x2310],
        guest: &[(
            0x2310,
            "01006000 80000050 00007FF0 40000020 1F000000 20000001",
        )],
        pages: &[
            (0x0000, 0x3_0000_0000),
            (0x6000, 0x3_0000_1000),
            (0x7000, 0x3_0000_9000),
            (0x8000, 0x3_0000_4000),
        ],
        host_ccws: 0x10_2000,
        host_lists: 0x10_2100,
    };
    let pinner = example.pinner();
    let run = example.translate(&pinner);
    run.is(
        "01840050 00102100 00440020 00102108 1F240001 00102118",
        "00000003 00001000 00000003 00009FF0 00000003 00004000 00000003 00000000",
    );
    assert_eq!(run.orb_words(), (0x00c2_8080, 0x10_2000));
    run.shows("00C04007 00102018 0C000001", "00404007 00002328 0C000001");
    // End of tape: unit exception ends the data chain, nothing is left.
    run.shows("00C04017 00102010 0D000000", "00404017 00002320 0D000000");
}

#[test]
fn search_loop_in_format_0() {
    let example = Example {
        orb: [0x44, 0x0040_8000, 0x2500],
        guest: &[
            (
                0x2500,
                "07003000 40000006 31003002 40000005 08002508 00000000 06005000 20000200",
            ),
            (0x3000, "00000001 000201"),
        ],
        pages: &[(0x3000, 0x5_0000_2000), (0x5000, 0x5_0000_7000)],
        host_ccws: 0x10_4000,
        host_lists: 0x10_4100,
    };
    let pinner = example.pinner();
    let run = example.translate(&pinner);
    run.is(
        "07440006 00104100 31440005 00104108 08000000 00104008 06240200 00104110",
        "00000005 00002000 00000005 00002002 00000005 00007000",
    );
    run.shows("00C04007 00104020 0C000000", "00404007 00002520 0C000000");
    // A host error while chaining at the TIC.
    run.shows("00C04017 00104018 00200000", "00404017 00002518 00200000");
}

/// The host's TSB and TCCB lie in the area for copies, in that order.
#[test]
fn transport_mode_read() {
    const GUEST: &[(u64, &str)] = &[
        (
            0x4300,
            "00040000 000E0000 00000000 00000000 00000000 00004400 00000000 00004480
             00000000 00004500 00000000 00001000 00000000 00000000 00000000 00000000",
        ),
        (
            0x4400,
            "00000000 00000800 00000000 00005800 80000000 00000800 00000000 00009000",
        ),
        (
            0x4500,
            "7F000000 00000014 1FFE0000 00000000 06000000 00001000 00000000 00001004",
        ),
    ];
    const PAGES: &[(u64, u64)] = &[
        (0x4000, 0x6_0000_8000),
        (0x5000, 0x6_0000_1000),
        (0x9000, 0x6_0000_5000),
    ];
    let example = Example {
        orb: [0x55, 0x0004_8000, 0x4300],
        guest: GUEST,
        pages: PAGES,
        host_ccws: 0x10_5000,
        host_lists: 0x10_5100,
    };
    let pinner = example.pinner();
    let policy = Policy {
        facilities: Facilities::FCX,
        ..Policy::CHECK
    };
    let mut copies = vec![0xff; 0x100];
    let area = Area::new(HostAddr::new(0x10_5200), &mut copies).unwrap();
    let run = example.translate_as(&policy, &HostProfile::SOFTWARE, &pinner, Some(area));
    assert_eq!(
        run.ccws[..0x40],
        hex(
            "00040000 000E0000 00000000 00000000 00000000 00105100 00000000 00105200
             00000000 00105240 00000000 00001000 00000000 00000000 00000000 00000000"
        )
    );
    assert_eq!(
        run.lists[..0x20],
        hex("00000000 00000800 00000006 00001800 80000000 00000800 00000006 00005000")
    );
    let (tsb, tccb) = copies.split_at(0x40);
    assert_eq!(tsb, [0; 0x40]);
    assert_eq!(tccb[..0x20], hex(GUEST[2].1));
    let rest = [&run.ccws[0x40..], &run.lists[0x20..], &tccb[0x20..]].concat();
    assert!(rest.iter().all(|&byte| byte == 0xff), "behind them");
    assert_eq!(run.orb_words(), (0x0004_8000, 0x10_5000));
    run.shows("00104007 00105000 0C000100", "00104007 00004300 0C000100");
    // Unit check with a TSB, and a path that does not know the mode.
    run.shows("00104017 00105000 0E000100", "00104017 00004300 0E000100");
    run.shows("00104017 00105000 00020004", "00104017 00004300 00020004");
}
