// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Tiny device images and dumps, written afresh for each test.

mod dumps;

use std::fs;
use std::path::{Path, PathBuf};

/// A directory with `tape.aws`, `disk.fba`, `disk.ckd` and `printer.txt`, and with dumps of one guest,
/// some of them damaged; removed when dropped.
pub(crate) struct Images {
    path: PathBuf,
}

impl Images {
    /// Writes the images; `name` must differ from test to test.
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("tape.aws"), tape()).unwrap();
        fs::write(path.join("disk.fba"), disk()).unwrap();
        fs::write(path.join("disk.ckd"), volume()).unwrap();
        fs::write(path.join("printer.txt"), "").unwrap();
        let core = dumps::core();
        let lzo = dumps::kdump(&[(&[0; dumps::PAGE], dumps::Way::Other(2))]);
        for (name, bytes) in [
            ("guest.elf", core.as_slice()),
            ("guest.kdump", &dumps::compressed()),
            ("guest.image", &dumps::storage()),
            ("cut.elf", core.get(..core.len() - 1).unwrap_or_default()),
            ("lzo.kdump", &lzo),
            ("flat.kdump", b"makedumpfile\0\0\0\0"),
            ("empty.elf", &dumps::elf(&[(0, &[0; dumps::PAGE], 4096)])),
        ] {
            fs::write(path.join(name), bytes).unwrap();
        }
        // Of which nothing is on the disk.
        let large = fs::File::create(path.join("large.image")).unwrap();
        large.set_len(65 << 20).unwrap();
        Self { path }
    }

    /// The directory.
    pub(crate) fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

impl Drop for Images {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A tape in AWS format: the block `VOL1TAPE01` in EBCDIC, padded to 80 bytes; a tape mark; a
/// block of 200 bytes 00 to C7; two tape marks.
///
/// Each block has a header of six bytes: its length and that of the block before, both
/// little-endian, then A0 00 for a whole block or 40 00 for a tape mark.
fn tape() -> Vec<u8> {
    let mut label = b"\xe5\xd6\xd3\xf1\xe3\xc1\xd7\xc5\xf0\xf1".to_vec();
    label.resize(80, 0x40);
    let mut tape = vec![80, 0, 0, 0, 0xa0, 0];
    tape.extend(label);
    tape.extend([0, 0, 80, 0, 0x40, 0]);
    tape.extend([200, 0, 0, 0, 0xa0, 0]);
    tape.extend(0..200);
    tape.extend([0, 0, 200, 0, 0x40, 0]);
    tape.extend([0, 0, 0, 0, 0x40, 0]);
    tape
}

/// A disk of 2048 blocks of 512 bytes, each of which begins with its number.
fn disk() -> Vec<u8> {
    let mut disk = Vec::new();
    for block in 0..2048u32 {
        let start = disk.len();
        disk.extend(block.to_be_bytes());
        disk.resize(start + 512, 0xd8);
    }
    disk
}

/// A volume of one cylinder, in the format that dasdinit writes: on each track record 0, and twelve
/// records of 4096 bytes that begin with track and number.
fn volume() -> Vec<u8> {
    const TRACK: u32 = 56_832;
    let mut volume = b"CKD_P370".to_vec();
    volume.extend(15_u32.to_le_bytes());
    volume.extend(TRACK.to_le_bytes());
    volume.push(0x90);
    volume.resize(512, 0);
    for head in 0..15 {
        let address = [0, 0, 0, head];
        volume.extend([&[0][..], &address, &address, &[0, 0, 0, 8], &[0; 8]].concat());
        for r in 1..=12 {
            volume.extend([&address[..], &[r, 0, 0x10, 0x00], &[head, r]].concat());
            volume.resize(volume.len() + 4094, 0x3b);
        }
        volume.extend([0xff; 8]);
        volume.resize(512 + TRACK as usize * (usize::from(head) + 1), 0);
    }
    volume
}
