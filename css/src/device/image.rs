// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a disk or tape model keeps its data on.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::bytes::put;

/// Bytes that can be read, written and cut off. A write behind the end fills the gap with zeros.
pub trait Image {
    /// Number of bytes.
    fn len(&mut self) -> io::Result<u64>;

    /// Cuts off, or extends with zeros.
    fn set_len(&mut self, len: u64) -> io::Result<()>;

    /// Fills `bytes` from `offset` on; an error if there are fewer.
    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;

    /// Writes `bytes` from `offset` on.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Whether there is not a byte.
    fn is_empty(&mut self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

impl Image for File {
    fn len(&mut self) -> io::Result<u64> {
        self.seek(SeekFrom::End(0))
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(offset))?;
        self.read_exact(bytes)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(offset))?;
        self.write_all(bytes)
    }
}

impl Image for Vec<u8> {
    fn len(&mut self) -> io::Result<u64> {
        Ok(Vec::len(self) as u64)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        self.resize(len, 0);
        Ok(())
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(offset).ok();
        let source = from.and_then(|from| self.get(from..from.checked_add(bytes.len())?));
        bytes.copy_from_slice(source.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let from = usize::try_from(offset).map_err(io::Error::other)?;
        let to = from
            .checked_add(bytes.len())
            .ok_or(io::ErrorKind::InvalidInput)?;
        if to > Vec::len(self) {
            self.resize(to, 0);
        }
        if let Some(target) = self.get_mut(from..to) {
            target.copy_from_slice(bytes);
        }
        Ok(())
    }
}

const BLOCK: u64 = 512;
const BLOCK_BYTES: usize = 512;

/// Keeps every change in memory, so that the image behind stays as it is.
#[derive(Debug)]
pub struct Overlay<I> {
    image: I,
    len: u64,
    /// Bytes of the image behind that still count: it was never cut shorter than this.
    base: u64,
    blocks: BTreeMap<u64, [u8; BLOCK_BYTES]>,
}

impl<I: Image> Overlay<I> {
    /// `image` without changes.
    pub fn new(mut image: I) -> io::Result<Self> {
        let len = image.len()?;
        Ok(Self {
            image,
            len,
            base: len,
            blocks: BTreeMap::new(),
        })
    }

    /// The block `index` as it is now.
    fn block(&mut self, index: u64) -> io::Result<[u8; BLOCK_BYTES]> {
        if let Some(block) = self.blocks.get(&index) {
            return Ok(*block);
        }
        let mut block = [0; BLOCK_BYTES];
        let start = index * BLOCK;
        let there = usize::try_from(self.base.saturating_sub(start)).unwrap_or(BLOCK_BYTES);
        if let Some(there @ [_, ..]) = block.get_mut(..there.min(BLOCK_BYTES)) {
            self.image.read_at(start, there)?;
        }
        Ok(block)
    }
}

/// Calls `f` with each block that the `len` bytes at `offset` touch: its index, the part of it,
/// and the part of the bytes.
fn blocks(
    offset: u64,
    len: usize,
) -> impl Iterator<Item = (u64, std::ops::Range<usize>, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset.checked_add(done as u64)?;
        let start = usize::try_from(at % BLOCK).ok()?;
        let now = (BLOCK_BYTES - start).min(len - done);
        if now == 0 {
            return None;
        }
        let bytes = done..done + now;
        done += now;
        Some((at / BLOCK, start..start + now, bytes))
    })
}

impl<I: Image> Image for Overlay<I> {
    fn len(&mut self) -> io::Result<u64> {
        Ok(self.len)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        if len < self.len {
            if !len.is_multiple_of(BLOCK) {
                let mut block = self.block(len / BLOCK)?;
                let keep = usize::try_from(len % BLOCK).unwrap_or(0);
                block.get_mut(keep..).unwrap_or_default().fill(0);
                self.blocks.insert(len / BLOCK, block);
            }
            self.blocks.split_off(&len.div_ceil(BLOCK));
            self.base = self.base.min(len);
        }
        self.len = len;
        Ok(())
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(bytes.len() as u64);
        if end.is_none_or(|end| end > self.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for (index, part, target) in blocks(offset, bytes.len()) {
            let block = self.block(index)?;
            put(bytes, target.start, block.get(part).unwrap_or_default());
        }
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let end = offset
            .checked_add(bytes.len() as u64)
            .ok_or(io::ErrorKind::InvalidInput)?;
        for (index, part, source) in blocks(offset, bytes.len()) {
            let mut block = self.block(index)?;
            put(
                &mut block,
                part.start,
                bytes.get(source).unwrap_or_default(),
            );
            self.blocks.insert(index, block);
        }
        self.len = self.len.max(end);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(image: &mut dyn Image) -> Vec<u8> {
        let len = usize::try_from(image.len().unwrap()).unwrap();
        let mut bytes = vec![0; len];
        image.read_at(0, &mut bytes).unwrap();
        bytes
    }

    type Step = fn(&mut dyn Image);

    /// The same sequence on a plain image and on an overlay gives the same bytes.
    #[test]
    fn an_overlay_behaves_like_its_image_and_leaves_it_alone() {
        let base: Vec<u8> = (0..=255).cycle().take(1500).collect();
        let mut plain = base.clone();
        let mut overlay = Overlay::new(base.clone()).unwrap();
        let steps: [Step; 6] = [
            |image| image.write_at(510, &[1, 2, 3, 4]).unwrap(),
            |image| image.write_at(1499, &[5, 6]).unwrap(),
            |image| image.set_len(700).unwrap(),
            |image| image.set_len(1400).unwrap(),
            |image| image.write_at(2000, &[7]).unwrap(),
            |image| image.set_len(0).unwrap(),
        ];
        for step in steps {
            step(&mut plain);
            step(&mut overlay);
            assert_eq!(all(&mut overlay), all(&mut plain));
        }
        assert_eq!(overlay.image, base);
        assert!(overlay.is_empty().unwrap());
    }

    #[test]
    fn reading_behind_the_end_is_an_error() {
        let mut plain: Vec<u8> = vec![1, 2, 3];
        let mut overlay = Overlay::new(plain.clone()).unwrap();
        for image in [&mut plain as &mut dyn Image, &mut overlay] {
            assert!(image.read_at(2, &mut [0; 2]).is_err());
            assert!(image.read_at(u64::MAX, &mut [0; 2]).is_err());
        }
    }
}
