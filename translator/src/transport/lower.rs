// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A transport-mode program as CCWs, for a host without that mode, where that is exact.
//!
//! Each DCW becomes a command: its control data is output from the copy that was judged, its data the
//! share of the TCW's data that its count says, as a list of MIDAWs, which a host without these gets
//! in another way. The chain of DCWs is a command chain.
//!
//! In transport mode the device ends the program when it moves another number of bytes than a DCW
//! announces, and no incorrect length is told. So a DCW that chains has no SLI flag, which ends the
//! chain at the same place, and the flag that the host then shows is taken off; the last one has it,
//! and cannot show any. Control data have no such check, and have the flag as well.
//!
//! What CCWs cannot say is refused by name.

use ccw::{CcwFlags, Class, Command, Guest, Midaw, MidawFlags, RawDcw, ServiceAction, TidawFlags};

use super::{Piece, Refusal, Transport};
use crate::{
    Buffers, Code, Site,
    chain::Op,
    data::narrow,
    limits::MAX_MIDAWS,
    node::{Node, Reach},
};

/// A command of a lowered program: its DCW.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lowered {
    /// Offset in the command area.
    pub(super) offset: u16,
    /// Bytes of data.
    pub(super) count: u16,
}

/// What there is to say of one DCW.
struct Draft {
    command: Command,
    count: u16,
    /// Of control data.
    control: u8,
    chains: bool,
}

/// Makes CCWs of the transport-mode program in `work`.
pub(crate) fn lower(work: &mut Buffers) -> Result<(), (Code, Site)> {
    let mut transport = core::mem::take(&mut work.transport);
    let lowered = commands(work, &mut transport);
    work.transport = transport;
    lowered
}

fn commands(work: &mut Buffers, transport: &mut Transport) -> Result<(), (Code, Site)> {
    transport.lowered.clear();
    if transport.block().header.service_action != ServiceAction::DEVICE_IO {
        return Err(refuse(transport.tccb_site(8, 4, (0, 15))));
    }
    // Whether the counts agree is then for the device to say.
    if let Some(site) = transport.inserted() {
        return Err(refuse(site));
    }
    let mut data = Data::new(&transport.pieces);
    let mut offset = 0;
    for n in 0.. {
        let refusal = transport.refusal.filter(|it| it.command == n);
        if let Some(refusal) = refusal.filter(|it| !it.ran) {
            work.nodes.push(refused_at(n, &refusal));
            break;
        }
        let draft = draft(work, transport, n, offset, refusal.is_some())?;
        let next = offset + ccw::DCW_SIZE + usize::from(draft.control).next_multiple_of(4);
        let node = node(work, transport, n, offset, &draft, &mut data)?;
        let stops = node.fault.is_some();
        work.nodes.push(node);
        transport.lowered.push(Lowered {
            offset: narrow(offset as u64),
            count: draft.count,
        });
        if let Some(refusal) = refusal.filter(|_| !stops) {
            work.nodes.push(refused_at(n + 1, &refusal));
            break;
        }
        if !draft.chains || stops {
            break;
        }
        offset = next;
    }
    transport.unmoved = data.stored_or_fetched();
    let end = u32::try_from(work.nodes.len() * 8).unwrap_or(u32::MAX);
    work.in_one_span(0, end);
    Ok(())
}

/// Number `n` of the commands: where the device refuses to go on, the channel stops.
fn refused_at(n: u16, refusal: &Refusal) -> Node {
    let mut node = Node::new(n.into(), u32::from(n) * 8, 0, 0, Op::Fault, Command(0));
    node.reach = Reach::COMMAND | Reach::CERTAIN;
    node.fault = Some(refusal.code);
    node
}

fn refuse(site: Site) -> (Code, Site) {
    (Code::EnvTransportLowering, site)
}

/// The DCW at `offset`, number `n`, if there is a CCW for it; `goes_on` says that another one follows,
/// whatever it says.
fn draft(
    work: &Buffers,
    transport: &Transport,
    n: u16,
    offset: usize,
    goes_on: bool,
) -> Result<Draft, (Code, Site)> {
    let refused = |bits| Err(refuse(transport.dcw_site(n, offset, bits)));
    let tca = transport.block().tca;
    let word = tca.get(offset..).and_then(|rest| rest.first_chunk());
    let Some(raw) = word.copied().map(RawDcw) else {
        return refused((0, 63));
    };
    let dcw = ccw::Dcw::decode(raw, &[]);
    let (command, control) = (dcw.command, raw.control_count());
    let meaning = transport.meaning();
    let takes = match command.class() {
        // Codes that mean something else in a CCW, or nothing.
        Class::Invalid | Class::Tic | Class::ReadBackward => return refused((0, 7)),
        Class::Read | Class::Sense => meaning.read && control == 0,
        Class::Write | Class::Control => dcw.data_count == 0 || meaning.write,
    };
    // Behind a CCW one may be skipped, behind a DCW none.
    let chains = dcw.chain_command || goes_on;
    let skips = chains && work.policy.may_skip(command);
    if !raw.reserved_is_zero() {
        return refused((8, 23));
    }
    if control > 0 && dcw.data_count > 0 {
        return refused((24, 63));
    }
    let moves = dcw.data_count > 0 || control > 0;
    if moves && (!takes || command == Command::NOP) || skips {
        return refused((0, 7));
    }
    let Ok(count) = u16::try_from(dcw.data_count) else {
        return refused((32, 63));
    };
    Ok(Draft {
        command,
        count,
        control,
        chains,
    })
}

/// The command of a DCW, with its share of the data.
fn node(
    work: &mut Buffers,
    transport: &Transport,
    n: u16,
    offset: usize,
    draft: &Draft,
    data: &mut Data<'_>,
) -> Result<Node, (Code, Site)> {
    let Buffers {
        words, commands, ..
    } = work;
    let mut flags = CcwFlags::empty();
    let mut node = Node::new(n.into(), u32::from(n) * 8, 0, 0, Op::Nothing, draft.command);
    node.reach = Reach::COMMAND | Reach::CERTAIN;
    node.list = u32::try_from(words.len()).unwrap_or(u32::MAX);
    let mut count = draft.count;
    if draft.control > 0 {
        flags |= CcwFlags::SUPPRESS_LENGTH;
        count = draft.control.into();
        let start = ccw::TCAH_SIZE + offset + ccw::DCW_SIZE;
        let control = transport.tccb.get(start..start + usize::from(count));
        node.op = Op::Copied;
        node.offset = control.map_or(0, |bytes| commands.take_piece(n, bytes));
        node.good = count;
    } else if count > 0 {
        flags.set(CcwFlags::SUPPRESS_LENGTH, !draft.chains);
        flags |= CcwFlags::MODIFIED_INDIRECT;
        node.op = match transport.meaning().write {
            true => Op::Output,
            false => Op::Input,
        };
        let site = transport.dcw_site(n, offset, (32, 63));
        node.good = data.share(count, words).ok_or_else(|| refuse(site))?;
        let added = words.len() - node.list as usize;
        node.list_len = narrow(added as u64 / 2);
        if usize::from(node.list_len) > MAX_MIDAWS {
            return Err(refuse(site));
        }
        if let Some(first) = words.get(node.list as usize + 1) {
            node.offset = narrow(u64::from_be_bytes(*first) % 4096);
        }
    }
    // The channel stops there, and comes to nothing behind.
    if node.good < count {
        node.fault = transport.broken.map(|(code, _)| code);
    }
    flags.set(
        CcwFlags::CHAIN_COMMAND,
        draft.chains && node.fault.is_none(),
    );
    let [high, low] = count.to_be_bytes();
    node.word = u64::from_be_bytes([draft.command.0, flags.bits(), high, low, 0, 0, 0, 0]);
    Ok(node)
}

/// The data of the TCW, as far as it can move.
struct Data<'a> {
    pieces: &'a [Piece],
    /// Bytes of the first one that are gone.
    gone: u32,
}

impl<'a> Data<'a> {
    fn new(pieces: &'a [Piece]) -> Self {
        Self { pieces, gone: 0 }
    }

    /// Bytes of storage that are left.
    fn stored_or_fetched(&self) -> u64 {
        let used = self.pieces.iter().filter(|piece| !piece.skip);
        let gone = self.pieces.first().filter(|piece| !piece.skip);
        let bytes = used.map(|piece| u64::from(piece.len)).sum::<u64>();
        bytes.saturating_sub(gone.map_or(0, |_| self.gone.into()))
    }

    /// Appends MIDAWs for the next `count` bytes to `words`; says how many bytes there are. None if
    /// MIDAWs cannot say it.
    fn share(&mut self, count: u16, words: &mut alloc::vec::Vec<[u8; 8]>) -> Option<u16> {
        let mut left = u32::from(count);
        while let ([piece, rest @ ..], 1..) = (self.pieces, left) {
            let special = TidawFlags::INSERT_CBC | TidawFlags::DATA_TRANSFER_INTERRUPTION;
            if TidawFlags::from_bits_truncate(piece.flags).intersects(special) {
                return None;
            }
            let at = piece.at.checked_add(self.gone.into())?;
            let block = u32::try_from(at.block_remainder(ccw::MIDAL_PAGE)).ok()?;
            let here = piece.len.checked_sub(self.gone)?.min(block).min(left);
            left -= here;
            self.gone += here;
            if self.gone == piece.len {
                (self.pieces, self.gone) = (rest, 0);
            }
            let mut flags = MidawFlags::empty();
            flags.set(MidawFlags::SKIP, piece.skip);
            flags.set(MidawFlags::LAST, left == 0);
            let midaw = Midaw::<Guest> {
                flags,
                count: u16::try_from(here).ok()?,
                addr: at,
            };
            let raw = midaw.encode();
            words.extend_from_slice(raw.0.as_chunks().0);
        }
        u16::try_from(u32::from(count) - left).ok()
    }
}
