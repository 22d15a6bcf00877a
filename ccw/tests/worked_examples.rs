// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! Whole channel programs written out in hexadecimal, decoded field by field.

use ccw::*;

const CC: CcwFlags = CcwFlags::CHAIN_COMMAND;
const CD: CcwFlags = CcwFlags::CHAIN_DATA;
const SLI: CcwFlags = CcwFlags::SUPPRESS_LENGTH;
const IDA: CcwFlags = CcwFlags::INDIRECT;
const NONE: CcwFlags = CcwFlags::empty();

/// A line of the program, and command, flags, count and address that it must have.
type Row<'a> = (&'a str, u8, CcwFlags, u16, u32);

fn program(format: Format, rows: &[Row]) {
    for &(text, command, flags, count, addr) in rows {
        let line: CcwLine = text.parse().unwrap();
        let ccw = Ccw::<Guest>::decode(line.raw, format);
        let expected = Ccw {
            command: Command(command),
            flags,
            count,
            addr: Addr31::new(GuestAddr::new(addr.into())).unwrap(),
        };
        assert_eq!(ccw, expected, "{text}");
        let again = match format {
            Format::Zero => ccw.encode_format0(),
            Format::One => Some(ccw.encode()),
        };
        assert_eq!(again, Some(line.raw), "{text}");
    }
}

fn scsw(words: [u32; 3]) -> Scsw<Guest> {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    let raw = RawScsw(bytes.try_into().unwrap());
    let scsw = Scsw::decode(&raw);
    assert_eq!(scsw.encode(), raw);
    scsw
}

#[test]
fn sense_id() {
    let raw = RawOrb::from_words([0x00a0_b0c0, 0x00c2_8000, 0x0000_2100]);
    let orb = Orb::<Guest>::decode(&raw);
    let expected = Orb {
        intparm: 0x00a0_b0c0,
        key: 0,
        suspend: false,
        streaming: false,
        modification: false,
        synchronize: false,
        format: Format::One,
        prefetch: true,
        initial_status: false,
        limit_check: false,
        suppress_suspended: false,
        transport: false,
        format2_idaws: true,
        idaw_2k: false,
        lpm: 0x80,
        length_suppression: false,
        midaw: false,
        extension: false,
        cpa: Addr31::new(GuestAddr::new(0x2100)).unwrap(),
        css_priority: 0,
        cu_priority: 0,
    };
    assert_eq!(orb, expected);
    assert_eq!(orb.encode(), raw);
    assert_eq!(IdawFormat::of(&orb), IdawFormat::Two4K);

    program(
        Format::One,
        &[
            ("00002100: E4200040 00003000", 0xe4, SLI, 0x40, 0x3000),
            (
                "00100000: E4240040 00100100",
                0xe4,
                SLI | IDA,
                0x40,
                0x10_0100,
            ),
        ],
    );
    let idaw = RawIdaw2([0, 0, 0, 1, 0x23, 0x45, 0x60, 0]);
    assert_eq!(idaw.decode::<Host>(), HostAddr::new(0x1_2345_6000));

    let data = [
        0xff, 0x39, 0x90, 0xe9, 0x33, 0x90, 0x0a, 0x00, 0x40, 0xfa, 0x01, 0x00,
    ];
    let id = SenseId::decode(&data).unwrap();
    assert_eq!(
        id.control_unit,
        UnitType {
            number: 0x3990,
            model: 0xe9
        }
    );
    assert_eq!(
        id.device,
        Some(UnitType {
            number: 0x3390,
            model: 0x0a
        })
    );
    let ciw = RawSenseId(&data)
        .ciw(CiwType::READ_CONFIGURATION_DATA)
        .unwrap();
    assert_eq!((ciw.command, ciw.count), (Command(0xfa), 0x100));

    let status = scsw([0x00c0_4007, 0x0000_2108, 0x0c00_0034]);
    assert_eq!(status.orb, OrbBits::from(&orb));
    assert_eq!(status.function, FunctionControl::START);
    assert_eq!(status.activity, ActivityControl::empty());
    assert_eq!(
        status.status,
        StatusControl::PRIMARY | StatusControl::SECONDARY | StatusControl::PENDING
    );
    assert_eq!(
        status.device,
        DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END
    );
    assert_eq!(status.subchannel, SubchannelStatus::empty());
    assert_eq!((status.cpa, status.residual), (0x2108, 0x34));
}

#[test]
fn eckd_read() {
    program(
        Format::One,
        &[
            ("00002210: 63400010 00004000", 0x63, CC, 0x10, 0x4000),
            ("00002218: 47400010 00004010", 0x47, CC, 0x10, 0x4010),
            ("00002220: 86041000 00004040", 0x86, IDA, 0x1000, 0x4040),
        ],
    );
    // The list of the guest: the second half of one page, then the first half of another.
    let first = RawIdaw2([0, 0, 0, 0, 0, 0, 0x58, 0]).decode::<Guest>();
    assert_eq!(IdawFormat::Two4K.words(first, 0x1000, false), 2);
    assert_eq!(first.block_remainder(IdawFormat::Two4K.block()), 0x800);

    let protected = scsw([0x00c2_4017, 0x0000_2220, 0x0e00_0000]);
    assert!(protected.extended_control);
    assert_eq!(
        protected.device,
        DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END | DeviceStatus::UNIT_CHECK
    );
    let short = scsw([0x00c0_4017, 0x0000_2228, 0x0c40_0800]);
    assert_eq!(short.subchannel, SubchannelStatus::INCORRECT_LENGTH);
    assert!(short.status.contains(StatusControl::ALERT));
    assert_eq!(short.residual, 0x800);
}

#[test]
fn tape_write_in_format_0() {
    let orb = Orb::<Guest>::decode(&RawOrb::from_words([0x33, 0x0040_8000, 0x2310]));
    assert_eq!(
        (orb.format, orb.prefetch, orb.lpm),
        (Format::Zero, true, 0x80)
    );
    assert_eq!(IdawFormat::of(&orb), IdawFormat::One);
    program(
        Format::Zero,
        &[
            ("00002310: 01006000 80000050", 0x01, CD, 0x50, 0x6000),
            ("00002318: 00007FF0 40000020", 0x00, CC, 0x20, 0x7ff0),
            ("00002320: 1F000000 20000001", 0x1f, SLI, 1, 0),
        ],
    );
    program(
        Format::One,
        &[
            (
                "00102000: 01840050 00102100",
                0x01,
                CD | IDA,
                0x50,
                0x10_2100,
            ),
            (
                "00102008: 00440020 00102108",
                0x00,
                CC | IDA,
                0x20,
                0x10_2108,
            ),
            ("00102010: 1F240001 00102118", 0x1f, SLI | IDA, 1, 0x10_2118),
        ],
    );
    let host = Orb::<Host>::decode(&RawOrb::from_words([0, 0x00c2_8080, 0x10_2000]));
    assert!(host.length_suppression && host.format2_idaws && !host.idaw_2k);
    assert!(DeviceClass::Tape.is_immediate(Command(0x1f)));

    let status = scsw([0x0040_4007, 0x0000_2328, 0x0c00_0001]);
    assert_eq!(status.orb, OrbBits::from(&orb));
    assert_eq!((status.cpa, status.residual), (0x2328, 1));
}

#[test]
fn midaws() {
    let orb = Orb::<Guest>::decode(&RawOrb::from_words([0x44, 0x00c2_8040, 0x2410]));
    assert!(orb.midaw);
    assert!(!orb.suspend);
    let mida = CcwFlags::MODIFIED_INDIRECT;
    program(
        Format::One,
        &[
            ("00002410: 86010220 00004100", 0x86, mida, 0x220, 0x4100),
            (
                "00103000: 86840020 00103100",
                0x86,
                CD | IDA,
                0x20,
                0x10_3100,
            ),
        ],
    );
    let list = [
        (
            [0, 0, 0, 0, 0, 0x00, 0, 0x20, 0, 0, 0, 0, 0, 0, 0x70, 0x10],
            MidawFlags::empty(),
        ),
        (
            [0, 0, 0, 0, 0, 0x80, 2, 0x00, 0, 0, 0, 0, 0, 0, 0x8e, 0x00],
            MidawFlags::LAST,
        ),
    ];
    let expected = [(0x20, 0x7010), (0x200, 0x8e00)];
    for ((bytes, flags), (count, addr)) in list.into_iter().zip(expected) {
        let midaw = Midaw::<Guest>::decode(RawMidaw(bytes));
        assert_eq!(
            midaw,
            Midaw {
                flags,
                count,
                addr: Addr::new(addr)
            }
        );
        assert_eq!(midaw.encode(), RawMidaw(bytes));
    }
}

#[test]
fn search_loop() {
    program(
        Format::Zero,
        &[
            ("00002500: 07003000 40000006", 0x07, CC, 6, 0x3000),
            ("00002508: 31003002 40000005", 0x31, CC, 5, 0x3002),
            ("00002510: 08002508 00000000", 0x08, NONE, 0, 0x2508),
            ("00002518: 06005000 20000200", 0x06, SLI, 0x200, 0x5000),
        ],
    );
    assert!(DeviceClass::Eckd.may_skip(Command(0x31)));
    assert!(Command(0x08).is_tic(Format::Zero));
}

#[test]
fn program_checks() {
    program(
        Format::One,
        &[
            ("000025F0: 03600001 00000000", 0x03, CC | SLI, 1, 0),
            ("000025F8: 08000000 00002600", 0x08, NONE, 0, 0x2600),
            ("00002610: 01800008 00006000", 0x01, CD, 8, 0x6000),
            ("00002618: 00000000 00006100", 0x00, NONE, 0, 0x6100),
            ("00002638: 08000000 00002644", 0x08, NONE, 0, 0x2644),
            (
                "00002650: 02242000 00004080",
                0x02,
                SLI | IDA,
                0x2000,
                0x4080,
            ),
            ("00002660: 06000010 7FFFFFF8", 0x06, NONE, 0x10, 0x7fff_fff8),
        ],
    );
    let second = RawIdaw2([0, 0, 0, 0, 0, 0, 0x60, 0x10]).decode::<Guest>();
    assert!(!second.is_aligned(IdawFormat::Two4K.block()));
    let status = scsw([0x00c0_4017, 0x0000_2608, 0x0020_0000]);
    assert_eq!(status.subchannel, SubchannelStatus::PROGRAM_CHECK);
    assert_eq!(status.device, DeviceStatus::empty());
    assert!(status.cpa_is_valid() && !status.residual_is_valid());
    // 2^31 plus 8 fits the field of the status, though no CCW lies there.
    assert_eq!(
        scsw([0x00c0_4017, 0x8000_0008, 0x0020_0000]).cpa,
        0x8000_0008
    );
}

/// The bytes of `text`, hexadecimal words.
fn bytes(text: &str) -> Vec<u8> {
    let words = text.split_whitespace();
    words
        .flat_map(|word| u32::from_str_radix(word, 16).unwrap().to_be_bytes())
        .collect()
}

#[test]
fn transport_mode_read() {
    let raw = RawOrb::from_words([0x55, 0x0004_8000, 0x4300]);
    let orb = Orb::<Guest>::decode(&raw);
    assert!(orb.transport);
    assert_eq!((orb.intparm, orb.lpm, orb.cpa.get()), (0x55, 0x80, 0x4300));
    assert_eq!((raw.transport_reserved(), raw.tcw_offset()), (0, 0));
    assert_eq!(orb.encode(), raw);

    let guest = bytes(
        "00040000 000E0000 00000000 00000000
         00000000 00004400 00000000 00004480
         00000000 00004500 00000000 00001000
         00000000 00000000 00000000 00000000",
    );
    let raw = RawTcw(guest.try_into().unwrap());
    let tcw = Tcw::<Guest>::decode(&raw);
    let expected = Tcw {
        format: 0,
        flags: TcwFlags::INPUT_TIDA,
        tidaw_format: 0,
        tccb_length: 12,
        read: true,
        write: false,
        output: Addr::new(0),
        input: Addr::new(0x4400),
        tsb: Addr::new(0x4480),
        tccb: Addr::new(0x4500),
        output_count: 0,
        input_count: 0x1000,
        interrogate: Addr31::truncate(0),
    };
    assert_eq!(tcw, expected);
    assert_eq!(tcw.tccb_size(), 32);
    assert!(raw.reserved_is_zero() && !tcw.is_bidirectional());
    assert_eq!(tcw.encode(), raw);

    let host = bytes(
        "00040000 000E0000 00000000 00000000
         00000000 00105100 00000000 00105180
         00000000 00105200 00000000 00001000
         00000000 00000000 00000000 00000000",
    );
    let expected = Tcw {
        output: Addr::new(0),
        input: HostAddr::new(0x10_5100),
        tsb: HostAddr::new(0x10_5180),
        tccb: HostAddr::new(0x10_5200),
        interrogate: Addr31::truncate(0),
        format: 0,
        flags: TcwFlags::INPUT_TIDA,
        tidaw_format: 0,
        tccb_length: 12,
        read: true,
        write: false,
        output_count: 0,
        input_count: 0x1000,
    };
    assert_eq!(expected.encode().0.as_slice(), host);
}

#[test]
fn transport_mode_lists_and_commands() {
    let lists = [
        ("00000000 00000800 00000000 00005800", 0x00, 0x5800),
        ("80000000 00000800 00000000 00009000", 0x80, 0x9000),
        (
            "00000000 00000800 00000006 00001800",
            0x00,
            0x6_0000_1800_u64,
        ),
        ("80000000 00000800 00000006 00005000", 0x80, 0x6_0000_5000),
    ];
    for (text, flags, addr) in lists {
        let raw = RawTidaw(bytes(text).try_into().unwrap());
        let tidaw = Tidaw::<Guest>::decode(raw);
        assert_eq!(tidaw.flags.bits(), flags);
        assert_eq!((tidaw.count, tidaw.addr.get()), (0x800, addr));
        assert!(raw.reserved_is_zero());
        assert_eq!(tidaw.encode(), raw);
    }

    let block = bytes(
        "7F000000 00000014 1FFE0000 00000000
         06000000 00001000 00000000 00001004",
    );
    let tccb = Tccb::decode(RawTccb(&block), false);
    let header = Tcah {
        format: Tcah::FORMAT,
        tcal: 20,
        service_action: ServiceAction::DEVICE_IO,
        priority: 0,
    };
    assert_eq!(tccb.header, header);
    assert_eq!(Tcah::tcal_of(tccb.tca.len()), Some(20));
    assert_eq!(tccb.trailer.transport_count, 0x1004);
    let read = Dcw {
        command: Command(0x06),
        chain_command: false,
        data_count: 0x1000,
        control: &[],
    };
    assert_eq!(tccb.dcws().collect::<Vec<_>>(), [Ok((0, read))]);
    let mut again = [0xff; TCCB_MAX];
    assert_eq!(tccb.write(&mut again), Some(32));
    assert_eq!(again[..32], block);
}

#[test]
fn transport_mode_status() {
    for (words, tcw) in [
        ([0x0010_4007, 0x0010_5000, 0x0c00_0100], 0x10_5000),
        ([0x0010_4007, 0x0000_4300, 0x0c00_0100], 0x4300),
    ] {
        let carrier = scsw(words);
        let status = TransportScsw::of(&carrier);
        assert_eq!(status.tcw, tcw);
        assert!(status.irb_format && status.tsb_is_valid());
        assert_eq!(
            status.device,
            DeviceStatus::CHANNEL_END | DeviceStatus::DEVICE_END
        );
        assert_eq!(status.subchannel, SubchannelStatus::empty());
        assert_eq!(status.carry(), carrier);
        assert_eq!(status.encode(), carrier.encode());
    }
}
