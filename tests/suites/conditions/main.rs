// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Every condition of a channel program, each in a program of its own; `table` sees to it that none
//! is missing.
//!
//! For each condition: the verdict with its place to the bit, the status that the guest sees, and
//! the repair; the software channel stops at the same CCW with the same check, and so does the
//! translated program. Beside each stand its neighbours, programs that just keep the rule.

mod address;
mod command;
mod count;
mod data;
mod environment;
mod fault;
mod flags;
mod idal;
mod late;
mod machine;
mod midal;
mod orb;
mod order;
mod overlap;
mod reserved;
mod run;
mod skip;
mod table;
mod tidal;
mod transport;
