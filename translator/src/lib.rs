// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guest program in, host program out, host status back.

#![no_std]
#![forbid(unsafe_code)]

mod code;

pub use code::{Blame, Check, Code, Sure};
