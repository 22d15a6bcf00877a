// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where each CCW goes in the host's program: the arrangement in segments.

use crate::{Buffers, Code};

pub(crate) fn lay(
    work: &mut Buffers,
    block: u64,
    ccws: u16,
    segments: u16,
) -> Result<u64, (Code, u16)> {
    let _ = (work, block, ccws, segments);
    Err((Code::EnvTooLong, 0))
}
