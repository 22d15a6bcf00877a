// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A subchannel-status word in words.

use ccw::{DeviceStatus, Scsw, Space, StatusControl, SubchannelStatus, TransportScsw};

const DEVICE: [(DeviceStatus, &str); 8] = [
    (DeviceStatus::ATTENTION, "attention"),
    (DeviceStatus::STATUS_MODIFIER, "status modifier"),
    (DeviceStatus::CONTROL_UNIT_END, "control unit end"),
    (DeviceStatus::BUSY, "busy"),
    (DeviceStatus::CHANNEL_END, "channel end"),
    (DeviceStatus::DEVICE_END, "device end"),
    (DeviceStatus::UNIT_CHECK, "unit check"),
    (DeviceStatus::UNIT_EXCEPTION, "unit exception"),
];

const SUBCHANNEL: [(SubchannelStatus, &str); 8] = [
    (SubchannelStatus::PCI, "program-controlled interruption"),
    (SubchannelStatus::INCORRECT_LENGTH, "incorrect length"),
    (SubchannelStatus::PROGRAM_CHECK, "program check"),
    (SubchannelStatus::PROTECTION_CHECK, "protection check"),
    (SubchannelStatus::CHANNEL_DATA_CHECK, "channel-data check"),
    (
        SubchannelStatus::CHANNEL_CONTROL_CHECK,
        "channel-control check",
    ),
    (
        SubchannelStatus::INTERFACE_CONTROL_CHECK,
        "interface-control check",
    ),
    (SubchannelStatus::CHAINING_CHECK, "chaining check"),
];

const CONTROL: [(StatusControl, &str); 5] = [
    (StatusControl::ALERT, "alert"),
    (StatusControl::INTERMEDIATE, "intermediate"),
    (StatusControl::PRIMARY, "primary"),
    (StatusControl::SECONDARY, "secondary"),
    (StatusControl::PENDING, "pending"),
];

/// Subchannel status that makes the residual count unpredictable: all but PCI and incorrect length.
const CHECKS: SubchannelStatus = SubchannelStatus::PCI
    .union(SubchannelStatus::INCORRECT_LENGTH)
    .complement();

/// What the device says: `channel end, device end`.
pub(crate) fn device(status: DeviceStatus) -> String {
    list(
        DEVICE
            .iter()
            .filter(|(bit, _)| status.contains(*bit))
            .map(|(_, name)| *name),
    )
}

/// What the channel says: `program check`.
pub(crate) fn subchannel(status: SubchannelStatus) -> String {
    list(
        SUBCHANNEL
            .iter()
            .filter(|(bit, _)| status.contains(*bit))
            .map(|(_, name)| *name),
    )
}

/// Which status is pending: `primary, secondary, pending`.
fn control(status: StatusControl) -> String {
    list(
        CONTROL
            .iter()
            .filter(|(bit, _)| status.contains(*bit))
            .map(|(_, name)| *name),
    )
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// The status, one line for each field that is valid.
pub(crate) fn lines<S: Space>(scsw: &Scsw<S>) -> Vec<(&'static str, String)> {
    let mut lines = vec![("status control", control(scsw.status))];
    if scsw.deferred_cc != 0 {
        lines.push(("deferred cc", scsw.deferred_cc.to_string()));
    }
    if scsw.deferred_cc == 3 {
        return lines;
    }
    lines.push((
        "device status",
        format!("{:02x} {}", scsw.device.bits(), device(scsw.device)),
    ));
    let status = scsw.subchannel;
    lines.push((
        "subchannel status",
        format!("{:02x} {}", status.bits(), subchannel(status)),
    ));
    let address = match scsw.cpa.checked_sub(8) {
        Some(at) => format!("{:08x}, so the CCW at {at:08x}", scsw.cpa),
        None => format!("{:08x}, so no CCW is known", scsw.cpa),
    };
    lines.push(("CCW address", address));
    let count = if status.intersects(CHECKS) || !scsw.is_primary() {
        format!("{} (not meaningful with this status)", scsw.residual)
    } else {
        format!("{} not moved", crate::dump::count(scsw.residual.into()))
    };
    lines.push(("residual count", count));
    lines
}

/// The same in transport mode.
pub(crate) fn transport_lines<S: Space>(scsw: &TransportScsw<S>) -> Vec<(&'static str, String)> {
    let mut lines = vec![("status control", control(scsw.status))];
    if scsw.deferred_cc != 0 {
        lines.push(("deferred cc", scsw.deferred_cc.to_string()));
    }
    let (device_status, subchannel_status) = (scsw.device, scsw.subchannel);
    lines.push((
        "device status",
        format!("{:02x} {}", device_status.bits(), device(device_status)),
    ));
    lines.push((
        "subchannel status",
        format!(
            "{:02x} {}",
            subchannel_status.bits(),
            subchannel(subchannel_status)
        ),
    ));
    lines.push(("TCW address", format!("{:08x}", scsw.tcw)));
    lines
}

/// Whether the status is that of a normal end: primary status without any check, unit check or
/// unusual device status.
pub(crate) fn is_normal_end<S: Space>(scsw: &Scsw<S>) -> bool {
    let usual = DeviceStatus::CHANNEL_END
        | DeviceStatus::DEVICE_END
        | DeviceStatus::STATUS_MODIFIER
        | DeviceStatus::CONTROL_UNIT_END
        | DeviceStatus::UNIT_EXCEPTION;
    scsw.is_primary()
        && scsw.deferred_cc == 0
        && usual.contains(scsw.device)
        && !scsw.subchannel.intersects(CHECKS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ccw::{Guest, RawScsw};

    fn scsw(hex: u128) -> Scsw<Guest> {
        let mut raw = [0; 12];
        raw.copy_from_slice(&hex.to_be_bytes()[4..]);
        Scsw::decode(&RawScsw(raw))
    }

    fn field(scsw: &Scsw<Guest>, name: &str) -> Option<String> {
        lines(scsw)
            .into_iter()
            .find(|(head, _)| *head == name)
            .map(|(_, body)| body)
    }

    #[test]
    fn a_short_block() {
        let short = scsw(0x00c0_4017_0010_1018_0c40_0800);
        assert_eq!(
            field(&short, "status control").unwrap(),
            "alert, primary, secondary, pending"
        );
        assert_eq!(
            field(&short, "device status").unwrap(),
            "0c channel end, device end"
        );
        assert_eq!(
            field(&short, "subchannel status").unwrap(),
            "40 incorrect length"
        );
        assert_eq!(
            field(&short, "CCW address").unwrap(),
            "00101018, so the CCW at 00101010"
        );
        assert_eq!(
            field(&short, "residual count").unwrap(),
            "2048 bytes not moved"
        );
    }

    #[test]
    fn endings() {
        for (hex, normal) in [
            (0x00c0_4007_0000_2108_0c00_0034, true),
            (0x00c0_4017_0000_2320_0d00_0000, true), // unit exception
            (0x00c0_4017_0010_1018_0c40_0800, true), // incorrect length
            (0x00c0_4007_0000_2108_0cc0_0000, true), // PCI too
            (0x00c2_4017_0010_1010_0e00_0000, false), // unit check
            (0x00c0_4017_0000_2608_0020_0000, false), // program check
            (0x00c0_4017_0000_2608_0010_0000, false), // protection check
            (0x03c0_4017_0000_2608_0000_0000, false), // deferred cc 3
            (0x00c0_4009_0000_2608_0080_0000, false), // not ended
        ] {
            assert_eq!(is_normal_end(&scsw(hex)), normal, "{hex:024x}");
        }
    }

    #[test]
    fn what_is_not_valid_is_not_shown_as_if() {
        let check = scsw(0x00c0_4017_0000_2608_0020_1234);
        assert!(
            field(&check, "residual count")
                .unwrap()
                .contains("not meaningful")
        );
        assert_eq!(
            field(&scsw(0x03c0_4017_0000_2608_0000_0000), "device status"),
            None
        );
        let lost = scsw(0x00c0_4017_0000_0000_0004_0000);
        assert_eq!(
            field(&lost, "CCW address").unwrap(),
            "00000000, so no CCW is known"
        );
    }
}
