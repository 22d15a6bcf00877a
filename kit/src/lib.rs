// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Generators, oracles and inputs that the suites, the benches and the fuzz targets share.
#![forbid(unsafe_code)]
#![allow(
    clippy::cast_possible_truncation,
    reason = "a test that truncates fails; the code under test does not"
)]

pub mod compare;
pub mod confined;
pub mod convert;
pub mod corpus;
pub mod decode;
pub mod dictionary;
pub mod differential;
pub mod generator;
pub mod implementation;
pub mod in_parts;
pub mod machine;
pub mod program;
pub mod program_file;
pub mod second_copy;
pub mod seeds;
pub mod storage;
pub mod subchannel;
pub mod transport;
pub mod volume;
pub mod walk;

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The examples of the page for a VMM compile.
#[cfg(doctest)]
#[doc = include_str!("../../docs/vmm.md")]
struct Vmm;
