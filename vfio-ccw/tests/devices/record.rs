// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! An exchange is written down, and played back.

use std::fs::File;
use std::io::{self, ErrorKind, Read};

use vfio_ccw::device::record::{Divergence, Recorder, Replayer};
use vfio_ccw::device::soft::SoftConfig;
use vfio_ccw::{AsyncCommand, CcwDevice, Errno, Source};

use crate::common::*;

/// What a caller does: a start, its status, then whatever is left.
fn drive(device: &mut impl CcwDevice) -> String {
    device.start(&orb(0x80), &START).unwrap();
    assert_eq!(device.acknowledge(Source::Io), Ok(1));
    let status = scsw(device);
    device.read_schib().unwrap();
    assert_eq!(device.read_crw(), Ok(None));
    assert_eq!(device.reset(), Ok(()));
    let mut transport = orb(0x80);
    transport[5] |= 4;
    let refused = device.start(&transport, &START);
    assert_eq!(refused, Err(errno(Errno::EOPNOTSUPP)));
    status
}

fn recording() -> (String, String) {
    let mut device = Recorder::new(two(SoftConfig::default()), Vec::new());
    device.remark("two commands");
    let status = drive(&mut device);
    let (_, text) = device.finish().unwrap();
    (String::from_utf8(text).unwrap(), status)
}

#[test]
fn the_text_by_hand() {
    let (text, _) = recording();
    let irb = format!("00c04007000010100c00000000800000{}", "00".repeat(80));
    let pmcw = "000000000081000080008080 0000ff80 0000000000000000 00000001".replace(' ', "");
    let schib = format!("{pmcw}00c00000000010100c000000{}", "00".repeat(12));
    let expected = format!(
        "vfio-ccw exchange 1\n\
         can async schib crw request reset\n\
         # two commands\n\
         start 0000000100c2800000001000 000040000000000000000000 = ok\n\
         take io = 1\n\
         irb = {irb}\n\
         schib = {schib}\n\
         crw = none\n\
         reset = ok\n\
         start 0000000100c6800000001000 000040000000000000000000 = EOPNOTSUPP\n"
    );
    assert_eq!(text, expected);
}

#[test]
fn what_was_recorded_is_played_back() {
    let (text, status) = recording();
    let mut device = Replayer::parse(&text).unwrap();
    assert_eq!(drive(&mut device), status);
    assert_eq!(device.finish(), Ok(()));
}

#[test]
fn a_loop_that_polls_finds_the_signals() {
    let text = "vfio-ccw exchange 1\ncan crw\nhalt = ok\ntake io = 3\ntake io = 0\n";
    let mut device = Replayer::parse(text).unwrap();
    let fd = |source, device: &Replayer| {
        let fd = device.event_fd(source)?.try_clone_to_owned();
        Some(File::from(fd.unwrap()))
    };
    let mut io = fd(Source::Io, &device).unwrap();
    assert!(fd(Source::Crw, &device).is_some());
    assert!(fd(Source::Request, &device).is_none());
    let mut ready = |reason| match io.read(&mut [0; 8]) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::WouldBlock, "{reason}");
            false
        }
    };
    assert!(!ready("before the halt"));
    device.async_command(AsyncCommand::Halt).unwrap();
    assert!(ready("a recorded signal"));
    assert_eq!(device.acknowledge(Source::Io), Ok(3));
    assert!(!ready("a recorded look that found nothing"));
    assert_eq!(device.acknowledge(Source::Io), Ok(0));
    assert_eq!(device.finish(), Ok(()));

    let device = Replayer::parse("vfio-ccw exchange 1\ncan\ntake io = 1\n").unwrap();
    let mut io = fd(Source::Io, &device).unwrap();
    assert_eq!(io.read(&mut [0; 8]).unwrap(), 8, "at the very beginning");
}

#[test]
fn the_first_divergence_is_named() {
    let (text, _) = recording();
    let mut device = Replayer::parse(&text).unwrap();
    let mut other = orb(0x80);
    other[11] = 8;
    assert_eq!(device.start(&other, &START), Err(errno(Errno::EIO)));
    let asked_again = device.start(&orb(0x80), &START);
    assert_eq!(
        asked_again,
        Err(errno(Errno::EIO)),
        "and nothing is right after it"
    );
    let Err(Divergence::Other {
        line,
        recorded,
        asked,
    }) = device.finish()
    else {
        panic!("it diverged")
    };
    assert_eq!(line, 4);
    assert_eq!(
        recorded,
        "start 0000000100c2800000001000 000040000000000000000000"
    );
    assert_eq!(
        asked,
        "start 0000000100c2800000001008 000040000000000000000000"
    );
}

#[test]
fn too_little_and_too_much() {
    let text = "vfio-ccw exchange 1\ncan\n\n# nothing\nreset = errno 4095\n";
    let unasked = Replayer::parse(text).unwrap().finish().unwrap_err();
    let recorded = "reset".to_owned();
    assert_eq!(unasked, Divergence::Unasked { line: 5, recorded });
    let mut device = Replayer::parse(text).unwrap();
    assert_eq!(device.reset(), Err(errno(Errno(4095))));
    assert_eq!(device.acknowledge(Source::Crw), Err(Errno::EIO));
    let asked = "take crw".to_owned();
    assert_eq!(device.finish(), Err(Divergence::End { asked }));
}

#[test]
fn what_is_no_recording() {
    let rows = [
        ("", "line 1: not a recording of version 1"),
        (
            "vfio-ccw exchange 2\ncan\n",
            "line 1: not a recording of version 1",
        ),
        ("vfio-ccw exchange 1\n", "line 2: not what a device can do"),
        (
            "vfio-ccw exchange 1\ncan fly\n",
            "line 2: not what a device can do",
        ),
        (
            "vfio-ccw exchange 1\ncan\nreset\n",
            "line 3: no request and answer",
        ),
        (
            "vfio-ccw exchange 1\ncan\n\nstop = ok\n",
            "line 4: not a request",
        ),
        (
            "vfio-ccw exchange 1\ncan\nirb = ok\n",
            "line 3: not an answer to that request",
        ),
    ];
    for (text, message) in rows {
        assert_eq!(Replayer::parse(text).unwrap_err().to_string(), message);
    }
}

/// A disk that is full does not disturb the device, and the recording says that it is none.
#[test]
fn a_recording_that_cannot_be_written() {
    struct Full(u32);
    impl io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.0.checked_sub(1) {
                Some(left) => self.0 = left,
                None => return Err(ErrorKind::StorageFull.into()),
            }
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut device = Recorder::new(two(SoftConfig::default()), Full(9));
    assert_eq!(drive(&mut device), "00c04007 00001010 0c000000");
    let error = device.finish().map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
}
