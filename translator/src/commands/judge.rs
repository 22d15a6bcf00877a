// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which commands of a program are refused.
//!
//! Along every way that control can take, from CCW to CCW, it is kept in mind what the program has
//! told its disk by then. Where two ways meet, only what holds on both is known.
//!
//! A CCW that this walk has not come to in every way in which the snapshot says that it is reached was
//! not judged, and the host is given none. Behind a refusal nobody misses it.

use ccw::{Command, DeviceClass};

use super::{CommandPolicy, Refusal, State, eckd, fba};
use crate::{
    Buffers, Code,
    chain::Op,
    node::{NOWHERE, Node, Reach},
};

/// Decides for every command whether the device may be given it.
#[cold]
pub(crate) fn judge(work: &mut Buffers, policy: &CommandPolicy) {
    let Buffers {
        commands, nodes, ..
    } = &mut *work;
    commands.states.clear();
    commands.states.resize(nodes.len(), [None; 2]);
    commands.refusals.clear();
    commands.unjudged.clear();
    commands.todo.clear();
    arrive(work, 0, false, State::START);
    while let Some((n, chained)) = work.commands.todo.pop() {
        let Some(&node) = work.nodes.get(usize::from(n)) else {
            continue;
        };
        let Some(state) = state(work, n, chained) else {
            continue;
        };
        if let Some(state) = behind(work, policy, n, &node, chained, state) {
            go_on(work, policy, &node, chained, state);
        }
    }
    let last = work.last_node();
    for n in 0..=last {
        let Some(&node) = work.nodes.get(usize::from(n)) else {
            break;
        };
        if is_stop(&node) {
            continue;
        }
        let [command, data] = [false, true].map(|chained| state(work, n, chained));
        let missed = (node.reach.contains(Reach::COMMAND) && command.is_none())
            || (node.reach.intersects(Reach::CHAINED) && data.is_none());
        if command.is_none() && data.is_none() {
            work.commands.unjudged.push(n);
            continue;
        }
        let refusal = match command.filter(|_| is_command(&node)) {
            Some(state) => step(work, policy, n, &node, state).err(),
            None => None,
        };
        let refusal = refusal.or(missed.then_some(Refusal::of(Code::PolicyUnconfined)));
        work.commands
            .refusals
            .extend(refusal.map(|refusal| (n, refusal)));
    }
}

/// Whether the host stops there whatever is found out here, or has no such CCW.
fn is_stop(node: &Node) -> bool {
    matches!(node.op, Op::Fault | Op::Break(_)) || node.host == NOWHERE
}

/// What is known where control comes to node `n`.
fn state(work: &Buffers, n: u16, chained: bool) -> Option<State> {
    *work
        .commands
        .states
        .get(usize::from(n))?
        .get(usize::from(chained))?
}

/// Control comes to node `n`, by data chaining or not.
fn arrive(work: &mut Buffers, n: u16, chained: bool, state: State) {
    let Some(known) = work.commands.states.get_mut(usize::from(n)) else {
        return;
    };
    let Some(known) = known.get_mut(usize::from(chained)) else {
        return;
    };
    let met = known.map_or(state, |known| known.meet(state));
    if *known != Some(met) {
        *known = Some(met);
        work.commands.todo.push((n, chained));
    }
}

/// Whether it is a command that the channel gives to the device.
fn is_command(node: &Node) -> bool {
    node.reach.contains(Reach::COMMAND) && !is_stop(node) && node.op != Op::Tic
}

/// What is known behind node `n`; none where the program ends.
fn behind(
    work: &Buffers,
    policy: &CommandPolicy,
    n: u16,
    node: &Node,
    chained: bool,
    state: State,
) -> Option<State> {
    match node.op {
        // What comes behind a break is a program of its own to the device.
        Op::Fault | Op::Break(_) => None,
        Op::Tic => Some(state),
        _ if chained => Some(state),
        _ => step(work, policy, n, node, state).ok(),
    }
}

/// Takes `state` to where control goes behind `node`.
fn go_on(work: &mut Buffers, policy: &CommandPolicy, node: &Node, chained: bool, state: State) {
    let ccw = node.ccw();
    if node.op == Op::Tic {
        if let Some(to) = work.find_node(ccw.addr.get()) {
            arrive(work, to, chained, state);
        }
        return;
    }
    let mut to = |ahead: u32, chained| {
        if let Some(to) = work.find_node(node.addr.wrapping_add(ahead)) {
            arrive(work, to, chained, state);
        }
    };
    if ccw.chains_data() {
        to(8, true);
        // A command that is over at once is over under its first CCW; that is not relied upon.
        return;
    }
    if !ccw.chains_command() {
        return;
    }
    to(8, false);
    let class = policy.class();
    let itself = class.may_skip(node.head) || class.may_skip(ccw.command);
    let skips = itself || node.may_skip(&work.policy);
    if skips && let Some(to) = work.find_node(node.addr.wrapping_add(16)) {
        arrive(work, to, false, state);
    }
}

/// What is known behind the command of node `n`, unless it is refused.
fn step(
    work: &Buffers,
    policy: &CommandPolicy,
    n: u16,
    node: &Node,
    state: State,
) -> Result<State, Refusal> {
    policy.step(state, node.ccw().command, |least| {
        parameters(work, n, least)
    })
}

impl CommandPolicy {
    /// What is known behind `command`, unless it is refused. `parameters` says which ones it has, if
    /// they are looked at, and how many of them at least.
    pub(crate) fn step<'a>(
        &self,
        state: State,
        command: Command,
        parameters: impl FnOnce(u16) -> Result<&'a [u8], Refusal>,
    ) -> Result<State, Refusal> {
        if !self.writes && self.is_write(command) {
            return Err(Refusal::of(Code::PolicyReadOnly));
        }
        if !self.allowed.contains(command) {
            return Err(Refusal::of(Code::PolicyCommand));
        }
        let bytes = match self.parameters(command) {
            Some(least) => parameters(least)?,
            None => &[],
        };
        match self.class() {
            DeviceClass::Eckd => eckd::step(self, state, command, bytes),
            DeviceClass::Fba => fba::step(self, state, command, bytes),
            _ => Ok(state),
        }
    }
}

/// The parameters of node `n`, if there are at least so many and the device gets no others.
fn parameters(work: &Buffers, n: u16, least: u16) -> Result<&[u8], Refusal> {
    match work.commands.parameters(n) {
        Some((bytes, true)) if bytes.len() >= usize::from(least) => Ok(bytes),
        _ => Err(Refusal {
            taken: least,
            ..Refusal::of(Code::PolicyParameters)
        }),
    }
}
