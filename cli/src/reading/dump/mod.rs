// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Dumps of storage: images, ELF cores, and what `makedumpfile` writes.
//!
//! A dump stays in its file. [`image::Dump`] reads it by position, and what it remembers is bounded
//! whatever the file says of itself.

mod elf;
mod image;
mod kdump;
mod options;
mod scan;
mod segments;
mod source;
#[cfg(test)]
mod tests;

pub(super) use options::Options;
pub(super) use source::Source;
