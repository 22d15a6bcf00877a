//! What commands mean to the devices that we know by name.

use crate::Command;

/// Kind of device, as far as the meaning of command codes depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum DeviceClass {
    /// Nothing is known of the device.
    #[default]
    Unknown,
    /// Count-key-data disk: 3330, 3380, 3390.
    Eckd,
    /// Fixed-block disk: 3370, 9336.
    Fba,
    /// Tape: 3480, 3490, 3590.
    Tape,
    /// 3270 display, 3215 console.
    Terminal,
    /// Card reader, punch, printer: 3505, 3525, 1403, 3211.
    UnitRecord,
    /// Channel-to-channel adapter: 3088.
    Ctc,
    /// virtio-ccw device.
    Virtio,
}

impl DeviceClass {
    /// Whether `command` may end with status modifier on such a device, so that the channel skips
    /// a CCW: the search commands of a count-key-data disk, or of what may be one.
    pub const fn may_skip(self, command: Command) -> bool {
        matches!(self, Self::Eckd | Self::Unknown)
            && matches!(
                command.0 & 0x7f,
                0x25 | 0x29
                    | 0x2d
                    | 0x31
                    | 0x35
                    | 0x39
                    | 0x45
                    | 0x49
                    | 0x4d
                    | 0x51
                    | 0x55
                    | 0x65
                    | 0x69
                    | 0x6d
                    | 0x71
                    | 0x75
            )
    }

    /// Whether `command` is known to end at once without asking for data, whatever its count.
    pub const fn is_immediate(self, command: Command) -> bool {
        match self {
            Self::Tape => matches!(
                command.0,
                0x03 | 0x07 | 0x0f | 0x17 | 0x1f | 0x27 | 0x2f | 0x37 | 0x3f | 0x97
            ),
            Self::UnitRecord => command.0 & 0x07 == 0x03,
            _ => command.0 == 0x03,
        }
    }
}
