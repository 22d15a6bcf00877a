// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Remarks on programs that are legal as they stand. Collected only when the policy asks.

use ccw::{CcwFlags, Class, Format, Midaw, MidawFlags};

use crate::{
    Buffers, Code, Severity, Site, chain::Op, data::raw_midaw, finding::Word,
    limits::KERNEL_SEGMENT_CCWS, node::Reach, orb, site::ccw_bits,
};

/// Remarks on the ORB.
pub(crate) fn orb(work: &mut Buffers) {
    let word1 = Word::new(&work.raw_orb.word(1).to_be_bytes());
    if !work.orb.prefetch && !work.orb.transport {
        let site = Site {
            word: word1,
            bits: Some((9, 9)),
            ..Site::default()
        };
        work.find(Code::EnvNoprefetch, Severity::Warning, site);
    }
    if let Some(bits) = orb::extension_reserved(&work.raw_orb) {
        let bytes = work.raw_orb.0.get(12..28).unwrap_or(&[]);
        let site = Site {
            word: Word::new(bytes),
            bits: Some(bits),
            ..Site::default()
        };
        work.find(Code::OrbExtRsvd, Severity::Warning, site);
    }
}

/// Remarks on node `n`.
pub(crate) fn node(work: &mut Buffers, n: u16) {
    let Some(&node) = work.nodes.get(usize::from(n)) else {
        return;
    };
    let format = work.orb.format;
    let ccw = node.ccw();
    let remark = |work: &mut Buffers, code, bits| {
        let site = work.ccw_site(n, Some(bits));
        work.find(code, Severity::Warning, site);
    };
    let flag = |bit: u8| {
        if format == Format::Zero {
            32 + bit
        } else {
            8 + bit
        }
    };
    match node.fault {
        Some(Code::CcwaSeqUnavail) => {
            if let Some(before) = chains_to(work, node.addr) {
                let site = work.ccw_site(before, Some((flag(0), flag(1))));
                work.find(Code::ChainOpen, Severity::Warning, site);
            }
            return;
        }
        Some(_) => return,
        None if matches!(node.op, Op::Break(_)) => return,
        None => {}
    }
    if node.op == Op::Tic {
        if n == 0 && work.part.from.is_none() {
            remark(work, Code::TicFirst, (0, 7));
        }
        return;
    }
    if ccw.chains_data()
        && ccw
            .flags
            .intersects(CcwFlags::CHAIN_COMMAND | CcwFlags::SUPPRESS_LENGTH)
    {
        remark(work, Code::CdFlags, (flag(1), flag(2)));
    }
    let output = match node.op {
        Op::Output => true,
        Op::Nothing => {
            node.reach.contains(Reach::COMMAND)
                && matches!(ccw.command.class(), Class::Write | Class::Control)
        }
        _ => false,
    };
    if output && ccw.flags.contains(CcwFlags::SKIP) {
        remark(work, Code::SkipOutput, (flag(3), flag(3)));
    }
    if node.ignored != 0 {
        remark(work, Code::F0Byte5, (40, 47));
    }
    if node.is_midal() && node.op.transfers() {
        no_last(work, n);
    }
}

/// The CCW from which the channel goes on to `at`: the one before it, or the one that skips it.
fn chains_to(work: &Buffers, at: u32) -> Option<u16> {
    [8, 16].into_iter().find_map(|distance| {
        let n = work.find_node(at.checked_sub(distance)?)?;
        let node = work.nodes.get(usize::from(n))?;
        (node.op != Op::Tic && node.chains(&work.policy)).then_some(n)
    })
}

/// The MIDAW that uses up the count of node `n` has no last flag.
fn no_last(work: &mut Buffers, n: u16) {
    let Some(&node) = work.nodes.get(usize::from(n)) else {
        return;
    };
    let mut left = node.ccw().count;
    let (pairs, _) = work.list(&node).as_chunks::<2>();
    let mut found = None;
    for (k, pair) in (0u16..).zip(pairs) {
        let raw = raw_midaw(pair);
        let midaw = Midaw::<ccw::Guest>::decode(raw);
        left = left.saturating_sub(midaw.count);
        if left == 0 {
            if !midaw.flags.contains(MidawFlags::LAST) {
                found = Some((k, raw.0));
            }
            break;
        }
    }
    let Some((k, bytes)) = found else { return };
    let site = Site {
        list_word: Some(k),
        at: node.ccw().addr.widen().checked_add(u64::from(k) * 16),
        word: Word::new(&bytes),
        bits: Some((40, 40)),
        ..work.ccw_site(n, None)
    };
    work.find(Code::MidawNolast, Severity::Warning, site);
}

/// Remarks on the program as a whole.
pub(crate) fn program(work: &mut Buffers) {
    let long = work
        .spans
        .iter()
        .find(|span| span.len > KERNEL_SEGMENT_CCWS)
        .copied();
    if let Some(span) = long {
        let site = work.ccw_site(span.first + KERNEL_SEGMENT_CCWS, None);
        work.find(Code::EnvTooLong, Severity::Note, site);
    }
    let Some((last, first)) = work.back else {
        return;
    };
    let policy = work.policy;
    let open = work
        .nodes
        .iter()
        .take(usize::from(last.max(first)) + 1)
        .skip(usize::from(last.min(first)))
        .any(|node| {
            node.op.transfers()
                || node.op == Op::Skip
                || (node.op != Op::Tic && policy.may_skip(node.ccw().command))
        });
    if !open {
        let tic = work
            .nodes
            .get(usize::from(last))
            .is_some_and(|node| node.op == Op::Tic);
        let bits = ccw_bits(Code::EnvLoop, work.orb.format);
        let site = work.ccw_site(last, bits.filter(|_| tic));
        work.find(Code::EnvLoop, Severity::Warning, site);
    }
}
