// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A channel program as a listing: one line per word, remarks under the digits they are about.
//!
//! Behind its heading every line is `ADDRESS: WORD WORD  remark`, as [`ccw::CcwLine`] reads it.

mod blocks;
pub(crate) mod host;
mod line;
mod program;
mod remark;
pub(crate) mod transport;

pub(crate) use blocks::Blocks;
pub(crate) use line::{Line, Mark, Subject, wrap};
pub(crate) use program::{Data, lines, with_remarks};
