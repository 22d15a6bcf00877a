// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How results are printed.

use clap::ValueEnum;

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON value per line
    Json,
}
