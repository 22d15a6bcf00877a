// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! By which name the mediator refused a program: it is in the log.

use std::sync::Mutex;

use translator::Code;

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Keep;

impl log::Log for Keep {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Debug && metadata.target().starts_with("vfio_ccw")
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.level() <= log::Level::Warn {
            println!("        log: {}: {}", record.target(), record.args());
        }
        if self.enabled(record.metadata())
            && let Ok(mut lines) = LINES.lock()
        {
            lines.push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

/// From now on, logs are kept.
pub(crate) fn keep() -> Result<(), log::SetLoggerError> {
    log::set_logger(&Keep)?;
    log::set_max_level(log::LevelFilter::Debug);
    Ok(())
}

/// What was logged so far does not matter.
pub(crate) fn forget() {
    if let Ok(mut lines) = LINES.lock() {
        lines.clear();
    }
}

/// The name by which a program was refused since then.
pub(crate) fn refused() -> Option<&'static str> {
    let lines = LINES.lock().ok()?;
    let mut words = lines.iter().flat_map(|line| line.split_whitespace());
    words.find_map(|word| {
        let code = Code::parse(word.trim_matches(|c: char| !c.is_alphanumeric()))?;
        (code.id().starts_with('E')).then_some(code.id())
    })
}
