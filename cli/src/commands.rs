// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The options that say what a guest may do with its device.

use ccw::DeviceClass;
use translator::{Blocks, CommandPolicy, Track, Tracks, Volume};

use crate::input::{Input, InputError, Place};

/// What a guest may do with its device.
#[derive(clap::Args, Clone, Copy)]
pub(crate) struct Limits {
    /// The guest may only read the volume
    #[arg(long)]
    read_only: bool,
    /// The guest has only a part of the volume: tracks such as 10.0-19.14 (cylinder.head), or blocks
    /// such as 0-999
    #[arg(long, value_name = "FIRST-LAST", value_parser = extent)]
    extent: Option<Volume>,
}

/// Tracks of a cylinder.
const HEADS: u16 = 15;

impl Limits {
    /// `input` of a guest that has only this of its device.
    ///
    /// # Errors
    ///
    /// The device has no such parts.
    pub(crate) fn confine(self, mut input: Input) -> Result<Input, InputError> {
        let class = input.device_class();
        let reason = match self.extent {
            Some(Volume::Tracks(_)) if class != DeviceClass::Eckd => {
                "only a count-key-data disk has tracks"
            }
            Some(Volume::Blocks(_)) if class != DeviceClass::Fba => {
                "only a fixed-block disk has blocks"
            }
            _ => {
                let volume = self.extent.unwrap_or(Volume::Whole(class));
                input.commands = match (self.read_only, self.extent) {
                    (false, None) => None,
                    (true, _) => Some(CommandPolicy::read_only(volume)),
                    (false, Some(_)) => Some(CommandPolicy::read_write(volume)),
                };
                return Ok(input);
            }
        };
        Err(InputError {
            file: input.name,
            place: Place::Whole,
            reason: reason.to_owned(),
        })
    }
}

/// The extent that `text` names.
fn extent(text: &str) -> Result<Volume, String> {
    let tracks = |first, last| {
        let tracks = Tracks::new(track(first)?, track(last)?)?;
        Some(Volume::Tracks(tracks))
    };
    let blocks = |first: &str, last: &str| {
        let blocks = Blocks::new(first.parse().ok()?, last.parse().ok()?)?;
        Some(Volume::Blocks(blocks))
    };
    let parts = text.split_once('-');
    let extent =
        parts.and_then(|(first, last)| tracks(first, last).or_else(|| blocks(first, last)));
    extent.ok_or_else(|| {
        "two tracks such as 10.0-19.14 (heads 0-14), or two blocks such as 0-999, the lower one first"
            .to_owned()
    })
}

/// The track that `text` names.
fn track(text: &str) -> Option<Track> {
    let (cylinder, head) = text.split_once('.')?;
    let head = head.parse().ok().filter(|head| *head < HEADS)?;
    Some(Track::new(cylinder.parse().ok()?, head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_by_name() {
        let tracks = |c, h, cc, hh| {
            let tracks = Tracks::new(Track::new(c, h), Track::new(cc, hh)).unwrap();
            Ok(Volume::Tracks(tracks))
        };
        assert_eq!(extent("0.0-9.14"), tracks(0, 0, 9, 14));
        assert_eq!(extent("65536.3-65536.3"), tracks(65536, 3, 65536, 3));
        assert_eq!(
            extent("7-8"),
            Ok(Volume::Blocks(Blocks::new(7, 8).unwrap()))
        );
        for wrong in [
            "",
            "7",
            "7.1",
            "7.1-8",
            "7-8.1",
            "9.0-8.14",
            "8-7",
            "a-b",
            "-1-2",
            "1.2.3-4.5",
            "3.15-4.0",
        ] {
            assert!(extent(wrong).is_err(), "{wrong}");
        }
    }
}
