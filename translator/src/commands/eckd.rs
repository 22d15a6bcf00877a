// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Count-key-data disks: which commands lead where. "Internal Disk Subsystem Reference Guide"
//! (SA22-1025), "3990 Storage Control Reference".

use ccw::Command;

use super::{CommandPolicy, Place, Refusal, State, Track};
use crate::Code;

/// Heads of a cylinder.
const HEADS: u16 = 15;

/// What a command has to do with tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing.
    Apart,
    Seek,
    SeekHead,
    /// To the first track of the volume.
    Recalibrate,
    /// The same, and reads there.
    ReadIpl,
    FileMask,
    DefineExtent,
    Locate,
    LocateExtended,
    Prefix,
    Subsystem,
    /// Uses the track at hand.
    Track,
    /// Uses it and goes on with the next ones.
    Tracks,
}

/// Commands of which it is known where they lead.
pub(super) const KNOWN: &[u8] = &[
    0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0a, 0x0b, 0x0d, 0x0e, 0x11, 0x12, 0x13, 0x15, 0x16, 0x1a,
    0x1b, 0x1d, 0x1e, 0x1f, 0x22, 0x23, 0x24, 0x27, 0x29, 0x2d, 0x31, 0x34, 0x39, 0x3e, 0x47, 0x49,
    0x4b, 0x4d, 0x4e, 0x51, 0x54, 0x5b, 0x5e, 0x63, 0x64, 0x69, 0x6d, 0x71, 0x85, 0x86, 0x8d, 0x8e,
    0x92, 0x95, 0x96, 0x9a, 0x9d, 0x9e, 0xa5, 0xa6, 0xa9, 0xad, 0xaf, 0xb1, 0xb9, 0xc9, 0xcd, 0xd1,
    0xde, 0xe4, 0xe7, 0xe9, 0xed, 0xf1, 0xfa,
];

impl Kind {
    const fn of(command: Command) -> Self {
        match command.0 {
            0x02 => Self::ReadIpl,
            0x07 | 0x0b => Self::Seek,
            0x1b => Self::SeekHead,
            0x13 => Self::Recalibrate,
            0x1f => Self::FileMask,
            0x63 => Self::DefineExtent,
            0x47 => Self::Locate,
            0x4b => Self::LocateExtended,
            0xe7 => Self::Prefix,
            0x27 => Self::Subsystem,
            // Data, key and data, count, all three, record 0, home address, several records.
            0x06 | 0x0e | 0x12 | 0x1e | 0x16 | 0x1a | 0x0a | 0x5e => Self::Track,
            // Searches.
            0x29 | 0x2d | 0x31 | 0x39 | 0x49 | 0x4d | 0x51 | 0x69 | 0x6d | 0x71 => Self::Track,
            // Writes.
            0x05 | 0x0d | 0x11 | 0x15 | 0x1d => Self::Track,
            // The same with the multitrack bit; whole tracks; the next track.
            0x85 | 0x86 | 0x8d | 0x8e | 0x92 | 0x95 | 0x96 | 0x9a | 0x9d | 0x9e | 0xa5 | 0xa6 => {
                Self::Tracks
            }
            0xa9 | 0xad | 0xb1 | 0xb9 | 0xc9 | 0xcd | 0xd1 | 0xde | 0xe9 | 0xed | 0xf1 => {
                Self::Tracks
            }
            _ => Self::Apart,
        }
    }
}

/// Data, key and data, count, key and data, whole tracks, record 0, home address, erasing.
pub(super) fn is_write(command: Command) -> bool {
    matches!(
        command.0,
        0x01 | 0x05 | 0x09 | 0x0d | 0x11 | 0x15 | 0x19 | 0x1d | 0x85 | 0x8d | 0x95 | 0x9d | 0xa5
    )
}

/// Bytes of DEFINE EXTENT, of LOCATE RECORD and its extended form, and of what stands before them in
/// PREFIX.
const EXTENT: u16 = 16;
const LOCATE: u16 = 16;
const LOCATE_EXTENDED: u16 = 20;
const PREFIX: u16 = 12;
/// In PREFIX the extent has the longer form.
const PREFIX_LOCATE: u16 = PREFIX + 32;

/// How many bytes of parameters are looked at, at least.
pub(super) fn parameters(command: Command) -> Option<u16> {
    Some(match Kind::of(command) {
        Kind::Seek | Kind::SeekHead => 6,
        Kind::FileMask => 1,
        Kind::DefineExtent => EXTENT,
        Kind::Locate => LOCATE,
        Kind::LocateExtended => LOCATE_EXTENDED,
        Kind::Prefix => PREFIX_LOCATE,
        Kind::Subsystem => 2,
        _ => return None,
    })
}

/// What `state` is behind `command` with the parameters `bytes`, which are as many as are looked at.
pub(super) fn step(
    policy: &CommandPolicy,
    state: State,
    command: Command,
    bytes: &[u8],
) -> Result<State, Refusal> {
    let judge = Judge { policy, bytes };
    let inside = |place, state: State| State {
        place,
        held: state.extent,
        ..state
    };
    let first = Track::new(0, 0);
    match Kind::of(command) {
        Kind::Apart => Ok(state),
        Kind::Seek => {
            if judge.bytes(0) != [0, 0] {
                return Err(judge.refuse(Code::PolicyExtent, 0, (0, 15), 6));
            }
            let track = judge.track(2);
            judge.inside(track, 2, 6)?;
            Ok(inside(Place::Cylinder(track.cylinder), state))
        }
        Kind::SeekHead => {
            let [h, hh] = judge.bytes(4);
            let head = u16::from_be_bytes([h, hh]);
            match state.place {
                Place::Cylinder(cylinder) => {
                    judge.head(Track::new(cylinder, head))?;
                    Ok(inside(state.place, state))
                }
                // The device knows.
                Place::Inside if state.extent && state.held => Ok(state),
                _ if policy.tracks().is_none() => Ok(state),
                _ => Err(Refusal::of(Code::PolicyUnconfined)),
            }
        }
        Kind::Recalibrate | Kind::ReadIpl => {
            if policy
                .tracks()
                .is_some_and(|tracks| !tracks.contains(first))
            {
                return Err(Refusal::of(Code::PolicyExtent));
            }
            Ok(State {
                // READ IPL sets the file mask anew; that an extent outlasts that is not relied upon.
                extent: state.extent && Kind::of(command) == Kind::Recalibrate,
                held: false,
                place: Place::Cylinder(0),
            })
        }
        Kind::FileMask => judge.mask(0, 1).map(|()| state),
        Kind::DefineExtent => judge.extent(0, EXTENT).map(|()| State {
            extent: true,
            ..state
        }),
        Kind::Locate => {
            judge.locate(state, 0, LOCATE, false)?;
            Ok(inside(Place::Inside, state))
        }
        Kind::LocateExtended => {
            judge.locate(state, 0, LOCATE_EXTENDED, true)?;
            Ok(inside(Place::Inside, state))
        }
        Kind::Prefix => judge.prefix(state),
        Kind::Subsystem => {
            // Preparing to read what the control unit says of itself.
            if judge.byte(0) == 0x18 {
                Ok(state)
            } else {
                Err(judge.refuse(Code::PolicyParameters, 0, (0, 7), 2))
            }
        }
        Kind::Track | Kind::Tracks if policy.tracks().is_none() => Ok(state),
        Kind::Track if state.place != Place::Unknown => Ok(state),
        Kind::Tracks if goes_on(policy, state) => Ok(state),
        Kind::Track | Kind::Tracks => Err(Refusal::of(Code::PolicyUnconfined)),
    }
}

/// Whether a command that goes on with the next track stays within the guest's: the device sees to
/// it, or all of the cylinder from here on is the guest's. Without LOCATE RECORD, which needs an
/// extent, none goes on behind the end of the cylinder.
fn goes_on(policy: &CommandPolicy, state: State) -> bool {
    let end = |cylinder| Track::new(cylinder, HEADS - 1);
    match (state.place, policy.tracks()) {
        (Place::Unknown, _) => false,
        _ if state.extent && state.held => true,
        (Place::Cylinder(cylinder), Some(tracks)) => end(cylinder) <= tracks.last,
        _ => false,
    }
}

/// The parameters of one command.
struct Judge<'a> {
    policy: &'a CommandPolicy,
    bytes: &'a [u8],
}

impl Judge<'_> {
    fn byte(&self, at: u16) -> u8 {
        self.bytes.get(usize::from(at)).copied().unwrap_or(0)
    }

    fn bytes<const N: usize>(&self, at: u16) -> [u8; N] {
        let rest = self.bytes.get(usize::from(at)..).unwrap_or(&[]);
        rest.first_chunk().copied().unwrap_or([0; N])
    }

    /// The track whose address is at `at`: twelve bits of the head's halfword belong to the cylinder.
    fn track(&self, at: u16) -> Track {
        let [c, cc, h, hh] = self.bytes(at);
        let (low, high) = (u16::from_be_bytes([c, cc]), u16::from_be_bytes([h, hh]));
        Track::new(u32::from(high >> 4) << 16 | u32::from(low), high & 0xf)
    }

    fn refuse(&self, code: Code, at: u16, bits: (u8, u8), taken: u16) -> Refusal {
        Refusal {
            code,
            bits: Some((at, bits)),
            taken,
        }
    }

    /// Whether `track`, whose address is at `at`, is the guest's.
    fn inside(&self, track: Track, at: u16, taken: u16) -> Result<(), Refusal> {
        match self.policy.tracks() {
            Some(tracks) if !tracks.contains(track) => {
                Err(self.refuse(Code::PolicyExtent, at, (0, 31), taken))
            }
            _ => Ok(()),
        }
    }

    /// The same of a head in the cylinder at hand.
    fn head(&self, track: Track) -> Result<(), Refusal> {
        match self.policy.tracks() {
            Some(tracks) if !tracks.contains(track) || track.head > 0xf => {
                Err(self.refuse(Code::PolicyExtent, 4, (0, 15), 6))
            }
            _ => Ok(()),
        }
    }

    /// A file mask: with any but normal authorization the device looks at no extent.
    fn mask(&self, at: u16, taken: u16) -> Result<(), Refusal> {
        if self.byte(at) & 0x06 != 0 {
            return Err(self.refuse(Code::PolicyParameters, at, (5, 6), taken));
        }
        Ok(())
    }

    /// DEFINE EXTENT.
    fn extent(&self, at: u16, taken: u16) -> Result<(), Refusal> {
        self.mask(at, taken)?;
        // What is not extended count-key-data has other parameters.
        if self.byte(at + 1) & 0xc0 != 0xc0 {
            return Err(self.refuse(Code::PolicyParameters, at + 1, (0, 1), taken));
        }
        self.inside(self.track(at + 8), at + 8, taken)?;
        self.inside(self.track(at + 12), at + 12, taken)
    }

    /// LOCATE RECORD, or its extended form.
    fn locate(&self, state: State, at: u16, taken: u16, extended: bool) -> Result<(), Refusal> {
        let (code, bits, writes) = match self.byte(at) & 0x3f {
            0x00 | 0x06 | 0x0c | 0x16 => (at, (2, 7), false),
            0x01 | 0x03 | 0x0b => (at, (2, 7), true),
            0x3f if extended => match self.byte(at + 17) {
                // Any record; a set of tracks.
                0x0a | 0x0e => (at + 17, (0, 7), false),
                0x09 | 0x11 | 0x13 => (at + 17, (0, 7), true),
                // Reading into the cache goes beyond the extent.
                _ => return Err(self.refuse(Code::PolicyParameters, at + 17, (0, 7), taken)),
            },
            _ => return Err(self.refuse(Code::PolicyParameters, at, (2, 7), taken)),
        };
        if writes && !self.policy.writes {
            return Err(self.refuse(Code::PolicyReadOnly, code, bits, taken));
        }
        if self.policy.tracks().is_some() && !state.extent {
            return Err(Refusal {
                taken,
                ..Refusal::of(Code::PolicyUnconfined)
            });
        }
        self.inside(self.track(at + 4), at + 4, taken)
    }

    /// PREFIX: an extent, and in format 1 a location.
    fn prefix(&self, mut state: State) -> Result<State, Refusal> {
        const DEFINES_EXTENT: u8 = 0x80;
        // A time stamp, and a comparison with the base volume. A bit of the others sends the program to
        // another volume.
        const HARMLESS: u8 = 0xe0;
        let (format, valid) = (self.byte(0), self.byte(1));
        let taken = match format {
            0 => PREFIX_LOCATE,
            1 => PREFIX_LOCATE + LOCATE_EXTENDED,
            _ => return Err(self.refuse(Code::PolicyParameters, 0, (0, 7), PREFIX)),
        };
        if valid & !HARMLESS != 0 {
            return Err(self.refuse(Code::PolicyParameters, 1, (3, 7), taken));
        }
        if self.bytes.len() < usize::from(taken) {
            return Err(Refusal {
                taken,
                ..Refusal::of(Code::PolicyParameters)
            });
        }
        if valid & DEFINES_EXTENT != 0 {
            self.extent(PREFIX, taken)?;
            state.extent = true;
        }
        if format == 1 {
            self.locate(state, PREFIX_LOCATE, taken, true)?;
            state.place = Place::Inside;
            state.held = state.extent;
        }
        Ok(state)
    }
}
