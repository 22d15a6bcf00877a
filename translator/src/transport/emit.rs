// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Writing a transport-mode program for a host that has the mode: TCW, TIDALs, TCCB and a place for
//! the TSB. Only the bytes of the TCCB are the guest's: no address stands in them.

use ccw::{
    Addr31, Host, HostAddr, Orb, RawTidaw, TCAH_SIZE, TCCB_MAX, TCW_SIZE, TIDAL_PAGE, TIDAW_SIZE,
    TSB_SIZE, Tcah, Tcw, TcwFlags, Tidaw, TidawFlags,
};

use super::{Piece, Transport};
use crate::{Buffers, Code, Doublewords, Slot, stream::Stream};

/// Doublewords that the area for CCWs needs: the TCW and the one that interrogates, wherever their
/// boundary lies.
pub(crate) const TCW_DOUBLEWORDS: usize = 3 * TCW_SIZE / 8 - 1;

/// First byte of the TSB in the area for copies.
pub(super) const TSB_OFFSET: usize = 0;

/// The byte of a TCCB with the length of its commands.
const TCAL: usize = 7;

/// A TIDAW at which the channel stops: a reserved bit is one.
const POISON: [u8; 16] = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

impl Transport {
    /// Passes what is pinned and not shown to the host: data that no CCW moves, and behind all data the
    /// guest's TSBs.
    pub(crate) fn pass_rest(&self, stream: &mut Stream<'_>) {
        stream.pass(self.unmoved);
        let answer = self.asked.answer().is_some();
        for _ in [self.tsb_is_pinned, answer].into_iter().filter(|it| *it) {
            stream.pass(TSB_SIZE as u64);
        }
    }

    /// Bytes with which the area for lists is large enough in any case.
    pub(crate) fn list_bytes_at_most(&self) -> usize {
        // Each piece may touch one block more than it fills, and the list must be aligned and ended.
        let words = self
            .pieces
            .iter()
            .map(|piece| piece.len as usize / 4096 + 2);
        let words = words.sum::<usize>() + 2;
        (words + words / 255) * size_of::<RawTidaw>()
    }

    /// First byte of the TSB of an interrogation in the area for copies: behind the TSB and the TCCB.
    pub(super) fn answer_offset(&self) -> Option<usize> {
        let left = self.cut.map_or(self.block().tca.len(), usize::from);
        let gone = self.block().tca.len().checked_sub(left)?;
        Some(TSB_SIZE + self.tccb.len().checked_sub(gone)?.next_multiple_of(8))
    }

    /// Bytes with which the area for copies is large enough in any case.
    pub(crate) fn copy_bytes_at_most(&self) -> usize {
        2 * (TSB_SIZE + TCCB_MAX)
    }
}

/// Writes the host's program into `slot`; returns its TCW's address, and how much of the slot that
/// took.
pub(crate) fn emit(
    work: &Buffers,
    slot: &mut Slot<'_>,
) -> Result<(Addr31<Host>, Doublewords), Code> {
    let transport = &work.transport;
    let mut emitter = Emitter {
        transport,
        slot,
        stream: Stream::new(work.runs.as_slice()),
        used: Doublewords::default(),
    };
    let tcw = emitter.tcw()?;
    transport.pass_rest(&mut emitter.stream);
    if emitter.stream.rest().is_some() {
        return Err(Code::HostMap);
    }
    Ok((tcw, emitter.used))
}

/// The host's ORB for the TCW at `tcw`.
pub(crate) fn host_orb(work: &Buffers, tcw: Addr31<Host>) -> Orb<Host> {
    let guest = &work.orb;
    let extension = guest.extension && work.profile.orb_extension;
    Orb {
        lpm: guest.lpm,
        transport: true,
        extension,
        cpa: tcw,
        css_priority: if extension { guest.css_priority } else { 0 },
        cu_priority: if extension { guest.cu_priority } else { 0 },
        ..Orb::decode(&ccw::RawOrb::default())
    }
}

/// Doublewords from `base` to the next boundary of `size` bytes, a power of two.
fn gap(base: Addr31<Host>, size: usize) -> usize {
    (base.get() as usize).wrapping_neg() % size / 8
}

struct Emitter<'a, 's> {
    transport: &'a Transport,
    slot: &'a mut Slot<'s>,
    stream: Stream<'a>,
    used: Doublewords,
}

impl Emitter<'_, '_> {
    /// Writes everything, the TCW last.
    fn tcw(&mut self) -> Result<Addr31<Host>, Code> {
        let guest = self.transport.meaning();
        let tsb = self.copy(&[0; TSB_SIZE])?;
        let (tccb, tccb_length) = self.tccb()?;
        let (data, is_list) = self.data()?;
        let write = guest.write;
        let data_if = |here: bool| if here { data } else { HostAddr::new(0) };
        let mut flags = TcwFlags::empty();
        flags.set(TcwFlags::OUTPUT_TIDA, is_list && write);
        flags.set(TcwFlags::INPUT_TIDA, is_list && guest.read);
        let count_if = |here: bool| if here { self.transport.count() } else { 0 };
        let tcw = Tcw::<Host> {
            format: 0,
            flags,
            tidaw_format: 0,
            tccb_length,
            read: guest.read,
            write,
            output: data_if(write),
            input: data_if(guest.read),
            tsb,
            tccb,
            output_count: count_if(write),
            input_count: count_if(guest.read),
            interrogate: Addr31::truncate(0),
        };
        let interrogate = self.interrogate_tcw()?;
        self.put_tcw(&Tcw { interrogate, ..tcw })
    }

    /// Writes the TCW that interrogates; its address is 0 if there is none.
    fn interrogate_tcw(&mut self) -> Result<Addr31<Host>, Code> {
        let Some(asked) = self.transport.asked.get() else {
            return Ok(Addr31::truncate(0));
        };
        let tsb = self.copy(&[0; TSB_SIZE])?;
        let tccb = self.copy(&asked.tccb)?;
        let none = HostAddr::new(0);
        self.put_tcw(&Tcw {
            format: 0,
            flags: TcwFlags::empty(),
            tidaw_format: 0,
            tccb_length: asked.meaning().tccb_length,
            read: true,
            write: false,
            output: none,
            input: none,
            tsb,
            tccb,
            output_count: 0,
            input_count: 0,
            interrogate: Addr31::truncate(0),
        })
    }

    fn put_tcw(&mut self, tcw: &Tcw<Host>) -> Result<Addr31<Host>, Code> {
        let first = self.slot.ccws.at(self.used.ccws);
        let start = self.used.ccws + gap(first, TCW_SIZE);
        let end = start + TCW_SIZE / 8;
        let at = self.slot.ccws.at(start);
        let raw = tcw.encode();
        let (words, _) = raw.0.as_chunks::<8>();
        let place = self.slot.ccws.words().get_mut(start..end);
        place.ok_or(Code::HostArena)?.copy_from_slice(words);
        self.used.ccws = end;
        Ok(at)
    }

    /// Writes the TCCB, and says where it is and the length that the TCW gives.
    ///
    /// What the guest's policy keeps from the host is left out. The command before goes on to it, so there
    /// the device finds its commands at an end.
    fn tccb(&mut self) -> Result<(HostAddr, u8), Code> {
        let guest = &self.transport.tccb;
        let length = self.transport.meaning().tccb_length;
        let Some(cut) = self.transport.cut else {
            return Ok((self.copy(guest)?, length));
        };
        let len = self.transport.block().tca.len();
        let left = usize::from(cut).min(len);
        let [gone, trailer] = [len - left, TCAH_SIZE + len];
        let kept = guest.get(..TCAH_SIZE + left).unwrap_or(guest);
        let trailer = guest.get(trailer..).unwrap_or(&[]);
        let mut bytes = [0; TCCB_MAX];
        for (to, from) in bytes.iter_mut().zip(kept.iter().chain(trailer)) {
            *to = *from;
        }
        if let (Some(byte), Some(tcal)) = (bytes.get_mut(TCAL), Tcah::tcal_of(left)) {
            *byte = tcal;
        }
        let bytes = bytes.get(..kept.len() + trailer.len());
        let at = self.copy(bytes.ok_or(Code::HostArena)?)?;
        #[expect(clippy::cast_possible_truncation, reason = "at most 240")]
        let gone = gone as u8;
        Ok((at, length.saturating_sub(gone)))
    }

    /// Writes `bytes` to the area for copies, and says where.
    fn copy(&mut self, bytes: &[u8]) -> Result<HostAddr, Code> {
        let start = self.used.copies;
        let end = start + bytes.len().div_ceil(8);
        let at = self.slot.copies.at(start).widen();
        let place = self.slot.copies.words().get_mut(start..end);
        let place = place.ok_or(Code::HostArena)?.as_flattened_mut();
        place.fill(0);
        for (to, from) in place.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.used.copies = end;
        Ok(at)
    }

    /// Where the data lies, or their list, and whether it is a list.
    fn data(&mut self) -> Result<(HostAddr, bool), Code> {
        let stops = self.transport.broken.is_some();
        let pieces = &self.transport.pieces;
        if let ([Piece { len, flags: 0, .. }], false) = (pieces.as_slice(), stops) {
            let (host, room) = self.stream.rest().ok_or(Code::HostMap)?;
            if room >= u64::from(*len) {
                self.stream.advance((*len).into());
                return Ok((HostAddr::new(host), false));
            }
        }
        if pieces.is_empty() && !stops {
            return Ok((HostAddr::new(0), false));
        }
        // A list begins on the boundary of a quadword.
        self.used.lists = gap(self.slot.lists.base(), size_of::<RawTidaw>());
        let list = self.slot.lists.at(self.used.lists).widen();
        let last = pieces.len().saturating_sub(1);
        for (n, piece) in pieces.iter().enumerate() {
            self.piece(piece, n == last && !stops)?;
        }
        if stops {
            self.entry(POISON)?;
        }
        Ok((list, true))
    }

    /// Writes the TIDAWs of a piece, which may be the last one.
    fn piece(&mut self, piece: &Piece, last: bool) -> Result<(), Code> {
        let mut left = piece.len;
        while left > 0 {
            let (addr, len) = if piece.skip {
                (self.slot.scratch, left)
            } else {
                let (host, room) = self.stream.rest().ok_or(Code::HostMap)?;
                let addr = HostAddr::new(host);
                let len = room.min(left.into()).min(addr.block_remainder(TIDAL_PAGE));
                self.stream.advance(len);
                (addr, u32::try_from(len).map_err(|_| Code::HostMap)?)
            };
            left = left
                .checked_sub(len)
                .filter(|_| len > 0)
                .ok_or(Code::HostMap)?;
            // What a TIDAW of the guest's says is said of one TIDAW of the host's.
            if left > 0 && piece.flags != 0 {
                return Err(Code::HostMap);
            }
            let mut flags = TidawFlags::from_bits_truncate(piece.flags);
            flags.set(TidawFlags::LAST, last && left == 0);
            let count = len;
            self.entry(Tidaw { flags, count, addr }.encode().0)?;
        }
        Ok(())
    }

    /// Adds a TIDAW to the list, which goes on in the next page by a T-TIC.
    fn entry(&mut self, raw: [u8; 16]) -> Result<(), Code> {
        let at = self.slot.lists.at(self.used.lists).widen();
        if at.block_remainder(TIDAL_PAGE) == TIDAW_SIZE {
            let addr = at.checked_add(TIDAW_SIZE).ok_or(Code::HostArena)?;
            let flags = TidawFlags::TRANSFER_IN_CHANNEL;
            let count = 0;
            self.put(Tidaw { flags, count, addr }.encode().0)?;
        }
        self.put(raw)
    }

    fn put(&mut self, raw: [u8; 16]) -> Result<(), Code> {
        let start = self.used.lists;
        let place = self.slot.lists.words().get_mut(start..start + 2);
        let (words, _) = raw.as_chunks::<8>();
        place.ok_or(Code::HostArena)?.copy_from_slice(words);
        self.used.lists += 2;
        Ok(())
    }
}
