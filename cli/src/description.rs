// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a device is. Each part that cannot be had says why.

use std::fmt::Write;

use ccw::{Ciw, CiwType, Command, DeviceClass, Host, RawSenseId, Schib, SenseId};
use serde::Serialize;
use translator::{Arrangement, HostProfile};
use vfio_ccw::mediator::WindowConfig;
use vfio_ccw::{CcwDevice, Source};

use crate::json;
use crate::kind::kind;
use crate::subchannel::{Desk, Session};

/// Columns of a heading.
const HEAD: usize = 18;
/// Bytes of SENSE ID data that are asked for.
const SENSE_ID: u16 = 256;

/// What a device is.
#[derive(Debug, Serialize)]
pub(crate) struct Description {
    sense_id: Part<Identity>,
    characteristics: Part<Characteristics>,
    subchannel: Part<Paths>,
    regions: Vec<&'static str>,
    interrupts: Vec<String>,
    reset: bool,
    limits: Limits,
}

/// Something that is known, or why it is not.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Part<T> {
    Known(T),
    Unknown { unknown: String },
}

impl<T> Part<T> {
    fn unknown(why: impl Into<String>) -> Self {
        let unknown = why.into();
        Self::Unknown { unknown }
    }
}

/// SENSE ID.
#[derive(Debug, Serialize)]
struct Identity {
    bytes: String,
    control_unit: Option<String>,
    unit: Option<String>,
    kind: Option<&'static str>,
    commands: Vec<OwnCommand>,
    #[serde(skip)]
    class: DeviceClass,
}

/// A command-information word.
#[derive(Debug, Serialize)]
struct OwnCommand {
    purpose: String,
    command: String,
    count: u16,
}

/// READ DEVICE CHARACTERISTICS.
#[derive(Debug, Serialize)]
struct Characteristics {
    bytes: String,
    geometry: Option<String>,
}

/// The subchannel, by the host's SCHIB.
#[derive(Debug, Serialize)]
struct Paths {
    number: Option<String>,
    pim: String,
    pam: String,
    pom: String,
    lpm: String,
    pnom: String,
    lpum: String,
    chpids: Vec<Option<String>>,
}

/// How long programs may be.
#[derive(Debug, Serialize)]
struct Limits {
    profile: &'static str,
    segments: u16,
    segment_ccws: u16,
    list_words: u32,
}

impl Description {
    /// The device of `session`, which is asked at `desk`.
    pub(crate) fn of(session: &mut Session, desk: &Desk) -> Self {
        let sense_id = match desk.ask(session, Command::SENSE_ID, SENSE_ID) {
            Ok(bytes) => Part::Known(Identity::of(&bytes)),
            Err(why) => Part::unknown(why),
        };
        let class = match &sense_id {
            Part::Known(identity) => identity.class,
            Part::Unknown { .. } => DeviceClass::Unknown,
        };
        let characteristics = Characteristics::of(class, session, desk);
        // Last, when a path was used.
        let subchannel = match session.host_schib() {
            Some(raw) => Part::Known(Paths::of(&Schib::decode(&raw))),
            None => Part::unknown("the kernel offers no SCHIB region of it"),
        };
        let device = session.backend();
        let offered = device.capabilities();
        let regions = [
            (true, "io"),
            (offered.async_command, "async"),
            (offered.schib, "schib"),
            (offered.crw, "crw"),
        ];
        let mut interrupts = Source::ALL.to_vec();
        interrupts.retain(|source| device.event_fd(*source).is_some());
        Self {
            sense_id,
            characteristics,
            subchannel,
            regions: regions.iter().filter(|it| it.0).map(|it| it.1).collect(),
            interrupts: interrupts.iter().map(ToString::to_string).collect(),
            reset: offered.reset,
            limits: Limits::of(&HostProfile::VFIO_CCW),
        }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |head: &str, body: &str| {
            let _ = writeln!(text, "  {head:HEAD$}{}", body.trim_end());
        };
        match &self.sense_id {
            Part::Known(identity) => identity.lines(&mut line),
            Part::Unknown { unknown } => line("SENSE ID", &format!("unknown: {unknown}")),
        }
        match &self.characteristics {
            Part::Known(known) => {
                let mut head = "characteristics";
                for row in rows(&known.bytes) {
                    line(head, &row);
                    head = "";
                }
                line("", known.geometry.as_deref().unwrap_or("geometry unknown"));
            }
            Part::Unknown { unknown } => line("characteristics", &format!("unknown: {unknown}")),
        }
        match &self.subchannel {
            Part::Known(paths) => paths.lines(&mut line),
            Part::Unknown { unknown } => line("subchannel", &format!("unknown: {unknown}")),
        }
        line("regions", &self.regions.join(", "));
        line("interrupts", &self.interrupts.join(", "));
        line("reset", if self.reset { "yes" } else { "no" });
        let limits = &self.limits;
        line(
            "programs",
            &format!(
                "{} segments of {} CCWs with {} list words (profile {})",
                limits.segments, limits.segment_ccws, limits.list_words, limits.profile
            ),
        );
        text
    }
}

impl Identity {
    fn of(bytes: &[u8]) -> Self {
        let id = SenseId::decode(bytes);
        let class = id.map_or(DeviceClass::Unknown, |id| id.device_class());
        Self {
            bytes: json::digits(bytes),
            control_unit: id.map(|id| id.control_unit.to_string()),
            unit: id.and_then(|id| id.device).map(|unit| unit.to_string()),
            kind: (class != DeviceClass::Unknown).then(|| kind(class)),
            commands: RawSenseId(bytes).ciws().map(OwnCommand::of).collect(),
            class,
        }
    }

    fn lines(&self, line: &mut impl FnMut(&str, &str)) {
        let mut head = "SENSE ID";
        for row in rows(&self.bytes) {
            line(head, &row);
            head = "";
        }
        let unknown = "unknown";
        line(
            "control unit",
            self.control_unit.as_deref().unwrap_or(unknown),
        );
        let unit = self.unit.as_deref().unwrap_or(unknown);
        line(
            "device",
            &format!("{unit} ({})", self.kind.unwrap_or("unknown kind of device")),
        );
        for own in &self.commands {
            let text = format!("{}: {}, {} bytes", own.purpose, own.command, own.count);
            line("command", &text);
        }
    }
}

impl OwnCommand {
    fn of(ciw: Ciw) -> Self {
        Self {
            purpose: match ciw.kind {
                CiwType::READ_CONFIGURATION_DATA => "read configuration data".to_owned(),
                CiwType::SET_INTERFACE_ID => "set interface identifier".to_owned(),
                CiwType::READ_NODE_ID => "read node identifier".to_owned(),
                CiwType(other) => format!("type {other}"),
            },
            command: format!("{:02x}", ciw.command),
            count: ciw.count,
        }
    }
}

impl Characteristics {
    fn of(class: DeviceClass, session: &mut Session, desk: &Desk) -> Part<Self> {
        let count = match class {
            DeviceClass::Eckd => 64,
            DeviceClass::Fba => 32,
            _ => return Part::unknown("not a type that has them"),
        };
        match desk.ask(session, Command::READ_DEVICE_CHARACTERISTICS, count) {
            Ok(bytes) => Part::Known(Self {
                bytes: json::digits(&bytes),
                geometry: geometry(class, &bytes),
            }),
            Err(why) => Part::unknown(why),
        }
    }
}

/// How large the disk is.
fn geometry(class: DeviceClass, bytes: &[u8]) -> Option<String> {
    let short = |at: usize| {
        let bytes = bytes.get(at..)?.first_chunk()?;
        Some(u16::from_be_bytes(*bytes))
    };
    match class {
        DeviceClass::Eckd => {
            // 3390 manual: bytes 12-13 primary cylinders, 14-15 tracks per cylinder.
            let (cylinders, tracks) = (short(12)?, short(14)?);
            Some(match cylinders {
                0xfffe => format!("65520 cylinders or more of {tracks} tracks"),
                1 => format!("1 cylinder of {tracks} tracks"),
                _ => format!("{cylinders} cylinders of {tracks} tracks"),
            })
        }
        DeviceClass::Fba => {
            // Bytes 4-5 bytes of a block, 14-17 blocks under movable heads.
            let blocks = u32::from(short(14)?) << 16 | u32::from(short(16)?);
            Some(format!("{blocks} blocks of {} bytes", short(4)?))
        }
        _ => None,
    }
}

impl Paths {
    fn of(schib: &Schib<Host>) -> Self {
        let pmcw = &schib.pmcw;
        let mask = |mask: u8| format!("{mask:02x}");
        let chpids = (0..8).zip(pmcw.chpid).map(|(path, id)| {
            let installed = pmcw.pim & (0x80 >> path) != 0;
            installed.then(|| mask(id))
        });
        Self {
            number: pmcw.device_number.map(|number| format!("{number:04x}")),
            pim: mask(pmcw.pim),
            pam: mask(pmcw.pam),
            pom: mask(pmcw.pom),
            lpm: mask(pmcw.lpm),
            pnom: mask(pmcw.pnom),
            lpum: mask(pmcw.lpum),
            chpids: chpids.collect(),
        }
    }

    fn lines(&self, line: &mut impl FnMut(&str, &str)) {
        line(
            "device number",
            self.number.as_deref().unwrap_or("not valid"),
        );
        for (head, mask, text) in [
            ("PIM", &self.pim, "installed"),
            ("PAM", &self.pam, "available"),
            ("POM", &self.pom, "operational"),
            ("LPM", &self.lpm, "to be used"),
            ("PNOM", &self.pnom, "found not operational"),
            ("LPUM", &self.lpum, "used last"),
        ] {
            line(head, &format!("{mask}  paths {text}"));
        }
        let ids = self.chpids.iter().map(|id| id.as_deref().unwrap_or("--"));
        line("CHPIDs", &ids.collect::<Vec<_>>().join(" "));
    }
}

impl Limits {
    fn of(profile: &HostProfile) -> Self {
        let (segments, segment_ccws) = match profile.arrangement {
            Arrangement::Segments { ccws, segments, .. } => (segments, ccws),
            Arrangement::Exact => (1, u16::MAX),
        };
        Self {
            profile: profile.name,
            segments,
            segment_ccws,
            list_words: WindowConfig::default().list_bytes / 8,
        }
    }
}

/// Hex digits in words, sixteen bytes to a row.
fn rows(digits: &str) -> Vec<String> {
    let words: Vec<&str> = digits
        .as_bytes()
        .chunks(8)
        .filter_map(|word| std::str::from_utf8(word).ok())
        .collect();
    words.chunks(4).map(|row| row.join(" ")).collect()
}

#[cfg(test)]
mod tests {
    use ccw::RawSchib;

    use super::*;

    /// Bytes of the SCHIB as PoP gives them: each mask has its own place.
    #[test]
    fn masks_are_not_mixed_up() {
        let mut raw = RawSchib::default();
        raw.0[4..16].copy_from_slice(&[
            0x00, 0x81, 0x01, 0x20, // E, V; device number
            0xc0, 0x10, 0x40, 0xe0, // LPM, PNOM, LPUM, PIM
            0x00, 0x00, 0xf7, 0xd0, // measurement-block index; POM, PAM
        ]);
        raw.0[16..24].copy_from_slice(&[0x1a, 0x1b, 0x1c, 0x1d, 0, 0, 0, 0]);
        let paths = Paths::of(&Schib::decode(&raw));
        let masks = [
            &paths.lpm,
            &paths.pnom,
            &paths.lpum,
            &paths.pim,
            &paths.pom,
            &paths.pam,
        ];
        assert_eq!(masks, ["c0", "10", "40", "e0", "f7", "d0"]);
        assert_eq!(paths.number.as_deref(), Some("0120"));
        let chpids: Vec<_> = paths.chpids.iter().map(Option::as_deref).collect();
        let expected = [
            Some("1a"),
            Some("1b"),
            Some("1c"),
            None,
            None,
            None,
            None,
            None,
        ];
        assert_eq!(chpids, expected);
        raw.0[5] = 0x80;
        assert_eq!(Paths::of(&Schib::decode(&raw)).number, None);
    }

    #[test]
    fn geometry_needs_its_bytes() {
        let mut bytes = [0; 64];
        bytes[12..16].copy_from_slice(&[0x0d, 0x0b, 0x00, 0x0f]);
        let of = |bytes: &[u8]| geometry(DeviceClass::Eckd, bytes);
        assert_eq!(of(&bytes).unwrap(), "3339 cylinders of 15 tracks");
        assert_eq!(of(&bytes[..15]), None);
        bytes[12..14].copy_from_slice(&[0xff, 0xfe]);
        assert_eq!(of(&bytes).unwrap(), "65520 cylinders or more of 15 tracks");
        assert_eq!(geometry(DeviceClass::Fba, &bytes[..17]), None);
        assert_eq!(geometry(DeviceClass::Tape, &bytes), None);
    }
}
