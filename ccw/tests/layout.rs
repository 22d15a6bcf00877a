// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! Sizes, as the architecture and the regions of a vfio-ccw device have them.

use std::mem::size_of;

use ccw::*;

#[test]
fn sizes() {
    let rows = [
        ("CCW", 8, size_of::<RawCcw>()),
        ("format-1 IDAW", 4, size_of::<RawIdaw1>()),
        ("format-2 IDAW", 8, size_of::<RawIdaw2>()),
        ("MIDAW", 16, size_of::<RawMidaw>()),
        ("ORB", 32, size_of::<RawOrb>()),
        ("SCSW", 12, size_of::<RawScsw>()),
        ("ERW", 4, size_of::<RawErw>()),
        ("ESW", 20, size_of::<RawEsw>()),
        ("ECW", 32, ECW_SIZE),
        ("EMW", 32, EMW_SIZE),
        ("IRB", 64, size_of::<RawIrb>()),
        ("IRB with EMW", 96, IRB_EXTENDED_SIZE),
        ("PMCW", 28, size_of::<RawPmcw>()),
        ("SCHIB", 52, size_of::<RawSchib>()),
        ("CRW", 4, size_of::<RawCrw>()),
        ("CIW", 4, size_of::<RawCiw>()),
        ("subsystem id", 4, size_of::<RawSubsystemId>()),
        ("interruption code", 12, size_of::<RawInterruptionCode>()),
        ("TCW", 64, size_of::<RawTcw>()),
        ("header of a TCCB", 16, size_of::<RawTcah>()),
        ("DCW", 8, size_of::<RawDcw>()),
        ("TIDAW", 16, size_of::<RawTidaw>()),
        ("TSB", 64, size_of::<RawTsb>()),
        ("interrogate control data", 32, size_of::<RawInterrogate>()),
    ];
    for (name, expected, size) in rows {
        assert_eq!(size, expected, "{name}");
    }
}

#[test]
fn constants_tell_the_sizes() {
    assert_eq!((CCW_SIZE, MIDAW_SIZE, MIDAL_PAGE), (8, 16, 4096));
    assert_eq!((ORB_SIZE, SCSW_SIZE, ESW_SIZE, IRB_SIZE), (32, 12, 20, 64));
    assert_eq!((PMCW_SIZE, SCHIB_SIZE, CRW_SIZE, CIW_SIZE), (28, 52, 4, 4));
    assert_eq!(
        (INTERRUPTION_CODE_SIZE, SENSE_ID_MAX, MAX_IDAWS),
        (12, 256, 33)
    );
    assert_eq!((TCW_SIZE, TCAH_SIZE, TSB_SIZE, DCW_SIZE), (64, 16, 64, 8));
    assert_eq!((TIDAW_SIZE, TIDAL_PAGE), (16, 4096));
    assert_eq!((TCCB_MIN, TCCB_MAX, TCA_MAX, MAX_DCWS), (32, 264, 240, 30));
    assert_eq!((TSB_SENSE_SIZE, INTERROGATE_SIZE), (32, 32));
}
