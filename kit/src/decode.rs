// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any bytes through every view and meaning of `ccw`: nothing panics, and what was decoded means
//! the same after being encoded and decoded again.

use ccw::{
    Ccw, CcwFlags, CcwLine, Ciw, Crw, Dcws, DeviceClass, Erw, Esw, Format, Guest, Interrogate,
    InterruptionCode, Irb, Midaw, Orb, Pmcw, RawCcw, RawCiw, RawCrw, RawErw, RawEsw, RawIdaw1,
    RawIdaw2, RawInterrogate, RawInterruptionCode, RawIrb, RawMidaw, RawOrb, RawPmcw, RawSchib,
    RawScsw, RawSubsystemId, RawTccb, RawTcw, RawTidaw, RawTsb, Schib, Scsw, SenseId, SubsystemId,
    TSB_SENSE_SIZE, Tccb, Tcw, Tidaw, TransportScsw, Tsb,
};

/// The first `N` of `bytes`, then zeros.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    std::array::from_fn(|n| bytes.get(n).copied().unwrap_or(0))
}

/// Takes `bytes` for each thing that they could be.
///
/// # Panics
///
/// When a round trip changes a meaning.
pub fn check(bytes: &[u8]) {
    words(bytes);
    blocks(bytes);
    transport(bytes);
    for chunk in bytes.chunks(8) {
        ccw(RawCcw(array(chunk)));
    }
    for line in String::from_utf8_lossy(bytes).lines() {
        text(line);
    }
}

fn ccw(raw: RawCcw) {
    for format in [Format::Zero, Format::One] {
        let ccw = Ccw::<Guest>::decode(raw, format);
        assert_eq!(Ccw::decode(ccw.encode(), Format::One), ccw);
        if format == Format::One && !raw.bit32(format) {
            assert_eq!(ccw.encode(), raw);
        }
        match ccw.encode_format0() {
            Some(again) => assert_eq!(Ccw::decode(again, Format::Zero), ccw),
            None => assert!(u64::from(ccw.addr.get()) >= Format::Zero.limit()),
        }
        assert_eq!(ccw.chains_data(), ccw.flags.contains(CcwFlags::CHAIN_DATA));
        assert!(!(ccw.chains_data() && ccw.chains_command()));
        let addr = ccw.addr.get();
        for class in [DeviceClass::Unknown, DeviceClass::Eckd, DeviceClass::Tape] {
            let line = CcwLine { addr, raw };
            let shown = line.display(format, class);
            for shown in [shown, shown.data_chained()] {
                assert_eq!(shown.to_string().parse::<CcwLine>(), Ok(line));
            }
        }
    }
}

/// A line that can be read says the same when it is printed.
fn text(line: &str) {
    match line.parse::<CcwLine>() {
        Ok(read) => {
            let shown = read.display(Format::One, DeviceClass::Unknown).to_string();
            assert_eq!(shown.parse::<CcwLine>(), Ok(read));
        }
        Err(error) => {
            assert!(error.column >= 1 && error.column <= line.chars().count() + 1);
            assert!(!error.to_string().is_empty());
        }
    }
}

fn words(bytes: &[u8]) {
    let word = u32::from_be_bytes(array(bytes));
    let crw = Crw::decode(RawCrw(word));
    assert_eq!(Crw::decode(crw.encode()), crw);
    let erw = Erw::decode(RawErw(word));
    assert_eq!(Erw::decode(erw.encode()), erw);
    if let Some(id) = SubsystemId::decode(RawSubsystemId(word)) {
        assert_eq!(SubsystemId::decode(id.encode()), Some(id));
    }
    if let Some(ciw) = Ciw::decode(RawCiw(array(bytes))) {
        assert_eq!(Ciw::decode(ciw.encode()), Some(ciw));
    }
    let idaw = RawIdaw1(array(bytes)).decode::<Guest>();
    assert_eq!(RawIdaw1::encode(idaw).decode::<Guest>(), idaw);
    let idaw = RawIdaw2(array(bytes));
    assert_eq!(RawIdaw2::encode(idaw.decode::<Guest>()), idaw);
    let midaw = Midaw::<Guest>::decode(RawMidaw(array(bytes)));
    assert_eq!(Midaw::decode(midaw.encode()), midaw);
}

fn blocks(bytes: &[u8]) {
    let orb = Orb::<Guest>::decode(&RawOrb(array(bytes)));
    assert_eq!(Orb::decode(&orb.encode()), orb);
    let scsw = Scsw::<Guest>::decode(&RawScsw(array(bytes)));
    assert_eq!(Scsw::decode(&scsw.encode()), scsw);
    for format0 in [false, true] {
        let esw = Esw::<Guest>::decode(&RawEsw(array(bytes)), format0);
        assert_eq!(Esw::decode(&esw.encode(), format0), esw);
    }
    let irb = Irb::<Guest>::decode(&RawIrb(array(bytes)));
    assert_eq!(Irb::decode(&irb.encode()), irb);
    assert!(irb.concurrent_sense().is_none_or(|sense| sense.len() <= 32));
    let pmcw = Pmcw::decode(&RawPmcw(array(bytes)));
    assert_eq!(Pmcw::decode(&pmcw.encode()), pmcw);
    let schib = Schib::<Guest>::decode(&RawSchib(array(bytes)));
    assert_eq!(Schib::decode(&schib.encode()), schib);
    let code = InterruptionCode::decode(&RawInterruptionCode(array(bytes)));
    assert_eq!(InterruptionCode::decode(&code.encode()), code);
    if let Some(id) = SenseId::decode(bytes) {
        assert_eq!(SenseId::decode(&id.encode()), Some(id));
    }
}

fn transport(bytes: &[u8]) {
    let tcw = Tcw::<Guest>::decode(&RawTcw(array(bytes)));
    assert_eq!(Tcw::decode(&tcw.encode()), tcw);
    assert!(tcw.encode().reserved_is_zero());
    assert_eq!(
        Tcw::<Guest>::tccb_length_of(tcw.tccb_size()),
        Some(tcw.tccb_length)
    );
    let tidaw = Tidaw::<Guest>::decode(RawTidaw(array(bytes)));
    assert_eq!(Tidaw::decode(tidaw.encode()), tidaw);
    assert!(tidaw.encode().reserved_is_zero());
    let tsb = Tsb::decode(&RawTsb(array(bytes)));
    assert_eq!(Tsb::decode(&tsb.encode()), tsb);
    assert!(tsb.sense().len() <= TSB_SENSE_SIZE);
    let asked = Interrogate::decode(&RawInterrogate(array(bytes)));
    assert_eq!(Interrogate::decode(&asked.encode()), asked);
    let scsw = TransportScsw::<Guest>::decode(&RawScsw(array(bytes)));
    assert_eq!(TransportScsw::decode(&scsw.encode()), scsw);
    assert_eq!(TransportScsw::of(&scsw.carry()), scsw);
    for bidirectional in [false, true] {
        tccb(bytes, bidirectional);
    }
}

/// A TCCB, and its commands one by one: each lies where it says, and behind the one before.
fn tccb(bytes: &[u8], bidirectional: bool) {
    let tccb = Tccb::decode(RawTccb(bytes), bidirectional);
    let mut written = vec![0xff; tccb.size() + 1];
    let size = tccb.write(&mut written);
    assert_eq!(size, Some(tccb.size()));
    assert_eq!(written.pop(), Some(0xff));
    assert_eq!(Tccb::decode(RawTccb(&written), bidirectional), tccb);
    let mut end = 0;
    for dcw in tccb.dcws() {
        let (offset, dcw) = match dcw {
            Ok(dcw) => dcw,
            Err(overrun) => {
                assert_eq!(overrun.offset, end);
                break;
            }
        };
        assert_eq!(offset, end);
        let mut written = vec![0; dcw.size()];
        assert_eq!(dcw.write(&mut written), Some(dcw.size()));
        assert_eq!(Dcws::new(&written).next(), Some(Ok((0, dcw))));
        end += dcw.size();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::generator::config;

    proptest! {
        #![proptest_config(config(16))]

        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            super::check(&bytes);
        }

        #[test]
        fn any_text(text in "[0-9a-fA-F: \t]{0,40}") {
            super::check(text.as_bytes());
        }
    }
}
