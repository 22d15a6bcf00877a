// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Memory of this process that a device, or a guest, may change at any time.

use std::any::Any;
use std::boxed::Box;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::backing::FileRange;
use super::map;
use crate::Errno;

const WORD: usize = size_of::<u64>();

/// Memory that stays mapped in this process as long as a clone of this handle exists.
///
/// It is accessed by copying only, in ascending order, word by word where it is aligned: a guest or
/// a device may write to it at the same moment, so there is never a reference to it.
///
/// ```
/// use pinning::{Errno, HostMemory};
///
/// let memory = HostMemory::anonymous(0x1000)?;
/// memory.write(0xffc, &[1, 2, 3, 4])?;
/// let mut bytes = [9; 2];
/// memory.read(0xffd, &mut bytes)?;
/// assert_eq!(bytes, [2, 3]);
/// assert_eq!(memory.write(0xffd, &bytes[..0]), Ok(()));
/// assert_eq!(memory.write(0xfff, &bytes), Err(Errno::EFAULT));
/// # Ok::<(), Errno>(())
/// ```
#[derive(Clone)]
pub struct HostMemory(pub(super) Arc<Block>);

/// `len` bytes at `start`.
pub(super) struct Block {
    pub(super) start: NonNull<u8>,
    pub(super) len: usize,
    pub(super) owner: Owner,
    /// The file that holds the bytes, if one does and every mapping of it shows them.
    pub(super) file: Option<FileRange>,
}

/// Who keeps a block mapped.
pub(super) enum Owner {
    /// The block itself: an anonymous mapping of its own.
    Mapping,
    /// Something that is dropped with the block.
    Kept(#[expect(dead_code, reason = "held for its drop")] Box<dyn Any + Send + Sync>),
}

// SAFETY: the memory is not bound to a thread (a mapping is the process's), its owner is `Send`, and
// no reference to the bytes is ever made.
unsafe impl Send for Block {}
// SAFETY: through `&Block` the bytes are accessed by atomic loads and stores only, so that accesses
// of several threads are no data race; the owner is `Sync`.
unsafe impl Sync for Block {}

impl HostMemory {
    /// `len` bytes of zeros, rounded up to whole pages, shared with children of this process (a
    /// page that a device has pinned must not be replaced by a copy).
    ///
    /// # Errors
    ///
    /// `EINVAL` for no bytes at all, `ENOMEM`.
    pub fn anonymous(len: usize) -> Result<Self, Errno> {
        let len = map::whole_pages(len)?;
        Ok(Self::of_mapping(map::anonymous(len)?, len, None))
    }

    /// The `len` bytes at `start`, such as a region of guest memory, which `owner` keeps mapped.
    ///
    /// # Safety
    ///
    /// Until `owner` is dropped,
    ///
    /// 1. `start..start + len` is mapped in this process for reading and writing, and
    /// 2. this process makes no reference (`&`, `&mut`) to any byte of it: what else accesses it
    ///    does so by volatile or atomic accesses.
    pub unsafe fn from_raw(start: NonNull<u8>, len: usize, owner: impl Any + Send + Sync) -> Self {
        let owner = Owner::Kept(Box::new(owner));
        let file = None;
        Self(Arc::new(Block {
            start,
            len,
            owner,
            file,
        }))
    }

    /// The mapping of `len` bytes at `start`, which becomes this memory's own.
    pub(super) fn of_mapping(start: NonNull<u8>, len: usize, file: Option<FileRange>) -> Self {
        let owner = Owner::Mapping;
        Self(Arc::new(Block {
            start,
            len,
            owner,
            file,
        }))
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// Where this process has it: what a kernel is told when it is mapped for a device.
    pub fn addr(&self) -> usize {
        self.0.start.as_ptr().addr()
    }

    /// Asks for huge pages: where the kernel gives them, many pages lie in consecutive frames and are
    /// pinned at once. To be called before the memory is used.
    ///
    /// # Errors
    ///
    /// `EINVAL` if this kernel, or this memory, has none.
    pub fn prefer_huge_pages(&self) -> Result<(), Errno> {
        map::prefer_huge_pages(self.0.start, self.0.len)
    }

    /// Copies from `offset` on into `bytes`.
    ///
    /// # Errors
    ///
    /// `EFAULT`, with nothing copied, if the range does not lie in this memory.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) -> Result<(), Errno> {
        let mut from = self.0.place(offset, bytes.len())?;
        let (head, words, tail) = split(from, bytes.len());
        let (first, rest) = bytes.split_at_mut(head);
        let (middle, last) = rest.split_at_mut(words * WORD);
        let (middle, _) = middle.as_chunks_mut::<WORD>();
        debug_assert_eq!(last.len(), tail);
        for byte in first {
            // SAFETY: `place` has checked that all `bytes.len()` bytes lie in the block.
            *byte = unsafe { load_byte(&mut from) };
        }
        for word in middle {
            // SAFETY: as above, and `split` has aligned `from`.
            *word = unsafe { load_word(&mut from) };
        }
        for byte in last {
            // SAFETY: as above.
            *byte = unsafe { load_byte(&mut from) };
        }
        Ok(())
    }

    /// Copies `bytes` to `offset` on.
    ///
    /// # Errors
    ///
    /// `EFAULT`, with nothing copied, if the range does not lie in this memory.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), Errno> {
        let mut to = self.0.place(offset, bytes.len())?;
        let (head, words, _) = split(to, bytes.len());
        let (first, rest) = bytes.split_at(head);
        let (middle, last) = rest.split_at(words * WORD);
        let (middle, _) = middle.as_chunks::<WORD>();
        for byte in first {
            // SAFETY: `place` has checked that all `bytes.len()` bytes lie in the block.
            unsafe { store_byte(&mut to, *byte) };
        }
        for word in middle {
            // SAFETY: as above, and `split` has aligned `to`.
            unsafe { store_word(&mut to, *word) };
        }
        for byte in last {
            // SAFETY: as above.
            unsafe { store_byte(&mut to, *byte) };
        }
        Ok(())
    }
}

impl fmt::Debug for HostMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostMemory({:#x} bytes)", self.0.len)
    }
}

impl Block {
    /// The address of byte `offset`, if `len` bytes from there lie in the block.
    pub(super) fn place(&self, offset: usize, len: usize) -> Result<*mut u8, Errno> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len => Ok(self.start.as_ptr().wrapping_add(offset)),
            _ => Err(Errno::EFAULT),
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if matches!(self.owner, Owner::Mapping) {
            // SAFETY: the mapping is this block's own, as `of_mapping` was promised, and no handle is
            // left through which it could be accessed.
            let result = unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
            debug_assert_eq!(result, 0, "unmapping what was mapped");
        }
    }
}

/// `len` bytes at `at`: how many come before the first aligned word, how many words, and how many
/// bytes behind them.
fn split(at: *mut u8, len: usize) -> (usize, usize, usize) {
    let head = at.align_offset(align_of::<AtomicU64>()).min(len);
    (head, (len - head) / WORD, (len - head) % WORD)
}

/// Loads the byte at `at`, and moves on.
///
/// # Safety
///
/// `at` leads into a [`Block`].
unsafe fn load_byte(at: &mut *mut u8) -> u8 {
    // SAFETY: mapped for reading and writing (the block's promise), any address is aligned, and all
    // accesses through the block are atomic.
    let byte = unsafe { AtomicU8::from_ptr(*at) }.load(Ordering::Relaxed);
    *at = at.wrapping_add(1);
    byte
}

/// Stores into the byte at `at`, and moves on.
///
/// # Safety
///
/// `at` leads into a [`Block`].
unsafe fn store_byte(at: &mut *mut u8, byte: u8) {
    // SAFETY: as in `load_byte`.
    unsafe { AtomicU8::from_ptr(*at) }.store(byte, Ordering::Relaxed);
    *at = at.wrapping_add(1);
}

/// Loads the word at `at`, and moves on.
///
/// # Safety
///
/// `at` is aligned for a word, and leads to a whole one in a [`Block`].
unsafe fn load_word(at: &mut *mut u8) -> [u8; WORD] {
    // SAFETY: mapped for reading and writing (the block's promise), aligned and whole (the caller's),
    // and all accesses through the block are atomic.
    let word = unsafe { AtomicU64::from_ptr(at.cast()) }.load(Ordering::Relaxed);
    *at = at.wrapping_add(WORD);
    word.to_ne_bytes()
}

/// Stores into the word at `at`, and moves on.
///
/// # Safety
///
/// `at` is aligned for a word, and leads to a whole one in a [`Block`].
unsafe fn store_word(at: &mut *mut u8, word: [u8; WORD]) {
    let word = u64::from_ne_bytes(word);
    // SAFETY: as in `load_word`.
    unsafe { AtomicU64::from_ptr(at.cast()) }.store(word, Ordering::Relaxed);
    *at = at.wrapping_add(WORD);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::vec;

    use super::*;

    #[test]
    fn every_offset_and_length_around_words() {
        let memory = HostMemory::anonymous(1).unwrap();
        assert_eq!(memory.len() % 4096, 0, "whole pages");
        let bytes: [u8; 27] = std::array::from_fn(|n| u8::try_from(n).unwrap() + 1);
        for offset in 0..10 {
            for len in 0..bytes.len() {
                memory.write(0, &[0; 64]).unwrap();
                memory.write(offset, &bytes[..len]).unwrap();
                let mut expected = [0; 64];
                expected[offset..offset + len].copy_from_slice(&bytes[..len]);
                let mut found = [0xee; 64];
                memory.read(0, &mut found).unwrap();
                assert_eq!(found, expected, "{offset} {len}");
                let mut found = vec![0xee; len];
                memory.read(offset, &mut found).unwrap();
                assert_eq!(found, bytes[..len], "{offset} {len}");
            }
        }
    }

    #[test]
    fn ranges_outside_move_nothing() {
        let memory = HostMemory::anonymous(4096).unwrap();
        let end = memory.len();
        memory.write(end - 2, &[1, 2]).unwrap();
        assert_eq!(memory.write(end - 1, &[7, 8]), Err(Errno::EFAULT));
        assert_eq!(memory.write(usize::MAX, &[7, 8]), Err(Errno::EFAULT));
        let mut bytes = [9; 3];
        assert_eq!(memory.read(end - 2, &mut bytes), Err(Errno::EFAULT));
        assert_eq!(bytes, [9; 3]);
        memory.read(end - 2, &mut bytes[..2]).unwrap();
        assert_eq!(bytes, [1, 2, 9]);
        assert_eq!(memory.read(end, &mut []), Ok(()));
    }

    #[test]
    fn clones_are_the_same_memory() {
        let memory = HostMemory::anonymous(4096).unwrap();
        let other = memory.clone();
        std::thread::spawn(move || other.write(8, b"channels").unwrap())
            .join()
            .unwrap();
        let mut bytes = [0; 8];
        memory.read(8, &mut bytes).unwrap();
        assert_eq!(&bytes, b"channels");
    }

    #[test]
    fn the_owner_goes_with_the_last_clone() {
        static GONE: AtomicBool = AtomicBool::new(false);
        struct Region(HostMemory);
        impl Drop for Region {
            fn drop(&mut self) {
                GONE.store(true, Ordering::Relaxed);
            }
        }
        let region = Region(HostMemory::anonymous(8192).unwrap());
        let start = NonNull::new(region.0.0.start.as_ptr().wrapping_add(4096)).unwrap();
        let whole = region.0.clone();
        // SAFETY: `region` keeps both pages mapped, and they are accessed atomically only.
        let memory = unsafe { HostMemory::from_raw(start, 4096, region) };
        assert_eq!((memory.len(), memory.addr()), (4096, whole.addr() + 4096));
        let other = memory.clone();
        drop(memory);
        other.write(0, &[5]).unwrap();
        assert!(!GONE.load(Ordering::Relaxed));
        drop(other);
        assert!(GONE.load(Ordering::Relaxed));
        let mut byte = [0];
        whole.read(4096, &mut byte).unwrap();
        assert_eq!(byte, [5]);
    }

    #[test]
    fn no_bytes_are_no_mapping() {
        assert_eq!(HostMemory::anonymous(0).unwrap_err(), Errno::EINVAL);
        assert_eq!(
            HostMemory::anonymous(usize::MAX).unwrap_err(),
            Errno::ENOMEM
        );
    }
}
