// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Bars on standard error, if that is a terminal, for what takes its time.

use std::sync::LazyLock;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// All bars, so that those that are there at once stand one below the other.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Shows no bar from now on.
pub(crate) fn hide() {
    BARS.set_draw_target(ProgressDrawTarget::hidden());
}

/// For `count` things, of which `{pos}/{len} WHAT` is said.
pub(crate) fn items(count: u64, what: &str) -> ProgressBar {
    bar(count, &format!("{{wide_bar}} {{pos}}/{{len}} {what}"))
}

/// For `count` bytes.
pub(crate) fn bytes(count: u64, what: &str) -> ProgressBar {
    bar(
        count,
        &format!("{{wide_bar}} {{bytes}} of {{total_bytes}} {what}"),
    )
}

fn bar(count: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template);
    let bar = ProgressBar::new(count);
    BARS.add(bar)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
