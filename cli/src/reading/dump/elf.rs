// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! ELF cores of whole machines: segments of storage by their physical addresses.

use object::Endianness;
use object::elf::{EM_S390, ET_CORE, FileHeader32, FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

use super::segments::{Segment, Segments};
use super::source::{Damage, Source};

/// First bytes of an ELF file.
pub(super) const MAGIC: &[u8] = b"\x7fELF";

/// Most segments that are read. A core has one for each stretch of storage.
const SEGMENT_LIMIT: u16 = 16_384;

/// Bytes of the largest header, that of ELF64.
const HEADER: usize = 64;

/// The storage in the core `source`.
pub(super) fn segments(source: &Source) -> Result<Segments, Damage> {
    let head = source.head::<HEADER>()?;
    // Byte 4 is the class.
    match head[4] {
        1 => read::<FileHeader32<Endianness>>(source, &head),
        2 => read::<FileHeader64<Endianness>>(source, &head),
        class => Err(Damage::at(4, format!("ELF class {class} is not known"))),
    }
}

fn read<H>(source: &Source, head: &[u8]) -> Result<Segments, Damage>
where
    H: FileHeader<Endian = Endianness>,
{
    let bad = |error| Damage::at(0, format!("not a header of ELF: {error}"));
    let header = H::parse(head).map_err(bad)?;
    let endian = header.endian().map_err(bad)?;
    if header.e_type(endian) != ET_CORE {
        return Err(Damage::at(16, "an ELF file, but not a core"));
    }
    if header.e_machine(endian) != EM_S390 {
        return Err(Damage::at(18, "a core of another machine than s390"));
    }
    let count = header.e_phnum(endian);
    if count > SEGMENT_LIMIT {
        let reason = format!("{count} segments are more than the {SEGMENT_LIMIT} that are read");
        return Err(Damage::at(0, reason));
    }
    let size = size_of::<H::ProgramHeader>();
    if usize::from(header.e_phentsize(endian)) != size {
        return Err(Damage::at(
            0,
            "program headers have another size than ELF's",
        ));
    }
    let table: u64 = header.e_phoff(endian).into();
    let mut segments = Vec::new();
    let mut whole = true;
    let mut number = 0;
    for n in 0..count {
        let at = table.saturating_add(u64::from(n) * size as u64);
        let mut bytes = [0; HEADER];
        let bytes = &mut bytes[..size];
        source.read(at, bytes, "program header")?;
        let bad = |()| Damage::at(at, "not a program header");
        let (segment, _) = object::pod::from_bytes::<H::ProgramHeader>(bytes).map_err(bad)?;
        if segment.p_type(endian) != PT_LOAD {
            continue;
        }
        let len: u64 = segment.p_filesz(endian).into();
        let storage: u64 = segment.p_memsz(endian).into();
        // Storage that was left out when the core was made.
        whole &= len >= storage;
        number += 1;
        segments.push(Segment {
            addr: segment.p_paddr(endian).into(),
            len,
            offset: segment.p_offset(endian).into(),
            named_at: at,
            number: Some(number),
        });
    }
    Segments::new(segments, source.len(), whole)
}
