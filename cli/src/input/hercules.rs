// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What Hercules prints of a device whose CCWs are traced.
//!
//! ```text
//! HHC01334I 0:0140 CHAN: ORB: IntP:01AF7000 Key:0 LPM:80 Flags:0C200 ....FP....H. ........ CCW:02813F98
//! HHC01315I 0:0140 CHAN: ccw 63400010 02813FE8=>00000200 00000060 00000000 00000007 .......-........
//! HHC01312I 0:0140 CHAN: stat 0C00, count 0000
//! HHC01317I 0:0140 CHAN: scsw 00C04007, stat 0C00, count 0000, ccw 02813FE8
//! ```
//!
//! Release 3 writes `HHCCP048I 0140:CCW=63400010 02813FE8=>...`, `HHCCP075I 0140:Stat=0C00 Count=0000`,
//! `HHCCP050I 0140:SCSW=... Stat=... Count=... CCW=...`, and no ORB. Neither says where a CCW lies: that
//! follows from the ORB, the order, and the address in the status. TICs are passed over in silence.

mod program;

use std::collections::HashMap;

use ccw::{DeviceStatus, SubchannelStatus};

use super::lines::{self, Line};
use super::shown::List;
use super::{Input, MOST_PROGRAMS, Place, Refusal};
use program::{Program, Status};

/// Whether `text` has such a trace.
pub(super) fn recognises(text: &str) -> bool {
    text.lines().any(|text| {
        let line = Line { number: 0, text };
        event(line).is_some()
    })
}

/// Something that a line tells.
enum Event<'a> {
    /// A start function, with what stands behind `ORB:`.
    Orb(&'a str),
    /// A CCW.
    Ccw(&'a str),
    /// A word of its list.
    Idaw(&'a str),
    Midaw(&'a str),
    /// The end of a command.
    Stat(&'a str),
    /// Sense bytes.
    Sense(&'a str),
    /// The end of the program, from the status control on.
    Scsw(&'a str),
    /// The same on an S/370 channel, which has no status control.
    Csw(&'a str),
}

/// The message of a line, and what it tells; none if it is about something else.
fn event(line: Line<'_>) -> Option<Event<'_>> {
    let at = line.text.find("HHC")?;
    let message = line.text.get(at..)?;
    let id = message.split_whitespace().next()?;
    let of = |word: &str| {
        let Line { number, .. } = line;
        let text = message;
        Line { number, text }.behind(word)
    };
    Some(match id.trim_end_matches(['I', 'D', 'E', 'W']) {
        "HHC01334" | "HHC01335" => Event::Orb(of(" CHAN: ORB:").or_else(|| of("ccw addr"))?),
        "HHCCP100" | "HHCCP101" => Event::Orb(of("ccw addr")?),
        "HHC01315" | "HHCCP048" => Event::Ccw(of("ccw")?.trim_start_matches(['=', '('])),
        "HHC01302" | "HHC01303" | "HHCCP063" | "HHCCP064" => {
            Event::Idaw(of("idaw")?.trim_start_matches(['=', '(']))
        }
        "HHC01301" | "HHCCP078" => Event::Midaw(of("midaw")?.trim_start_matches(['=', '('])),
        "HHC01312" | "HHCCP075" => Event::Stat(of("stat")?),
        "HHC01313" | "HHCCP076" => Event::Sense(of("sense")?.trim_start_matches(['=', '('])),
        "HHC01317" | "HHCCP050" => Event::Scsw(of("scsw")?),
        "HHC01316" | "HHCCP049" => Event::Csw(of("stat")?),
        _ => return None,
    })
}

/// The device that a line is about: `0:0140 CHAN:` or `0140:`.
fn device(line: Line<'_>) -> Option<String> {
    let at = line.text.find("HHC")?;
    let word = line.text.get(at..)?.split_whitespace().nth(1)?;
    let word = word.trim_start_matches("DEV");
    let mut parts = word.splitn(3, ':');
    let (first, second) = (parts.next()?, parts.next().unwrap_or_default());
    let hex = |part: &str| part.len() == 4 && part.bytes().all(|c| c.is_ascii_hexdigit());
    match (first, second) {
        (number, _) if hex(number) => Some(number.to_owned()),
        (lcss, number) if lcss.len() == 1 && hex(number) => Some(format!("{lcss}:{number}")),
        _ => None,
    }
}

/// Decodes the trace in `text`: a program for each start.
pub(super) fn decode(text: &str, stem: &str) -> Result<Vec<Input>, Refusal> {
    let mut programs: Vec<Program> = Vec::new();
    // The place of the program that each device is at.
    let mut running: HashMap<String, usize> = HashMap::new();
    for line in lines::lines(text) {
        let Some(event) = event(line) else { continue };
        let Some(device) = device(line) else {
            return Err(line.refuse(
                line.text,
                "no device number such as 0:0140 behind the message",
            ));
        };
        let now = running.get(&device).and_then(|n| programs.get_mut(*n));
        let starts = match (&event, &now) {
            (Event::Orb(_), _) => true,
            (Event::Ccw(_), None) => true,
            (Event::Ccw(_), Some(now)) => now.is_over(),
            _ => false,
        };
        if starts {
            if programs.len() == MOST_PROGRAMS {
                return Err(line.refuse(line.text, format!("more than {MOST_PROGRAMS} starts")));
            }
            running.insert(device.clone(), programs.len());
            programs.push(Program::new(format!("{stem}:{} {device}", line.number)));
        }
        let Some(now) = running.get(&device).and_then(|n| programs.get_mut(*n)) else {
            continue; // Its start is not in the trace.
        };
        tell(now, line, event)?;
    }
    let programs = programs.into_iter();
    let inputs: Vec<Input> = programs.map(Program::finish).collect();
    match inputs.is_empty() {
        true => Err((Place::Whole, "no CCW of Hercules' trace in it".to_owned())),
        false => Ok(inputs),
    }
}

/// Adds what a line tells to the program that it is about.
fn tell(now: &mut Program, line: Line<'_>, event: Event<'_>) -> Result<(), Refusal> {
    match event {
        Event::Orb(text) => match text.to_ascii_lowercase().contains("lpm:") {
            true => {
                let part = |name, digits, what: &str| {
                    let behind = line.behind(name).ok_or_else(|| {
                        line.refuse(text, format!("no {what} (`{name}`) in the ORB"))
                    })?;
                    Ok::<u64, Refusal>(line.hex(behind, digits, what)?.0)
                };
                let [parameter, key, lpm, flags, cpa] = [
                    part("IntP:", 8, "interruption parameter")?,
                    part("Key:", 1, "key")?,
                    part("LPM:", 2, "path mask")?,
                    part("Flags:", 5, "flags")?,
                    part(" CCW:", 8, "address of the first CCW")?,
                ]
                .map(|value| u32::try_from(value).unwrap_or_default());
                let second = key << 28
                    | (flags & 0xf0000) << 8
                    | (flags & 0x0ff00) << 8
                    | lpm << 8
                    | flags & 0xff;
                now.orb(parameter, second, cpa);
            }
            false => {
                let (cpa, _) = line.hex(text, 8, "address of the first CCW")?;
                now.start_at(u32::try_from(cpa).unwrap_or_default());
            }
        },
        Event::Ccw(text) => {
            let (raw, rest) = line.doubleword(text, "a CCW")?;
            now.ccw(raw, &data(rest));
        }
        Event::Idaw(text) => {
            let digits = lines::hex_run(text.trim_start()).0.len();
            let digits = if digits == 16 { 16 } else { 8 };
            let (word, rest) = line.hex(text, digits, "an IDAW")?;
            let word = match digits {
                16 => List::Idaw8(word),
                _ => List::Idaw4(u32::try_from(word).unwrap_or_default()),
            };
            now.list_word(word, &data(rest));
        }
        Event::Midaw(text) => {
            let (flags, rest) = line.hex(text, 2, "flags of a MIDAW")?;
            let (count, rest) = line.hex(rest, 4, "count of a MIDAW")?;
            let (addr, rest) = line.hex(rest, 16, "address of a MIDAW")?;
            let word = u128::from(flags << 16 | count) << 64 | u128::from(addr);
            now.list_word(List::Midaw(word), &data(rest));
        }
        Event::Stat(text) => {
            let (status, _) = status(line, text)?;
            now.ended(status);
        }
        Event::Sense(text) => now.sense(&lines::bytes(text.trim_start(), 8).0),
        Event::Scsw(text) => {
            let text = text.trim_start_matches(['=', '(']);
            let (scsw, rest) = line.hex(text, 8, "a word of the SCSW")?;
            let stat = Line { text: rest, ..line }
                .behind("stat")
                .unwrap_or_default();
            let (status, rest) = status(line, stat)?;
            let at = address(line, rest, 8)?;
            now.over(Some(u32::try_from(scsw).unwrap_or_default()), status, at);
        }
        Event::Csw(text) => {
            let (status, rest) = status(line, text)?;
            let at = address(line, rest, 6)?;
            now.over(None, status, at);
        }
    }
    Ok(())
}

/// The data behind a CCW or list word: sixteen bytes at most, behind an arrow.
fn data(text: &str) -> Vec<u8> {
    let data = text.split_once("=>").map_or("", |(_, data)| data);
    lines::bytes(data, 4).0
}

/// Status and residual count, and what stands behind.
fn status<'a>(line: Line<'a>, text: &'a str) -> Result<(Status, &'a str), Refusal> {
    let text = text.trim_start().trim_start_matches(['=', '(']);
    let (value, rest) = line.hex(text, 4, "the status of device and subchannel")?;
    let [.., device, subchannel] = value.to_be_bytes();
    let rest_of = Line { text: rest, ..line };
    let count = rest_of.behind("count").unwrap_or_default();
    let count = count.trim_start().trim_start_matches(['=', '(']);
    let (residual, rest) = line.hex(count, 4, "the residual count")?;
    let status = Status {
        device: DeviceStatus::from_bits_retain(device),
        subchannel: SubchannelStatus::from_bits_retain(subchannel),
        residual: u16::try_from(residual).unwrap_or_default(),
    };
    Ok((status, rest))
}

/// The CCW address of a status.
fn address<'a>(line: Line<'a>, text: &'a str, digits: usize) -> Result<u32, Refusal> {
    let rest = Line { text, ..line };
    let at = rest.behind("ccw").unwrap_or_default();
    let at = at.trim_start().trim_start_matches(['=', '(']);
    let (at, _) = line.hex(at, digits, "the CCW address of the status")?;
    Ok(u32::try_from(at).unwrap_or_default())
}

#[cfg(test)]
mod tests {
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
            let member = None;
            assert_eq!(
                place,
                Place::At {
                    line,
                    column,
                    member
                },
                "{text}: {reason}"
            );
            assert!(reason.starts_with(what), "{reason}");
        }
        assert_eq!(decode("nothing", "t").unwrap_err().0, Place::Whole);
    }
}
