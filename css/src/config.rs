// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What differs from machine to machine.

/// Address-limit checking of the subchannel, PMCW bits LM; it counts when the ORB's bit A is one.
/// It looks at data addresses only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum AddressLimit {
    /// LM=00: no check.
    #[default]
    None,
    /// LM=01: data addresses must not be below the limit.
    AtLeast(u64),
    /// LM=10: data addresses must be below the limit.
    Below(u64),
}

/// Facilities and bounds of the machine, and the settings of the subchannel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Path-available mask, bit i (IBM numbering) for channel path i.
    pub path_available: u8,
    /// The modified-CCW-indirect-data-addressing facility is installed (ORB bit D).
    pub midaw: bool,
    /// Transport mode is installed (ORB bit B).
    pub transport: bool,
    /// Backward TICs without data in between of which the last is a program check (condition
    /// C06). `None`: no bound, such a loop runs until it is halted.
    pub backward_tics: Option<u32>,
    /// Lists of input that is skipped are fetched and checked like others, though nothing is stored.
    /// Machines differ; without it no such list is looked at.
    pub examine_skipped: bool,
    /// How often a command is tried again before its status is presented as it is.
    pub retries: u32,
    /// PMCW bit S: a unit check brings its sense bytes along.
    pub concurrent_sense: bool,
    /// PMCW bits LM and the limit.
    pub address_limit: AddressLimit,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path_available: 0x80,
            midaw: true,
            transport: false,
            backward_tics: Some(256),
            examine_skipped: false,
            retries: 254,
            concurrent_sense: true,
            address_limit: AddressLimit::None,
        }
    }
}
