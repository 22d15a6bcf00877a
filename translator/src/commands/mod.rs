// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which commands a guest may give its device, and how far they may reach: a volume that may only be
//! read, or a part of one.
//!
//! A command that may not be given is placed like any other error: the host's program stops there,
//! and the guest sees the unit check that a volume of its own would present. Where a command goes is
//! said by its parameters, so these are read once, judged, and given to the device from the copy
//! that was judged.
//!
//! The rest is confined by the device itself: it goes by the extent that the program defines, and so
//! that extent must lie within the guest's, and be defined before anything goes by it. A command
//! whose reach nothing decides is refused.

mod answer;
mod eckd;
mod fba;
mod judge;
mod parameters;
mod sense;
mod set;
mod state;
mod volume;

use ccw::{Class, Command, DeviceClass};

pub(crate) use judge::judge;
pub(crate) use parameters::{Commands, fetch};
pub(crate) use sense::sense;
use set::CommandSet;
use state::Place;
pub(crate) use state::State;
pub use volume::{Blocks, Track, Tracks, Volume};

/// Which commands a guest may give its device, and where they may lead.
///
/// Made once, for [`Guards::commands`](crate::Guards::commands). Without one every command passes,
/// and nothing is looked at.
///
/// ```
/// use ccw::{Command, DeviceClass};
/// use translator::{CommandPolicy, Track, Tracks};
///
/// // Cylinders 10 to 19 of a 3390, for reading.
/// let tracks = Tracks::new(Track::new(10, 0), Track::new(19, 14)).expect("in this order");
/// let policy = CommandPolicy::read_only(tracks);
/// assert!(policy.allows(Command(0x86)) && !policy.allows(Command(0x1d)));
/// // All of a tape.
/// let policy = CommandPolicy::read_write(DeviceClass::Tape);
/// assert!(policy.allows(Command(0x01)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandPolicy {
    volume: Volume,
    allowed: CommandSet,
    writes: bool,
}

impl CommandPolicy {
    /// Everything that the device understands.
    pub const fn everything(class: DeviceClass) -> Self {
        Self {
            volume: Volume::Whole(class),
            allowed: CommandSet::ALL,
            writes: true,
        }
    }

    /// What reads and writes a volume and asks what it is, and path groups: not what sets up the
    /// device or its control unit, marks tracks as defective, or takes the device away from others.
    ///
    /// Of a device other than a disk or a tape all that reads, senses and writes, and NO-OPERATION. For a
    /// part of a disk, only where it is known of the command that it stays there.
    pub fn read_write(volume: impl Into<Volume>) -> Self {
        let volume = volume.into();
        let allowed = match volume.class() {
            DeviceClass::Eckd => CommandSet::of(eckd::KNOWN),
            DeviceClass::Fba => CommandSet::of(fba::KNOWN),
            DeviceClass::Tape => CommandSet::of(TAPE_READS).union(CommandSet::of(TAPE_WRITES)),
            _ => CommandSet::by(|command| {
                let class = command.class();
                class != Class::Control || command == Command::NOP
            }),
        };
        Self {
            volume,
            allowed,
            writes: true,
        }
    }

    /// The same without what writes: the medium stays as it is.
    pub fn read_only(volume: impl Into<Volume>) -> Self {
        Self {
            writes: false,
            ..Self::read_write(volume)
        }
    }

    /// With `command`, whatever it does: where a command leads that is not known here is then for the
    /// caller to answer for.
    #[must_use]
    pub fn allow(mut self, command: Command) -> Self {
        self.allowed.insert(command);
        self
    }

    /// Without `command`.
    #[must_use]
    pub fn deny(mut self, command: Command) -> Self {
        self.allowed.remove(command);
        self
    }

    /// What of the device the guest has.
    pub const fn volume(&self) -> Volume {
        self.volume
    }

    /// Whether `command` may be given at all; where it leads is another question.
    pub fn allows(&self, command: Command) -> bool {
        self.allowed.contains(command) && (self.writes || !self.is_write(command))
    }

    /// Whether every program passes, so that none need be looked at.
    pub fn is_everything(&self) -> bool {
        let whole = matches!(self.volume, Volume::Whole(_));
        self.writes && self.allowed == CommandSet::ALL && whole
    }

    /// A number that is another for another policy, and stays the same from version to version: to find
    /// out whether a guest is still confined as it was. It is no secret, and holds nobody off who picks
    /// policies to be alike. FNV-1a of what the policy says.
    pub fn digest(&self) -> u128 {
        let class = match self.class() {
            DeviceClass::Unknown => 0,
            DeviceClass::Eckd => 1,
            DeviceClass::Fba => 2,
            DeviceClass::Tape => 3,
            DeviceClass::Terminal => 4,
            DeviceClass::UnitRecord => 5,
            DeviceClass::Ctc => 6,
            DeviceClass::Virtio => 7,
        };
        let track = |it: Track| u64::from(it.cylinder) << 16 | u64::from(it.head);
        let tracks = self
            .tracks()
            .map_or([0; 3], |it| [1, track(it.first), track(it.last)]);
        let blocks = self
            .blocks()
            .map_or([0; 3], |it| [1, it.first.into(), it.last.into()]);
        let words = [class, u64::from(self.writes)].into_iter();
        let words = words
            .chain(self.allowed.words())
            .chain(tracks)
            .chain(blocks);
        words.flat_map(u64::to_be_bytes).fold(
            0x6c62_272e_07bb_0142_62b8_2175_6295_c58d,
            |hash, byte| {
                (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
            },
        )
    }

    pub(crate) fn class(&self) -> DeviceClass {
        self.volume.class()
    }

    /// The tracks that the guest has, if these are not all.
    fn tracks(&self) -> Option<Tracks> {
        match self.volume {
            Volume::Tracks(tracks) => Some(tracks),
            _ => None,
        }
    }

    /// The blocks that the guest has, if these are not all.
    fn blocks(&self) -> Option<Blocks> {
        match self.volume {
            Volume::Blocks(blocks) => Some(blocks),
            _ => None,
        }
    }

    /// Whether `command` changes the medium.
    fn is_write(&self, command: Command) -> bool {
        match self.class() {
            DeviceClass::Eckd => eckd::is_write(command),
            DeviceClass::Fba => fba::is_write(command),
            DeviceClass::Tape => TAPE_WRITES.contains(&command.0),
            _ => command.class() == Class::Write,
        }
    }

    /// How many bytes of parameters of `command` are looked at; none of those of most commands.
    fn parameters(&self, command: Command) -> Option<u16> {
        match self.class() {
            DeviceClass::Eckd => eckd::parameters(command),
            DeviceClass::Fba => fba::parameters(command),
            _ => None,
        }
    }
}

/// Reading, moving and describing a tape.
const TAPE_READS: &[u8] = &[
    0x02, 0x03, 0x04, 0x06, 0x07, 0x0a, 0x0c, 0x0f, 0x12, 0x22, 0x24, 0x27, 0x2f, 0x34, 0x37, 0x3e,
    0x3f, 0x43, 0x4e, 0x4f, 0x5b, 0x62, 0x64, 0x9f, 0xaf, 0xb7, 0xc2, 0xc7, 0xcf, 0xd3, 0xdb, 0xe4,
    0xfa,
];
/// Writing and erasing; tape marks.
const TAPE_WRITES: &[u8] = &[0x01, 0x17, 0x1f, 0x97];

/// Why a command is not given to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: crate::Code,
    /// The bytes of the parameters that decide, if any do: number of the first one, and the bits from
    /// there on.
    pub(crate) bits: Option<(u16, (u8, u8))>,
    /// Bytes that a device takes before it refuses the command.
    pub(crate) taken: u16,
}

impl Refusal {
    pub(crate) const fn of(code: crate::Code) -> Self {
        Self {
            code,
            bits: None,
            taken: 0,
        }
    }
}
