// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Command policies: each condition by name, with the status that the guest sees, and what the device
//! did before and does not do behind it.

mod conditions;
mod linux;
mod parameters;
mod parts;
mod run;
mod transport;
mod ways;

use ccw::DeviceClass;
use ccw_kit::program::GuestProgram;
use translator::{Blocks, CommandPolicy, Track, Tracks};

use run::passes;

/// Where the parameters of these programs lie.
const EXTENT: u64 = 0x2000;
const LOCATE: u64 = 0x2010;
const SEEK: u64 = 0x2030;

/// DEFINE EXTENT and LOCATE RECORD, chained, before whatever comes.
const FIND: &str = "63400010 00002000 47400010 00002010";
/// Cylinder 1 and the first five tracks of cylinder 2.
fn minidisk() -> CommandPolicy {
    let tracks = Tracks::new(Track::new(1, 0), Track::new(2, 4)).expect("in this order");
    CommandPolicy::read_write(tracks)
}

/// For a disk, with the extent 1.0 to 2.4, and a location on track 1.0 that reads one track.
fn ckd(ccws: &str) -> GuestProgram {
    GuestProgram::format1(ccws)
        .device(DeviceClass::Eckd)
        .commands(minidisk())
        .put(EXTENT, "C0C00000 00000000 00010000 00020004")
        .put(LOCATE, "4C000001 00010000 00010000 00000000")
        .put(SEEK, "00000001 0000")
}

/// For a fixed-block disk of which blocks 10 to 29 are the guest's; extent 20 to 29.
fn fba(ccws: &str) -> GuestProgram {
    let blocks = Blocks::new(10, 29).expect("in this order");
    GuestProgram::format1(ccws)
        .device(DeviceClass::Fba)
        .commands(CommandPolicy::read_write(blocks))
        .put(EXTENT, "C0000000 00000014 00000000 00000009")
        .put(LOCATE, "06000001 00000003")
}
#[test]
fn what_allows_everything_changes_nothing() {
    let everything = CommandPolicy::everything(DeviceClass::Eckd);
    assert!(everything.is_everything() && !minidisk().is_everything());
    let program = ckd("1A400005 00003000 B4200020 00003000").commands(everything);
    passes(&program, &[0x1a, 0xb4]);
}
