// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The devices seen from outside.

mod common;
mod fault;
mod record;
mod soft;
